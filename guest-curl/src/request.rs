//! Heads of requests, as curl writes them. No bytes move here.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::VERSION;
use crate::args::Operation;
use crate::coding;
use crate::date;
use crate::failure::Failure;
use crate::url::Url;

/// Larger bodies wait for the server's word.
const EXPECT_FROM: u64 = 1024 * 1024;

/// What is sent after the head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    #[default]
    None,
    /// `-d`
    Data(Vec<u8>),
    /// `-F`, with its type
    Form(String, Vec<u8>),
    /// `-T FILE`, from an offset on
    File { path: String, from: u64, size: u64 },
    /// `-T -`
    Stdin,
}

impl Body {
    /// How much there is, when that is known.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Data(bytes) | Self::Form(_, bytes) => Some(bytes.len() as u64),
            Self::File { from, size, .. } => Some(size.saturating_sub(*from)),
            Self::Stdin => None,
        }
    }

    /// Where its bytes come from.
    pub(crate) fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::None => Box::new(std::io::empty()),
            Self::Data(bytes) | Self::Form(_, bytes) => Box::new(bytes.as_slice()),
            Self::File { path, from, .. } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*from))?;
                Box::new(file)
            }
            Self::Stdin => Box::new(std::io::stdin()),
        })
    }
}

/// What is asked this time; redirects change it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) body: Body,
    /// The body is held back until the server has said how to log in.
    pub(crate) hold_body: bool,
    /// The value of `Authorization`, if there is one.
    pub(crate) authorization: Option<String>,
    pub(crate) proxy_authorization: Option<String>,
    /// Whether the request goes to a proxy that is not a tunnel.
    pub(crate) by_proxy: bool,
    pub(crate) range: Option<String>,
    pub(crate) cookies: Option<String>,
    pub(crate) referrer: Option<String>,
    /// Whether headers that tell who one is may go to this host.
    pub(crate) trusted: bool,
    pub(crate) http10: bool,
}

/// A head, and what has to be known about it.
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) chunked: bool,
    pub(crate) expects: bool,
}

fn name(header: &str) -> &str {
    header.split([':', ';']).next().unwrap_or_default()
}

/// A header of one's own; nothing when there is none, an empty text when it takes curl's away.
pub(crate) fn own<'a>(headers: &'a [String], wanted: &str) -> Option<&'a str> {
    let found = headers
        .iter()
        .find(|header| name(header).eq_ignore_ascii_case(wanted))?;
    Some(found.split_once(':').map_or("", |(_, value)| value.trim()))
}

/// Writes the head.
///
/// # Errors
/// When a body of unknown length is to go to a server of HTTP 1.0.
pub(crate) fn write(ask: &Ask, operation: &Operation) -> Result<Written, Failure> {
    let headers = &operation.headers;
    let has = |wanted: &str| own(headers, wanted).is_some();
    let target = match &operation.request_target {
        Some(target) => target.clone(),
        None if ask.by_proxy => ask.url.plain(),
        None => ask.url.target.clone(),
    };
    let minor = u8::from(!ask.http10);
    let mut text = format!("{} {target} HTTP/1.{minor}\r\n", ask.method);
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\r\n"));
    // A Host of one's own keeps the place of curl's, and is not for hosts that a redirect names.
    match own(headers, "Host").filter(|_| ask.trusted) {
        Some("") => {}
        Some(host) => line("Host", host),
        None => line("Host", &ask.url.authority()),
    }
    if let Some(value) = &ask.proxy_authorization {
        line("Proxy-Authorization", value);
    }
    if let Some(value) = &ask.authorization {
        line("Authorization", value);
    }
    if let Some(range) = &ask.range
        && !has("Range")
    {
        match ask.body {
            Body::None => line("Range", &format!("bytes={range}")),
            Body::File { from, size, .. } if from > 0 => line(
                "Content-Range",
                &format!("bytes {from}-{}/{size}", size.saturating_sub(1)),
            ),
            _ => {}
        }
    }
    match operation.agent.as_deref() {
        _ if has("User-Agent") => {}
        Some("") => {}
        Some(agent) => line("User-Agent", agent),
        None => line("User-Agent", &format!("curl/{VERSION}")),
    }
    if !has("Accept") && !operation.json {
        line("Accept", "*/*");
    }
    if operation.compressed && !has("Accept-Encoding") {
        line("Accept-Encoding", coding::ACCEPTED);
    }
    if let Some(referrer) = &ask.referrer
        && !has("Referer")
    {
        line("Referer", referrer);
    }
    if ask.by_proxy
        && !has("Proxy-Connection")
        && own(&operation.proxy_headers, "Proxy-Connection").is_none()
    {
        line("Proxy-Connection", "Keep-Alive");
    }
    let (chunked, refused) = chunking(ask, operation);
    if chunked && !has("Transfer-Encoding") {
        line("Transfer-Encoding", "chunked");
    }
    if let Some(cookies) = &ask.cookies {
        line("Cookie", cookies);
    }
    if let Some(condition) = &operation.condition {
        let name = if condition.older {
            "If-Unmodified-Since"
        } else {
            "If-Modified-Since"
        };
        if !has(name) {
            line(name, &date::http(condition.unix));
        }
    }
    if refused {
        return Err(Failure::new(
            25,
            "Chunky upload is not supported by HTTP 1.0",
        ));
    }
    text.push_str(&custom(ask, operation));
    let expects = finish(&mut text, ask, operation, chunked);
    text.push_str("\r\n");
    Ok(Written {
        text,
        chunked,
        expects,
    })
}

/// Whether the body goes in chunks, and whether it cannot.
fn chunking(ask: &Ask, operation: &Operation) -> (bool, bool) {
    if ask.hold_body {
        return (false, false);
    }
    let asked = own(&operation.headers, "Transfer-Encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let body = ask.body != Body::None;
    let unknown = ask.body.size().is_none() && own(&operation.headers, "Content-Length").is_none();
    let chunked = body && (asked || unknown);
    (chunked && !ask.http10, chunked && ask.http10)
}

/// The headers of one's own.
fn custom(ask: &Ask, operation: &Operation) -> String {
    let mut text = String::new();
    let mut all = operation.headers.clone();
    if operation.json {
        for (name, line) in [
            ("Content-Type", "Content-Type: application/json"),
            ("Accept", "Accept: application/json"),
        ] {
            if own(&operation.headers, name).is_none() {
                all.push(line.to_owned());
            }
        }
    }
    if ask.by_proxy {
        all.extend(operation.proxy_headers.iter().cloned());
    }
    for header in &all {
        let is = |wanted: &str| name(header).eq_ignore_ascii_case(wanted);
        if is("Host") && (ask.trusted || own(&operation.headers, "Host").is_some()) {
            continue;
        }
        if is("Content-Type") && matches!(ask.body, Body::Form(..)) {
            continue;
        }
        if is("Content-Length") && ask.hold_body {
            continue;
        }
        if (is("Authorization") || is("Cookie")) && !ask.trusted {
            continue;
        }
        match header.split_once(':') {
            Some((_, value)) if !value.trim().is_empty() => {
                text.push_str(&format!("{header}\r\n"));
            }
            Some(_) => {}
            None => {
                if let Some(name) = header.trim_end().strip_suffix(';') {
                    text.push_str(&format!("{name}:\r\n"));
                }
            }
        }
    }
    text
}

/// What is said about the body; whether the server is asked to agree to it first.
fn finish(text: &mut String, ask: &Ask, operation: &Operation, chunked: bool) -> bool {
    let headers = &operation.headers;
    let has = |wanted: &str| own(headers, wanted).is_some();
    if ask.body == Body::None {
        return false;
    }
    let size = if ask.hold_body {
        Some(0)
    } else {
        ask.body.size()
    };
    if let Some(size) = size
        && !chunked
        && (!has("Content-Length") || ask.hold_body)
    {
        text.push_str(&format!("Content-Length: {size}\r\n"));
    }
    match &ask.body {
        Body::Data(_) if !has("Content-Type") && !operation.json => {
            text.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
        Body::Form(kind, _) => {
            // A type of one's own keeps the boundary.
            let boundary = kind.split_once("; ").map_or("", |(_, boundary)| boundary);
            match own(headers, "Content-Type") {
                Some(own) if !own.is_empty() => {
                    text.push_str(&format!("Content-Type: {own}; {boundary}\r\n"));
                }
                _ => text.push_str(&format!("Content-Type: {kind}\r\n")),
            }
        }
        _ => {}
    }
    if let Some(own) = own(headers, "Expect") {
        return own.eq_ignore_ascii_case("100-continue");
    }
    let large = match (&ask.body, size) {
        (_, None) => true,
        (Body::File { .. }, Some(size)) => size > 0,
        (_, Some(size)) => size > EXPECT_FROM,
    };
    let expects = large && !ask.http10;
    if expects {
        text.push_str("Expect: 100-continue\r\n");
    }
    expects
}
