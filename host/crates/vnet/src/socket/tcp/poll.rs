//! Lets a connection's stack work and draws the conclusions. Never decides what a packet means;
//! smoltcp does.

use super::{ConnId, Phase};
use crate::net::Net;
use crate::socket::{NetError, Readiness};
use crate::stack::to_smol;
use clock::{Duration, Instant};
use smoltcp::socket::tcp::State;

/// How often a SYN is sent, the first time included.
const SYNS: u8 = 7;
/// A stack that wants to be polled "now" right after a poll has to wait this long.
const BREATH: Duration = Duration::from_millis(1);

impl Net {
    /// Lets a connection's stack work: takes in what was collected, sends what is to be sent.
    pub(crate) fn poll_conn(&mut self, id: ConnId) {
        let now = self.now;
        let Self {
            hosts, conns, wire, ..
        } = self;
        let Some(conn) = conns.get_mut(id.0) else {
            return;
        };
        if matches!(conn.phase, Phase::Over(_)) {
            return;
        }
        if conn.deadline().is_some_and(|deadline| deadline <= now) {
            return self.finish(id, Some(NetError::TimedOut));
        }
        let host = hosts[conn.host.0 as usize]
            .as_mut()
            .expect("connections have a host");
        let (at, origin) = (conn.host, conn.origin);
        let before = (conn.ready(), conn.socket.get().state());
        host.stack.poll(to_smol(now), wire, &mut conn.socket.set);
        if conn.is_orphan() && conn.socket.get().recv_queue() > 0 {
            // Data for nobody: Linux resets.
            conn.socket.get_mut().abort();
            host.stack.poll(to_smol(now), wire, &mut conn.socket.set);
        }
        if before.1 == State::SynSent && !wire.outgoing.is_empty() {
            conn.syns = conn.syns.saturating_add(1);
            if conn.syns > SYNS {
                wire.outgoing.clear();
            }
        }
        self.after_poll(id, before);
        let mut outgoing = std::mem::take(&mut self.wire.outgoing);
        for (buffer, len) in outgoing.drain(..) {
            let packet = self.packet(buffer, len, origin);
            self.send(at, packet);
        }
        self.wire.outgoing = outgoing;
    }

    /// Draws the conclusions from what the stack did.
    pub(super) fn after_poll(&mut self, id: ConnId, before: (Readiness, State)) {
        let conn = self.conns.get(id.0).expect("just polled");
        match (before.1, conn.socket.get().state()) {
            (State::SynSent | State::SynReceived, State::Closed)
            | (State::SynReceived, State::Listen) => self.finish(id, Some(NetError::Refused)),
            (_, State::Closed) if conn.reset => self.finish(id, Some(NetError::Reset)),
            (_, State::Closed | State::TimeWait) => self.finish(id, None),
            _ => {
                self.opened(id);
                self.arm(id);
                self.tell(id, before.0);
            }
        }
    }

    /// Puts a connection into the timer list. A later deadline than the one in the list is not
    /// written: the poll then finds that it came too early.
    pub(super) fn arm(&mut self, id: ConnId) {
        let Self {
            hosts,
            conns,
            timers,
            now,
            ..
        } = self;
        let Some(conn) = conns.get_mut(id.0) else {
            return;
        };
        let host = hosts[conn.host.0 as usize]
            .as_mut()
            .expect("connections have a host");
        let wanted = host.stack.poll_at(to_smol(*now), &conn.socket.set);
        let wanted = wanted.map(|at| {
            let at = Instant::from_nanos(u64::try_from(at.total_micros()).unwrap_or(0) * 1_000);
            if at <= *now { *now + BREATH } else { at }
        });
        let wanted = wanted.into_iter().chain(conn.deadline()).min();
        match (conn.armed, wanted) {
            (Some(armed), Some(wanted)) if armed <= wanted => return,
            (Some(armed), _) => timers.remove(&(armed, id)),
            (None, _) => false,
        };
        conn.armed = wanted;
        timers.extend(wanted.map(|at| (at, id)));
    }

    /// Tells the program when more has become possible.
    pub(super) fn tell(&mut self, id: ConnId, before: Readiness) {
        let Some(conn) = self.conns.get(id.0) else {
            return;
        };
        let Some(sock) = conn.sock else { return };
        let Readiness {
            readable,
            writable,
            failed,
        } = conn.ready();
        if (readable && !before.readable)
            || (writable && !before.writable)
            || (failed && !before.failed)
        {
            self.socks.notify(sock);
        }
    }
}
