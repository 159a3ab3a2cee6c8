//! What there is to know about a kind, one file each. Never reads the store.
//!
//! Discovery, tables, validation and the list of what this lab leaves out are derived from
//! [`Kind`]; a test walks all of [`KINDS`]. Start at [`Kind`], then `service.rs` or `pod.rs`.

pub mod age;
pub mod column;
pub mod field;
pub mod look;
pub mod meta;
pub mod quantity;
pub mod surface;
pub mod words;

mod access_rules;
mod affinity_rules;
mod asked;
mod configmap;
mod container_rules;
mod controllerrevision;
mod cronjob;
mod daemonset;
mod deployment;
mod endpoints;
mod endpointslice;
mod event;
mod go_diff;
mod go_print;
mod job;
mod kept;
mod kept_cells;
mod kept_rules;
mod lease;
mod namespace;
mod node;
mod plain;
mod pod;
mod pod_fields;
mod pod_row;
mod pod_rules;
mod pod_spec;
mod pod_update;
mod poddisruptionbudget;
mod policy_rules;
mod probe;
mod quota_rules;
mod replicaset;
mod replicationcontroller;
mod secret;
mod service;
mod service_rules;
mod serviceaccount;
mod shown;
mod statefulset;
mod storage_rules;
pub mod view;
mod volume;
mod warnings;
mod workload;
mod workload_columns;

pub use column::Column;
pub use field::{FieldError, Findings};
pub(crate) use pod_row::quality_of_service;
pub(crate) use service::wants_node_ports;
pub(crate) use service_rules::{is_external, validate_addresses};
pub use surface::{Class, Fields};

use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

/// What a kind is called and where it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// `plural.group`, or the plural alone in the core group: the name the store uses.
    pub key: &'static str,
    /// The name in paths, such as `pods`.
    pub plural: &'static str,
    /// The name of one, such as `pod`.
    pub singular: &'static str,
    /// What one may type instead, such as `po`.
    pub short: &'static [&'static str],
    /// The `kind` of its objects.
    pub kind: &'static str,
    /// The API group, empty for the core.
    pub group: &'static str,
    /// The version within the group.
    pub version: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Sets it is part of, such as `all`.
    pub categories: &'static [&'static str],
}

impl Names {
    /// `group/version`, as in an object's `apiVersion`.
    #[must_use]
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// `plural.group`, as error messages name the resource.
    #[must_use]
    pub fn qualified(&self) -> &'static str {
        self.key
    }
}

/// A part of an object with a path of its own, such as `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// The last part of the path.
    pub name: &'static str,
    /// The group, version and kind of what it answers, when not the object's own.
    pub answers: Option<(&'static str, &'static str, &'static str)>,
    /// What can be done with it, in alphabetical order.
    pub verbs: &'static [&'static str],
}

impl Subresource {
    /// `status`, readable and writable.
    pub const STATUS: Self = Self {
        name: "status",
        answers: None,
        verbs: &["get", "patch", "update"],
    };
    /// `proxy`, a way to what listens behind the object; its options are of this kind.
    #[must_use]
    pub const fn proxy(options: &'static str) -> Self {
        Self {
            name: "proxy",
            answers: Some(("", "v1", options)),
            verbs: &["create", "delete", "get", "patch", "update"],
        }
    }

    /// `scale`, the number of replicas by itself.
    pub const SCALE: Self = Self {
        name: "scale",
        answers: Some(("autoscaling", "v1", "Scale")),
        verbs: &["get", "patch", "update"],
    };
}

/// The verbs of nearly every kind.
pub const ALL_VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// One kind of object: everything the API derives comes from here.
pub trait Kind: Sync {
    /// What it is called.
    fn names(&self) -> &Names;

    /// The schema of its objects, from the generated types.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// What can be done with it, in alphabetical order.
    fn verbs(&self) -> &'static [&'static str] {
        ALL_VERBS
    }

    /// Parts with paths of their own, in alphabetical order.
    fn subresources(&self) -> &'static [Subresource] {
        &[]
    }

    /// The columns of its table.
    fn columns(&self) -> &'static [Column];

    /// One cell per column.
    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value>;

    /// Marks on a row, for objects that are done.
    fn row_conditions(&self, _object: &Value) -> Option<Value> {
        None
    }

    /// Fills in what the API server fills in. Doing it twice changes nothing.
    fn default_object(&self, _object: &mut Value) {}

    /// What the server adds to a new object, once it has its uid.
    fn on_create(&self, _object: &mut Value) {}

    /// What the server carries over or counts when an object changes.
    fn on_update(&self, _new: &mut Value, _old: &Value) {}

    /// What a new object must look like.
    fn validate(&self, _object: &Value, _found: &mut Findings) {}

    /// What may not change.
    fn validate_update(&self, _new: &Value, _old: &Value, _found: &mut Findings) {}

    /// What a name must look like; DNS subdomains unless a kind says otherwise.
    fn validate_name(&self, name: &str) -> Vec<String> {
        words::dns_subdomain(name)
    }

    /// Fields that can be selected by, besides `metadata.name` and `metadata.namespace`.
    fn selectable_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// What becomes of its fields, besides `metadata`: acted on, inert by nature, or not in this
    /// lab. Unless a kind says otherwise nothing here acts on it, and each use is told so.
    fn fields(&self) -> &'static Fields {
        &Fields::NOT_IN_THIS_LAB
    }

    /// What a cluster does with its objects and this lab does not: they are only kept, and each
    /// use of them is answered with this warning.
    fn idle(&self) -> Option<&'static str> {
        None
    }

    /// What this lab leaves out when objects of this kind cannot be written, only read.
    fn read_only(&self) -> Option<&'static str> {
        None
    }

    /// What is said of an object that is accepted: of a new one, or one that takes the place of `old`.
    fn warnings(&self, _new: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }

    /// A warning every answer about this kind carries.
    fn deprecation(&self) -> Option<&'static str> {
        None
    }

    /// Whether its objects count changes of their content in `metadata.generation`.
    fn counts_generations(&self) -> bool {
        false
    }

    /// Whether a change of labels counts too: upstream's EndpointSlice strategy does so.
    fn generation_counts_labels(&self) -> bool {
        false
    }

    /// Whether annotations count as content, too.
    fn generation_counts_annotations(&self) -> bool {
        false
    }

    /// Whether the server sets the initial `status` (and nobody else can at creation).
    fn owns_status(&self) -> bool {
        self.subresources().iter().any(|sub| sub.name == "status")
    }
}

impl std::fmt::Debug for dyn Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.names().key)
    }
}

/// Every kind this cluster keeps or answers, in no order that matters.
pub static KINDS: &[&dyn Kind] = &[
    &asked::BINDINGS,
    &shown::COMPONENT_STATUSES,
    &configmap::ConfigMaps,
    &endpoints::Endpoints,
    &event::Events,
    &kept::LIMIT_RANGES,
    &namespace::Namespaces,
    &node::Nodes,
    &kept::PERSISTENT_VOLUME_CLAIMS,
    &kept::PERSISTENT_VOLUMES,
    &pod::Pods,
    &kept::POD_TEMPLATES,
    &replicationcontroller::ReplicationControllers,
    &kept::RESOURCE_QUOTAS,
    &secret::Secrets,
    &serviceaccount::ServiceAccounts,
    &service::Services,
    &shown::API_SERVICES,
    &controllerrevision::ControllerRevisions,
    &daemonset::DaemonSets,
    &deployment::Deployments,
    &replicaset::ReplicaSets,
    &statefulset::StatefulSets,
    &asked::SELF_SUBJECT_REVIEWS,
    &asked::TOKEN_REVIEWS,
    &asked::LOCAL_SUBJECT_ACCESS_REVIEWS,
    &asked::SELF_SUBJECT_ACCESS_REVIEWS,
    &asked::SELF_SUBJECT_RULES_REVIEWS,
    &asked::SUBJECT_ACCESS_REVIEWS,
    &kept::HORIZONTAL_POD_AUTOSCALERS,
    &cronjob::CronJobs,
    &job::Jobs,
    &kept::CERTIFICATE_SIGNING_REQUESTS,
    &kept::INGRESS_CLASSES,
    &kept::INGRESSES,
    &kept::IP_ADDRESSES,
    &kept::NETWORK_POLICIES,
    &shown::SERVICE_CIDRS,
    &poddisruptionbudget::PodDisruptionBudgets,
    &kept::CLUSTER_ROLE_BINDINGS,
    &kept::CLUSTER_ROLES,
    &kept::ROLE_BINDINGS,
    &kept::ROLES,
    &kept::CSI_DRIVERS,
    &kept::CSI_NODES,
    &kept::CSI_STORAGE_CAPACITIES,
    &kept::STORAGE_CLASSES,
    &shown::VOLUME_ATTACHMENTS,
    &kept::VOLUME_ATTRIBUTES_CLASSES,
    &shown::MUTATING_ADMISSION_POLICIES,
    &shown::MUTATING_ADMISSION_POLICY_BINDINGS,
    &shown::MUTATING_WEBHOOK_CONFIGURATIONS,
    &shown::VALIDATING_ADMISSION_POLICIES,
    &shown::VALIDATING_ADMISSION_POLICY_BINDINGS,
    &shown::VALIDATING_WEBHOOK_CONFIGURATIONS,
    &shown::CUSTOM_RESOURCE_DEFINITIONS,
    &kept::PRIORITY_CLASSES,
    &lease::Leases,
    &kept::RUNTIME_CLASSES,
    &endpointslice::EndpointSlices,
    &shown::DEVICE_CLASSES,
    &shown::RESOURCE_CLAIMS,
    &shown::RESOURCE_CLAIM_TEMPLATES,
    &shown::RESOURCE_SLICES,
    &shown::FLOW_SCHEMAS,
    &shown::PRIORITY_LEVEL_CONFIGURATIONS,
];

/// Every kind that can be asked for: those that are kept, and other views of them.
pub fn served() -> impl Iterator<Item = &'static dyn Kind> {
    let views = view::VIEWS.iter().map(|view| view.kind as &dyn Kind);
    KINDS.iter().copied().chain(views)
}

/// The kind the store calls `key`.
#[must_use]
pub fn by_key(key: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.names().key == key)
}

/// Whether objects of this kind carry `metadata.generation`.
#[must_use]
pub fn counts_generations(key: &str) -> bool {
    by_key(key).is_some_and(Kind::counts_generations)
}

/// Whether what a generation counts differs between two objects of a kind: all but metadata and
/// status, and the labels or annotations where the kind says so.
#[must_use]
pub fn content_differs(key: &str, one: &Value, other: &Value) -> bool {
    let labels = |object: &Value| object["metadata"]["labels"].clone();
    let by_labels = by_key(key).is_some_and(Kind::generation_counts_labels);
    if by_labels && labels(one) != labels(other) {
        return true;
    }
    // The number of the revision is written by the controller, beside the status.
    let annotations = |object: &Value| {
        let mut annotations = object["metadata"]["annotations"].clone();
        if let Some(fields) = annotations.as_object_mut() {
            fields.remove(crate::controller::deployment::revision::REVISION);
        }
        annotations.as_object().cloned().unwrap_or_default()
    };
    let by_annotations = by_key(key).is_some_and(Kind::generation_counts_annotations);
    if by_annotations && annotations(one) != annotations(other) {
        return true;
    }
    fn content(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let fields = object.as_object().into_iter().flatten();
        fields.filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status"))
    }
    content(one).count() != content(other).count()
        || content(one).any(|(field, value)| other.get(field) != Some(value))
}

/// Sets `object[field]` when it is absent.
pub(crate) fn set_default(object: &mut Value, field: &str, value: impl Into<Value>) {
    if let Some(map) = object.as_object_mut()
        && map.get(field).is_none_or(Value::is_null)
    {
        map.insert(field.to_owned(), value.into());
    }
}

/// The elements of the list `object[field]`, to be changed.
pub(crate) fn items_mut<'a>(
    object: &'a mut Value,
    field: &str,
) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    object
        .get_mut(field)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}
