//! `kubectl wait`: for a condition, a JSONPath value, creation or deletion.

use serde_json::Value;

use super::shared::{ALL, FILES, PRINT, SELECT, command};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Duration, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::jsonpath::Template;
use crate::output::report_wet;
use crate::select::{self, Target};
use crate::session::{JSON, Next, Session, with_query};
use crate::text::json::{bare, int, list, text};

pub(super) const COMMAND: Command = command("wait", &[FILES, PRINT, SELECT, ALL, FLAGS], run);

const FLAGS: &[Flag] = &[flag("for", Text, ""), flag("timeout", Duration, "30s")];

enum For {
    Condition(String, String),
    JsonPath(Template, Option<String>),
    Delete,
    Create,
}

pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let wanted = wanted(parsed.text("for"))?;
    let timeout = parsed.duration("timeout");
    let timeout = if timeout < 0 {
        7 * 24 * 3600 * 1_000_000_000
    } else {
        timeout
    };
    let deadline = session.now_nanos() + timeout.unsigned_abs();
    let targets = match wanted {
        For::Delete => existing(session, parsed)?,
        For::Create => return created(session, parsed, deadline),
        _ => select::fetch(session, parsed, &parsed.args)?,
    };
    if targets.is_empty() {
        return match wanted {
            For::Delete => Ok(()),
            _ => Err(Fail::message("no matching resources found")),
        };
    }
    let mut fails = Vec::new();
    for target in targets {
        match wait_one(session, &wanted, &target, deadline) {
            Ok(object) => report_wet(session, parsed, &object, &target.shown(), "condition met")?,
            Err(fail) => fails.push(fail),
        }
    }
    Fail::collect(fails)
}

fn wanted(text: &str) -> Outcome<For> {
    if text.is_empty() {
        return Err(Fail::message("unrecognized condition: []"));
    }
    if text == "delete" {
        return Ok(For::Delete);
    }
    if text == "create" {
        return Ok(For::Create);
    }
    if let Some(condition) = text.strip_prefix("condition=") {
        let (name, value) = condition.split_once('=').unwrap_or((condition, "true"));
        return Ok(For::Condition(name.to_owned(), value.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("jsonpath=") {
        let end = rest
            .find('}')
            .map_or_else(|| rest.find('=').unwrap_or(rest.len()), |at| at + 1);
        let value = rest[end..]
            .strip_prefix('=')
            .map(|value| value.trim_matches('"').to_owned());
        let path = rest[..end].trim_matches('\'');
        let template = Template::parse_relaxed(path)
            .map_err(|error| Fail::message(format!("error parsing jsonpath {path}, {error}")))?;
        return Ok(For::JsonPath(template, value));
    }
    Err(Fail::message(format!(
        "unrecognized condition: {}",
        quoted(text)
    )))
}

/// What there is of the objects that are to go; one that is gone already is as good as met.
fn existing(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Target>> {
    match select::fetch(session, parsed, &parsed.args) {
        Err(fail) if fail.is_not_found() => {
            // The stock client has nothing to say about what is not there.
            Ok(Vec::new())
        }
        other => other,
    }
}

fn created(session: &mut Session<'_, '_>, parsed: &Parsed, deadline: u64) -> Outcome {
    let pairs = select::named(session, &parsed.args)?;
    let namespace = session.namespace()?;
    for (resource, name) in pairs {
        let object = loop {
            match session.get(&resource.path(&namespace, &name)) {
                Ok(object) => break object,
                Err(fail) if !fail.is_not_found() => return Err(fail),
                Err(_) if session.now_nanos() >= deadline => {
                    return Err(Fail::message("timed out waiting for the condition"));
                }
                Err(_) => (session.io.sleep)(std::time::Duration::from_millis(200)),
            }
        };
        let shown = format!("{}/{name}", resource.kind_group());
        report_wet(session, parsed, &object, &shown, "condition met")?;
    }
    Ok(())
}

/// The object as it was last seen, once what is waited for has come.
fn wait_one(
    session: &mut Session<'_, '_>,
    wanted: &For,
    target: &Target,
    deadline: u64,
) -> Outcome<Value> {
    if matches!(wanted, For::Delete) {
        let uid = text(&target.object, "metadata.uid");
        super::delete::wait_gone(session, &target.path(), uid, Some(deadline))?;
        return Ok(target.object.clone());
    }
    let collection = target.resource.path(&target.namespace, "");
    let selector = format!("metadata.name={}", target.name);
    let late = || {
        Fail::message(format!(
            "timed out waiting for the condition on {}/{}",
            target.resource.plural, target.name
        ))
    };
    loop {
        let found = session.get(&with_query(&collection, &[("fieldSelector", &selector)]))?;
        let Some(object) = list(&found, "items").first() else {
            return Err(Fail::message(format!(
                "{} {} not found",
                target.resource.plural_group(),
                quoted(&target.name)
            )));
        };
        if met(wanted, object)? {
            return Ok(object.clone());
        }
        let version = text(&found, "metadata.resourceVersion");
        let query = [
            ("allowWatchBookmarks", "true"),
            ("fieldSelector", selector.as_str()),
            ("resourceVersion", version),
            ("watch", "true"),
        ];
        let mut stream = session.stream(&with_query(&collection, &query), JSON)?;
        loop {
            match stream.event(session, Some(deadline)) {
                Next::Some(event) if event["type"] == "DELETED" => return Err(late()),
                Next::Some(event) if event["type"] == "ERROR" => break,
                Next::Some(event) if event["type"] == "BOOKMARK" => {}
                Next::Some(event) => {
                    if met(wanted, &event["object"])? {
                        return Ok(event["object"].clone());
                    }
                }
                Next::End => break,
                Next::TimedOut => return Err(late()),
            }
        }
        if session.now_nanos() >= deadline {
            return Err(late());
        }
    }
}

fn met(wanted: &For, object: &Value) -> Outcome<bool> {
    match wanted {
        For::Condition(name, value) => {
            Ok(list(object, "status.conditions").iter().any(|condition| {
                // A condition of an older generation says nothing about this one.
                let observed = condition.get("observedGeneration").and_then(Value::as_i64);
                let fresh =
                    observed.is_none_or(|observed| observed >= int(object, "metadata.generation"));
                text(condition, "type").eq_ignore_ascii_case(name)
                    && text(condition, "status").eq_ignore_ascii_case(value)
                    && fresh
            }))
        }
        For::JsonPath(template, value) => {
            let found = template.find(object).map_err(Fail::message)?;
            match (&found[..], value) {
                ([], _) => Ok(false),
                (_, None) => Ok(true),
                ([one], Some(value)) if one.is_array() || one.is_object() => {
                    Err(Fail::message(format!(
                        "jsonpath leads to a nested object or list and cannot be compared to {}",
                        quoted(value)
                    )))
                }
                ([one], Some(value)) => Ok(bare(one) == *value),
                _ => Err(Fail::message(
                    "given jsonpath expression matches more than one value",
                )),
            }
        }
        For::Delete | For::Create => Ok(false),
    }
}
