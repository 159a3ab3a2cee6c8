//! `docker`: arguments to requests of the Engine API, answers to Docker's words.
//!
//! Never decides what a container is: the engine does. What is not in this lab is refused by name.

mod flags;
mod manage;
mod run;
mod show;
mod template;

use crate::http::{self, Answer};
use crate::ssh::resolve;
use crate::term::Term;
use flags::Flags;
use serde_json::Value;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Where an engine listens unless `DOCKER_HOST` says otherwise.
const ENGINE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2375);
/// Commands of the real one that are not here.
const NOT_HERE: [&str; 30] = [
    "attach",
    "build",
    "builder",
    "buildx",
    "checkpoint",
    "commit",
    "compose",
    "context",
    "cp",
    "create",
    "diff",
    "events",
    "export",
    "history",
    "import",
    "load",
    "login",
    "logout",
    "manifest",
    "node",
    "pause",
    "plugin",
    "push",
    "rename",
    "save",
    "search",
    "swarm",
    "system",
    "volume",
    "update",
];

/// What went wrong: the words, and the exit code.
pub(crate) struct Failed {
    pub(crate) words: String,
    pub(crate) code: i32,
}

impl Failed {
    fn new(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            code: 1,
        }
    }
}

type Outcome = Result<i32, Failed>;

/// The engine, and how it was named.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) server: SocketAddrV4,
    name: String,
}

pub(crate) fn run(term: &mut Term<'_>, args: &[String]) -> i32 {
    match dispatch(term, args) {
        Ok(code) => code,
        Err(failed) => {
            if !failed.words.is_empty() {
                term.flush();
                term.say_error(&failed.words);
            }
            failed.code
        }
    }
}

fn dispatch(term: &mut Term<'_>, args: &[String]) -> Outcome {
    let mut args = args;
    let mut named = term.var("DOCKER_HOST").filter(|host| !host.is_empty());
    while let Some((first, rest)) = args.split_first() {
        match first.as_str() {
            "-H" | "--host" => {
                named = rest.first().cloned();
                args = rest.get(1..).unwrap_or_default();
            }
            "-v" | "--version" => {
                term.say("Docker version 27.5.1");
                return Ok(0);
            }
            "--help" | "-h" => {
                term.say(show::HELP);
                return Ok(0);
            }
            flag if flag.starts_with('-') => {
                return Err(Failed {
                    words: format!("unknown flag: {flag}\nSee 'docker --help'."),
                    code: 125,
                });
            }
            _ => break,
        }
    }
    let Some((command, rest)) = args.split_first() else {
        term.say(show::HELP);
        return Ok(0);
    };
    // `docker container ls` is `docker ps`, and so on.
    let (command, rest) = match (command.as_str(), rest.split_first()) {
        ("container", Some((verb, rest))) => (
            match verb.as_str() {
                "ls" | "list" | "ps" => "ps",
                other => other,
            },
            rest,
        ),
        ("image", Some((verb, rest))) => (
            match verb.as_str() {
                "ls" | "list" => "images",
                other => other,
            },
            rest,
        ),
        (command, _) => (command, rest),
    };
    let client = Client::new(named)?;
    match command {
        "run" => run::run(term, &client, rest),
        "exec" => run::exec(term, &client, rest),
        "logs" => run::logs(term, &client, rest),
        "ps" => show::ps(term, &client, rest),
        "images" => show::images(term, &client, rest),
        "inspect" => show::inspect(term, &client, rest),
        "port" => show::port(term, &client, rest),
        "version" => show::version(term, &client),
        "info" => show::info(term, &client),
        "network" => manage::network(term, &client, rest),
        "start" | "stop" | "restart" | "kill" | "rm" | "wait" => {
            manage::each(term, &client, command, rest)
        }
        "pull" => manage::pull_command(term, &client, rest),
        other if NOT_HERE.contains(&other) => {
            Err(Failed::new(format!("docker: not in this lab: {other}")))
        }
        other => Err(Failed::new(format!(
            "docker: '{other}' is not a docker command.\nSee 'docker --help'"
        ))),
    }
}

impl Client {
    fn new(named: Option<String>) -> Result<Self, Failed> {
        let Some(named) = named else {
            return Ok(Self {
                server: ENGINE,
                name: format!("tcp://{ENGINE}"),
            });
        };
        let place = named
            .strip_prefix("tcp://")
            .or_else(|| named.strip_prefix("http://"));
        let Some(place) = place else {
            return Err(Failed::new(format!(
                "docker: not in this lab: DOCKER_HOST={named}: engines listen on tcp://HOST:PORT only"
            )));
        };
        let (host, port) = place
            .trim_end_matches('/')
            .split_once(':')
            .unwrap_or((place, "2375"));
        let server = port.parse().ok().and_then(|port| resolve(host, port));
        let server = server.ok_or_else(|| {
            Failed::new(format!(
                "error during connect: dial tcp: lookup {host}: no such host"
            ))
        })?;
        Ok(Self {
            server,
            name: named,
        })
    }

    fn gone(&self, cause: &io::Error) -> Failed {
        let words = match cause.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable => {
                format!(
                    "Cannot connect to the Docker daemon at {}. Is the docker daemon running?",
                    self.name
                )
            }
            _ => format!("error during connect: {}: {cause}", self.name),
        };
        Failed::new(words)
    }

    /// Sends a request; the answer whatever its status.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Failed> {
        http::ask(self.server, method, &format!("/v1.47{path}"), body)
            .map_err(|cause| self.gone(&cause))
    }

    /// The same; an answer that is no success is a failure in the engine's words.
    pub(crate) fn good(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Failed> {
        let answer = self.ask(method, path, body)?;
        if answer.status >= 400 {
            Err(refused(&answer))
        } else {
            Ok(answer)
        }
    }

    /// Begins an exchange whose body comes as a stream.
    pub(crate) fn begin(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        upgrade: bool,
    ) -> Result<http::Open, Failed> {
        let open = http::begin(self.server, method, &format!("/v1.47{path}"), body, upgrade);
        let open = open.map_err(|cause| self.gone(&cause))?;
        if open.status < 400 {
            return Ok(open);
        }
        Err(refused(&open.whole().map_err(|cause| self.gone(&cause))?))
    }
}

fn refused(answer: &Answer) -> Failed {
    Failed::new(format!("Error response from daemon: {}", answer.message()))
}

/// `docker COMMAND` with too few or too many arguments.
fn usage(command: &str, wants: &str) -> Failed {
    Failed::new(format!(
        "\"docker {command}\" requires {wants}.\nSee 'docker {command} --help'."
    ))
}
