//! URLs as far as HTTP needs them: parts, and where a `Location` leads.

use crate::failure::Failure;

/// An `http` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `user:password`, decoded, when the URL names one.
    pub user: Option<String>,
    /// The host in lower case.
    pub host: String,
    /// The port when it is written.
    pub port: Option<u16>,
    /// Path and query, beginning with a slash.
    pub target: String,
}

impl Url {
    /// Understands a URL; one without a scheme is `http`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.is_empty() || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(Failure::url());
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => ("http".to_owned(), text),
        };
        match scheme.as_str() {
            "http" => {}
            "https" => return Err(Failure::new(1, "Protocol \"https\" is not in this lab yet")),
            "file" | "ftp" | "ws" | "telnet" | "dict" => {
                return Err(Failure::new(
                    1,
                    format!("Protocol \"{scheme}\" is not in this lab yet"),
                ));
            }
            _ => {
                let message = format!("Protocol \"{scheme}\" not supported or disabled in libcurl");
                return Err(Failure::new(1, message));
            }
        }
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(decode(user)), place),
            None => (None, authority),
        };
        let (host, port) = host_port(place).ok_or_else(Failure::url)?;
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        let target = without_dots(&target);
        Ok(Self {
            user,
            host: host.to_ascii_lowercase(),
            port,
            target,
        })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(80)
    }

    /// What the `Host` header says.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) if port != 80 => format!("{}:{port}", self.host),
            _ => self.host.clone(),
        }
    }

    /// Where a `Location` seen at this URL leads.
    pub fn join(&self, place: &str) -> Result<String, Failure> {
        let place = place.trim();
        if place
            .split_once("://")
            .is_some_and(|(scheme, _)| is_scheme(scheme))
        {
            return Ok(place.to_owned());
        }
        let base = format!("http://{}", self.authority());
        if let Some(rest) = place.strip_prefix("//") {
            return Ok(format!("http://{rest}"));
        }
        let path = self
            .target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path);
        let folder = path.rfind('/').map_or("/", |cut| &path[..=cut]);
        let target = match place.chars().next() {
            Some('/') => place.to_owned(),
            Some('?') => format!("{path}{place}"),
            Some('#') | None => self.target.clone(),
            Some(_) => format!("{folder}{place}"),
        };
        Ok(format!("{base}{}", without_dots(&target)))
    }

    /// The last part of the path, which `-O` writes to.
    pub fn file_name(&self) -> &str {
        let path = self
            .target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path);
        path.rsplit('/').next().unwrap_or_default()
    }
}

fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(rest)
}

fn host_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']')?;
            (
                host,
                if after.is_empty() {
                    None
                } else {
                    Some(after.strip_prefix(':')?)
                },
            )
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let bad = |c: char| {
        matches!(
            c,
            '/' | '\\' | '?' | '#' | '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}'
        )
    };
    if host.is_empty() || host.contains(bad) {
        return None;
    }
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        Some(_) => return None,
    };
    Some((host, port))
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

fn decode(text: &str) -> String {
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
                out.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
