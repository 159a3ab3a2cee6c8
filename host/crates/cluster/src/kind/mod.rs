//! What there is to know about a kind, one file each. Never reads the store.

use serde_json::Value;

/// One kind of object: everything the API derives comes from here.
pub trait Kind: Sync {
    /// `plural.group`, the name under which the store keeps it.
    fn key(&self) -> &'static str;
    /// Fills in what the API server fills in.
    fn default_object(&self, object: &mut Value);
}

/// Every kind this cluster serves.
pub static KINDS: &[&dyn Kind] = &[];

/// The kind the store calls `key`.
#[must_use]
pub fn by_key(key: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.key() == key)
}

/// Whether objects of this kind carry `metadata.generation`.
#[must_use]
pub fn counts_generations(key: &str) -> bool {
    matches!(
        key,
        "pods" | "deployments.apps" | "replicasets.apps" | "endpointslices.discovery.k8s.io"
    )
}

/// The part of an object whose change raises its generation.
pub fn generation_content<'a>(
    key: &str,
    object: &'a Value,
) -> impl Iterator<Item = Option<&'a Value>> + use<'a> {
    let fields: &[&str] = if key == "endpointslices.discovery.k8s.io" {
        &["endpoints", "ports"]
    } else {
        &["spec"]
    };
    fields.iter().map(move |field| object.get(*field))
}
