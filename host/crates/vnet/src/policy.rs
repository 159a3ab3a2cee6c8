//! Who may begin a conversation with whom: filters of the machines behind a node, judged at its
//! forward hook, after a destination was translated and before a source is.
//!
//! A machine has a [`Filter`]: for each direction the chains that it is subject to, or none, and
//! then everything passes. A conversation passes when one rule of one of these chains takes it; a
//! machine that is subject to chains of which none does hears and says nothing. Chains name sets
//! of addresses, as iptables names ipsets, so that a machine that comes or goes changes a set and
//! no rule.
//!
//! What is judged is a conversation's first packet: what conntrack knows passes, in both
//! directions. Between a machine and itself, and between a machine and its own node, nothing is
//! judged. Never asks what a chain stands for: its name is somebody else's word, and comes back in
//! [`Denied`].

use crate::addr::Cidr;
use crate::fabric::{Fabric, FabricId};
use crate::host::{Host, Node};
use crate::net::{HostId, Net};
use crate::packet::Flow;
use crate::socket::Proto;
use clock::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// What a machine is subject to. The default lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The chains for conversations that others begin with it; `None` lets all of them in.
    pub ingress: Option<Vec<String>>,
    /// The chains for conversations that it begins; `None` lets all of them out.
    pub egress: Option<Vec<String>>,
}

/// Rules under a name, for both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// What it lets in.
    pub ingress: Vec<Allow>,
    /// What it lets out.
    pub egress: Vec<Allow>,
}

/// One rule: conversations with these peers to these ports pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// The other end; `None` is everybody, an empty list nobody.
    pub peers: Option<Vec<Peer>>,
    /// Where the conversation goes to; `None` is every port of every protocol, an empty list none.
    pub ports: Option<Vec<Ports>>,
}

/// Others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A range of addresses without some parts of it.
    Range {
        /// The range.
        range: Cidr,
        /// The parts that are not meant.
        except: Vec<Cidr>,
    },
    /// The addresses of a set; one that nobody filled has none.
    Set(String),
}

/// Ports of whoever is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// All of a protocol.
    All(Proto),
    /// From the first to the last, both included.
    Range(Proto, u16, u16),
    /// Those that a set of addresses with ports names.
    Named(Proto, String),
}

/// Which direction of a machine is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

/// Why a conversation does not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The machine whose filter stopped it.
    pub host: HostId,
    /// Its name.
    pub name: Arc<str>,
    /// Which of its directions.
    pub side: Side,
    /// The chains that it is subject to, none of which let it through.
    pub chains: Vec<String>,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Ingress => "ingress to",
            Side::Egress => "egress from",
        };
        let Self { name, chains, .. } = self;
        write!(f, "{side} {name} not allowed by {}", chains.join(", "))
    }
}

/// All chains and sets of a network.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) chains: BTreeMap<String, Chain>,
    pub(crate) addresses: BTreeMap<String, BTreeSet<Ipv4Addr>>,
    pub(crate) ports: BTreeMap<String, BTreeSet<SocketAddrV4>>,
}

impl Tables {
    /// Whether one of these chains lets a conversation with `peer` through.
    fn let_through(&self, names: &[String], side: Side, flow: Flow, peer: Ipv4Addr) -> bool {
        let chains = names.iter().filter_map(|name| self.chains.get(name));
        let mut allows = chains.flat_map(|chain| match side {
            Side::Ingress => &chain.ingress,
            Side::Egress => &chain.egress,
        });
        allows.any(|allow| {
            let peers = allow.peers.as_ref();
            let ports = allow.ports.as_ref();
            peers.is_none_or(|peers| peers.iter().any(|one| self.is_peer(one, peer)))
                && ports.is_none_or(|ports| ports.iter().any(|one| self.is_port(one, flow)))
        })
    }

    fn is_peer(&self, wanted: &Peer, addr: Ipv4Addr) -> bool {
        match wanted {
            Peer::Range { range, except } => {
                range.contains(addr) && !except.iter().any(|part| part.contains(addr))
            }
            Peer::Set(name) => self
                .addresses
                .get(name)
                .is_some_and(|set| set.contains(&addr)),
        }
    }

    fn is_port(&self, wanted: &Ports, flow: Flow) -> bool {
        match wanted {
            Ports::All(proto) => *proto == flow.proto,
            Ports::Range(proto, first, last) => {
                *proto == flow.proto && (*first..=*last).contains(&flow.dst.port())
            }
            Ports::Named(proto, name) => {
                let set = self.ports.get(name);
                *proto == flow.proto && set.is_some_and(|set| set.contains(&flow.dst))
            }
        }
    }

    /// Judges one machine's side of a conversation.
    fn judge(&self, host: &Host, side: Side, flow: Flow) -> Result<(), Denied> {
        let (chains, peer) = match side {
            Side::Ingress => (&host.filter.ingress, *flow.src.ip()),
            Side::Egress => (&host.filter.egress, *flow.dst.ip()),
        };
        match chains {
            Some(chains) if !self.let_through(chains, side, flow, peer) => Err(Denied {
                host: host.id,
                name: host.name.clone(),
                side,
                chains: chains.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Adds a member to a set or takes it out; a set without members is forgotten.
fn change<T: Ord>(sets: &mut BTreeMap<String, BTreeSet<T>>, name: &str, one: T, member: bool) {
    if member {
        match sets.get_mut(name) {
            Some(set) => {
                set.insert(one);
            }
            None => {
                sets.insert(name.to_owned(), BTreeSet::from([one]));
            }
        }
    } else if let Some(set) = sets.get_mut(name) {
        set.remove(&one);
        if set.is_empty() {
            sets.remove(name);
        }
    }
}

impl Net {
    /// Exchanges what a machine behind a node is subject to. Conversations that have begun go on.
    /// Nothing happens to machines that are gone; machines that are behind no node are not judged.
    pub fn set_filter(&mut self, now: Instant, host: HostId, filter: Filter) {
        self.begin(now);
        if let Some(host) = self.host_mut(host) {
            host.filter = filter;
        }
    }

    /// What a machine is subject to.
    #[must_use]
    pub fn filter(&self, host: HostId) -> Option<&Filter> {
        Some(&self.host(host)?.filter)
    }

    /// Exchanges the rules under a name of a fabric, or forgets them: then they let nothing through.
    pub fn set_chain(&mut self, now: Instant, fabric: FabricId, name: &str, chain: Option<Chain>) {
        self.begin(now);
        let chains = &mut self.fabric_mut(fabric).filters.chains;
        match chain {
            Some(chain) => chains.insert(name.to_owned(), chain),
            None => chains.remove(name),
        };
    }

    /// Says whether an address is in a set of a fabric.
    pub fn set_address(
        &mut self,
        now: Instant,
        fabric: FabricId,
        set: &str,
        addr: Ipv4Addr,
        member: bool,
    ) {
        self.begin(now);
        let sets = &mut self.fabric_mut(fabric).filters.addresses;
        change(sets, set, addr, member);
    }

    /// Says whether a port of an address is in a set of a fabric.
    pub fn set_named_port(
        &mut self,
        now: Instant,
        fabric: FabricId,
        set: &str,
        at: SocketAddrV4,
        member: bool,
    ) {
        self.begin(now);
        let sets = &mut self.fabric_mut(fabric).filters.ports;
        change(sets, set, at, member);
    }

    /// Whether a conversation between these two addresses of a fabric may begin, as the nodes of the machines
    /// that have them would judge it; nothing else is asked, such as whether there is a way.
    ///
    /// # Errors
    ///
    /// The first filter that stops it, the sender's before the receiver's.
    pub fn judge(&self, fabric: FabricId, flow: Flow) -> Result<(), Denied> {
        if flow.src.ip() == flow.dst.ip() {
            return Ok(());
        }
        let fabric = self.fabric(fabric);
        if let Some((pod, node)) = self.pod_at(fabric, *flow.src.ip())
            && !node.place.owns(*flow.dst.ip())
        {
            fabric.filters.judge(pod, Side::Egress, flow)?;
        }
        if let Some((pod, node)) = self.pod_at(fabric, *flow.dst.ip())
            && !node.place.owns(*flow.src.ip())
        {
            fabric.filters.judge(pod, Side::Ingress, flow)?;
        }
        Ok(())
    }

    /// The same for the machines' own addresses and a port of the second.
    ///
    /// # Errors
    ///
    /// As [`Net::judge`].
    pub fn may_begin(
        &self,
        from: HostId,
        to: HostId,
        proto: Proto,
        port: u16,
    ) -> Result<(), Denied> {
        let dst = self.host_addr(to);
        let src = self
            .host(from)
            .map_or(Ipv4Addr::UNSPECIFIED, |from| self.source_for(from, dst));
        // Who is in no fabric asks those of the other.
        let fabric = match self.fabric_of(from) {
            FabricId::FIRST => self.fabric_of(to),
            own => own,
        };
        let flow = Flow {
            proto,
            src: SocketAddrV4::new(src, 0),
            dst: SocketAddrV4::new(dst, port),
        };
        self.judge(fabric, flow)
    }

    /// The machine behind a node that has this address, and the node.
    fn pod_at(&self, fabric: &Fabric, addr: Ipv4Addr) -> Option<(&Host, &Node)> {
        let node = self.host(fabric.node_of(addr)?)?.node()?;
        Some((self.host(*node.pods.get(&addr)?)?, node))
    }

    /// The forward hook's filter: judges a new conversation as far as it is this node's to judge,
    /// the way out of its own machine and the way into its own machine.
    pub(crate) fn judge_forward(&self, at: HostId, flow: Flow) -> Result<(), Denied> {
        if flow.src.ip() == flow.dst.ip() {
            return Ok(());
        }
        let Some(node) = self.host(at).and_then(Host::node) else {
            return Ok(());
        };
        let (src, dst) = (*flow.src.ip(), *flow.dst.ip());
        let filters = &self.fabric(node.fabric).filters;
        let pod = |addr| self.host(*node.pods.get(&addr)?);
        if let Some(pod) = pod(src).filter(|_| !node.place.owns(dst)) {
            filters.judge(pod, Side::Egress, flow)?;
        }
        if let Some(pod) = pod(dst).filter(|_| !node.place.owns(src)) {
            filters.judge(pod, Side::Ingress, flow)?;
        }
        Ok(())
    }
}
