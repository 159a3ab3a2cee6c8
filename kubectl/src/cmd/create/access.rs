//! `kubectl create role`, `clusterrole`, their bindings, and `token`. Never decides who may do what.

use serde_json::{Value, json};

use super::super::shared::{DRY, PRINT, VALIDATE, command};
use super::{name, required_all, submit};
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Array, Duration, List, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;
use crate::text::json::text;

pub(super) const ROLE: Command = command("role", &[PRINT, DRY, VALIDATE, RULE_FLAGS], role);

pub(super) const CLUSTERROLE: Command = command(
    "clusterrole",
    &[PRINT, DRY, VALIDATE, RULE_FLAGS, CLUSTER_RULE_FLAGS],
    cluster_role,
);

pub(super) const ROLEBINDING: Command = command(
    "rolebinding",
    &[PRINT, DRY, VALIDATE, BINDING_FLAGS, ROLE_FLAG],
    role_binding,
);

pub(super) const CLUSTERROLEBINDING: Command = command(
    "clusterrolebinding",
    &[PRINT, DRY, VALIDATE, BINDING_FLAGS],
    cluster_role_binding,
);

pub(super) const TOKEN: Command = command("token", &[PRINT, TOKEN_FLAGS], token);

const RULE_FLAGS: &[Flag] = &[
    flag("resource", List, "[]"),
    flag("resource-name", Array, "[]"),
    flag("verb", List, "[]"),
];

const CLUSTER_RULE_FLAGS: &[Flag] = &[
    flag("aggregation-rule", List, ""),
    flag("non-resource-url", List, "[]"),
];

const BINDING_FLAGS: &[Flag] = &[
    flag("clusterrole", Text, ""),
    flag("group", Array, "[]"),
    flag("serviceaccount", Array, "[]"),
    flag("user", Array, "[]"),
];

const ROLE_FLAG: &[Flag] = &[flag("role", Text, "")];

const TOKEN_FLAGS: &[Flag] = &[
    flag("audience", Array, "[]"),
    flag("bound-object-kind", Text, ""),
    flag("bound-object-name", Text, ""),
    flag("bound-object-uid", Text, ""),
    flag("duration", Duration, "0s"),
];

const RBAC: &str = "rbac.authorization.k8s.io";

const VERBS: [&str; 15] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "approve",
    "sign",
    "*",
];

fn verbs(session: &mut Session<'_, '_>, parsed: &Parsed) -> Vec<String> {
    let mut verbs: Vec<String> = Vec::new();
    for verb in parsed.list("verb") {
        if verb == "*" {
            return vec!["*".to_owned()];
        }
        if !verbs.contains(verb) {
            verbs.push(verb.clone());
        }
    }
    for verb in &verbs {
        if !VERBS.contains(&verb.as_str()) {
            session.err(&format!(
                "Warning: '{verb}' is not a standard resource verb\n"
            ));
        }
    }
    verbs
}

/// One rule for each API group among the resources.
fn rules(session: &mut Session<'_, '_>, parsed: &Parsed, verbs: &[String]) -> Outcome<Vec<Value>> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for word in parsed.list("resource") {
        let (kind, sub) = word
            .split_once('/')
            .map_or((word.as_str(), ""), |(kind, sub)| (kind, sub));
        let (group, mut plural) = if kind == "*" {
            ("*".to_owned(), "*".to_owned())
        } else {
            let found: Resource = session.discovery()?.find(kind).cloned().map_err(|_| {
                let bare = kind.split('.').next().unwrap_or(kind);
                Fail::Raw(format!("the server doesn't have a resource type {bare:?}"))
            })?;
            (found.group, found.plural)
        };
        if !sub.is_empty() {
            plural = format!("{plural}/{sub}");
        }
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, plurals)) if plurals.contains(&plural) => {}
            Some((_, plurals)) => plurals.push(plural),
            None => groups.push((group, vec![plural])),
        }
    }
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let names = parsed.list("resource-name");
    Ok(groups
        .into_iter()
        .map(|(group, plurals)| {
            let mut rule = json!({"apiGroups": [group], "resources": plurals, "verbs": verbs});
            if !names.is_empty() {
                rule["resourceNames"] = json!(names);
            }
            rule
        })
        .collect())
}

fn role(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?.to_owned();
    if parsed.list("verb").is_empty() {
        return Err(Fail::message("at least one verb must be specified"));
    }
    if parsed.list("resource").is_empty() {
        return Err(Fail::message("at least one resource must be specified"));
    }
    let verbs = verbs(session, parsed);
    let rules = rules(session, parsed, &verbs)?;
    let object = json!({"apiVersion": format!("{RBAC}/v1"), "kind": "Role", "metadata": {"name": name}, "rules": rules});
    submit(session, parsed, object, "failed to create role: ")
}

fn cluster_role(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?.to_owned();
    let urls = parsed.list("non-resource-url");
    let mut object = json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole", "metadata": {"name": name}, "rules": null});
    let others = [
        parsed.list("verb"),
        parsed.list("resource"),
        urls,
        parsed.list("resource-name"),
    ];
    if parsed.given("aggregation-rule") {
        if others.iter().any(|list| !list.is_empty()) {
            return Err(Fail::message(
                "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
            ));
        }
        let mut labels = json!({});
        for pair in parsed.list("aggregation-rule") {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| Fail::message(format!("{pair} must be formatted as key=value")))?;
            labels[key] = json!(value);
        }
        object["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        return submit(session, parsed, object, "failed to create clusterrole: ");
    }
    if parsed.list("verb").is_empty() {
        return Err(Fail::message("at least one verb must be specified"));
    }
    if parsed.list("resource").is_empty() && urls.is_empty() {
        return Err(Fail::message(
            "one of resource or nonResourceURL must be specified",
        ));
    }
    if let Some(wrong) = urls.iter().find(|url| *url != "*" && !url.starts_with('/')) {
        return Err(if wrong.is_empty() {
            Fail::message("nonResourceURL can not be empty")
        } else {
            Fail::message("nonResourceURL should start with /")
        });
    }
    let verbs = verbs(session, parsed);
    let mut found = rules(session, parsed, &verbs)?;
    if !urls.is_empty() {
        found.push(json!({"nonResourceURLs": urls, "verbs": verbs}));
    }
    object["rules"] = Value::Array(found);
    submit(session, parsed, object, "failed to create clusterrole: ")
}

fn subjects(parsed: &Parsed) -> Outcome<Vec<Value>> {
    let mut subjects = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        for name in parsed.list(flag) {
            subjects.push(json!({"apiGroup": RBAC, "kind": kind, "name": name}));
        }
    }
    for account in parsed.list("serviceaccount") {
        let parts: Vec<&str> = account.split(':').collect();
        let [namespace, name] = parts[..] else {
            return Err(Fail::message("serviceaccount must be <namespace>:<name>"));
        };
        if namespace.is_empty() || name.is_empty() {
            return Err(Fail::message("serviceaccount must be <namespace>:<name>"));
        }
        subjects.push(json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}));
    }
    Ok(subjects)
}

fn bind(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    kind: &str,
    (role_kind, role): (&str, &str),
) -> Outcome {
    let subjects = subjects(parsed)?;
    let mut object = json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": kind,
        "metadata": {"name": name(parsed)?},
        "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": role},
    });
    if !subjects.is_empty() {
        object["subjects"] = Value::Array(subjects);
    }
    submit(
        session,
        parsed,
        object,
        &format!("failed to create {}: ", kind.to_lowercase()),
    )
}

fn role_binding(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    name(parsed)?;
    let role = match (parsed.text("clusterrole"), parsed.text("role")) {
        ("", role) if !role.is_empty() => ("Role", role),
        (role, "") if !role.is_empty() => ("ClusterRole", role),
        _ => {
            return Err(Fail::message(
                "exactly one of clusterrole or role must be specified",
            ));
        }
    };
    bind(session, parsed, "RoleBinding", role)
}

fn cluster_role_binding(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    required_all(parsed, &["clusterrole"])?;
    bind(
        session,
        parsed,
        "ClusterRoleBinding",
        ("ClusterRole", parsed.text("clusterrole")),
    )
}

fn token(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let account = name(parsed)?.to_owned();
    let (kind, bound) = (
        parsed.text("bound-object-kind"),
        parsed.text("bound-object-name"),
    );
    let seconds = parsed.duration("duration") / 1_000_000_000;
    if parsed.duration("duration") < 0 {
        return Err(Fail::message(
            "--duration must be greater than or equal to 0",
        ));
    }
    if !["", "Node", "Pod", "Secret"].contains(&kind) {
        return Err(Fail::message(
            "supported --bound-object-kind values are Node, Pod, Secret",
        ));
    }
    if kind.is_empty() && !bound.is_empty() {
        return Err(Fail::message(
            "--bound-object-name can only be set if --bound-object-kind is provided",
        ));
    }
    if !kind.is_empty() && bound.is_empty() {
        return Err(Fail::message(
            "--bound-object-name is required if --bound-object-kind is provided",
        ));
    }
    let mut spec = json!({"audiences": null, "boundObjectRef": null, "expirationSeconds": null});
    if !parsed.list("audience").is_empty() {
        spec["audiences"] = json!(parsed.list("audience"));
    }
    if seconds > 0 {
        spec["expirationSeconds"] = json!(seconds);
    }
    if !kind.is_empty() {
        spec["boundObjectRef"] = json!({"apiVersion": "v1", "kind": kind, "name": bound, "uid": parsed.text("bound-object-uid")});
    }
    let namespace = session.namespace()?;
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec, "status": {"expirationTimestamp": null, "token": ""}});
    let answer = session.post(&path, &body).map_err(|fail| match fail {
        Fail::Status(status, _) => Fail::message(format!(
            "failed to create token: {}",
            text(&status, "message")
        )),
        other => other,
    })?;
    if parsed.text("output").is_empty() {
        return match text(&answer, "status.token") {
            "" => Err(Fail::message(
                "failed to create token: no token in server response",
            )),
            token => session.out(token),
        };
    }
    let format = crate::output::Format::of(session, parsed, false)?;
    crate::output::print(session, parsed, &format, &answer)
}
