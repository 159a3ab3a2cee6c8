//! Conntrack against a model of it: a plain list, and Linux' table of states
//! (`net/netfilter/nf_conntrack_proto_tcp.c`, `tcp_conntracks`).

use super::conntrack::{Conntrack, ConntrackState as State, Direction};
use crate::packet::{Flow, TcpFlags};
use crate::socket::Proto;
use clock::{Duration, Instant};
use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Segments as the table tells them apart.
const SEGMENTS: [(&str, u8); 5] = [
    ("syn", TcpFlags::SYN),
    ("synack", TcpFlags::SYN | TcpFlags::ACK),
    ("fin", TcpFlags::FIN | TcpFlags::ACK),
    ("ack", TcpFlags::ACK),
    ("rst", TcpFlags::RST),
];

const STATES: [State; 8] = [
    State::SynSent,
    State::SynRecv,
    State::Established,
    State::FinWait,
    State::CloseWait,
    State::LastAck,
    State::TimeWait,
    State::Close,
];

/// Linux' table without simultaneous opens: rows as `SEGMENTS`, columns as `STATES`; `=` stays,
/// `N` begins another conversation (with LAST_ACK, Linux waits for the answer before it does).
const ORIGINAL: [&str; 5] = [
    "= = = = = N N N",
    "= = = = = = = =",
    "= FW FW LA LA LA TW CL",
    "= ES ES CW CW TW TW CL",
    "CL CL CL CL CL CL CL CL",
];
const REPLY: [&str; 5] = [
    "= = = = = = = =",
    "SR = = = = = = =",
    "= FW FW LA LA LA TW CL",
    "= SR ES CW CW TW TW CL",
    "CL CL CL CL CL CL CL CL",
];

/// Where the table leads; nothing when another conversation begins.
fn table(state: State, direction: Direction, segment: usize) -> Option<State> {
    let rows = match direction {
        Direction::Original => ORIGINAL,
        Direction::Reply => REPLY,
    };
    let column = STATES.iter().position(|one| *one == state);
    let column = column.expect("a state of TCP");
    let cell = rows[segment].split(' ').nth(column).expect("eight columns");
    Some(match cell {
        "=" => state,
        "N" => return None,
        "SR" => State::SynRecv,
        "ES" => State::Established,
        "FW" => State::FinWait,
        "CW" => State::CloseWait,
        "LA" => State::LastAck,
        "TW" => State::TimeWait,
        "CL" => State::Close,
        other => panic!("{other} is no state"),
    })
}

/// Seconds that a state lasts when nothing comes, with the two that kube-proxy sets.
fn lasts(state: State, replied: bool) -> Duration {
    Duration::from_secs(match state {
        State::SynSent | State::FinWait | State::TimeWait => 120,
        State::SynRecv => 60,
        State::Established => 24 * 3_600,
        State::CloseWait => 3_600,
        State::LastAck => 30,
        State::Close => 10,
        State::Udp if replied => 120,
        State::Udp | State::Icmp => 30,
    })
}

#[derive(Clone, Debug)]
struct Entry {
    original: Flow,
    reply: Flow,
    state: State,
    replied: bool,
    expires: Instant,
}

/// A list, searched from its beginning.
#[derive(Default)]
struct Model(Vec<Entry>);

impl Model {
    fn track(&mut self, now: Instant, flow: Flow, segment: usize) -> Option<Flow> {
        self.0.retain(|entry| entry.expires > now);
        let is = |entry: &Entry| entry.original == flow || entry.reply == flow;
        let at = self.0.iter().position(is)?;
        let entry = &mut self.0[at];
        let direction = match entry.original == flow {
            true => Direction::Original,
            false => Direction::Reply,
        };
        if flow.proto == Proto::Tcp {
            let Some(next) = table(entry.state, direction, segment) else {
                self.0.remove(at);
                return None;
            };
            entry.state = next;
        }
        entry.replied |= direction == Direction::Reply;
        entry.expires = now + lasts(entry.state, entry.replied);
        Some(match direction {
            Direction::Original => entry.reply.reversed(),
            Direction::Reply => entry.original.reversed(),
        })
    }

    fn insert(&mut self, now: Instant, original: Flow, reply: Flow, segment: usize) -> bool {
        let taken = |flow: Flow| {
            let mut entries = self.0.iter();
            entries.any(|entry| entry.original == flow || entry.reply == flow)
        };
        if taken(original) || taken(reply) {
            return false;
        }
        let state = match (original.proto, SEGMENTS[segment].0) {
            (Proto::Udp, _) => State::Udp,
            (Proto::Icmp, _) => State::Icmp,
            (_, "rst") => State::Close,
            (_, "syn") => State::SynSent,
            _ => State::Established,
        };
        self.0.push(Entry {
            original,
            reply,
            state,
            replied: false,
            expires: now + lasts(state, false),
        });
        true
    }
}

#[test]
fn every_segment_leads_where_linux_table_leads() {
    for state in STATES {
        for direction in [Direction::Original, Direction::Reply] {
            for (segment, (name, flags)) in SEGMENTS.into_iter().enumerate() {
                let Some(wanted) = table(state, direction, segment) else {
                    continue;
                };
                let next = state.next(direction, TcpFlags(flags));
                assert_eq!(next, wanted, "{state:?} {direction:?} {name}");
            }
        }
    }
}

fn addr(n: u8) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 244, 1, n), u16::from(n))
}

/// A packet of few conversations, what it becomes if it begins one, and how long after the last.
#[derive(Clone, Debug)]
struct Step {
    flow: Flow,
    segment: usize,
    to: SocketAddrV4,
    after: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ends = (1..4_u8, 1..4_u8, 1..6_u8, any::<bool>());
    let after = prop_oneof![Just(0), 0..3_u64, 0..200_u64, Just(3_600), Just(90_000)];
    let step = (ends, 0..SEGMENTS.len(), after);
    let step = step.prop_map(|((src, dst, to, udp), segment, after)| Step {
        flow: Flow {
            proto: if udp { Proto::Udp } else { Proto::Tcp },
            src: addr(src),
            dst: addr(10 + dst),
        },
        segment,
        to: addr(10 + to),
        after,
    });
    prop::collection::vec((step, any::<bool>()), 1..80).prop_map(|steps| {
        let back = |(step, back): (Step, bool)| match back {
            true => Step {
                flow: step.flow.reversed(),
                ..step
            },
            false => step,
        };
        steps.into_iter().map(back).collect()
    })
}

proptest! {
    #[test]
    fn conntrack_is_a_list_of_conversations(steps in steps()) {
        let (mut conntrack, mut model) = (Conntrack::default(), Model::default());
        let mut now = Instant::ZERO;
        for step in steps {
            now += Duration::from_secs(step.after);
            let flags = TcpFlags(SEGMENTS[step.segment].1);
            let flags = if step.flow.proto == Proto::Tcp { flags } else { TcpFlags(0) };
            let wanted = model.track(now, step.flow, step.segment);
            let became = conntrack.track(now, step.flow, flags);
            prop_assert_eq!(became, wanted, "{:?}", step);
            if became.is_none() {
                let reply = Flow { dst: step.to, ..step.flow }.reversed();
                let wanted = model.insert(now, step.flow, reply, step.segment);
                prop_assert_eq!(conntrack.insert(now, step.flow, reply, flags), wanted);
            }
            let (list, wanted) = (conntrack.list(now), &model.0);
            prop_assert_eq!(list.len(), wanted.len());
            for (entry, wanted) in list.iter().zip(wanted) {
                prop_assert_eq!((entry.original, entry.reply), (wanted.original, wanted.reply));
                prop_assert_eq!(entry.state, wanted.state);
                prop_assert_eq!(entry.replied, wanted.replied);
                // A busy conversation's deadline is written once a second.
                let late = wanted.expires.saturating_since(entry.expires);
                prop_assert!(entry.expires <= wanted.expires && late <= Duration::from_secs(1));
            }
        }
    }
}
