//! `kubectl delete`: asks for deletion and waits until the objects are gone.

use serde_json::{Value, json};

use super::shared::{ALL, DRY, FILES, SELECT, command};
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Duration, Int, Optional, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output::dry_suffix;
use crate::select::{self, Selection};
use crate::session::{JSON, Next, Session, with_query};
use crate::text::json::{list, text};

pub(super) const COMMAND: Command = command(
    "delete",
    &[FILES, PRINT_NAME, DRY, SELECT, ALL, DELETE_FLAGS],
    run,
);

const PRINT_NAME: &[Flag] = &[short('o', "output", Text, "")];

const DELETE_FLAGS: &[Flag] = &[
    flag("cascade", Optional("background"), "background"),
    flag("force", Bool, "false"),
    flag("grace-period", Int, "-1"),
    flag("ignore-not-found", Bool, "false"),
    flag("now", Bool, "false"),
    flag("timeout", Duration, "0s"),
    flag("wait", Bool, "true"),
];

/// The words for a command that needs to be told what it is about.
pub(crate) const NOTHING_NAMED: &str = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

struct Doomed {
    resource: Resource,
    namespace: String,
    name: String,
}

pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let grace = if parsed.is("now") {
        1
    } else {
        parsed.int("grace-period")
    };
    if parsed.is("now") && parsed.given("grace-period") && parsed.int("grace-period") != -1 {
        return Err(Fail::message(
            "--now and --grace-period cannot be specified together",
        ));
    }
    if parsed.is("force") {
        session.warn("Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.");
    }
    let mut fails = Vec::new();
    let doomed = doomed(session, parsed, &mut fails)?;
    if doomed.is_empty() && fails.is_empty() {
        return session.out("No resources found\n");
    }
    let mut waiting = Vec::new();
    for object in doomed {
        match delete(session, parsed, grace, &object) {
            Ok(uid) => waiting.push((object, uid)),
            Err(fail) if parsed.is("ignore-not-found") && fail.is_not_found() => {}
            Err(fail) => fails.push(fail),
        }
    }
    let wait = !parsed.given("wait") || parsed.is("wait");
    if wait && !parsed.is("force") && parsed.dry_run()? == "none" {
        let timeout = parsed.duration("timeout");
        let deadline = (timeout > 0).then(|| session.now_nanos() + timeout.unsigned_abs());
        for (object, uid) in waiting {
            wait_gone(
                session,
                &object.resource.path(&object.namespace, &object.name),
                &uid,
                deadline,
            )?;
        }
    }
    Fail::collect(fails)
}

fn doomed(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    fails: &mut Vec<Fail>,
) -> Outcome<Vec<Doomed>> {
    if select::from_files(parsed) {
        let mut doomed = Vec::new();
        for manifest in select::try_manifests(session, parsed)? {
            match manifest {
                Ok(manifest) => doomed.push(Doomed {
                    name: manifest.name().to_owned(),
                    namespace: manifest.namespace,
                    resource: manifest.resource,
                }),
                Err(fail) => fails.push(fail),
            }
        }
        return Ok(doomed);
    }
    let namespace = session.namespace()?;
    let (selector, fields) = (parsed.text("selector"), parsed.text("field-selector"));
    if parsed.args.is_empty() {
        return Err(Fail::message(NOTHING_NAMED));
    }
    match select::select(session, &parsed.args)? {
        Selection::Named(pairs) => {
            if parsed.is("all") || !selector.is_empty() {
                return Err(Fail::message(
                    "name cannot be provided when a selector is specified",
                ));
            }
            Ok(pairs
                .into_iter()
                .map(|(resource, name)| Doomed {
                    resource,
                    namespace: namespace.clone(),
                    name,
                })
                .collect())
        }
        Selection::Types(_) if selector.is_empty() && fields.is_empty() && !parsed.is("all") => {
            Err(Fail::message(
                "resource(s) were provided, but no name was specified",
            ))
        }
        Selection::Types(resources) => {
            let scope = if parsed.is("all-namespaces") {
                ""
            } else {
                namespace.as_str()
            };
            let mut doomed = Vec::new();
            for resource in resources {
                let mut query = vec![("limit", "500")];
                query.extend(
                    [("labelSelector", selector), ("fieldSelector", fields)]
                        .into_iter()
                        .filter(|(_, text)| !text.is_empty()),
                );
                let found = session.get(&with_query(&resource.path(scope, ""), &query))?;
                doomed.extend(list(&found, "items").iter().map(|item| Doomed {
                    resource: resource.clone(),
                    namespace: text(item, "metadata.namespace").to_owned(),
                    name: text(item, "metadata.name").to_owned(),
                }));
            }
            Ok(doomed)
        }
    }
}

/// Asks for the end of an object; its uid.
fn delete(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    grace: i64,
    object: &Doomed,
) -> Outcome<String> {
    let dry_run = parsed.dry_run()?.to_owned();
    let path = object.resource.path(&object.namespace, &object.name);
    let mut uid = String::new();
    if dry_run == "client" {
        session.get(&path)?;
    } else {
        let policy = match parsed.text("cascade") {
            "" | "background" | "true" => "Background",
            "foreground" => "Foreground",
            "orphan" | "false" => "Orphan",
            other => {
                return Err(Fail::message(format!(
                    "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
                )));
            }
        };
        let mut options = json!({"propagationPolicy": policy});
        if grace >= 0 {
            options["gracePeriodSeconds"] = json!(grace);
        }
        if dry_run == "server" {
            options["dryRun"] = json!(["All"]);
        }
        uid = uid_of(&session.delete(&path, &options)?);
    }
    if parsed.text("output") == "name" {
        let line = format!("{}/{}\n", object.resource.kind_group(), object.name);
        return session.out(&line).map(|()| uid);
    }
    let how = if parsed.is("force") {
        "force deleted"
    } else {
        "deleted"
    };
    let place = if object.resource.namespaced {
        format!(" from {} namespace", object.namespace)
    } else {
        String::new()
    };
    session.out(&format!(
        "{} {} {how}{place}{}\n",
        object.resource.kind_group(),
        quoted(&object.name),
        dry_suffix(&dry_run)
    ))?;
    Ok(uid)
}

/// Whose end a server has begun: it answers with a Status, or with the object that still is there.
pub(super) fn uid_of(answer: &Value) -> String {
    match text(answer, "details.uid") {
        "" => text(answer, "metadata.uid").to_owned(),
        uid => uid.to_owned(),
    }
}

/// What `replace --force` says of the object that was in the way.
pub(super) fn report(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    manifest: &select::Manifest,
) -> Outcome {
    let (kind, name) = (manifest.resource.kind_group(), manifest.name());
    match (parsed.text("output"), manifest.namespace.as_str()) {
        ("", "") => session.out(&format!("{kind} {} deleted\n", quoted(name))),
        ("", namespace) => session.out(&format!(
            "{kind} {} deleted from {namespace} namespace\n",
            quoted(name)
        )),
        _ => Ok(()),
    }
}

/// Waits until a path answers 404, or names another object than that of a uid, if one is given.
pub(crate) fn wait_gone(
    session: &mut Session<'_, '_>,
    path: &str,
    uid: &str,
    deadline: Option<u64>,
) -> Outcome {
    let first = match session.get(path) {
        Ok(object) => object,
        Err(fail) if fail.is_not_found() => return Ok(()),
        Err(fail) => return Err(fail),
    };
    let found = text(&first, "metadata.uid").to_owned();
    if !uid.is_empty() && found != uid {
        return Ok(());
    }
    let uid = found;
    let (collection, name) = path.rsplit_once('/').unwrap_or((path, ""));
    let selector = format!("metadata.name={name}");
    loop {
        let found = session.get(&with_query(collection, &[("fieldSelector", &selector)]))?;
        if !list(&found, "items")
            .iter()
            .any(|item| text(item, "metadata.uid") == uid)
        {
            return Ok(());
        }
        let version = text(&found, "metadata.resourceVersion");
        let query = [
            ("fieldSelector", selector.as_str()),
            ("resourceVersion", version),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
        ];
        let mut stream = session.stream(&with_query(collection, &query), JSON)?;
        loop {
            match stream.event(session, deadline) {
                Next::Some(event) if gone(&event, &uid) => return Ok(()),
                Next::Some(event) if event["type"] == "ERROR" => break,
                Next::Some(_) => {}
                Next::End => break,
                Next::TimedOut => {
                    return Err(Fail::message(format!(
                        "timed out waiting for the condition on {}/{name}",
                        collection.rsplit('/').next().unwrap_or_default()
                    )));
                }
            }
        }
    }
}

fn gone(event: &Value, uid: &str) -> bool {
    let same = text(event, "object.metadata.uid") == uid;
    (event["type"] == "DELETED" && same) || (event["type"] == "ADDED" && !same)
}
