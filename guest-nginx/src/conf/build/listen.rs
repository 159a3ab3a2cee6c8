//! The words of `listen`. It binds nothing.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::Builder;
use super::server::Draft;
use crate::conf::tree::Directive;
use crate::conf::values::{Result, digits, refuse};
use crate::net::system;

/// One `listen` directive.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub address: SocketAddrV4,
    pub tls: bool,
    pub default: bool,
    /// Whether options of the socket were given.
    set: bool,
}

impl Said {
    /// What a server without `listen` listens on.
    pub(super) fn usual() -> Self {
        Self {
            address: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80),
            tls: false,
            default: false,
            set: false,
        }
    }
}

/// The words after an address.
#[derive(Debug, Default)]
struct Options {
    tls: bool,
    default: bool,
    set: bool,
    v4_too: bool,
}

impl Builder<'_> {
    pub(super) fn listen(
        &mut self,
        directive: &Directive,
        draft: &mut Draft,
        others: &mut [Draft],
    ) -> Result<()> {
        let word = directive.args[0].as_str();
        let addresses = addresses(directive, word)?;
        let options = options(directive, word.starts_with('['))?;
        let addresses = match addresses {
            Some(addresses) => addresses,
            // No machine of the lab has an address of IPv6, so nobody could connect; only the
            // wildcard that takes IPv4 along can be reached.
            None if options.v4_too => {
                let port = port_of(word).unwrap_or(80);
                vec![SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)]
            }
            None => return Ok(()),
        };
        for address in addresses {
            let said = Said {
                address,
                tls: options.tls,
                default: options.default,
                set: options.set,
            };
            if draft.listens.iter().any(|other| other.address == address) {
                return refuse(directive, format_args!("a duplicate listen {address}"));
            }
            let mut same = others
                .iter()
                .flat_map(|draft| &draft.listens)
                .filter(|other| other.address == address);
            if said.set && same.clone().any(|other| other.set) {
                return refuse(
                    directive,
                    format_args!("duplicate listen options for {address}"),
                );
            }
            if said.default && same.any(|other| other.default) {
                return refuse(
                    directive,
                    format_args!("a duplicate default server for {address}"),
                );
            }
            draft.listens.push(said);
        }
        Ok(())
    }
}

fn port_of(word: &str) -> Option<u16> {
    let (_, port) = word.rsplit_once("]:")?;
    port.parse().ok()
}

/// The addresses that a word means; nothing for IPv6.
fn addresses(directive: &Directive, word: &str) -> Result<Option<Vec<SocketAddrV4>>> {
    let bad = |why: &str| {
        refuse(
            directive,
            format_args!("{why} in \"{word}\" of the \"listen\" directive"),
        )
    };
    if word.starts_with("unix:") {
        return refuse(directive, "a unix socket is not in this lab");
    }
    if let Some(rest) = word.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return bad("invalid host");
        };
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return bad("invalid IPv6 address");
        }
        let port = port.strip_prefix(':').unwrap_or("80");
        if port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Ok(None);
        }
        return bad("invalid port");
    }
    let numbers = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = match word.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None if numbers(word) => ("*", word),
        None => (word, "80"),
    };
    let (first, last) = port.split_once('-').unwrap_or((port, port));
    let port = |text: &str| digits(text).and_then(|port| u16::try_from(port).ok());
    let (Some(first), Some(last)) = (port(first), port(last)) else {
        return bad("invalid port");
    };
    if first == 0 {
        return bad("invalid port");
    }
    if last < first {
        return bad("invalid port range");
    }
    let ip = match host {
        "" => return bad("no host"),
        "*" => Some(Ipv4Addr::UNSPECIFIED),
        name => name
            .parse()
            .ok()
            .or_else(|| system::resolve_now(name).first().copied()),
    };
    let Some(ip) = ip else {
        return bad("host not found");
    };
    let ports = (first..=last).map(|port| SocketAddrV4::new(ip, port));
    Ok(Some(ports.collect()))
}

/// Options of the socket that make no difference: buffers, filters, and how connections are shared
/// among processes.
const SOCKET: [&str; 9] = [
    "setfib=",
    "fastopen=",
    "backlog=",
    "rcvbuf=",
    "sndbuf=",
    "accept_filter=",
    "so_keepalive=",
    "ipv6only=",
    "bind",
];

fn options(directive: &Directive, v6: bool) -> Result<Options> {
    let mut options = Options::default();
    for word in &directive.args[1..] {
        let bad = || refuse(directive, format_args!("invalid parameter \"{word}\""));
        match word.as_str() {
            "default_server" | "default" => options.default = true,
            "ssl" => options.tls = true,
            "bind" | "reuseport" | "deferred" => options.set = true,
            "ipv6only=on" | "ipv6only=off" if !v6 => {
                return refuse(
                    directive,
                    format_args!(
                        "ipv6only is not supported on addr \"{}\"",
                        directive.args[0]
                    ),
                );
            }
            "ipv6only=on" => options.set = true,
            "ipv6only=off" => {
                options.set = true;
                options.v4_too = true;
            }
            "http2" | "quic" => {
                return refuse(
                    directive,
                    format_args!(
                        "the \"{word}\" parameter requires ngx_http_{}_module",
                        if word == "quic" { "v3" } else { "v2" }
                    ),
                );
            }
            "proxy_protocol" => {
                return refuse(directive, "\"proxy_protocol\" is not in this lab");
            }
            other => {
                let Some(name) = SOCKET.iter().find(|name| other.starts_with(**name)) else {
                    return bad();
                };
                let value = &other[name.len()..];
                let fine = match *name {
                    "backlog=" | "setfib=" | "fastopen=" => digits(value).is_some_and(|n| n > 0),
                    "rcvbuf=" | "sndbuf=" => crate::conf::values::parse_size(value).is_some(),
                    "so_keepalive=" => !value.is_empty(),
                    "ipv6only=" => {
                        return refuse(
                            directive,
                            format_args!("invalid ipv6only flags \"{value}\""),
                        );
                    }
                    _ => false,
                };
                if !fine {
                    let name = name.trim_end_matches('=');
                    return refuse(directive, format_args!("invalid {name} \"{value}\""));
                }
                options.set = true;
            }
        }
    }
    Ok(options)
}
