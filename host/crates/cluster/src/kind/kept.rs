//! Kinds whose objects are kept though nothing here acts on them. A use is answered with a warning
//! that says what a cluster would do, unless no cluster without additions does anything either.
//!
//! Columns are upstream's; descriptions that were not recorded are left empty. Cells are filled
//! in `kept_cells.rs`, defaults and checks are in `kept_rules.rs`. Never acts on an object.

use super::Subresource;
use super::column::{AGE, NAME, number, plain, text, wide};
use super::kept_cells::{
    addresses, audiences, bound, claim, class_name, containers, decision, duration, hosts, joined,
    modes, parameters, parent, phase, storage, storage_class, subjects, targets, used,
};
use super::kept_rules as rules;
use super::look::{format_labels, format_selector, list, text as look};
use super::plain::{Cell, Plain, Standing, plain, table};
use super::{access_rules, policy_rules, quota_rules, storage_rules};

const APPROVAL: Subresource = Subresource {
    name: "approval",
    ..Subresource::STATUS
};

pub(super) static LIMIT_RANGES: Plain = Plain {
    standing: Standing::Followed,
    defaults: quota_rules::limit_range,
    ..plain!(api::core::v1::LimitRange as "LimitRange", "limitranges", "limitrange", ["limits"], "limitranges", "", "v1", true)
};

pub(super) static PERSISTENT_VOLUME_CLAIMS: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("Status") => Cell::Of(phase),
        plain("Volume") => Cell::At("/spec/volumeName"),
        plain("Capacity") => Cell::Of(|claim| bound(claim, storage(claim, "/status/capacity"))),
        plain("Access Modes") => Cell::Of(|claim| bound(claim, modes(claim, "/status/accessModes"))),
        plain("StorageClass") => Cell::Of(storage_class),
        plain("VolumeAttributesClass") => Cell::Or("/spec/volumeAttributesClassName", "<unset>"),
        AGE => Cell::Age,
        wide("VolumeMode") => Cell::Or("/spec/volumeMode", "<unset>"),
    ],
    subresources: &[Subresource::STATUS],
    defaults: rules::claim,
    born: |claim| rules::protect(claim, "kubernetes.io/pvc-protection"),
    validate: storage_rules::check_claim,
    ..plain!(api::core::v1::PersistentVolumeClaim as "PersistentVolumeClaim", "persistentvolumeclaims", "persistentvolumeclaim", ["pvc"], "persistentvolumeclaims", "", "v1", true)
};

pub(super) static PERSISTENT_VOLUMES: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("Capacity") => Cell::Of(|volume| storage(volume, "/spec/capacity")),
        plain("Access Modes") => Cell::Of(|volume| modes(volume, "/spec/accessModes")),
        plain("Reclaim Policy") => Cell::At("/spec/persistentVolumeReclaimPolicy"),
        plain("Status") => Cell::Of(phase),
        plain("Claim") => Cell::Of(claim),
        plain("StorageClass") => Cell::Of(storage_class),
        plain("VolumeAttributesClass") => Cell::Or("/spec/volumeAttributesClassName", "<unset>"),
        plain("Reason") => Cell::At("/status/reason"),
        AGE => Cell::Age,
        wide("VolumeMode") => Cell::Or("/spec/volumeMode", "<unset>"),
    ],
    subresources: &[Subresource::STATUS],
    defaults: rules::volume,
    born: |volume| rules::protect(volume, "kubernetes.io/pv-protection"),
    validate: storage_rules::check_volume,
    ..plain!(api::core::v1::PersistentVolume as "PersistentVolume", "persistentvolumes", "persistentvolume", ["pv"], "persistentvolumes", "", "v1", false)
};

pub(super) static POD_TEMPLATES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        text("Containers", 0, "Names of each container in the template.") => Cell::Of(|object| containers(object, "name")),
        text("Images", 0, "Images referenced by each container in the template.") => Cell::Of(|object| containers(object, "image")),
        plain("Pod Labels") => Cell::Of(|object| format_labels(object, "/template/metadata/labels").into()),
    ],
    generations: true,
    ..plain!(api::core::v1::PodTemplate as "PodTemplate", "podtemplates", "podtemplate", [], "podtemplates", "", "v1", true)
};

pub(super) static RESOURCE_QUOTAS: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        text("Request", 0, "Request represents a minimum amount of cpu/memory that a container may consume.") => Cell::Of(|quota| used(quota, false)),
        text("Limit", 0, "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.") => Cell::Of(|quota| used(quota, true)),
        AGE => Cell::Age,
    ],
    validate: quota_rules::check_quota,
    subresources: &[Subresource::STATUS],
    ..plain!(api::core::v1::ResourceQuota as "ResourceQuota", "resourcequotas", "resourcequota", ["quota"], "resourcequotas", "", "v1", true)
};

pub(super) static HORIZONTAL_POD_AUTOSCALERS: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("Reference") => Cell::Of(|scaler| format!("{}/{}", look(scaler, "/spec/scaleTargetRef/kind"), look(scaler, "/spec/scaleTargetRef/name")).into()),
        plain("Targets") => Cell::Of(targets),
        plain("MinPods") => Cell::Or("/spec/minReplicas", "<unset>"),
        plain("MaxPods") => Cell::Or("/spec/maxReplicas", "0"),
        plain("Replicas") => Cell::Or("/status/currentReplicas", "0"),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    defaults: rules::scaler, validate: rules::check_scaler,
    ..plain!(api::autoscaling::v2::HorizontalPodAutoscaler as "HorizontalPodAutoscaler", "horizontalpodautoscalers", "horizontalpodautoscaler", ["hpa"], "horizontalpodautoscalers.autoscaling", "autoscaling", "v2", true).part_of(&["all"])
};

pub(super) static CERTIFICATE_SIGNING_REQUESTS: Plain = Plain {
    standing: Standing::Kept("signers; the request stays as it is"),
    table: table![
        NAME => Cell::Name,
        AGE => Cell::Age,
        plain("SignerName") => Cell::Or("/spec/signerName", "<none>"),
        plain("Requestor") => Cell::At("/spec/username"),
        plain("RequestedDuration") => Cell::Of(duration),
        plain("Condition") => Cell::Of(decision),
    ],
    subresources: &[APPROVAL, Subresource::STATUS],
    selectable: &["spec.signerName"],
    ..plain!(api::certificates::v1::CertificateSigningRequest as "CertificateSigningRequest", "certificatesigningrequests", "certificatesigningrequest", ["csr"], "certificatesigningrequests.certificates.k8s.io", "certificates.k8s.io", "v1", false)
};

pub(super) static IP_ADDRESSES: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("ParentRef") => Cell::Of(parent),
        AGE => Cell::Age,
    ],
    name_rule: rules::address_name,
    validate: rules::check_address,
    validate_update: rules::same_parent,
    ..plain!(api::networking::v1::IPAddress as "IPAddress", "ipaddresses", "ipaddress", ["ip"], "ipaddresses.networking.k8s.io", "networking.k8s.io", "v1", false)
};

pub(super) static INGRESS_CLASSES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        plain("Controller") => Cell::At("/spec/controller"),
        plain("Parameters") => Cell::Of(parameters),
        AGE => Cell::Age,
    ],
    generations: true,
    ..plain!(api::networking::v1::IngressClass as "IngressClass", "ingressclasses", "ingressclass", [], "ingressclasses.networking.k8s.io", "networking.k8s.io", "v1", false)
};

pub(super) static INGRESSES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        text("Class", 0, "The name of the IngressClass resource that should be used for additional configuration") => Cell::Or("/spec/ingressClassName", "<none>"),
        text("Hosts", 0, "Hosts that incoming requests are matched against before the ingress rule") => Cell::Of(hosts),
        text("Address", 0, "Address is a list containing ingress points for the load-balancer") => Cell::Of(addresses),
        text("Ports", 0, "Ports of TLS configurations that open") => Cell::Of(|ingress| if list(ingress, "/spec/tls").is_empty() { "80" } else { "80, 443" }.into()),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    generations: true,
    validate: rules::check_ingress,
    ..plain!(api::networking::v1::Ingress as "Ingress", "ingresses", "ingress", ["ing"], "ingresses.networking.k8s.io", "networking.k8s.io", "v1", true)
};

pub(super) static NETWORK_POLICIES: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("Pod-Selector") => Cell::Of(|policy| format_selector(policy, "/spec/podSelector").into()),
        AGE => Cell::Age,
    ],
    generations: true,
    defaults: policy_rules::policy,
    validate: policy_rules::check_policy,
    ..plain!(api::networking::v1::NetworkPolicy as "NetworkPolicy", "networkpolicies", "networkpolicy", ["netpol"], "networkpolicies.networking.k8s.io", "networking.k8s.io", "v1", true)
};

pub(super) static CLUSTER_ROLE_BINDINGS: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("Role") => Cell::Of(|binding| format!("{}/{}", look(binding, "/roleRef/kind"), look(binding, "/roleRef/name")).into()),
        AGE => Cell::Age,
        wide("Users") => Cell::Of(|binding| subjects(binding, "User")),
        wide("Groups") => Cell::Of(|binding| subjects(binding, "Group")),
        wide("ServiceAccounts") => Cell::Of(|binding| subjects(binding, "ServiceAccount")),
    ],
    name_rule: rules::path_segment,
    defaults: rules::binding,
    validate: access_rules::check_binding,
    validate_update: rules::same_role,
    ..plain!(api::rbac::v1::ClusterRoleBinding as "ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding", [], "clusterrolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "v1", false)
};

pub(super) static CLUSTER_ROLES: Plain = Plain {
    standing: Standing::Followed,
    name_rule: rules::path_segment,
    validate: access_rules::check_role,
    ..plain!(api::rbac::v1::ClusterRole as "ClusterRole", "clusterroles", "clusterrole", [], "clusterroles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "v1", false)
};

pub(super) static ROLE_BINDINGS: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Name,
        plain("Role") => Cell::Of(|binding| format!("{}/{}", look(binding, "/roleRef/kind"), look(binding, "/roleRef/name")).into()),
        AGE => Cell::Age,
        wide("Users") => Cell::Of(|binding| subjects(binding, "User")),
        wide("Groups") => Cell::Of(|binding| subjects(binding, "Group")),
        wide("ServiceAccounts") => Cell::Of(|binding| subjects(binding, "ServiceAccount")),
    ],
    name_rule: rules::path_segment,
    defaults: rules::binding,
    validate: access_rules::check_binding,
    validate_update: rules::same_role,
    ..plain!(api::rbac::v1::RoleBinding as "RoleBinding", "rolebindings", "rolebinding", [], "rolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "v1", true)
};

pub(super) static ROLES: Plain = Plain {
    standing: Standing::Followed,
    name_rule: rules::path_segment,
    validate: access_rules::check_role,
    ..plain!(api::rbac::v1::Role as "Role", "roles", "role", [], "roles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "v1", true)
};

pub(super) static CSI_DRIVERS: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        plain("AttachRequired") => Cell::Or("/spec/attachRequired", "true"),
        plain("PodInfoOnMount") => Cell::Or("/spec/podInfoOnMount", "false"),
        plain("StorageCapacity") => Cell::Or("/spec/storageCapacity", "false"),
        plain("TokenRequests") => Cell::Of(audiences),
        plain("RequiresRepublish") => Cell::Or("/spec/requiresRepublish", "false"),
        plain("Modes") => Cell::Of(|driver| joined(driver, "/spec/volumeLifecycleModes", "<none>")),
        AGE => Cell::Age,
    ],
    generations: true,
    ..plain!(api::storage::v1::CSIDriver as "CSIDriver", "csidrivers", "csidriver", [], "csidrivers.storage.k8s.io", "storage.k8s.io", "v1", false)
};

pub(super) static CSI_NODES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        number("Drivers", 0, "Drivers indicates the number of CSI drivers registered on the node") => Cell::Of(|node| list(node, "/spec/drivers").len().into()),
        AGE => Cell::Age,
    ],
    ..plain!(api::storage::v1::CSINode as "CSINode", "csinodes", "csinode", [], "csinodes.storage.k8s.io", "storage.k8s.io", "v1", false)
};

pub(super) static CSI_STORAGE_CAPACITIES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        plain("StorageClassName") => Cell::At("/storageClassName"),
        plain("Capacity") => Cell::Or("/capacity", "<unset>"),
    ],
    ..plain!(api::storage::v1::CSIStorageCapacity as "CSIStorageCapacity", "csistoragecapacities", "csistoragecapacity", [], "csistoragecapacities.storage.k8s.io", "storage.k8s.io", "v1", true)
};

pub(super) static STORAGE_CLASSES: Plain = Plain {
    standing: Standing::Followed,
    table: table![
        NAME => Cell::Of(class_name),
        plain("Provisioner") => Cell::At("/provisioner"),
        plain("ReclaimPolicy") => Cell::Or("/reclaimPolicy", "Delete"),
        plain("VolumeBindingMode") => Cell::Or("/volumeBindingMode", "Immediate"),
        plain("AllowVolumeExpansion") => Cell::Or("/allowVolumeExpansion", "false"),
        AGE => Cell::Age,
    ],
    defaults: rules::storage_class,
    ..plain!(api::storage::v1::StorageClass as "StorageClass", "storageclasses", "storageclass", ["sc"], "storageclasses.storage.k8s.io", "storage.k8s.io", "v1", false)
};

pub(super) static VOLUME_ATTRIBUTES_CLASSES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        plain("DriverName") => Cell::At("/driverName"),
        AGE => Cell::Age,
    ],
    ..plain!(api::storage::v1::VolumeAttributesClass as "VolumeAttributesClass", "volumeattributesclasses", "volumeattributesclass", ["vac"], "volumeattributesclasses.storage.k8s.io", "storage.k8s.io", "v1", false)
};

pub(super) static PRIORITY_CLASSES: Plain = Plain {
    table: table![
        NAME => Cell::Name,
        plain("Value") => Cell::Or("/value", "0"),
        plain("Global-Default") => Cell::Or("/globalDefault", "false"),
        AGE => Cell::Age,
        plain("PreemptionPolicy") => Cell::At("/preemptionPolicy"),
    ],
    generations: true,
    defaults: rules::priority,
    validate: rules::check_priority,
    validate_update: rules::same_priority,
    ..plain!(api::scheduling::v1::PriorityClass as "PriorityClass", "priorityclasses", "priorityclass", ["pc"], "priorityclasses.scheduling.k8s.io", "scheduling.k8s.io", "v1", false)
};

pub(super) static RUNTIME_CLASSES: Plain = Plain {
    standing: Standing::Kept("runtimes besides its own"),
    table: table![
        NAME => Cell::Name,
        plain("Handler") => Cell::At("/handler"),
        AGE => Cell::Age,
    ],
    ..plain!(api::node::v1::RuntimeClass as "RuntimeClass", "runtimeclasses", "runtimeclass", [], "runtimeclasses.node.k8s.io", "node.k8s.io", "v1", false)
};
