//! Kinds that can be read and not written: what acts on them is not in this lab. Some are empty in
//! every new cluster, of others this cluster has its own. Never written by clients.
//!
//! Columns are upstream's; descriptions that were not recorded are left empty.

use super::Subresource;
use super::column::{AGE, NAME, number, plain};
use super::look::{list, text, texts};
use super::plain::{AGED, Cell, Plain, Standing, plain, table};
use serde_json::Value;

pub(super) static COMPONENT_STATUSES: Plain = Plain {
    standing: Standing::Shown("components of the control plane as objects"),
    table: table![
        NAME => Cell::Name,
        plain("Status") => Cell::Of(|object| condition(object, "status")),
        plain("Message") => Cell::Of(|object| condition(object, "message")),
        plain("Error") => Cell::Of(|object| condition(object, "error")),
    ],
    verbs: &["get", "list"],
    deprecation: Some("v1 ComponentStatus is deprecated in v1.19+"),
    ..plain!(api::core::v1::ComponentStatus as "ComponentStatus", "componentstatuses", "componentstatus", ["cs"], "componentstatuses", "", "v1", false)
};

pub(super) static API_SERVICES: Plain = Plain {
    standing: Standing::Shown("API servers besides its own"),
    table: table![
        NAME => Cell::Name,
        plain("Service") => Cell::Of(api_server),
        plain("Available") => Cell::Of(available),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(kube_aggregator::pkg::apis::apiregistration::v1::APIService as "APIService", "apiservices", "apiservice", [], "apiservices.apiregistration.k8s.io", "apiregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static SERVICE_CIDRS: Plain = Plain {
    standing: Standing::Shown("more than one network of Services"),
    table: table![
        NAME => Cell::Name,
        plain("CIDRs") => Cell::Of(|object| texts(object, "/spec/cidrs").collect::<Vec<_>>().join(",").into()),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(api::networking::v1::ServiceCIDR as "ServiceCIDR", "servicecidrs", "servicecidr", [], "servicecidrs.networking.k8s.io", "networking.k8s.io", "v1", false)
};

pub(super) static VOLUME_ATTACHMENTS: Plain = Plain {
    standing: Standing::Shown("volumes that are attached to nodes"),
    table: table![
        NAME => Cell::Name,
        plain("Attacher") => Cell::At("/spec/attacher"),
        plain("PV") => Cell::At("/spec/source/persistentVolumeName"),
        plain("Node") => Cell::At("/spec/nodeName"),
        plain("Attached") => Cell::Or("/status/attached", "false"),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(api::storage::v1::VolumeAttachment as "VolumeAttachment", "volumeattachments", "volumeattachment", [], "volumeattachments.storage.k8s.io", "storage.k8s.io", "v1", false)
};

pub(super) static MUTATING_ADMISSION_POLICIES: Plain = Plain {
    standing: Standing::Shown("admission policies"),
    table: table![
        NAME => Cell::Name,
        number("Mutations", 0, "") => Cell::Of(|object| list(object, "/spec/mutations").len().into()),
        plain("ParamKind") => Cell::Of(param_kind),
        AGE => Cell::Age,
    ],
    ..plain!(api::admissionregistration::v1::MutatingAdmissionPolicy as "MutatingAdmissionPolicy", "mutatingadmissionpolicies", "mutatingadmissionpolicy", [], "mutatingadmissionpolicies.admissionregistration.k8s.io", "admissionregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static MUTATING_ADMISSION_POLICY_BINDINGS: Plain = Plain {
    standing: Standing::Shown("admission policies"),
    table: table![
        NAME => Cell::Name,
        plain("PolicyName") => Cell::At("/spec/policyName"),
        plain("ParamRef") => Cell::Of(param_ref),
        AGE => Cell::Age,
    ],
    ..plain!(api::admissionregistration::v1::MutatingAdmissionPolicyBinding as "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", "mutatingadmissionpolicybinding", [], "mutatingadmissionpolicybindings.admissionregistration.k8s.io", "admissionregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static MUTATING_WEBHOOK_CONFIGURATIONS: Plain = Plain {
    standing: Standing::Shown("admission webhooks"),
    table: table![
        NAME => Cell::Name,
        number("Webhooks", 0, "Webhooks indicates the number of webhooks registered in this configuration") => Cell::Of(|object| list(object, "/webhooks").len().into()),
        AGE => Cell::Age,
    ],
    ..plain!(api::admissionregistration::v1::MutatingWebhookConfiguration as "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "mutatingwebhookconfiguration", [], "mutatingwebhookconfigurations.admissionregistration.k8s.io", "admissionregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static VALIDATING_ADMISSION_POLICIES: Plain = Plain {
    standing: Standing::Shown("admission policies"),
    table: table![
        NAME => Cell::Name,
        number("Validations", 0, "Validations indicates the number of validation rules defined in this configuration") => Cell::Of(|object| list(object, "/spec/validations").len().into()),
        plain("ParamKind") => Cell::Of(param_kind),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(api::admissionregistration::v1::ValidatingAdmissionPolicy as "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "validatingadmissionpolicy", [], "validatingadmissionpolicies.admissionregistration.k8s.io", "admissionregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static VALIDATING_ADMISSION_POLICY_BINDINGS: Plain = Plain {
    standing: Standing::Shown("admission policies"),
    table: table![
        NAME => Cell::Name,
        plain("PolicyName") => Cell::At("/spec/policyName"),
        plain("ParamRef") => Cell::Of(param_ref),
        AGE => Cell::Age,
    ],
    ..plain!(api::admissionregistration::v1::ValidatingAdmissionPolicyBinding as "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "validatingadmissionpolicybinding", [], "validatingadmissionpolicybindings.admissionregistration.k8s.io", "admissionregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static VALIDATING_WEBHOOK_CONFIGURATIONS: Plain = Plain {
    standing: Standing::Shown("admission webhooks"),
    table: table![
        NAME => Cell::Name,
        number("Webhooks", 0, "Webhooks indicates the number of webhooks registered in this configuration") => Cell::Of(|object| list(object, "/webhooks").len().into()),
        AGE => Cell::Age,
    ],
    ..plain!(api::admissionregistration::v1::ValidatingWebhookConfiguration as "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "validatingwebhookconfiguration", [], "validatingwebhookconfigurations.admissionregistration.k8s.io", "admissionregistration.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static CUSTOM_RESOURCE_DEFINITIONS: Plain = Plain {
    standing: Standing::Shown("kinds that are added to the API"),
    subresources: &[Subresource::STATUS],
    ..plain!(apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as "CustomResourceDefinition", "customresourcedefinitions", "customresourcedefinition", ["crd" "crds"], "customresourcedefinitions.apiextensions.k8s.io", "apiextensions.k8s.io", "v1", false).part_of(&["api-extensions"])
};

pub(super) static DEVICE_CLASSES: Plain = Plain {
    standing: Standing::Shown("devices"),
    table: AGED,
    ..plain!(api::resource::v1::DeviceClass as "DeviceClass", "deviceclasses", "deviceclass", [], "deviceclasses.resource.k8s.io", "resource.k8s.io", "v1", false)
};

pub(super) static RESOURCE_CLAIMS: Plain = Plain {
    standing: Standing::Shown("devices"),
    table: table![
        NAME => Cell::Name,
        plain("State") => Cell::Of(claim_state),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(api::resource::v1::ResourceClaim as "ResourceClaim", "resourceclaims", "resourceclaim", [], "resourceclaims.resource.k8s.io", "resource.k8s.io", "v1", true)
};

pub(super) static RESOURCE_CLAIM_TEMPLATES: Plain = Plain {
    standing: Standing::Shown("devices"),
    table: AGED,
    ..plain!(api::resource::v1::ResourceClaimTemplate as "ResourceClaimTemplate", "resourceclaimtemplates", "resourceclaimtemplate", [], "resourceclaimtemplates.resource.k8s.io", "resource.k8s.io", "v1", true)
};

pub(super) static RESOURCE_SLICES: Plain = Plain {
    standing: Standing::Shown("devices"),
    table: table![
        NAME => Cell::Name,
        plain("Node") => Cell::At("/spec/nodeName"),
        plain("Driver") => Cell::At("/spec/driver"),
        plain("Pool") => Cell::At("/spec/pool/name"),
        AGE => Cell::Age,
    ],
    ..plain!(api::resource::v1::ResourceSlice as "ResourceSlice", "resourceslices", "resourceslice", [], "resourceslices.resource.k8s.io", "resource.k8s.io", "v1", false)
};

pub(super) static FLOW_SCHEMAS: Plain = Plain {
    standing: Standing::Shown("priority among requests to the API"),
    table: table![
        NAME => Cell::Name,
        plain("PriorityLevel") => Cell::Or("/spec/priorityLevelConfiguration/name", "<none>"),
        plain("MatchingPrecedence") => Cell::At("/spec/matchingPrecedence"),
        plain("DistinguisherMethod") => Cell::Or("/spec/distinguisherMethod/type", "<none>"),
        AGE => Cell::Age,
        plain("MissingPL") => Cell::Of(|_| "?".into()),
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(api::flowcontrol::v1::FlowSchema as "FlowSchema", "flowschemas", "flowschema", [], "flowschemas.flowcontrol.apiserver.k8s.io", "flowcontrol.apiserver.k8s.io", "v1", false)
};

pub(super) static PRIORITY_LEVEL_CONFIGURATIONS: Plain = Plain {
    standing: Standing::Shown("priority among requests to the API"),
    table: table![
        NAME => Cell::Name,
        plain("Type") => Cell::At("/spec/type"),
        plain("NominalConcurrencyShares") => Cell::Or("/spec/limited/nominalConcurrencyShares", "<none>"),
        plain("Queues") => Cell::Or("/spec/limited/limitResponse/queuing/queues", "<none>"),
        plain("HandSize") => Cell::Or("/spec/limited/limitResponse/queuing/handSize", "<none>"),
        plain("QueueLengthLimit") => Cell::Or("/spec/limited/limitResponse/queuing/queueLengthLimit", "<none>"),
        AGE => Cell::Age,
    ],
    subresources: &[Subresource::STATUS],
    ..plain!(api::flowcontrol::v1::PriorityLevelConfiguration as "PriorityLevelConfiguration", "prioritylevelconfigurations", "prioritylevelconfiguration", [], "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", "flowcontrol.apiserver.k8s.io", "v1", false)
};

fn condition(object: &Value, field: &str) -> Value {
    let healthy = |one: &&Value| one["type"] == "Healthy";
    let found = list(object, "/conditions").iter().find(healthy);
    let word = found
        .and_then(|one| one[field].as_str())
        .unwrap_or_default();
    match (field, word) {
        ("status", "True") => "Healthy".into(),
        ("status", "False") => "Unhealthy".into(),
        ("status", _) => "Unknown".into(),
        _ => word.into(),
    }
}

fn api_server(object: &Value) -> Value {
    match text(object, "/spec/service/name") {
        "" => "Local".into(),
        name => format!("{}/{name}", text(object, "/spec/service/namespace")).into(),
    }
}

fn available(object: &Value) -> Value {
    let available = |one: &&Value| one["type"] == "Available";
    let Some(found) = list(object, "/status/conditions").iter().find(available) else {
        return "Unknown".into();
    };
    match (text(found, "/status"), text(found, "/reason")) {
        ("True", _) | (_, "") => found["status"].clone(),
        (status, reason) => format!("{status} ({reason})").into(),
    }
}

fn param_kind(object: &Value) -> Value {
    match text(object, "/spec/paramKind/kind") {
        "" => "<unset>".into(),
        kind => format!("{}/{kind}", text(object, "/spec/paramKind/apiVersion")).into(),
    }
}

fn param_ref(object: &Value) -> Value {
    let name = text(object, "/spec/paramRef/name");
    match (name, text(object, "/spec/paramRef/namespace")) {
        ("", _) => "<unset>".into(),
        (name, "") => format!("*/{name}").into(),
        (name, space) => format!("{space}/{name}").into(),
    }
}

fn claim_state(object: &Value) -> Value {
    match object.pointer("/status/allocation") {
        Some(_) if !list(object, "/status/reservedFor").is_empty() => "allocated,reserved".into(),
        Some(_) => "allocated".into(),
        None => "pending".into(),
    }
}
