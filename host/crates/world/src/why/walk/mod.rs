//! The way from whoever asks to what is asked about, link by link, until one is broken.
//!
//! Each file walks a part and says what it finds there. Never goes on after a broken link: what
//! lies behind it is listed as not looked at.

mod config;
mod environment;
mod names;
mod outside;
mod pods;
mod selector;
mod service;
mod tls;
mod wire;

use super::answer::{Answer, Seen, Step};
use super::asker::{At, asker};
use super::finding::Finding;
use super::look::{full, name, namespace, pod_word, text};
use super::probe::{Outcome, Plan};
use super::question::{Asker, Subject};
use super::target;
use super::words::{Link, Mark};
use crate::World;
use cluster::{Object, Store};
use serde_json::Value;

/// The way ends here.
pub(super) struct Stop;

type Way = Result<(), Stop>;

/// A finding and where it was seen.
type Found = (Finding, Vec<Seen>);

const TO_SERVICE: &[Link] = &[
    Link::Asker,
    Link::Name,
    Link::Dns,
    Link::Object,
    Link::Port,
    Link::Selector,
    Link::Config,
    Link::Containers,
    Link::Readiness,
    Link::Endpoints,
    Link::Listener,
    Link::Policy,
    Link::Rule,
    Link::Route,
    Link::Probe,
];
const TO_POD: &[Link] = &[
    Link::Object,
    Link::Config,
    Link::Containers,
    Link::Readiness,
    Link::Listener,
    Link::Policy,
    Link::Route,
    Link::Probe,
];
const TO_MACHINE: &[Link] = &[Link::Object, Link::Outside, Link::Route, Link::Probe];

/// Answers a question from the state of the world and what its probe has seen.
#[must_use]
pub fn answer(world: &World, plan: &Plan, outcome: &Outcome) -> Answer {
    let mut walk = Walk {
        world,
        store: world.cluster().store(),
        plan,
        outcome,
        steps: Vec::new(),
    };
    let ended = walk.whole().is_err();
    let mut answer = Answer {
        steps: walk.steps,
        skipped: Vec::new(),
    };
    if ended && let Some(broken) = answer.broken() {
        let at = broken.finding.link();
        let way = match &plan.question.subject {
            Subject::Service { .. } | Subject::Name { .. } => TO_SERVICE,
            Subject::Pod { .. } | Subject::Deploy { .. } => TO_POD,
            Subject::Node { .. } | Subject::Addr { .. } => TO_MACHINE,
        };
        answer.skipped = way.iter().copied().filter(|link| *link > at).collect();
    }
    answer
}

struct Walk<'a> {
    world: &'a World,
    store: &'a Store,
    plan: &'a Plan,
    outcome: &'a Outcome,
    steps: Vec<Step>,
}

fn seen(object: impl Into<String>, field: &str, value: impl Into<String>) -> Seen {
    Seen {
        object: object.into(),
        field: field.to_owned(),
        value: value.into(),
    }
}

impl<'a> Walk<'a> {
    /// Tells a finding; a broken one ends the way.
    fn say(&mut self, finding: Finding, seen: Vec<Seen>) -> Way {
        let broken = finding.mark() == Mark::Broken;
        self.steps.push(Step { finding, seen });
        if broken { Err(Stop) } else { Ok(()) }
    }

    fn tell(&mut self, found: Option<Found>) -> Way {
        match found {
            Some((finding, seen)) => self.say(finding, seen),
            None => Ok(()),
        }
    }

    fn whole(&mut self) -> Way {
        let question = &self.plan.question;
        let at = match asker(self.world, question) {
            Ok(at) => at,
            Err(finding) => return self.say(*finding, Vec::new()),
        };
        self.asks(&at)?;
        match &question.subject {
            Subject::Service {
                namespace,
                name,
                port,
            } => {
                let Some(service) = target::service(self.store, namespace, name) else {
                    return self.missing("services", "Service", namespace, name);
                };
                self.service_is(service)?;
                self.dns(&at)?;
                let service = target::meant(self.store, service);
                self.service(&at, service, port.as_deref())
            }
            Subject::Name { name, port } => {
                let service = self.name(&at, name)?;
                self.dns(&at)?;
                self.service_is(&service)?;
                let service = target::meant(self.store, &service);
                self.service(&at, service, port.as_deref())
            }
            Subject::Pod {
                namespace,
                name,
                port,
            } => {
                let Some(pod) = self.store.get("pods", namespace, name) else {
                    return self.missing("pods", "Pod", namespace, name);
                };
                self.pod(&at, pod, *port)
            }
            Subject::Deploy { namespace, name } => {
                let Some(deploy) = self.store.get("deployments.apps", namespace, name) else {
                    return self.missing("deployments", "Deployment", namespace, name);
                };
                self.deploy(deploy)
            }
            Subject::Node { name, port } => self.node(&at, name, *port),
            Subject::Addr { addr, port } => self.address(&at, *addr, *port),
        }
    }

    /// Who asks, and that it can.
    fn asks(&mut self, at: &At) -> Way {
        let question = &self.plan.question;
        let own = matches!(
            question.subject,
            Subject::Pod { .. } | Subject::Deploy { .. } | Subject::Node { .. }
        );
        if own && question.asker == Asker::Anybody {
            return Ok(());
        }
        if let Some(pod) = at
            .pod()
            .filter(|pod| at.host.is_none() || pod["status"]["phase"] != "Running")
        {
            let state = text(&pod["status"]["phase"]).to_owned();
            let command = format!("lab why pod/{} -n {}", name(pod), namespace(pod));
            let phase = seen(pod_word(pod), "status.phase", state.clone());
            return self.say(
                Finding::AskerDown {
                    asker: at.label.clone(),
                    state,
                    command,
                },
                vec![phase],
            );
        }
        self.say(
            Finding::AskerIs {
                asker: at.label.clone(),
            },
            Vec::new(),
        )
    }

    fn service_is(&mut self, service: &Object) -> Way {
        let spec = &service["spec"];
        let (kind, address) = (text(&spec["type"]), text(&spec["clusterIP"]));
        let own = full(service);
        let real = target::meant(self.store, service);
        let finding = if kind == "ExternalName" && full(real) != own {
            let target = format!("Service {}", full(real));
            Finding::ServiceIsAnother {
                service: own,
                target,
            }
        } else if kind == "ExternalName" {
            let target = text(&spec["externalName"]).to_owned();
            Finding::ServiceIsAlias {
                service: own,
                target,
            }
        } else {
            Finding::ServiceIs {
                service: full(service),
                kind: kind.to_owned(),
                address: format!("clusterIP {address}"),
            }
        };
        let spec = seen(format!("service/{}", name(service)), "spec.type", kind);
        self.say(finding, vec![spec])
    }

    /// A Pod, for itself and as the end of a way.
    fn pod(&mut self, at: &At, pod: &Object, port: Option<u16>) -> Way {
        let or_none = |value: &Value| match text(value) {
            "" => "–".to_owned(),
            text => text.to_owned(),
        };
        let finding = Finding::PodIs {
            pod: pod_word(pod),
            node: or_none(&pod["spec"]["nodeName"]),
            address: or_none(&pod["status"]["podIP"]),
            phase: or_none(&pod["status"]["phase"]),
        };
        self.say(finding, Vec::new())?;
        self.pods_run(std::slice::from_ref(pod))?;
        let asked = self.plan.question.asker != Asker::Anybody;
        if let Some(port) = port.or_else(|| self.plan.to.map(|to| to.port()).filter(|_| asked)) {
            self.listener(&[(pod.clone(), port)], "TCP", None)?;
            self.policy(at, std::slice::from_ref(pod), port, vnet::Proto::Tcp)?;
            self.route(at, std::slice::from_ref(pod))?;
            self.probe(at)?;
        } else {
            self.route(at, std::slice::from_ref(pod))?;
        }
        self.own_variables(pod)?;
        self.selected_by(pod)
    }

    /// A Deployment and its Pods.
    fn deploy(&mut self, deploy: &Object) -> Way {
        let word = format!("deployment/{}", name(deploy));
        let wanted = deploy["spec"]["replicas"].as_u64().unwrap_or(1);
        let replicas = vec![seen(word.clone(), "spec.replicas", wanted.to_string())];
        if wanted == 0 {
            let command = format!(
                "{} scale deployment {} --replicas=1",
                super::look::kubectl(namespace(deploy)),
                name(deploy)
            );
            return self.say(
                Finding::DeployScaledToZero {
                    deploy: word,
                    command,
                },
                replicas,
            );
        }
        let ready = deploy["status"]["readyReplicas"].as_u64().unwrap_or(0);
        let finding = Finding::DeployIs {
            deploy: word,
            ready: ready.to_string(),
            wanted: wanted.to_string(),
        };
        self.say(finding, replicas)?;
        self.tell(selector::not_made(self.store, deploy))?;
        let pods = target::pods_of(self.store, deploy);
        // Here every Pod counts, not only one that answers.
        for pod in &pods {
            self.tell(self.trouble(pod))?;
        }
        self.pods_run(&pods)?;
        for pod in &pods {
            self.own_variables(pod)?;
        }
        match pods.first() {
            Some(pod) => self.selected_by(pod),
            None => Ok(()),
        }
    }
}
