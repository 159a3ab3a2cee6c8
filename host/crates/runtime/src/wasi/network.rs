//! `lab:process/network`: what the machine knows about its network. Never another machine's.

use super::Guest;
use super::bindings::lab::process::network as wit;
use vnet::{Ipv4Addr, LinkKind, NeighbourState, Proto, SocketAddrV4};
use wasmtime::Result;

/// An address in the form of `wit/`.
pub(super) fn ipv4(addr: Ipv4Addr) -> wit::Ipv4 {
    addr.octets().into()
}

fn endpoint(addr: SocketAddrV4) -> wit::Endpoint {
    (ipv4(*addr.ip()), addr.port())
}

fn link(link: vnet::Link) -> wit::Link {
    wit::Link {
        index: link.index,
        name: link.name,
        kind: match link.kind {
            LinkKind::Loopback => wit::LinkKind::Loopback,
            LinkKind::Ethernet => wit::LinkKind::Ethernet,
            LinkKind::Veth => wit::LinkKind::Veth,
            LinkKind::Bridge => wit::LinkKind::Bridge,
            LinkKind::Vxlan => wit::LinkKind::Vxlan,
        },
        peer: link.peer,
        master: link.master,
        mac: link.mac.into(),
        mtu: u32::try_from(link.mtu).unwrap_or(u32::MAX),
        up: link.up,
        addresses: link
            .addresses
            .into_iter()
            .map(|(addr, prefix)| (ipv4(addr), prefix))
            .collect(),
        rx_packets: link.counts.rx_packets,
        rx_bytes: link.counts.rx_bytes,
        tx_packets: link.counts.tx_packets,
        tx_bytes: link.counts.tx_bytes,
    }
}

fn route(route: vnet::RouteInfo) -> wit::Route {
    wit::Route {
        destination: ipv4(route.to.network()),
        prefix: route.to.prefix_len(),
        gateway: route.gateway.map(ipv4),
        link: route.link.to_owned(),
        source: ipv4(route.source),
        onlink: route.onlink,
    }
}

fn neighbour(neighbour: vnet::Neighbour) -> wit::Neighbour {
    wit::Neighbour {
        address: ipv4(neighbour.address),
        link: neighbour.link.to_owned(),
        mac: neighbour.mac.map(Into::into),
        state: match neighbour.state {
            NeighbourState::Reachable => wit::NeighbourState::Reachable,
            NeighbourState::Stale => wit::NeighbourState::Stale,
            NeighbourState::Failed => wit::NeighbourState::Failed,
        },
    }
}

impl Guest {
    fn socket(&self, info: vnet::SocketInfo) -> wit::Socket {
        let container = u64::from(self.container.id.number());
        let pid = (info.owner >> 32 == container).then_some(info.owner as u32);
        wit::Socket {
            protocol: match info.proto {
                Proto::Tcp => wit::Protocol::Tcp,
                Proto::Udp => wit::Protocol::Udp,
                Proto::Icmp => wit::Protocol::Icmp,
            },
            local: endpoint(info.local),
            remote: endpoint(info.remote),
            state: info.state.to_owned(),
            receive_queue: info.recv_q as u64,
            send_queue: info.send_q as u64,
            pid,
        }
    }
}

impl wit::Host for Guest {
    fn links(&mut self) -> Result<Vec<wit::Link>> {
        let host = self.container.spec.host;
        let links = self.kernel.network.with(|net, _| net.links(host));
        Ok(links.into_iter().map(link).collect())
    }

    fn routes(&mut self) -> Result<Vec<wit::Route>> {
        let host = self.container.spec.host;
        let routes = self.kernel.network.with(|net, _| net.routes(host));
        Ok(routes.into_iter().map(route).collect())
    }

    fn neighbours(&mut self) -> Result<Vec<wit::Neighbour>> {
        let host = self.container.spec.host;
        let neighbours = self.kernel.network.with(|net, _| net.neighbours(host));
        Ok(neighbours.into_iter().map(neighbour).collect())
    }

    fn sockets(&mut self) -> Result<Vec<wit::Socket>> {
        let host = self.container.spec.host;
        let sockets = self.kernel.network.with(|net, _| net.sockets(host));
        Ok(sockets.into_iter().map(|info| self.socket(info)).collect())
    }

    fn forwards(&mut self) -> Result<bool> {
        let host = self.container.spec.host;
        Ok(self.kernel.network.with(|net, _| net.forwards(host)))
    }

    fn rules(
        &mut self,
        table: String,
        chain: Option<String>,
        form: wit::RulesForm,
    ) -> Result<Option<String>> {
        let host = self.container.spec.host;
        let (table, has_rules) = self.kernel.network.with(|net, _| {
            let has_rules = net.iptables(host).iter().any(|one| one.name == table);
            (net.iptables_table(host, &table), has_rules)
        });
        let chain = chain.as_deref();
        let table = table.filter(|table| chain.is_none_or(|chain| table.has(chain)));
        Ok(table.and_then(|table| match form {
            wit::RulesForm::Save => has_rules.then(|| table.save()),
            wit::RulesForm::Specs => Some(table.specs(chain)),
            wit::RulesForm::Listing => Some(table.list(chain)),
        }))
    }

    fn conversations(&mut self) -> Result<Vec<String>> {
        let host = self.container.spec.host;
        let entries = self.kernel.network.with(|net, _| net.conntrack(host));
        Ok(entries.iter().map(ToString::to_string).collect())
    }
}
