//! `kubectl label` and `kubectl annotate`.

use serde_json::{Map, Value, json};

use super::shared::{
    ALL, DRY, FILES, LOCAL, OVERWRITE, PRINT, RECORD, SELECT, command, is_update, query, record,
};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::output;
use crate::select::{self, Target};
use crate::session::{MERGE, Session, with_query};
use crate::text::json::{bare, entries, set};

pub(super) const LABEL: Command = command(
    "label",
    &[
        FILES, PRINT, DRY, SELECT, ALL, OVERWRITE, LOCAL, LISTING, RECORD,
    ],
    label,
);

pub(super) const ANNOTATE: Command = command(
    "annotate",
    &[
        FILES, PRINT, DRY, SELECT, ALL, OVERWRITE, LOCAL, LISTING, RECORD,
    ],
    annotate,
);

const LISTING: &[Flag] = &[
    flag("list", Bool, "false"),
    flag("resource-version", Text, ""),
];

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
            (Some((key, value)), _) => {
                if words.field == "labels" {
                    check_label(update, value)?;
                }
                new.push((key, value));
            }
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
        return Err(Fail::message(if words.field == "labels" {
            "can not both modify and remove a label in the same command".to_owned()
        } else {
            format!(
                "can not both modify and remove the following annotation(s) in the same command: {key}"
            )
        }));
    }
    let listing = parsed.is("list");
    if who.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(
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
    for target in select::fetch_or_local(session, parsed, who)? {
        if listing {
            list_marks(session, &target, words, &new, &gone)?;
        } else if !updates.is_empty()
            && let Err(fail) = mark_one(session, parsed, words, &target, &new, &gone)
        {
            fails.push(fail);
        }
    }
    Fail::collect(fails)
}

/// Says what is wrong with a label before the server does.
fn check_label(update: &str, value: &str) -> Outcome {
    if value.contains('=') {
        return Err(Fail::message(format!("invalid label spec: {update}")));
    }
    let fits = |c: char| c.is_ascii_alphanumeric();
    let whole = value.chars().all(|c| fits(c) || "-_.".contains(c));
    if whole && (value.is_empty() || value.starts_with(fits) && value.ends_with(fits)) {
        return Ok(());
    }
    Err(Fail::message(format!(
        "invalid label value: {}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        quoted(update)
    )))
}

/// Lists the marks as they would be; together with changes nothing is sent, as the stock client has it.
fn list_marks(
    session: &mut Session<'_, '_>,
    target: &Target,
    words: &Words,
    new: &[(&str, &str)],
    gone: &[&str],
) -> Outcome {
    let mut object = target.object.clone();
    for (key, value) in new {
        set(&mut object, &["metadata", words.field, key], json!(value));
    }
    if let Some(marks) = object["metadata"][words.field].as_object_mut() {
        gone.iter().for_each(|key| drop(marks.remove(*key)));
    }
    let lines: String = entries(&object, &format!("metadata.{}", words.field))
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
                return Err(Fail::message(if words.field == "labels" {
                    format!("'{key}' already has a value ({before}), and --overwrite is false")
                } else {
                    format!(
                        "--overwrite is false but found the following declared annotation(s): '{key}' already has a value ({before})"
                    )
                }));
            }
            _ => drop(changes.insert((*key).to_owned(), json!(value))),
        }
    }
    for key in gone {
        if old.get(*key).is_some() {
            changes.insert((*key).to_owned(), Value::Null);
        } else {
            // Annotations that are not there are passed over in silence.
            if words.field == "labels" {
                session.out(&format!("{} \"{key}\" not found.\n", words.one))?;
            }
        }
    }
    let removed_only = new.is_empty() && !changes.is_empty();
    let verb = if changes.is_empty() {
        words.not_done
    } else if removed_only {
        words.undone
    } else {
        words.done
    };
    let object = if changes.is_empty() || parsed.is("local") || parsed.dry_run()? == "client" {
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
        let mut body = json!({"metadata": {words.field: &changes}});
        if parsed.given("resource-version") {
            body["metadata"]["resourceVersion"] = json!(parsed.text("resource-version"));
        }
        session.patch(
            &with_query(&target.path(), &query(parsed, words.manager)?),
            MERGE,
            body.to_string().into_bytes(),
        )?
    };
    if !changes.is_empty() && !parsed.is("local") {
        record(session, parsed, &target.path())?;
    }
    output::report(session, parsed, &object, &target.shown(), verb)
}
