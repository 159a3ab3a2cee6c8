//! A pod in one row: the words of `kubectl get pods`. Never explains more than fits.

use super::age;
use super::look::{flag, int, list, text};
use super::quantity::thousandths;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn row(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summarise(pod, now);
    let or_none = |at| match text(pod, at) {
        "" => "<none>".to_owned(),
        found => found.to_owned(),
    };
    vec![
        text(pod, "/metadata/name").into(),
        format!("{}/{}", summary.ready, summary.total).into(),
        summary.status.into(),
        summary.restarts.into(),
        age::since(text(pod, "/metadata/creationTimestamp"), now).into(),
        or_none("/status/podIP").into(),
        or_none("/spec/nodeName").into(),
        or_none("/status/nominatedNodeName").into(),
        readiness_gates(pod).into(),
    ]
}

pub(super) fn conditions(pod: &Value) -> Option<Value> {
    let (reason, message) = match text(pod, "/status/phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

struct Summary {
    ready: usize,
    total: usize,
    status: String,
    restarts: String,
}

fn summarise(pod: &Value, now: Timestamp) -> Summary {
    let mut count = Count::default();
    let mut total = list(pod, "/spec/containers").len();
    total += list(pod, "/spec/initContainers")
        .iter()
        .filter(|c| is_sidecar(c))
        .count();
    let mut status = match (text(pod, "/status/reason"), text(pod, "/status/phase")) {
        ("", phase) => phase.to_owned(),
        (reason, _) => reason.to_owned(),
    };
    if condition(pod, "PodScheduled").is_some_and(|c| text(c, "/reason") == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut status);
    }
    let initialising = initialising(pod, &mut count);
    if let Some(word) = &initialising {
        status.clone_from(word);
    }
    if initialising.is_none() || is_true(pod, "Initialized") {
        count.restarts = count.sidecar_restarts;
        count.last_restart = count.sidecar_last_restart.take();
        running(pod, &mut count, &mut status);
    }
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        let finished = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        if text(pod, "/status/reason") == "NodeLost" {
            "Unknown".clone_into(&mut status);
        } else if !finished {
            "Terminating".clone_into(&mut status);
        }
    }
    let restarts = match &count.last_restart {
        Some(last) if count.restarts > 0 => {
            format!("{} ({} ago)", count.restarts, age::since(last, now))
        }
        _ => count.restarts.to_string(),
    };
    Summary {
        ready: count.ready,
        total,
        status,
        restarts,
    }
}

#[derive(Default)]
struct Count {
    ready: usize,
    restarts: i64,
    last_restart: Option<String>,
    sidecar_restarts: i64,
    sidecar_last_restart: Option<String>,
}

impl Count {
    fn add(&mut self, status: &Value) {
        self.restarts += int(status, "/restartCount").unwrap_or(0);
        later(&mut self.last_restart, status);
    }

    fn add_sidecar(&mut self, status: &Value) {
        self.sidecar_restarts += int(status, "/restartCount").unwrap_or(0);
        later(&mut self.sidecar_last_restart, status);
    }
}

fn later(last: &mut Option<String>, status: &Value) {
    let finished = text(status, "/lastState/terminated/finishedAt");
    if !finished.is_empty() && last.as_deref().is_none_or(|last| last < finished) {
        *last = Some(finished.to_owned());
    }
}

/// The word for a pod whose init containers are not through, and `None` when they are.
fn initialising(pod: &Value, count: &mut Count) -> Option<String> {
    let specs = list(pod, "/spec/initContainers");
    for (index, status) in list(pod, "/status/initContainerStatuses")
        .iter()
        .enumerate()
    {
        let name = text(status, "/name");
        let sidecar = specs
            .iter()
            .any(|spec| text(spec, "/name") == name && is_sidecar(spec));
        count.add(status);
        if sidecar {
            count.add_sidecar(status);
        }
        let terminated = status.pointer("/state/terminated");
        let waiting = text(status, "/state/waiting/reason");
        if terminated.is_some_and(|state| int(state, "/exitCode") == Some(0)) {
            continue;
        }
        if sidecar && flag(status, "/started") {
            count.ready += usize::from(flag(status, "/ready"));
            continue;
        }
        return Some(match terminated {
            Some(state) => format!("Init:{}", end_of(state)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => {
                format!("Init:{waiting}")
            }
            None => format!("Init:{index}/{}", specs.len()),
        });
    }
    None
}

fn running(pod: &Value, count: &mut Count, status: &mut String) {
    let mut any_running = false;
    for container in list(pod, "/status/containerStatuses").iter().rev() {
        count.add(container);
        let waiting = text(container, "/state/waiting/reason");
        if !waiting.is_empty() {
            waiting.clone_into(status);
        } else if let Some(state) = container.pointer("/state/terminated") {
            *status = end_of(state);
        } else if flag(container, "/ready") && container.pointer("/state/running").is_some() {
            any_running = true;
            count.ready += 1;
        }
    }
    if status == "Completed" && any_running {
        let word = if is_true(pod, "Ready") {
            "Running"
        } else {
            "NotReady"
        };
        word.clone_into(status);
    }
}

fn end_of(terminated: &Value) -> String {
    let signal = int(terminated, "/signal").unwrap_or(0);
    match text(terminated, "/reason") {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", int(terminated, "/exitCode").unwrap_or(0)),
        reason => reason.to_owned(),
    }
}

fn is_sidecar(container: &Value) -> bool {
    text(container, "/restartPolicy") == "Always"
}

fn condition<'a>(pod: &'a Value, type_: &str) -> Option<&'a Value> {
    list(pod, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == type_)
}

fn is_true(pod: &Value, type_: &str) -> bool {
    condition(pod, type_).is_some_and(|condition| text(condition, "/status") == "True")
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates
        .iter()
        .filter(|gate| is_true(pod, text(gate, "/conditionType")))
        .count();
    format!("{open}/{}", gates.len())
}

/// How a pod is treated when memory is short: by what its containers ask for.
pub(crate) fn quality_of_service(spec: &Value) -> &'static str {
    let containers = || {
        list(spec, "/containers")
            .iter()
            .chain(list(spec, "/initContainers"))
    };
    let amount = |container: &Value, field: &str, name: &str| {
        let value = container.pointer(&format!("/resources/{field}/{name}"))?;
        thousandths(&super::quantity::text_of(value)).filter(|amount| *amount > 0)
    };
    let names = ["cpu", "memory"];
    let guaranteed = |container: &Value| {
        names.iter().all(|name| {
            let limit = amount(container, "limits", name);
            limit.is_some()
                && amount(container, "requests", name).is_none_or(|own| Some(own) == limit)
        })
    };
    let asks = |container: &Value| {
        names.iter().any(|name| {
            ["limits", "requests"]
                .iter()
                .any(|f| amount(container, f, name).is_some())
        })
    };
    if !containers().any(asks) {
        "BestEffort"
    } else if containers().all(guaranteed) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}
