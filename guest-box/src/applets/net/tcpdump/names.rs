//! Names for addresses and ports, unless `-n` asks for numbers. An address is asked for once.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::super::addresses::service;
use super::super::dns::{Resolver, name_of};

/// How many names are remembered; beyond that all are forgotten.
const NAMES_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Names {
    /// Nothing with `-n`.
    resolver: Option<Resolver>,
    known: BTreeMap<Ipv4Addr, String>,
}

impl Names {
    pub(super) fn new(resolver: Option<Resolver>) -> Self {
        Self {
            resolver,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn host(&mut self, address: Ipv4Addr) -> String {
        let Some(resolver) = &self.resolver else {
            return address.to_string();
        };
        if self.known.len() >= NAMES_MAX {
            self.known.clear();
        }
        let known = self.known.entry(address);
        let name = known.or_insert_with(|| {
            if address.is_loopback() {
                return "localhost".to_owned();
            }
            name_of(resolver, address).unwrap_or_else(|| address.to_string())
        });
        name.clone()
    }

    pub(super) fn port(&self, port: u16, protocol: &str) -> String {
        let named = service(port)
            .filter(|name| self.resolver.is_some() && (protocol == "tcp" || *name == "domain"));
        named.map_or_else(|| port.to_string(), str::to_owned)
    }

    pub(super) fn endpoint(&mut self, address: Ipv4Addr, port: u16, protocol: &str) -> String {
        format!("{}.{}", self.host(address), self.port(port, protocol))
    }
}
