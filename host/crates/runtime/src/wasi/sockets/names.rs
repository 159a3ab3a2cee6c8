//! `wasi:sockets/ip-name-lookup`: from a name to addresses, as a libc would.
//!
//! Literals, then `/etc/hosts`, then the servers of `/etc/resolv.conf` with its search list, over
//! the virtual network. Never asks anybody else and keeps no cache, so a lesson's DNS outage is an
//! outage.

mod config;
mod query;

use super::{Instance, SocketError};
use crate::container::ContainerSpec;
use crate::network::Network;
use crate::wasi::Guest;
use crate::wasi::bindings::wasi::sockets::ip_name_lookup;
use crate::wasi::bindings::wasi::sockets::network::{ErrorCode, IpAddress};
use config::{Resolver, hosts};
use rand::Rng;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::vec::IntoIter;
use vnet::Ipv4Addr;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

/// Why a name has no address, in the words of getaddrinfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// EAI_NONAME: it does not exist, or has no address.
    #[error("Name or service not known")]
    NotFound,
    /// EAI_AGAIN: no server answered, or it failed.
    #[error("Temporary failure in name resolution")]
    Temporary,
    /// EAI_FAIL: the server refused.
    #[error("Non-recoverable failure in name resolution")]
    Permanent,
}

/// Looks a name up as a program in this container would; `id` numbers the first question.
pub(crate) async fn resolve(
    network: &Network,
    container: &ContainerSpec,
    id: u16,
    name: &str,
) -> Result<Vec<Ipv4Addr>, LookupError> {
    if let Ok(addr) = name.parse() {
        return Ok(vec![addr]);
    }
    let read = |path| {
        let text = container.fs.read_file(path).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    };
    let listed = hosts(&read("/etc/hosts"), name);
    if !listed.is_empty() {
        return Ok(listed);
    }
    let resolver = Resolver::parse(&read("/etc/resolv.conf"));
    let mut found = Err(LookupError::NotFound);
    for (number, candidate) in (0_u16..).zip(resolver.candidates(name)) {
        let id = id.wrapping_add(number.wrapping_mul(2));
        found = query::ask(network, container, &resolver, id, &candidate).await;
        match found {
            // Only a certain "no" leads to the next candidate.
            Err(LookupError::NotFound) => {}
            Ok(_) | Err(LookupError::Temporary | LookupError::Permanent) => break,
        }
    }
    found
}

type Resolving = Pin<Box<dyn Future<Output = Result<Vec<Ipv4Addr>, LookupError>> + Send>>;

/// A lookup under way, or what it has found.
pub struct Lookup {
    state: State,
}

enum State {
    Resolving(Resolving),
    Found(IntoIter<Ipv4Addr>),
    Failed(LookupError),
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

impl Lookup {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let State::Resolving(resolving) = &mut self.state {
            let Poll::Ready(found) = resolving.as_mut().poll(cx) else {
                return Poll::Pending;
            };
            self.state = match found {
                Ok(found) => State::Found(found.into_iter()),
                Err(err) => State::Failed(err),
            };
        }
        Poll::Ready(())
    }
}

#[async_trait::async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}

impl ip_name_lookup::Host for Guest {
    fn resolve_addresses(
        &mut self,
        _network: Resource<Instance>,
        name: String,
    ) -> Result<Resource<Lookup>, SocketError> {
        if name.is_empty() || name.len() > 254 {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let id = self.chance().next_u32().to_le_bytes();
        let id = u16::from_le_bytes([id[0], id[1]]);
        let network = self.kernel.network.clone();
        let container = self.container.spec.clone();
        let resolving = Box::pin(async move { resolve(&network, &container, id, &name).await });
        Ok(self.table.push(Lookup {
            state: State::Resolving(resolving),
        })?)
    }
}

impl ip_name_lookup::HostResolveAddressStream for Guest {
    fn resolve_next_address(
        &mut self,
        lookup: Resource<Lookup>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let lookup = self.table.get_mut(&lookup)?;
        // Whoever waits polls again with a waker of its own.
        if lookup
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
        {
            return Err(ErrorCode::WouldBlock.into());
        }
        match &mut lookup.state {
            State::Resolving(_) => Err(ErrorCode::WouldBlock.into()),
            State::Found(found) => Ok(found.next().map(|addr| {
                let [a, b, c, d] = addr.octets();
                IpAddress::Ipv4((a, b, c, d))
            })),
            State::Failed(LookupError::NotFound) => Err(ErrorCode::NameUnresolvable.into()),
            State::Failed(LookupError::Temporary) => {
                Err(ErrorCode::TemporaryResolverFailure.into())
            }
            State::Failed(LookupError::Permanent) => {
                Err(ErrorCode::PermanentResolverFailure.into())
            }
        }
    }

    fn subscribe(&mut self, lookup: Resource<Lookup>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, lookup)
    }

    fn drop(&mut self, lookup: Resource<Lookup>) -> Result<()> {
        self.table.delete(lookup)?;
        Ok(())
    }
}
