//! Which proxy a URL goes through, from options and the environment. It connects to nothing.

use crate::args::Operation;
use crate::auth::Login;
use crate::failure::Failure;
use crate::url::{Scheme, Url, decode};

/// A proxy that speaks HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<Login>,
    /// Whether it is asked for a tunnel.
    pub(crate) tunnel: bool,
}

/// The proxy for a URL; `tell` hears which variable named it.
///
/// # Errors
/// When the proxy speaks what this curl does not.
pub(crate) fn find(
    operation: &Operation,
    url: &Url,
    tell: &mut dyn FnMut(&str),
) -> Result<Option<Proxy>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let excepted = operation
        .no_proxy
        .clone()
        .or_else(|| variable("no_proxy"))
        .or_else(|| variable("NO_PROXY"));
    if excepted.is_some_and(|list| is_excepted(&url.host, &list)) {
        return Ok(None);
    }
    let text = match &operation.proxy {
        Some(text) => text.clone(),
        None => {
            // HTTP_PROXY in capitals could be a header that a CGI program was given.
            let names: &[&str] = match url.scheme {
                Scheme::Http => &["http_proxy", "all_proxy", "ALL_PROXY"],
                Scheme::Https => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            };
            let found = names.iter().find_map(|name| Some((name, variable(name)?)));
            let Some((name, value)) = found else {
                return Ok(None);
            };
            tell(&format!("Uses proxy env variable {name} == '{value}'"));
            value
        }
    };
    if text.is_empty() {
        return Ok(None);
    }
    parse(
        &text,
        operation,
        url.scheme == Scheme::Https || operation.proxy_tunnel,
    )
    .map(Some)
}

fn parse(text: &str, operation: &Operation, tunnel: bool) -> Result<Proxy, Failure> {
    let bad = || Failure::new(5, format!("Unsupported proxy syntax in '{text}'"));
    let rest = match text.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", _)) => {
            return Err(Failure::new(
                4,
                format!(
                    "Unsupported proxy '{text}', libcurl is built without the HTTPS-proxy support."
                ),
            ));
        }
        Some(_) => {
            return Err(Failure::new(
                7,
                format!("Unsupported proxy scheme for '{text}'"),
            ));
        }
        None => text,
    };
    let rest = rest.split('/').next().unwrap_or_default();
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']').ok_or_else(bad)?;
            (host, after.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        None => 1080,
        Some(port) => port.parse().map_err(|_| bad())?,
    };
    if host.is_empty() {
        return Err(bad());
    }
    let login = match &operation.proxy_user {
        Some(user) => Some(Login::split(user)),
        None => login
            .map(decode)
            .transpose()?
            .map(|text| Login::split(&text)),
    };
    Ok(Proxy {
        host: host.to_owned(),
        port,
        login,
        tunnel,
    })
}

/// `*`, names and the names below them, addresses and networks.
fn is_excepted(host: &str, list: &str) -> bool {
    if list == "*" {
        return true;
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    list.split([',', ' '])
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let entry = entry
                .trim_start_matches('.')
                .trim_end_matches('.')
                .to_ascii_lowercase();
            if let Some((network, bits)) = entry.split_once('/') {
                return in_network(&host, network, bits);
            }
            if host.parse::<std::net::IpAddr>().is_ok() {
                return host == entry.trim_matches(['[', ']']);
            }
            host == entry
                || host
                    .strip_suffix(&entry)
                    .is_some_and(|start| start.ends_with('.'))
        })
}

fn in_network(host: &str, network: &str, bits: &str) -> bool {
    let (Ok(host), Ok(network), Ok(bits)) = (
        host.parse::<std::net::Ipv4Addr>(),
        network.parse::<std::net::Ipv4Addr>(),
        bits.parse::<u32>(),
    ) else {
        return false;
    };
    let mask = match bits {
        1..=32 => u32::MAX << (32 - bits),
        _ => return false,
    };
    (u32::from(host) ^ u32::from(network)) & mask == 0
}

#[cfg(test)]
mod tests {
    use super::is_excepted;

    #[test]
    fn exceptions_are_names_with_what_is_below_them_and_networks() {
        for (host, list, expect) in [
            ("a.example", "*", true),
            ("a.example", "example", true),
            ("a.example", ".example", true),
            ("aexample", "example", false),
            ("10.0.0.5", "10.0.0.0/24,x", true),
            ("10.0.1.5", "10.0.0.0/24", false),
            ("10.0.0.5", "10.0.0.5", true),
            ("localhost", "a, localhost", true),
        ] {
            assert_eq!(is_excepted(host, list), expect, "{host} {list}");
        }
    }
}
