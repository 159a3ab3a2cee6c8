//! What the cluster's own components own, worked out when somebody asks.
//!
//! Controllers and kubelets write thousands of objects, and nobody ever looks at most of their
//! `managedFields`; so their writes are not tracked. What they own follows from the object: all of
//! it when no client ever wrote it, else its status. Never stored.

use super::managers::{Manager, Managers, Owned};
use super::path::Step;
use super::set::Set;
use super::updater::Updater;
use crate::kind::Kind;
use crate::kind::look::text;
use serde_json::{Value, json};

/// What is never the cluster's own, because it is put there after owners are told: by kind.
fn unowned(key: &str) -> &'static [&'static [&'static str]] {
    match key {
        "pods" => &[
            &["spec", "nodeName"],
            &["spec", "priority"],
            &["spec", "preemptionPolicy"],
            &["spec", "serviceAccount"],
            &["spec", "serviceAccountName"],
            &["spec", "tolerations"],
            &["spec", "volumes"],
            &["status", "qosClass"],
        ],
        "services" => &[&["spec", "clusterIPs"], &["spec", "ipFamilies"]],
        "namespaces" => &[&["spec"], &["status", "phase"]],
        "nodes" => &[&["spec"]],
        _ => &[],
    }
}

/// Whether this entry is one of those that are worked out here.
pub(super) fn is_derived(manager: &Manager) -> bool {
    !manager.applies
        && manager.subresource == "status"
        && matches!(manager.name.as_str(), "kube-controller-manager" | "kubelet")
}

/// Adds what the cluster's components own to what clients own.
pub(super) fn add(kind: &dyn Kind, object: &Value, updater: &Updater<'_>, managers: &mut Managers) {
    let version = kind.names().api_version();
    let manager = |name: &str, subresource: &str| Manager {
        applies: false,
        name: name.to_owned(),
        version: version.clone(),
        subresource: subresource.to_owned(),
    };
    let mut own = updater.compare(&json!({}), object).set();
    for path in unowned(kind.names().key) {
        own = own.without(path);
    }
    own = own.difference(&super::stripped());
    let taken = managers.everything();
    let status_step = Step::Field("status".to_owned());
    let mut status = Set::default();
    if kind.owns_status()
        && let Some(node) = own.0.remove(&status_step)
    {
        status.0.insert(status_step, node);
    }
    let written = |name: &str, subresource: &str, fields: Set, time: String| {
        let owned = Owned {
            fields,
            version: version.clone(),
            time: Some(time),
        };
        (manager(name, subresource), owned)
    };
    let born = text(object, "/metadata/creationTimestamp").to_owned();
    let revision = [
        Step::Field("metadata".to_owned()),
        Step::Field("annotations".to_owned()),
        Step::Field("deployment.kubernetes.io/revision".to_owned()),
    ];
    if managers.0.is_empty() {
        if kind.names().key == "pods" {
            own = without_token(own);
        }
        if !own.is_empty() {
            let (manager, owned) = written(author(kind, object), "", own, born.clone());
            managers.0.insert(manager, owned);
        }
    } else if kind.names().key == "deployments.apps"
        && object
            .pointer("/metadata/annotations/deployment.kubernetes.io~1revision")
            .is_some()
    {
        status.insert(&revision);
    }
    let mut status = status.difference(&taken);
    if kind.names().key == "pods" {
        status = of_kubelet(status);
    }
    if !status.is_empty() {
        let time = latest(&object["status"]).unwrap_or(&born).to_owned();
        let name = match kind.names().key {
            "pods" | "nodes" => "kubelet",
            _ => "kube-controller-manager",
        };
        let (manager, owned) = written(name, "status", status, time);
        managers.0.insert(manager, owned);
    }
}

/// Who made an object that no client wrote.
fn author(kind: &dyn Kind, object: &Value) -> &'static str {
    let name = text(object, "/metadata/name");
    match kind.names().key {
        "nodes" => "kubelet",
        "namespaces" => "kube-apiserver",
        "services" | "endpoints" | "endpointslices.discovery.k8s.io" if name == "kubernetes" => {
            "kube-apiserver"
        }
        "leases.coordination.k8s.io" => "kubelet",
        "events" => match text(object, "/source/component") {
            "kubelet" => "kubelet",
            "default-scheduler" => "kube-scheduler",
            _ => "kube-controller-manager",
        },
        _ => "kube-controller-manager",
    }
}

/// The token's mount is added on admission and belongs to nobody.
fn without_token(mut set: Set) -> Set {
    let containers = [
        Step::Field("spec".to_owned()),
        Step::Field("containers".to_owned()),
    ];
    let mut at = &mut set;
    for step in &containers {
        let Some(node) = at.0.get_mut(step) else {
            return set;
        };
        at = &mut node.below;
    }
    let mounts = Step::Field("volumeMounts".to_owned());
    let token = Step::parse(r#"k:{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}"#);
    for container in at.0.values_mut() {
        if let (Some(node), Some(token)) = (container.below.0.get_mut(&mounts), &token) {
            node.below.0.remove(token);
            if node.below.is_empty() {
                container.below.0.remove(&mounts);
            }
        }
    }
    set
}

/// The scheduler made the list of conditions and the one about itself.
fn of_kubelet(mut set: Set) -> Set {
    let (status, conditions) = (
        Step::Field("status".into()),
        Step::Field("conditions".into()),
    );
    if let Some(node) = set.0.get_mut(&status)
        && let Some(conditions) = node.below.0.get_mut(&conditions)
    {
        conditions.member = false;
        let scheduled = Step::parse(r#"k:{"type":"PodScheduled"}"#);
        if let Some(node) = scheduled.and_then(|step| conditions.below.0.get_mut(&step)) {
            node.member = false;
            node.below
                .0
                .retain(|step, _| *step == Step::Field("observedGeneration".into()));
        }
        conditions
            .below
            .0
            .retain(|_, node| node.member || !node.below.is_empty());
    }
    set
}

/// The latest time a status speaks of.
fn latest(status: &Value) -> Option<&str> {
    match status {
        Value::Array(items) => items.iter().filter_map(latest).max(),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(field, value)| match value {
                Value::String(text) if field.ends_with("Time") && text.len() == 20 => Some(&**text),
                Value::String(_) => None,
                other => latest(other),
            })
            .max(),
        _ => None,
    }
}
