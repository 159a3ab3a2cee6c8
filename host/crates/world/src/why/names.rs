//! What a name means to whoever asks: search path, dots, and the Service at the end of it.
//! Never asks a DNS server.

use super::asker::At;
use super::look::{items, namespace, text};
use super::target::service;
use crate::World;
use cluster::Object;
use cluster::dns::DOMAIN;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What a Pod's `/etc/resolv.conf` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolver {
    pub(super) server: Option<Ipv4Addr>,
    pub(super) search: Vec<String>,
    ndots: usize,
}

/// Whether a Pod asks the cluster first.
pub(super) fn asks_cluster(pod: &Value) -> bool {
    match text(&pod["spec"]["dnsPolicy"]) {
        "Default" | "None" => false,
        "ClusterFirstWithHostNet" => true,
        _ => pod["spec"]["hostNetwork"] != true,
    }
}

/// How a Pod looks names up, as the kubelet writes it.
pub(super) fn resolver(world: &World, pod: &Value) -> Resolver {
    let mut resolver = Resolver {
        server: None,
        search: Vec::new(),
        ndots: 1,
    };
    let dns = service(world.cluster().store(), "kube-system", "kube-dns");
    let dns = dns.and_then(|dns| text(&dns["spec"]["clusterIP"]).parse().ok());
    if asks_cluster(pod) {
        let own = namespace(pod);
        resolver.search = vec![
            format!("{own}.svc.{DOMAIN}"),
            format!("svc.{DOMAIN}"),
            DOMAIN.to_owned(),
        ];
        resolver.ndots = 5;
    }
    let wishes = &pod["spec"]["dnsConfig"];
    let own = items(&wishes["nameservers"])
        .iter()
        .find_map(|addr| text(addr).parse().ok());
    resolver.server = if pod["spec"]["dnsPolicy"] == "None" {
        own
    } else {
        dns.or(own)
    };
    let more = items(&wishes["searches"])
        .iter()
        .map(|one| text(one).to_owned());
    resolver.search.extend(more);
    let mut options = items(&wishes["options"]).iter();
    let ndots = options.find(|option| option["name"] == "ndots");
    if let Some(ndots) = ndots.and_then(|option| text(&option["value"]).parse().ok()) {
        resolver.ndots = ndots;
    }
    resolver
}

impl Resolver {
    /// The whole names that are tried for a name, in order.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let plain = std::iter::once(name.to_owned());
        if name.matches('.').count() >= self.ndots {
            plain.chain(searched).collect()
        } else {
            searched.chain(plain).collect()
        }
    }
}

/// Namespace and name of the Service that a whole name would be of.
pub(super) fn service_name(full: &str) -> Option<(&str, &str)> {
    let rest = full.strip_suffix(DOMAIN)?.strip_suffix(".svc.")?;
    let (name, namespace) = rest.rsplit_once('.')?;
    // Names of endpoints stand before their Service's.
    Some((namespace, name.rsplit('.').next().unwrap_or(name)))
}

/// The Service that a name means there, and its whole name.
pub(super) fn meant(
    world: &World,
    at: Option<&At>,
    space: &str,
    name: &str,
) -> Option<(Object, String)> {
    let store = world.cluster().store();
    let candidates = match at.and_then(At::pod) {
        Some(pod) => resolver(world, pod).candidates(name),
        // Nobody's search path: as from a Pod of the namespace.
        None => [
            format!("{space}.svc.{DOMAIN}"),
            format!("svc.{DOMAIN}"),
            DOMAIN.to_owned(),
        ]
        .iter()
        .map(|domain| format!("{name}.{domain}"))
        .chain([name.to_owned()])
        .collect(),
    };
    candidates.into_iter().find_map(|full| {
        let (space, own) = service_name(&full)?;
        Some((service(store, space, own)?.clone(), full.clone()))
    })
}

/// What a probe asks for: the server, and the names in order, up to the one that is there.
pub(super) fn questions(world: &World, at: &At, name: &str) -> Option<(SocketAddrV4, Vec<String>)> {
    let pod = at.pod()?;
    let resolver = resolver(world, pod);
    let server = SocketAddrV4::new(resolver.server?, 53);
    Some((server, resolver.candidates(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_tried_along_the_search_path_and_tells_its_service() {
        let resolver = Resolver {
            server: None,
            search: vec!["shop.svc.cluster.local".into(), "svc.cluster.local".into()],
            ndots: 5,
        };
        let tried = resolver.candidates("web.other");
        assert_eq!(
            tried,
            [
                "web.other.shop.svc.cluster.local",
                "web.other.svc.cluster.local",
                "web.other"
            ]
        );
        assert_eq!(service_name(&tried[1]), Some(("other", "web")));
        assert_eq!(service_name("web.other"), None);
        assert_eq!(
            service_name("web-0.web.shop.svc.cluster.local"),
            Some(("shop", "web"))
        );
    }
}
