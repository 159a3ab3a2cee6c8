//! A Service from its port to its endpoints, and on to the Pods behind them.

use super::super::asker::At;
use super::super::look::{few, full, items, kubectl, name, namespace, number, pod_word, text};
use super::super::probe::is_outside;
use super::super::target;
use super::{Walk, Way, seen, selector};
use crate::why::Finding;
use cluster::Object;
use serde_json::Value;
use vnet::Proto;

impl Walk<'_> {
    /// The whole way behind a Service's name.
    pub(super) fn service(&mut self, at: &At, service: &Object, asked: Option<&str>) -> Way {
        self.entered(at, service, asked)?;
        let port = self.port(at, service, asked)?;
        let Some(port) = port else { return Ok(()) };
        let pods = if selector::has_selector(service) {
            let pods = selector::selected(self.store, service);
            self.selector(service, &pods)?;
            // Such a Service leads to Pods that are not ready, too.
            let published = service["spec"]["publishNotReadyAddresses"] == true
                && !target::endpoints(self.world, service, &port).is_empty();
            if !published {
                self.pods_run(&pods)?;
            }
            pods
        } else {
            Vec::new()
        };
        let endpoints = target::endpoints(self.world, service, &port);
        self.endpoints(service, &port, &pods, &endpoints)?;
        let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
        let behind: Vec<(Object, u16)> = endpoints
            .iter()
            .filter_map(|end| {
                Some((
                    target::pod_at(self.world, *end.ip())
                        .or_else(|| {
                            pods.iter()
                                .find(|pod| pod["status"]["podIP"] == end.ip().to_string().as_str())
                        })?
                        .clone(),
                    end.port(),
                ))
            })
            .collect();
        self.listener(&behind, &protocol, Some((service, &port)))?;
        let pods: Vec<Object> = behind.iter().map(|(pod, _)| pod.clone()).collect();
        if let Some((_, end)) = behind.first() {
            let proto = if protocol == "UDP" {
                Proto::Udp
            } else {
                Proto::Tcp
            };
            self.policy(at, &pods, *end, proto)?;
        }
        self.rule(at, service, &port, &pods, endpoints.len())?;
        self.route(at, &pods)?;
        self.probe(at)?;
        if let Some(asker) = at.pod() {
            self.variables(asker, service)?;
        }
        self.certificate(service, &port, &pods)
    }

    /// The port that is meant.
    fn port(
        &mut self,
        at: &At,
        service: &Object,
        asked: Option<&str>,
    ) -> Result<Option<Value>, super::Stop> {
        let by_node_port = match &self.plan.question.subject {
            crate::why::Subject::Addr { port, .. } | crate::why::Subject::Node { port, .. } => {
                *port
            }
            _ => None,
        };
        let ports = items(&service["spec"]["ports"]);
        let through = by_node_port.and_then(|wanted| {
            ports
                .iter()
                .find(|port| number(&port["nodePort"]) == Some(wanted))
        });
        let found = through.or_else(|| target::port_of(service, asked));
        let shown = |port: &Value| match (text(&port["name"]), text(&port["protocol"])) {
            ("", protocol) => format!("{}/{protocol}", port["port"]),
            (own, protocol) => format!("{own} {}/{protocol}", port["port"]),
        };
        let all = few(ports.iter().map(shown));
        let field = seen(
            format!("service/{}", name(service)),
            "spec.ports",
            all.clone(),
        );
        let Some(port) = found.cloned() else {
            if target::is_headless(service) && self.headless_target(service, asked) {
                return Ok(self.headless_port(service, asked));
            }
            let asked = asked.unwrap_or("–").to_owned();
            self.say(
                Finding::PortMissing {
                    service: full(service),
                    asked,
                    has: all,
                },
                vec![field],
            )?;
            return Ok(None);
        };
        let target = match text(&port["targetPort"]) {
            "" => number(&port["targetPort"])
                .or_else(|| number(&port["port"]))
                .map_or("–".to_owned(), |n| n.to_string()),
            own => own.to_owned(),
        };
        let differs =
            number(&port["targetPort"]).is_some_and(|own| Some(own) != number(&port["port"]));
        if target::is_headless(service) && differs && !is_outside(at) {
            let asked = port["port"].to_string();
            let finding = Finding::HeadlessPort {
                service: full(service),
                asked,
                target,
            };
            self.say(finding, vec![field])?;
            return Ok(None);
        }
        self.say(
            Finding::PortIs {
                service: full(service),
                port: port["port"].to_string(),
                target,
            },
            vec![field],
        )?;
        Ok(Some(port))
    }

    /// Whether a headless Service's Pods have the port that is asked for.
    fn headless_target(&self, service: &Object, asked: Option<&str>) -> bool {
        self.headless_port(service, asked).is_some()
    }

    fn headless_port(&self, service: &Object, asked: Option<&str>) -> Option<Value> {
        let asked: u16 = asked?.parse().ok()?;
        let mut ports = items(&service["spec"]["ports"]).iter();
        ports
            .find(|port| number(&port["targetPort"]) == Some(asked))
            .cloned()
    }

    /// Ready Pods are endpoints.
    fn endpoints(
        &mut self,
        service: &Object,
        port: &Value,
        pods: &[Object],
        endpoints: &[std::net::SocketAddrV4],
    ) -> Way {
        if !endpoints.is_empty() {
            if !selector::has_selector(service) {
                self.say(
                    Finding::EndpointsByHand {
                        service: full(service),
                    },
                    Vec::new(),
                )?;
            }
            let endpoints = few(endpoints.iter().map(ToString::to_string));
            return self.say(
                Finding::EndpointsAre {
                    service: full(service),
                    endpoints,
                },
                Vec::new(),
            );
        }
        let kubectl = kubectl(namespace(service));
        let own = format!("service/{}", name(service));
        if !selector::has_selector(service) {
            let command = format!("{kubectl} set selector service {} KEY=VALUE", name(service));
            let field = seen(own, "spec.selector", "–");
            return self.say(
                Finding::NoSelector {
                    service: full(service),
                    command,
                },
                vec![field],
            );
        }
        let words = few(pods.iter().map(|pod| pod_word(pod)));
        if let Some(wanted) = port["targetPort"].as_str()
            && let Some(pod) = pods
                .iter()
                .find(|pod| target::target_port(port, pod).is_none())
        {
            let index = items(&service["spec"]["ports"])
                .iter()
                .position(|one| one == port)
                .unwrap_or(0);
            let number = self
                .listening(pod)
                .iter()
                .find(|at| !at.ip().is_loopback())
                .map(|at| at.port());
            let number = number
                .or_else(|| super::super::look::number(&port["port"]))
                .unwrap_or(80);
            let command = replace_target(&kubectl, service, index, number);
            let field = seen(own, "spec.ports[].targetPort", wanted);
            let finding = Finding::NamedPortMissing {
                service: full(service),
                target: wanted.to_owned(),
                pods: words,
                has: selector::port_names(pod),
                command,
            };
            return self.say(finding, vec![field]);
        }
        self.say(
            Finding::EndpointsMissing {
                service: full(service),
                pods: words,
            },
            Vec::new(),
        )
    }
}

/// The command that lets a Service's port lead to another one of its Pods.
pub(super) fn replace_target(kubectl: &str, service: &Object, index: usize, port: u16) -> String {
    format!(
        r#"{kubectl} patch service {} --type=json -p '[{{"op":"replace","path":"/spec/ports/{index}/targetPort","value":{port}}}]'"#,
        name(service)
    )
}
