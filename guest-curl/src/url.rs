//! URLs as far as HTTP needs them: parts, and where a `Location` leads. It opens nothing.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::failure::Failure;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// In lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port when none is written.
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub scheme: Scheme,
    /// The user, decoded, when the URL names one.
    pub user: Option<String>,
    /// The password, decoded.
    pub password: Option<String>,
    /// The host as it is written; an IPv6 address without its brackets.
    pub host: String,
    /// The port when it is written.
    pub port: Option<u16>,
    /// Path and query, beginning with a slash.
    pub target: String,
    /// What `-O` names a file after is gone from the target when it was `..`.
    login: Option<String>,
}

/// How strictly a URL is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// The scheme of a URL without one.
    pub default: Option<&'a str>,
    /// Whether `..` stays.
    pub as_is: bool,
    /// Whether blanks are coded instead of refused, as in a `Location`.
    pub lenient: bool,
}

impl Url {
    /// Understands a URL as it is typed.
    ///
    /// # Errors
    /// With curl's code and words.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        Self::read(text, Reading::default())
    }

    /// Understands a URL.
    ///
    /// # Errors
    /// With curl's code and words.
    pub fn read(text: &str, reading: Reading<'_>) -> Result<Self, Failure> {
        let coded;
        let mut text = text;
        if reading.lenient {
            coded = encode(text);
            text = &coded;
        }
        if text.is_empty() || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(Failure::url());
        }
        let (scheme, rest) = match split_scheme(text) {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => (guess(text, reading.default), text),
        };
        let scheme = match scheme.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => {
                let message = format!("Protocol \"{scheme}\" not supported or disabled in libcurl");
                return Err(Failure::new(1, message));
            }
        };
        // One slash too many or too few after the scheme is forgiven.
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (user, password) = match login.map(|login| {
            login
                .split_once(':')
                .map_or((login, None), |(u, p)| (u, Some(p)))
        }) {
            Some((user, password)) => (Some(decode(user)?), password.map(decode).transpose()?),
            None => (None, None),
        };
        let (host, port) = host_port(place)?;
        let target = match target {
            path if path.starts_with('/') => path.to_owned(),
            query => format!("/{query}"),
        };
        let target = if reading.as_is {
            target
        } else {
            without_dots(&target)
        };
        Ok(Self {
            scheme,
            user,
            password,
            host,
            port,
            target,
            login: login.map(str::to_owned),
        })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.port())
    }

    /// The host as it stands in a URL: an IPv6 address in brackets.
    pub fn shown_host(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }

    /// What the `Host` header says.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) if port != self.scheme.port() => format!("{}:{port}", self.shown_host()),
            _ => self.shown_host(),
        }
    }

    /// The whole URL, without who asks.
    pub fn plain(&self) -> String {
        let scheme = self.scheme.name();
        format!("{scheme}://{}{}", self.written_place(), self.target)
    }

    /// The whole URL, with the user it was written with.
    pub fn whole(&self) -> String {
        let scheme = self.scheme.name();
        let login = self
            .login
            .as_ref()
            .map_or(String::new(), |login| format!("{login}@"));
        format!("{scheme}://{login}{}{}", self.written_place(), self.target)
    }

    fn written_place(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.shown_host()),
            None => self.shown_host(),
        }
    }

    /// Names a user, as `-u` does for redirects to show it.
    pub fn set_login(&mut self, login: Option<String>) {
        self.login = login;
    }

    /// Where a `Location` seen at this URL leads.
    pub fn join(&self, place: &str) -> String {
        let place = place.trim();
        if split_scheme(place).is_some() {
            return encode(place);
        }
        let scheme = self.scheme.name();
        if let Some(rest) = place.strip_prefix("//") {
            return encode(&format!("{scheme}://{rest}"));
        }
        let path = self.path();
        let folder = path.rfind('/').map_or("/", |cut| &path[..=cut]);
        let target = match place.chars().next() {
            Some('/') => place.to_owned(),
            Some('?') => format!("{path}{place}"),
            Some('#') | None => self.target.clone(),
            Some(_) => format!("{folder}{place}"),
        };
        let login = self
            .login
            .as_ref()
            .map_or(String::new(), |login| format!("{login}@"));
        encode(&format!(
            "{scheme}://{login}{}{}",
            self.written_place(),
            without_dots(&target)
        ))
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The last part of the path, which `-O` writes to.
    pub fn file_name(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// Adds to the query.
    pub fn add_query(&mut self, query: &str) {
        let sign = if self.target.contains('?') { '&' } else { '?' };
        self.target = format!("{}{sign}{query}", self.target);
    }
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let after = rest.strip_prefix("//").or_else(|| rest.strip_prefix('/'))?;
    is_scheme(scheme).then_some((
        scheme,
        after
            .strip_prefix('/')
            .filter(|_| rest.starts_with("///"))
            .unwrap_or(after),
    ))
}

fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 40
        && text.bytes().all(rest)
}

/// A host that is called after a protocol speaks it.
fn guess(text: &str, default: Option<&str>) -> String {
    if let Some(default) = default {
        return default.to_owned();
    }
    let start = text.to_ascii_lowercase();
    let known = ["ftp", "dict", "ldap", "imap", "smtp", "pop3"];
    known
        .iter()
        .find(|name| start.starts_with(&format!("{name}.")))
        .map_or("http", |name| name)
        .to_owned()
}

fn host_port(place: &str) -> Result<(String, Option<u16>), Failure> {
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']').ok_or_else(Failure::url)?;
            let port = match after {
                "" => None,
                after => Some(after.strip_prefix(':').ok_or_else(Failure::url)?),
            };
            let (address, zone) = host.split_once('%').unwrap_or((host, ""));
            let odd = |c: char| !c.is_ascii_alphanumeric();
            if address.parse::<Ipv6Addr>().is_err() || zone.contains(odd) {
                return Err(Failure::url());
            }
            (host.to_owned(), port)
        }
        None => match place.split_once(':') {
            Some((host, port)) => (decode(host)?, Some(port)),
            None => (decode(place)?, None),
        },
    };
    let bad =
        |c: char| c <= ' ' || c == '\u{7f}' || " \r\n\t/:#?!@{}[]\\$'\"^`*<>=;,+&()|~".contains(c);
    if host.is_empty() || (!place.starts_with('[') && host.contains(bad)) {
        return Err(Failure::url());
    }
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| Failure::url())?)
        }
        Some(_) => return Err(Failure::url()),
    };
    Ok((number_host(&host).unwrap_or(host), port))
}

/// `127.1`, `0x7f000001` and the like are addresses too.
fn number_host(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let parts: Vec<u64> = host
        .split('.')
        .map(|part| {
            let (digits, radix) = match part {
                hex if hex.starts_with("0x") || hex.starts_with("0X") => (&hex[2..], 16),
                octal if octal.len() > 1 && octal.starts_with('0') => (&octal[1..], 8),
                other => (other, 10),
            };
            u64::from_str_radix(digits, radix)
                .ok()
                .filter(|_| !digits.starts_with('+'))
        })
        .collect::<Option<_>>()?;
    let (last, before) = parts.split_last()?;
    if before.len() > 3 || before.iter().any(|part| *part > 255) {
        return None;
    }
    let bits = 8 * (4 - before.len());
    if *last >= 1 << bits {
        return None;
    }
    let head = before.iter().fold(0, |all, part| all << 8 | part);
    let address = u32::try_from(head << bits | last).ok()?;
    Some(Ipv4Addr::from(address).to_string())
}

/// The target with `.` and `..` followed, as curl does before it asks.
fn without_dots(target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut parts: Vec<&str> = Vec::new();
    let mut pieces = path.split('/').skip(1).peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        match piece {
            "." | ".." => {
                if piece == ".." {
                    parts.pop();
                }
                if last {
                    parts.push("");
                }
            }
            other => parts.push(other),
        }
    }
    let path = format!("/{}", parts.join("/"));
    query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
}

/// Blanks and bytes beyond ASCII, coded as a `Location` needs it.
fn encode(text: &str) -> String {
    let mut out = String::new();
    let mut in_query = false;
    for byte in text.bytes() {
        match byte {
            b' ' if in_query => out.push('+'),
            b' ' => out.push_str("%20"),
            0..b' ' | 0x7f.. => out.push_str(&format!("%{byte:02x}")),
            b'?' => {
                in_query = true;
                out.push('?');
            }
            other => out.push(char::from(other)),
        }
    }
    out
}

/// Takes `%41` for `A`.
///
/// # Errors
/// When a byte below a blank comes out.
pub(crate) fn decode(text: &str) -> Result<String, Failure> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let digit = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                let byte =
                    u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte");
                if byte < b' ' {
                    return Err(Failure::url());
                }
                out.push(byte);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
