//! `kubectl cp`: files through `tar` in the container. Never needs a tar here: archives are made and
//! read by `tar` in this crate.

use std::io::ErrorKind;

use serde_json::Value;
use tungstenite::protocol::{Message, Role, WebSocket};

use super::pods::Place;
use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Int, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::http::LOOK_AGAIN;
use crate::session::{Session, with_query};
use crate::text::tar;

pub(super) const COMMAND: Command = command("cp", &[FLAGS], cp);

const FLAGS: &[Flag] = &[
    short('c', "container", Text, ""),
    flag("no-preserve", Bool, "false"),
    flag("retries", Int, "0"),
];

/// `[[namespace/]pod:]path`.
struct Spec {
    namespace: String,
    pod: String,
    path: String,
}

impl Spec {
    fn parse(word: &str) -> Outcome<Self> {
        let wrong = || {
            Fail::message("filespec must match the canonical format: [[namespace/]pod:]file/path")
        };
        let local = |path: &str| Self {
            namespace: String::new(),
            pod: String::new(),
            path: path.to_owned(),
        };
        let Some((place, path)) = word.split_once(':') else {
            return Ok(local(word));
        };
        if place.is_empty() {
            return Err(wrong());
        }
        let parts: Vec<&str> = place.split('/').collect();
        let (namespace, pod) = match parts[..] {
            [pod] => ("", pod),
            [namespace, pod] => (namespace, pod),
            _ => return Err(wrong()),
        };
        Ok(Self {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            path: path.to_owned(),
        })
    }

    fn place(&self, session: &mut Session<'_, '_>) -> Outcome<Place> {
        let namespace = match self.namespace.as_str() {
            "" => session.namespace()?,
            own => own.to_owned(),
        };
        let path = format!("/api/v1/namespaces/{namespace}/pods/{}", self.pod);
        let pod = session.get(&path)?;
        Ok(Place { pod, namespace })
    }
}

fn cp(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [from, to] = &parsed.args[..] else {
        return Err(Fail::message("source and destination are required"));
    };
    let (from, to) = (Spec::parse(from)?, Spec::parse(to)?);
    match (from.pod.is_empty(), to.pod.is_empty()) {
        (false, false) => Err(Fail::message(
            "one of src or dest must be a local file specification",
        )),
        (true, true) => Err(Fail::message(
            "one of src or dest must be a remote file specification",
        )),
        _ if from.path.is_empty() || to.path.is_empty() => {
            Err(Fail::message("filepath can not be empty"))
        }
        (true, false) => upload(session, parsed, &from.path, &to),
        (false, true) => download(session, parsed, &from, &to.path),
    }
}

fn container(session: &mut Session<'_, '_>, parsed: &Parsed, place: &Place) -> Outcome<String> {
    super::pods::container(session, parsed, &place.pod)
}

fn upload(session: &mut Session<'_, '_>, parsed: &Parsed, from: &str, to: &Spec) -> Outcome {
    let is_folder = session.io.files.list_dir(from).is_ok();
    if !is_folder && session.io.files.read(from).is_err() {
        return Err(Fail::message(format!(
            "{from} doesn't exist in local filesystem"
        )));
    }
    let place = to.place(session)?;
    let container = container(session, parsed, &place)?;
    let base = from
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(from);
    let mut target = to.path.trim_end_matches('/').to_owned();
    let probe = ["test", "-d", &to.path].map(str::to_owned);
    let (_, _, into) = run(session, &place, &container, &probe, &[])?;
    if into.is_ok() {
        target = format!("{target}/{base}");
    }
    let (folder, name) = match target.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => ("", target.as_str()),
    };
    let mut archive = tar::Writer::default();
    pack(session, from, name, &mut archive)?;
    let mut words: Vec<String> = ["tar", "-xmf", "-"].map(str::to_owned).to_vec();
    if parsed.is("no-preserve") {
        words.splice(
            1..1,
            ["--no-same-permissions", "--no-same-owner"].map(str::to_owned),
        );
    }
    if !folder.is_empty() {
        words.extend(["-C".to_owned(), folder.to_owned()]);
    }
    let (out, err, end) = run(session, &place, &container, &words, &archive.finish())?;
    session.out(&String::from_utf8_lossy(&out))?;
    session.err(&String::from_utf8_lossy(&err));
    end
}

fn pack(
    session: &mut Session<'_, '_>,
    path: &str,
    name: &str,
    archive: &mut tar::Writer,
) -> Outcome {
    let now = session.now();
    if let Ok(names) = session.io.files.list_dir(path) {
        archive.folder(name, now);
        for inner in names {
            pack(
                session,
                &format!("{}/{inner}", path.trim_end_matches('/')),
                &format!("{name}/{inner}"),
                archive,
            )?;
        }
        return Ok(());
    }
    let content = session.io.files.read(path).map_err(|error| {
        Fail::message(format!("open {path}: {}", crate::config::reason(&error)))
    })?;
    archive.file(name, &content, now);
    Ok(())
}

fn download(session: &mut Session<'_, '_>, parsed: &Parsed, from: &Spec, to: &str) -> Outcome {
    let place = from.place(session)?;
    let container = container(session, parsed, &place)?;
    let words = ["tar", "cf", "-", &from.path].map(str::to_owned);
    let (out, err, end) = run(session, &place, &container, &words, &[])?;
    session.err(&String::from_utf8_lossy(&err));
    end?;
    let source = from.path.trim_matches('/');
    let base = source.rsplit('/').next().unwrap_or(source);
    let target = if session.io.files.list_dir(to).is_ok() {
        format!("{}/{base}", to.trim_end_matches('/'))
    } else {
        to.to_owned()
    };
    for (name, content) in tar::read(&out) {
        let name = name.trim_start_matches('/');
        let Some(rest) = name.strip_prefix(source) else {
            continue;
        };
        if rest.split('/').any(|part| part == "..") {
            session.err(&format!(
                "warning: path {} is outside target destination, skipping\n",
                quoted(name)
            ));
            continue;
        }
        let path = format!("{target}{}", rest.trim_end_matches('/'));
        if let Some(content) = content {
            session.io.files.write(&path, &content).map_err(|error| {
                Fail::message(format!("open {path}: {}", crate::config::reason(&error)))
            })?;
        }
    }
    Ok(())
}

type Ran = (Vec<u8>, Vec<u8>, Outcome);

/// Runs a command with this input; what it wrote and how it ended.
fn run(
    session: &mut Session<'_, '_>,
    place: &Place,
    container: &str,
    words: &[String],
    input: &[u8],
) -> Outcome<Ran> {
    let mut query: Vec<(&str, &str)> = words
        .iter()
        .map(|word| ("command", word.as_str()))
        .collect();
    query.extend([
        ("container", container),
        ("stderr", "true"),
        ("stdout", "true"),
    ]);
    if !input.is_empty() {
        query.push(("stdin", "true"));
    }
    let stream = super::exec::connect(session, &with_query(&place.path("exec"), &query))?;
    let mut socket = WebSocket::from_partially_read(stream.0, stream.1, Role::Client, None);
    let (mut out, mut err, mut status) = (Vec::new(), Vec::new(), None);
    let failed = |error: tungstenite::Error| Fail::message(error.to_string());
    for piece in input.chunks(32 * 1024) {
        let mut message = vec![super::exec::STDIN];
        message.extend_from_slice(piece);
        socket.send(Message::binary(message)).map_err(failed)?;
    }
    if !input.is_empty() {
        let close = vec![super::exec::CLOSE, super::exec::STDIN];
        socket.send(Message::binary(close)).map_err(failed)?;
    }
    loop {
        match socket.read() {
            Ok(Message::Binary(message)) => match message.split_first() {
                Some((&super::exec::STDOUT, piece)) => out.extend_from_slice(piece),
                Some((&super::exec::STDERR, piece)) => err.extend_from_slice(piece),
                Some((&super::exec::ERROR, piece)) => {
                    status = serde_json::from_slice::<Value>(piece).ok();
                }
                _ => {}
            },
            Ok(Message::Close(_)) => {
                // The answer to the farewell is a courtesy.
                drop(socket.flush());
                break;
            }
            Ok(_) => {}
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                (session.io.sleep)(LOOK_AGAIN);
            }
            Err(_) => break,
        }
    }
    Ok((out, err, super::exec::finish(status)))
}
