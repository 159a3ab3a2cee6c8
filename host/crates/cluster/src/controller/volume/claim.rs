//! One claim: which class, which volume, and when it may go. Never touches a volume that another
//! claim has.

use super::{
    CLAIMS, CLASSES, COMPONENT, PROVISIONER, SELECTED_NODE, VOLUMES, claims_of, class_of, has,
    match_for, without,
};
use crate::controller::meta::{deleting, name, namespace, pod_finished, text, uid};
use crate::controller::{Note, Tone, Write};
use crate::store::{Object, Store};
use serde_json::{Value, json};

const PROTECTION: &str = "kubernetes.io/pvc-protection";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn reconcile(store: &Store, claim: &Object) -> Vec<Write> {
    if deleting(claim) {
        let free = has(claim, PROTECTION) && !in_use(store, claim);
        return if free {
            vec![update(without(claim, PROTECTION))]
        } else {
            Vec::new()
        };
    }
    if !text(&claim["spec"]["volumeName"]).is_empty() {
        return bound(store, claim);
    }
    // A class may have become the default after the claim came.
    let mut next = (**claim).clone();
    choose_class(store, &mut next);
    if next["spec"] != claim["spec"] {
        return vec![update(next)];
    }
    find(store, claim)
}

/// Whether a pod that has a node mounts it; who waits for a node does not hold it.
fn in_use(store: &Store, claim: &Value) -> bool {
    store.list("pods", Some(namespace(claim))).any(|pod| {
        !text(&pod["spec"]["nodeName"]).is_empty()
            && !pod_finished(pod)
            && claims_of(pod).any(|other| other == name(claim))
    })
}

/// Gives a new claim that names no class the default one, as the admission of that name does.
pub(crate) fn choose_class(store: &Store, claim: &mut Value) {
    if claim["spec"]["storageClassName"].is_null()
        && let Some(class) = default_class(store)
    {
        claim["spec"]["storageClassName"] = name(class).into();
    }
}

/// The class of claims that name none: the youngest of those that say so of themselves.
fn default_class(store: &Store) -> Option<&Object> {
    let classes = store
        .list(CLASSES, None)
        .filter(|class| class["metadata"]["annotations"][DEFAULT_CLASS] == "true");
    classes.max_by_key(|class| text(&class["metadata"]["creationTimestamp"]).to_owned())
}

/// A claim that has its volume: what there is to say about it, or that the volume is gone.
fn bound(store: &Store, claim: &Object) -> Vec<Write> {
    let volume = store.get(VOLUMES, "", text(&claim["spec"]["volumeName"]));
    let mut next = (**claim).clone();
    let Some(volume) = volume else {
        if claim["status"]["phase"] == "Lost" {
            return Vec::new();
        }
        next["status"] = json!({ "phase": "Lost" });
        let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
        return vec![
            status(next),
            Write::Record(say(claim, Tone::Warning, "ClaimLost", message)),
        ];
    };
    let mut writes = Vec::new();
    let reference = &volume["spec"]["claimRef"];
    if reference["uid"] != claim["metadata"]["uid"] {
        if reference["uid"].is_string() {
            return Vec::new();
        }
        let mut taken = (**volume).clone();
        taken["spec"]["claimRef"] = reference_to(claim);
        writes.push(Write::Update {
            kind: VOLUMES,
            value: taken,
        });
    }
    next["status"]["phase"] = "Bound".into();
    next["status"]["accessModes"] = volume["spec"]["accessModes"].clone();
    next["status"]["capacity"] = volume["spec"]["capacity"].clone();
    if next["status"] != claim["status"] {
        writes.push(status(next));
    }
    writes
}

/// Binds a claim to a volume that is there, has one made, or says what it waits for.
fn find(store: &Store, claim: &Object) -> Vec<Write> {
    let class = class_of(store, claim);
    let node = text(&claim["metadata"]["annotations"][SELECTED_NODE]);
    let waits = super::waits_for_consumer(store, claim) && node.is_empty();
    let reserved = store
        .list(VOLUMES, None)
        .any(|volume| super::is_for(volume, claim));
    if waits && !reserved {
        return tell(store, claim, waiting(store, claim));
    }
    let node = store.get("nodes", "", node);
    if let Some(volume) = match_for(store, claim, node.map(|node| &**node)) {
        return bind(claim, volume);
    }
    let class_name = text(&claim["spec"]["storageClassName"]);
    let Some(class) = class else {
        let note = if class_name.is_empty() {
            let why = "no persistent volumes available for this claim and no storage class is set";
            say(claim, Tone::Normal, "FailedBinding", why)
        } else {
            let why = format!("storageclass.storage.k8s.io \"{class_name}\" not found");
            say(claim, Tone::Warning, "ProvisioningFailed", &why)
        };
        return tell(store, claim, note);
    };
    let provisioner = text(&class["provisioner"]);
    if provisioner == PROVISIONER {
        return match beyond(claim) {
            Some(why) => {
                let note = say(claim, Tone::Warning, "ProvisioningFailed", why);
                tell(store, claim, note)
            }
            None => provision(store, claim, class),
        };
    }
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    );
    tell(
        store,
        claim,
        say(claim, Tone::Normal, "ExternalProvisioning", &message),
    )
}

/// What a claim waits for whose class wants to know the node first.
fn waiting(store: &Store, claim: &Object) -> Note {
    let pods: Vec<&str> = store
        .list("pods", Some(namespace(claim)))
        .filter(|pod| text(&pod["spec"]["nodeName"]).is_empty() && !pod_finished(pod))
        .filter(|pod| claims_of(pod).any(|other| other == name(claim)))
        .map(|pod| name(pod))
        .collect();
    let (reason, message) = match pods[..] {
        [] => (
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding".to_owned(),
        ),
        [pod] => (
            "WaitForPodScheduled",
            format!("waiting for pod {pod} to be scheduled"),
        ),
        _ => (
            "WaitForPodScheduled",
            format!("waiting for pods {} to be scheduled", pods.join(",")),
        ),
    };
    say(claim, Tone::Normal, reason, &message)
}

/// Records a note, unless the claim's newest Event already says so.
fn tell(store: &Store, claim: &Object, note: Note) -> Vec<Write> {
    let known = store.list("events", Some(namespace(claim))).any(|event| {
        event["involvedObject"]["uid"] == claim["metadata"]["uid"]
            && event["reason"] == note.reason
            && event["message"] == note.message.as_str()
    });
    if known {
        Vec::new()
    } else {
        vec![Write::Record(note)]
    }
}

fn bind(claim: &Object, volume: &Object) -> Vec<Write> {
    let mut taken = (**volume).clone();
    taken["spec"]["claimRef"] = reference_to(claim);
    if volume["spec"]["claimRef"].is_null() {
        taken["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes".into();
    }
    let mut next = (**claim).clone();
    next["spec"]["volumeName"] = name(volume).into();
    let annotations = &mut next["metadata"]["annotations"];
    annotations["pv.kubernetes.io/bind-completed"] = "yes".into();
    annotations["pv.kubernetes.io/bound-by-controller"] = "yes".into();
    vec![
        Write::Update {
            kind: VOLUMES,
            value: taken,
        },
        update(next),
    ]
}

/// What a claim asks of its volume that this lab's cannot be.
fn beyond(claim: &Value) -> Option<&'static str> {
    let spec = &claim["spec"];
    if !spec["dataSource"].is_null() || !spec["dataSourceRef"].is_null() {
        return Some("not in this lab: volumes that begin with the contents of another");
    }
    (spec["volumeMode"] == "Block").then_some("not in this lab: volumes of raw blocks")
}

/// Makes a volume as local-path-provisioner does: a directory of one node, to which it is tied.
fn provision(store: &Store, claim: &Object, class: &Object) -> Vec<Write> {
    let chosen = text(&claim["metadata"]["annotations"][SELECTED_NODE]);
    let first = store
        .list("nodes", None)
        .find(|node| node["spec"]["unschedulable"] != true);
    let node = match (chosen, first) {
        ("", Some(node)) => name(node),
        ("", None) => return Vec::new(),
        (chosen, _) => chosen,
    };
    let own = format!("pvc-{}", uid(claim));
    if store.get(VOLUMES, "", &own).is_some() {
        return Vec::new();
    }
    let (space, claim_name) = (namespace(claim), name(claim));
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {
            "name": own,
            "annotations": { "pv.kubernetes.io/provisioned-by": PROVISIONER },
        },
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": { "storage": claim["spec"]["resources"]["requests"]["storage"] },
            "claimRef": reference_to(claim),
            "hostPath": {
                "path": format!("/var/local-path-provisioner/{own}_{space}_{claim_name}"),
                "type": "DirectoryOrCreate",
            },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [{
                "key": "kubernetes.io/hostname", "operator": "In", "values": [node],
            }] }] } },
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
            "storageClassName": class["metadata"]["name"],
            "volumeMode": claim["spec"]["volumeMode"],
        },
    });
    let mut next = (**claim).clone();
    next["spec"]["volumeName"] = own.as_str().into();
    let annotations = &mut next["metadata"]["annotations"];
    for key in [
        "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/storage-provisioner",
    ] {
        annotations[key] = PROVISIONER.into();
    }
    annotations["pv.kubernetes.io/bind-completed"] = "yes".into();
    annotations["pv.kubernetes.io/bound-by-controller"] = "yes".into();
    let by = |reason, message: String| {
        Write::Record(Note::about(
            claim,
            Tone::Normal,
            reason,
            message,
            PROVISIONER,
        ))
    };
    let external = format!(
        "Waiting for a volume to be created either by the external provisioner '{PROVISIONER}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    );
    vec![
        Write::Record(say(claim, Tone::Normal, "ExternalProvisioning", &external)),
        by(
            "Provisioning",
            format!(
                "External provisioner is provisioning volume for claim \"{space}/{claim_name}\""
            ),
        ),
        Write::Create {
            kind: VOLUMES,
            value: volume,
            announce: None,
        },
        by(
            "ProvisioningSucceeded",
            format!("Successfully provisioned volume {own}"),
        ),
        update(next),
    ]
}

fn reference_to(claim: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"],
        "resourceVersion": claim["metadata"]["resourceVersion"], "uid": claim["metadata"]["uid"],
    })
}

fn update(value: Value) -> Write {
    Write::Update {
        kind: CLAIMS,
        value,
    }
}

fn status(value: Value) -> Write {
    Write::UpdateStatus {
        kind: CLAIMS,
        value,
    }
}

fn say(claim: &Value, tone: Tone, reason: &'static str, message: &str) -> Note {
    Note::about(claim, tone, reason, message, COMPONENT)
}
