//! The connection of a request: one that is left over, or a new one.

use std::net::IpAddr;

use super::Transfer;
use crate::failure::Failure;
use crate::link::{Key, Link, Wire};
use crate::net;
use crate::url::Scheme;

impl Transfer<'_, '_> {
    /// A connection to where the URL leads.
    pub(super) fn link(&mut self) -> Result<Link, Failure> {
        let key = self.key();
        let idle = &mut self.session.idle;
        let same_place = idle
            .iter()
            .any(|link| link.key.host == key.host && link.key.port == key.port);
        if same_place {
            // The address of what curl calls a bundle tells nothing, but people's eyes expect it.
            self.session.trace.info(&format!(
                "Found bundle for host: {:p} [serially]",
                std::ptr::from_ref(&self.session.idle)
            ));
            self.session
                .trace
                .info("Can not multiplex, even if we wanted to");
        }
        while let Some(at) = self.session.idle.iter().position(|link| link.key == key) {
            let mut link = self.session.idle.remove(at);
            if link.is_dead() {
                let number = link.number;
                self.session
                    .trace
                    .info(&format!("Connection {number} seems to be dead"));
                self.close(&mut link);
                continue;
            }
            let kind = if self.state.proxy.is_some() {
                "proxy"
            } else {
                "host"
            };
            let text = format!(
                "Re-using existing connection #{} with {kind} {}",
                link.number, link.name
            );
            self.session.trace.info(&text);
            let now = self.deadline.start.elapsed();
            self.report.time_lookup = now;
            self.report.time_connect = now;
            self.report.time_appconnect = now;
            self.report.time_pretransfer = now;
            return Ok(link);
        }
        self.connect()
    }

    fn key(&self) -> Key {
        let url = &self.state.url;
        let operation = self.operation;
        let to = connect_to(&operation.connect_to, &url.host, url.port());
        let by = match &self.state.proxy {
            Some(proxy) => Some((proxy.host.clone(), proxy.port, proxy.tunnel)),
            None => to.map(|(host, port)| (host, port, false)),
        };
        // A proxy serves all hosts over one connection.
        let shared = self.state.proxy.as_ref().filter(|proxy| !proxy.tunnel);
        let (host, port) = match shared {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (url.host.to_ascii_lowercase(), url.port()),
        };
        Key {
            scheme: url.scheme,
            host,
            port,
            by,
            ipv6: operation.only_ipv6,
            tls: match url.scheme {
                Scheme::Http => String::new(),
                Scheme::Https => format!(
                    "{} {:?} {:?} {:?} {:?} {:?}",
                    operation.insecure,
                    operation.ca_file,
                    operation.cert,
                    operation.key,
                    operation.tls_min,
                    operation.tls_max
                ),
            },
        }
    }

    /// A new connection.
    pub(super) fn connect(&mut self) -> Result<Link, Failure> {
        let number = self.session.opened;
        self.session.opened += 1;
        let outcome = self.try_connect(number);
        if let Err(failure) = &outcome {
            // Of an address of the wrong family nothing is said, as in curl.
            if failure.message != net::WRONG_FAMILY {
                self.session.trace.info(&failure.message);
            }
            // An unknown name leaves the first row as it stands, without an end of line, as in curl.
            if failure.code != 6 && failure.code != 5 {
                self.meter.finish(&self.progress);
            }
            self.session
                .trace
                .info(&format!("Closing connection {number}"));
            if failure.code == 77 {
                self.session.trace.info(&failure.message);
            }
        }
        outcome
    }

    fn try_connect(&mut self, number: usize) -> Result<Link, Failure> {
        let url = self.state.url.clone();
        let (mut host, mut port) = (url.host.clone(), url.port());
        if let Some((to_host, to_port)) = connect_to(&self.operation.connect_to, &host, port) {
            if to_host != host {
                self.session
                    .trace
                    .info(&format!("Connecting to hostname: {to_host}"));
            }
            if to_port != port {
                self.session
                    .trace
                    .info(&format!("Connecting to port: {to_port}"));
            }
            (host, port) = (to_host, to_port);
        }
        let target = (host.clone(), port);
        if let Some(proxy) = &self.state.proxy {
            (host, port) = (proxy.host.clone(), proxy.port);
        }
        let addresses = self.addresses(&host, port)?;
        self.report.time_lookup = self.deadline.start.elapsed();
        let trace = &mut self.session.trace;
        let (stream, remote) =
            net::connect(&host, port, &addresses, &self.deadline, &mut |text| {
                trace.info(text);
            })?;
        self.report.connects += 1;
        self.report.time_connect = self.deadline.start.elapsed();
        let text = format!(
            "Connected to {host} ({}) port {port} (#{number})",
            remote.ip()
        );
        self.session.trace.info(&text);
        let mut link = Link {
            wire: Wire::Plain(stream),
            number,
            key: self.key(),
            name: host,
            remote,
            unread: Vec::new(),
            used: false,
            old: false,
            verify: 0,
        };
        if let Some(proxy) = self.state.proxy.clone().filter(|proxy| proxy.tunnel) {
            self.tunnel(&mut link, &proxy, &target)?;
        }
        if url.scheme == Scheme::Https {
            link = self.encrypt(link)?;
            self.report.time_appconnect = self.deadline.start.elapsed();
        }
        self.report.time_pretransfer = self.deadline.start.elapsed();
        Ok(link)
    }

    fn addresses(&mut self, host: &str, port: u16) -> Result<Vec<IpAddr>, Failure> {
        if let Some(addresses) = self.session.known(host, port) {
            self.session
                .trace
                .info(&format!("Hostname {host} was found in DNS cache"));
            return Ok(addresses);
        }
        let outcome = net::resolve(host, self.operation.only_ipv6, &self.deadline);
        let addresses = outcome.map_err(|failure| match (&self.state.proxy, failure.code) {
            (Some(_), 6) => Failure::new(5, format!("Could not resolve proxy: {host}")),
            _ => failure,
        })?;
        let host = host.to_ascii_lowercase();
        self.session.names.push((host, port, addresses.clone()));
        Ok(addresses)
    }
}

/// `--connect-to host:port:to-host:to-port`, each part empty for any or the same.
fn connect_to(entries: &[String], host: &str, port: u16) -> Option<(String, u16)> {
    entries.iter().find_map(|entry| {
        let parts = split(entry);
        let [from_host, from_port, to_host, to_port] = &parts[..] else {
            return None;
        };
        let fits = (from_host.is_empty() || from_host.eq_ignore_ascii_case(host))
            && (from_port.is_empty() || from_port.parse() == Ok(port));
        let to_host = if to_host.is_empty() { host } else { to_host };
        let to_port = if to_port.is_empty() {
            port
        } else {
            to_port.parse().ok()?
        };
        fits.then(|| (to_host.to_owned(), to_port))
    })
}

/// Splits at colons outside of brackets.
fn split(entry: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for char in entry.chars() {
        let last = parts.len() - 1;
        match char {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => parts.push(String::new()),
            other => parts[last].push(other),
        }
    }
    parts
}
