//! Who may do what: RBAC over the roles and bindings in the store.
//!
//! One function, [`decide`], answers requests and reviews alike. Never lets a binding forbid: what
//! no rule allows is not allowed. Members of `system:masters` are not asked, as upstream's
//! superuser group. Never judges the kubelets and controllers of this cluster, which make no
//! requests.

mod attributes;
mod cover;
mod escalation;
mod rule;

pub(super) use attributes::{Attributes, Resource, What};
pub(super) use escalation::check as check_escalation;
pub(super) use rule::Rule;

use super::Call;
use super::request::{Method, Request};
use super::status::Failure;
use super::user::{User, account_of};
use crate::kind::look::{list, text};
use crate::store::{Store, name_of, namespace_of};
use serde_json::Value;

pub(super) const ROLES: &str = "roles.rbac.authorization.k8s.io";
pub(super) const CLUSTER_ROLES: &str = "clusterroles.rbac.authorization.k8s.io";
pub(super) const BINDINGS: &str = "rolebindings.rbac.authorization.k8s.io";
pub(super) const CLUSTER_BINDINGS: &str = "clusterrolebindings.rbac.authorization.k8s.io";

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) allowed: bool,
    /// Which binding allowed it, or what is wrong with the bindings.
    pub(super) reason: String,
}

/// Whether this user may do this.
pub(super) fn decide(store: &Store, user: &User, wanted: &Attributes) -> Decision {
    if user.is_master() {
        return Decision {
            allowed: true,
            reason: String::new(),
        };
    }
    let namespace = match &wanted.what {
        What::Resource(one) => one.namespace.as_str(),
        What::Path(_) => "",
    };
    let mut missing = Vec::new();
    for grant in grants(store, user, namespace) {
        match grant.rules(store) {
            Err(why) => missing.push(why),
            Ok(rules) => {
                if rules.iter().any(|rule| Rule::read(rule).allows(wanted)) {
                    return Decision {
                        allowed: true,
                        reason: format!("RBAC: allowed by {}", grant.description()),
                    };
                }
            }
        }
    }
    Decision {
        allowed: false,
        reason: aggregate(missing).map_or_else(String::new, |why| format!("RBAC: {why}")),
    }
}

/// All rules that hold for a user in a namespace (or in all, when it is empty), and what is wrong
/// with some bindings.
pub(super) fn rules_for(
    store: &Store,
    user: &User,
    namespace: &str,
) -> (Vec<Rule>, Option<String>) {
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    for grant in grants(store, user, namespace) {
        match grant.rules(store) {
            Ok(rules) => all.extend(rules.iter().map(Rule::read)),
            Err(why) => missing.push(why),
        }
    }
    (all, aggregate(missing))
}

/// Several errors as Go's aggregates print them.
fn aggregate(mut all: Vec<String>) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(format!("[{}]", all.join(", "))),
    }
}

/// A binding that holds for somebody, because of this subject.
struct Grant<'a> {
    binding: &'a Value,
    subject: &'a Value,
}

/// The bindings that hold for a user: those of the whole cluster, then the namespace's.
fn grants<'a>(
    store: &'a Store,
    user: &'a User,
    namespace: &'a str,
) -> impl Iterator<Item = Grant<'a>> {
    let of_cluster = store.list(CLUSTER_BINDINGS, None);
    let inside = (!namespace.is_empty()).then(|| store.list(BINDINGS, Some(namespace)));
    of_cluster
        .chain(inside.into_iter().flatten())
        .filter_map(move |binding| {
            let space = namespace_of(binding);
            let mut subjects = list(binding, "/subjects").iter();
            let subject = subjects.find(|subject| is_meant(user, subject, space))?;
            Some(Grant { binding, subject })
        })
}

fn is_meant(user: &User, subject: &Value, binding_space: &str) -> bool {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => user.name == name,
        "Group" => user.is_in(name),
        "ServiceAccount" => {
            let space = match text(subject, "/namespace") {
                "" => binding_space,
                space => space,
            };
            account_of(&user.name) == Some((space, name))
        }
        _ => false,
    }
}

impl<'a> Grant<'a> {
    fn rules(&self, store: &'a Store) -> Result<&'a [Value], String> {
        role_rules(store, &self.binding["roleRef"], namespace_of(self.binding))
    }

    /// Upstream's `roleBindingDescriber`.
    fn description(&self) -> String {
        let (space, name) = (namespace_of(self.binding), name_of(self.binding));
        let (kind, called) = match space {
            "" => ("ClusterRoleBinding", name.to_owned()),
            space => ("RoleBinding", format!("{name}/{space}")),
        };
        let role = &self.binding["roleRef"];
        let subject = text(self.subject, "/name");
        let subject = match (
            text(self.subject, "/kind"),
            text(self.subject, "/namespace"),
        ) {
            ("ServiceAccount", "") => format!("{subject}/{space}"),
            ("ServiceAccount", own) => format!("{subject}/{own}"),
            _ => subject.to_owned(),
        };
        format!(
            "{kind} {called:?} of {} {:?} to {} {subject:?}",
            text(role, "/kind"),
            text(role, "/name"),
            text(self.subject, "/kind"),
        )
    }
}

/// The rules of the role that a binding of this namespace names.
///
/// # Errors
/// Upstream's lister's words when there is no such role.
fn role_rules<'a>(
    store: &'a Store,
    reference: &Value,
    namespace: &str,
) -> Result<&'a [Value], String> {
    let name = text(reference, "/name");
    let (key, space, kind) = match text(reference, "/kind") {
        "Role" => (ROLES, namespace, "role"),
        "ClusterRole" => (CLUSTER_ROLES, "", "clusterrole"),
        other => return Err(format!("unsupported role reference kind: {other:?}")),
    };
    let role = store.get(key, space, name);
    let missing = || format!("{kind}.rbac.authorization.k8s.io {name:?} not found");
    Ok(list(role.ok_or_else(missing)?, "/rules"))
}

/// Refuses a request that its user may not make.
///
/// # Errors
/// 403 in upstream's words.
pub(super) fn check(store: &Store, user: &User, request: &Request) -> Result<(), Failure> {
    if user.is_master() {
        return Ok(());
    }
    let wanted = Attributes::of(request);
    require(store, user, &wanted)?;
    // Since 1.35 whoever opens a conversation by GET has to be allowed to create it, too.
    match &wanted.what {
        What::Resource(one)
            if request.method == Method::Get
                && one.group.is_empty()
                && one.resource == "pods"
                && matches!(one.subresource.as_str(), "exec" | "attach" | "portforward") =>
        {
            require(store, user, &wanted.with_verb("create"))
        }
        _ => Ok(()),
    }
}

/// Refuses what somebody may not do.
///
/// # Errors
/// 403 in upstream's words.
pub(super) fn require(store: &Store, user: &User, wanted: &Attributes) -> Result<(), Failure> {
    let decision = decide(store, user, wanted);
    if decision.allowed {
        return Ok(());
    }
    Err(refusal(user, wanted, &decision.reason))
}

/// Upstream's `forbiddenMessage` within its `NewForbidden`.
fn refusal(user: &User, wanted: &Attributes, reason: &str) -> Failure {
    let (who, verb) = (&user.name, &wanted.verb);
    let colon = if reason.is_empty() { "" } else { ": " };
    match &wanted.what {
        What::Path(path) => Failure::forbidden_path(&format!(
            "User {who:?} cannot {verb} path {path:?}{colon}{reason}"
        )),
        What::Resource(one) => {
            let Resource {
                group,
                resource,
                namespace,
                ..
            } = one;
            let what = match one.subresource.as_str() {
                "" => resource.clone(),
                sub => format!("{resource}/{sub}"),
            };
            let place = match namespace.as_str() {
                "" => "at the cluster scope".to_owned(),
                space => format!("in the namespace {space:?}"),
            };
            let why = format!(
                "User {who:?} cannot {verb} resource {what:?} in API group {group:?} {place}{colon}{reason}"
            );
            Failure::forbidden_resource(group, resource, &one.name, &why)
        }
    }
}

impl Call<'_> {
    /// Whether the asker may do this, too.
    pub(super) fn may(&self, wanted: &Attributes) -> bool {
        decide(self.store, self.user, wanted).allowed
    }
}
