//! Claims and volumes: binds one to the other, makes volumes for claims of the lab's own class, and
//! lets go of what nobody uses.
//!
//! Upstream has these as the persistentvolume controller, the two protection controllers and a
//! provisioner beside the cluster; here they are one loop over claims and volumes, with the Events of
//! each. Never makes a directory: the kubelets name it when a container mounts it.

mod claim;
mod held;

pub(crate) use claim::choose_class;

use super::meta::{items, name, namespace, text};
use super::{Context, Controller, Index, Write};
use crate::kind::quantity::thousandths;
use crate::store::{Event, Key, Object, Store};
use serde_json::{Value, json};

/// Who makes volumes of the class that clusters of this lab begin with.
pub(crate) const PROVISIONER: &str = "lab/local-path";
/// The name of that class, which is the one of minikube and kind.
pub(crate) const CLASS: &str = "standard";
/// On a claim whose class waits for its first consumer: the node that the scheduler chose.
pub(crate) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

pub(crate) const CLAIMS: &str = "persistentvolumeclaims";
pub(crate) const VOLUMES: &str = "persistentvolumes";
const CLASSES: &str = "storageclasses.storage.k8s.io";
const COMPONENT: &str = "persistentvolume-controller";

/// The controller of claims and volumes.
#[derive(Debug)]
pub struct Volumes;

impl Controller for Volumes {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        let object = &event.object;
        match event.kind {
            CLAIMS => {
                let held = text(&object["spec"]["volumeName"]);
                let held = (!held.is_empty()).then(|| Key::new(VOLUMES, "", held));
                let own = Key::of(CLAIMS, object);
                // A volume that was made for the claim may be without it now.
                let others = store
                    .list(VOLUMES, None)
                    .filter(|volume| is_for(volume, object));
                let others = others.map(|volume| Key::new(VOLUMES, "", name(volume)));
                [own].into_iter().chain(held).chain(others).collect()
            }
            VOLUMES => {
                let waiting = store
                    .list(CLAIMS, None)
                    .filter(|claim| text(&claim["spec"]["volumeName"]).is_empty());
                let mut keys: Vec<Key> = waiting.map(|claim| Key::of(CLAIMS, claim)).collect();
                keys.push(Key::of(VOLUMES, object));
                let reference = &object["spec"]["claimRef"];
                if reference.is_object() {
                    let (space, name) = (text(&reference["namespace"]), text(&reference["name"]));
                    keys.push(Key::new(CLAIMS, space, name));
                }
                keys
            }
            CLASSES => store
                .list(CLAIMS, None)
                .filter(|claim| text(&claim["spec"]["volumeName"]).is_empty())
                .map(|claim| Key::of(CLAIMS, claim))
                .collect(),
            "pods" => claims_of(object)
                .map(|claim| Key::new(CLAIMS, namespace(object), claim))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(object) = store.get_key(key) else {
            return Vec::new();
        };
        match key.kind {
            CLAIMS => claim::reconcile(store, object),
            _ => held::reconcile(store, object, context),
        }
    }
}

/// The names of the claims that a pod mounts.
pub(crate) fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    items(&pod["spec"]["volumes"])
        .iter()
        .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}

/// The class of a claim that is there, if it is.
pub(crate) fn class_of<'a>(store: &'a Store, claim: &Value) -> Option<&'a Object> {
    store.get(CLASSES, "", text(&claim["spec"]["storageClassName"]))
}

/// Whether a claim is bound only when a pod that wants it has a node.
pub(crate) fn waits_for_consumer(store: &Store, claim: &Value) -> bool {
    class_of(store, claim).is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer")
}

/// The node that a volume was made on.
pub(crate) fn node_of(volume: &Value) -> &str {
    let terms = &volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
    text(&terms[0]["matchExpressions"][0]["values"][0])
}

/// Whether a volume allows this node.
pub(crate) fn allows_node(volume: &Value, node: &Value) -> bool {
    let terms = &volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
    terms.is_null() || {
        let required = json!({ "nodeSelectorTerms": terms });
        let affinity = json!({ "affinity": { "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": required } } });
        crate::scheduler::node_is_selected(&affinity, node)
    }
}

/// Whether a volume names this claim, whichever has the name now.
fn is_for(volume: &Value, claim: &Value) -> bool {
    let reference = &volume["spec"]["claimRef"];
    reference["name"] == claim["metadata"]["name"]
        && reference["namespace"] == claim["metadata"]["namespace"]
}

/// The smallest free volume that has all that a claim asks for.
pub(crate) fn match_for<'a>(
    store: &'a Store,
    claim: &Value,
    node: Option<&Value>,
) -> Option<&'a Object> {
    let fits = |volume: &&Object| {
        let spec = &volume["spec"];
        let free = match spec["claimRef"].is_object() {
            true => {
                is_for(volume, claim)
                    && [&Value::Null, &claim["metadata"]["uid"]].contains(&&spec["claimRef"]["uid"])
            }
            false => !super::meta::deleting(volume),
        };
        let modes = items(&claim["spec"]["accessModes"]);
        let selector = &claim["spec"]["selector"];
        free && text(&spec["storageClassName"]) == text(&claim["spec"]["storageClassName"])
            && spec["volumeMode"] == claim["spec"]["volumeMode"]
            && modes
                .iter()
                .all(|mode| items(&spec["accessModes"]).contains(mode))
            && size(&spec["capacity"]) >= size(&claim["spec"]["resources"]["requests"])
            && (selector.is_null()
                || super::meta::selector_matches(selector, &volume["metadata"]["labels"]))
            && node.is_none_or(|node| allows_node(volume, node))
    };
    store.list(VOLUMES, None).filter(fits).min_by_key(|volume| {
        let reserved = volume["spec"]["claimRef"].is_object();
        (!reserved, size(&volume["spec"]["capacity"]))
    })
}

fn size(amounts: &Value) -> i128 {
    amounts["storage"]
        .as_str()
        .and_then(thousandths)
        .unwrap_or(0)
}

/// The finalizers of an object without one of them.
fn without(object: &Value, finalizer: &str) -> Value {
    let mut next = object.clone();
    let left: Vec<Value> = items(&object["metadata"]["finalizers"])
        .iter()
        .filter(|other| *other != finalizer)
        .cloned()
        .collect();
    next["metadata"]["finalizers"] = left.into();
    next
}

fn has(object: &Value, finalizer: &str) -> bool {
    items(&object["metadata"]["finalizers"])
        .iter()
        .any(|other| other == finalizer)
}
