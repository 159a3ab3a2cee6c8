//! `wasi:clocks` on virtual time. Never the host's clock.

use super::Guest;
use super::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::executor::Sleep;
use crate::network::Network;
use clock::{Duration, Instant};
use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

/// Ready from an instant on.
#[derive(Debug)]
struct Alarm {
    network: Network,
    at: Instant,
}

#[async_trait::async_trait]
impl Pollable for Alarm {
    async fn ready(&mut self) {
        Sleep::until(self.network.clone(), self.at).await;
    }
}

impl Guest {
    fn alarm(&mut self, at: Instant) -> Result<Resource<DynPollable>> {
        let alarm = Alarm {
            network: self.kernel.network.clone(),
            at,
        };
        let alarm = self.table.push(alarm)?;
        subscribe(&mut self.table, alarm)
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> Result<u64> {
        Ok(self.kernel.network.now().as_nanos())
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        self.alarm(Instant::from_nanos(when))
    }

    fn subscribe_duration(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        let at = self.kernel.network.now() + Duration::from_nanos(when);
        self.alarm(at)
    }
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        Ok(datetime(self.kernel.unix_nanos()))
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds: 1,
        })
    }
}

/// Unix time in WASI's form.
pub(super) fn datetime(unix_nanos: u64) -> wall_clock::Datetime {
    wall_clock::Datetime {
        seconds: unix_nanos / 1_000_000_000,
        nanoseconds: u32::try_from(unix_nanos % 1_000_000_000).expect("less than 10^9"),
    }
}

/// Replaces both `now`s by ones that first charge the fuel used so far, so that a program sees
/// time pass within its own slice. The generated traits cannot: they do not see the store.
pub(super) fn add_exact_clocks(linker: &mut Linker<Guest>) -> Result<()> {
    linker.allow_shadowing(true);
    linker
        .instance("wasi:clocks/monotonic-clock@0.2.12")?
        .func_wrap("now", |mut store: StoreContextMut<'_, Guest>, (): ()| {
            charge(&mut store)?;
            Ok((monotonic_clock::Host::now(store.data_mut())?,))
        })?;
    linker
        .instance("wasi:clocks/wall-clock@0.2.12")?
        .func_wrap("now", |mut store: StoreContextMut<'_, Guest>, (): ()| {
            charge(&mut store)?;
            Ok((wall_clock::Host::now(store.data_mut())?,))
        })?;
    linker.allow_shadowing(false);
    Ok(())
}

fn charge(store: &mut StoreContextMut<'_, Guest>) -> Result<()> {
    let left = store.get_fuel()?;
    let guest = store.data();
    guest
        .process
        .meter
        .used(guest.container.spec.fuel_limit - left);
    Ok(())
}
