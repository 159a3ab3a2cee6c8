//! Nobody gives away more than they have: writes of roles need their rules or `escalate`, writes of
//! bindings the role's rules or `bind`. Upstream's `policybased` storages of
//! `pkg/registry/rbac`. Never looks at other kinds.

use super::super::Call;
use super::super::status::Failure;
use super::cover::{go_list, missing, told};
use super::rule::Rule;
use super::{
    Attributes, BINDINGS, CLUSTER_BINDINGS, CLUSTER_ROLES, ROLES, Resource, role_rules, rules_for,
};
use crate::kind::look::{list, text};
use crate::kind::{Kind, Names};
use crate::store::{name_of, namespace_of};
use serde_json::Value;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Checks a write, of a new object or of another state of `current`.
///
/// # Errors
/// 403 when it gives somebody what its writer does not have; 404 when a binding names no role.
pub(in super::super) fn check(
    call: &Call<'_>,
    kind: &dyn Kind,
    object: &Value,
    current: Option<&Value>,
) -> Result<(), Failure> {
    if call.user.is_master() {
        return Ok(());
    }
    let names = kind.names();
    let same = |field: &str| current.is_some_and(|current| current[field] == object[field]);
    match names.key {
        ROLES | CLUSTER_ROLES if same("rules") && same("aggregationRule") => Ok(()),
        ROLES | CLUSTER_ROLES => role(call, names, object, current),
        BINDINGS | CLUSTER_BINDINGS if same("roleRef") && same("subjects") => Ok(()),
        BINDINGS | CLUSTER_BINDINGS => binding(call, names, object),
        _ => Ok(()),
    }
}

fn role(
    call: &Call<'_>,
    names: &Names,
    role: &Value,
    current: Option<&Value>,
) -> Result<(), Failure> {
    let escalates = asks(
        "escalate",
        names.plural,
        namespace_of(role),
        current.map_or("", name_of),
    );
    if call.may(&escalates) {
        return Ok(());
    }
    let rules: Vec<Rule> = list(role, "/rules").iter().map(Rule::read).collect();
    covered(call, namespace_of(role), &rules)
        .map_err(|why| Failure::forbidden(names, name_of(role), &why))?;
    // An aggregated role gathers whatever others write.
    let gathers = |role: &Value| role["aggregationRule"].is_object();
    if !gathers(role) && !current.is_some_and(gathers) {
        return Ok(());
    }
    let every = || vec!["*".to_owned()];
    let everything = [
        Rule {
            verbs: every(),
            groups: every(),
            resources: every(),
            ..Rule::default()
        },
        Rule {
            verbs: every(),
            urls: every(),
            ..Rule::default()
        },
    ];
    covered(call, "", &everything).map_err(|_| {
        let why = "must have cluster-admin privileges to use the aggregationRule";
        Failure::forbidden(names, name_of(role), why)
    })
}

fn binding(call: &Call<'_>, names: &Names, binding: &Value) -> Result<(), Failure> {
    let (reference, space) = (&binding["roleRef"], namespace_of(binding));
    let resource = match text(reference, "/kind") {
        "Role" => "roles",
        _ => "clusterroles",
    };
    if call.may(&asks("bind", resource, space, text(reference, "/name"))) {
        return Ok(());
    }
    let rules = role_rules(call.store, reference, space).map_err(|_| {
        let kind = resource.trim_end_matches('s');
        Failure::no_such_resource(GROUP, kind, text(reference, "/name"))
    })?;
    let rules: Vec<Rule> = rules.iter().map(Rule::read).collect();
    covered(call, space, &rules).map_err(|why| Failure::forbidden(names, name_of(binding), &why))
}

fn asks(verb: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
    let resource = Resource {
        group: GROUP.to_owned(),
        resource: resource.to_owned(),
        subresource: String::new(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    Attributes::of_resource(verb, resource)
}

/// Whether the asker has all of these rules.
///
/// # Errors
/// Upstream's `ConfirmNoEscalation`, which names the rest.
fn covered(call: &Call<'_>, namespace: &str, rules: &[Rule]) -> Result<(), String> {
    let (own, wrong) = rules_for(call.store, call.user, namespace);
    let rest = missing(&own, rules);
    if rest.is_empty() {
        return Ok(());
    }
    let resolution = wrong.map_or_else(String::new, |why| format!("; resolution errors: [{why}]"));
    Err(format!(
        "user {:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}{resolution}",
        call.user.name,
        go_list(&call.user.groups),
        told(rest).join("\n"),
    ))
}
