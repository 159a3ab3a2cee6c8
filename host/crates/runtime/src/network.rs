//! The way from a program to the network: run a closure on it, await a socket's readiness.
//!
//! Never keeps the network's lock across anything but that closure, and never decides anything:
//! what a call means is the network's business.

use crate::executor::{Scheduler, Sleep, Waiters};
use crate::load::Load;
use clock::{Duration, Instant};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use vnet::{Net, Readiness, SockId};

/// Who owns the network and the clock: the world in the program, a bare network in tests.
pub trait NetAccess: Send {
    /// The network.
    fn net(&mut self) -> &mut Net;
    /// The present of virtual time.
    fn now(&self) -> Instant;
    /// A program has used this much processor time: the present moves on by it.
    fn advance_clock(&mut self, by: Duration);
}

/// The network, shared between its owner and the programs on it.
///
/// It is locked for the length of one call. Nothing of this crate may be called while it is held.
pub type SharedNet = Arc<Mutex<dyn NetAccess>>;

/// What the rest of this crate holds of the network and of time.
#[derive(Clone)]
pub(crate) struct Network {
    access: SharedNet,
    scheduler: Arc<Scheduler>,
    waiting: Arc<Mutex<BTreeMap<SockId, Waiters>>>,
    load: Arc<Mutex<Load>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl Network {
    pub(crate) fn new(access: SharedNet) -> Self {
        Self {
            access,
            scheduler: Arc::default(),
            waiting: Arc::default(),
            load: Arc::default(),
        }
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    /// The present of virtual time.
    pub(crate) fn now(&self) -> Instant {
        self.access.lock().now()
    }

    /// A sleep of this length.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::until(self.clone(), self.now() + duration)
    }

    /// Runs one call on the network and wakes whom it concerns.
    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut Net, Instant) -> R) -> R {
        let mut access = self.access.lock();
        let now = access.now();
        let net = access.net();
        let result = call(net, now);
        self.wake_ready(net);
        result
    }

    /// Charges processor time to the clock.
    pub(crate) fn charge(&self, by: Duration) {
        if by.is_zero() {
            return;
        }
        let now = {
            let mut access = self.access.lock();
            access.advance_clock(by);
            access.now()
        };
        let runnable = self.scheduler.ready_count() + 1;
        self.load.lock().busy(now, by, runnable);
    }

    /// The load averages, in hundredths.
    pub(crate) fn load(&self) -> [u32; 3] {
        let now = self.now();
        self.load.lock().averages(now)
    }

    /// Lets the network and the sleepers catch up with the clock; returns the present.
    pub(crate) fn catch_up(&self) -> Instant {
        let now = {
            let mut access = self.access.lock();
            let now = access.now();
            let net = access.net();
            if net.poll_at().is_some_and(|at| at <= now) {
                net.advance(now);
            }
            self.wake_ready(net);
            now
        };
        self.scheduler.wake_due(now);
        now
    }

    /// When the network or a sleeper next wants to be woken.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        let net = self.access.lock().net().poll_at();
        [net, self.scheduler.poll_at()].into_iter().flatten().min()
    }

    fn wake_ready(&self, net: &mut Net) {
        while let Some(vnet::Event::Ready(sock)) = net.poll_event() {
            if let Some(mut waiters) = self.waiting.lock().remove(&sock) {
                waiters.wake();
            }
        }
    }

    /// Ready when `test` holds for the socket's readiness; a failed socket is always ready.
    pub(crate) fn poll_ready(
        &self,
        sock: SockId,
        cx: &Context<'_>,
        test: impl FnOnce(Readiness) -> bool,
    ) -> Poll<()> {
        self.with(|net, _| {
            let ready = net.ready(sock);
            if ready.failed || test(ready) {
                return Poll::Ready(());
            }
            self.waiting.lock().entry(sock).or_default().register(cx);
            Poll::Pending
        })
    }

    /// Waits until the socket can be read or has failed.
    pub(crate) async fn readable(&self, sock: SockId) {
        std::future::poll_fn(|cx| self.poll_ready(sock, cx, |ready| ready.readable)).await;
    }

    /// Waits until the socket can be written or has failed.
    pub(crate) async fn writable(&self, sock: SockId) {
        std::future::poll_fn(|cx| self.poll_ready(sock, cx, |ready| ready.writable)).await;
    }

    /// Closes a socket and forgets who waited for it.
    pub(crate) fn close(&self, sock: SockId) {
        self.with(|net, now| net.close(now, sock));
        let waiters = self.waiting.lock().remove(&sock);
        if let Some(mut waiters) = waiters {
            waiters.wake();
        }
    }
}

/// A socket that is closed when its last holder lets go of it.
#[derive(Debug)]
pub(crate) struct Socket {
    network: Network,
    id: SockId,
}

impl Socket {
    pub(crate) fn new(network: Network, id: SockId) -> Self {
        Self { network, id }
    }

    pub(crate) fn id(&self) -> SockId {
        self.id
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.network.close(self.id);
    }
}
