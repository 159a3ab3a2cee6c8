//! HTTP/1.1 of our own size: one connection that is kept, bodies whole or as they come, and the way out to a WebSocket.
//!
//! It knows no Kubernetes and follows no redirects. Response heads are parsed by `httparse`.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use crate::io::{Connect, Stream, Tls};

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// A path before every request's, without a slash at its end.
    pub(crate) base: String,
}

impl Address {
    /// Reads `http://host:port/base`; without a scheme it is plain HTTP.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (tls, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return None,
            None => (false, url),
        };
        let (authority, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Some(Self {
            tls,
            host,
            port,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// One request; `path` includes the query.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Vec<u8>,
}

/// The head of a response.
#[derive(Debug, Default, Clone)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The values of a header, whose name is given in lower case.
    pub(crate) fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .any(|value| value.to_ascii_lowercase().contains(word))
    }
}

/// The words of a status, as Go's HTTP library has them.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

enum Framing {
    Length(usize),
    Chunked { left: usize, ended: bool },
    UntilClose,
}

/// A connection with what has been read and not used yet.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    framing: Framing,
    keep: bool,
}

impl Connection {
    pub(crate) fn open(
        connect: &mut dyn Connect,
        address: &Address,
        tls: &Tls,
    ) -> io::Result<Self> {
        let tls = address.tls.then_some(tls);
        let stream = connect.connect(&address.host, address.port, tls)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            framing: Framing::Length(0),
            keep: true,
        })
    }

    /// Sends a request and reads the head of its answer.
    pub(crate) fn send(&mut self, address: &Address, request: &Request) -> io::Result<Head> {
        let mut head = format!(
            "{} {}{} HTTP/1.1\r\nHost: {}\r\n",
            request.method,
            address.base,
            request.path,
            address.authority()
        );
        for (name, value) in &request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !request.body.is_empty() || matches!(request.method, "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
        }
        head.push_str("\r\n");
        let mut message = head.into_bytes();
        message.extend_from_slice(&request.body);
        self.stream.write_all(&message)?;
        self.stream.flush()?;
        loop {
            let head = self.read_head()?;
            if !(100..200).contains(&head.status) || head.status == 101 {
                self.begin(request.method, &head);
                return Ok(head);
            }
        }
    }

    fn read_head(&mut self) -> io::Result<Head> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response
                .parse(&self.buffer)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
            if let httparse::Status::Complete(length) = parsed {
                let head = Head {
                    status: response.code.unwrap_or_default(),
                    headers: response
                        .headers
                        .iter()
                        .map(|h| {
                            (
                                h.name.to_ascii_lowercase(),
                                String::from_utf8_lossy(h.value).into_owned(),
                            )
                        })
                        .collect(),
                };
                self.buffer.drain(..length);
                return Ok(head);
            }
            if self.fill()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn begin(&mut self, method: &str, head: &Head) {
        let length = head
            .all("content-length")
            .next()
            .and_then(|value| value.trim().parse().ok());
        self.framing = if method == "HEAD" || matches!(head.status, 101 | 204 | 304) {
            Framing::Length(0)
        } else if head.has("transfer-encoding", "chunked") {
            Framing::Chunked {
                left: 0,
                ended: false,
            }
        } else {
            length.map_or(Framing::UntilClose, Framing::Length)
        };
        self.keep =
            !head.has("connection", "close") && !matches!(self.framing, Framing::UntilClose);
    }

    /// Whether another request may follow once the body is read.
    pub(crate) fn keeps(&self) -> bool {
        self.keep
    }

    /// From now on a read that would wait says so.
    pub(crate) fn set_nonblocking(&mut self, on: bool) -> io::Result<()> {
        self.stream.set_nonblocking(on)
    }

    /// The next piece of the body, empty at its end.
    pub(crate) fn read_body(&mut self) -> io::Result<Vec<u8>> {
        match self.framing {
            Framing::Length(0) | Framing::Chunked { ended: true, .. } => Ok(Vec::new()),
            Framing::Length(left) => {
                let piece = self.take(left)?;
                if piece.is_empty() {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                self.framing = Framing::Length(left - piece.len());
                Ok(piece)
            }
            Framing::UntilClose => self.take(usize::MAX),
            Framing::Chunked { left: 0, .. } => self.next_chunk(),
            Framing::Chunked { left, .. } => self.chunk_piece(left),
        }
    }

    /// The whole body.
    pub(crate) fn read_all(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let piece = self.read_body()?;
            if piece.is_empty() {
                return Ok(body);
            }
            body.extend_from_slice(&piece);
        }
    }

    fn next_chunk(&mut self) -> io::Result<Vec<u8>> {
        let size = loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((start, size))) => {
                    self.buffer.drain(..start);
                    break usize::try_from(size).map_err(|_| ErrorKind::InvalidData)?;
                }
                Ok(httparse::Status::Partial) => {
                    if self.fill()? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(_) => return Err(ErrorKind::InvalidData.into()),
            }
        };
        if size == 0 {
            self.end_chunks();
            return Ok(Vec::new());
        }
        // The chunk's own line end is counted with it and cut off when it comes.
        self.framing = Framing::Chunked {
            left: size + 2,
            ended: false,
        };
        self.chunk_piece(size + 2)
    }

    fn chunk_piece(&mut self, left: usize) -> io::Result<Vec<u8>> {
        let mut left = left;
        loop {
            let mut piece = self.take(left)?;
            if piece.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let content = left.saturating_sub(2).min(piece.len());
            left -= piece.len();
            self.framing = Framing::Chunked { left, ended: false };
            piece.truncate(content);
            if !piece.is_empty() {
                return Ok(piece);
            }
            if left == 0 {
                return self.next_chunk();
            }
        }
    }

    /// Trailers are read if they are here already; a server that sends none sends one empty line.
    fn end_chunks(&mut self) {
        self.framing = Framing::Chunked {
            left: 0,
            ended: true,
        };
        while self.keep && !self.buffer.starts_with(b"\r\n") {
            if !matches!(self.fill(), Ok(count) if count > 0) {
                self.keep = false;
            }
        }
        if self.keep {
            self.buffer.drain(..2);
        }
    }

    fn take(&mut self, most: usize) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        let count = most.min(self.buffer.len());
        Ok(self.buffer.drain(..count).collect())
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut piece = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut piece) {
                Ok(count) => {
                    self.buffer.extend_from_slice(&piece[..count]);
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The stream and what was read ahead, after `101 Switching Protocols`.
    pub(crate) fn into_parts(self) -> (Box<dyn Stream>, Vec<u8>) {
        (self.stream, self.buffer)
    }
}

/// Bytes of a path segment or query value that need no escape.
pub(crate) fn escape(text: &str, space_as_plus: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte as char)
            }
            b' ' if space_as_plus => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `?a=b&c=d`, or nothing.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut sorted: Vec<&(&str, &str)> = pairs.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let parts: Vec<String> = sorted
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(value, true)))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("?{}", parts.join("&"))
    }
}

/// How long to sleep between two looks at a stream that must not be waited for.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    struct Script(io::Cursor<Vec<u8>>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // Small pieces, so that every boundary is crossed.
            let most = buffer.len().min(3);
            self.0.read(&mut buffer[..most])
        }
    }

    impl Write for Script {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Stream for Script {
        fn set_nonblocking(&mut self, _: bool) -> io::Result<()> {
            Ok(())
        }
    }

    fn connection(text: &str) -> Connection {
        let stream = Box::new(Script(io::Cursor::new(text.as_bytes().to_vec())));
        Connection {
            stream,
            buffer: Vec::new(),
            framing: Framing::Length(0),
            keep: true,
        }
    }

    #[test]
    fn two_answers_come_over_one_connection_in_any_pieces() {
        let mut connection = connection(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        );
        let address = Address::parse("http://x:1").expect("valid");
        let request = Request {
            method: "GET",
            path: "/".to_owned(),
            ..Request::default()
        };
        assert_eq!(
            connection.send(&address, &request).expect("head").status,
            200
        );
        assert_eq!(connection.read_all().expect("body"), b"hello world");
        assert!(connection.keeps());
        assert_eq!(
            connection.send(&address, &request).expect("head").status,
            404
        );
        assert_eq!(connection.read_all().expect("body"), b"no");
    }

    #[test]
    fn addresses_have_default_ports() {
        let address = Address::parse("http://lab/k8s/").expect("valid");
        assert_eq!((address.port, address.base.as_str()), (80, "/k8s"));
        assert_eq!(
            Address::parse("https://[::1]:6443").expect("valid").host,
            "::1"
        );
    }

    #[test]
    fn queries_are_sorted_and_escaped_as_go_does() {
        assert_eq!(
            query(&[("watch", "true"), ("fieldSelector", "a=b,c d")]),
            "?fieldSelector=a%3Db%2Cc+d&watch=true"
        );
    }
}
