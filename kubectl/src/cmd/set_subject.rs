//! `kubectl set subject`: whom a RoleBinding or ClusterRoleBinding is for. Never takes anybody out.

use serde_json::{Value, json};

use super::shared::{ALL, DRY, FILES, PRINT, SELECT, command, query};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Array;
use crate::flags::{Command, Flag, Parsed, flag};
use crate::output;
use crate::select;
use crate::session::{STRATEGIC, Session, with_query};

pub(super) const COMMAND: Command =
    command("subject", &[FILES, PRINT, DRY, SELECT, ALL, FLAGS], run);

const FLAGS: &[Flag] = &[
    flag("group", Array, "[]"),
    flag("serviceaccount", Array, "[]"),
    flag("user", Array, "[]"),
];

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let new = subjects(parsed)?;
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    for target in select::fetch(session, parsed, &parsed.args)? {
        if !["RoleBinding", "ClusterRoleBinding"].contains(&target.resource.kind.as_str()) {
            return Err(Fail::message(format!(
                "{}/{} setting subjects is only supported for RoleBinding/ClusterRoleBinding",
                target.resource.plural, target.name
            )));
        }
        let mut all = target.object["subjects"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let before = all.len();
        for subject in &new {
            if !all.contains(subject) {
                all.push(subject.clone());
            }
        }
        if all.len() == before {
            continue;
        }
        let mut object = target.object.clone();
        object["subjects"] = Value::Array(all);
        if parsed.dry_run()? != "client" {
            let path = with_query(&target.path(), &query(parsed, "kubectl-set")?);
            let patch = json!({"subjects": object["subjects"]});
            object = session.patch(&path, STRATEGIC, patch.to_string().into_bytes())?;
        }
        output::report(
            session,
            parsed,
            &object,
            &target.shown(),
            "subjects updated",
        )?;
    }
    Ok(())
}

fn subjects(parsed: &Parsed) -> Outcome<Vec<Value>> {
    let mut found = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        found.extend(parsed.list(flag).iter().map(
            |name| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}),
        ));
    }
    for account in parsed.list("serviceaccount") {
        let Some((namespace, name)) = account
            .split_once(':')
            .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
        else {
            return Err(Fail::message("serviceaccount must be <namespace>:<name>"));
        };
        found.push(json!({"kind": "ServiceAccount", "namespace": namespace, "name": name}));
    }
    if found.is_empty() {
        return Err(Fail::message(
            "you must specify at least one value of user, group or serviceaccount",
        ));
    }
    Ok(found)
}
