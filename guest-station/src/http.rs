//! One HTTP/1.1 exchange as a client, whole or as a stream. Never follows a redirect.

use crate::net::Stream;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddrV4;
use std::sync::OnceLock;

/// The largest answer that is read whole.
const BODY_MAX: u64 = 16 * 1024 * 1024;

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// What the server says went wrong.
    pub(crate) fn message(&self) -> String {
        match self.json()["message"].as_str() {
            Some(text) => text.to_owned(),
            None => String::from_utf8_lossy(&self.body).trim().to_owned(),
        }
    }
}

/// An answer whose body is still to be read.
pub(crate) struct Open {
    pub(crate) status: u16,
    length: Option<u64>,
    chunked: bool,
    reader: BufReader<Stream>,
}

/// What is said to the API server instead of showing a certificate.
pub(crate) static WORD: OnceLock<String> = OnceLock::new();

/// Sends a request and reads the whole answer.
pub(crate) fn ask(
    server: SocketAddrV4,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> io::Result<Answer> {
    let mut open = begin(server, method, path, body, false)?;
    let status = open.status;
    let mut body = Vec::new();
    open.each(|part| {
        body.extend_from_slice(part);
        Ok(())
    })?;
    Ok(Answer { status, body })
}

/// Sends a request and reads the answer's head; `upgrade` asks for the connection itself.
pub(crate) fn begin(
    server: SocketAddrV4,
    method: &str,
    path: &str,
    body: Option<&Value>,
    upgrade: bool,
) -> io::Result<Open> {
    let mut stream = Stream::connect(server)?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let connection = if upgrade {
        "Upgrade\r\nUpgrade: tcp"
    } else {
        "close"
    };
    let word = WORD.get().map_or_else(String::new, |word| {
        format!("Authorization: Bearer {word}\r\n")
    });
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {server}\r\n{word}Accept: application/json\r\nConnection: {connection}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let (mut length, mut chunked) = (None, false);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok(),
            "transfer-encoding" => chunked = value.contains("chunked"),
            _ => {}
        }
    }
    Ok(Open {
        status,
        length,
        chunked,
        reader,
    })
}

impl Open {
    /// Gives every part of the body as it comes.
    pub(crate) fn each(&mut self, mut give: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if matches!(self.status, 204 | 304) {
            return Ok(());
        }
        if self.chunked {
            return self.chunks(give);
        }
        let mut left = self.length.unwrap_or(BODY_MAX).min(BODY_MAX);
        let mut buffer = [0; 16 * 1024];
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let got = self.reader.read(&mut buffer[..most])?;
            if got == 0 {
                break;
            }
            left -= got as u64;
            give(&buffer[..got])?;
        }
        Ok(())
    }

    fn chunks(&mut self, mut give: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let size = line.trim().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            if size == 0 {
                return Ok(());
            }
            let mut chunk = vec![0; size.min(usize::try_from(BODY_MAX).unwrap_or(usize::MAX))];
            self.reader.read_exact(&mut chunk)?;
            give(&chunk)?;
            line.clear();
            self.reader.read_line(&mut line)?;
        }
    }

    /// The rest of the answer, whole.
    pub(crate) fn whole(mut self) -> io::Result<Answer> {
        let status = self.status;
        let mut body = Vec::new();
        self.each(|part| {
            body.extend_from_slice(part);
            Ok(())
        })?;
        Ok(Answer { status, body })
    }

    /// The connection itself, and what of it was read already.
    pub(crate) fn into_stream(self) -> (Stream, Vec<u8>) {
        let read = self.reader.buffer().to_vec();
        (self.reader.into_inner(), read)
    }
}

/// A value in a query.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
