//! What an object needs before it may be created, and what is added to it. Never validates fields.

use super::route::Target;
use super::status::Failure;
use crate::kind::look::text;
use crate::kind::{Kind, by_key};
use crate::registry::Registry;
use crate::store::{Store, name_of, namespace_of};
use clock::Instant;
use serde_json::{Value, json};

/// A namespace must be there, and must not be on its way out.
pub(super) fn check_namespace(
    store: &Store,
    target: &Target<'_>,
    name: &str,
) -> Result<(), Failure> {
    let Some(space) = target.namespace else {
        return Ok(());
    };
    let namespaces = by_key("namespaces").expect("namespaces are a kind").names();
    let Some(found) = store.get("namespaces", "", space) else {
        return Err(Failure::not_found(namespaces, space));
    };
    if text(found, "/status/phase") == "Terminating" {
        let why = format!(
            "unable to create new content in namespace {space} because it is being terminated"
        );
        return Err(Failure::forbidden(target.kind.names(), name, &why));
    }
    Ok(())
}

/// Checks what a new object refers to.
pub(super) fn admit(store: &Store, kind: &dyn Kind, object: &mut Value) -> Result<(), Failure> {
    if kind.names().key != "pods" {
        return Ok(());
    }
    let account = match text(object, "/spec/serviceAccountName") {
        "" => "default",
        account => account,
    };
    let space = namespace_of(object);
    if store.get("serviceaccounts", space, account).is_none() {
        let why = format!(
            "error looking up service account {space}/{account}: serviceaccount \"{account}\" not found"
        );
        return Err(Failure::forbidden(kind.names(), name_of(object), &why));
    }
    Ok(())
}

/// The words every `kube-root-ca.crt` carries.
const CA_DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// What every namespace has: by kind, its default ServiceAccount and the cluster's authority.
pub(crate) fn furniture(store: &Store, namespace: &str) -> [(&'static str, Value); 2] {
    let first = store.get("configmaps", "kube-system", ROOT_CA);
    let root_ca = first.map_or("", |bundle| text(bundle, "/data/ca.crt"));
    [
        (
            "serviceaccounts",
            json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": namespace},
            }),
        ),
        ("configmaps", root_ca_bundle(namespace, root_ca)),
    ]
}

const ROOT_CA: &str = "kube-root-ca.crt";

/// The ConfigMap with the certificate of the cluster's authority.
pub(crate) fn root_ca_bundle(namespace: &str, root_ca: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": ROOT_CA, "namespace": namespace,
            "annotations": {"kubernetes.io/description": CA_DESCRIPTION},
        },
        "data": {"ca.crt": root_ca},
    })
}

/// Puts into a new namespace what every namespace has.
pub(crate) fn furnish_namespace(
    store: &mut Store,
    registry: &mut Registry,
    now: Instant,
    name: &str,
) {
    for (kind, value) in furniture(store, name) {
        // A namespace that is made again may still have them.
        let _ = registry.create(store, now, kind, value);
    }
}
