//! What a name means, who answers for it, and where things of a name are that are not here.

use super::super::asker::{At, Kind};
use super::super::entry::{Entry, entry};
use super::super::look::{
    few, full, is_ready, items, kubectl, name, namespace, near, pod_word, selects, text,
};
use super::super::names::{asks_cluster, meant, resolver, service_name};
use super::super::query::Said;
use super::super::target;
use super::{Stop, Walk, Way, seen};
use crate::why::Finding;
use cluster::Object;
use cluster::dns::DOMAIN;
use vnet::{Proto, Side};

/// The ports that nodes have for Services.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

impl Walk<'_> {
    /// The Service that a name means there.
    pub(super) fn name(&mut self, at: &At, name: &str) -> Result<Object, Stop> {
        let space = at
            .pod()
            .map_or(self.plan.question.namespace.as_str(), |pod| namespace(pod))
            .to_owned();
        let found = meant(self.world, Some(at), &space, name);
        let anywhere = meant(self.world, None, &space, name);
        match (at.pod(), found, anywhere) {
            (Some(_), Some((service, _)), _) => {
                let finding = Finding::NameIs {
                    name: name.to_owned(),
                    service: full(&service),
                    namespace: space,
                };
                self.say(finding, Vec::new())?;
                Ok(service)
            }
            (Some(pod), None, Some((_, whole))) => {
                let policy = text(&pod["spec"]["dnsPolicy"]).to_owned();
                let field = seen(pod_word(pod), "spec.dnsPolicy", policy.clone());
                let patch = r#"{"spec":{"template":{"spec":{"dnsPolicy":"ClusterFirst"}}}}"#;
                let workload = super::super::look::workload(self.store, pod);
                let command = format!("{} patch {workload} -p '{patch}'", kubectl(&space));
                let finding = Finding::NameNotSearched {
                    pod: pod_word(pod),
                    policy,
                    name: name.to_owned(),
                    full: whole,
                    command,
                };
                self.say(finding, vec![field])?;
                Err(Stop)
            }
            (None, Some((service, _)), _) => {
                let address = match entry(
                    self.world,
                    at,
                    &self.plan.question,
                    &service,
                    target::port_of(&service, None),
                ) {
                    Entry::At(to) | Entry::Tunnel(to) => to.to_string(),
                    _ => text(&service["spec"]["clusterIP"]).to_owned(),
                };
                let finding = Finding::NameForPods {
                    name: name.to_owned(),
                    asker: at.label.clone(),
                    address,
                };
                self.say(finding, Vec::new())?;
                Err(Stop)
            }
            _ => {
                self.no_name(&space, name)?;
                Err(Stop)
            }
        }
    }

    fn no_name(&mut self, space: &str, asked: &str) -> Way {
        let mut parts = asked.split('.');
        let own = parts.next().unwrap_or_default();
        let said = parts.next();
        let rest: Vec<&str> = parts.collect();
        let in_cluster = rest.is_empty() || asked.ends_with(DOMAIN) || rest == ["svc"];
        let is_space = |space: &str| self.store.get("namespaces", "", space).is_some();
        if !in_cluster
            || (said.is_some_and(|said| !is_space(said))
                && !asked.contains(".svc")
                && self.near_service(own, said.unwrap_or_default()).is_none())
        {
            return self.say(
                Finding::NameOutside {
                    name: asked.to_owned(),
                },
                Vec::new(),
            );
        }
        let elsewhere = self
            .store
            .list("services", None)
            .filter(|service| name(service) == own);
        let elsewhere: Vec<&str> = elsewhere.map(|service| namespace(service)).collect();
        if let Some(first) = elsewhere.first() {
            let finding = Finding::NameElsewhere {
                name: asked.to_owned(),
                namespace: said.unwrap_or(space).to_owned(),
                others: few(elsewhere.iter().copied()),
                full: format!("{own}.{first}"),
            };
            let objects = elsewhere
                .iter()
                .map(|space| seen(format!("service/{own}"), "metadata.namespace", *space));
            return self.say(finding, objects.collect());
        }
        let finding = match self.near_service(own, said.unwrap_or(space)) {
            Some(near) => Finding::NameMisspelt {
                name: asked.to_owned(),
                namespace: space.to_owned(),
                near,
            },
            None => Finding::NameUnknown {
                name: asked.to_owned(),
                namespace: space.to_owned(),
                command: "kubectl get services -A".to_owned(),
            },
        };
        self.say(finding, Vec::new())
    }

    /// The Service of the namespace, or else of any, that is called nearly so.
    fn near_service(&self, asked: &str, space: &str) -> Option<String> {
        let here = self
            .store
            .list("services", Some(space))
            .map(|service| name(service));
        let found = near(asked, here).map(str::to_owned);
        found.or_else(|| {
            let all = self.store.list("services", None);
            let found = near(asked, all.map(|service| name(service)))?;
            let service = self
                .store
                .list("services", None)
                .find(|service| name(service) == found)?;
            Some(format!("{found}.{}", namespace(service)))
        })
    }

    /// Whether somebody answers for names, as far as this question has one.
    pub(super) fn dns(&mut self, at: &At) -> Way {
        let (Some((server, _)), Some(pod)) = (&self.plan.names, at.pod()) else {
            return Ok(());
        };
        let own = asks_cluster(pod) || resolver(self.world, pod).server == self.cluster_dns();
        if own {
            self.dns_runs()?;
        }
        let silent = self
            .outcome
            .names
            .first()
            .is_some_and(|(_, said)| said.is_none());
        if own && silent {
            self.dns_is_reached(at, pod)?;
        }
        let said: Vec<_> = self.outcome.names.clone();
        let answered = said.iter().find_map(|(name, said)| match said {
            Some(Said::Addresses(all)) if !all.is_empty() => Some((name, all)),
            _ => None,
        });
        let server = server.ip().to_string();
        if let Some((name, addresses)) = answered {
            let address = few(addresses.iter().map(ToString::to_string));
            return self.say(
                Finding::DnsAnswers {
                    name: name.clone(),
                    address,
                    server,
                },
                Vec::new(),
            );
        }
        // What should have been there is among the names that were tried.
        let real = said.iter().find(|(name, _)| {
            let parts = service_name(name);
            parts.is_some_and(|(space, own)| target::service(self.store, space, own).is_some())
        });
        let Some((name, first)) = real.or_else(|| said.first()) else {
            return Ok(());
        };
        let finding = match first {
            None => Finding::DnsSilent {
                name: name.clone(),
                server,
                asker: at.label.clone(),
            },
            Some(said) => Finding::DnsNegative {
                name: name.clone(),
                server,
                rcode: said.word().to_owned(),
            },
        };
        self.say(finding, Vec::new())
    }

    /// Whether policies keep the asker from the DNS's Pods.
    fn dns_is_reached(&mut self, at: &At, asker: &Object) -> Way {
        let selector = target::service(self.store, "kube-system", "kube-dns")
            .map(|dns| dns["spec"]["selector"].clone())
            .unwrap_or_default();
        let pods = self.store.list("pods", Some("kube-system"));
        let servers =
            pods.filter(|pod| is_ready(pod) && selects(&selector, &pod["metadata"]["labels"]));
        let denied = servers.map(|pod| self.denied(at, pod, 53, Proto::Udp));
        let Some(Some(denied)) = denied.last() else {
            return Ok(());
        };
        let all = super::wire::policies_of(&denied);
        let policies = few(all.clone());
        let Some((space, first)) = all.first().and_then(|policy| policy.split_once('/')) else {
            return Ok(());
        };
        let policy = self
            .store
            .get("networkpolicies.networking.k8s.io", space, first);
        let side = match denied.side {
            Side::Ingress => "ingress",
            Side::Egress => "egress",
        };
        let ports = r#"{"ports":[{"protocol":"UDP","port":53},{"protocol":"TCP","port":53}]}"#;
        let has = policy.is_some_and(|policy| policy["spec"][side].is_array());
        let (path, value) = match has {
            true => (format!("/spec/{side}/-"), ports.to_owned()),
            false => (format!("/spec/{side}"), format!("[{ports}]")),
        };
        let command = format!(
            r#"{} patch networkpolicy {first} --type=json -p '[{{"op":"add","path":"{path}","value":{value}}}]'"#,
            kubectl(space)
        );
        let field = seen(format!("networkpolicy/{first}"), "spec.policyTypes", side);
        self.say(
            Finding::DnsKeptAway {
                policies,
                pod: pod_word(asker),
                command,
            },
            vec![field],
        )
    }

    fn cluster_dns(&self) -> Option<std::net::Ipv4Addr> {
        let dns = target::service(self.store, "kube-system", "kube-dns")?;
        text(&dns["spec"]["clusterIP"]).parse().ok()
    }

    /// The DNS's Service has endpoints.
    fn dns_runs(&mut self) -> Way {
        const SERVICE: &str = "kube-system/kube-dns";
        let Some(dns) = target::service(self.store, "kube-system", "kube-dns").cloned() else {
            return self.say(
                Finding::DnsMissing {
                    service: SERVICE.to_owned(),
                },
                Vec::new(),
            );
        };
        let port = items(&dns["spec"]["ports"])
            .first()
            .cloned()
            .unwrap_or_default();
        if !target::endpoints(self.world, &dns, &port).is_empty() {
            return Ok(());
        }
        let selector = &dns["spec"]["selector"];
        let deploys = self.store.list("deployments.apps", Some("kube-system"));
        let deploy = deploys
            .into_iter()
            .find(|deploy| selects(selector, &deploy["spec"]["template"]["metadata"]["labels"]))
            .cloned();
        let service = SERVICE.to_owned();
        if let Some(deploy) = deploy
            .as_ref()
            .filter(|deploy| deploy["spec"]["replicas"] == 0)
        {
            let workload = format!("deployment/{}", name(deploy));
            let field = seen(workload.clone(), "spec.replicas", "0");
            let command = format!("kubectl -n kube-system scale {workload} --replicas=2");
            return self.say(
                Finding::DnsScaledAway {
                    service,
                    workload,
                    command,
                },
                vec![field],
            );
        }
        let pods: Vec<&Object> = self
            .store
            .list("pods", Some("kube-system"))
            .filter(|pod| selects(selector, &pod["metadata"]["labels"]) && !is_ready(pod))
            .collect();
        let fields = pods
            .iter()
            .map(|pod| seen(pod_word(pod), "status.phase", text(&pod["status"]["phase"])));
        let fields = fields.collect();
        let command = match pods.first() {
            Some(pod) => format!("lab why {} -n kube-system", pod_word(pod)),
            None => "kubectl -n kube-system get deployments,pods -l k8s-app=kube-dns".to_owned(),
        };
        let pods = few(pods.into_iter().map(|pod| name(pod)));
        self.say(
            Finding::DnsNotReady {
                service,
                pods,
                command,
            },
            fields,
        )
    }

    /// An object that is not there: elsewhere, called otherwise, refused, or never made.
    pub(super) fn missing(&mut self, plural: &str, kind: &str, space: &str, wanted: &str) -> Way {
        let key = if plural == "deployments" {
            "deployments.apps"
        } else {
            plural
        };
        let what = format!("{kind} {wanted}");
        let namespace_is = space.to_owned();
        let all = || self.store.list(key, None);
        let refused = self
            .world
            .refusals()
            .of(plural, space, wanted)
            .map(|refusal| refusal.message.clone());
        let elsewhere: Vec<&str> = all()
            .filter(|one| name(one) == wanted)
            .map(|one| namespace(one))
            .collect();
        let here = self.store.list(key, Some(space)).map(|one| name(one));
        let near = near(wanted, here).map(str::to_owned);
        let finding = if let Some(message) = refused {
            self.refused(what, namespace_is, message)
        } else if let Some(first) = elsewhere.first() {
            let word = kind.to_lowercase();
            Finding::Elsewhere {
                what,
                namespace: namespace_is,
                others: few(elsewhere.iter().copied()),
                command: format!("lab why {word}/{wanted} -n {first}"),
            }
        } else if let Some(near) = near {
            Finding::Misspelt {
                what,
                namespace: namespace_is,
                near,
            }
        } else {
            Finding::Missing {
                what,
                namespace: namespace_is,
                command: format!("kubectl get {plural} -A"),
            }
        };
        self.say(finding, Vec::new())
    }

    /// What the API server would not take.
    fn refused(&self, what: String, namespace: String, message: String) -> Finding {
        let words = message.split(|c: char| !c.is_ascii_digit());
        let mut numbers = words.filter_map(|word| word.parse::<u16>().ok());
        let taken = message.contains("provided port is already allocated");
        let outside = message.contains("not in the valid range");
        let node_port = message.contains("nodePort").then(|| {
            // `spec.ports[0].nodePort: Invalid value: 30080: …`: the index comes first.
            numbers.by_ref().nth(1)
        });
        let Some(Some(port)) = node_port.filter(|_| taken || outside) else {
            return Finding::Refused {
                what,
                namespace,
                message,
            };
        };
        let owner = |port: u16| {
            self.store.list("services", None).find(|service| {
                let mut ports = items(&service["spec"]["ports"]).iter();
                ports.any(|own| super::super::look::number(&own["nodePort"]) == Some(port))
            })
        };
        match owner(port) {
            Some(own) if taken => {
                let free = NODE_PORTS
                    .skip_while(|free| *free <= port)
                    .find(|free| owner(*free).is_none());
                Finding::NodePortTaken {
                    what,
                    namespace,
                    port: port.to_string(),
                    owner: full(own),
                    free: free.unwrap_or(*NODE_PORTS.start()).to_string(),
                }
            }
            _ if outside => Finding::NodePortOutOfRange {
                what,
                namespace,
                port: port.to_string(),
                range: format!("{}-{}", NODE_PORTS.start(), NODE_PORTS.end()),
            },
            _ => Finding::Refused {
                what,
                namespace,
                message,
            },
        }
    }

    /// Whether the asker is a node or a Pod.
    pub(super) fn is_inside(at: &At) -> bool {
        matches!(at.kind, Kind::Pod(_) | Kind::Node(_))
    }
}
