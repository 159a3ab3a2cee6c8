//! `kubectl set`: changes to the Pod template of a workload, and to a selector.

use serde_json::{Map, Value, json};

use super::shared::{ALL, DRY, FILES, PRINT, SELECT, command, family, is_update, query};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::merge;
use crate::output;
use crate::select::{self};
use crate::session::{STRATEGIC, Session, with_query};
use crate::text::json::{list, text};

pub(super) const COMMAND: Command = family("set", &[], SUBCOMMANDS);

const IMAGE: Command = Command {
    aliases: &["im"],
    ..command("image", &[FILES, PRINT, DRY, SELECT, ALL], set_image)
};

const ENV: Command = command("env", &[FILES, PRINT, DRY, SELECT, ALL, SET_ENV], set_env);

const SELECTOR: Command = command("selector", &[FILES, PRINT, DRY, ALL], set_selector);

const RESOURCES: Command = command(
    "resources",
    &[FILES, PRINT, DRY, SELECT, ALL, SET_RESOURCES],
    set_resources,
);

const SERVICEACCOUNT: Command = Command {
    aliases: &["sa"],
    ..command(
        "serviceaccount",
        &[FILES, PRINT, DRY, ALL],
        set_service_account,
    )
};

const SUBCOMMANDS: &[Command] = &[ENV, IMAGE, RESOURCES, SELECTOR, SERVICEACCOUNT];

const SET_RESOURCES: &[Flag] = &[
    short('c', "containers", Text, "*"),
    flag("limits", Text, ""),
    flag("requests", Text, ""),
];

const SET_ENV: &[Flag] = &[flag("from", Text, ""), flag("list", Bool, "false")];

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
    if who.is_empty() && !select::from_files(parsed) {
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
                if !env.is_empty() || container.get("env").is_some() {
                    container["env"] = Value::Array(env);
                }
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

/// `kubectl set resources`.
fn set_resources(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    let mut wanted: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for field in ["limits", "requests"] {
        let mut pairs = Vec::new();
        for pair in parsed
            .text(field)
            .split(',')
            .filter(|pair| !pair.is_empty())
        {
            pairs.push(pair.split_once('=').ok_or_else(|| {
                Fail::message(format!(
                    "invalid argument syntax {pair}, expected <resource>=<value>"
                ))
            })?);
        }
        wanted.push((field, pairs));
    }
    if wanted.iter().all(|(_, pairs)| pairs.is_empty()) {
        return Err(Fail::message(
            "you must specify an update to requests or limits (in the form of --requests/--limits)",
        ));
    }
    let which = parsed.text("containers");
    edit_pods(
        session,
        parsed,
        &parsed.args,
        "resource requirements updated",
        |spec| {
            let mut found = false;
            for container in spec
                .get_mut("containers")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
                .filter(|container| is_like(which, text(container, "name")))
            {
                found = true;
                for (field, pairs) in &wanted {
                    for (resource, amount) in pairs {
                        container["resources"][*field][*resource] = json!(amount);
                    }
                }
            }
            if found {
                return Ok(());
            }
            Err(Fail::message(format!(
                "unable to find container named {which}"
            )))
        },
    )
}

/// Whether a name is like a pattern in which `*` stands for anything.
fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|left| {
            (0..=left.len())
                .filter(|at| left.is_char_boundary(*at))
                .any(|at| is_like(rest, &left[at..]))
        }),
    }
}

/// `kubectl set serviceaccount`.
fn set_service_account(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let Some((account, who)) = parsed.args.split_last() else {
        return Err(Fail::message("serviceaccount is required"));
    };
    edit_pods(session, parsed, who, "serviceaccount updated", |spec| {
        spec["serviceAccountName"] = json!(account);
        Ok(())
    })
}
