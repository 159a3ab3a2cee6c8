//! One volume: free, bound, without its claim, and what becomes of it then. Never chooses a claim.

use super::{CLAIMS, COMPONENT, PROVISIONER, VOLUMES, has, without};
use crate::controller::meta::{deleting, name, text, uid};
use crate::controller::{Context, Note, Tone, Write};
use crate::store::{Key, Object, Store};
use serde_json::{Value, json};

const PROTECTION: &str = "kubernetes.io/pv-protection";

pub(super) fn reconcile(store: &Store, volume: &Object, context: &Context<'_>) -> Vec<Write> {
    let (phase, why) = phase(store, volume);
    if deleting(volume) {
        let free = has(volume, PROTECTION) && phase != "Bound";
        return if free {
            vec![Write::Update {
                kind: VOLUMES,
                value: without(volume, PROTECTION),
            }]
        } else {
            Vec::new()
        };
    }
    let mut writes = Vec::new();
    if volume["status"]["phase"] != phase {
        let mut next = (**volume).clone();
        next["status"] = json!({ "phase": phase, "lastPhaseTransitionTime": context.time() });
        if let Some(why) = &why {
            next["status"]["message"] = why.as_str().into();
            let note = Note::about(volume, Tone::Warning, "VolumeFailedDelete", why, COMPONENT);
            writes.push(Write::Record(note));
        }
        writes.push(Write::UpdateStatus {
            kind: VOLUMES,
            value: next,
        });
    }
    if phase == "Released" && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
        writes.push(Write::Delete {
            key: Key::new(VOLUMES, "", name(volume)),
            uid: uid(volume).to_owned(),
            grace_seconds: None,
            announce: None,
        });
    }
    writes
}

/// Where a volume is in its life, and for one that cannot be deleted why.
fn phase(store: &Store, volume: &Value) -> (&'static str, Option<String>) {
    let reference = &volume["spec"]["claimRef"];
    if !reference["uid"].is_string() {
        return ("Available", None);
    }
    let (space, claim) = (text(&reference["namespace"]), text(&reference["name"]));
    let claim = store.get(CLAIMS, space, claim);
    if claim.is_some_and(|claim| claim["metadata"]["uid"] == reference["uid"]) {
        return ("Bound", None);
    }
    if volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete" {
        return ("Released", None);
    }
    let made = &volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"];
    let path = text(&volume["spec"]["hostPath"]["path"]);
    if made == PROVISIONER || path.starts_with("/tmp/") {
        return ("Released", None);
    }
    let why = match path {
        "" => "no deletable volume plugin matched".to_owned(),
        path => format!("host_path deleter only supports /tmp/.+ but received provided {path}"),
    };
    ("Failed", Some(why))
}
