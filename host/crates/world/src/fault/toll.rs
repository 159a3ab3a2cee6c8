//! What a bad link takes of the packets that pass it. Never knows whose link it is.

use clock::Duration;
use std::fmt;
use vnet::Cable;

/// What a link does beyond what its cable does anyway. Several tolls on one link add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Toll {
    /// Added to the latency, one way.
    pub latency: Duration,
    /// Added to the jitter.
    pub jitter: Duration,
    /// How many of a hundred packets are lost.
    pub loss_pct: f64,
    /// How many of a hundred packets arrive twice.
    pub duplicate_pct: f64,
    /// How many of a hundred packets overtake others.
    pub reorder_pct: f64,
    /// How many of a hundred packets arrive with a flipped bit.
    pub corrupt_pct: f64,
    /// Bits per second, if that is less than the link had.
    pub rate: Option<u64>,
    /// Unplugged.
    pub down: bool,
}

/// Which way a toll is taken, seen from the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Both ways.
    #[default]
    Both,
    /// Out of the machine.
    Out,
    /// Into it.
    In,
}

impl Way {
    /// Whether a toll is taken out of the machine, and into it.
    pub(crate) const fn lanes(self) -> [bool; 2] {
        [
            matches!(self, Self::Both | Self::Out),
            matches!(self, Self::Both | Self::In),
        ]
    }
}

impl Toll {
    /// Takes it of a cable.
    pub(crate) fn take(&self, cable: &mut Cable) {
        cable.latency += self.latency;
        cable.jitter += self.jitter;
        cable.loss_pct = both(cable.loss_pct, self.loss_pct);
        cable.duplicate_pct = both(cable.duplicate_pct, self.duplicate_pct);
        cable.reorder_pct = both(cable.reorder_pct, self.reorder_pct);
        cable.corrupt_pct = both(cable.corrupt_pct, self.corrupt_pct);
        cable.rate = [cable.rate, self.rate].into_iter().flatten().min();
        cable.down |= self.down;
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: f64, what: &str| (share > 0.0).then(|| format!("{share} % {what}"));
        let time =
            |time: Duration, what: &str| (!time.is_zero()).then(|| format!("{time:?} {what}"));
        let parts = [
            self.down.then(|| "unplugged".to_owned()),
            time(self.latency, "more delay"),
            time(self.jitter, "jitter"),
            share(self.loss_pct, "lost"),
            share(self.duplicate_pct, "twice"),
            share(self.reorder_pct, "out of order"),
            share(self.corrupt_pct, "damaged"),
            self.rate.map(|rate| format!("{rate} bit/s")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "",
            Self::Out => ", on the way out",
            Self::In => ", on the way in",
        })
    }
}

/// How often one or the other happens, of a hundred.
fn both(one: f64, other: f64) -> f64 {
    100.0 - (100.0 - one) * (100.0 - other) / 100.0
}
