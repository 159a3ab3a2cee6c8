//! `kubectl set`: changes to the Pod template of a workload, and to a selector.

use serde_json::{Map, Value, json};

use super::shared::{ALL, CHANGE_CAUSE, DRY, FILES, PRINT, RECORD, SELECT, command, family, query};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Text;
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::merge;
use crate::output;
use crate::select::{self, Target};
use crate::session::{STRATEGIC, Session, with_query};
use crate::text::json::{at, set, text};

pub(super) const COMMAND: Command = family("set", &[], SUBCOMMANDS);

const IMAGE: Command = Command {
    aliases: &["im"],
    ..command(
        "image",
        &[FILES, PRINT, DRY, SELECT, ALL, RECORD],
        set_image,
    )
};

const SELECTOR: Command = command("selector", &[FILES, PRINT, DRY, ALL], set_selector);

const RESOURCES: Command = command(
    "resources",
    &[FILES, PRINT, DRY, SELECT, ALL, SET_RESOURCES, RECORD],
    set_resources,
);

const SERVICEACCOUNT: Command = Command {
    aliases: &["sa"],
    ..command(
        "serviceaccount",
        &[FILES, PRINT, DRY, ALL, RECORD],
        set_service_account,
    )
};

const SUBCOMMANDS: &[Command] = &[
    super::set_env::COMMAND,
    IMAGE,
    RESOURCES,
    SELECTOR,
    SERVICEACCOUNT,
    super::set_subject::COMMAND,
];

const SET_RESOURCES: &[Flag] = &[
    short('c', "containers", Text, "*"),
    flag("limits", Text, ""),
    flag("requests", Text, ""),
];

/// The path of the pod spec in an object of some kind.
pub(crate) fn pod_spec_path(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    }
}

pub(super) fn pod_spec<'v>(object: &'v mut Value, kind: &str) -> &'v mut Value {
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
        let mut fails = Vec::new();
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
                fails.push(Fail::message(format!(
                    "unable to find container named \"{name}\""
                )));
            }
        }
        Fail::collect(fails)
    })
}

/// Changes the pod spec of every target and sends the difference.
pub(super) fn edit_pods(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    who: &[String],
    verb: &str,
    edit: impl Fn(&mut Value) -> Outcome,
) -> Outcome {
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, who)? {
        let mut after = target.object.clone();
        let kind = &target.resource.kind;
        let path = pod_spec_path(kind).join(".");
        if !at(&after, &path).is_object() {
            fails.push(Fail::message(format!(
                "{}/{} the object is not a pod or does not have a pod template: *{}.{kind}",
                target.resource.plural, target.name, target.resource.version
            )));
            continue;
        }
        if let Err(fail) = edit(pod_spec(&mut after, &target.resource.kind)) {
            fails.push(fail);
            continue;
        }
        if parsed.is("record") {
            set(
                &mut after,
                &["metadata", "annotations", CHANGE_CAUSE],
                json!(parsed.cause()),
            );
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
                    let what = verb.trim_end_matches(" updated");
                    fails.push(not_patched(what, &target, fail));
                    continue;
                }
            }
        };
        output::report(session, parsed, &object, &target.shown(), verb)?;
    }
    Fail::collect(fails)
}

/// What is said when the server refuses a template.
fn not_patched(what: &str, target: &Target, fail: Fail) -> Fail {
    let colon = match what {
        "image" => ":",
        _ => "",
    };
    let words = match what {
        "resource requirements" => "resources",
        other => other,
    };
    match fail {
        Fail::Status(status, _) if status["reason"] == "Invalid" => Fail::message(format!(
            "failed to patch {words} update to pod template{colon} {}",
            text(&status, "message")
        )),
        other => other.about("patch", &target.resource, &target.name),
    }
}

/// `kubectl set selector`.
pub(crate) fn set_selector(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let Some((selector, who)) = parsed.args.split_last() else {
        return Err(Fail::message(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    };
    if who.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    if !selector.contains('=') {
        return Err(Fail::message(format!(
            "match expression [{{{selector} Exists []}}] not supported on this object"
        )));
    }
    let pairs: Map<String, Value> = selector
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    for target in select::fetch(session, parsed, who)? {
        if target.resource.kind != "Service" {
            return Err(Fail::message(
                "setting a selector is only supported for Services",
            ));
        }
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
                    "Invalid argument syntax {pair}, expected <resource>=<value>"
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
pub(super) fn is_like(pattern: &str, name: &str) -> bool {
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
    if who.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    edit_pods(session, parsed, who, "serviceaccount updated", |spec| {
        spec["serviceAccountName"] = json!(account);
        Ok(())
    })
}
