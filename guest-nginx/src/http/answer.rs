//! The head of an answer from a server behind us: found in bytes and taken apart.
//! It judges only what a proxy must: status, framing and names; the body is `body`'s.

use super::body::Body;

/// The longest head of an answer, whatever buffers are configured.
const MAX_HEAD: usize = 64 * 1024;

/// A head that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What stood behind the status.
    pub reason: String,
    /// Names as they came, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whether it was HTTP/1.1 or later.
    pub modern: bool,
}

/// Why it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The first line is none of HTTP.
    StatusLine,
    /// A header line is broken.
    Header,
    /// It is larger than a buffer.
    TooBig,
}

/// The head at the front of these bytes and where the body begins; nothing while it is incomplete.
/// An answer without a status line is one of HTTP/0.9: all of it is body.
pub fn parse(bytes: &[u8], buffer: usize) -> Result<Option<(Answer, usize)>, Bad> {
    let mut lines = Lines { bytes, at: 0 };
    let limit = buffer.min(MAX_HEAD);
    let incomplete = || {
        if bytes.len() >= limit {
            Err(Bad::TooBig)
        } else {
            Ok(None)
        }
    };
    if !b"HTTP/".starts_with(&bytes[..bytes.len().min(5)]) && !bytes.starts_with(b"HTTP/") {
        return Err(Bad::StatusLine);
    }
    let Some(first) = lines.next() else {
        return incomplete();
    };
    let mut answer = status_line(first).ok_or(Bad::StatusLine)?;
    loop {
        let Some(line) = lines.next() else {
            return incomplete();
        };
        if line.is_empty() {
            return Ok(Some((answer, lines.at)));
        }
        answer.headers.push(header(line).ok_or(Bad::Header)?);
    }
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += end + 1;
        let line = &rest[..end];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

fn status_line(line: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(line);
    let rest = text.strip_prefix("HTTP/")?;
    let (version, rest) = rest.split_once(' ')?;
    let (major, minor) = version.split_once('.')?;
    let major: u16 = major.parse().ok()?;
    let minor: u16 = minor.parse().ok()?;
    let rest = rest.trim_start_matches(' ');
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Answer {
        status: code.parse().ok()?,
        reason: reason.to_owned(),
        headers: Vec::new(),
        modern: (major, minor) >= (1, 1),
    })
}

fn header(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = &line[..colon];
    if name.is_empty() || name.iter().any(|byte| *byte <= 0x20 || *byte == 0x7f) {
        return None;
    }
    let value = line[colon + 1..].trim_ascii();
    if value.contains(&0) {
        return None;
    }
    Some((String::from_utf8_lossy(name).into_owned(), value.to_vec()))
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// How the body that follows ends, to a request that was (or was not) HEAD.
    pub fn body(&self, head: bool) -> Result<Body, Bad> {
        if head || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Body::Length(0));
        }
        if let Some(coding) = self.header("transfer-encoding") {
            return if coding.eq_ignore_ascii_case(b"chunked") {
                Ok(Body::chunked())
            } else {
                Err(Bad::Header)
            };
        }
        let Some(length) = self.header("content-length") else {
            return Ok(Body::ToEnd);
        };
        let text = std::str::from_utf8(length).map_err(|_| Bad::Header)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Body::Length(number)),
            _ => Err(Bad::Header),
        }
    }

    /// Whether the connection may be used again.
    pub fn keeps(&self) -> bool {
        let connection = self.header("connection").unwrap_or_default();
        let says = |word: &str| {
            connection
                .split(|byte| *byte == b',')
                .any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        };
        if self.modern {
            !says("close")
        } else {
            says("keep-alive")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_understood_once_it_is_complete() {
        let text = b"HTTP/1.1 404 Not  Found\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok";
        for end in 0..text.len() - 2 {
            assert_eq!(parse(&text[..end], 4096), Ok(None), "{end}");
        }
        let (answer, at) = parse(text, 4096).expect("sense").expect("complete");
        assert_eq!((answer.status, answer.reason.as_str()), (404, "Not  Found"));
        assert_eq!(&text[at..], b"ok");
        assert_eq!(answer.body(false), Ok(Body::Length(2)));
        assert!(answer.keeps());
    }

    #[test]
    fn what_is_no_http_is_told_apart_at_once() {
        assert_eq!(parse(b"SSH-2.0-x\r\n", 4096), Err(Bad::StatusLine));
        assert_eq!(parse(b"HTTP/1.1 abc x\r\n\r\n", 4096), Err(Bad::StatusLine));
        assert_eq!(
            parse(b"HTTP/1.1 200 OK\r\nbad\r\n\r\n", 4096),
            Err(Bad::Header)
        );
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(5000));
        assert_eq!(parse(long.as_bytes(), 4096), Err(Bad::TooBig));
    }
}
