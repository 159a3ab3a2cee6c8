//! What happens to a packet on the way: latency, jitter, loss, copies, damage, reordering, a rate,
//! an unplugged end. Never touches the packet: it says how it fares, the router carries it out.

use clock::{Duration, Instant, Stream};
use rand::RngExt;

/// What a machine is connected with, one way: a LAN machine to its switch, a pod to its node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cable {
    /// How long one packet takes, one way.
    pub latency: Duration,
    /// Added to the latency, drawn between nothing and this; packets stay in order.
    pub jitter: Duration,
    /// How many of a hundred packets are lost.
    pub loss_pct: f64,
    /// How many of a hundred packets overtake the ones before them, skipping the latency.
    pub reorder_pct: f64,
    /// How many of a hundred packets arrive twice.
    pub duplicate_pct: f64,
    /// How many of a hundred packets arrive with a flipped bit, which the receiver's checksum finds.
    pub corrupt_pct: f64,
    /// Bits per second; at most [`QUEUE`] full packets wait, further ones are lost.
    pub rate: Option<u64>,
    /// Unplugged: nothing passes.
    pub down: bool,
}

/// How many packets of 1,500 bytes wait at a cable with a rate, as Linux's txqueuelen.
pub const QUEUE: u64 = 1000;

impl Cable {
    /// A LAN cable: 50 µs, so that two machines are 100 µs apart.
    #[must_use]
    pub const fn lan() -> Self {
        Self::with_latency(Duration::from_micros(50))
    }

    /// A veth pair: 5 µs.
    #[must_use]
    pub const fn veth() -> Self {
        Self::with_latency(Duration::from_micros(5))
    }

    /// A faultless cable with this latency.
    #[must_use]
    pub const fn with_latency(latency: Duration) -> Self {
        Self {
            latency,
            jitter: Duration::ZERO,
            loss_pct: 0.0,
            reorder_pct: 0.0,
            duplicate_pct: 0.0,
            corrupt_pct: 0.0,
            rate: None,
            down: false,
        }
    }
}

/// How a packet fares on a cable: when it arrives, in what state, and when once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) at: Instant,
    pub(crate) again: Option<Instant>,
    /// Which bit of it is flipped, to be taken modulo its bits.
    pub(crate) flipped: Option<u32>,
}

impl Passage {
    /// Through something that is no cable.
    pub(crate) const fn at_once(at: Instant) -> Self {
        Self {
            at,
            again: None,
            flipped: None,
        }
    }

    /// This passage of a packet that has made another one before.
    pub(crate) fn after(self, before: Self) -> Self {
        Self {
            flipped: self.flipped.or(before.flipped),
            ..self
        }
    }
}

/// One direction of a cable: how busy it is and when its last packet arrives.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lane {
    free_at: Instant,
    last_arrival: Instant,
}

impl Lane {
    /// How a packet of `len` bytes put in at `now` fares; `None` when it is lost.
    pub(crate) fn pass(
        &mut self,
        cable: &Cable,
        now: Instant,
        len: usize,
        chance: &mut Stream,
    ) -> Option<Passage> {
        if cable.down || happens(cable.loss_pct, chance) {
            return None;
        }
        let sent = self.serialize(cable.rate, now, len)?;
        let flipped = happens(cable.corrupt_pct, chance).then(|| chance.random());
        let twice = happens(cable.duplicate_pct, chance);
        let at = if happens(cable.reorder_pct, chance) {
            sent
        } else {
            self.in_order(sent + cable.latency + draw(cable.jitter, chance))
        };
        let again = twice.then(|| self.in_order(sent + cable.latency + draw(cable.jitter, chance)));
        Some(Passage { at, again, flipped })
    }

    fn in_order(&mut self, arrival: Instant) -> Instant {
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }

    /// When the last bit has left; `None` when the queue is full.
    fn serialize(&mut self, rate: Option<u64>, now: Instant, len: usize) -> Option<Instant> {
        let Some(rate) = rate else { return Some(now) };
        let time = |bytes: u64| {
            let nanos = u128::from(bytes) * 8_000_000_000 / u128::from(rate.max(1));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        if self.free_at.saturating_since(now) > time(QUEUE * 1500) {
            return None;
        }
        self.free_at = self.free_at.max(now) + time(len as u64);
        Some(self.free_at)
    }
}

/// Whether something that happens in `pct` of a hundred cases happens; draws only if it may.
fn happens(pct: f64, chance: &mut Stream) -> bool {
    pct > 0.0 && f64::from(chance.random::<u32>()) < pct / 100.0 * (f64::from(u32::MAX) + 1.0)
}

/// A duration up to `most`; draws only if there is a choice.
fn draw(most: Duration, chance: &mut Stream) -> Duration {
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    if most == 0 {
        Duration::ZERO
    } else {
        Duration::from_nanos(chance.random_range(0..=most))
    }
}
