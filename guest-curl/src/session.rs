//! What transfers share: connections that are left over, names that were looked up, cookies.

use std::net::IpAddr;

use crate::args::{Global, Operation};
use crate::cookie::Jar;
use crate::link::Link;
use crate::trace::Tracer;
use crate::voice::Voice;

/// How many idle connections are kept.
const MAX_IDLE: usize = 8;

/// It lives as long as the command line.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) global: &'a Global,
    pub(crate) voice: &'a Voice,
    pub(crate) trace: Tracer<'a>,
    pub(crate) idle: Vec<Link>,
    pub(crate) opened: usize,
    /// Host and port to addresses.
    pub(crate) names: Vec<(String, u16, Vec<IpAddr>)>,
    pub(crate) jar: Option<Jar>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(global: &'a Global, voice: &'a Voice) -> Self {
        Self {
            global,
            voice,
            trace: Tracer::new(global, voice),
            idle: Vec::new(),
            opened: 0,
            names: Vec::new(),
            jar: None,
        }
    }

    /// Keeps a connection for later.
    pub(crate) fn keep(&mut self, link: Link) {
        if self.idle.len() >= MAX_IDLE {
            self.idle.remove(0);
        }
        self.idle.push(link);
    }

    /// Takes the entries of `--resolve` into the cache of names.
    pub(crate) fn add_names(&mut self, operation: &Operation) -> Result<(), crate::Failure> {
        for entry in &operation.resolve {
            let bad = |what: &str| crate::Failure::new(49, what.to_owned());
            let wrong = || bad(&format!("Couldn't parse CURLOPT_RESOLVE entry '{entry}'"));
            if let Some(removed) = entry.strip_prefix('-') {
                let (host, port) = removed.split_once(':').ok_or_else(wrong)?;
                let port: u16 = port.parse().map_err(|_| wrong())?;
                self.names
                    .retain(|(name, number, _)| name != host || *number != port);
                continue;
            }
            let text = entry.strip_prefix('+').unwrap_or(entry);
            let mut parts = text.splitn(3, ':');
            let (host, port, list) = match (parts.next(), parts.next(), parts.next()) {
                (Some(host), Some(port), Some(list)) if !host.is_empty() => (host, port, list),
                _ => return Err(wrong()),
            };
            let port: u16 = port.parse().map_err(|_| wrong())?;
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in list.split(',').filter(|address| !address.is_empty()) {
                let parsed = address.trim_matches(['[', ']']).parse();
                addresses.push(parsed.map_err(|_| {
                    self.trace
                        .info(&format!("Resolve address '{address}' found illegal"));
                    wrong()
                })?);
            }
            if addresses.is_empty() {
                return Err(wrong());
            }
            if host == "*" {
                self.trace.info(&format!("RESOLVE *:{port} using wildcard"));
            }
            let host = host.to_ascii_lowercase();
            self.names
                .retain(|(name, number, _)| *name != host || *number != port);
            self.trace
                .info(&format!("Added {host}:{port}:{list} to DNS cache"));
            self.names.push((host, port, addresses));
        }
        Ok(())
    }

    /// The addresses that are known already; a star knows them for every host.
    pub(crate) fn known(&self, host: &str, port: u16) -> Option<Vec<IpAddr>> {
        let fits = |name: &str| {
            let found = self
                .names
                .iter()
                .find(|(known, number, _)| known == name && *number == port);
            found.map(|(.., addresses)| addresses.clone())
        };
        fits(&host.to_ascii_lowercase()).or_else(|| fits("*"))
    }
}
