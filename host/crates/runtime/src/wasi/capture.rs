//! `lab:process/capture`: the packets at the machine's own interfaces. Never another machine's.

use super::Guest;
use super::bindings::lab::process::capture as wit;
use crate::network::Socket;
use vnet::{Captured, Direction, NetError};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

/// How many packets one call returns at most.
const BATCH_MAX: u32 = 256;

/// Somebody who listens.
#[derive(Debug)]
pub struct Listener(Socket);

#[async_trait::async_trait]
impl Pollable for Listener {
    async fn ready(&mut self) {
        self.0.network().readable(self.0.id()).await;
    }
}

impl wit::Host for Guest {}
impl wit::HostListener for Guest {
    fn open(
        &mut self,
        link: String,
        length: u32,
    ) -> Result<Result<Resource<Listener>, wit::Error>> {
        let network = self.kernel.network.clone();
        let host = self.container.spec.host;
        let opened = network.with(|net, now| net.capture_open(now, host, &link, length as usize));
        match opened {
            Ok(id) => Ok(Ok(self.table.push(Listener(Socket::new(network, id)))?)),
            Err(NetError::AddrNotAvailable) => Ok(Err(wit::Error::NoSuchDevice)),
            Err(_) => Ok(Err(wit::Error::TooMany)),
        }
    }

    fn next(&mut self, listener: Resource<Listener>, max: u32) -> Result<Vec<wit::Packet>> {
        let epoch = self.kernel.epoch_secs * 1_000_000_000;
        let socket = &self.table.get(&listener)?.0;
        let (id, max) = (socket.id(), max.min(BATCH_MAX) as usize);
        let taken = socket
            .network()
            .with(|net, now| net.capture_next(now, id, max));
        let packet = |captured: Captured| wit::Packet {
            time: epoch + captured.at.as_nanos(),
            link: captured.iface.to_string(),
            index: captured.index,
            direction: match captured.dir {
                Direction::In => wit::Direction::Inbound,
                Direction::Out => wit::Direction::Outbound,
            },
            bytes: captured.frame,
            length: u32::try_from(captured.len).unwrap_or(u32::MAX),
        };
        Ok(taken.into_iter().map(packet).collect())
    }

    fn dropped(&mut self, listener: Resource<Listener>) -> Result<u64> {
        let socket = &self.table.get(&listener)?.0;
        let id = socket.id();
        Ok(socket.network().with(|net, _| net.capture_dropped(id)))
    }

    fn subscribe(&mut self, listener: Resource<Listener>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, listener)
    }

    fn drop(&mut self, listener: Resource<Listener>) -> Result<()> {
        self.table.delete(listener)?;
        Ok(())
    }
}
