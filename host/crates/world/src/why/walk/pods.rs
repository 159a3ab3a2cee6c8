//! What keeps a Pod from being ready: its place, what it is given, its containers, its probes.

use super::super::look::{
    condition, event, few, is_leaving, is_ready, items, kubectl, name, namespace, number, pod_word,
    restart, text, workload,
};
use super::super::probe::listeners;
use super::{Found, Walk, Way, seen};
use crate::why::Finding;
use cluster::Object;
use serde_json::Value;
use std::net::SocketAddrV4;
use vnet::Proto;

const LISTS: [(&str, &str); 2] = [
    ("initContainerStatuses", "initContainers"),
    ("containerStatuses", "containers"),
];

impl Walk<'_> {
    /// Whether at least one of the Pods is ready, and what keeps the first if none is.
    pub(super) fn pods_run(&mut self, pods: &[Object]) -> Way {
        let ready = pods
            .iter()
            .filter(|pod| is_ready(pod) && !is_leaving(pod))
            .count();
        if ready == 0 {
            let first = pods
                .iter()
                .find(|pod| !is_leaving(pod))
                .or_else(|| pods.first());
            let Some(pod) = first else { return Ok(()) };
            let found = self.trouble(pod).unwrap_or_else(|| self.not_ready(pod));
            return self.tell(Some(found));
        }
        // A ready Pod may lack what it needs all the same: a node that died a moment ago.
        let lost = pods
            .iter()
            .filter(|pod| is_ready(pod))
            .find_map(|pod| self.node_lost(pod));
        self.tell(lost)?;
        let all = pods.len().to_string();
        self.say(
            Finding::PodsReady {
                ready: ready.to_string(),
                all,
            },
            Vec::new(),
        )?;
        let unready: Vec<&Object> = pods.iter().filter(|pod| !is_ready(pod)).collect();
        let Some(first) = unready.first() else {
            return Ok(());
        };
        let finding = Finding::SomeNotReady {
            pods: few(unready.iter().map(|pod| name(pod))),
            command: format!("lab why {} -n {}", pod_word(first), namespace(first)),
        };
        self.say(finding, Vec::new())
    }

    /// What keeps a Pod from being ready; nothing when it is.
    pub(super) fn trouble(&self, pod: &Object) -> Option<Found> {
        if is_ready(pod) && !is_leaving(pod) {
            return self.node_lost(pod);
        }
        let leaving = || {
            let since = text(&pod["metadata"]["deletionTimestamp"]);
            is_leaving(pod).then(|| {
                let field = seen(pod_word(pod), "metadata.deletionTimestamp", since);
                (Finding::PodLeaving { pod: pod_word(pod) }, vec![field])
            })
        };
        leaving()
            .or_else(|| over(pod))
            .or_else(|| self.unplaced(pod))
            .or_else(|| self.node_lost(pod))
            .or_else(|| self.config(pod))
            .or_else(|| self.containers(pod))
            .or_else(|| self.probes(pod))
            .or_else(|| Some(self.not_ready(pod)))
    }

    fn not_ready(&self, pod: &Object) -> Found {
        let ready = condition(pod, "Ready");
        let message = ready.map_or("–", |ready| match text(&ready["message"]) {
            "" => text(&ready["reason"]),
            message => message,
        });
        let field = seen(pod_word(pod), "status.conditions[Ready]", message);
        (
            Finding::NotReady {
                pod: pod_word(pod),
                message: message.to_owned(),
            },
            vec![field],
        )
    }

    fn unplaced(&self, pod: &Object) -> Option<Found> {
        if pod["spec"]["nodeName"].is_string() {
            return None;
        }
        let scheduled = condition(pod, "PodScheduled").filter(|one| one["status"] == "False");
        let Some(scheduled) = scheduled else {
            return Some((Finding::Unbound { pod: pod_word(pod) }, Vec::new()));
        };
        let message = text(&scheduled["message"]).to_owned();
        let field = seen(
            pod_word(pod),
            "status.conditions[PodScheduled].message",
            message.clone(),
        );
        let (kubectl, owner) = (kubectl(namespace(pod)), workload(self.store, pod));
        let command = if message.contains("Insufficient") && !owner.starts_with("pod/") {
            format!(
                "{kubectl} set resources {owner} --requests=cpu=100m,memory=64Mi --limits=cpu=100m,memory=64Mi"
            )
        } else if message.contains("were unschedulable") {
            let closed = self
                .store
                .list("nodes", None)
                .find(|node| node["spec"]["unschedulable"] == true);
            format!(
                "kubectl uncordon {}",
                closed.map_or("NODE", |node| name(node))
            )
        } else if message.contains("node affinity/selector") {
            let wanted = super::super::look::pairs(&pod["spec"]["nodeSelector"]);
            let node = self
                .world
                .nodes()
                .keys()
                .next()
                .map_or("NODE", String::as_str);
            format!("kubectl label node {node} {}", wanted.replace(',', " "))
        } else {
            format!("{kubectl} describe {}", pod_word(pod))
        };
        Some((
            Finding::Unschedulable {
                pod: pod_word(pod),
                message,
                command,
            },
            vec![field],
        ))
    }

    fn node_lost(&self, pod: &Object) -> Option<Found> {
        let node = text(&pod["spec"]["nodeName"]);
        let host = self.world.nodes().get(node)?;
        if self.world.net().is_powered(*host) {
            return None;
        }
        let field = seen(pod_word(pod), "spec.nodeName", node);
        Some((
            Finding::NodeLost {
                pod: pod_word(pod),
                node: node.to_owned(),
            },
            vec![field],
        ))
    }

    fn containers(&self, pod: &Object) -> Option<Found> {
        LISTS.iter().find_map(|(statuses, specs)| {
            let mut all = items(&pod["status"][*statuses]).iter();
            all.find_map(|status| {
                let spec = items(&pod["spec"][*specs])
                    .iter()
                    .find(|spec| spec["name"] == status["name"]);
                self.container(pod, status, spec.unwrap_or(&Value::Null))
            })
        })
    }

    fn container(&self, pod: &Object, status: &Value, spec: &Value) -> Option<Found> {
        let container = text(&status["name"]).to_owned();
        let waiting = &status["state"]["waiting"];
        let (reason, message) = (text(&waiting["reason"]), text(&waiting["message"]));
        let kubectl = kubectl(namespace(pod));
        let field = |field: &str, value: &str| {
            vec![seen(
                pod_word(pod),
                &format!("status.containerStatuses[{container}].{field}"),
                value,
            )]
        };
        let image_errors = [
            "ErrImagePull",
            "ImagePullBackOff",
            "InvalidImageName",
            "ErrImageNeverPull",
        ];
        if image_errors.contains(&reason) {
            let image = text(&spec["image"]).to_owned();
            let told = event(self.store, pod, &["Failed"]).map(|event| text(&event["message"]));
            let told = told
                .filter(|told| told.contains(&image))
                .unwrap_or(message)
                .to_owned();
            let owner = workload(self.store, pod);
            let base = image.split('@').next().unwrap_or_default();
            let base = base
                .rsplit_once(':')
                .filter(|(_, tag)| !tag.contains('/'))
                .map_or(base, |(name, _)| name);
            let command = format!("{kubectl} set image {owner} {container}={base}:TAG");
            let fields = field("state.waiting.reason", reason);
            let finding = Finding::ImageUnknown {
                pod: pod_word(pod),
                container,
                image,
                reason: reason.to_owned(),
                message: told,
                command,
            };
            return Some((finding, fields));
        }
        let ended = [
            &status["state"]["terminated"],
            &status["lastState"]["terminated"],
        ];
        let ended = ended.into_iter().find(|ended| ended.is_object());
        let again = reason == "CrashLoopBackOff"
            || (status["ready"] != true
                && ended.is_some_and(|ended| ended["exitCode"] != 0)
                && !status["state"]["running"].is_object());
        if let (true, Some(ended)) = (again, ended) {
            let code = ended["exitCode"].to_string();
            let fields = field("lastState.terminated.exitCode", &code);
            if ended["reason"] == "OOMKilled" {
                let limit = text(&spec["resources"]["limits"]["memory"]).to_owned();
                let owner = workload(self.store, pod);
                let command =
                    format!("{kubectl} set resources {owner} -c {container} --limits=memory=512Mi");
                return Some((
                    Finding::OutOfMemory {
                        pod: pod_word(pod),
                        container,
                        limit,
                        command,
                    },
                    fields,
                ));
            }
            let command = format!("{kubectl} logs {} -c {container} --previous", pod_word(pod));
            let restarts = status["restartCount"].to_string();
            let finding = Finding::Crashing {
                pod: pod_word(pod),
                container,
                code,
                restarts,
                command,
            };
            return Some((finding, fields));
        }
        let ordinary = ["", "ContainerCreating", "PodInitializing"];
        if !ordinary.contains(&reason) {
            let fields = field("state.waiting.reason", reason);
            let command = format!("{kubectl} describe {}", pod_word(pod));
            let finding = Finding::ContainerWaits {
                pod: pod_word(pod),
                container,
                reason: reason.to_owned(),
                message: message.to_owned(),
                command,
            };
            return Some((finding, fields));
        }
        None
    }

    /// A probe that keeps the Pod from being ready, or that lets it be restarted.
    fn probes(&self, pod: &Object) -> Option<Found> {
        let event = event(self.store, pod, &["Unhealthy"])?;
        let message = text(&event["message"]).to_owned();
        let kind = message.split(' ').next().unwrap_or_default().to_lowercase();
        let field_path = text(&event["involvedObject"]["fieldPath"]);
        let containers = items(&pod["spec"]["containers"]);
        let own = |spec: &&Value| field_path.contains(&format!("{{{}}}", text(&spec["name"])));
        let index = containers.iter().position(|spec| own(&spec)).unwrap_or(0);
        let spec = containers.get(index)?;
        let probe = format!("{kind}Probe");
        let handler = &spec[probe.as_str()];
        let listening = self.listening(pod);
        let asked = ["httpGet", "tcpSocket"].iter().find_map(|way| {
            let port = &handler[*way]["port"];
            number(port)
                .or_else(|| {
                    let mut ports = items(&spec["ports"]).iter();
                    number(&ports.find(|own| own["name"] == *port)?["containerPort"])
                })
                .map(|port| (*way, port))
        });
        let owner = workload(self.store, pod);
        let (kubectl, container) = (kubectl(namespace(pod)), text(&spec["name"]).to_owned());
        let template = if owner.starts_with("pod/") {
            "/spec"
        } else {
            "/spec/template/spec"
        };
        let other = asked.and_then(|(way, port)| {
            let open: Vec<u16> = listening
                .iter()
                .filter(|at| !at.ip().is_loopback())
                .map(|at| at.port())
                .collect();
            let first = *open.first()?;
            (!open.contains(&port)).then_some((way, first))
        });
        let path = |end: &str| format!("{template}/containers/{index}/{probe}{end}");
        let command = match other {
            Some((way, port)) => format!(
                r#"{kubectl} patch {owner} --type=json -p '[{{"op":"replace","path":"{}","value":{port}}}]'"#,
                path(&format!("/{way}/port"))
            ),
            None => format!(
                r#"{kubectl} patch {owner} --type=json -p '[{{"op":"remove","path":"{}"}}]'"#,
                path("")
            ),
        };
        let spec_of = seen(
            pod_word(pod),
            &format!("spec.containers[{container}].{probe}"),
            shown(handler),
        );
        let told = seen(format!("event/{}", name(event)), "message", message.clone());
        let finding = Finding::ProbeFails {
            pod: pod_word(pod),
            container,
            probe,
            message,
            listens: few(listening.iter().map(ToString::to_string)),
            command,
        };
        Some((finding, vec![spec_of, told]))
    }

    /// Where the Pod's machine listens.
    pub(super) fn listening(&self, pod: &Object) -> Vec<SocketAddrV4> {
        let host = self.world.pod_host(text(&pod["metadata"]["uid"]));
        host.map(|host| listeners(self.world, host, Proto::Tcp))
            .unwrap_or_default()
    }

    /// The command that makes the Pod's containers begin again.
    pub(super) fn restart(&self, pod: &Object) -> String {
        restart(self.store, pod)
    }
}

/// A probe's handler in a few words.
fn shown(handler: &Value) -> String {
    let ways = ["httpGet", "tcpSocket", "exec", "grpc"].iter();
    let found = ways
        .filter_map(|way| Some((way, handler.get(*way)?)))
        .next();
    found.map_or_else(|| "–".to_owned(), |(way, value)| format!("{way} {value}"))
}

fn over(pod: &Object) -> Option<Found> {
    let phase = text(&pod["status"]["phase"]);
    if !matches!(phase, "Succeeded" | "Failed") {
        return None;
    }
    let message = text(&pod["status"]["message"]);
    let message = if message.is_empty() {
        String::new()
    } else {
        format!("({message})")
    };
    let field = seen(pod_word(pod), "status.phase", phase);
    Some((
        Finding::PodOver {
            pod: pod_word(pod),
            phase: phase.to_owned(),
            message,
        },
        vec![field],
    ))
}
