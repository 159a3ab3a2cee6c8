//! `kubectl config set` and `unset`: single fields of the kubeconfig by their path.
//!
//! Only fields that this client knows can be set; there is nothing to say about others.

use serde_json::{Value, json};

use super::config::exactly;
use super::shared::command;
use crate::config::SECTIONS;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::Bool;
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;
use crate::text::base64;

pub(super) const SET: Command = command("set", &[FLAGS], set);

pub(super) const UNSET: Command = command("unset", &[], unset);

const FLAGS: &[Flag] = &[flag("set-raw-bytes", Bool, "false")];

/// What a field holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Bool,
    /// Text in base64.
    Bytes,
}

const FIELDS: &[(&str, &str, Holds)] = &[
    ("clusters", "server", Holds::Text),
    ("clusters", "tls-server-name", Holds::Text),
    ("clusters", "insecure-skip-tls-verify", Holds::Bool),
    ("clusters", "certificate-authority", Holds::Text),
    ("clusters", "certificate-authority-data", Holds::Bytes),
    ("clusters", "proxy-url", Holds::Text),
    ("contexts", "cluster", Holds::Text),
    ("contexts", "user", Holds::Text),
    ("contexts", "namespace", Holds::Text),
    ("users", "client-certificate", Holds::Text),
    ("users", "client-certificate-data", Holds::Bytes),
    ("users", "client-key", Holds::Text),
    ("users", "client-key-data", Holds::Bytes),
    ("users", "token", Holds::Text),
    ("users", "tokenFile", Holds::Text),
    ("users", "username", Holds::Text),
    ("users", "password", Holds::Text),
];

/// What a path leads to.
enum Place<'p> {
    CurrentContext,
    Section(&'p str),
    Entry(&'p str, &'p str),
    Field(&'p str, &'p str, &'p str, Holds),
}

fn place(path: &str) -> Outcome<Place<'_>> {
    let parts: Vec<&str> = path.split('.').collect();
    let section = SECTIONS.iter().find(|(section, _)| *section == parts[0]);
    match (&parts[..], section) {
        (["current-context"], _) => Ok(Place::CurrentContext),
        ([section], Some(_)) => Ok(Place::Section(section)),
        // Names of entries may contain dots; those of fields do not.
        ([section, _, ..], Some(_)) => {
            let rest = &path[section.len() + 1..];
            let last = parts[parts.len() - 1];
            let known = FIELDS
                .iter()
                .find(|(of, field, _)| of == section && *field == last);
            match (rest.rsplit_once('.'), known) {
                (Some((name, field)), Some((_, _, holds))) => {
                    Ok(Place::Field(section, name, field, *holds))
                }
                _ => Ok(Place::Entry(section, rest)),
            }
        }
        _ => Err(Fail::message(format!(
            "unable to parse {path} after [] at api.Config"
        ))),
    }
}

fn set(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [path, value] = exactly(session, parsed)?;
    let mut config = session.config()?;
    match place(path)? {
        Place::CurrentContext => config.value["current-context"] = json!(value),
        Place::Field(section, name, field, holds) => {
            let value = converted(parsed, holds, value)?;
            let known = config.entry(section, name).is_some();
            let entry = config.entry_mut(section, name);
            if !known && section == "contexts" {
                *entry = json!({"cluster": "", "user": ""});
            } else if !known && section == "clusters" {
                *entry = json!({"server": ""});
            }
            entry[field] = value;
        }
        Place::Section(_) => return Err(Fail::message("can't set a map to a value")),
        Place::Entry(section, name) => {
            let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
            return Err(Fail::message(format!(
                "can't set a map to a value: {section}.{name} has no such field"
            )));
        }
    }
    config.save(session.io)?;
    session.out(&format!("Property {} set.\n", quoted(path)))
}

fn converted(parsed: &Parsed, holds: Holds, value: &str) -> Outcome<Value> {
    match holds {
        Holds::Text => Ok(json!(value)),
        Holds::Bool => match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(json!(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(json!(false)),
            _ => Err(Fail::message(format!(
                "strconv.ParseBool: parsing {}: invalid syntax",
                quoted(value)
            ))),
        },
        Holds::Bytes if parsed.is("set-raw-bytes") => Ok(json!(base64::encode(value.as_bytes()))),
        Holds::Bytes => match base64::wrong_at(value) {
            None => Ok(json!(value)),
            Some(at) => Err(Fail::message(format!(
                "error decoding input value: illegal base64 data at input byte {at}"
            ))),
        },
    }
}

fn unset(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [path] = exactly(session, parsed)?;
    let mut config = session.config()?;
    match place(path)? {
        Place::CurrentContext => config.value["current-context"] = json!(""),
        Place::Section(section) => config.value[section] = Value::Null,
        Place::Entry(section, name) => drop(config.remove(section, name)),
        Place::Field(section, name, field, _) => {
            if config.entry(section, name).is_some()
                && let Some(fields) = config.entry_mut(section, name).as_object_mut()
            {
                fields.remove(field);
            }
        }
    }
    config.save(session.io)?;
    session.out(&format!("Property {} unset.\n", quoted(path)))
}
