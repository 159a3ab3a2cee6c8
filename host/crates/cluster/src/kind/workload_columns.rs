//! The columns of workloads besides Deployments and ReplicaSets. Never fills in a row.
//!
//! StatefulSets, DaemonSets, Jobs and ReplicationControllers were recorded from a Kubernetes 1.36
//! server; the others have its headings and the descriptions of its schema.

use super::column::{AGE, Column, NAME, number, text};

/// The columns of statefulsets.
pub(super) const STATEFUL_SETS: &[Column] = &[
    NAME,
    text("Ready", 0, "Number of the pod with ready state"),
    AGE,
    text("Containers", 1, "Names of each container in the template."),
    text(
        "Images",
        1,
        "Images referenced by each container in the template.",
    ),
];

/// The columns of daemonsets.
pub(super) const DAEMON_SETS: &[Column] = &[
    NAME,
    number(
        "Desired",
        0,
        "The total number of nodes that should be running the daemon pod (including nodes correctly running the daemon pod). More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/",
    ),
    number(
        "Current",
        0,
        "The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod. More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/",
    ),
    number(
        "Ready",
        0,
        "numberReady is the number of nodes that should be running the daemon pod and have one or more of the daemon pod running with a Ready Condition.",
    ),
    number(
        "Up-to-date",
        0,
        "The total number of nodes that are running updated daemon pod",
    ),
    number(
        "Available",
        0,
        "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available (ready for at least spec.minReadySeconds)",
    ),
    text(
        "Node Selector",
        0,
        "NodeSelector is a selector which must be true for the pod to fit on a node. Selector which must match a node's labels for the pod to be scheduled on that node. More info: https://kubernetes.io/docs/concepts/configuration/assign-pod-node/",
    ),
    AGE,
    text("Containers", 1, "Names of each container in the template."),
    text(
        "Images",
        1,
        "Images referenced by each container in the template.",
    ),
    text(
        "Selector",
        1,
        "A label query over pods that are managed by the daemon set. Must match in order to be controlled. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

/// The columns of jobs.
pub(super) const JOBS: &[Column] = &[
    NAME,
    text("Status", 0, "Status of the job."),
    text(
        "Completions",
        0,
        "The number of pods which reached phase Succeeded. The value increases monotonically for a given spec. However, it may decrease in reaction to scale down of elastic indexed jobs.",
    ),
    text("Duration", 0, "Time required to complete the job."),
    AGE,
    text("Containers", 1, "Names of each container in the template."),
    text(
        "Images",
        1,
        "Images referenced by each container in the template.",
    ),
    text(
        "Selector",
        1,
        "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

/// The columns of replicationcontrollers.
pub(super) const REPLICATION_CONTROLLERS: &[Column] = &[
    NAME,
    number(
        "Desired",
        0,
        "Replicas is the number of desired replicas. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller",
    ),
    number(
        "Current",
        0,
        "Replicas is the most recently observed number of replicas. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller",
    ),
    number(
        "Ready",
        0,
        "The number of ready replicas for this replication controller.",
    ),
    AGE,
    text("Containers", 1, "Names of each container in the template."),
    text(
        "Images",
        1,
        "Images referenced by each container in the template.",
    ),
    text(
        "Selector",
        1,
        "Selector is a label query over pods that should match the Replicas count. If Selector is empty, it is defaulted to the labels present on the Pod template. Label keys and values that must match in order to be controlled by this replication controller, if empty defaulted to labels on Pod template. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

/// The columns of cronjobs.
pub(super) const CRON_JOBS: &[Column] = &[
    NAME,
    text(
        "Schedule",
        0,
        "The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron.",
    ),
    text(
        "Timezone",
        0,
        "The time zone name for the given schedule, see https://en.wikipedia.org/wiki/List_of_tz_database_time_zones. If not specified, this will default to the time zone of the kube-controller-manager process. The set of valid time zone names and the time zone offset is loaded from the system-wide time zone database by the API server during CronJob validation and the controller manager during execution. If no system-wide time zone database can be found a bundled version of the database is used instead. If the time zone name becomes invalid during the lifetime of a CronJob or due to a change in host configuration, the controller will stop creating new new Jobs and will create a system event with the reason UnknownTimeZone. More information can be found in https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones",
    ),
    text(
        "Suspend",
        0,
        "This flag tells the controller to suspend subsequent executions, it does not apply to already started executions.  Defaults to false.",
    ),
    number("Active", 0, "A list of pointers to currently running jobs."),
    text(
        "Last Schedule",
        0,
        "Information when was the last time the job was successfully scheduled.",
    ),
    AGE,
    text("Containers", 1, "Names of each container in the template."),
    text(
        "Images",
        1,
        "Images referenced by each container in the template.",
    ),
    text(
        "Selector",
        1,
        "A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

/// The columns of poddisruptionbudgets.
pub(super) const POD_DISRUPTION_BUDGETS: &[Column] = &[
    NAME,
    text(
        "Min Available",
        0,
        "The minimum number of pods that must be available.",
    ),
    text(
        "Max Unavailable",
        0,
        "The maximum number of pods that may be unavailable.",
    ),
    number(
        "Allowed Disruptions",
        0,
        "Calculated number of pods that may be disrupted at this time.",
    ),
    AGE,
];

/// The columns of controllerrevisions.
pub(super) const CONTROLLER_REVISIONS: &[Column] = &[
    NAME,
    text("Controller", 0, "Controller of the object"),
    number(
        "Revision",
        0,
        "Revision indicates the revision of the state represented by Data.",
    ),
    AGE,
];
