//! The world and its clock, as the programs on it hold them. Never runs anything.

use clock::{Duration, Instant};
use runtime::NetAccess;
use vnet::Net;
use world::World;

/// One world and its present.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) world: World,
    now: Instant,
}

impl Stage {
    /// A world at `now`.
    pub(crate) fn new(world: World, now: Instant) -> Self {
        Self { world, now }
    }

    /// The present.
    pub(crate) fn present(&self) -> Instant {
        self.now
    }

    /// The present is now `at`; an earlier instant changes nothing.
    pub(crate) fn jump(&mut self, at: Instant) {
        self.now = self.now.max(at);
    }
}

impl NetAccess for Stage {
    fn net(&mut self) -> &mut Net {
        self.world.net_mut()
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn advance_clock(&mut self, by: Duration) {
        self.now += by;
    }
}
