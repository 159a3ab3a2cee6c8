//! A server that answers as its paths say, oddly where that is asked for. One thread for each
//! connection; it never judges a request, it shows it: `/echo` answers with the request's bytes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Raw answers by name, see `cases/replies.txt`.
const REPLIES: &str = include_str!("../cases/replies.txt");

type Counts = Arc<Mutex<BTreeMap<String, u32>>>;

/// Listens on a port of the loopback; the port.
pub(crate) fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || serve(&listener));
    port
}

/// Answers for ever.
pub(crate) fn serve(listener: &TcpListener) {
    let counts = Counts::default();
    for stream in listener.incoming().flatten() {
        let counts = counts.clone();
        thread::spawn(move || {
            let mut peer = Peer {
                stream,
                unread: Vec::new(),
                counts,
            };
            while peer.one().is_some() {}
        });
    }
}

struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
    counts: Counts,
}

impl Peer {
    fn fill(&mut self) -> Option<()> {
        let mut buffer = [0; 16384];
        match self.stream.read(&mut buffer) {
            Ok(count) if count > 0 => {
                self.unread.extend_from_slice(&buffer[..count]);
                Some(())
            }
            _ => None,
        }
    }

    fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            let found = self.unread.windows(end.len()).position(|w| w == end);
            if let Some(at) = found {
                return Some(self.unread.drain(..at + end.len()).collect());
            }
            self.fill()?;
        }
    }

    fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            self.fill()?;
        }
        Some(self.unread.drain(..count).collect())
    }

    /// The body's bytes as they came, framing and all.
    fn body(&mut self, head: &str) -> Option<Vec<u8>> {
        if let Some(length) = header(head, "content-length") {
            return self.exactly(length.parse().ok()?);
        }
        let mut raw = Vec::new();
        if header(head, "transfer-encoding").is_some() {
            loop {
                let line = self.until(b"\r\n")?;
                let text = String::from_utf8_lossy(&line).into_owned();
                let size = usize::from_str_radix(text.trim(), 16).ok()?;
                raw.extend(line);
                raw.extend(self.exactly(size + 2)?);
                if size == 0 {
                    break;
                }
            }
        }
        Some(raw)
    }

    /// One request; nothing when the connection is over.
    fn one(&mut self) -> Option<()> {
        let head = self.until(b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut words = text.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        if method == "CONNECT" {
            return self.tunnel(&text, &target);
        }
        let target = match target.strip_prefix("http://") {
            Some(rest) => rest[rest.find('/').unwrap_or(rest.len())..].to_owned(),
            None => target,
        };
        let expects = header(&text, "expect").is_some();
        if expects && target.contains("417") {
            return self.say(
                "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        if expects && !target.contains("mute") {
            self.say("HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = self.body(&text)?;
        let request = [head, body].concat();
        let path = target.split('?').next().unwrap_or_default();
        let mut parts = path.split('/').skip(1);
        let first = parts.next().unwrap_or_default();
        let rest = path.get(first.len() + 2..).unwrap_or_default().to_owned();
        self.answer(&method, first, &rest, &text, &request)
    }

    fn tunnel(&mut self, head: &str, target: &str) -> Option<()> {
        let to = match target {
            "refused.example:443" | "refused.example:80" => {
                self.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n")?;
                return None;
            }
            "login.example:80" if header(head, "proxy-authorization").is_none() => {
                self.say("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n")?;
                return None;
            }
            other => other,
        };
        let seen = head.replace("\r\n", "|");
        self.say(&format!(
            "HTTP/1.1 200 Connection established\r\nX-Seen: {seen}\r\n\r\n"
        ))?;
        // A name of the examples is this server itself; an address is really connected to.
        if to.contains(".example") {
            return Some(());
        }
        let mut far = TcpStream::connect(to).ok()?;
        let mut back = (far.try_clone().ok()?, self.stream.try_clone().ok()?);
        let pump = thread::spawn(move || {
            // Either side may go first.
            let _ = std::io::copy(&mut back.0, &mut back.1);
            let _ = back.1.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut self.stream, &mut far);
        let _ = far.shutdown(std::net::Shutdown::Write);
        let _ = pump.join();
        None
    }

    fn say(&mut self, text: &str) -> Option<()> {
        self.stream.write_all(text.as_bytes()).ok()
    }

    fn page(&mut self, status: &str, headers: &str, body: &[u8], method: &str) -> Option<()> {
        let length = body.len();
        self.say(&format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n"
        ))?;
        if method != "HEAD" {
            self.stream.write_all(body).ok()?;
        }
        Some(())
    }

    fn answer(
        &mut self,
        method: &str,
        first: &str,
        rest: &str,
        head: &str,
        request: &[u8],
    ) -> Option<()> {
        let text = "Content-Type: text/plain\r\n";
        match first {
            "reply" => self.reply(rest),
            "status" => self.page(rest.split('/').next()?, text, request, method),
            "size" => {
                let body = b"0123456789abcdef".repeat(1 + rest.parse::<usize>().ok()? / 16);
                self.page("200 OK", text, &body[..rest.parse().ok()?], method)
            }
            "moved" => {
                let (status, place) = rest.split_once('/')?;
                let place = place.replace("~", "/").replace("!", "?");
                self.page(
                    &format!("{status} Moved"),
                    &format!("Location: {place}\r\n"),
                    b"moved\n",
                    method,
                )
            }
            "basic" if header(head, "authorization").is_none() => self.page(
                "401 Unauthorized",
                "WWW-Authenticate: Basic realm=\"r\"\r\n",
                b"who\n",
                method,
            ),
            "digest" if header(head, "authorization").is_none() => {
                let ask = match rest {
                    "sha" => "realm=\"r s\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"",
                    "old" => "realm=\"r s\", nonce=\"abc\"",
                    "opaque" => {
                        "realm=\"r s\", nonce=\"abc\", qop=\"auth,auth-int\", opaque=\"o\", stale=FALSE"
                    }
                    _ => "realm=\"r s\", nonce=\"abc\", qop=\"auth\"",
                };
                let ask = format!("WWW-Authenticate: Digest {ask}\r\n");
                self.page("401 Unauthorized", &ask, b"who\n", method)
            }
            "zero" => {
                self.counts.lock().expect("no thread panics").clear();
                self.page("200 OK", text, b"", method)
            }
            // Fails as often as the second part says, then answers.
            "fails" => {
                let mut parts = rest.split('/');
                let (status, times) = (parts.next()?, parts.next()?.parse::<u32>().ok()?);
                let mut counts = self.counts.lock().expect("no thread panics");
                let seen = counts.entry(rest.to_owned()).or_default();
                *seen += 1;
                let now = *seen;
                drop(counts);
                if now > times {
                    return self.page("200 OK", text, format!("{now}\n").as_bytes(), method);
                }
                if status == "drop" {
                    return None;
                }
                let after = parts.next().map_or(String::new(), |seconds| {
                    format!("Retry-After: {seconds}\r\n")
                });
                self.page(&format!("{status} Later"), &after, b"later\n", method)
            }
            "part" => self.part(head, method),
            "slow" => {
                self.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")?;
                // Until the client has had enough.
                self.fill().and(None)
            }
            "silent" => {
                // Until the client has had enough.
                self.fill().and(None)
            }
            "close" => {
                self.page("200 OK", "Connection: close\r\n", request, method)?;
                None
            }
            _ => self.page("200 OK", text, request, method),
        }
    }

    /// A hundred bytes, of which a range may be asked.
    fn part(&mut self, head: &str, method: &str) -> Option<()> {
        let all: Vec<u8> = b"0123456789".repeat(10);
        let Some(range) = header(head, "range") else {
            return self.page("200 OK", "Accept-Ranges: bytes\r\n", &all, method);
        };
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        let from: usize = from.parse().ok()?;
        let to = to.parse::<usize>().unwrap_or(99).min(99);
        if from > 99 {
            return self.page(
                "416 Range Not Satisfiable",
                "Content-Range: bytes */100\r\n",
                b"",
                method,
            );
        }
        let headers = format!("Content-Range: bytes {from}-{to}/100\r\n");
        self.page("206 Partial Content", &headers, &all[from..=to], method)
    }

    /// A raw answer, after which the connection ends unless it is marked `keep`.
    fn reply(&mut self, name: &str) -> Option<()> {
        let bytes = self
            .stream
            .local_addr()
            .ok()
            .and_then(|own| reply(name, own.port()))?;
        self.stream.write_all(&bytes).ok()?;
        REPLIES
            .contains(&format!("=== {name} keep\n"))
            .then_some(())
    }
}

fn reply(name: &str, port: u16) -> Option<Vec<u8>> {
    let name = name.split('/').next()?;
    let block = REPLIES
        .split("=== ")
        .find(|block| block.split([' ', '\n']).next() == Some(name))?;
    let text = block.split_once('\n')?.1.trim_end_matches('\n');
    let text = text.replace("\\\n", "").replace('\n', "\r\n");
    let text = text.replace("@PORT@", &port.to_string());
    Some(unescape(&text))
}

/// `\n`, `\r`, `\0`, `\\` and `\xHH`.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b'0') => out.push(0),
            Some(b'x') => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                let digits = String::from_utf8_lossy(&digits).into_owned();
                out.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
            }
            other => out.extend(other),
        }
    }
    out
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}
