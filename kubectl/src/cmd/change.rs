//! Small changes to objects that exist: label, annotate, scale, patch, set image, cordon, taint.

use serde_json::{Map, Value, json};

use crate::fail::{Fail, Outcome};
use crate::flags::Parsed;
use crate::merge;
use crate::output;
use crate::select::{self, Target};
use crate::session::{JSON_PATCH, MERGE, STRATEGIC, Session, with_query};
use crate::text::json::{bare, entries, int, list, set, text};
use crate::yaml;

/// The words in which labels and annotations differ.
struct Words {
    field: &'static str,
    one: &'static str,
    manager: &'static str,
    done: &'static str,
    undone: &'static str,
    not_done: &'static str,
}

const LABELS: Words = Words {
    field: "labels",
    one: "label",
    manager: "kubectl-label",
    done: "labeled",
    undone: "unlabeled",
    not_done: "not labeled",
};
const ANNOTATIONS: Words = Words {
    field: "annotations",
    one: "annotation",
    manager: "kubectl-annotate",
    done: "annotated",
    undone: "annotated",
    not_done: "annotated",
};

pub(crate) fn label(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    mark(session, parsed, &LABELS)
}

pub(crate) fn annotate(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    mark(session, parsed, &ANNOTATIONS)
}

fn is_update(arg: &str) -> bool {
    arg.contains('=') || (arg.len() > 1 && arg.ends_with('-'))
}

fn mark(session: &mut Session<'_, '_>, parsed: &Parsed, words: &Words) -> Outcome {
    let split = parsed
        .args
        .iter()
        .position(|arg| is_update(arg))
        .unwrap_or(parsed.args.len());
    let (who, updates) = parsed.args.split_at(split);
    let mut new: Vec<(&str, &str)> = Vec::new();
    let mut gone: Vec<&str> = Vec::new();
    for update in updates {
        match (update.split_once('='), update.strip_suffix('-')) {
            (Some((key, value)), _) => new.push((key, value)),
            (None, Some(key)) => gone.push(key),
            (None, None) => {
                return Err(Fail::message(format!(
                    "all resources must be specified before {} changes: {update}",
                    words.one
                )));
            }
        }
    }
    if let Some((key, _)) = new.iter().find(|(key, _)| gone.contains(key)) {
        return Err(Fail::message(format!(
            "can not both modify and remove a {} in the same command: {key:?}",
            words.one
        )));
    }
    let listing = parsed.is("list");
    if who.is_empty() && !parsed.given("filename") {
        return Err(Fail::usage(
            &parsed.path,
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    if updates.is_empty() && !listing {
        return Err(Fail::message(format!(
            "at least one {} update is required",
            words.one
        )));
    }
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, who)? {
        if listing {
            list_marks(session, &target, words)?;
        }
        if !updates.is_empty()
            && let Err(fail) = mark_one(session, parsed, words, &target, &new, &gone)
        {
            fails.push(fail);
        }
    }
    Fail::collect(fails)
}

fn list_marks(session: &mut Session<'_, '_>, target: &Target, words: &Words) -> Outcome {
    let lines: String = entries(&target.object, &format!("metadata.{}", words.field))
        .iter()
        .map(|(key, value)| format!("{key}={}\n", bare(value)))
        .collect();
    session.out(&lines)
}

fn mark_one(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    words: &Words,
    target: &Target,
    new: &[(&str, &str)],
    gone: &[&str],
) -> Outcome {
    let old = &target.object["metadata"][words.field];
    let mut changes = Map::new();
    for (key, value) in new {
        match old.get(*key).and_then(Value::as_str) {
            Some(before) if before == *value => {}
            Some(before) if !parsed.is("overwrite") => {
                return Err(Fail::message(format!(
                    "'{key}' already has a value ({before}), and --overwrite is false"
                )));
            }
            _ => drop(changes.insert((*key).to_owned(), json!(value))),
        }
    }
    let mut missing = false;
    for key in gone {
        if old.get(*key).is_some() {
            changes.insert((*key).to_owned(), Value::Null);
        } else {
            missing = true;
            session.out(&format!("{} \"{key}\" not found.\n", words.one))?;
        }
    }
    let removed_only = new.is_empty() && !changes.is_empty();
    let verb = if changes.is_empty() && !missing {
        words.not_done
    } else if removed_only {
        words.undone
    } else {
        words.done
    };
    let object = if changes.is_empty() || parsed.dry_run()? == "client" {
        let mut object = target.object.clone();
        for (key, value) in &changes {
            if value.is_null() {
                object["metadata"][words.field]
                    .as_object_mut()
                    .map(|map| map.remove(key));
            } else {
                set(&mut object, &["metadata", words.field, key], value.clone());
            }
        }
        object
    } else {
        let body = json!({"metadata": {words.field: changes}});
        session.patch(
            &with_query(&target.path(), &query(parsed, words.manager)?),
            MERGE,
            body.to_string().into_bytes(),
        )?
    };
    output::report(session, parsed, &object, &target.shown(), verb)
}

fn query<'p>(parsed: &'p Parsed, manager: &'p str) -> Outcome<Vec<(&'static str, &'p str)>> {
    let mut query = vec![("fieldManager", manager)];
    if parsed.dry_run()? == "server" {
        query.push(("dryRun", "All"));
    }
    Ok(query)
}

/// `kubectl scale`.
pub(crate) fn scale(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !parsed.given("replicas") {
        return Err(Fail::message("required flag(s) \"replicas\" not set"));
    }
    let replicas = parsed.int("replicas");
    if replicas < 0 {
        return Err(Fail::message(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
        ));
    }
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, &parsed.args)? {
        let expected = parsed.int("current-replicas");
        let current = int(&target.object, "spec.replicas");
        if parsed.given("current-replicas") && expected >= 0 && expected != current {
            fails.push(Fail::message(format!(
                "Expected replicas to be {expected}, was {current}"
            )));
            continue;
        }
        if parsed.dry_run()? != "client" {
            let query: &[(&str, &str)] = if parsed.dry_run()? == "server" {
                &[("dryRun", "All")]
            } else {
                &[]
            };
            let body = json!({"spec": {"replicas": replicas}});
            let path = with_query(&format!("{}/scale", target.path()), query);
            if let Err(fail) = session.patch(&path, MERGE, body.to_string().into_bytes()) {
                fails.push(fail);
                continue;
            }
        }
        output::report(session, parsed, &target.object, &target.shown(), "scaled")?;
    }
    Fail::collect(fails)
}

/// `kubectl patch`.
pub(crate) fn patch(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let given = if parsed.given("patch-file") {
        let path = parsed.text("patch-file");
        let content = session.io.files.read(path).map_err(|error| {
            Fail::message(format!(
                "unable to read patch file: open {path}: {}",
                crate::config::reason(&error)
            ))
        })?;
        String::from_utf8_lossy(&content).into_owned()
    } else {
        parsed.text("patch").to_owned()
    };
    if given.trim().is_empty() {
        return Err(Fail::usage(
            "patch",
            "must specify --patch or --patch-file containing the contents of the patch",
        ));
    }
    let kind = match parsed.text("type") {
        "" | "strategic" => STRATEGIC,
        "merge" => MERGE,
        "json" => JSON_PATCH,
        other => {
            return Err(Fail::usage(
                "patch",
                format!("--type must be one of [json merge strategic], not {other:?}"),
            ));
        }
    };
    let body = patch_body(&given);
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, &parsed.args)? {
        if parsed.dry_run()? == "client" {
            return Err(Fail::not_in_lab("patch --dry-run=client"));
        }
        let subresource = match parsed.text("subresource") {
            "" => String::new(),
            name => format!("/{name}"),
        };
        let path = with_query(
            &format!("{}{subresource}", target.path()),
            &query(parsed, "kubectl-patch")?,
        );
        match session.patch(&path, kind, body.clone()) {
            Ok(object) => {
                let changed = object != target.object;
                let verb = if changed {
                    "patched"
                } else {
                    "patched (no change)"
                };
                output::report(session, parsed, &object, &target.shown(), verb)?;
            }
            Err(fail) => fails.push(fail),
        }
    }
    Fail::collect(fails)
}

/// The patch as JSON; what is no YAML either goes to the server as it is, whose words explain it.
fn patch_body(text: &str) -> Vec<u8> {
    if serde_json::from_str::<Value>(text).is_ok() {
        return text.as_bytes().to_vec();
    }
    match yaml::documents(text) {
        Ok(documents)
            if documents.len() == 1
                && documents[0].is_object()
                && !text.trim_start().starts_with('{') =>
        {
            documents[0].to_string().into_bytes()
        }
        _ => text.as_bytes().to_vec(),
    }
}

/// The path of the pod spec in an object of some kind.
pub(crate) fn pod_spec_path(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    }
}

fn pod_spec<'v>(object: &'v mut Value, kind: &str) -> &'v mut Value {
    pod_spec_path(kind)
        .iter()
        .fold(object, |value, key| &mut value[*key])
}

/// `kubectl set image`.
pub(crate) fn set_image(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let split = parsed
        .args
        .iter()
        .position(|arg| arg.contains('='))
        .unwrap_or(parsed.args.len());
    let (who, images) = parsed.args.split_at(split);
    if who.is_empty() && !parsed.given("filename") {
        return Err(Fail::usage(
            "set image",
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    if images.is_empty() {
        return Err(Fail::message("at least one image update is required"));
    }
    let pairs: Vec<(&str, &str)> = images
        .iter()
        .filter_map(|image| image.split_once('='))
        .collect();
    edit_pods(session, parsed, who, "image updated", |spec| {
        for (name, image) in &pairs {
            let mut found = false;
            for field in ["initContainers", "containers"] {
                for container in spec
                    .get_mut(field)
                    .and_then(Value::as_array_mut)
                    .into_iter()
                    .flatten()
                {
                    if *name == "*" || container["name"] == *name {
                        container["image"] = json!(image);
                        found = true;
                    }
                }
            }
            if !found {
                return Err(Fail::message(format!(
                    "unable to find container named \"{name}\""
                )));
            }
        }
        Ok(())
    })
}

/// `kubectl set env`.
pub(crate) fn set_env(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let split = parsed
        .args
        .iter()
        .position(|arg| is_update(arg))
        .unwrap_or(parsed.args.len());
    let (who, updates) = parsed.args.split_at(split);
    if parsed.given("from") {
        return Err(Fail::not_in_lab("set env --from"));
    }
    if parsed.is("list") {
        for target in select::fetch(session, parsed, who)? {
            let mut object = target.object.clone();
            for container in list(pod_spec(&mut object, &target.resource.kind), "containers") {
                session.out(&format!(
                    "# {} {}, container {}\n",
                    target.resource.kind,
                    target.name,
                    text(container, "name")
                ))?;
                for variable in list(container, "env") {
                    session.out(&format!(
                        "{}={}\n",
                        text(variable, "name"),
                        text(variable, "value")
                    ))?;
                }
            }
        }
        return Ok(());
    }
    if updates.is_empty() {
        return Err(Fail::message(
            "at least one environment variable must be provided",
        ));
    }
    edit_pods(session, parsed, who, "env updated", |spec| {
        for container in spec
            .get_mut("containers")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            for update in updates {
                let (name, value) = update
                    .split_once('=')
                    .map_or((update.trim_end_matches('-'), None), |(name, value)| {
                        (name, Some(value))
                    });
                let mut env = container["env"].as_array().cloned().unwrap_or_default();
                match (
                    env.iter_mut().find(|variable| variable["name"] == name),
                    value,
                ) {
                    (Some(variable), Some(value)) => {
                        *variable = json!({"name": name, "value": value})
                    }
                    (None, Some(value)) => env.push(json!({"name": name, "value": value})),
                    (_, None) => env.retain(|variable| variable["name"] != name),
                }
                container["env"] = Value::Array(env);
            }
        }
        Ok(())
    })
}

/// Changes the pod spec of every target and sends the difference.
fn edit_pods(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    who: &[String],
    verb: &str,
    edit: impl Fn(&mut Value) -> Outcome,
) -> Outcome {
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, who)? {
        let mut after = target.object.clone();
        if let Err(fail) = edit(pod_spec(&mut after, &target.resource.kind)) {
            fails.push(fail);
            continue;
        }
        let patch = merge::two_way(&target.resource.kind, &target.object, &after);
        if patch.as_object().is_some_and(Map::is_empty) {
            continue;
        }
        let object = if parsed.dry_run()? == "client" {
            after
        } else {
            let path = with_query(&target.path(), &query(parsed, "kubectl-set")?);
            match session.patch(&path, STRATEGIC, patch.to_string().into_bytes()) {
                Ok(object) => object,
                Err(fail) => {
                    fails.push(fail);
                    continue;
                }
            }
        };
        output::report(session, parsed, &object, &target.shown(), verb)?;
    }
    Fail::collect(fails)
}

/// `kubectl set selector`.
pub(crate) fn set_selector(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let Some((selector, who)) = parsed.args.split_last() else {
        return Err(Fail::message(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    };
    let pairs: Map<String, Value> = selector
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    for target in select::fetch(session, parsed, who)? {
        let mut after = target.object.clone();
        after["spec"]["selector"] = Value::Object(pairs.clone());
        let patch = merge::two_way(&target.resource.kind, &target.object, &after);
        let path = with_query(&target.path(), &query(parsed, "kubectl-set")?);
        let object = session.patch(&path, STRATEGIC, patch.to_string().into_bytes())?;
        output::report(
            session,
            parsed,
            &object,
            &target.shown(),
            "selector updated",
        )?;
    }
    Ok(())
}

pub(crate) fn cordon(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    unschedulable(session, parsed, true)
}

pub(crate) fn uncordon(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    unschedulable(session, parsed, false)
}

fn unschedulable(session: &mut Session<'_, '_>, parsed: &Parsed, wanted: bool) -> Outcome {
    if parsed.args.is_empty() && parsed.text("selector").is_empty() {
        return Err(Fail::usage(
            &parsed.path,
            format!("USAGE: {} NODE [flags]", parsed.path),
        ));
    }
    let args: Vec<String> = std::iter::once("node".to_owned())
        .chain(parsed.args.iter().cloned())
        .collect();
    let args = if parsed.args.iter().any(|arg| arg.contains('/')) {
        parsed.args.clone()
    } else {
        args
    };
    let verb = if wanted { "cordoned" } else { "uncordoned" };
    for target in select::fetch(session, parsed, &args)? {
        if (target.object["spec"]["unschedulable"] == true) == wanted {
            session.out(&format!("{} already {verb}\n", target.shown()))?;
            continue;
        }
        let value = if wanted { json!(true) } else { Value::Null };
        let body = json!({"spec": {"unschedulable": value}});
        session.patch(
            &with_query(&target.path(), &query(parsed, "kubectl-cordon")?),
            STRATEGIC,
            body.to_string().into_bytes(),
        )?;
        session.out(&format!("{} {verb}\n", target.shown()))?;
    }
    Ok(())
}

/// `kubectl taint nodes NAME KEY=VALUE:EFFECT…`.
pub(crate) fn taint(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let split = parsed
        .args
        .iter()
        .position(|arg| arg.contains(':') || is_update(arg))
        .unwrap_or(parsed.args.len());
    let (who, updates) = parsed.args.split_at(split);
    if updates.is_empty() {
        return Err(Fail::message("at least one taint update is required"));
    }
    for target in select::fetch(session, parsed, who)? {
        let mut taints = list(&target.object, "spec.taints").to_vec();
        let mut removed = false;
        for update in updates {
            if let Some(gone) = update.strip_suffix('-') {
                let (key, effect) = gone.split_once(':').unwrap_or((gone, ""));
                let before = taints.len();
                taints.retain(|taint| {
                    taint["key"] != key || (!effect.is_empty() && taint["effect"] != effect)
                });
                if taints.len() == before {
                    return Err(Fail::message(format!("taint \"{gone}\" not found")));
                }
                removed = true;
            } else {
                let (pair, effect) = update.rsplit_once(':').unwrap_or((update, ""));
                if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
                    return Err(Fail::message(format!("invalid taint spec: {update}")));
                }
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let same = |taint: &Value| taint["key"] == key && taint["effect"] == effect;
                if taints.iter().any(same) && !parsed.is("overwrite") {
                    return Err(Fail::message(format!(
                        "node {} already has {key} taint(s) with same effect(s) and --overwrite is false",
                        target.name
                    )));
                }
                taints.retain(|taint| !same(taint));
                let mut taint = json!({"key": key, "effect": effect});
                if !value.is_empty() {
                    taint["value"] = json!(value);
                }
                taints.push(taint);
            }
        }
        let body = json!({"spec": {"taints": if taints.is_empty() { Value::Null } else { json!(taints) }}});
        let path = with_query(&target.path(), &query(parsed, "kubectl-taint")?);
        let object = session.patch(&path, STRATEGIC, body.to_string().into_bytes())?;
        output::report(
            session,
            parsed,
            &object,
            &target.shown(),
            if removed { "untainted" } else { "tainted" },
        )?;
    }
    Ok(())
}
