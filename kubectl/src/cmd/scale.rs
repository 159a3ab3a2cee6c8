//! `kubectl scale`.

use serde_json::{Value, json};

use super::shared::{ALL, DRY, FILES, PRINT, RECORD, SELECT, command, record};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Duration, Int};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::http::LOOK_AGAIN;
use crate::output;
use crate::select::{self, Target};
use crate::session::{JSON, MERGE, Next, Session, with_query};
use crate::text::json::{int, list, text};

pub(super) const COMMAND: Command = command(
    "scale",
    &[FILES, PRINT, DRY, SELECT, ALL, FLAGS, RECORD],
    scale,
);

const FLAGS: &[Flag] = &[
    flag("current-replicas", Int, "-1"),
    flag("replicas", Int, "0"),
    flag("timeout", Duration, "0s"),
];

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
    if parsed.int("current-replicas") < -1 {
        return Err(Fail::message(
            "The --current-replicas must specify an integer of -1 or greater",
        ));
    }
    let targets = select::fetch(session, parsed, &parsed.args)?;
    if targets.is_empty() {
        return Err(Fail::message("no objects passed to scale"));
    }
    for mut target in targets {
        let expected = parsed.int("current-replicas");
        let current = int(&target.object, "spec.replicas");
        if parsed.given("current-replicas") && expected >= 0 && expected != current {
            return Err(Fail::message(format!(
                "Expected replicas to be {expected}, was {current}"
            )));
        }
        if parsed.dry_run()? != "client" {
            let query: &[(&str, &str)] = if parsed.dry_run()? == "server" {
                &[("dryRun", "All")]
            } else {
                &[]
            };
            let body = json!({"spec": {"replicas": replicas}});
            let path = with_query(&format!("{}/scale", target.path()), query);
            let mut resource = target.resource.clone();
            resource.group.clear();
            session
                .patch(&path, MERGE, body.to_string().into_bytes())
                .map_err(|fail| fail.about("patch", &resource, &target.name))?;
            record(session, parsed, &target.path())?;
        }
        let timeout = parsed.duration("timeout");
        if timeout > 0 && parsed.dry_run()? == "none" {
            let deadline = session.now_nanos() + timeout.unsigned_abs();
            wait_scaled(session, &target, replicas, deadline)?;
        }
        target.object["spec"]["replicas"] = json!(replicas);
        output::report(session, parsed, &target.object, &target.shown(), "scaled")?;
    }
    Ok(())
}

/// Waits until the object has as many replicas as it should have.
fn wait_scaled(
    session: &mut Session<'_, '_>,
    target: &Target,
    replicas: i64,
    deadline: u64,
) -> Outcome {
    let collection = target.resource.path(&target.namespace, "");
    let selector = format!("metadata.name={}", target.name);
    let scaled = |object: &Value| {
        int(object, "status.observedGeneration") >= int(object, "metadata.generation")
            && int(object, "status.replicas") == replicas
    };
    while session.now_nanos() < deadline {
        let query = [("fieldSelector", selector.as_str())];
        let found = session.get(&with_query(&collection, &query))?;
        if list(&found, "items").first().is_some_and(scaled) {
            return Ok(());
        }
        let query = [
            ("allowWatchBookmarks", "true"),
            ("fieldSelector", selector.as_str()),
            ("resourceVersion", text(&found, "metadata.resourceVersion")),
            ("watch", "true"),
        ];
        let mut stream = session.stream(&with_query(&collection, &query), JSON)?;
        while let Next::Some(event) = stream.event(session, Some(deadline)) {
            if event["type"] == "ERROR" {
                break;
            }
            if scaled(&event["object"]) {
                return Ok(());
            }
        }
        // A server that ends a watch at once is not asked again at once.
        (session.io.sleep)(LOOK_AGAIN);
    }
    Err(Fail::message(format!(
        "timed out waiting for {} to be synced",
        quoted(&target.name)
    )))
}
