//! The body of a message as a machine: bytes go in, and it says how many are data and when it ends.
//! It stores nothing and knows no time.

/// The longest line of a chunk's size or of a trailer.
const MAX_CHUNK_LINE: usize = 4096;

/// The bytes make no sense as a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadChunk;

/// Where in a body one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes before its end.
    Length(u64),
    /// In chunks.
    Chunked(Chunk),
    /// Until the connection closes.
    ToEnd,
}

/// Where in a chunk one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// In a line with a size; `digits` until something else follows them.
    Size {
        /// The size so far.
        value: u64,
        /// How long the line is.
        seen: usize,
        /// Whether digits may follow.
        digits: bool,
    },
    /// In data, so many bytes before its end.
    Data(u64),
    /// After data, before its line end.
    DataEnd,
    /// In a trailer line of so many bytes.
    Trailer(usize),
}

/// What `Body::take` found at the front of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many bytes are frame, to be passed over.
    pub frame: usize,
    /// How many bytes of data follow.
    pub data: usize,
    /// Whether the body ends after them.
    pub done: bool,
}

impl Body {
    /// A body in chunks, before its first byte.
    pub fn chunked() -> Self {
        Self::Chunked(Chunk::Size {
            value: 0,
            seen: 0,
            digits: true,
        })
    }

    /// What stands at the front of these bytes: frame first, then data. Call again with the rest.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Taken, BadChunk> {
        match self {
            Self::ToEnd => Ok(Taken {
                frame: 0,
                data: bytes.len(),
                done: false,
            }),
            Self::Length(left) => {
                let data = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= data as u64;
                Ok(Taken {
                    frame: 0,
                    data,
                    done: *left == 0,
                })
            }
            Self::Chunked(chunk) => chunk.take(bytes),
        }
    }
}

impl Chunk {
    fn take(&mut self, bytes: &[u8]) -> Result<Taken, BadChunk> {
        let mut at = 0;
        while at < bytes.len() {
            if let Self::Data(left) = *self {
                let data = usize::try_from(left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len() - at);
                let left = left - data as u64;
                *self = if left == 0 {
                    Self::DataEnd
                } else {
                    Self::Data(left)
                };
                return Ok(Taken {
                    frame: at,
                    data,
                    done: false,
                });
            }
            let byte = bytes[at];
            at += 1;
            match self.after(byte)? {
                Some(next) => *self = next,
                None => {
                    return Ok(Taken {
                        frame: at,
                        data: 0,
                        done: true,
                    });
                }
            }
        }
        Ok(Taken {
            frame: at,
            data: 0,
            done: false,
        })
    }

    /// The state after one byte outside of data; nothing at the end of the body.
    fn after(self, byte: u8) -> Result<Option<Self>, BadChunk> {
        let next = match (self, byte) {
            (Self::Size { seen: 0, .. }, b'\n' | b'\r' | b';') => return Err(BadChunk),
            (Self::Size { value: 0, .. }, b'\n') => Self::Trailer(0),
            (Self::Size { value, .. }, b'\n') => Self::Data(value),
            (Self::Size { seen, .. } | Self::Trailer(seen), _) if seen > MAX_CHUNK_LINE => {
                return Err(BadChunk);
            }
            (
                Self::Size {
                    value,
                    seen,
                    digits,
                },
                _,
            ) => Self::size(value, seen, digits, byte)?,
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size {
                value: 0,
                seen: 0,
                digits: true,
            },
            (Self::DataEnd, _) => return Err(BadChunk),
            (Self::Trailer(0), b'\n') => return Ok(None),
            (Self::Trailer(_), b'\n') | (Self::Trailer(0), b'\r') => Self::Trailer(0),
            (Self::Trailer(seen), _) => Self::Trailer(seen + 1),
            (Self::Data(_), _) => unreachable!("data is taken in one go"),
        };
        Ok(Some(next))
    }

    fn size(value: u64, seen: usize, digits: bool, byte: u8) -> Result<Self, BadChunk> {
        if digits && byte.is_ascii_hexdigit() {
            let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
            let value = value
                .checked_mul(16)
                .and_then(|value| value.checked_add(digit))
                .filter(|value| i64::try_from(*value).is_ok())
                .ok_or(BadChunk)?;
            return Ok(Self::Size {
                value,
                seen: seen + 1,
                digits: true,
            });
        }
        let ends = matches!(byte, b';' | b' ' | b'\t' | b'\r');
        if digits && !ends {
            return Err(BadChunk);
        }
        Ok(Self::Size {
            value,
            seen: seen + 1,
            digits: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], step: usize) -> Result<(Vec<u8>, bool), BadChunk> {
        let (mut body, mut data, mut done) = (Body::chunked(), Vec::new(), false);
        for piece in bytes.chunks(step) {
            let mut piece = piece;
            while !piece.is_empty() && !done {
                let taken = body.take(piece)?;
                data.extend_from_slice(&piece[taken.frame..taken.frame + taken.data]);
                piece = &piece[taken.frame + taken.data..];
                done = taken.done;
            }
        }
        Ok((data, done))
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        for step in 1..20 {
            let got = decode(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n", step);
            assert_eq!(got, Ok((b"abcde".to_vec(), true)), "{step}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for text in [
            "x\r\n",
            "\r\n",
            "3\r\nabcd",
            "ffffffffffffffff\r\n",
            "1 z\r\nab",
        ] {
            assert_eq!(decode(text.as_bytes(), 1), Err(BadChunk), "{text:?}");
        }
    }
}
