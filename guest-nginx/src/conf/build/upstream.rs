//! `upstream` blocks, and the servers that `proxy_pass` names without one.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Builder, Seen, end_of};
use crate::conf::model::{Balance, Peer, PeerState, Upstream};
use crate::conf::rules;
use crate::conf::tree::{Block, Directive};
use crate::conf::values::{Result, digits, milliseconds, parse_time, refuse};
use crate::net::system;

impl Builder<'_> {
    pub(super) fn upstream(&mut self, directive: &Directive, block: &Block) -> Result<()> {
        let name = directive.args[0].clone();
        if !self.named_upstreams.insert(name.clone()) {
            return refuse(directive, format_args!("duplicate upstream \"{name}\""));
        }
        let mut upstream = Upstream {
            name,
            peers: Vec::new(),
            balance: Balance::RoundRobin,
            keepalive: 0,
            keepalive_ms: 60_000,
            state: RefCell::default(),
        };
        let mut seen = Seen::default();
        for directive in &block.items {
            if seen.rule(directive, rules::UPSTREAM)?.is_none() {
                continue;
            }
            let word = directive.args.first().map_or("", String::as_str);
            match directive.name.as_str() {
                "server" => upstream.peers.extend(self.peers(directive)?),
                "least_conn" => upstream.balance = Balance::LeastConn,
                "ip_hash" => upstream.balance = Balance::IpHash,
                "keepalive" => match digits(word).filter(|count| *count > 0) {
                    Some(count) => {
                        upstream.keepalive = usize::try_from(count).unwrap_or(usize::MAX)
                    }
                    None => {
                        return refuse(
                            directive,
                            format_args!("invalid value \"{word}\" in \"keepalive\" directive"),
                        );
                    }
                },
                "keepalive_timeout" => upstream.keepalive_ms = milliseconds(directive, word)?,
                // State is shared by nature: there is one process.
                _ => {}
            }
        }
        end_of(block)?;
        if upstream.peers.is_empty() {
            return refuse(
                block.items.last().unwrap_or(directive),
                "no servers are inside upstream",
            );
        }
        self.define(upstream);
        Ok(())
    }

    fn define(&mut self, upstream: Upstream) -> usize {
        let effective = |peer: &Peer| PeerState {
            effective: peer.weight,
            ..PeerState::default()
        };
        *upstream.state.borrow_mut() = upstream.peers.iter().map(effective).collect();
        // A block that comes after its first use takes the place of what was made up for that.
        let before = self.config.upstreams.iter();
        let known = before.clone().position(|other| other.name == upstream.name);
        match known {
            Some(at) => {
                self.config.upstreams[at] = upstream;
                at
            }
            None => {
                self.config.upstreams.push(upstream);
                self.config.upstreams.len() - 1
            }
        }
    }

    fn peers(&mut self, directive: &Directive) -> Result<Vec<Peer>> {
        let word = directive.args[0].as_str();
        let mut peer = Peer {
            address: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            weight: 1,
            max_fails: 1,
            fail_timeout_ms: 10_000,
            max_conns: 0,
            backup: false,
            down: false,
        };
        for word in &directive.args[1..] {
            let bad = || refuse(directive, format_args!("invalid parameter \"{word}\""));
            match word.split_once('=') {
                None if word == "backup" => peer.backup = true,
                None if word == "down" => peer.down = true,
                Some(("weight", text)) => match digits(text).filter(|weight| *weight > 0) {
                    Some(weight) => peer.weight = i64::try_from(weight).unwrap_or(1),
                    None => return bad(),
                },
                Some(("max_fails", text)) => match digits(text) {
                    Some(fails) => peer.max_fails = fails,
                    None => return bad(),
                },
                Some(("max_conns", text)) => match digits(text) {
                    Some(count) => peer.max_conns = usize::try_from(count).unwrap_or(0),
                    None => return bad(),
                },
                Some(("fail_timeout", text)) => match parse_time(text) {
                    Some(ms) => peer.fail_timeout_ms = ms,
                    None => return bad(),
                },
                _ => return bad(),
            }
        }
        let addresses = addresses(directive, word, 80)?;
        Ok(addresses
            .into_iter()
            .map(|address| Peer {
                address,
                ..peer.clone()
            })
            .collect())
    }

    /// The upstream of that name, or one made of the host itself.
    pub(super) fn upstream_for(
        &mut self,
        directive: &Directive,
        host: &str,
        port: u16,
    ) -> Result<usize> {
        if host.is_empty() {
            return refuse(directive, format_args!("no host in upstream \"{host}\""));
        }
        let known = |upstream: &Upstream| upstream.name == host;
        if let Some(at) = self.config.upstreams.iter().position(known) {
            return Ok(at);
        }
        // A name may still be defined further down; then nobody needs to resolve it.
        let addresses = if self.later_upstreams.contains(host) {
            Vec::new()
        } else {
            addresses(directive, host, port)?
        };
        let peers = addresses.into_iter().map(|address| Peer {
            address,
            weight: 1,
            max_fails: 1,
            fail_timeout_ms: 10_000,
            max_conns: 0,
            backup: false,
            down: false,
        });
        let upstream = Upstream {
            name: host.to_owned(),
            peers: peers.collect(),
            balance: Balance::RoundRobin,
            keepalive: 0,
            keepalive_ms: 60_000,
            state: RefCell::default(),
        };
        Ok(self.define(upstream))
    }
}

/// The addresses of `host[:port]`.
fn addresses(directive: &Directive, word: &str, port: u16) -> Result<Vec<SocketAddrV4>> {
    if word.starts_with("unix:") {
        return refuse(directive, "a unix socket is not in this lab");
    }
    if word.starts_with('[') {
        return refuse(
            directive,
            format_args!("host not found in upstream \"{word}\""),
        );
    }
    let (host, port) = match word.split_once(':') {
        None => (word, Some(port)),
        Some((host, port)) => (host, digits(port).and_then(|port| u16::try_from(port).ok())),
    };
    let Some(port) = port.filter(|port| *port > 0) else {
        return refuse(
            directive,
            format_args!("invalid port in upstream \"{word}\""),
        );
    };
    if host.is_empty() {
        return refuse(directive, format_args!("no host in upstream \"{word}\""));
    }
    let found = match host.parse::<Ipv4Addr>() {
        Ok(address) => vec![address],
        Err(_) => system::resolve_now(host),
    };
    if found.is_empty() {
        return refuse(
            directive,
            format_args!("host not found in upstream \"{word}\""),
        );
    }
    Ok(found
        .into_iter()
        .map(|ip| SocketAddrV4::new(ip, port))
        .collect())
}
