//! Commands that only look: `ps`, `images`, `inspect`, `port`, `version`, `info`, `network ls`.

use super::{Client, Failed, Flags, Outcome, template, usage};
use crate::http::encode;
use crate::table::columns;
use crate::term::Term;
use serde_json::{Value, json};

pub(super) const HELP: &str = "\
Usage:  docker [OPTIONS] COMMAND

In this lab:
  run exec ps logs stop start restart rm kill wait inspect port
  images pull network (ls inspect create rm) version info

Options:
  -H, --host string   Engine to connect to (tcp://HOST:PORT; default tcp://127.0.0.1:2375)";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn short(value: &Value) -> String {
    let id = value
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("sha256:");
    id.chars().take(12).collect()
}

/// How long ago, in Docker's words.
fn ago(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    let span = match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        _ if minutes < 60 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 14 => format!("{} days", hours / 24),
        _ => format!("{} weeks", hours / 24 / 7),
    };
    format!("{span} ago")
}

/// `0.0.0.0:8080->80/tcp, 443/tcp`.
fn ports(list: &Value) -> String {
    let ports = list.as_array().into_iter().flatten();
    let shown: Vec<String> = ports
        .map(|port| {
            let inside = format!("{}/{}", port["PrivatePort"], text(&port["Type"]));
            match port["PublicPort"].as_u64() {
                Some(public) => format!("{}:{public}->{inside}", text(&port["IP"])),
                None => inside,
            }
        })
        .collect();
    shown.join(", ")
}

pub(super) fn ps(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let known = [
        ('a', "all", false),
        ('q', "quiet", false),
        (' ', "format", true),
        (' ', "no-trunc", false),
        ('l', "latest", false),
        ('f', "filter", true),
    ];
    let flags = Flags::parse("ps", &known, args, false)?;
    if flags.value("filter").is_some() {
        return Err(Failed::new("docker: not in this lab: ps --filter"));
    }
    let all = flags.has("all") || flags.has("latest");
    let answer = client
        .good(
            "GET",
            &format!("/containers/json?all={}", u8::from(all)),
            None,
        )?
        .json();
    let now = term.now();
    let whole = flags.has("no-trunc");
    let mut rows: Vec<Value> = answer
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| container_row(line, now, whole))
        .collect();
    if flags.has("latest") {
        rows.truncate(1);
    }
    if flags.has("quiet") {
        rows.iter().for_each(|row| term.say(&text(&row["ID"])));
        return Ok(0);
    }
    let usual = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
    let heads = json!({
        "ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "RunningFor": "CREATED", "CreatedAt": "CREATED AT",
        "Status": "STATUS", "State": "STATE", "Ports": "PORTS", "Names": "NAMES", "Networks": "NETWORKS",
    });
    formatted(term, flags.value("format").unwrap_or(usual), &heads, &rows)
}

fn container_row(line: &Value, now: i64, whole: bool) -> Value {
    let command = text(&line["Command"]);
    let command = if whole || command.chars().count() <= 20 {
        command
    } else {
        command.chars().take(19).chain(['…']).collect()
    };
    let networks = line["NetworkSettings"]["Networks"].as_object();
    let networks: Vec<&String> = networks.into_iter().flat_map(|map| map.keys()).collect();
    let names = line["Names"].as_array().into_iter().flatten();
    let names: Vec<String> = names
        .map(|name| text(name).trim_start_matches('/').to_owned())
        .collect();
    json!({
        "ID": if whole { text(&line["Id"]) } else { short(&line["Id"]) },
        "Image": line["Image"], "Command": format!("\"{command}\""),
        "RunningFor": ago(now - line["Created"].as_i64().unwrap_or(now)),
        "Status": line["Status"], "State": line["State"], "Ports": ports(&line["Ports"]),
        "Names": names.join(","),
        "Networks": networks.into_iter().cloned().collect::<Vec<_>>().join(","),
    })
}

/// Rows by a template: `table` puts names above its columns, `json` is one object a line.
fn formatted(term: &mut Term<'_>, format: &str, heads: &Value, rows: &[Value]) -> Outcome {
    let failed = |words: String| Failed::new(words);
    let format = format.replace("\\t", "\t");
    if format == "json" {
        rows.iter().for_each(|row| term.say(&row.to_string()));
        return Ok(0);
    }
    let usual = format == "table";
    let Some(columns_of) = format.strip_prefix("table").filter(|_| !usual) else {
        for row in rows {
            let line = template::fill(&format, row).map_err(failed)?;
            term.say(&line);
        }
        return Ok(0);
    };
    let columns_of = columns_of.trim_start();
    let mut lines = Vec::new();
    for row in std::iter::once(heads).chain(rows) {
        let line = template::fill(columns_of, row).map_err(failed)?;
        lines.push(line.split('\t').map(str::to_owned).collect());
    }
    let _ = term.out.write_all(columns(&lines).as_bytes());
    Ok(0)
}

pub(super) fn images(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let known = [
        ('a', "all", false),
        ('q', "quiet", false),
        (' ', "format", true),
    ];
    let flags = Flags::parse("images", &known, args, false)?;
    let answer = client.good("GET", "/images/json", None)?.json();
    let now = term.now();
    let mut rows = Vec::new();
    for image in answer.as_array().into_iter().flatten() {
        let tag = text(&image["RepoTags"][0]);
        let (repository, tag) = tag.rsplit_once(':').unwrap_or((&tag, ""));
        if flags
            .rest
            .first()
            .is_some_and(|wanted| wanted != repository && *wanted != format!("{repository}:{tag}"))
        {
            continue;
        }
        rows.push(json!({
            "Repository": repository, "Tag": tag, "ID": short(&image["Id"]),
            "CreatedSince": ago(now - image["Created"].as_i64().unwrap_or(now)),
            "Size": size(image["Size"].as_u64().unwrap_or_default()),
        }));
    }
    if flags.has("quiet") {
        rows.iter().for_each(|row| term.say(&text(&row["ID"])));
        return Ok(0);
    }
    let heads = json!({ "Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED", "Size": "SIZE" });
    let usual = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
    formatted(term, flags.value("format").unwrap_or(usual), &heads, &rows)
}

/// Four digits at most, in thousands.
fn size(bytes: u64) -> String {
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1000.0 && unit < 3 {
        amount /= 1000.0;
        unit += 1;
    }
    let text = if amount >= 100.0 {
        format!("{amount:.0}")
    } else {
        format!("{amount:.1}")
    };
    format!(
        "{}{}",
        text.trim_end_matches(".0"),
        ["B", "kB", "MB", "GB"][unit]
    )
}

pub(super) fn inspect(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    objects(
        term,
        client,
        args,
        "inspect",
        &["/containers/{}/json", "/networks/{}"],
    )
}

pub(super) fn inspect_networks(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    objects(term, client, args, "network inspect", &["/networks/{}"])
}

fn objects(
    term: &mut Term<'_>,
    client: &Client,
    args: &[String],
    command: &str,
    paths: &[&str],
) -> Outcome {
    let flags = Flags::parse(
        command,
        &[('f', "format", true), (' ', "type", true)],
        args,
        false,
    )?;
    if flags.rest.is_empty() {
        return Err(usage(command, "at least 1 argument"));
    }
    let (mut found, mut code) = (Vec::new(), 0);
    for name in &flags.rest {
        let mut object = None;
        let mut words = String::new();
        for path in paths {
            let answer = client.ask("GET", &path.replace("{}", &encode(name)), None)?;
            if answer.status < 400 {
                object = Some(answer.json());
                break;
            }
            words = super::refused(&answer).words;
        }
        match object {
            Some(object) => found.push(object),
            None => {
                if command == "inspect" {
                    words = format!("Error: No such object: {name}");
                }
                term.say_error(&words);
                code = 1;
            }
        }
    }
    match flags.value("format") {
        Some("json") => term.say(&Value::Array(found).to_string()),
        Some(format) => {
            for object in &found {
                let line = template::fill(format, object).map_err(Failed::new)?;
                term.say(&line);
            }
        }
        None => {
            let text = indented(&Value::Array(found));
            term.say(&text);
        }
    }
    Ok(code)
}

/// JSON with four spaces, as Docker prints it.
fn indented(value: &Value) -> String {
    let two = format!("{value:#}");
    two.lines()
        .map(|line| {
            let spaces = line.len() - line.trim_start().len();
            format!("{}{}", " ".repeat(spaces * 2), line.trim_start())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

pub(super) fn port(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let flags = Flags::parse("port", &[], args, false)?;
    let (name, wanted) = match flags.rest.as_slice() {
        [name] => (name, None),
        [name, port] => (
            name,
            Some(if port.contains('/') {
                port.clone()
            } else {
                format!("{port}/tcp")
            }),
        ),
        _ => return Err(usage("port", "at least 1 and at most 2 arguments")),
    };
    let object = client
        .good("GET", &format!("/containers/{}/json", encode(name)), None)?
        .json();
    let map = object["NetworkSettings"]["Ports"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let mut any = false;
    for (port, bindings) in &map {
        for binding in bindings.as_array().into_iter().flatten() {
            let to = format!(
                "{}:{}",
                text(&binding["HostIp"]),
                text(&binding["HostPort"])
            );
            match &wanted {
                None => term.say(&format!("{port} -> {to}")),
                Some(wanted) if wanted == port => term.say(&to),
                Some(_) => continue,
            }
            any = true;
        }
    }
    match wanted {
        Some(wanted) if !any => Err(Failed::new(format!(
            "Error: No public port '{wanted}' published for {name}"
        ))),
        _ => Ok(0),
    }
}

pub(super) fn networks(term: &mut Term<'_>, client: &Client, args: &[String]) -> Outcome {
    let flags = Flags::parse(
        "network ls",
        &[('q', "quiet", false), (' ', "format", true)],
        args,
        false,
    )?;
    let answer = client.good("GET", "/networks", None)?.json();
    let mut list: Vec<&Value> = answer.as_array().into_iter().flatten().collect();
    list.sort_by_key(|network| text(&network["Name"]));
    let row = |network: &&Value| json!({ "ID": short(&network["Id"]), "Name": network["Name"], "Driver": network["Driver"], "Scope": network["Scope"] });
    let rows: Vec<Value> = list.iter().map(row).collect();
    if flags.has("quiet") {
        rows.iter().for_each(|row| term.say(&text(&row["ID"])));
        return Ok(0);
    }
    let heads = json!({ "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE" });
    formatted(
        term,
        flags
            .value("format")
            .unwrap_or("table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"),
        &heads,
        &rows,
    )
}

pub(super) fn version(term: &mut Term<'_>, client: &Client) -> Outcome {
    term.say("Client:\n Version:           27.5.1\n API version:       1.47\n OS/Arch:           linux/amd64\n Context:           default");
    let server = client.good("GET", "/version", None)?.json();
    term.say(&format!(
        "\nServer: {}\n Engine:\n  Version:          {}\n  API version:      {} (minimum version {})\n  OS/Arch:          {}/{}",
        text(&server["Platform"]["Name"]), text(&server["Version"]), text(&server["ApiVersion"]),
        text(&server["MinAPIVersion"]), text(&server["Os"]), text(&server["Arch"])
    ));
    Ok(0)
}

pub(super) fn info(term: &mut Term<'_>, client: &Client) -> Outcome {
    let info = client.good("GET", "/info", None)?.json();
    term.say(&format!(
        "Client:\n Version:    27.5.1\n Context:    default\n\nServer:\n Containers: {}\n  Running: {}\n  Paused: {}\n  Stopped: {}\n Images: {}\n Server Version: {}\n Storage Driver: {}\n Kernel Version: {}\n Operating System: {}\n OSType: {}\n Architecture: {}\n Name: {}",
        info["Containers"], info["ContainersRunning"], info["ContainersPaused"], info["ContainersStopped"], info["Images"],
        text(&info["ServerVersion"]), text(&info["Driver"]), text(&info["KernelVersion"]), text(&info["OperatingSystem"]),
        text(&info["OSType"]), text(&info["Architecture"]), text(&info["Name"])
    ));
    Ok(0)
}
