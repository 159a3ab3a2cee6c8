//! The head of an HTTP request: found in bytes as they come, and understood the way nginx does.
//! It reads no body and answers nothing; what cannot be understood becomes a `Reject`.

use std::ops::Range;

use super::body::Body;
use super::uri;

/// How many header lines a head may have.
const MAX_HEADERS: usize = 1000;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, as `large_client_header_buffers` says.
    pub line: usize,
    /// The longest head.
    pub head: usize,
    /// Whether names with underscores count.
    pub underscores: bool,
    /// Whether names with odd characters are passed over.
    pub ignore_invalid: bool,
    /// Whether doubled slashes are one.
    pub merge_slashes: bool,
}

impl Default for Limits {
    /// nginx's `large_client_header_buffers 4 8k`.
    fn default() -> Self {
        Self {
            line: 8 * 1024,
            head: 33 * 1024,
            underscores: false,
            ignore_invalid: true,
            merge_slashes: true,
        }
    }
}

/// The version a request was made in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// One line, answered without a head.
    Http09,
    /// Connections close unless asked to stay.
    #[default]
    Http10,
    /// Connections stay unless asked to close.
    Http11,
}

type Span = Range<usize>;

/// The head of a request. Its parts are places in the bytes that came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    bytes: Vec<u8>,
    line: Span,
    method: Span,
    target: Span,
    query: Option<Span>,
    headers: Vec<(Span, Span)>,
    /// The path, decoded and without dots.
    pub path: String,
    /// The version.
    pub version: Version,
    /// The host asked for, lower case, without port; empty when none was named.
    pub host: String,
    /// Whether the client wants the connection to stay.
    pub keep_alive: bool,
    /// What follows the head; nothing when there is no body.
    pub body: Option<Body>,
    /// How many bytes the head has.
    pub size: usize,
}

impl Request {
    fn at(&self, span: &Span) -> &[u8] {
        self.bytes.get(span.clone()).unwrap_or_default()
    }

    /// The request line without its end, as it came.
    pub fn line(&self) -> &[u8] {
        self.at(&self.line)
    }

    /// The method.
    pub fn method(&self) -> &str {
        std::str::from_utf8(self.at(&self.method)).unwrap_or_default()
    }

    /// The target as it came, without scheme and authority.
    pub fn target(&self) -> &[u8] {
        self.at(&self.target)
    }

    /// What follows the question mark.
    pub fn query(&self) -> Option<&[u8]> {
        self.query.as_ref().map(|span| self.at(span))
    }

    /// The headers in order, names as they came.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let pairs = self.headers.iter();
        pairs.map(|(name, value)| (self.at(name), self.at(value)))
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers()
            .find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The same as text; nothing when it is not UTF-8.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.header(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The length of the body, where it is said.
    pub fn length(&self) -> Option<u64> {
        match self.body {
            Some(Body::Length(length)) => Some(length),
            _ => None,
        }
    }

    /// Whether it is asked for a head only.
    pub fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }
}

/// A request that cannot be served: the status, and the request line if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The status, or 494 for a head that is too large, as nginx calls it inside.
    pub status: u16,
    /// The request line as far as it came.
    pub line: Vec<u8>,
    /// What the error log says at level info.
    pub reason: &'static str,
}

/// Finds the end of a head in bytes that arrive in pieces, looking at each byte once.
#[derive(Debug, Default)]
pub struct Finder {
    seen: usize,
    start: usize,
    line: usize,
    lines: usize,
}

impl Finder {
    /// Where the head ends in `bytes`, which are all that came so far; nothing while it is incomplete.
    pub fn find(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<Span>, Reject> {
        while let Some(offset) = bytes[self.seen..].iter().position(|byte| *byte == b'\n') {
            let end = self.seen + offset;
            let line = trim_cr(&bytes[self.line..end]);
            self.limit(bytes, line.len(), limits)?;
            self.seen = end + 1;
            self.line = end + 1;
            if line.is_empty() && self.lines == 0 {
                self.start = end + 1;
                continue;
            }
            self.lines += 1;
            if line.is_empty() || (self.lines == 1 && is_http09(line)) {
                return Ok(Some(self.start..end + 1));
            }
            if self.lines == 1 {
                self.sense(bytes, line)?;
            }
        }
        self.seen = bytes.len();
        self.limit(bytes, bytes.len() - self.line, limits)?;
        let first = &bytes[self.start..];
        if self.lines == 0 && !trim_cr(first).is_empty() && !starts_like_a_method(first) {
            return Err(self.reject(bytes, 400, METHOD.1));
        }
        Ok(None)
    }

    /// The first line is judged when it ends, before the headers have come.
    fn sense(&self, bytes: &[u8], line: &[u8]) -> Result<(), Reject> {
        match request_line(line, 0) {
            Ok(_) => Ok(()),
            Err((status, reason)) => Err(self.reject(bytes, status, reason)),
        }
    }

    fn limit(&self, bytes: &[u8], line: usize, limits: &Limits) -> Result<(), Reject> {
        if self.start > limits.head {
            return Err(self.reject(bytes, 400, "client sent nothing but empty lines"));
        }
        if self.lines == 0 && line >= limits.line {
            let reason = "client sent too long URI while reading client request line";
            return Err(self.reject(bytes, 414, reason));
        }
        if line >= limits.line
            || bytes.len().min(self.line + line) - self.start > limits.head
            || self.lines > MAX_HEADERS
        {
            let reason = "client sent too long header line while reading client request headers";
            return Err(self.reject(bytes, 494, reason));
        }
        Ok(())
    }

    fn reject(&self, bytes: &[u8], status: u16, reason: &'static str) -> Reject {
        let head = &bytes[self.start..];
        let end = head
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(head.len());
        Reject {
            status,
            line: trim_cr(&head[..end.min(8192)]).to_vec(),
            reason,
        }
    }
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'_' || byte == b'-'
}

fn starts_like_a_method(line: &[u8]) -> bool {
    let word = line
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(line.len());
    word > 0 && line[..word].iter().all(|byte| is_method_byte(*byte))
}

fn is_http09(line: &[u8]) -> bool {
    line.starts_with(b"GET /") && line.iter().filter(|byte| **byte == b' ').count() == 1
}

type Refusal = (u16, &'static str);

const INVALID: Refusal = (
    400,
    "client sent invalid request while reading client request line",
);
const METHOD: Refusal = (
    400,
    "client sent invalid method while reading client request line",
);

/// Understands a head that `Finder` found, its empty last line included.
pub fn parse(head: &[u8], limits: &Limits) -> Result<Request, Reject> {
    let end = head
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(head.len());
    let line = trim_cr(&head[..end]);
    let reject = |(status, reason)| Reject {
        status,
        line: line.to_vec(),
        reason,
    };
    let mut request = begin(line, limits).map_err(reject)?;
    request.bytes = head.to_vec();
    request.size = head.len();
    let mut at = end + 1;
    while at < head.len() {
        let rest = &head[at..];
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        let line = trim_cr(&rest[..end]);
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = header(line, limits).map_err(|why| reject((400, why)))? {
            let place = |span: Span| span.start + at..span.end + at;
            request.headers.push((place(name), place(value)));
        }
        at += end + 1;
    }
    if request.version > Version::Http09 {
        meaning(&mut request).map_err(reject)?;
    }
    Ok(request)
}

/// The parts of a request line: method, target, version.
fn request_line(line: &[u8], start: usize) -> Result<(Span, Span, Version), Refusal> {
    let mut at = 0;
    let mut word = || {
        while line.get(at) == Some(&b' ') {
            at += 1;
        }
        let from = at;
        while at < line.len() && line[at] != b' ' {
            at += 1;
        }
        from..at
    };
    let (method, target, version_word, more) = (word(), word(), word(), word());
    if method.start != 0
        || method.is_empty()
        || !line[method.clone()]
            .iter()
            .all(|byte| is_method_byte(*byte))
    {
        return Err(METHOD);
    }
    if target.is_empty() || !more.is_empty() {
        return Err(INVALID);
    }
    let odd = |byte: &u8| *byte < 0x21 || *byte == 0x7f;
    if line[target.clone()].iter().any(odd) {
        return Err(INVALID);
    }
    let version = match &line[version_word] {
        [] if is_http09(line) => Version::Http09,
        [] => return Err(INVALID),
        word => version(word)?,
    };
    let shift = |span: Span| span.start + start..span.end + start;
    Ok((shift(method), shift(target), version))
}

fn begin(line: &[u8], limits: &Limits) -> Result<Request, Refusal> {
    let (method, target, version) = request_line(line, 0)?;
    let (authority, cut) = uri::split_authority(&line[target.clone()]).ok_or(INVALID)?;
    let host = match authority {
        Some(name) => host_name(name).ok_or((400, "client sent invalid host in request line"))?,
        None => String::new(),
    };
    // A target without a path means the root; its place is then the empty one at its end.
    let target = target.start + cut..target.end;
    let text = &line[target.clone()];
    let (path, query) = uri::split_query(text);
    let path = if path.is_empty() { b"/" } else { path };
    Ok(Request {
        line: 0..line.len(),
        method,
        path: uri::normalize(path, limits.merge_slashes).ok_or(INVALID)?,
        query: query.map(|span| span.start + target.start..span.end + target.start),
        target,
        version,
        host,
        ..Request::default()
    })
}

fn version(word: &[u8]) -> Result<Version, Refusal> {
    let numbers = word
        .strip_prefix(b"HTTP/")
        .and_then(|text| std::str::from_utf8(text).ok())
        .ok_or(INVALID)?;
    let (major, minor) = numbers.split_once('.').ok_or(INVALID)?;
    let digits = |text: &str| -> Option<u16> {
        (text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    match (digits(major).ok_or(INVALID)?, digits(minor).ok_or(INVALID)?) {
        (1, 0) => Ok(Version::Http10),
        (1, 0..=99) => Ok(Version::Http11),
        (0 | 1, _) => Err(INVALID),
        _ => Err((
            505,
            "client sent invalid version while reading client request line",
        )),
    }
}

/// One header line as places in it; nothing for one that nginx passes over.
fn header(line: &[u8], limits: &Limits) -> Result<Option<(Span, Span)>, &'static str> {
    const INVALID: &str = "client sent invalid header line";
    let colon = line.iter().position(|byte| *byte == b':');
    let name = &line[..colon.unwrap_or(line.len())];
    if name.is_empty() || name.iter().any(|byte| *byte <= 0x20 || *byte == 0x7f) {
        return Err(INVALID);
    }
    let start = colon.map_or(line.len(), |at| at + 1);
    let value = &line[start..];
    if value.contains(&0) {
        return Err(INVALID);
    }
    let token = |byte: &u8| {
        byte.is_ascii_alphanumeric() || *byte == b'-' || (*byte == b'_' && limits.underscores)
    };
    if limits.ignore_invalid && !name.iter().all(token) {
        return Ok(None);
    }
    // nginx trims spaces and nothing else.
    let first = value.iter().position(|byte| *byte != b' ');
    let first = first.unwrap_or(value.len());
    let last = value.iter().rposition(|byte| *byte != b' ');
    let last = last.map_or(first, |last| last + 1);
    Ok(Some((0..name.len(), start + first..start + last)))
}

/// The headers that change how the connection goes on.
fn meaning(request: &mut Request) -> Result<(), Refusal> {
    let count = |name: &str| {
        let same = |(other, _): &(&[u8], &[u8])| other.eq_ignore_ascii_case(name.as_bytes());
        request.headers().filter(same).count()
    };
    if count("host") > 1 || count("content-length") > 1 || count("transfer-encoding") > 1 {
        return Err((400, "client sent duplicate header line"));
    }
    match request.header("host") {
        Some(host) => {
            let name = host_name(host).filter(|name| !name.is_empty());
            let name = name.ok_or((400, "client sent invalid host header"))?;
            if request.host.is_empty() {
                request.host = name;
            }
        }
        None if request.version == Version::Http11 => {
            return Err((400, "client sent HTTP/1.1 request without \"Host\" header"));
        }
        None => {}
    }
    request.body = framing(request)?;
    let connection = request.header("connection").unwrap_or_default();
    let says = |word: &[u8]| {
        connection
            .windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    };
    request.keep_alive = match request.version {
        Version::Http11 => !says(b"close"),
        _ => says(b"keep-alive") && !says(b"close"),
    };
    match request.method() {
        "TRACE" => Err((405, "client sent TRACE method")),
        "CONNECT" => Err((405, "client sent CONNECT method")),
        _ => Ok(()),
    }
}

fn framing(request: &Request) -> Result<Option<Body>, Refusal> {
    let length = request.header("content-length");
    if let Some(coding) = request.header("transfer-encoding") {
        if length.is_some() || request.version < Version::Http11 {
            return Err((400, "client sent \"Transfer-Encoding\" it may not"));
        }
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err((501, "client sent unknown \"Transfer-Encoding\""));
        }
        return Ok(Some(Body::chunked()));
    }
    let Some(length) = length else {
        return Ok(None);
    };
    let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(length)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse::<u64>().ok());
    // A length of i64 or more is no length to nginx either.
    let number = number.filter(|number| i64::try_from(*number).is_ok());
    let number = number.ok_or((400, "client sent invalid \"Content-Length\" header"))?;
    Ok((number > 0).then_some(Body::Length(number)))
}

/// The host of `host:port` in lower case, without a dot at its end; nothing when it is no host.
pub fn host_name(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let name = match text.strip_prefix('[') {
        Some(inner) => &text[..inner.find(']')? + 2],
        None => {
            let (name, port) = text.split_once(':').unwrap_or((text, ""));
            if !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            name
        }
    };
    let bad = |byte: u8| byte <= 0x20 || byte == 0x7f || byte == b'/' || byte == b'\\';
    if name.bytes().any(bad) || name.contains("..") || name.starts_with('.') {
        return None;
    }
    Some(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
}
