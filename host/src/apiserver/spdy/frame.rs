//! Frames: eight bytes of head and a body. Never holds more than one frame's bytes.
//!
//! ```text
//! control  1 version(15) | type(16) | flags(8) length(24) | …
//! data     0 stream(31)             | flags(8) length(24) | …
//! ```

use super::header::{Deflater, Headers, Inflater};

/// The largest body of a frame that is read; the other side sends 32 KiB at a time.
const FRAME_MAX: usize = 1024 * 1024;
const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;
const FIN: u8 = 1;
const REFUSED_STREAM: u32 = 3;

/// What the other side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::apiserver) enum Heard {
    /// It opened a stream, which may be half closed already.
    Open {
        stream: u32,
        headers: Headers,
        fin: bool,
    },
    /// Bytes on a stream, perhaps none, perhaps the last.
    Data {
        stream: u32,
        bytes: Vec<u8>,
        fin: bool,
    },
    /// It gave a stream up.
    Reset(u32),
    /// It wants these four bytes back.
    Ping([u8; 4]),
    /// It will say nothing more.
    GoAway,
}

/// The bytes are no SPDY/3.1, or more of it than is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::apiserver) struct Broken;

/// Turns what arrives into events.
#[derive(Debug)]
pub(in crate::apiserver) struct Reader {
    buffer: Vec<u8>,
    inflater: Inflater,
}

/// Turns answers into bytes.
#[derive(Debug)]
pub(in crate::apiserver) struct Writer(Deflater);

impl Default for Reader {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            inflater: Inflater::new(),
        }
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self(Deflater::new())
    }
}

impl Reader {
    /// Takes bytes in, whole frames or not.
    pub(in crate::apiserver) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next thing said; nothing while a frame is not whole.
    ///
    /// # Errors
    /// When the bytes cannot be understood; nothing after them can be either.
    pub(in crate::apiserver) fn next(&mut self) -> Result<Option<Heard>, Broken> {
        loop {
            let Some((head, _)) = self.buffer.split_first_chunk::<8>() else {
                return Ok(None);
            };
            let head = *head;
            let length = u32::from_be_bytes([0, head[5], head[6], head[7]]);
            let length = usize::try_from(length).map_err(|_| Broken)?;
            if length > FRAME_MAX {
                return Err(Broken);
            }
            if self.buffer.len() < 8 + length {
                return Ok(None);
            }
            let body: Vec<u8> = self.buffer.drain(..8 + length).skip(8).collect();
            if let Some(heard) = self.understand(head, body)? {
                return Ok(Some(heard));
            }
        }
    }

    fn understand(&mut self, head: [u8; 8], body: Vec<u8>) -> Result<Option<Heard>, Broken> {
        let fin = head[4] & FIN != 0;
        let first = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        if first >> 31 == 0 {
            return Ok(Some(Heard::Data {
                stream: first,
                bytes: body,
                fin,
            }));
        }
        if (first >> 16) & 0x7fff != 3 {
            return Err(Broken);
        }
        let number = |at: usize| {
            let bytes = body.get(at..at + 4).ok_or(Broken)?;
            let bytes: [u8; 4] = bytes.try_into().map_err(|_| Broken)?;
            Ok(u32::from_be_bytes(bytes) & 0x7fff_ffff)
        };
        let kind = u16::from_be_bytes([head[2], head[3]]);
        Ok(match kind {
            SYN_STREAM => {
                let stream = number(0)?;
                let block = body.get(10..).ok_or(Broken)?;
                let headers = self.inflater.read(block).ok_or(Broken)?;
                Some(Heard::Open {
                    stream,
                    headers,
                    fin,
                })
            }
            // Their headers say nothing to us, but the inflater must have seen them.
            SYN_REPLY | HEADERS => {
                let stream = number(0)?;
                let block = body.get(4..).ok_or(Broken)?;
                self.inflater.read(block).ok_or(Broken)?;
                fin.then(|| Heard::Data {
                    stream,
                    bytes: Vec::new(),
                    fin,
                })
            }
            RST_STREAM => Some(Heard::Reset(number(0)?)),
            PING => {
                let id = body.get(..4).ok_or(Broken)?;
                Some(Heard::Ping(id.try_into().map_err(|_| Broken)?))
            }
            GOAWAY => Some(Heard::GoAway),
            // SETTINGS, WINDOW_UPDATE and what SPDY does not know.
            _ => None,
        })
    }
}

impl Writer {
    /// The answer to a stream that is welcome.
    pub(in crate::apiserver) fn reply(&mut self, stream: u32) -> Vec<u8> {
        let mut body = stream.to_be_bytes().to_vec();
        body.extend(self.0.write(&[]));
        control(SYN_REPLY, 0, &body)
    }

    /// A stream of our own, as a client opens them.
    #[cfg(test)]
    pub(in crate::apiserver) fn open(
        &mut self,
        stream: u32,
        headers: &[(&str, &str)],
        fin: bool,
    ) -> Vec<u8> {
        let mut body = stream.to_be_bytes().to_vec();
        body.extend([0; 6]);
        body.extend(self.0.write(headers));
        control(SYN_STREAM, u8::from(fin), &body)
    }
}

/// Bytes on a stream, at most 16 MiB, perhaps the last.
pub(super) fn data(stream: u32, bytes: &[u8], fin: bool) -> Vec<u8> {
    let mut frame = stream.to_be_bytes().to_vec();
    frame.extend(head(u8::from(fin), bytes.len()));
    frame.extend_from_slice(bytes);
    frame
}

/// A stream that is not welcome.
pub(super) fn refuse(stream: u32) -> Vec<u8> {
    let mut body = stream.to_be_bytes().to_vec();
    body.extend(REFUSED_STREAM.to_be_bytes());
    control(RST_STREAM, 0, &body)
}

/// Their ping back.
pub(super) fn ping(id: [u8; 4]) -> Vec<u8> {
    control(PING, 0, &id)
}

fn control(kind: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80, 3];
    frame.extend(kind.to_be_bytes());
    frame.extend(head(flags, body.len()));
    frame.extend_from_slice(body);
    frame
}

fn head(flags: u8, length: usize) -> [u8; 4] {
    let length = u32::try_from(length).expect("frames of ours are short");
    let [_, a, b, c] = length.to_be_bytes();
    [flags, a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's beginning: an error stream, half closed at once, and a data stream.
    fn beginning() -> Vec<u8> {
        let mut writer = Writer::default();
        let mut bytes = writer.open(1, &[("streamtype", "error"), ("port", "80")], true);
        bytes.extend(writer.open(3, &[("streamtype", "data"), ("port", "80")], false));
        bytes.extend(data(3, b"GET / HTTP/1.1\r\n\r\n", false));
        bytes.extend(ping([0, 0, 0, 1]));
        bytes.extend(refuse(3));
        bytes.extend(control(GOAWAY, 0, &[0; 8]));
        bytes
    }

    fn all(reader: &mut Reader) -> Result<Vec<Heard>, Broken> {
        let mut heard = Vec::new();
        while let Some(next) = reader.next()? {
            heard.push(next);
        }
        Ok(heard)
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_arrive() {
        let bytes = beginning();
        let mut whole = Reader::default();
        whole.feed(&bytes);
        let whole = all(&mut whole).expect("our own");
        assert_eq!(whole.len(), 6);
        let mut drop_by_drop = Reader::default();
        let mut heard = Vec::new();
        for byte in bytes {
            drop_by_drop.feed(&[byte]);
            heard.extend(all(&mut drop_by_drop).expect("our own"));
        }
        assert_eq!(heard, whole);
    }

    #[test]
    fn a_frame_too_large_ends_the_connection_before_it_is_read() {
        let mut reader = Reader::default();
        reader.feed(&[0, 0, 0, 1, 0, 0xff, 0xff, 0xff]);
        assert_eq!(reader.next(), Err(Broken));
    }

    #[test]
    fn what_the_real_kubectl_sends_is_understood() {
        // Beginning of a recording of kubectl 1.34 port-forward, unmasked.
        let reply = "8003000200000014000000 0178f9e3c6a7c26260606000000000ffff".replace(' ', "");
        let bytes: Vec<u8> = (0..reply.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&reply[at..at + 2], 16).expect("hex"))
            .collect();
        assert_eq!(Writer::default().reply(1)[..14], bytes[..14]);
        let mut reader = Reader::default();
        reader.feed(&bytes);
        assert_eq!(reader.next(), Ok(None));
    }

    #[test]
    fn no_bytes_break_the_reader() {
        let whole = beginning();
        let corpus: [&[u8]; 2] = [&whole, &whole[..60]];
        let dictionary: [&[u8]; 3] = [&[0x80, 3, 0, 1], &[0x80, 3, 0, 8], &[0xff; 4]];
        trial::fuzz(3_000, &corpus, &dictionary, |bytes| {
            let mut reader = Reader::default();
            for piece in bytes.chunks(7) {
                reader.feed(piece);
                if all(&mut reader).is_err() {
                    return;
                }
            }
        });
    }
}
