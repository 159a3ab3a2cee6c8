//! `kubectl scale`.

use serde_json::json;

use super::shared::{ALL, DRY, FILES, PRINT, SELECT, command};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Duration, Int};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::output;
use crate::select::{self};
use crate::session::{MERGE, Session, with_query};
use crate::text::json::int;

pub(super) const COMMAND: Command = command(
    "scale",
    "Set a new size for a deployment, replica set, or replication controller",
    "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
    &[FILES, PRINT, DRY, SELECT, ALL, FLAGS],
    scale,
);

const FLAGS: &[Flag] = &[
    flag(
        "current-replicas",
        Int,
        "-1",
        "Precondition for current size. Requires that the current size of the resource match this value in order to scale. -1 (default) for no condition.",
    ),
    flag(
        "replicas",
        Int,
        "0",
        "The new desired number of replicas. Required.",
    ),
    flag(
        "timeout",
        Duration,
        "0s",
        "The length of time to wait before giving up on a scale operation, zero means don't wait.",
    ),
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
