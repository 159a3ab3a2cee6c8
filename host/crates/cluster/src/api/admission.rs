//! What an object needs before it may be created, and what is added to it. Never validates fields.

use super::route::Target;
use super::status::Failure;
use super::{limits, quota};
use crate::controller::volume;
use crate::kind::look::text;
use crate::kind::{Kind, by_key};
use crate::registry::Registry;
use crate::store::{Object, Store, name_of, namespace_of};
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
        let cause = json!({
            "reason": "NamespaceTerminating",
            "message": format!("namespace {space} is being terminated"),
            "field": "metadata.namespace",
        });
        let failure = Failure::forbidden(target.kind.names(), name, &why);
        return Err(failure.with_causes(json!([cause])));
    }
    Ok(())
}

/// Checks what a new object refers to.
pub(super) fn admit(store: &Store, kind: &dyn Kind, object: &mut Value) -> Result<(), Failure> {
    match kind.names().key {
        "pods" => admit_pod(store, object)
            .map_err(|why| Failure::forbidden(kind.names(), name_of(object), &why)),
        _ => Ok(()),
    }
}

/// Gives a new object what its namespace gives to all.
pub(super) fn fill(store: &Store, kind: &dyn Kind, object: &mut Value) {
    match kind.names().key {
        "pods" => limits::fill(store, object),
        "ingresses.networking.k8s.io" => fill_class(store, object),
        volume::CLAIMS => volume::choose_class(store, object),
        _ => {}
    }
}

/// An Ingress that names no class gets the default one, if there is one.
fn fill_class(store: &Store, ingress: &mut Value) {
    let old = &ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"];
    if ingress["spec"]["ingressClassName"].is_null()
        && old.is_null()
        && let Some(class) = crate::ingress::class::default(store)
    {
        ingress["spec"]["ingressClassName"] = name_of(class).into();
    }
}

/// Whether its namespace has room for a new object.
pub(super) fn check_room(store: &Store, kind: &dyn Kind, object: &Value) -> Result<(), Failure> {
    let bounds = match kind.names().key {
        "pods" => limits::check(store, object),
        _ => Ok(()),
    };
    bounds
        .and_then(|()| quota::check(store, kind, object))
        .map_err(|why| Failure::forbidden(kind.names(), name_of(object), &why))
}

/// Makes a pod that a controller wants, when its namespace lets it.
///
/// # Errors
/// What forbids it, as a sentence that names the pod.
pub(crate) fn create_pod(
    store: &mut Store,
    registry: &mut Registry,
    now: Instant,
    mut pod: Value,
) -> Result<Object, String> {
    let kind = by_key("pods").expect("pods are a kind");
    let admitted = admit_pod(store, &mut pod);
    registry.prepare(store, now, kind.names().key, &mut pod);
    limits::fill(store, &mut pod);
    let name = name_of(&pod).to_owned();
    let bounds = admitted.and_then(|()| limits::check(store, &pod));
    bounds
        .and_then(|()| quota::check(store, kind, &pod))
        .map_err(|why| format!("pods \"{name}\" is forbidden: {why}"))?;
    store
        .create(kind.names().key, pod)
        .map_err(|_| format!("pods \"{name}\" already exists"))
}

/// Why a pod that a controller wants would not be let in now, if so.
pub(crate) fn why_no_pod(store: &Store, mut pod: Value) -> Option<String> {
    let kind = by_key("pods").expect("pods are a kind");
    let admitted = admit_pod(store, &mut pod);
    kind.default_object(&mut pod);
    limits::fill(store, &mut pod);
    let bounds = admitted.and_then(|()| limits::check(store, &pod));
    let why = bounds
        .and_then(|()| quota::check(store, kind, &pod))
        .err()?;
    let name = text(&pod, "/metadata/generateName");
    Some(format!("pods \"{name}\" is forbidden: {why}"))
}

fn admit_pod(store: &Store, object: &mut Value) -> Result<(), String> {
    let account = match text(object, "/spec/serviceAccountName") {
        "" => "default",
        account => account,
    };
    let space = namespace_of(object);
    if store.get("serviceaccounts", space, account).is_none() {
        return Err(format!(
            "error looking up service account {space}/{account}: serviceaccount \"{account}\" not found"
        ));
    }
    prioritize(store, object)
}

/// Gives a pod the priority of its class, or of the class for all; it may not choose another.
fn prioritize(store: &Store, pod: &mut Value) -> Result<(), String> {
    const CLASSES: &str = "priorityclasses.scheduling.k8s.io";
    let name = text(pod, "/spec/priorityClassName").to_owned();
    let class = match name.as_str() {
        "" => store
            .list(CLASSES, None)
            .find(|class| class["globalDefault"] == true),
        name => Some(
            store
                .get(CLASSES, "", name)
                .ok_or_else(|| format!("no PriorityClass with name {name} was found"))?,
        ),
    };
    let value = class.and_then(|class| class["value"].as_i64()).unwrap_or(0);
    let policy = class.map_or("", |class| text(class, "/preemptionPolicy"));
    let policy = if policy.is_empty() {
        "PreemptLowerPriority"
    } else {
        policy
    };
    let computed = "priority admission controller computed";
    if let Some(own) = pod["spec"]["priority"].as_i64().filter(|own| *own != value) {
        return Err(format!(
            "the integer value of priority ({own}) must not be provided in pod spec; {computed} {value} from the given PriorityClass name"
        ));
    }
    let own = text(pod, "/spec/preemptionPolicy");
    if !own.is_empty() && own != policy {
        return Err(format!(
            "the string value of PreemptionPolicy ({own}) must not be provided in pod spec; {computed} {policy} from the given PriorityClass name"
        ));
    }
    if let Some(class) = class {
        pod["spec"]["priorityClassName"] = text(class, "/metadata/name").into();
        pod["spec"]["priority"] = value.into();
        pod["spec"]["preemptionPolicy"] = policy.into();
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
