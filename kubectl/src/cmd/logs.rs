//! `kubectl logs`.

use super::pods::{Place, container, containers, not_valid, pods_of};
use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Duration, Int, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::http::LOOK_AGAIN;
use crate::select;
use crate::session::{Next, Session, Streaming, with_query};
use crate::text::json::text;

pub(super) const COMMAND: Command = command("logs", &[FLAGS], logs);

const FLAGS: &[Flag] = &[
    flag("all-containers", Bool, "false"),
    flag("all-pods", Bool, "false"),
    short('c', "container", Text, ""),
    short('f', "follow", Bool, "false"),
    flag("limit-bytes", Int, "0"),
    flag("max-log-requests", Int, "5"),
    flag("prefix", Bool, "false"),
    short('p', "previous", Bool, "false"),
    short('l', "selector", Text, ""),
    flag("since", Duration, "0s"),
    flag("since-time", Text, ""),
    flag("tail", Int, "-1"),
    flag("timestamps", Bool, "false"),
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
    check(parsed)?;
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
    let mut wanted: Vec<(&Place, String)> = Vec::new();
    for place in &places {
        if parsed.is("all-containers") {
            let names = containers(&place.pod).into_iter();
            wanted.extend(names.map(|(name, _)| (place, name.to_owned())));
        } else if let Some(name) = parsed.args.get(1) {
            if containers(&place.pod)
                .iter()
                .all(|(known, _)| known != name)
            {
                return Err(not_valid(&place.pod, name));
            }
            wanted.push((place, name.clone()));
        } else {
            let name = container(session, parsed, &place.pod)?;
            wanted.push((place, name));
        }
    }
    let by_selector = several || !selector.is_empty();
    if parsed.is("follow") && wanted.len() > 1 {
        return follow_all(session, parsed, &wanted, by_selector);
    }
    for (place, name) in wanted {
        log(session, parsed, place, &name, by_selector)?;
    }
    Ok(())
}

/// Says what is wrong with the flags, before anything is asked for.
fn check(parsed: &Parsed) -> Outcome {
    if !parsed.text("selector").is_empty() && !parsed.args.is_empty() {
        return Err(Fail::usage(
            "logs",
            "only a selector (-l) or a POD name is allowed",
        ));
    }
    if parsed.is("all-containers") && parsed.given("container") {
        return Err(Fail::message(format!(
            "--all-containers=true should not be specified with container name {}",
            parsed.text("container")
        )));
    }
    if parsed.int("tail") < -1 {
        return Err(Fail::message("--tail must be greater than or equal to -1"));
    }
    if parsed.given("since") && !parsed.text("since-time").is_empty() {
        return Err(Fail::message(
            "at most one of `sinceTime` or `sinceSeconds` may be specified",
        ));
    }
    if parsed.duration("since") < 0 {
        return Err(Fail::message("--since must be greater than 0"));
    }
    if parsed.int("limit-bytes") < 0 {
        return Err(Fail::message("--limit-bytes must be greater than 0"));
    }
    Ok(())
}

/// Follows several logs at once, as many as `--max-log-requests` allows.
fn follow_all(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    wanted: &[(&Place, String)],
    by_selector: bool,
) -> Outcome {
    let most = usize::try_from(parsed.int("max-log-requests")).unwrap_or(0);
    if wanted.len() > most {
        return Err(Fail::message(format!(
            "you are attempting to follow {} log streams, but maximum allowed concurrency is {most}, use --max-log-requests to increase the limit",
            wanted.len()
        )));
    }
    let mut tails = Vec::new();
    for (place, name) in wanted {
        tails.push(Tail::open(session, parsed, place, name, by_selector)?);
    }
    while !tails.is_empty() {
        let mut quiet = true;
        let mut open = Vec::new();
        for mut tail in tails {
            let now = session.now_nanos();
            match tail.stream.piece(session, Some(now)) {
                Next::Some(piece) => {
                    tail.print(session, &piece)?;
                    quiet = false;
                    open.push(tail);
                }
                Next::TimedOut => open.push(tail),
                Next::End => {}
            }
        }
        tails = open;
        if quiet && !tails.is_empty() {
            (session.io.sleep)(LOOK_AGAIN);
        }
    }
    Ok(())
}

/// The words for a pod that is not there, as `kubectl logs` puts them.
fn missing(fail: Fail, namespace: &str) -> Fail {
    match &fail {
        Fail::Message(words) if words.starts_with("cannot attach to *") => {
            Fail::Message(words.replacen("cannot attach to", "cannot get the logs from", 1))
        }
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
    let mut tail = Tail::open(session, parsed, place, container, by_selector)?;
    while let Next::Some(piece) = tail.stream.piece(session, None) {
        tail.print(session, &piece)?;
    }
    Ok(())
}

/// A log that is being read.
struct Tail {
    stream: Streaming,
    /// What stands before each of its lines.
    prefix: String,
    fresh_line: bool,
}

impl Tail {
    fn open(
        session: &mut Session<'_, '_>,
        parsed: &Parsed,
        place: &Place,
        container: &str,
        by_selector: bool,
    ) -> Outcome<Self> {
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
        let stream = session.stream(
            &with_query(&place.path("log"), &pairs),
            "application/json, */*",
        )?;
        let prefix = if parsed.is("prefix") || parsed.is("all-pods") {
            format!("[pod/{}/{container}] ", place.name())
        } else {
            String::new()
        };
        Ok(Self {
            stream,
            prefix,
            fresh_line: true,
        })
    }

    fn print(&mut self, session: &mut Session<'_, '_>, piece: &[u8]) -> Outcome {
        if self.prefix.is_empty() {
            return session
                .io
                .stdout
                .write_all(piece)
                .and_then(|()| session.io.stdout.flush())
                .map_err(|_| Fail::Exit(1));
        }
        for line in String::from_utf8_lossy(piece).split_inclusive('\n') {
            let start = if self.fresh_line {
                self.prefix.as_str()
            } else {
                ""
            };
            session.out(&format!("{start}{line}"))?;
            self.fresh_line = line.ends_with('\n');
        }
        Ok(())
    }
}
