//! Commands that change something and say its name: `start`, `stop`, `rm`, `pull`, `network`.

use super::{Client, Failed, Flags, Outcome, show, usage};
use crate::http::encode;
use crate::term::Term;
use serde_json::{Value, json};

/// The whole reference of an image.
pub(super) fn whole(image: &str) -> String {
    match image.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => image.to_owned(),
        _ => format!("{image}:latest"),
    }
}

/// `start`, `stop`, `restart`, `kill`, `rm` and `wait`, each for every name given.
pub(super) fn each(
    term: &mut Term<'_>,
    client: &Client,
    command: &str,
    args: &[String],
) -> Outcome {
    let known: &[super::flags::Flag] = match command {
        "rm" => &[('f', "force", false)],
        "kill" => &[('s', "signal", true)],
        "stop" | "restart" => &[('t', "time", true)],
        _ => &[],
    };
    let flags = Flags::parse(command, known, args, false)?;
    if flags.rest.is_empty() {
        return Err(usage(command, "at least 1 argument"));
    }
    let mut code = 0;
    for name in &flags.rest {
        let id = encode(name);
        let time = flags
            .value("time")
            .map(|time| format!("?t={time}"))
            .unwrap_or_default();
        let done = match command {
            "start" => client.good("POST", &format!("/containers/{id}/start"), None),
            "stop" => client.good("POST", &format!("/containers/{id}/stop{time}"), None),
            "restart" => client
                .good("POST", &format!("/containers/{id}/stop{time}"), None)
                .and_then(|_| client.good("POST", &format!("/containers/{id}/start"), None)),
            "kill" => client.good(
                "POST",
                &format!(
                    "/containers/{id}/kill?signal={}",
                    flags.value("signal").unwrap_or("KILL")
                ),
                None,
            ),
            "wait" => client.good("POST", &format!("/containers/{id}/wait"), None),
            _ => client.good(
                "DELETE",
                &format!("/containers/{id}?force={}", u8::from(flags.has("force"))),
                None,
            ),
        };
        match done {
            Ok(answer) if command == "wait" => term.say(&answer.json()["StatusCode"].to_string()),
            Ok(_) => term.say(name),
            // `rm -f` of what is not there is what was wanted.
            Err(failed)
                if command == "rm"
                    && flags.has("force")
                    && failed.words.contains("No such container") =>
            {
                term.say_error(&failed.words);
            }
            Err(failed) => {
                if !failed.words.starts_with("Error response") {
                    return Err(failed);
                }
                term.say_error(&failed.words);
                if command == "start" {
                    term.say_error(&format!("Error: failed to start containers: {name}"));
                }
                code = 1;
            }
        }
    }
    Ok(code)
}

pub(super) fn pull_command(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let flags = Flags::parse("pull", &[('q', "quiet", false)], args, false)?;
    let [image] = flags.rest.as_slice() else {
        return Err(usage("pull", "exactly 1 argument"));
    };
    if whole(image) != *image {
        term.say("Using default tag: latest");
    }
    pull(term, client, image, false)?;
    term.say(&format!("docker.io/{}", in_library(&whole(image))));
    Ok(0)
}

fn in_library(image: &str) -> String {
    if image.contains('/') {
        image.to_owned()
    } else {
        format!("library/{image}")
    }
}

/// Brings an image; what is said goes to standard error when `quiet`, as `docker run` does it.
pub(super) fn pull(
    term: &mut Term<'_>,
    client: &Client,
    image: &str,
    quiet: bool,
) -> Result<(), Failed> {
    let reference = whole(image);
    let (repository, tag) = reference.rsplit_once(':').unwrap_or((&reference, "latest"));
    let path = format!(
        "/images/create?fromImage={}&tag={}",
        encode(repository),
        encode(tag)
    );
    let answer = client.good("POST", &path, None)?;
    let mut lines = vec![format!("{tag}: Pulling from {}", in_library(repository))];
    for line in String::from_utf8_lossy(&answer.body).lines() {
        let value: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        lines.extend(value["status"].as_str().map(str::to_owned));
    }
    for line in lines {
        if quiet {
            term.say_error(&line)
        } else {
            term.say(&line)
        }
    }
    Ok(())
}

pub(super) fn network(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let Some((verb, rest)) = args.split_first() else {
        return Err(usage("network", "a command: ls, inspect, create, rm"));
    };
    match verb.as_str() {
        "ls" | "list" => show::networks(term, client, rest),
        "inspect" => show::inspect_networks(term, client, rest),
        "create" => {
            let known = [
                ('d', "driver", true),
                (' ', "subnet", true),
                (' ', "gateway", true),
            ];
            let flags = Flags::parse("network create", &known, rest, false)?;
            let [name] = flags.rest.as_slice() else {
                return Err(usage("network create", "exactly 1 argument"));
            };
            let mut config = json!({});
            for (flag, field) in [("subnet", "Subnet"), ("gateway", "Gateway")] {
                if let Some(value) = flags.value(flag) {
                    config[field] = value.into();
                }
            }
            let body = json!({ "Name": name, "Driver": flags.value("driver").unwrap_or("bridge"), "IPAM": { "Config": [config] } });
            let made = client.good("POST", "/networks/create", Some(&body))?;
            term.say(made.json()["Id"].as_str().unwrap_or_default());
            Ok(0)
        }
        "rm" | "remove" => {
            let flags = Flags::parse("network rm", &[], rest, false)?;
            if flags.rest.is_empty() {
                return Err(usage("network rm", "at least 1 argument"));
            }
            for name in &flags.rest {
                client.good("DELETE", &format!("/networks/{}", encode(name)), None)?;
                term.say(name);
            }
            Ok(0)
        }
        "connect" | "disconnect" | "prune" => Err(Failed::new(format!(
            "docker: not in this lab: network {verb}"
        ))),
        other => Err(Failed::new(format!(
            "docker: 'network {other}' is not a docker command.\nSee 'docker network --help'"
        ))),
    }
}
