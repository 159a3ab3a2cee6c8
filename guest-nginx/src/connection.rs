//! One client's connection as a machine without input or output: bytes go in, requests come out.
//! Bodies are passed over; pipelined requests come out one by one. It answers nothing and knows no time.

use crate::request::{self, Finder, Framing, Reject, Request};

/// The longest line of a chunk's size or of a trailer.
const MAX_CHUNK_LINE: usize = 4096;

/// What a connection's bytes turned out to be.
#[derive(Debug)]
pub enum Incoming {
    /// A request to answer.
    Request(Request),
    /// Something to refuse; nothing follows it.
    Reject(Reject),
    /// The body of an answered request makes no sense: only closing is left.
    Garbage,
}

/// The receiving half of one connection.
#[derive(Debug, Default)]
pub struct Connection {
    buffer: Vec<u8>,
    finder: Finder,
    body: Option<Body>,
    over: bool,
}

impl Connection {
    /// Bytes arrived.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if !self.over {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next request, if it is complete.
    pub fn poll_request(&mut self) -> Option<Incoming> {
        if self.over || self.skip_body().is_err() {
            return self.end(Incoming::Garbage);
        }
        if self.body.is_some() {
            return None;
        }
        let head = match self.finder.find(&self.buffer) {
            Ok(head) => head?,
            Err(reject) => return self.end(Incoming::Reject(reject)),
        };
        let parsed = request::parse(&self.buffer[head.clone()]);
        self.buffer.drain(..head.end);
        self.finder = Finder::default();
        match parsed {
            Ok(request) => self.begin(request),
            Err(reject) => self.end(Incoming::Reject(reject)),
        }
    }

    /// Whether a request has begun to arrive.
    pub fn is_idle(&self) -> bool {
        self.buffer.is_empty() && self.body.is_none()
    }

    /// A body whose first bytes are nonsense spoils the request it belongs to.
    fn begin(&mut self, request: Request) -> Option<Incoming> {
        self.body = match request.framing {
            Framing::Length(0) => None,
            Framing::Length(left) => Some(Body::Length(left)),
            Framing::Chunked => Some(Body::Chunked(Chunk::Size {
                value: 0,
                seen: 0,
                digits: true,
            })),
        };
        if self.skip_body().is_err() {
            let reason = "client sent invalid chunked body";
            return self.end(Incoming::Reject(Reject {
                status: 400,
                line: request.line,
                reason,
            }));
        }
        Some(Incoming::Request(request))
    }

    fn end(&mut self, last: Incoming) -> Option<Incoming> {
        let first = !self.over;
        self.over = true;
        self.buffer = Vec::new();
        first.then_some(last)
    }

    fn skip_body(&mut self) -> Result<(), BadChunk> {
        let Some(body) = &mut self.body else {
            return Ok(());
        };
        let (used, done) = body.skip(&self.buffer)?;
        self.buffer.drain(..used);
        if done {
            self.body = None;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct BadChunk;

#[derive(Debug)]
enum Body {
    Length(u64),
    Chunked(Chunk),
}

#[derive(Clone, Copy, Debug)]
enum Chunk {
    /// In a line with a size; `digits` until something else follows them.
    Size {
        value: u64,
        seen: usize,
        digits: bool,
    },
    /// In data, so many bytes before its end.
    Data(u64),
    /// After data, before its line end.
    DataEnd,
    /// In a trailer line of so many bytes.
    Trailer(usize),
}

impl Body {
    /// How many of these bytes belong to the body, and whether it ends there.
    fn skip(&mut self, bytes: &[u8]) -> Result<(usize, bool), BadChunk> {
        match self {
            Self::Length(left) => {
                let used = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= used as u64;
                Ok((used, *left == 0))
            }
            Self::Chunked(chunk) => chunk.skip(bytes),
        }
    }
}

impl Chunk {
    fn skip(&mut self, bytes: &[u8]) -> Result<(usize, bool), BadChunk> {
        let mut at = 0;
        while at < bytes.len() {
            if let Self::Data(left) = *self {
                let used = usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len() - at);
                at += used;
                let left = left - used as u64;
                *self = if left == 0 {
                    Self::DataEnd
                } else {
                    Self::Data(left)
                };
                continue;
            }
            let byte = bytes[at];
            at += 1;
            match self.after(byte)? {
                Some(next) => *self = next,
                None => return Ok((at, true)),
            }
        }
        Ok((at, false))
    }

    /// The state after one byte outside of data; nothing at the end of the body.
    fn after(self, byte: u8) -> Result<Option<Self>, BadChunk> {
        match (self, byte) {
            (Self::Size { seen: 0, .. }, b'\n' | b'\r' | b';') => Err(BadChunk),
            (Self::Size { value: 0, .. }, b'\n') => Ok(Some(Self::Trailer(0))),
            (Self::Size { value, .. }, b'\n') => Ok(Some(Self::Data(value))),
            (Self::Size { seen, .. } | Self::Trailer(seen), _) if seen > MAX_CHUNK_LINE => {
                Err(BadChunk)
            }
            (
                Self::Size {
                    value,
                    seen,
                    digits: true,
                },
                _,
            ) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                let value = value
                    .checked_mul(16)
                    .and_then(|value| value.checked_add(digit))
                    .ok_or(BadChunk)?;
                Ok(Some(Self::Size {
                    value,
                    seen: seen + 1,
                    digits: true,
                }))
            }
            (
                Self::Size {
                    value,
                    seen,
                    digits,
                },
                b';' | b' ' | b'\t' | b'\r',
            ) if digits && seen > 0 => Ok(Some(Self::Size {
                value,
                seen: seen + 1,
                digits: false,
            })),
            (Self::Size { digits: true, .. }, _) => Err(BadChunk),
            (Self::Size { value, seen, .. }, _) => Ok(Some(Self::Size {
                value,
                seen: seen + 1,
                digits: false,
            })),
            (Self::DataEnd, b'\r') => Ok(Some(Self::DataEnd)),
            (Self::DataEnd, b'\n') => Ok(Some(Self::Size {
                value: 0,
                seen: 0,
                digits: true,
            })),
            (Self::DataEnd, _) => Err(BadChunk),
            (Self::Trailer(0), b'\n') => Ok(None),
            (Self::Trailer(_), b'\n') => Ok(Some(Self::Trailer(0))),
            (Self::Trailer(0), b'\r') => Ok(Some(Self::Trailer(0))),
            (Self::Trailer(seen), _) => Ok(Some(Self::Trailer(seen + 1))),
            (Self::Data(_), _) => unreachable!("data is skipped in one go"),
        }
    }
}
