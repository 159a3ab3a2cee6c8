//! Which server of an upstream is asked next, and the idle connections to them. It connects to nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::conf::model::{Balance, Peer, PeerState, Upstream};
use crate::net;
use crate::net::wire::Wire;

/// Idle connections by address and whether they are inside TLS, the youngest last, with their ends.
#[derive(Debug, Default)]
pub(super) struct Idle(RefCell<BTreeMap<(SocketAddrV4, bool), Vec<Kept>>>);

/// A connection, and until when it is kept.
type Kept = (Wire, u64);

impl Idle {
    /// A connection that is still open, if one is kept.
    pub(super) fn take(&self, address: SocketAddrV4, tls: bool) -> Option<Wire> {
        let mut kept = self.0.borrow_mut();
        let list = kept.get_mut(&(address, tls))?;
        while let Some((mut wire, until)) = list.pop() {
            // Whatever there is to read now, it is not the answer to a question that comes later.
            if until > net::now_ns() && wire.try_read(&mut Vec::new()).is_none() {
                return Some(wire);
            }
        }
        None
    }

    /// Keeps a connection; the oldest goes when there are too many.
    pub(super) fn keep(&self, upstream: &Upstream, address: SocketAddrV4, tls: bool, wire: Wire) {
        let mut kept = self.0.borrow_mut();
        let list = kept.entry((address, tls)).or_default();
        list.push((wire, net::now_ns() + upstream.keepalive_ms * 1_000_000));
        if list.len() > upstream.keepalive {
            drop(list.remove(0));
        }
    }
}

/// A peer that is being asked; it counts as busy until this is dropped.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    upstream: &'a Upstream,
    at: usize,
}

impl Drop for Chosen<'_> {
    fn drop(&mut self) {
        self.upstream.state.borrow_mut()[self.at].busy -= 1;
    }
}

impl Chosen<'_> {
    pub(super) fn address(&self) -> SocketAddrV4 {
        self.upstream.peers[self.at].address
    }

    /// It did not answer as it should.
    pub(super) fn failed(&self) {
        let peer = &self.upstream.peers[self.at];
        let state = &mut self.upstream.state.borrow_mut()[self.at];
        if self.upstream.peers.len() == 1 {
            return;
        }
        state.fails += 1;
        state.failed_at = net::now_ns();
        state.checked_at = state.failed_at;
        if peer.max_fails > 0 {
            let less = peer.weight / i64::try_from(peer.max_fails).unwrap_or(1);
            state.effective = (state.effective - less).max(0);
        }
    }

    /// It did.
    pub(super) fn answered(&self) {
        let state = &mut self.upstream.state.borrow_mut()[self.at];
        if state.checked_at >= state.failed_at {
            state.fails = 0;
        }
    }
}

/// The next peer for a client, leaving out those in `tried`; backups only when no other is left.
pub(super) fn choose<'a>(
    upstream: &'a Upstream,
    tried: &[usize],
    client: Ipv4Addr,
) -> Option<(usize, Chosen<'a>)> {
    let usable = |at: &usize, backup: bool| {
        let (peer, state) = (&upstream.peers[*at], &upstream.state.borrow()[*at]);
        peer.backup == backup && !tried.contains(at) && is_up(upstream, peer, state)
    };
    let all = || 0..upstream.peers.len();
    let mut able: Vec<usize> = all().filter(|at| usable(at, false)).collect();
    if able.is_empty() {
        able = all().filter(|at| usable(at, true)).collect();
    }
    let at = match upstream.balance {
        Balance::IpHash if tried.is_empty() => by_hash(upstream, &able, client)?,
        Balance::LeastConn => {
            let mut state = upstream.state.borrow_mut();
            // Busy connections for their weight are compared without dividing.
            let load = |at: &usize| {
                let busy = i64::try_from(state[*at].busy).unwrap_or(i64::MAX);
                busy.saturating_mul(1000) / upstream.peers[*at].weight
            };
            let least = able.iter().map(load).min()?;
            let able: Vec<usize> = able
                .iter()
                .copied()
                .filter(|at| load(at) == least)
                .collect();
            in_turn(upstream, &able, &mut state)?
        }
        _ => in_turn(upstream, &able, &mut upstream.state.borrow_mut())?,
    };
    let mut state = upstream.state.borrow_mut();
    state[at].busy += 1;
    if net::now_ns().saturating_sub(state[at].checked_at)
        > upstream.peers[at].fail_timeout_ms * 1_000_000
    {
        state[at].checked_at = net::now_ns();
    }
    Some((at, Chosen { upstream, at }))
}

fn is_up(upstream: &Upstream, peer: &Peer, state: &PeerState) -> bool {
    let failed = upstream.peers.len() > 1
        && peer.max_fails > 0
        && state.fails >= peer.max_fails
        && net::now_ns().saturating_sub(state.checked_at) <= peer.fail_timeout_ms * 1_000_000;
    let full = peer.max_conns > 0 && state.busy >= peer.max_conns;
    !peer.down && !failed && !full
}

/// Smooth weighted round robin, as in nginx.
fn in_turn(upstream: &Upstream, able: &[usize], state: &mut [PeerState]) -> Option<usize> {
    let mut total = 0;
    let mut best: Option<usize> = None;
    for at in able {
        let weight = upstream.peers[*at].weight;
        let one = &mut state[*at];
        one.current += one.effective;
        total += one.effective;
        if one.effective < weight {
            one.effective += 1;
        }
        let current = one.current;
        if best.is_none_or(|best| current > state[best].current) {
            best = Some(*at);
        }
    }
    let best = best?;
    state[best].current -= total;
    Some(best)
}

/// By the first three bytes of the address, weighted, as in nginx.
fn by_hash(upstream: &Upstream, able: &[usize], client: Ipv4Addr) -> Option<usize> {
    let weights = upstream.peers.iter().map(|peer| peer.weight);
    let total = u64::try_from(weights.sum::<i64>())
        .ok()
        .filter(|total| *total > 0)?;
    let mut hash = 89_u64;
    for _ in 0..20 {
        for byte in &client.octets()[..3] {
            hash = (hash * 113 + u64::from(*byte)) % 6271;
        }
        let mut left = i64::try_from(hash % total).unwrap_or(0);
        for (at, peer) in upstream.peers.iter().enumerate() {
            left -= peer.weight;
            if left < 0 {
                if able.contains(&at) {
                    return Some(at);
                }
                break;
            }
        }
    }
    in_turn(upstream, able, &mut upstream.state.borrow_mut())
}
