//! `kubectl auth`: what one may do and who one is.

use serde_json::{Value, json};

use super::shared::{PRINT, command, family};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::session::Session;
use crate::text::json::{bare, entries, list, text};
use crate::text::tabs::Layout;

pub(super) const COMMAND: Command = family("auth", &[], SUBCOMMANDS);

const CAN_I: Command = command("can-i", &[CAN_I_FLAGS], can_i);

const WHOAMI: Command = command("whoami", &[PRINT], whoami);

const SUBCOMMANDS: &[Command] = &[CAN_I, WHOAMI];

const CAN_I_FLAGS: &[Flag] = &[
    short('A', "all-namespaces", Bool, "false"),
    flag("list", Bool, "false"),
    flag("no-headers", Bool, "false"),
    short('q', "quiet", Bool, "false"),
    flag("subresource", Text, ""),
];

/// `kubectl auth can-i VERB TYPE`.
fn can_i(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.is("list") {
        return list_rules(session, parsed);
    }
    let [verb, what, rest @ ..] = &parsed.args[..] else {
        return Err(Fail::message(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
        ));
    };
    let spec = if what.starts_with('/') {
        json!({"nonResourceAttributes": {"path": what, "verb": verb}})
    } else {
        let name = rest.first().map_or("", String::as_str);
        json!({"resourceAttributes": attributes(session, parsed, verb, what, name)?})
    };
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": spec,
    });
    let answer: Value = session.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        &review,
    )?;
    let allowed = answer["status"]["allowed"] == true;
    if !parsed.is("quiet") {
        let mut words = if allowed { "yes" } else { "no" }.to_owned();
        for why in ["reason", "evaluationError"] {
            let why = text(&answer["status"], why);
            if !allowed && !why.is_empty() {
                words.push_str(&format!(" - {why}"));
            }
        }
        session.out(&format!("{words}\n"))?;
    }
    if allowed { Ok(()) } else { Err(Fail::Exit(1)) }
}

/// `kubectl auth can-i --list`.
fn list_rules(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !parsed.args.is_empty() {
        return Err(Fail::message(
            "list option must be specified with no arguments",
        ));
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": session.namespace()?},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = session.post(path, &review)?;
    if answer["status"]["incomplete"] == true {
        let why = text(&answer, "status.evaluationError");
        session.err(&format!("warning: the list may be incomplete: {why}\n"));
    }
    let rules = [
        list(&answer, "status.resourceRules"),
        list(&answer, "status.nonResourceRules"),
    ]
    .concat();
    let mut lines = String::new();
    if !parsed.is("no-headers") {
        lines.push_str("Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
    }
    for row in crate::rules::rows(&rules) {
        lines.push_str(&format!("{}\n", row.join("\t")));
    }
    session.out(&Layout::get().format(&lines))
}

/// What is asked for of resources; a type that is not there is warned of and asked for all the same.
fn attributes(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    verb: &str,
    what: &str,
    name: &str,
) -> Outcome<Value> {
    let (kind, name) = what.split_once('/').unwrap_or((what, name));
    let mut namespace = session.namespace()?;
    if parsed.is("all-namespaces") {
        namespace.clear();
    }
    let (group, plural) = if kind == "*" {
        ("*".to_owned(), "*".to_owned())
    } else {
        let discovery = session.discovery()?;
        match discovery.find(kind) {
            Ok(resource) => {
                if !resource.namespaced && !parsed.is("all-namespaces") {
                    let group = match resource.group.as_str() {
                        "" => String::new(),
                        group => format!(" in group '{group}'"),
                    };
                    let plural = &resource.plural;
                    session.warn(&format!(
                        "resource '{plural}' is not namespace scoped{group}\n"
                    ));
                }
                (resource.group.clone(), resource.plural.clone())
            }
            Err(_) => {
                let (plural, group) = kind.split_once('.').unwrap_or((kind, ""));
                let place = if group.is_empty() {
                    String::new()
                } else {
                    format!(" in group '{group}'")
                };
                session.warn(&format!(
                    "the server doesn't have a resource type '{plural}'{place}\n"
                ));
                (group.to_owned(), plural.to_owned())
            }
        }
    };
    Ok(json!({
        "namespace": namespace, "verb": verb, "group": group, "resource": plural,
        "subresource": parsed.text("subresource"), "name": name,
    }))
}

/// `kubectl auth whoami`.
fn whoami(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !parsed.args.is_empty() {
        let given = parsed.args.join(" ");
        return Err(Fail::usage(
            &parsed.path,
            format!("unexpected arguments: [{given}]"),
        ));
    }
    let format = output::Format::of(session, parsed, false)?;
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}, "status": {"userInfo": {}}});
    let answer = session.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review)?;
    if !matches!(format, output::Format::Default) {
        session.typed = true;
        return output::print(session, parsed, &format, &answer);
    }
    let user = &answer["status"]["userInfo"];
    let words = |items: &Value| {
        let items: Vec<String> = items.as_array().into_iter().flatten().map(bare).collect();
        format!("[{}]", items.join(" "))
    };
    let mut lines = "ATTRIBUTE\tVALUE\n".to_owned();
    for (name, key) in [("Username", "username"), ("UID", "uid")] {
        if !text(user, key).is_empty() {
            lines.push_str(&format!("{name}\t{}\n", text(user, key)));
        }
    }
    if user["groups"].is_array() {
        lines.push_str(&format!("Groups\t{}\n", words(&user["groups"])));
    }
    for (key, values) in entries(user, "extra") {
        lines.push_str(&format!("Extra: {key}\t{}\n", words(values)));
    }
    session.out(&Layout::get().format(&lines))
}
