//! What a machine is, as the status of its pod. Never changes the machine.
//!
//! Conditions keep the time of their last change; conditions that others set are left alone.

use super::container::{Container, End, Role, State};
use super::image;
use super::pod::{Ending, Machine, Sandbox};
use crate::NodeSpec;
use crate::controller::meta::{items, text};
use crate::kind::quantity;
use clock::Instant;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the status needs to know besides the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) node: &'a NodeSpec,
    pub(crate) epoch: i64,
    pub(crate) now: Instant,
}

impl View<'_> {
    fn time(&self, at: Instant) -> String {
        crate::registry::time(self.epoch, at)
    }
}

/// What a kubelet writes anew each time.
const OWN: [&str; 8] = [
    "allocatedResources",
    "phase",
    "conditions",
    "containerStatuses",
    "ephemeralContainerStatuses",
    "initContainerStatuses",
    "hostIPs",
    "resources",
];

/// The lists of statuses, each with the list of the spec it is about.
pub(crate) const LISTS: [(&str, &str); 3] = [
    ("initContainerStatuses", "initContainers"),
    ("containerStatuses", "containers"),
    ("ephemeralContainerStatuses", "ephemeralContainers"),
];

/// The pod's status as its kubelet sees it, on top of what `current` has from others.
pub(crate) fn status(machine: &Machine, current: &Value, view: View<'_>) -> Value {
    let known = current["status"].as_object().into_iter().flatten();
    let foreign = known.filter(|(field, _)| !OWN.contains(&field.as_str()));
    let mut status: Map<String, Value> = foreign
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    let generation = &current["metadata"]["generation"];
    let phase = phase(machine);
    let mut set = |field: &str, value: Value| status.insert(field.to_owned(), value);
    set("phase", phase.into());
    if machine.expired && phase == "Failed" {
        set("reason", "DeadlineExceeded".into());
        set("message", super::pod::EXPIRED.into());
    }
    if !generation.is_null() {
        set("observedGeneration", generation.clone());
    }
    set("startTime", start_time(machine, current, view));
    set("hostIP", view.node.addr.to_string().into());
    set("hostIPs", json!([{ "ip": view.node.addr.to_string() }]));
    if let Some(ip) = machine
        .ip
        .filter(|_| !matches!(machine.sandbox, Sandbox::Asked) && first_round_over(machine))
    {
        set("podIP", ip.to_string().into());
        set("podIPs", json!([{ "ip": ip.to_string() }]));
    }
    set(
        "conditions",
        conditions(machine, current, phase, view).into(),
    );
    for (field, of) in LISTS {
        let list: Vec<Value> = machine
            .containers
            .iter()
            .filter(|container| container.role.list() == of)
            .map(|container| container_status(machine, container, view))
            .collect();
        if !list.is_empty() {
            set(field, list.into());
        }
    }
    let totals = totals(&machine.pod["spec"]);
    if machine
        .containers
        .iter()
        .any(|one| !one.container_id.is_empty())
        && let Some(requests) = totals.get("requests")
    {
        set("allocatedResources", requests.clone());
    }
    set("resources", totals);
    status.into()
}

fn start_time(machine: &Machine, current: &Value, view: View<'_>) -> Value {
    match &current["status"]["startTime"] {
        Value::Null => view.time(machine.since).into(),
        known => known.clone(),
    }
}

/// The phase that follows from the containers, as upstream sums it up.
pub(crate) fn phase(machine: &Machine) -> &'static str {
    let policy = text(&machine.pod["spec"]["restartPolicy"]);
    let of = |role: Role| {
        machine
            .containers
            .iter()
            .filter(move |container| container.role == role)
    };
    let initialized = of(Role::Init).all(Container::completed);
    let cleared = matches!(machine.sandbox, Sandbox::Clearing { .. } | Sandbox::Gone);
    let alive = machine.containers.iter().any(Container::alive);
    if machine.expired && !alive {
        return "Failed";
    }
    if (machine.finished && !machine.expired) || (cleared && machine.ending.is_some()) {
        let failed = |container: &&Container| !container.completed();
        let any_failed = of(Role::Main).any(|c| failed(&c)) || of(Role::Init).any(|c| failed(&c));
        return if any_failed { "Failed" } else { "Succeeded" };
    }
    let never_ran = |container: &Container| {
        container.last.is_none()
            && !container.alive()
            && !matches!(container.state, State::Terminated { .. })
    };
    let starting = |container: &Container| {
        never_ran(container)
            || (matches!(container.state, State::Starting | State::Hooked { .. })
                && container.last.is_none())
    };
    if !initialized || of(Role::Main).any(starting) {
        return "Pending";
    }
    let _ = policy;
    "Running"
}

fn conditions(machine: &Machine, current: &Value, phase: &str, view: View<'_>) -> Vec<Value> {
    let known = items(&current["status"]["conditions"]);
    let generation = &current["metadata"]["generation"];
    let make = |kind: &str, holds: bool, reason: &str, message: String| {
        let status = if holds { "True" } else { "False" };
        let before = known.iter().find(|condition| condition["type"] == kind);
        let since = before
            .filter(|condition| condition["status"] == status)
            .map(|condition| condition["lastTransitionTime"].clone());
        // What is false from the beginning is so since the pod began.
        let first = if before.is_none() && (!holds || kind == "Initialized") {
            machine.since
        } else {
            view.now
        };
        let mut condition = json!({
            "type": kind, "status": status, "lastProbeTime": null,
            "lastTransitionTime": since.unwrap_or_else(|| view.time(first).into()),
        });
        if !generation.is_null() {
            condition["observedGeneration"] = generation.clone();
        }
        if !reason.is_empty() {
            condition["reason"] = reason.into();
        }
        if !message.is_empty() {
            condition["message"] = message.into();
        }
        condition
    };
    let names = |wanted: &dyn Fn(&Container) -> bool| {
        let names: Vec<&str> = machine
            .containers
            .iter()
            .filter(|container| wanted(container))
            .map(|container| container.name.as_str())
            .collect();
        names.join(" ")
    };
    let has_network = machine.sandbox == Sandbox::Ready && first_round_over(machine);
    let (initialized, ready);
    if phase == "Succeeded" {
        initialized = make("Initialized", true, "PodCompleted", String::new());
        ready = ("PodCompleted", String::new(), false);
    } else {
        let incomplete = names(&|container| match container.role {
            Role::Init => !container.completed(),
            Role::Sidecar => !container.started() && !machine.finished,
            Role::Main | Role::Ephemeral => false,
        });
        initialized = if incomplete.is_empty() {
            make("Initialized", true, "", String::new())
        } else {
            make(
                "Initialized",
                false,
                "ContainersNotInitialized",
                format!("containers with incomplete status: [{incomplete}]"),
            )
        };
        let unready = names(&|container| {
            matches!(container.role, Role::Sidecar | Role::Main) && !container.ready()
        });
        ready = match (phase, unready.is_empty()) {
            ("Failed", _) => ("PodFailed", String::new(), false),
            (_, true) => ("", String::new(), true),
            (_, false) => (
                "ContainersNotReady",
                format!("containers with unready status: [{unready}]"),
                false,
            ),
        };
    }
    let gate = missing_gate(machine, known).filter(|_| ready.2);
    let pod_ready = match gate {
        Some(message) => make("Ready", false, "ReadinessGatesNotReady", message),
        None => make("Ready", ready.2, ready.0, ready.1.clone()),
    };
    let own = [
        make("PodReadyToStartContainers", has_network, "", String::new()),
        initialized,
        pod_ready,
        make("ContainersReady", ready.2, ready.0, ready.1),
    ];
    let squeezed = machine.squeeze.as_ref().map(|squeeze| {
        let (reason, message) = super::pod::resize::reason(squeeze);
        make("PodResizePending", true, reason, message.to_owned())
    });
    let is_own = |condition: &&Value| {
        condition["type"] == "PodResizePending"
            || own.iter().any(|other| other["type"] == condition["type"])
    };
    let others = known
        .iter()
        .filter(|condition| !is_own(condition))
        .cloned()
        .map(|mut condition| {
            if condition["type"] == "PodScheduled" && !generation.is_null() {
                condition["observedGeneration"] = generation.clone();
            }
            condition
        });
    let others: Vec<Value> = others.collect();
    squeezed.into_iter().chain(own).chain(others).collect()
}

/// Whether the kubelet has looked at the pod again after it began to start it: one round makes the
/// network, pulls and starts, and only the next one tells of any of it.
fn first_round_over(machine: &Machine) -> bool {
    let begun = |container: &Container| match &container.state {
        State::Waiting { until, .. } => until.is_some(),
        State::Pulling { .. } | State::Creating { .. } | State::Starting | State::Hooked { .. } => {
            container.last.is_some() || container.pull.is_some()
        }
        State::Running { .. } | State::Stopping { .. } | State::Terminated { .. } => true,
    };
    machine.containers.iter().any(begun)
}

fn missing_gate(machine: &Machine, known: &[Value]) -> Option<String> {
    items(&machine.pod["spec"]["readinessGates"])
        .iter()
        .find_map(|gate| {
            let kind = text(&gate["conditionType"]);
            match known.iter().find(|condition| condition["type"] == kind) {
                Some(condition) if condition["status"] == "True" => None,
                Some(condition) => Some(format!(
                    "the status of pod readiness gate \"{kind}\" is not \"True\", but {}",
                    text(&condition["status"])
                )),
                None => Some(format!(
                    "corresponding condition of pod readiness gate \"{kind}\" does not exist."
                )),
            }
        })
}

fn container_status(machine: &Machine, container: &Container, view: View<'_>) -> Value {
    let spec = &machine.pod["spec"][container.role.list()][container.at];
    let (state, last) = states(machine, container, view);
    let reference = text(&spec["image"]);
    let created = !container.container_id.is_empty();
    let mut status = json!({
        "name": container.name,
        "state": state,
        "lastState": last,
        "ready": container.ready(),
        "restartCount": container.attempt,
        "image": if created { image::canonical(reference) } else { reference.to_owned() },
        "imageID": if created { image::id(reference) } else { String::new() },
    });
    // No probe ever asks an ephemeral container, so nothing is said about its start.
    if container.role != Role::Ephemeral {
        status["started"] = container.started().into();
    }
    if created {
        status["containerID"] = container.container_id.clone().into();
        // What it runs with, which may not yet be what its spec says by now.
        let resources = match &container.resources {
            Value::Null => &spec["resources"],
            running => running,
        };
        status["resources"] = if resources.is_null() {
            json!({})
        } else {
            resources.clone()
        };
        if resources["requests"].is_object() {
            status["allocatedResources"] = resources["requests"].clone();
        }
    }
    let mounts: Vec<Value> = items(&spec["volumeMounts"])
        .iter()
        .map(mount_status)
        .collect();
    if !mounts.is_empty() {
        status["volumeMounts"] = mounts.into();
    }
    status
}

fn mount_status(mount: &Value) -> Value {
    let mut status = json!({ "name": mount["name"], "mountPath": mount["mountPath"] });
    if mount["readOnly"] == true {
        status["readOnly"] = true.into();
        status["recursiveReadOnly"] = "Disabled".into();
    }
    status
}

/// `state` and `lastState`.
fn states(machine: &Machine, container: &Container, view: View<'_>) -> (Value, Value) {
    let last = container
        .last
        .as_ref()
        .map_or_else(|| json!({}), |end| terminated(end, view));
    let waiting = |reason: &str, message: &str| {
        let mut waiting = json!({ "reason": reason });
        if !message.is_empty() {
            waiting["message"] = message.into();
        }
        json!({ "waiting": waiting })
    };
    match &container.state {
        State::Waiting {
            reason, message, ..
        } => {
            // Once its turn has come a container is being created, whatever came before it.
            let initialized = machine
                .containers
                .iter()
                .all(|other| other.role != Role::Init || other.completed());
            let reason = if *reason == "PodInitializing" && initialized {
                "PodInitializing"
            } else {
                reason
            };
            (waiting(reason, message), last)
        }
        State::Pulling { .. } | State::Creating { .. } => match &container.last {
            Some(end) if container.crash.is_some() => (terminated(end, view), json!({})),
            _ => (waiting(machine.waiting(), ""), last),
        },
        State::Starting | State::Hooked { .. } => (waiting(machine.waiting(), ""), last),
        State::Running { since } | State::Stopping { since, .. } => (
            json!({ "running": { "startedAt": view.time(*since) } }),
            last,
        ),
        State::Terminated { end, .. } => (terminated(end, view), last),
    }
}

fn terminated(end: &End, view: View<'_>) -> Value {
    let started = end.started.map_or(Value::Null, |at| view.time(at).into());
    let mut terminated = json!({
        "exitCode": end.code,
        "reason": end.reason,
        "startedAt": started,
        "finishedAt": view.time(end.finished),
        "containerID": end.container_id,
    });
    if !end.message.is_empty() {
        terminated["message"] = end.message.clone().into();
    }
    json!({ "terminated": terminated })
}

/// What the containers of a pod want together, as `requests` and `limits`.
fn totals(spec: &Value) -> Value {
    let mut totals = json!({});
    for part in ["limits", "requests"] {
        let mut amounts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for container in items(&spec["containers"]) {
            for (name, amount) in container["resources"][part]
                .as_object()
                .into_iter()
                .flatten()
            {
                amounts.entry(name).or_default().push(text(amount));
            }
        }
        let total = |(name, amounts): (&str, Vec<&str>)| (name.to_owned(), quantity::sum(&amounts));
        let sums: Map<String, Value> = amounts
            .into_iter()
            .map(total)
            .map(|(name, sum)| (name, sum.into()))
            .collect();
        if !sums.is_empty() {
            totals[part] = sums.into();
        }
    }
    totals
}

/// Whether the object may be removed once this is written.
pub(crate) fn removable(machine: &Machine) -> bool {
    machine.gone() && matches!(machine.ending, Some(Ending::Deleted { .. }))
}
