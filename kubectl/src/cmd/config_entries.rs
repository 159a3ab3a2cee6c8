//! `kubectl config set-cluster|set-credentials|delete-…`: whole entries of the kubeconfig.
//!
//! Plugins that fetch credentials are refused: nothing here could run them later.

use serde_json::{Value, json};

use super::config::exactly;
use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Array, Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;
use crate::text::base64;
use crate::text::json::text;

pub(super) const DELETE_CLUSTER: Command = command("delete-cluster", &[], delete);

pub(super) const DELETE_USER: Command = command("delete-user", &[], delete);

pub(super) const SET_CLUSTER: Command = command("set-cluster", &[CLUSTER_FLAGS], set_cluster);

pub(super) const SET_CREDENTIALS: Command =
    command("set-credentials", &[USER_FLAGS], set_credentials);

const CLUSTER_FLAGS: &[Flag] = &[
    flag("certificate-authority", Text, ""),
    flag("embed-certs", Bool, "false"),
    flag("insecure-skip-tls-verify", Bool, "false"),
    flag("proxy-url", Text, ""),
    flag("server", Text, ""),
    flag("tls-server-name", Text, ""),
];

const USER_FLAGS: &[Flag] = &[
    flag("auth-provider", Text, ""),
    flag("client-certificate", Text, ""),
    flag("client-key", Text, ""),
    flag("embed-certs", Bool, "false"),
    flag("exec-api-version", Text, ""),
    flag("exec-arg", Array, "[]"),
    flag("exec-command", Text, ""),
    flag("exec-env", Array, "[]"),
    flag("password", Text, ""),
    flag("token", Text, ""),
    flag("username", Text, ""),
];

/// `kubectl config delete-cluster`, `delete-context` and `delete-user`.
pub(super) fn delete(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [name] = &parsed.args[..] else {
        // The stock client is content with its help here.
        return session.out(&crate::help::of(&parsed.path, &session.home()));
    };
    let what = parsed.path.rsplit('-').next().unwrap_or_default();
    let mut config = session.config()?;
    let file = config.path.clone();
    if !config.remove(&format!("{what}s"), name) {
        return Err(Fail::message(format!(
            "cannot delete {what} {name}, not in {file}"
        )));
    }
    if what == "context" && text(&config.value, "current-context") == name {
        session.err("warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n");
    }
    config.save(session.io)?;
    session.out(&format!("deleted {what} {name} from {file}\n"))
}

/// Sets a field, or takes it out when the value is empty.
fn put(entry: &mut Value, field: &str, value: Value) {
    let Some(fields) = entry.as_object_mut() else {
        return;
    };
    if value == json!("") || value == json!(false) {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), value);
    }
}

/// Sets a file's path, or with `--embed-certs` its content.
fn put_file(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    entry: &mut Value,
    field: &str,
) -> Outcome {
    if !parsed.given(field) {
        return Ok(());
    }
    let path = parsed.text(field);
    let data = format!("{field}-data");
    if !parsed.is("embed-certs") || path.is_empty() {
        put(entry, field, json!(path));
        put(entry, &data, json!(""));
        return Ok(());
    }
    let content = session.io.files.read(path).map_err(|error| {
        Fail::message(format!(
            "could not stat {field} file {path}: stat {path}: {}",
            crate::config::reason(&error)
        ))
    })?;
    put(entry, field, json!(""));
    put(entry, &data, json!(base64::encode(&content)));
    Ok(())
}

fn set_cluster(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [name] = exactly(session, parsed)?;
    let authority = parsed.text("certificate-authority");
    let insecure = parsed.is("insecure-skip-tls-verify");
    if insecure && !authority.is_empty() {
        return Err(Fail::message(
            "you cannot specify a certificate authority and insecure mode at the same time",
        ));
    }
    if parsed.is("embed-certs") && authority.is_empty() {
        return Err(Fail::message(
            "you must specify a --certificate-authority to embed",
        ));
    }
    let mut config = session.config()?;
    let cluster = config.entry_mut("clusters", name);
    if cluster.get("server").is_none() {
        cluster["server"] = json!("");
    }
    if parsed.given("server") {
        cluster["server"] = json!(parsed.text("server"));
    }
    for field in ["proxy-url", "tls-server-name"] {
        if parsed.given(field) {
            put(cluster, field, json!(parsed.text(field)));
        }
    }
    if parsed.given("insecure-skip-tls-verify") {
        put(cluster, "insecure-skip-tls-verify", json!(insecure));
        if insecure {
            put(cluster, "certificate-authority", json!(""));
            put(cluster, "certificate-authority-data", json!(""));
        }
    }
    if !authority.is_empty() {
        put(cluster, "insecure-skip-tls-verify", json!(false));
    }
    put_file(session, parsed, cluster, "certificate-authority")?;
    config.save(session.io)?;
    session.out(&format!("Cluster {} set.\n", quoted(name)))
}

fn set_credentials(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    for refused in [
        "auth-provider",
        "exec-command",
        "exec-api-version",
        "exec-arg",
        "exec-env",
    ] {
        if parsed.given(refused) {
            return Err(Fail::not_in_lab(&format!("--{refused}")));
        }
    }
    let [name] = exactly(session, parsed)?;
    let token = !parsed.text("token").is_empty();
    let basic = !parsed.text("username").is_empty() || !parsed.text("password").is_empty();
    if token && basic {
        return Err(Fail::message(
            "you cannot specify more than one authentication method at the same time: --token, --username/--password",
        ));
    }
    let certificates = ["client-certificate", "client-key"];
    if parsed.is("embed-certs")
        && certificates
            .iter()
            .all(|field| parsed.text(field).is_empty())
    {
        return Err(Fail::message(
            "you must specify a --client-certificate or --client-key to embed",
        ));
    }
    let mut config = session.config()?;
    let user = config.entry_mut("users", name);
    for field in certificates {
        put_file(session, parsed, user, field)?;
    }
    for (field, others) in [
        ("token", &["username", "password"][..]),
        ("username", &["token"]),
        ("password", &["token"]),
    ] {
        if parsed.given(field) {
            put(user, field, json!(parsed.text(field)));
            if !parsed.text(field).is_empty() {
                others.iter().for_each(|other| put(user, other, json!("")));
            }
        }
    }
    config.save(session.io)?;
    session.out(&format!("User {} set.\n", quoted(name)))
}
