//! What a node remembers of the conversations that pass it: both directions, a state, a deadline.
//!
//! ```text
//!            SYN          SYN+ACK         ACK             FIN           FIN         ACK
//! (nothing) ─────► SYN_SENT ────► SYN_RECV ───► ESTABLISHED ───► FIN_WAIT ────► LAST_ACK ──► TIME_WAIT
//!                                                    │ RST in any state: CLOSE
//! ```
//!
//! Timeouts are Linux's, except the two that kube-proxy sets (established, close-wait).
//! Entries expire when somebody looks, so a silent network stays silent: this never asks to be
//! woken. Never chooses an endpoint and never touches a packet.

use crate::packet::{Flow, TcpFlags};
use crate::socket::Proto;
use clock::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many conversations a node remembers; further ones are dropped, as Linux drops them.
pub const CONNTRACK_MAX: usize = 65_536;

/// Which half of a conversation a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Original,
    Reply,
}

/// Where a conversation stands, in conntrack's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "conntrack's own words")]
pub enum ConntrackState {
    SynSent,
    SynRecv,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    /// UDP has no states.
    Udp,
    /// Nor has ICMP; only echoes are tracked.
    Icmp,
}

impl ConntrackState {
    fn name(self) -> &'static str {
        match self {
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait => "FIN_WAIT",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::Udp | Self::Icmp => "",
        }
    }

    fn timeout(self, replied: bool) -> Duration {
        Duration::from_secs(match self {
            Self::SynSent | Self::FinWait | Self::TimeWait => 120,
            Self::SynRecv => 60,
            Self::Established => 86_400,
            Self::CloseWait => 3_600,
            Self::LastAck => 30,
            Self::Close => 10,
            Self::Udp if replied => 120,
            Self::Udp | Self::Icmp => 30,
        })
    }

    /// Where a TCP segment leads.
    pub(crate) fn next(self, direction: Direction, flags: TcpFlags) -> Self {
        use Direction::{Original, Reply};
        if matches!(self, Self::Udp | Self::Icmp) {
            return self;
        }
        if flags.has(TcpFlags::RST) {
            return Self::Close;
        }
        if flags.has(TcpFlags::SYN) {
            let answered = self == Self::SynSent && direction == Reply;
            return match answered && flags.has(TcpFlags::ACK) {
                true => Self::SynRecv,
                false => self,
            };
        }
        if flags.has(TcpFlags::FIN) {
            return match self {
                Self::FinWait | Self::CloseWait => Self::LastAck,
                Self::SynRecv | Self::Established => Self::FinWait,
                other => other,
            };
        }
        match (self, direction) {
            (Self::SynRecv, Original) if flags.has(TcpFlags::ACK) => Self::Established,
            (Self::FinWait, _) if flags.has(TcpFlags::ACK) => Self::CloseWait,
            (Self::LastAck, _) if flags.has(TcpFlags::ACK) => Self::TimeWait,
            (state, _) => state,
        }
    }

    /// Whether a new SYN with the same addresses opens another conversation.
    const fn is_over(self) -> bool {
        matches!(self, Self::TimeWait | Self::Close | Self::LastAck)
    }
}

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConntrackEntry {
    /// The first packet's direction, as its sender wrote it.
    pub original: Flow,
    /// The direction in which answers are expected, as their sender writes them.
    pub reply: Flow,
    /// Where it stands.
    pub state: ConntrackState,
    /// Whether an answer was seen.
    pub replied: bool,
    /// Whether it survived its beginning and is not the first to go.
    pub assured: bool,
    /// When it is forgotten unless something happens.
    pub expires: Instant,
    /// Seconds until then, for people.
    pub seconds_left: u64,
}

impl fmt::Display for ConntrackEntry {
    /// As `conntrack -L` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = match self.original.proto {
            Proto::Tcp => ("tcp", 6),
            Proto::Udp => ("udp", 17),
            Proto::Icmp => ("icmp", 1),
        };
        write!(f, "{name:<8} {number} {} ", self.seconds_left)?;
        if !matches!(self.state, ConntrackState::Udp | ConntrackState::Icmp) {
            write!(f, "{} ", self.state.name())?;
        }
        write_tuple(f, self.original)?;
        if !self.replied {
            f.write_str(" [UNREPLIED]")?;
        }
        f.write_str(" ")?;
        write_tuple(f, self.reply)?;
        if self.assured {
            f.write_str(" [ASSURED]")?;
        }
        f.write_str(" mark=0 use=1")
    }
}

fn write_tuple(f: &mut fmt::Formatter<'_>, flow: Flow) -> fmt::Result {
    let Flow { proto, src, dst } = flow;
    if proto == Proto::Icmp {
        // Whoever asks has the identifier where others have a port.
        let (kind, id) = match src.port() {
            0 => (0, dst.port()),
            id => (8, id),
        };
        return write!(
            f,
            "src={} dst={} type={kind} code=0 id={id}",
            src.ip(),
            dst.ip()
        );
    }
    write!(
        f,
        "src={} dst={} sport={} dport={}",
        src.ip(),
        dst.ip(),
        src.port(),
        dst.port()
    )
}

/// A conversation and when it is to be looked at again, which is never after it expires.
#[derive(Debug)]
struct Tracked {
    entry: ConntrackEntry,
    look_at: Instant,
}

/// Names an entry; a number is not used again.
type EntryId = u64;

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Conntrack {
    entries: BTreeMap<EntryId, Tracked>,
    by_flow: BTreeMap<u128, (EntryId, Direction)>,
    /// When each entry is to be looked at again, once per entry; those that live on are put back.
    deadlines: BTreeSet<(Instant, EntryId)>,
    next: EntryId,
    /// The last conversation found, since packets come in runs.
    recent: Option<(u128, Flow)>,
    recent_touch: Instant,
}

/// Within this time the deadline of a long conversation is not written again.
const TOUCH: Duration = Duration::from_secs(1);

impl Conntrack {
    /// Finds the conversation of a packet, moves its state on and says what the packet becomes.
    pub(crate) fn track(&mut self, now: Instant, flow: Flow, flags: TcpFlags) -> Option<Flow> {
        let key = flow.key();
        if let Some((recent, to)) = self.recent
            && recent == key
            && flags.0 & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) == 0
            && now.saturating_since(self.recent_touch) < TOUCH
        {
            return Some(to);
        }
        self.recent = None;
        self.expire(now);
        let (id, direction) = *self.by_flow.get(&key)?;
        let Tracked { entry, look_at } = self.entries.get_mut(&id).expect("flows name entries");
        let begins_again =
            flags.opens() && direction == Direction::Original && entry.state.is_over();
        if begins_again {
            self.remove(id);
            return None;
        }
        let before = entry.state;
        entry.replied |= direction == Direction::Reply;
        entry.state = entry.state.next(direction, flags);
        entry.assured |= match entry.state {
            ConntrackState::Udp => entry.replied,
            state => state == ConntrackState::Established,
        };
        entry.expires = now + entry.state.timeout(entry.replied);
        if entry.expires < *look_at {
            self.deadlines.remove(&(*look_at, id));
            self.deadlines.insert((entry.expires, id));
            *look_at = entry.expires;
        }
        let to = match direction {
            Direction::Original => entry.reply.reversed(),
            Direction::Reply => entry.original.reversed(),
        };
        if entry.state == before && before == ConntrackState::Established {
            self.recent = Some((key, to));
            self.recent_touch = now;
        }
        Some(to)
    }

    /// Finds the conversation without moving its state: for the packet inside an ICMP error.
    pub(crate) fn find(&self, flow: Flow) -> Option<(&ConntrackEntry, Direction)> {
        let (id, direction) = self.by_flow.get(&flow.key())?;
        Some((&self.entries[id].entry, *direction))
    }

    /// Whether answers in this direction would be taken for somebody else's.
    pub(crate) fn is_taken(&self, flow: Flow) -> bool {
        self.by_flow.contains_key(&flow.key())
    }

    /// Remembers a new conversation; false when the table is full or the directions are taken.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        original: Flow,
        reply: Flow,
        flags: TcpFlags,
    ) -> bool {
        self.expire(now);
        if self.entries.len() >= CONNTRACK_MAX && !self.drop_one_unassured() {
            return false;
        }
        if self.is_taken(original) || self.is_taken(reply) {
            return false;
        }
        let state = match original.proto {
            Proto::Udp => ConntrackState::Udp,
            Proto::Icmp => ConntrackState::Icmp,
            Proto::Tcp if flags.has(TcpFlags::RST) => ConntrackState::Close,
            Proto::Tcp if flags.opens() => ConntrackState::SynSent,
            // Picked up in the middle, as nf_conntrack_tcp_loose does.
            Proto::Tcp => ConntrackState::Established,
        };
        let id = self.next;
        self.next += 1;
        let expires = now + state.timeout(false);
        self.by_flow
            .insert(original.key(), (id, Direction::Original));
        self.by_flow.insert(reply.key(), (id, Direction::Reply));
        self.deadlines.insert((expires, id));
        let entry = ConntrackEntry {
            original,
            reply,
            state,
            replied: false,
            assured: false,
            expires,
            seconds_left: 0,
        };
        self.entries.insert(
            id,
            Tracked {
                entry,
                look_at: expires,
            },
        );
        true
    }

    /// Forgets every conversation for which `condemned` holds.
    pub(crate) fn flush(&mut self, condemned: impl Fn(&ConntrackEntry) -> bool) {
        let ids: Vec<EntryId> = self
            .entries
            .iter()
            .filter(|(_, tracked)| condemned(&tracked.entry))
            .map(|(id, _)| *id)
            .collect();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    /// Everything that is remembered at `now`, oldest first.
    pub(crate) fn list(&self, now: Instant) -> Vec<ConntrackEntry> {
        let alive = self
            .entries
            .values()
            .map(|tracked| &tracked.entry)
            .filter(|entry| entry.expires > now);
        alive
            .map(|entry| {
                let left = entry.expires.saturating_since(now);
                ConntrackEntry {
                    seconds_left: left.as_secs(),
                    ..entry.clone()
                }
            })
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn remove(&mut self, id: EntryId) {
        self.recent = None;
        if let Some(Tracked { entry, look_at }) = self.entries.remove(&id) {
            self.deadlines.remove(&(look_at, id));
            self.by_flow.remove(&entry.original.key());
            self.by_flow.remove(&entry.reply.key());
        }
    }

    /// Forgets what has expired.
    fn expire(&mut self, now: Instant) {
        while let Some((at, id)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            let tracked = self.entries.get_mut(&id).expect("deadlines name entries");
            if tracked.entry.expires <= now {
                self.remove(id);
                continue;
            }
            tracked.look_at = tracked.entry.expires;
            self.deadlines.remove(&(at, id));
            self.deadlines.insert((tracked.look_at, id));
        }
    }

    /// Makes room by forgetting the oldest conversation that never got going, as Linux's early drop.
    fn drop_one_unassured(&mut self) -> bool {
        let victim = self
            .entries
            .iter()
            .take(64)
            .find(|(_, tracked)| !tracked.entry.assured)
            .map(|(id, _)| *id);
        victim.inspect(|id| self.remove(*id)).is_some()
    }
}
