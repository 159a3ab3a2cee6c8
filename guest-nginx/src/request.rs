//! The head of an HTTP request: found in bytes as they come, and understood the way nginx does.
//! It reads no body and answers nothing; what cannot be understood becomes a `Reject`.

use crate::uri;

/// The longest request line or header line, as nginx's `large_client_header_buffers 4 8k`.
const MAX_LINE: usize = 8 * 1024;
/// The longest head.
const MAX_HEAD: usize = 4 * MAX_LINE;
/// How many header lines a head may have.
const MAX_HEADERS: usize = 256;

/// The version a request was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// One line, answered without a head.
    Http09,
    /// Connections close unless asked to stay.
    Http10,
    /// Connections stay unless asked to close.
    Http11,
}

/// How the body that follows ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The request line without its end, as it came.
    pub line: Vec<u8>,
    /// The method, upper case.
    pub method: String,
    /// The target as it came, without scheme and authority.
    pub target: String,
    /// The path, decoded and without dots.
    pub path: String,
    /// What follows the question mark.
    pub query: Option<String>,
    /// The version.
    pub version: Version,
    /// The host asked for, lower case, without port; empty when none was named.
    pub host: String,
    /// The headers in order, names lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whether the client wants the connection to stay.
    pub keep_alive: bool,
    /// What follows the head.
    pub framing: Framing,
}

impl Request {
    /// The first header of that (lower case) name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The same as text; nothing when it is not UTF-8.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.header(name)
            .and_then(|value| std::str::from_utf8(value).ok())
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
    pub fn find(&mut self, bytes: &[u8]) -> Result<Option<std::ops::Range<usize>>, Reject> {
        while let Some(offset) = bytes[self.seen..].iter().position(|byte| *byte == b'\n') {
            let end = self.seen + offset;
            let line = trim_cr(&bytes[self.line..end]);
            self.limit(bytes, line.len())?;
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
        }
        self.seen = bytes.len();
        self.limit(bytes, bytes.len() - self.line)?;
        let first = &bytes[self.start..];
        if self.lines == 0 && !trim_cr(first).is_empty() && !starts_like_a_method(first) {
            return Err(self.reject(
                bytes,
                400,
                "client sent invalid method while reading client request line",
            ));
        }
        Ok(None)
    }

    fn limit(&self, bytes: &[u8], line: usize) -> Result<(), Reject> {
        if self.start > MAX_HEAD {
            return Err(self.reject(bytes, 400, "client sent nothing but empty lines"));
        }
        if self.lines == 0 && line > MAX_LINE {
            return Err(self.reject(
                bytes,
                414,
                "client sent too long URI while reading client request line",
            ));
        }
        if line > MAX_LINE
            || bytes.len().min(self.line + line) - self.start > MAX_HEAD
            || self.lines > MAX_HEADERS
        {
            return Err(self.reject(
                bytes,
                494,
                "client sent too long header line while reading client request headers",
            ));
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
            line: trim_cr(&head[..end.min(MAX_LINE)]).to_vec(),
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

/// Understands a head that `Finder` found, its empty last line included.
pub fn parse(head: &[u8]) -> Result<Request, Reject> {
    let mut lines = head.split(|byte| *byte == b'\n').map(trim_cr);
    let line = lines.next().unwrap_or_default();
    let reject = |status, reason| Reject {
        status,
        line: line.to_vec(),
        reason,
    };
    let first = request_line(line).map_err(|(status, reason)| reject(status, reason))?;
    let mut request = first;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(header) = header(line).map_err(|reason| reject(400, reason))? {
            request.headers.push(header);
        }
    }
    if request.version > Version::Http09 {
        meaning(&mut request).map_err(|(status, reason)| reject(status, reason))?;
    }
    Ok(request)
}

type Refusal = (u16, &'static str);

fn request_line(line: &[u8]) -> Result<Request, Refusal> {
    const INVALID: Refusal = (
        400,
        "client sent invalid request while reading client request line",
    );
    let mut words = line
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let method = words.next().unwrap_or_default();
    if method.is_empty() || !method.iter().all(|byte| is_method_byte(*byte)) {
        return Err((
            400,
            "client sent invalid method while reading client request line",
        ));
    }
    let target = words.next().ok_or(INVALID)?;
    let version = match words.next() {
        None if is_http09(line) => Version::Http09,
        None => return Err(INVALID),
        Some(word) => version(word)?,
    };
    let target = std::str::from_utf8(target).map_err(|_| INVALID)?;
    if words.next().is_some() || target.bytes().any(|byte| byte < 0x21 || byte == 0x7f) {
        return Err(INVALID);
    }
    let (authority, target) = uri::split_authority(target).ok_or(INVALID)?;
    let (path, query) = uri::split_query(target);
    Ok(Request {
        line: line.to_vec(),
        method: String::from_utf8_lossy(method).into_owned(),
        path: uri::normalize(path).ok_or(INVALID)?,
        query: query.map(str::to_owned),
        target: target.to_owned(),
        version,
        host: host_name(authority.unwrap_or_default())
            .ok_or((400, "client sent invalid host in request line"))?,
        headers: Vec::new(),
        keep_alive: false,
        framing: Framing::Length(0),
    })
}

fn version(word: &[u8]) -> Result<Version, Refusal> {
    const INVALID: Refusal = (
        400,
        "client sent invalid request while reading client request line",
    );
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
        (1, _) => Ok(Version::Http11),
        (0, _) => Err(INVALID),
        _ => Err((
            505,
            "client sent invalid version while reading client request line",
        )),
    }
}

/// One header line; nothing for a line without a colon, which nginx passes over.
fn header(line: &[u8]) -> Result<Option<(String, Vec<u8>)>, &'static str> {
    const INVALID: &str = "client sent invalid header line";
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        let odd = line.iter().any(|byte| *byte <= 0x20 || *byte == 0x7f);
        return if odd { Err(INVALID) } else { Ok(None) };
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty()
        || name.iter().any(|byte| *byte <= 0x20 || *byte == 0x7f)
        || value.contains(&0)
    {
        return Err(INVALID);
    }
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    if !name.iter().all(token) {
        // `ignore_invalid_headers on`: such names are dropped, underscores among them.
        return Ok(None);
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Ok(Some((name, trim_spaces(value).to_vec())))
}

/// nginx trims spaces and nothing else.
fn trim_spaces(value: &[u8]) -> &[u8] {
    let first = value
        .iter()
        .position(|byte| *byte != b' ')
        .unwrap_or(value.len());
    let last = value
        .iter()
        .rposition(|byte| *byte != b' ')
        .map_or(first, |last| last + 1);
    &value[first..last]
}

/// The headers that change how the connection goes on.
fn meaning(request: &mut Request) -> Result<(), Refusal> {
    let count = |name: &str| {
        request
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .count()
    };
    if count("host") > 1 || count("content-length") > 1 || count("transfer-encoding") > 1 {
        return Err((400, "client sent duplicate header line"));
    }
    match request.header_text("host") {
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
    request.framing = framing(request)?;
    let connection = request
        .header_text("connection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    request.keep_alive = match request.version {
        Version::Http11 => !connection.contains("close"),
        _ => connection.contains("keep-alive"),
    };
    if request.method == "TRACE" {
        return Err((405, "client sent TRACE method"));
    }
    if request.method == "CONNECT" {
        return Err((405, "client sent CONNECT method"));
    }
    Ok(())
}

fn framing(request: &Request) -> Result<Framing, Refusal> {
    let length = request.header("content-length");
    if let Some(coding) = request.header("transfer-encoding") {
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err((501, "client sent unknown \"Transfer-Encoding\""));
        }
        if length.is_some() || request.version < Version::Http11 {
            return Err((400, "client sent \"Transfer-Encoding\" it may not"));
        }
        return Ok(Framing::Chunked);
    }
    let Some(length) = length else {
        return Ok(Framing::Length(0));
    };
    let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(length)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse().ok());
    // A length of i64 or more is no length to nginx either.
    let number = number.filter(|number| i64::try_from(*number).is_ok());
    number
        .map(Framing::Length)
        .ok_or((400, "client sent invalid \"Content-Length\" header"))
}

/// The host of `host:port` in lower case, without a dot at its end; nothing when it is no host.
fn host_name(text: &str) -> Option<String> {
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
