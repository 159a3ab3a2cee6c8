//! From an endpoint's address to the program behind it: listeners, policies, rules, machines, and
//! what the probe has seen of them.

use super::super::asker::{At, Kind};
use super::super::look::{few, full, items, kubectl, name, namespace, pod_word, text};
use super::super::probe::listeners;
use super::{Walk, Way, seen, service};
use crate::why::Finding;
use cluster::Object;
use serde_json::Value;
use std::net::SocketAddrV4;
use vnet::{Denied, HostId, NetError, Proto, Side};

impl Walk<'_> {
    /// Whether the Pods' programs listen where they are sent to.
    pub(super) fn listener(
        &mut self,
        behind: &[(Object, u16)],
        protocol: &str,
        through: Option<(&Object, &Value)>,
    ) -> Way {
        let proto = if protocol == "UDP" {
            Proto::Udp
        } else {
            Proto::Tcp
        };
        for (pod, port) in behind {
            let Some(host) = self.world.pod_host(text(&pod["metadata"]["uid"])) else {
                continue;
            };
            // A node without power listens nowhere; its route tells so.
            if !self.world.net().is_powered(host) {
                continue;
            }
            let sockets = listeners(self.world, host, proto);
            let own = self.world.net().host_addr(host);
            let here: Vec<&SocketAddrV4> = sockets.iter().filter(|at| at.port() == *port).collect();
            if here
                .iter()
                .any(|at| at.ip().is_unspecified() || *at.ip() == own)
            {
                continue;
            }
            let shown = few(sockets.iter().map(ToString::to_string));
            let field = vec![seen(pod_word(pod), "netstat -ltn", shown.clone())];
            let (pod_is, port_is) = (pod_word(pod), port.to_string());
            if !here.is_empty() {
                return self.say(
                    Finding::ListensLoopback {
                        pod: pod_is,
                        port: port_is,
                    },
                    field,
                );
            }
            let open = sockets
                .iter()
                .find(|at| !at.ip().is_loopback())
                .map(|at| at.port());
            let Some(open) = open else {
                let command = format!("{} logs {}", kubectl(namespace(pod)), pod_word(pod));
                return self.say(
                    Finding::NothingListensAtAll {
                        pod: pod_is,
                        port: port_is,
                        command,
                    },
                    field,
                );
            };
            let command = match through {
                Some((service, port)) => {
                    let ports = items(&service["spec"]["ports"]);
                    let index = ports.iter().position(|one| one == port).unwrap_or(0);
                    service::replace_target(&kubectl(namespace(service)), service, index, open)
                }
                None => format!("lab why --to {}:{open}", pod_word(pod)),
            };
            let finding = Finding::NothingListens {
                pod: pod_is,
                port: port_is,
                listens: shown,
                command,
            };
            return self.say(finding, field);
        }
        match behind.first() {
            Some((_, port)) => {
                let pods = few(behind.iter().map(|(pod, _)| pod_word(pod)));
                self.say(
                    Finding::Listens {
                        pods,
                        port: port.to_string(),
                    },
                    Vec::new(),
                )
            }
            None => Ok(()),
        }
    }

    /// Whether policies let the asker through to the Pods, as the data plane would judge it.
    pub(super) fn policy(&mut self, at: &At, pods: &[Object], port: u16, proto: Proto) -> Way {
        for pod in pods {
            if let Some(denied) = self.denied(at, pod, port, proto) {
                return self.kept_apart(at, pod, port, &denied);
            }
        }
        match pods.first() {
            Some(_) => {
                let to = few(pods.iter().map(|pod| pod_word(pod)));
                let from = at.label.clone();
                self.say(Finding::PolicyLets { from, to }, Vec::new())
            }
            None => Ok(()),
        }
    }

    /// What keeps the asker from a Pod. Somebody outside comes in with the address of a node, so
    /// what counts for it is whether its probe vanished.
    pub(super) fn denied(&self, at: &At, pod: &Object, port: u16, proto: Proto) -> Option<Denied> {
        let own = self.world.pod_host(text(&pod["metadata"]["uid"]))?;
        let denied = self.world.allowed(at.host?, own, proto, port).err()?;
        let connection = self.outcome.connection.as_ref();
        let vanished = connection.is_some_and(|one| one.result == Err(NetError::TimedOut));
        (vanished || Self::is_inside(at)).then_some(denied)
    }

    fn kept_apart(&mut self, at: &At, pod: &Object, port: u16, denied: &Denied) -> Way {
        let policies = policies_of(denied);
        let direction = match denied.side {
            Side::Ingress => "Ingress",
            Side::Egress => "Egress",
        };
        let fields = policies.iter().map(|policy| {
            let name = policy
                .split_once('/')
                .map_or(policy.as_str(), |(_, name)| name);
            seen(
                format!("networkpolicy/{name}"),
                "spec.policyTypes",
                direction,
            )
        });
        let fields = fields.collect();
        let command = take_away(&policies);
        let (policies, from) = (few(policies), at.label.clone());
        let (to, port) = (pod_word(pod), port.to_string());
        let finding = match denied.side {
            Side::Ingress => Finding::PolicyIngress {
                policies,
                pod: to,
                from,
                port,
                command,
            },
            Side::Egress => Finding::PolicyEgress {
                policies,
                from,
                to,
                port,
                command,
            },
        };
        self.say(finding, fields)
    }

    /// Where the nodes' rules lead.
    pub(super) fn rule(
        &mut self,
        at: &At,
        service: &Object,
        port: &Value,
        pods: &[Object],
        count: usize,
    ) -> Way {
        if super::super::target::is_headless(service) {
            return Ok(());
        }
        let spec = &service["spec"];
        let own = |node: &str| pods.iter().any(|pod| pod["spec"]["nodeName"] == node);
        let inside = Self::is_inside(at);
        let to = self.plan.to;
        let by_cluster_ip = to.is_some_and(|to| spec["clusterIP"] == to.ip().to_string().as_str());
        let local = |field: &str| spec[field] == "Local";
        if inside
            && by_cluster_ip
            && local("internalTrafficPolicy")
            && let Some(node) = at.node().filter(|node| !own(node))
        {
            return self.no_local(service, "internalTrafficPolicy", node);
        }
        if !inside && !by_cluster_ip && local("externalTrafficPolicy") {
            let entered = to.and_then(|to| super::super::target::node_at(self.world, *to.ip()));
            if let Some(node) = entered.filter(|node| !own(node)) {
                return self.no_local(service, "externalTrafficPolicy", &node);
            }
        }
        let address = to.map_or_else(
            || format!("{}:{}", text(&spec["clusterIP"]), port["port"]),
            |to| to.to_string(),
        );
        let finding = Finding::RuleLeads {
            service: full(service),
            address,
            count: count.to_string(),
        };
        self.say(finding, Vec::new())
    }

    fn no_local(&mut self, service: &Object, policy: &str, node: &str) -> Way {
        let field = seen(
            format!("service/{}", name(service)),
            &format!("spec.{policy}"),
            "Local",
        );
        let command = format!(
            r#"{} patch service {} -p '{{"spec":{{"{policy}":"Cluster"}}}}'"#,
            kubectl(namespace(service)),
            name(service)
        );
        let finding = Finding::NoLocalEndpoint {
            service: full(service),
            field: policy.to_owned(),
            node: node.to_owned(),
            command,
        };
        self.say(finding, vec![field])
    }

    /// Whether the machines on the way have power and their cables are in.
    pub(super) fn route(&mut self, at: &At, pods: &[Object]) -> Way {
        let nodes = self.world.nodes();
        let mut machines: Vec<(String, HostId, String)> = Vec::new();
        let mut add = |label: String, host: Option<HostId>, carries: &str| {
            if let Some(host) = host.filter(|host| !machines.iter().any(|(_, own, _)| own == host))
            {
                machines.push((label, host, carries.to_owned()));
            }
        };
        let node_of = |pod: &Object| text(&pod["spec"]["nodeName"]).to_owned();
        add(at.label.clone(), at.host, &at.label);
        if let Kind::Pod(pod) = &at.kind {
            let node = node_of(pod);
            add(format!("node/{node}"), nodes.get(&node).copied(), &at.label);
        }
        for pod in pods {
            let node = node_of(pod);
            add(
                format!("node/{node}"),
                nodes.get(&node).copied(),
                &pod_word(pod),
            );
            add(
                pod_word(pod),
                self.world.pod_host(text(&pod["metadata"]["uid"])),
                &pod_word(pod),
            );
        }
        self.machines(&machines)?;
        let to = match pods.is_empty() {
            true => self.plan.to.map_or("–".to_owned(), |to| to.to_string()),
            false => few(pods.iter().map(|pod| pod_word(pod))),
        };
        self.say(
            Finding::RouteStands {
                from: at.label.clone(),
                to,
            },
            Vec::new(),
        )
    }

    /// Whether these machines have power and their cables are in.
    pub(super) fn machines(&mut self, machines: &[(String, HostId, String)]) -> Way {
        let topology = self.world.net().topology();
        for (machine, host, carries) in machines {
            let Some(own) = topology.machines.iter().find(|own| own.host == *host) else {
                continue;
            };
            let (machine, carries) = (machine.clone(), carries.clone());
            if !own.powered {
                let field = seen(machine.clone(), "power", "off");
                return self.say(Finding::MachineDown { machine, carries }, vec![field]);
            }
            if own.cable.down || own.inward.down {
                let way = match (own.cable.down, own.inward.down) {
                    (true, true) => "down",
                    (true, false) => "down, outward",
                    (false, _) => "down, inward",
                };
                let field = seen(machine.clone(), "cable", way);
                return self.say(Finding::CableDown { machine, carries }, vec![field]);
            }
            let loss = own.cable.loss_pct.max(own.inward.loss_pct);
            if loss > 0.0 {
                let loss = loss.to_string();
                self.say(Finding::CableLossy { machine, loss }, Vec::new())?;
            }
        }
        Ok(())
    }

    /// How the connection went that was tried.
    pub(super) fn probe(&mut self, at: &At) -> Way {
        let Some(connection) = &self.outcome.connection else {
            return Ok(());
        };
        let (asker, to) = (at.label.clone(), connection.to.to_string());
        let way = match connection.machines() {
            machines if machines.is_empty() => "–".to_owned(),
            machines => machines,
        };
        let finding = match connection.result {
            Ok(()) => Finding::Connected { asker, to, way },
            Err(NetError::Refused | NetError::Reset) => {
                let by = connection.answerer().unwrap_or(&asker).to_owned();
                Finding::ConnectionRefused { asker, to, by, way }
            }
            Err(error) => {
                let last = connection.last().map_or_else(
                    || asker.clone(),
                    |last| format!("{} {}", last.machine, last.iface),
                );
                Finding::ConnectionLost {
                    asker,
                    to,
                    error: error.to_string(),
                    last,
                    way,
                }
            }
        };
        let passages = connection.way.iter().map(|passage| {
            let dir = match passage.dir {
                vnet::Direction::In => "in",
                vnet::Direction::Out => "out",
            };
            seen(
                format!("{} {}", passage.machine, passage.iface),
                dir,
                format!("→ {}", passage.to),
            )
        });
        let passages = passages.collect();
        self.say(finding, passages)
    }
}

/// The policies that deny, as `NAMESPACE/NAME`.
pub(super) fn policies_of(denied: &Denied) -> Vec<String> {
    let chains = denied.chains.iter();
    let name = |chain: &String| {
        let plain = chain.strip_prefix("NetworkPolicy ").unwrap_or(chain);
        plain.to_owned()
    };
    chains.map(name).collect()
}

/// The command that takes policies of one namespace away.
fn take_away(policies: &[String]) -> String {
    let parts = policies.iter().filter_map(|policy| policy.split_once('/'));
    let parts: Vec<(&str, &str)> = parts.collect();
    let space = parts.first().map_or("default", |(space, _)| space);
    let names: Vec<&str> = parts.iter().map(|(_, name)| *name).collect();
    format!(
        "{} delete networkpolicy {}",
        kubectl(space),
        names.join(" ")
    )
}
