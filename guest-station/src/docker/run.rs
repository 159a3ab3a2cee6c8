//! `docker run`, `exec` and `logs`: what has streams.
//!
//! A container's streams come over the connection that HTTP lets go of: raw from a terminal, else
//! in frames (stream, three zeros, length as u32 big-endian). Never guesses an exit code.

use super::{Client, Failed, Flags, Outcome, manage, usage};
use crate::http::{Open, encode};
use crate::net::Stream;
use crate::term::Term;
use guest_kit::{process::Input, signals, terminal};
use serde_json::{Map, Value, json};
use std::io::{self, Read, Write};

/// What `docker run` returns when the container could not be made or started.
const NOT_RUN: i32 = 125;
const INTERRUPT: u8 = 2;
const TERMINATE: u8 = 15;

const RUN: [super::flags::Flag; 34] = [
    ('d', "detach", false),
    (' ', "rm", false),
    (' ', "name", true),
    ('p', "publish", true),
    ('P', "publish-all", false),
    ('e', "env", true),
    ('i', "interactive", false),
    ('t', "tty", false),
    (' ', "network", true),
    (' ', "net", true),
    (' ', "entrypoint", true),
    ('w', "workdir", true),
    ('h', "hostname", true),
    (' ', "expose", true),
    (' ', "pull", true),
    ('v', "volume", true),
    (' ', "mount", true),
    (' ', "restart", true),
    ('m', "memory", true),
    (' ', "cpus", true),
    ('u', "user", true),
    (' ', "link", true),
    (' ', "privileged", false),
    (' ', "cap-add", true),
    (' ', "env-file", true),
    (' ', "dns", true),
    (' ', "add-host", true),
    (' ', "ip", true),
    (' ', "network-alias", true),
    ('l', "label", true),
    (' ', "volumes-from", true),
    (' ', "init", false),
    (' ', "platform", true),
    (' ', "stop-signal", true),
];
/// Those of them that would change what happens and are not in this lab.
const REFUSED: [&str; 18] = [
    "volume",
    "mount",
    "restart",
    "memory",
    "cpus",
    "user",
    "link",
    "privileged",
    "cap-add",
    "env-file",
    "dns",
    "add-host",
    "ip",
    "network-alias",
    "label",
    "volumes-from",
    "init",
    "stop-signal",
];

fn not_run(failed: Failed, help: bool) -> Failed {
    let words = failed
        .words
        .strip_suffix('.')
        .unwrap_or(&failed.words)
        .to_owned();
    let help = if help {
        "\nSee 'docker run --help'."
    } else {
        ""
    };
    Failed {
        words: format!("docker: {words}.{help}"),
        code: NOT_RUN,
    }
}

pub(super) fn run(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let flags = Flags::parse("run", &RUN, args, true)?;
    if let Some(refused) = REFUSED.iter().find(|name| flags.value(name).is_some()) {
        return Err(Failed {
            words: format!("docker: not in this lab: --{refused}."),
            code: NOT_RUN,
        });
    }
    let Some((image, command)) = flags.rest.split_first() else {
        return Err(usage("run", "at least 1 argument"));
    };
    let body = container(term, &flags, image, command)?;
    let id = create(term, client, &flags, image, &body)?;
    let (tty, stdin) = (flags.has("tty"), flags.has("interactive"));
    if flags.has("detach") {
        start(client, &flags, &id)?;
        term.say(&id);
        return Ok(0);
    }
    if tty && terminal::size().is_none() && stdin {
        remove(client, &flags, &id);
        return Err(Failed {
            words: "the input device is not a TTY".into(),
            code: 1,
        });
    }
    let path = format!(
        "/containers/{id}/attach?stream=1&stdout=1&stderr=1&stdin={}",
        u8::from(stdin)
    );
    let attached = client.begin("POST", &path, None, true)?;
    start(client, &flags, &id)?;
    let interrupt = |signal: u8| {
        // A container that has ended is not interrupted any more.
        let _ = client.ask(
            "POST",
            &format!("/containers/{id}/kill?signal={signal}"),
            None,
        );
    };
    carry(term, attached, tty, stdin, &interrupt)
        .map_err(|cause| Failed::new(cause.to_string()))?;
    let end = client.good("POST", &format!("/containers/{id}/wait"), None)?;
    Ok(end.json()["StatusCode"]
        .as_i64()
        .and_then(|code| i32::try_from(code).ok())
        .unwrap_or(NOT_RUN))
}

fn remove(client: &Client, flags: &Flags, id: &str) {
    if flags.has("rm") {
        // It may be gone already.
        let _ = client.ask("DELETE", &format!("/containers/{id}?force=1"), None);
    }
}

/// Makes the container, bringing its image first when it is not there.
fn create(
    term: &mut Term<'_>,
    client: &Client,
    flags: &Flags,
    image: &str,
    body: &Value,
) -> Result<String, Failed> {
    let name = flags
        .value("name")
        .map(|name| format!("?name={}", encode(name)))
        .unwrap_or_default();
    let path = format!("/containers/create{name}");
    let mut answer = client
        .ask("POST", &path, Some(body))
        .map_err(|failed| not_run(failed, true))?;
    if answer.status == 404 && answer.message().starts_with("No such image") {
        term.say_error(&format!(
            "Unable to find image '{}' locally",
            manage::whole(image)
        ));
        manage::pull(term, client, image, true).map_err(|failed| not_run(failed, true))?;
        answer = client
            .ask("POST", &path, Some(body))
            .map_err(|failed| not_run(failed, true))?;
    }
    if answer.status >= 400 {
        return Err(not_run(super::refused(&answer), true));
    }
    Ok(answer.json()["Id"].as_str().unwrap_or_default().to_owned())
}

fn start(client: &Client, flags: &Flags, id: &str) -> Result<(), Failed> {
    let started = client.good("POST", &format!("/containers/{id}/start"), None);
    started.map(drop).map_err(|failed| {
        remove(client, flags, id);
        let missing = ["executable file not found", "no such file or directory"];
        let code = match &failed.words {
            words if missing.iter().any(|missing| words.contains(missing)) => 127,
            words if words.contains("unable to start container process") => 126,
            _ => NOT_RUN,
        };
        Failed {
            code,
            ..not_run(failed, false)
        }
    })
}

/// The body of `POST /containers/create`.
pub(super) fn container(
    term: &Term<'_>,
    flags: &Flags,
    image: &str,
    command: &[String],
) -> Result<Value, Failed> {
    let mut bindings: Map<String, Value> = Map::new();
    let mut exposed: Map<String, Value> = Map::new();
    for text in flags.all("publish") {
        let (key, binding) = publish(text)?;
        exposed.insert(key.clone(), json!({}));
        if let Value::Array(list) = bindings.entry(key).or_insert_with(|| json!([])) {
            list.push(binding);
        }
    }
    for text in flags.all("expose") {
        let key = if text.contains('/') {
            text.to_owned()
        } else {
            format!("{text}/tcp")
        };
        exposed.insert(key, json!({}));
    }
    let env = flags
        .all("env")
        .filter_map(|pair| match pair.contains('=') {
            true => Some(pair.to_owned()),
            false => term.var(pair).map(|value| format!("{pair}={value}")),
        });
    let mut body = json!({
        "Image": image,
        "Env": env.collect::<Vec<_>>(),
        "Tty": flags.has("tty"),
        "OpenStdin": flags.has("interactive"),
        "Hostname": flags.value("hostname").unwrap_or_default(),
        "WorkingDir": flags.value("workdir").unwrap_or_default(),
        "ExposedPorts": exposed,
        "HostConfig": {
            "PortBindings": bindings,
            "PublishAllPorts": flags.has("publish-all"),
            "AutoRemove": flags.has("rm"),
            "NetworkMode": flags.value("network").or(flags.value("net")).unwrap_or("bridge"),
        },
    });
    if !command.is_empty() {
        body["Cmd"] = command.into();
    }
    if let Some(entrypoint) = flags.value("entrypoint") {
        body["Entrypoint"] = json!([entrypoint]);
        if command.is_empty() {
            body["Cmd"] = json!([]);
        }
    }
    Ok(body)
}

/// `[[IP:]HOST:]CONTAINER[/udp]`.
pub(super) fn publish(text: &str) -> Result<(String, Value), Failed> {
    let wrong = |what: String| Failed {
        words: format!("docker: {what}.\nSee 'docker run --help'."),
        code: NOT_RUN,
    };
    let (ports, proto) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(proto, "tcp" | "udp") {
        return Err(wrong(format!("Invalid proto: {proto}")));
    }
    let mut parts = ports.rsplitn(3, ':');
    let container = parts.next().unwrap_or_default();
    let host = parts.next().unwrap_or_default();
    let ip = parts.next().unwrap_or_default();
    if container.contains('-') || host.contains('-') {
        return Err(wrong(format!("not in this lab: a range of ports ({text})")));
    }
    let number = |text: &str| text.parse::<u16>().ok();
    if number(container).is_none_or(|port| port == 0) {
        return Err(wrong(format!("Invalid containerPort: {container}")));
    }
    if !host.is_empty() && number(host).is_none() {
        return Err(wrong(format!("Invalid hostPort: {host}")));
    }
    if !ip.is_empty() && ip.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(wrong(format!("Invalid ip address: {ip}")));
    }
    Ok((
        format!("{container}/{proto}"),
        json!({ "HostIp": ip, "HostPort": host }),
    ))
}

pub(super) fn exec(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let known = [
        ('i', "interactive", false),
        ('t', "tty", false),
        ('d', "detach", false),
        ('e', "env", true),
        ('w', "workdir", true),
        ('u', "user", true),
    ];
    let flags = Flags::parse("exec", &known, args, true)?;
    if let Some(refused) = ["detach", "env", "workdir", "user"]
        .iter()
        .find(|name| flags.value(name).is_some())
    {
        return Err(Failed::new(format!(
            "docker: not in this lab: exec --{refused}"
        )));
    }
    let [name, command @ ..] = flags.rest.as_slice() else {
        return Err(usage("exec", "at least 2 arguments"));
    };
    if command.is_empty() {
        return Err(usage("exec", "at least 2 arguments"));
    }
    let (tty, stdin) = (flags.has("tty"), flags.has("interactive"));
    if tty && stdin && terminal::size().is_none() {
        return Err(Failed::new("the input device is not a TTY"));
    }
    let size = terminal::size().unwrap_or(terminal::Size {
        columns: 80,
        rows: 24,
    });
    let body = json!({ "Cmd": command, "Tty": tty, "AttachStdin": stdin, "ConsoleSize": [size.rows, size.columns] });
    let made = client.good(
        "POST",
        &format!("/containers/{}/exec", encode(name)),
        Some(&body),
    )?;
    let id = made.json()["Id"].as_str().unwrap_or_default().to_owned();
    let started = client.begin(
        "POST",
        &format!("/exec/{id}/start"),
        Some(&json!({ "Tty": tty })),
        true,
    );
    let code = || -> Outcome {
        let seen = client.good("GET", &format!("/exec/{id}/json"), None)?;
        Ok(seen.json()["ExitCode"]
            .as_i64()
            .and_then(|code| i32::try_from(code).ok())
            .unwrap_or(1))
    };
    match started {
        Ok(open) => carry(term, open, tty, stdin, &|_| {})
            .map_err(|cause| Failed::new(cause.to_string()))?,
        Err(failed) if failed.words.contains("OCI runtime exec failed") => {
            let words = failed
                .words
                .trim_start_matches("Error response from daemon: ")
                .to_owned();
            return Err(Failed {
                words,
                code: code()?,
            });
        }
        Err(failed) => return Err(failed),
    }
    code()
}

pub(super) fn logs(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let known = [
        ('f', "follow", false),
        ('n', "tail", true),
        ('t', "timestamps", false),
    ];
    let flags = Flags::parse("logs", &known, args, false)?;
    let [name] = flags.rest.as_slice() else {
        return Err(usage("logs", "exactly 1 argument"));
    };
    let seen = client
        .good("GET", &format!("/containers/{}/json", encode(name)), None)?
        .json();
    let tail = flags.value("tail").unwrap_or("all");
    let path = format!(
        "/containers/{}/logs?stdout=1&stderr=1&follow={}&timestamps={}&tail={tail}",
        encode(name),
        u8::from(flags.has("follow")),
        u8::from(flags.has("timestamps"))
    );
    let mut open = client.begin("GET", &path, None, false)?;
    let mut frames = Frames::new(seen["Config"]["Tty"] == true);
    let read = open.each(|part| frames.show(term, part));
    read.map_err(|cause| Failed::new(cause.to_string()))?;
    Ok(0)
}

/// Output in frames, or raw, to the two outputs.
struct Frames {
    raw: bool,
    rest: Vec<u8>,
}

impl Frames {
    fn new(raw: bool) -> Self {
        Self {
            raw,
            rest: Vec::new(),
        }
    }

    fn show(&mut self, term: &mut Term<'_>, bytes: &[u8]) -> io::Result<()> {
        if self.raw {
            term.out.write_all(bytes)?;
            return term.out.flush();
        }
        self.rest.extend_from_slice(bytes);
        while let [stream, _, _, _, a, b, c, d, ..] = self.rest[..] {
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            if self.rest.len() < 8 + length {
                break;
            }
            let data = &self.rest[8..8 + length];
            match stream {
                2 => term.err.write_all(data)?,
                _ => term.out.write_all(data)?,
            }
            self.rest.drain(..8 + length);
        }
        term.out.flush()
    }
}

/// Carries the keyboard to a container and its output here until it ends.
fn carry(
    term: &mut Term<'_>,
    open: Open,
    tty: bool,
    stdin: bool,
    interrupt: &dyn Fn(u8),
) -> io::Result<()> {
    let raw = tty && stdin && terminal::set_raw(true);
    if !raw {
        signals::handle(&[INTERRUPT, TERMINATE]);
    }
    let (stream, read) = open.into_stream();
    let mut frames = Frames::new(tty);
    let outcome = frames
        .show(term, &read)
        .and_then(|()| pump(term, stream, &mut frames, stdin, interrupt));
    if raw {
        terminal::set_raw(false);
    }
    outcome
}

fn pump(
    term: &mut Term<'_>,
    mut stream: Stream,
    frames: &mut Frames,
    mut typing: bool,
    interrupt: &dyn Fn(u8),
) -> io::Result<()> {
    let signal = signals::source();
    let mut keyboard = Input::stdin();
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let ready = match typing {
            true => guest_kit::poll(&[&stream, &signal, &keyboard], None),
            false => guest_kit::poll(&[&stream, &signal], None),
        };
        while let Some(signal) = signals::next() {
            interrupt(signal);
        }
        if ready.contains(&0) {
            match stream.receive(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => frames.show(term, &buffer[..length])?,
                Err(cause) => return Err(cause),
            }
        }
        if ready.contains(&2) {
            let length = keyboard.read(&mut buffer).unwrap_or(0);
            if length == 0 {
                typing = false;
                stream.finish();
            } else {
                stream.write_all(&buffer[..length])?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(words: &[&str]) -> Value {
        let args: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let flags = Flags::parse("run", &RUN, &args, true)
            .unwrap_or_else(|failed| panic!("{}", failed.words));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let term = Term::given(&mut out, &mut err, &[("HERE", "yes")]);
        container(&term, &flags, &flags.rest[0], &flags.rest[1..])
            .unwrap_or_else(|failed| panic!("{}", failed.words))
    }

    #[test]
    fn flags_come_before_the_image_and_words_after_it_are_the_command() {
        let body = body(&[
            "-d", "--rm", "--name", "web", "-p", "8080:80", "-eA=1", "-e", "HERE", "nginx", "sh",
            "-c", "x",
        ]);
        assert_eq!(body["Cmd"], json!(["sh", "-c", "x"]));
        assert_eq!(
            body["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"],
            "8080"
        );
        assert_eq!(body["Env"], json!(["A=1", "HERE=yes"]));
        assert_eq!(body["HostConfig"]["AutoRemove"], true);
    }

    #[test]
    fn letters_stand_together_and_values_may_be_attached() {
        let body = body(&[
            "-it",
            "-p127.0.0.1:53:5353/udp",
            "--network=web",
            "--entrypoint",
            "id",
            "busybox",
        ]);
        assert_eq!(
            (&body["Tty"], &body["OpenStdin"]),
            (&json!(true), &json!(true))
        );
        let binding = &body["HostConfig"]["PortBindings"]["5353/udp"][0];
        assert_eq!(
            (&binding["HostIp"], &binding["HostPort"]),
            (&json!("127.0.0.1"), &json!("53"))
        );
        assert_eq!(
            (&body["Entrypoint"], &body["Cmd"]),
            (&json!(["id"]), &json!([]))
        );
    }

    #[test]
    fn a_wrong_port_is_refused_as_docker_does() {
        for (text, words) in [
            ("8080:x", "Invalid containerPort: x"),
            ("x:80", "Invalid hostPort: x"),
            ("1.2.3:1:80", "Invalid ip address: 1.2.3"),
        ] {
            let failed = publish(text).expect_err("wrong");
            assert_eq!(failed.code, 125);
            assert!(failed.words.contains(words), "{}", failed.words);
        }
    }
}
