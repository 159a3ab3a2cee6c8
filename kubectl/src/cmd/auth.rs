//! `kubectl auth`: what one may do and who one is.

use serde_json::{Value, json};

use super::shared::{absent, command, family};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Bool;
use crate::flags::{Command, Flag, Parsed, short};
use crate::session::Session;

pub(super) const COMMAND: Command = family("auth", &[], "Inspect authorization", SUBCOMMANDS);

const CAN_I: Command = command(
    "can-i",
    "Check whether an action is allowed",
    "VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
    &[CAN_I_FLAGS],
    can_i,
);

const WHOAMI: Command = absent("whoami", "Experimental: Check self subject attributes");

const SUBCOMMANDS: &[Command] = &[CAN_I, WHOAMI];

const CAN_I_FLAGS: &[Flag] = &[short(
    'q',
    "quiet",
    Bool,
    "false",
    "If true, suppress output and just return the exit code.",
)];

/// `kubectl auth can-i VERB TYPE`.
pub(crate) fn can_i(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [verb, what, rest @ ..] = &parsed.args[..] else {
        return Err(Fail::usage(
            "auth can-i",
            "you must specify two arguments: verb resource or verb resource/resourceName.",
        ));
    };
    let (kind, name) = what
        .split_once('/')
        .unwrap_or((what, rest.first().map_or("", String::as_str)));
    let (group, plural) = if kind == "*" {
        ("*".to_owned(), "*".to_owned())
    } else {
        let discovery = session.discovery()?;
        match discovery.find(kind) {
            Ok(resource) => (resource.group.clone(), resource.plural.clone()),
            Err(_) => {
                session.warn(&format!(
                    "the server doesn't have a resource type '{kind}'\n"
                ));
                (String::new(), kind.to_owned())
            }
        }
    };
    let namespace = session.namespace()?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": plural, "name": name}},
    });
    let answer: Value = session.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        &review,
    )?;
    let allowed = answer["status"]["allowed"] == true;
    if !parsed.is("quiet") {
        session.out(if allowed { "yes\n" } else { "no\n" })?;
    }
    if allowed { Ok(()) } else { Err(Fail::Exit(1)) }
}
