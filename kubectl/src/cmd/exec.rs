//! Inside containers: exec, attach.
//!
//! They speak `v5.channel.k8s.io` over a WebSocket; a container's exit code becomes ours.

use std::io::ErrorKind;

use serde_json::{Value, json};
use tungstenite::protocol::{Message, Role, WebSocket};

use super::logs::log;
use super::pods::{Place, container, pods_of};
use super::shared::{STREAMS, command};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::{Command, Parsed};
use crate::http::LOOK_AGAIN;
use crate::io::Stream;
use crate::session::{JSON, Next, Session, refused, with_query};
use crate::text::json::{list, text};

pub(super) const ATTACH: Command = command("attach", &[STREAMS], attach);

pub(super) const EXEC: Command = command("exec", &[STREAMS], exec);

/// `kubectl exec`.
pub(crate) fn exec(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let before = parsed.before_dash();
    let command = parsed.after_dash();
    if before.is_empty() {
        return Err(Fail::message(
            "pod, type/name or --filename must be specified",
        ));
    }
    if parsed.dash.is_none() && before.len() > 1 {
        return Err(Fail::usage(
            "exec",
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
        ));
    }
    if command.is_empty() {
        return Err(Fail::message(
            "you must specify at least one command for the container",
        ));
    }
    let places = pods_of(session, &before[0])?;
    let Some(place) = places.into_iter().next() else {
        return Err(Fail::message("timed out waiting for the condition"));
    };
    let phase = text(&place.pod, "status.phase");
    if ["Succeeded", "Failed"].contains(&phase) {
        return Err(Fail::message(format!(
            "cannot exec into a container in a completed pod; current phase is {phase}"
        )));
    }
    let container = container(session, parsed, &place.pod)?;
    let (stdin, tty) = wishes(session, parsed);
    let mut query: Vec<(&str, &str)> = command
        .iter()
        .map(|word| ("command", word.as_str()))
        .collect();
    query.extend(stream_query(&container, stdin, tty));
    attach_to(
        session,
        &with_query(&place.path("exec"), &query),
        stdin,
        tty,
    )
}

/// What of `-i` and `-t` can be had; a terminal needs a terminal.
fn wishes(session: &mut Session<'_, '_>, parsed: &Parsed) -> (bool, bool) {
    let stdin = parsed.is("stdin");
    let mut tty = parsed.is("tty");
    if tty && (!stdin || session.io.terminal.is_none()) {
        if !parsed.is("quiet") {
            session
                .err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
        }
        tty = false;
    }
    (stdin, tty)
}

fn stream_query(container: &str, stdin: bool, tty: bool) -> Vec<(&'static str, &str)> {
    let mut query = vec![("container", container), ("stdout", "true")];
    if stdin {
        query.push(("stdin", "true"));
    }
    query.push(if tty {
        ("tty", "true")
    } else {
        ("stderr", "true")
    });
    query
}

/// `kubectl attach`.
pub(crate) fn attach(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.args.is_empty() {
        return Err(Fail::message("at least 1 argument is required for attach"));
    }
    let places = pods_of(session, &parsed.args[0])?;
    let Some(place) = places.into_iter().next() else {
        return Err(Fail::message("timed out waiting for the condition"));
    };
    let container = container(session, parsed, &place.pod).map_err(|fail| match fail {
        Fail::Message(words) => Fail::Message(format!("cannot attach to the container: {words}")),
        other => other,
    })?;
    let (stdin, tty) = wishes(session, parsed);
    attach_place(session, parsed, &place, &container, stdin, tty)
}

fn attach_place(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    place: &Place,
    container: &str,
    stdin: bool,
    tty: bool,
) -> Outcome {
    if !parsed.is("quiet") {
        session.err("All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\n");
        if stdin {
            session.err("If you don't see a command prompt, try pressing enter.\n");
        }
    }
    let query = stream_query(container, stdin, tty);
    attach_to(
        session,
        &with_query(&place.path("attach"), &query),
        stdin,
        tty,
    )?;
    if stdin && tty && text(&place.pod, "spec.restartPolicy") == "Always" {
        let name = place.name();
        session.out(&format!(
            "Session ended, resume using 'kubectl attach {name} -c {container} -i -t' command when the pod is running\n"
        ))?;
    }
    Ok(())
}

/// Attaches to a pod that `kubectl run` has just made, or shows its log when it was too quick for that.
pub(crate) fn attach_new(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    namespace: &str,
    name: &str,
) -> Outcome {
    let timeout = match parsed.duration("pod-running-timeout") {
        0 => 60_000_000_000,
        nanos => nanos.unsigned_abs(),
    };
    let deadline = session.now_nanos() + timeout;
    let started =
        |pod: &Value| ["Running", "Succeeded", "Failed"].contains(&text(pod, "status.phase"));
    let pod = until(session, namespace, name, deadline, started)?;
    let place = Place {
        pod,
        namespace: namespace.to_owned(),
    };
    let container = container(session, parsed, &place.pod)?;
    let (stdin, tty) = wishes(session, parsed);
    let attached = if text(&place.pod, "status.phase") == "Running" {
        attach_place(session, parsed, &place, &container, stdin, tty)
    } else {
        log(session, parsed, &place, &container, false)
    };
    if let Err(fail) = attached {
        session.err(&format!(
            "warning: couldn't attach to pod/{name}, falling back to streaming logs: {}\n",
            fail.plain()
        ));
        log(session, parsed, &place, &container, false)?;
    }
    if parsed.text("restart") == "Always" {
        return Ok(());
    }
    let ended = |pod: &Value| ["Succeeded", "Failed"].contains(&text(pod, "status.phase"));
    let pod = until(session, namespace, name, u64::MAX, ended)?;
    if text(&pod, "status.phase") == "Succeeded" {
        return Ok(());
    }
    let code = list(&pod, "status.containerStatuses")
        .iter()
        .find_map(|status| status["state"]["terminated"]["exitCode"].as_i64());
    match code {
        Some(code) if code != 0 => Err(Fail::Ended(
            format!("pod {namespace}/{name} terminated (Error)"),
            code as i32,
        )),
        _ => Err(Fail::message(format!(
            "pod {namespace}/{name} failed with unknown exit code"
        ))),
    }
}

/// Attaches to a container that `kubectl debug` has just made, or shows its log when it was too quick for that.
pub(super) fn attach_debugger(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    namespace: &str,
    name: &str,
    debugger: &str,
) -> Outcome {
    let state = super::debug::state;
    let started = |pod: &Value| {
        let state = state(pod, debugger);
        state["running"].is_object() || state["terminated"].is_object()
    };
    let pod = until(session, namespace, name, u64::MAX, started)?;
    let running = state(&pod, debugger)["running"].is_object();
    let place = Place {
        pod,
        namespace: namespace.to_owned(),
    };
    let (stdin, tty) = wishes(session, parsed);
    if running {
        attach_place(session, parsed, &place, debugger, stdin, tty)
    } else {
        log(session, parsed, &place, debugger, false)
    }
}

/// Watches a pod until it is as wished.
fn until(
    session: &mut Session<'_, '_>,
    namespace: &str,
    name: &str,
    deadline: u64,
    done: impl Fn(&Value) -> bool,
) -> Outcome<Value> {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let selector = format!("metadata.name={name}");
    loop {
        let found = session.get(&with_query(&path, &[("fieldSelector", &selector)]))?;
        let Some(pod) = list(&found, "items").first() else {
            return Err(Fail::message(format!("pods {} not found", quoted(name))));
        };
        if done(pod) {
            return Ok(pod.clone());
        }
        let version = text(&found, "metadata.resourceVersion");
        let query = [
            ("fieldSelector", selector.as_str()),
            ("resourceVersion", version),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
        ];
        let mut stream = session.stream(&with_query(&path, &query), JSON)?;
        loop {
            match stream.event(session, Some(deadline)) {
                Next::Some(event) if event["type"] == "DELETED" => {
                    return Err(Fail::message(format!("pods {} not found", quoted(name))));
                }
                Next::Some(event) if event["type"] == "ERROR" => break,
                Next::Some(event) if event["type"] != "BOOKMARK" && done(&event["object"]) => {
                    return Ok(event["object"].clone());
                }
                Next::Some(_) => {}
                Next::End => break,
                Next::TimedOut => return Err(Fail::message("timed out waiting for the condition")),
            }
        }
    }
}

/// Opens the WebSocket of an exec or attach; what came with the answer's head goes along.
pub(super) fn connect(
    session: &mut Session<'_, '_>,
    path: &str,
) -> Outcome<(Box<dyn Stream>, Vec<u8>)> {
    connect_by(session, path, "v5.channel.k8s.io")
}

/// The same for a protocol of one's own.
pub(super) fn connect_by(
    session: &mut Session<'_, '_>,
    path: &str,
    protocol: &str,
) -> Outcome<(Box<dyn Stream>, Vec<u8>)> {
    let (mut connection, head) = session.upgrade(path, protocol)?;
    if head.status == 101 {
        return Ok(connection.into_parts());
    }
    let body = connection.read_all().unwrap_or_default();
    Err(match refused(head.status, &body) {
        Fail::Status(status, _)
            if status["reason"] == "InternalError"
                || status["reason"] == "BadRequest"
                || status["reason"] == "NotFound" =>
        {
            // What is no Status is told as it came.
            let plain = String::from_utf8_lossy(&body).trim().to_owned();
            let words = if plain.starts_with('{') || plain.is_empty() {
                text(&status, "message")
            } else {
                &plain
            };
            Fail::message(format!("unable to upgrade connection: {words}"))
        }
        other => other,
    })
}

/// Joins our streams to the container's until it ends.
fn attach_to(session: &mut Session<'_, '_>, path: &str, stdin: bool, tty: bool) -> Outcome {
    let (stream, ahead) = connect(session, path)?;
    let socket = WebSocket::from_partially_read(stream, ahead, Role::Client, None);
    let raw = tty && session.io.terminal.is_some();
    if raw && let Some(terminal) = &mut session.io.terminal {
        terminal.set_raw(true);
    }
    let ended = Pump {
        socket,
        input_open: stdin,
        size: (0, 0),
        tty,
    }
    .run(session);
    if raw && let Some(terminal) = &mut session.io.terminal {
        terminal.set_raw(false);
    }
    ended
}

pub(super) const STDIN: u8 = 0;

pub(super) const STDOUT: u8 = 1;

pub(super) const STDERR: u8 = 2;

pub(super) const ERROR: u8 = 3;

const RESIZE: u8 = 4;

pub(super) const CLOSE: u8 = 255;

struct Pump {
    socket: WebSocket<Box<dyn Stream>>,
    input_open: bool,
    size: (u16, u16),
    tty: bool,
}

impl Pump {
    fn run(&mut self, session: &mut Session<'_, '_>) -> Outcome {
        // Without input the socket alone decides when to go on, and waiting in it is cheapest.
        let mut polling = self.input_open && self.socket.get_mut().set_nonblocking(true).is_ok();
        let mut status = None;
        loop {
            let mut idle = true;
            if self.tty {
                self.resize(session);
            }
            if self.input_open {
                idle &= !self.pass_input(session);
            }
            if polling && !self.input_open {
                polling = self.socket.get_mut().set_nonblocking(false).is_err();
            }
            match self.socket.read() {
                Ok(Message::Binary(message)) => {
                    idle = false;
                    if let Some(end) = deliver(session, &message)? {
                        status = Some(end);
                    }
                }
                Ok(Message::Close(_)) => {
                    // The answer to the farewell is a courtesy.
                    drop(self.socket.flush());
                    return finish(status);
                }
                Ok(_) => idle = false,
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return finish(status),
            }
            if idle && polling {
                (session.io.sleep)(LOOK_AGAIN);
            }
        }
    }

    /// Sends what there is of standard input; says whether there was any.
    fn pass_input(&mut self, session: &mut Session<'_, '_>) -> bool {
        let mut piece = [0; 4096];
        match session.io.stdin.try_read(&mut piece) {
            Ok(None) => false,
            Ok(Some(0)) | Err(_) => {
                self.input_open = false;
                self.send(vec![CLOSE, STDIN]);
                true
            }
            Ok(Some(count)) => {
                let mut message = Vec::with_capacity(count + 1);
                message.push(STDIN);
                message.extend_from_slice(&piece[..count]);
                self.send(message);
                true
            }
        }
    }

    fn resize(&mut self, session: &mut Session<'_, '_>) {
        let Some(size) = session.io.terminal.as_ref().map(|terminal| terminal.size()) else {
            return;
        };
        if size != self.size {
            self.size = size;
            let mut message = vec![RESIZE];
            message.extend(
                json!({"Width": size.0, "Height": size.1})
                    .to_string()
                    .into_bytes(),
            );
            self.send(message);
        }
    }

    fn send(&mut self, message: Vec<u8>) {
        // What does not fit now stays queued and leaves with the next read or write.
        drop(self.socket.send(Message::binary(message)));
    }
}

/// Hands a message to its stream; the error channel's is the end of the command.
fn deliver(session: &mut Session<'_, '_>, message: &[u8]) -> Outcome<Option<Value>> {
    let Some((channel, content)) = message.split_first() else {
        return Ok(None);
    };
    let written = match *channel {
        STDOUT => session
            .io
            .stdout
            .write_all(content)
            .and_then(|()| session.io.stdout.flush()),
        STDERR => session
            .io
            .stderr
            .write_all(content)
            .and_then(|()| session.io.stderr.flush()),
        ERROR => {
            let plain =
                || json!({"status": "Failure", "message": String::from_utf8_lossy(content)});
            return Ok(Some(
                serde_json::from_slice(content).unwrap_or_else(|_| plain()),
            ));
        }
        _ => Ok(()),
    };
    written.map_err(|_| Fail::Exit(1))?;
    Ok(None)
}

pub(super) fn finish(status: Option<Value>) -> Outcome {
    let Some(status) = status else { return Ok(()) };
    if status["status"] == "Success" {
        return Ok(());
    }
    if status["reason"] == "NonZeroExitCode" {
        let code = list(&status, "details.causes")
            .iter()
            .find(|cause| cause["reason"] == "ExitCode");
        if let Some(code) = code.and_then(|cause| text(cause, "message").parse().ok()) {
            return Err(Fail::Command(code));
        }
    }
    Err(Fail::message(text(&status, "message")))
}
