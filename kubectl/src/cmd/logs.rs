//! `kubectl logs`.

use super::pods::{Place, container, containers, pods_of};
use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Duration, Int, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::select;
use crate::session::{Next, Session, with_query};
use crate::text::json::text;

pub(super) const COMMAND: Command = command(
    "logs",
    "Print the logs for a container in a pod",
    "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    &[FLAGS],
    logs,
);

const FLAGS: &[Flag] = &[
    flag(
        "all-containers",
        Bool,
        "false",
        "Get all containers' logs in the pod(s).",
    ),
    flag(
        "all-pods",
        Bool,
        "false",
        "Get logs from all pod(s). Sets prefix to true.",
    ),
    short(
        'c',
        "container",
        Text,
        "",
        "Print the logs of this container",
    ),
    short(
        'f',
        "follow",
        Bool,
        "false",
        "Specify if the logs should be streamed.",
    ),
    flag(
        "limit-bytes",
        Int,
        "0",
        "Maximum bytes of logs to return. Defaults to no limit.",
    ),
    flag(
        "max-log-requests",
        Int,
        "5",
        "Specify maximum number of concurrent logs to follow when using by a selector. Defaults to 5.",
    ),
    flag(
        "prefix",
        Bool,
        "false",
        "Prefix each log line with the log source (pod name and container name)",
    ),
    short(
        'p',
        "previous",
        Bool,
        "false",
        "If true, print the logs for the previous instance of the container in a pod if it exists.",
    ),
    short(
        'l',
        "selector",
        Text,
        "",
        "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.",
    ),
    flag(
        "since",
        Duration,
        "0s",
        "Only return logs newer than a relative duration like 5s, 2m, or 3h. Defaults to all logs.",
    ),
    flag(
        "since-time",
        Text,
        "",
        "Only return logs after a specific date (RFC3339). Defaults to all logs.",
    ),
    flag(
        "tail",
        Int,
        "-1",
        "Lines of recent log file to display. Defaults to -1 with no selector, showing all log lines otherwise 10, if a selector is provided.",
    ),
    flag(
        "timestamps",
        Bool,
        "false",
        "Include timestamps on each line in the log output",
    ),
];

/// `kubectl logs`.
pub(crate) fn logs(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let selector = parsed.text("selector").to_owned();
    if parsed.args.is_empty() && selector.is_empty() {
        return Err(Fail::usage(
            "logs",
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
        ));
    }
    if parsed.args.len() > 2 {
        return Err(Fail::usage(
            "logs",
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
        ));
    }
    let namespace = session.namespace()?;
    let mut places = if selector.is_empty() {
        pods_of(session, &parsed.args[0]).map_err(|fail| missing(fail, &namespace))?
    } else {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let found = session.get(&with_query(&path, &[("labelSelector", &selector)]))?;
        select::items(&found)
            .into_iter()
            .map(|pod| Place {
                pod,
                namespace: namespace.clone(),
            })
            .collect()
    };
    if places.is_empty() {
        if selector.is_empty() {
            return Err(Fail::message("timed out waiting for the condition"));
        }
        session.err(&format!("No resources found in {namespace} namespace.\n"));
        return Ok(());
    }
    let every = parsed.is("all-pods");
    if selector.is_empty() && !every && places.len() > 1 {
        let line = format!(
            "Found {} pods, using pod/{}\n",
            places.len(),
            places[0].name()
        );
        session.err(&line);
        places.truncate(1);
    }
    let several = places.len() > 1;
    for place in &places {
        let wanted: Vec<String> = if parsed.is("all-containers") {
            containers(&place.pod)
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect()
        } else if let Some(name) = parsed.args.get(1) {
            vec![name.clone()]
        } else {
            vec![
                container(session, parsed, &place.pod)
                    .map_err(|fail| no_container(fail, parsed, place))?,
            ]
        };
        for name in wanted {
            log(
                session,
                parsed,
                place,
                &name,
                several || !selector.is_empty(),
            )?;
        }
    }
    Ok(())
}

fn no_container(fail: Fail, parsed: &Parsed, place: &Place) -> Fail {
    match fail {
        Fail::Message(_) if parsed.given("container") => Fail::message(format!(
            "container {} is not valid for pod {}",
            parsed.text("container"),
            place.name()
        )),
        other => other,
    }
}

/// The words for a pod that is not there, as `kubectl logs` puts them.
fn missing(fail: Fail, namespace: &str) -> Fail {
    match &fail {
        Fail::Status(status, _) if fail.is_not_found() => Fail::message(format!(
            "error from server (NotFound): {} in namespace {}",
            text(status, "message"),
            quoted(namespace)
        )),
        _ => fail,
    }
}

pub(super) fn log(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    place: &Place,
    container: &str,
    by_selector: bool,
) -> Outcome {
    let mut query = vec![("container", container.to_owned())];
    let mut set = |on: bool, key: &'static str| {
        if on {
            query.push((key, "true".to_owned()));
        }
    };
    set(parsed.is("follow"), "follow");
    set(parsed.is("previous"), "previous");
    set(parsed.is("timestamps"), "timestamps");
    if parsed.given("tail") && parsed.int("tail") >= 0 {
        query.push(("tailLines", parsed.int("tail").to_string()));
    } else if by_selector && !parsed.given("tail") {
        query.push(("tailLines", "10".to_owned()));
    }
    if parsed.given("since") {
        query.push((
            "sinceSeconds",
            (parsed.duration("since") as f64 / 1e9).ceil().to_string(),
        ));
    }
    if parsed.given("since-time") {
        query.push(("sinceTime", parsed.text("since-time").to_owned()));
    }
    if parsed.given("limit-bytes") {
        query.push(("limitBytes", parsed.text("limit-bytes").to_owned()));
    }
    let pairs: Vec<(&str, &str)> = query
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let mut stream = session.stream(
        &with_query(&place.path("log"), &pairs),
        "application/json, */*",
    )?;
    let prefix = if parsed.is("prefix") {
        format!("[pod/{}/{container}] ", place.name())
    } else {
        String::new()
    };
    let mut fresh_line = true;
    while let Next::Some(piece) = stream.piece(session, None) {
        if prefix.is_empty() {
            session
                .io
                .stdout
                .write_all(&piece)
                .and_then(|()| session.io.stdout.flush())
                .map_err(|_| Fail::Exit(1))?;
            continue;
        }
        for line in String::from_utf8_lossy(&piece).split_inclusive('\n') {
            let start = if fresh_line { prefix.as_str() } else { "" };
            session.out(&format!("{start}{line}"))?;
            fresh_line = line.ends_with('\n');
        }
    }
    Ok(())
}
