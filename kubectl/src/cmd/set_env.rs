//! `kubectl set env`: environment variables of a workload's containers, given, taken from elsewhere or listed.
//!
//! It never looks into a container that runs.

use serde_json::{Value, json};

use super::set::{edit_pods, is_like, pod_spec};
use super::shared::{ALL, DRY, FILES, PRINT, RECORD, SELECT, command, is_update};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Array, Bool, List, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::select::{self, Target};
use crate::session::Session;
use crate::text::base64;
use crate::text::json::{bare, entries, list, text};

pub(super) const COMMAND: Command = command(
    "env",
    &[FILES, PRINT, DRY, SELECT, ALL, FLAGS, RECORD],
    set_env,
);

const FLAGS: &[Flag] = &[
    short('c', "containers", Text, "*"),
    short('e', "env", Array, "[]"),
    flag("from", Text, ""),
    flag("keys", List, "[]"),
    flag("list", Bool, "false"),
    flag("overwrite", Bool, "true"),
    flag("prefix", Text, ""),
    flag("resolve", Bool, "false"),
];

/// Variables to set, whole, and the names of those to take away.
#[derive(Default)]
struct Changes {
    new: Vec<Value>,
    gone: Vec<String>,
}

/// `kubectl set env`.
fn set_env(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let split = parsed
        .args
        .iter()
        .position(|arg| is_update(arg))
        .unwrap_or(parsed.args.len());
    let (who, updates) = parsed.args.split_at(split);
    if who.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    let mut changes = Changes::default();
    if parsed.given("from") {
        changes.new = borrowed(session, parsed)?;
    }
    for update in updates.iter().chain(parsed.list("env")) {
        match (update.split_once('='), update.strip_suffix('-')) {
            (Some((name, value)), _) => {
                check_name(name)?;
                changes.new.push(json!({"name": name, "value": value}));
            }
            (None, Some(name)) => changes.gone.push(name.to_owned()),
            (None, None) => {
                return Err(Fail::message(format!(
                    "all resources must be specified before environment changes: {update}"
                )));
            }
        }
    }
    let which = parsed.text("containers");
    if parsed.is("list") || which != "*" {
        for target in select::fetch(session, parsed, who)? {
            if !list_one(session, parsed, &target, which)? {
                let kind = &target.resource.kind;
                session.warn(&format!(
                    "{kind}/{} does not have any containers matching {}",
                    target.name,
                    quoted(which)
                ));
            }
        }
    }
    if parsed.is("list") {
        return Ok(());
    }
    let overwrite = parsed.is("overwrite");
    edit_pods(session, parsed, who, "env updated", |spec| {
        for field in ["containers", "initContainers"] {
            let containers = spec.get_mut(field).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                if is_like(which, text(container, "name")) {
                    change(container, &changes, overwrite)?;
                }
            }
        }
        Ok(())
    })
}

fn check_name(name: &str) -> Outcome {
    let first = name.chars().next();
    let known = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if first.is_some_and(|first| !first.is_ascii_digit()) && name.chars().all(known) {
        return Ok(());
    }
    Err(Fail::message(format!(
        "{} is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')",
        quoted(name)
    )))
}

fn change(container: &mut Value, changes: &Changes, overwrite: bool) -> Outcome {
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    for new in &changes.new {
        match env.iter_mut().find(|known| known["name"] == new["name"]) {
            Some(known) if overwrite || *known == *new => *known = new.clone(),
            Some(_) => {
                return Err(Fail::message(format!(
                    "'{}' already has a value, and --overwrite is false",
                    text(new, "name")
                )));
            }
            None => env.push(new.clone()),
        }
    }
    env.retain(|known| !changes.gone.iter().any(|name| known["name"] == *name));
    if !env.is_empty() || container.get("env").is_some() {
        container["env"] = Value::Array(env);
    }
    Ok(())
}

/// The variables that a ConfigMap or Secret gives, by reference.
fn borrowed(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Value>> {
    let namespace = session.namespace()?;
    let (resource, name) = select::one(session, &[parsed.text("from").to_owned()], "")?;
    let (field, what) = match resource.kind.as_str() {
        "ConfigMap" => ("configMapKeyRef", "configmap"),
        "Secret" => ("secretKeyRef", "secret"),
        kind => {
            return Err(Fail::message(format!(
                "unsupported resource specified in --from: {kind}"
            )));
        }
    };
    let source = session.get(&resource.path(&namespace, &name))?;
    let wanted = parsed.list("keys");
    let mut found = Vec::new();
    for (key, _) in entries(&source, "data") {
        if !wanted.is_empty() && !wanted.iter().any(|known| known == key) {
            continue;
        }
        let plain: String = key
            .to_uppercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        if plain != key {
            session.warn(&format!("key {key} transferred to {plain}"));
        }
        let variable = format!("{}{plain}", parsed.text("prefix"));
        found.push(json!({"name": variable, "valueFrom": {field: {"name": name, "key": key}}}));
    }
    if found.is_empty() {
        return Err(Fail::message(format!("no keys in {what}/{name}")));
    }
    Ok(found)
}

/// Lists the variables of one object, if that is what is wanted; whether there is such a container.
fn list_one(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    target: &Target,
    which: &str,
) -> Outcome<bool> {
    let mut object = target.object.clone();
    let spec = pod_spec(&mut object, &target.resource.kind).clone();
    let mut found = false;
    let containers = [list(&spec, "containers"), list(&spec, "initContainers")].concat();
    for container in &containers {
        if !is_like(which, text(container, "name")) {
            continue;
        }
        found = true;
        if !parsed.is("list") {
            continue;
        }
        let mut out = format!(
            "# {} {}, container {}\n",
            target.resource.kind,
            target.name,
            text(container, "name")
        );
        for variable in list(container, "env") {
            out.push_str(&line(session, parsed, target, variable)?);
        }
        session.out(&out)?;
    }
    Ok(found)
}

fn line(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    target: &Target,
    variable: &Value,
) -> Outcome<String> {
    let name = text(variable, "name");
    let from = &variable["valueFrom"];
    let (map, secret, field) = (
        &from["configMapKeyRef"],
        &from["secretKeyRef"],
        &from["fieldRef"],
    );
    if parsed.is("resolve") && from.is_object() {
        let value = resolved(session, target, from)?;
        return Ok(format!("{name}={value}\n"));
    }
    let of = |reference: &Value, what: &str| {
        format!(
            "# {name} from {what} {}, key {}\n",
            text(reference, "name"),
            text(reference, "key")
        )
    };
    Ok(if map.is_object() {
        of(map, "configmap")
    } else if secret.is_object() {
        of(secret, "secret")
    } else if field.is_object() {
        format!("# {name} from field path {}\n", text(field, "fieldPath"))
    } else if from["resourceFieldRef"].is_object() {
        let reference = &from["resourceFieldRef"];
        let container = match text(reference, "containerName") {
            "" => String::new(),
            container => format!("{container}/"),
        };
        format!(
            "# {name} from resource field {container}{}\n",
            text(reference, "resource")
        )
    } else {
        format!("{name}={}\n", text(variable, "value"))
    })
}

/// What a reference gives now.
fn resolved(session: &mut Session<'_, '_>, target: &Target, from: &Value) -> Outcome<String> {
    for (field, plural) in [
        ("configMapKeyRef", "configmaps"),
        ("secretKeyRef", "secrets"),
    ] {
        let reference = &from[field];
        if !reference.is_object() {
            continue;
        }
        let path = format!(
            "/api/v1/namespaces/{}/{plural}/{}",
            target.namespace,
            text(reference, "name")
        );
        let object = session.get(&path)?;
        let value = bare(&object["data"][text(reference, "key")]);
        return Ok(if plural == "secrets" {
            let bytes = base64::decode(&value).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            value
        });
    }
    let path = text(from, "fieldRef.fieldPath");
    Ok(bare(crate::text::json::at(&target.object, path)))
}
