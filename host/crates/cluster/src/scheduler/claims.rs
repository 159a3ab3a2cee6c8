//! What a pod's claims mean for where it may go. Never binds a claim: it names a node on those that
//! wait for one, and their controller does the rest.

use crate::controller::Write;
use crate::controller::meta::{deleting, name, namespace, text};
use crate::controller::volume::{
    CLAIMS, SELECTED_NODE, VOLUMES, allows_node, claims_of, class_of, match_for, waits_for_consumer,
};
use crate::store::{Object, Store};
use serde_json::Value;

/// A pod's claims as they are now.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    /// The volumes that the pod's claims have.
    bound: Vec<&'a Object>,
    /// Claims whose class wants to know the node first, each with whether a volume can be made.
    open: Vec<(&'a Object, bool)>,
    /// Whether a node was named already and its volume is not there yet.
    pub(super) busy: bool,
}

impl<'a> Claims<'a> {
    /// Looks the pod's claims up.
    ///
    /// # Errors
    /// The scheduler's words when a claim keeps the pod from every node.
    pub(super) fn of(store: &'a Store, pod: &Value) -> Result<Self, String> {
        let mut claims = Self::default();
        let mut unbound = false;
        for claim_name in claims_of(pod) {
            let Some(claim) = store.get(CLAIMS, namespace(pod), claim_name) else {
                return Err(format!("persistentvolumeclaim \"{claim_name}\" not found"));
            };
            if deleting(claim) {
                return Err(format!(
                    "persistentvolumeclaim \"{claim_name}\" is being deleted"
                ));
            }
            let held = text(&claim["spec"]["volumeName"]);
            if !held.is_empty() {
                match store.get(VOLUMES, "", held) {
                    Some(volume) => claims.bound.push(volume),
                    None => {
                        return Err(format!(
                            "persistentvolumeclaim \"{claim_name}\" bound to non-existent persistentvolume \"{held}\""
                        ));
                    }
                }
            } else if waits_for_consumer(store, claim) {
                claims.busy |= claim["metadata"]["annotations"][SELECTED_NODE].is_string();
                let made = class_of(store, claim)
                    .is_some_and(|class| class["provisioner"] != "kubernetes.io/no-provisioner");
                claims.open.push((claim, made));
            } else {
                unbound = true;
            }
        }
        if unbound {
            return Err("pod has unbound immediate PersistentVolumeClaims".to_owned());
        }
        Ok(claims)
    }

    /// Why the pod's volumes keep it from this node, if they do.
    pub(super) fn refuse(&self, store: &Store, node: &Value) -> Option<&'static str> {
        if self.bound.iter().any(|volume| !allows_node(volume, node)) {
            return Some("node(s) didn't match PersistentVolume's node affinity");
        }
        let lacking = |(claim, made): &&(&Object, bool)| {
            !made && match_for(store, claim, Some(node)).is_none()
        };
        self.open
            .iter()
            .any(|open| lacking(&open))
            .then_some("node(s) didn't find available persistent volumes to bind")
    }

    /// What names the node on claims that wait for one; nothing when none does.
    pub(super) fn choose(&self, node: &Value) -> Vec<Write> {
        let chosen = self.open.iter().map(|(claim, _)| {
            let mut next = (***claim).clone();
            next["metadata"]["annotations"][SELECTED_NODE] = name(node).into();
            Write::Update {
                kind: CLAIMS,
                value: next,
            }
        });
        chosen.collect()
    }
}
