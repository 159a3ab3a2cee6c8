//! `kubectl create configmap|secret`: objects made of files and literals.

use serde_json::{Map, Value, json};

use super::super::shared::{DRY, PRINT, VALIDATE, command, family};
use super::{name, submit};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Array, Bool, List, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;
use crate::text::base64;

pub(super) const CONFIGMAP: Command = Command {
    aliases: &["cm"],
    ..command("configmap", &[PRINT, DRY, VALIDATE, SOURCES], config_map)
};

pub(super) const SECRET: Command = family("secret", &[], SECRETS);

const SECRET_GENERIC: Command =
    command("generic", &[PRINT, DRY, VALIDATE, SOURCES], secret_generic);

const SECRET_TLS: Command = command("tls", &[PRINT, DRY, VALIDATE, TLS], secret_tls);

const SECRET_DOCKER_REGISTRY: Command = command(
    "docker-registry",
    &[PRINT, DRY, VALIDATE, REGISTRY],
    secret_registry,
);

const SECRETS: &[Command] = &[SECRET_DOCKER_REGISTRY, SECRET_GENERIC, SECRET_TLS];

const SOURCES: &[Flag] = &[
    flag("append-hash", Bool, "false"),
    flag("from-env-file", List, "[]"),
    flag("from-file", List, "[]"),
    flag("from-literal", Array, "[]"),
    flag("type", Text, ""),
];

const REGISTRY: &[Flag] = &[
    flag("append-hash", Bool, "false"),
    flag("docker-email", Text, ""),
    flag("docker-password", Text, ""),
    flag("docker-server", Text, "https://index.docker.io/v1/"),
    flag("docker-username", Text, ""),
    flag("from-file", List, "[]"),
];

const TLS: &[Flag] = &[flag("cert", Text, ""), flag("key", Text, "")];

/// The entries of `--from-literal`, `--from-file` and `--from-env-file`, as bytes.
fn sources(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    if parsed.given("from-env-file") && (parsed.given("from-file") || parsed.given("from-literal"))
    {
        return Err(Fail::message(
            "from-env-file cannot be combined with from-file or from-literal",
        ));
    }
    for literal in parsed.list("from-literal") {
        let Some((key, value)) = literal.split_once('=') else {
            return Err(Fail::message(format!(
                "invalid literal source {literal}, expected key=value"
            )));
        };
        let value = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(value);
        found.push((key.to_owned(), value.as_bytes().to_vec()));
    }
    for source in parsed.list("from-file") {
        if source.matches('=').count() > 1 {
            return Err(Fail::message("key names or file paths cannot contain '='"));
        }
        let (key, path) = match source.split_once('=') {
            Some(("", path)) => {
                return Err(Fail::message(format!(
                    "key name for file path {path} missing"
                )));
            }
            Some((key, "")) => {
                return Err(Fail::message(format!(
                    "file path for key name {key} missing"
                )));
            }
            Some((key, path)) => (key.to_owned(), path),
            None => (
                source.rsplit('/').next().unwrap_or(source).to_owned(),
                source.as_str(),
            ),
        };
        if let Ok(names) = session.io.files.list_dir(path) {
            for name in names {
                if let Ok(content) = session
                    .io
                    .files
                    .read(&format!("{}/{name}", path.trim_end_matches('/')))
                {
                    found.push((name, content));
                }
            }
            continue;
        }
        found.push((key, read(session, path)?));
    }
    for path in parsed.list("from-env-file") {
        let content = read(session, path)?;
        for line in String::from_utf8_lossy(&content).lines().map(str::trim) {
            if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                if !is_variable(key) {
                    return Err(Fail::message(format!(
                        "{} is not a valid key name: {VARIABLE}",
                        quoted(key)
                    )));
                }
                found.push((key.to_owned(), value.as_bytes().to_vec()));
            }
        }
    }
    let kind = if parsed.path.contains("secret") {
        "Secret"
    } else {
        "ConfigMap"
    };
    for index in 0..found.len() {
        let key = &found[index].0;
        if key.is_empty()
            || !key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err(Fail::message(format!(
                "{} is not a valid key name for a {kind}: {KEY}",
                quoted(key)
            )));
        }
        if found[..index].iter().any(|(key, _)| *key == found[index].0) {
            let key = &found[index].0;
            return Err(Fail::message(format!(
                "cannot add key {}, another key by that name already exists in Data for {kind} {}",
                quoted(key),
                quoted(name(parsed)?)
            )));
        }
    }
    Ok(found)
}

/// apimachinery's words about keys and names of variables.
const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const VARIABLE: &str = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";

fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn read(session: &mut Session<'_, '_>, path: &str) -> Outcome<Vec<u8>> {
    session.io.files.read(path).map_err(|error| {
        Fail::message(format!(
            "error reading {path}: {}",
            crate::config::reason(&error)
        ))
    })
}

pub(crate) fn config_map(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?;
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (key, content) in sources(session, parsed)? {
        match String::from_utf8(content) {
            Ok(text) => drop(data.insert(key, json!(text))),
            Err(error) => drop(binary.insert(key, json!(base64::encode(error.as_bytes())))),
        }
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if !binary.is_empty() {
        object["binaryData"] = Value::Object(binary);
    }
    append_hash(parsed, &mut object);
    submit(session, parsed, object, "failed to create configmap: ")
}

fn append_hash(parsed: &Parsed, object: &mut Value) {
    if parsed.is("append-hash") {
        let hash = crate::kustomize::names::hash(object);
        let name = crate::text::json::text(object, "metadata.name");
        object["metadata"]["name"] = json!(format!("{name}-{hash}"));
    }
}

fn secret(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    kind: &str,
    entries: Vec<(String, Vec<u8>)>,
) -> Outcome {
    let data: Map<String, Value> = entries
        .into_iter()
        .map(|(key, content)| (key, json!(base64::encode(&content))))
        .collect();
    let mut object =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name(parsed)?}});
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if !kind.is_empty() {
        object["type"] = json!(kind);
    }
    append_hash(parsed, &mut object);
    submit(session, parsed, object, "failed to create secret ")
}

pub(crate) fn secret_generic(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let entries = sources(session, parsed)?;
    secret(session, parsed, parsed.text("type"), entries)
}

pub(crate) fn secret_tls(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !parsed.given("key") || !parsed.given("cert") {
        return Err(Fail::message("key and cert must be specified"));
    }
    let mut entries = Vec::new();
    for (flag, key) in [("cert", "tls.crt"), ("key", "tls.key")] {
        let path = parsed.text(flag);
        let content = session.io.files.read(path).map_err(|error| {
            Fail::message(format!(
                "Cannot read file {path}, open {path}: {}",
                crate::config::reason(&error)
            ))
        })?;
        entries.push((key.to_owned(), content));
    }
    let pem = |content: &[u8]| content.windows(11).any(|window| window == b"-----BEGIN ");
    for (what, (_, content)) in ["certificate", "key"].iter().zip(&entries) {
        if !pem(content) {
            return Err(Fail::message(format!(
                "tls: failed to find any PEM data in {what} input"
            )));
        }
    }
    secret(session, parsed, "kubernetes.io/tls", entries)
}

fn secret_registry(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    name(parsed)?;
    let own = |flag: &str| parsed.text(flag).to_owned();
    let kind = "kubernetes.io/dockerconfigjson";
    if parsed.given("from-file") {
        let mut entries = sources(session, parsed)?;
        for (key, _) in &mut entries {
            ".dockerconfigjson".clone_into(key);
        }
        return secret(session, parsed, kind, entries);
    }
    let (user, password, server) = (
        own("docker-username"),
        own("docker-password"),
        own("docker-server"),
    );
    if user.is_empty() || password.is_empty() || server.is_empty() {
        return Err(Fail::message(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        ));
    }
    // Go's order of the fields is part of the secret's bytes.
    let mut fields = vec![("username", user.clone()), ("password", password.clone())];
    if !own("docker-email").is_empty() {
        fields.push(("email", own("docker-email")));
    }
    fields.push((
        "auth",
        base64::encode(format!("{user}:{password}").as_bytes()),
    ));
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}:{}", json!(key), json!(value)))
        .collect();
    let content = format!(
        "{{\"auths\":{{{}:{{{}}}}}}}",
        json!(server),
        fields.join(",")
    );
    secret(
        session,
        parsed,
        kind,
        vec![(".dockerconfigjson".to_owned(), content.into_bytes())],
    )
}
