//! The world and its clock, as the programs on it hold them. Never runs anything.
//!
//! Headless, a program's work moves the clock by the fuel it used, and by nothing else. Beside a
//! clock on the wall ([`Wall`]) it moves it no further than that one has come: fuel counts more
//! nanoseconds than a fast machine takes, and whoever is outside would wait for the difference.

use clock::{Duration, Instant};
use runtime::NetAccess;
use vnet::Net;
use world::World;

/// One world and its present.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) world: World,
    now: Instant,
    wall: Option<Wall>,
}

/// The host's clock beside a world that is lived in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wall {
    origin: Instant,
    started: std::time::Instant,
}

impl Wall {
    /// A clock that shows `origin` now.
    pub(crate) fn starting_at(origin: Instant) -> Self {
        Self {
            origin,
            started: std::time::Instant::now(),
        }
    }

    /// What it shows.
    pub(crate) fn now(&self) -> Instant {
        self.origin + self.started.elapsed()
    }
}

impl Stage {
    /// A world at `now`.
    pub(crate) fn new(world: World, now: Instant) -> Self {
        Self {
            world,
            now,
            wall: None,
        }
    }

    /// The present.
    pub(crate) fn present(&self) -> Instant {
        self.now
    }

    /// From now on the world is lived in beside this clock.
    pub(crate) fn live_beside(&mut self, wall: Wall) {
        self.wall = Some(wall);
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
        let worked = self.now + by;
        self.jump(match &self.wall {
            Some(wall) => worked.min(wall.now()),
            None => worked,
        });
    }
}
