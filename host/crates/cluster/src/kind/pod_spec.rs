//! What pods and pod templates share: defaults of their `spec`. Never looks outside the spec.

use super::look::text;
use super::{items_mut, probe, set_default, volume};
use serde_json::{Value, json};

/// The lists of a pod's containers, in the order they start.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Fills in what the API server fills in, for pods and templates alike.
pub(super) fn default_spec(spec: &mut Value) {
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "schedulerName", "default-scheduler");
    set_default(spec, "securityContext", json!({}));
    set_default(spec, "terminationGracePeriodSeconds", 30);
    mirror_service_account(spec);
    for field in CONTAINER_LISTS {
        for container in items_mut(spec, field) {
            default_container(container);
        }
    }
    for item in items_mut(spec, "volumes") {
        volume::default_volume(item);
    }
}

/// The old and the new name of the same field always agree.
fn mirror_service_account(spec: &mut Value) {
    let name = match (
        text(spec, "/serviceAccountName"),
        text(spec, "/serviceAccount"),
    ) {
        ("", "") => return,
        ("", old) => old.to_owned(),
        (new, _) => new.to_owned(),
    };
    spec["serviceAccountName"] = name.as_str().into();
    spec["serviceAccount"] = name.into();
}

fn default_container(container: &mut Value) {
    let policy = pull_policy(text(container, "/image"));
    set_default(container, "imagePullPolicy", policy);
    set_default(container, "resources", json!({}));
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    for port in items_mut(container, "ports") {
        set_default(port, "protocol", "TCP");
    }
    for variable in items_mut(container, "env") {
        if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
            set_default(reference, "apiVersion", "v1");
        }
    }
    probe::default_probes(container);
}

/// An image without a tag, or with `latest`, may change under its name.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let by_digest = last.contains('@');
    match last.split_once(':') {
        _ if by_digest => "IfNotPresent",
        None | Some((_, "latest" | "")) => "Always",
        Some(_) => "IfNotPresent",
    }
}
