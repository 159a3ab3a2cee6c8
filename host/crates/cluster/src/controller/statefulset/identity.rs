//! What a pod of a StatefulSet keeps from one life to the next: name, hostname, claims.
//! Never counts pods.

use super::super::history::{REVISION_LABEL, Revision};
use super::super::meta::{items, name, namespace, owner_reference};
use super::super::pods::from_template;
use super::super::{Tone, Write};
use super::OWNERS;
use crate::store::Store;
use serde_json::{Value, json};

const CLAIMS: &str = "persistentvolumeclaims";

/// The number that ends the pod's name, when the rest is the set's name.
pub(super) fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    let number = name(pod).strip_prefix(name(set))?.strip_prefix('-')?;
    let plain = number.bytes().all(|digit| digit.is_ascii_digit());
    number
        .parse()
        .ok()
        .filter(|_| plain && (number == "0" || !number.starts_with('0')))
}

/// The pod of this ordinal, of this revision.
pub(super) fn pod(set: &Value, revision: &Revision, ordinal: i64) -> Value {
    let mut pod = from_template(set, &revision.template);
    let own = format!("{}-{ordinal}", name(set));
    let labels = &mut pod["metadata"]["labels"];
    labels["statefulset.kubernetes.io/pod-name"] = own.as_str().into();
    labels["apps.kubernetes.io/pod-index"] = ordinal.to_string().into();
    labels[REVISION_LABEL] = revision.name.as_str().into();
    pod["spec"]["hostname"] = own.as_str().into();
    if let Some(service) = set["spec"]["serviceName"]
        .as_str()
        .filter(|s| !s.is_empty())
    {
        pod["spec"]["subdomain"] = service.into();
    }
    mount_claims(set, ordinal, &mut pod["spec"]);
    pod["metadata"]["name"] = own.into();
    pod
}

/// A volume for each claim of the set, before those of the template with other names.
fn mount_claims(set: &Value, ordinal: i64, spec: &mut Value) {
    let templates = items(&set["spec"]["volumeClaimTemplates"]);
    if templates.is_empty() {
        return;
    }
    let claimed = templates.iter().map(|claim| {
        let claim_name = claim_name(set, claim, ordinal);
        json!({"name": name(claim), "persistentVolumeClaim": {"claimName": claim_name}})
    });
    let mut volumes: Vec<Value> = claimed.collect();
    let others = items(&spec["volumes"]).iter();
    let others =
        others.filter(|volume| templates.iter().all(|claim| volume["name"] != name(claim)));
    volumes.extend(others.cloned());
    spec["volumes"] = volumes.into();
}

fn claim_name(set: &Value, claim: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", name(claim), name(set))
}

/// The claims of this ordinal that are not there yet; they outlive the pod.
pub(super) fn claims(store: &Store, set: &Value, ordinal: i64, pod_name: &str) -> Vec<Write> {
    // A lab without that kind mounts a directory of the pod's instead.
    if crate::kind::by_key(CLAIMS).is_none() {
        return Vec::new();
    }
    let templates = items(&set["spec"]["volumeClaimTemplates"]).iter();
    let missing = templates.filter(|claim| {
        let claim_name = claim_name(set, claim, ordinal);
        store.get(CLAIMS, namespace(set), &claim_name).is_none()
    });
    missing
        .flat_map(|claim| make_claim(set, claim, ordinal, pod_name))
        .collect()
}

/// Gives the claims of an ordinal the owners that the retention policy wants: with the set they go
/// when `whenDeleted` says so, with the pod when it is on its way out and `whenScaled` says so.
pub(super) fn own_claims(
    store: &Store,
    set: &Value,
    ordinal: i64,
    pod: &Value,
    condemned: bool,
) -> Vec<Write> {
    let policy = &set["spec"]["persistentVolumeClaimRetentionPolicy"];
    let owner = if condemned && policy["whenScaled"] == "Delete" {
        Some(owner_reference(pod))
    } else if policy["whenDeleted"] == "Delete" {
        Some(owner_reference(set))
    } else {
        None
    };
    let templates = items(&set["spec"]["volumeClaimTemplates"]).iter();
    let changed = templates.filter_map(|template| {
        let claim = store.get(CLAIMS, namespace(set), &claim_name(set, template, ordinal))?;
        let references = items(&claim["metadata"]["ownerReferences"]);
        let ours = |reference: &&Value| {
            reference["uid"] == set["metadata"]["uid"]
                || (reference["kind"] == "Pod" && reference["name"] == pod["metadata"]["name"])
        };
        let foreign = references.iter().filter(|reference| !ours(reference));
        let wanted: Vec<Value> = foreign.cloned().chain(owner.clone()).collect();
        if wanted == references {
            return None;
        }
        let mut value = (**claim).clone();
        value["metadata"]["ownerReferences"] = wanted.into();
        Some(Write::Update {
            kind: CLAIMS,
            value,
        })
    });
    changed.collect()
}

fn make_claim(set: &Value, template: &Value, ordinal: i64, pod_name: &str) -> [Write; 2] {
    let own = claim_name(set, template, ordinal);
    let mut claim = template.clone();
    claim["metadata"]["name"] = own.as_str().into();
    claim["metadata"]["namespace"] = namespace(set).into();
    for (key, value) in set["spec"]["selector"]["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
    {
        claim["metadata"]["labels"][key] = value.clone();
    }
    if set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete" {
        claim["metadata"]["ownerReferences"] = json!([owner_reference(set)]);
    }
    let message = format!(
        "create Claim {own} Pod {pod_name} in StatefulSet {} success",
        name(set)
    );
    [
        Write::Create {
            kind: CLAIMS,
            value: claim,
            announce: None,
        },
        Write::Record(OWNERS.note(set, Tone::Normal, "SuccessfulCreate", message)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_belongs_to_the_set_whose_name_it_continues_with_a_plain_number() {
        let set = json!({"metadata": {"name": "db"}});
        let ordinal = |name: &str| ordinal(&set, &json!({"metadata": {"name": name}}));
        assert_eq!(ordinal("db-0"), Some(0));
        assert_eq!(ordinal("db-12"), Some(12));
        for foreign in ["db", "db-", "db-01", "db-x", "db-+1", "dba-0", "db-a-0"] {
            assert_eq!(ordinal(foreign), None, "{foreign}");
        }
    }
}
