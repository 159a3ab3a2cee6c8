//! The body of an answer out of raw bytes: counted, chunked, or up to the end of the connection.

use crate::head::Framing;

/// The longest line of a chunk's size or a trailer.
const MAX_LINE: usize = 16 * 1024;

/// Takes a body apart.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    trailers: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum State {
    Length(u64),
    UntilClose,
    Size(Vec<u8>),
    Data(u64),
    DataEnd,
    Trailer(Vec<u8>),
    Done,
}

/// The chunks make no sense.
#[derive(Debug, PartialEq, Eq)]
pub struct BadChunk;

impl Decoder {
    /// For a body that ends like this.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(left) => State::Length(left),
            Framing::Chunked => State::Size(Vec::new()),
            Framing::UntilClose => State::UntilClose,
        };
        Self {
            state,
            trailers: Vec::new(),
        }
    }

    /// The lines after the last chunk that have come since this was asked last.
    pub fn trailers(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.trailers)
    }

    /// Whether the whole body has come.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Takes the body's part out of `raw`, leaving what follows the body.
    ///
    /// # Errors
    /// When a chunk's size is none.
    pub fn take(&mut self, raw: &mut Vec<u8>) -> Result<Vec<u8>, BadChunk> {
        let mut body = Vec::new();
        let mut at = 0;
        while at < raw.len() && !self.is_done() {
            at += self.step(&raw[at..], &mut body)?;
        }
        raw.drain(..at);
        Ok(body)
    }

    fn step(&mut self, raw: &[u8], body: &mut Vec<u8>) -> Result<usize, BadChunk> {
        let some = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(raw.len());
        match &mut self.state {
            State::UntilClose => {
                body.extend_from_slice(raw);
                Ok(raw.len())
            }
            State::Length(left) => {
                let used = some(*left);
                body.extend_from_slice(&raw[..used]);
                *left -= used as u64;
                if *left == 0 {
                    self.state = State::Done;
                }
                Ok(used)
            }
            State::Data(left) => {
                let used = some(*left);
                body.extend_from_slice(&raw[..used]);
                *left -= used as u64;
                if *left == 0 {
                    self.state = State::DataEnd;
                }
                Ok(used)
            }
            _ => {
                self.byte(raw[0])?;
                Ok(1)
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), BadChunk> {
        match &mut self.state {
            State::Size(line) if byte == b'\n' => {
                self.state = match size_of(line)? {
                    0 => State::Trailer(Vec::new()),
                    size => State::Data(size),
                };
            }
            State::Size(line) => {
                line.push(byte);
                // The digits must make sense as soon as they are there.
                if line.len() > MAX_LINE || !line[0].is_ascii_hexdigit() {
                    return Err(BadChunk);
                }
            }
            State::DataEnd if byte == b'\n' => self.state = State::Size(Vec::new()),
            State::DataEnd if byte != b'\r' => return Err(BadChunk),
            State::Trailer(line) => {
                line.push(byte);
                if line.len() > MAX_LINE {
                    return Err(BadChunk);
                }
                if byte == b'\n' {
                    let line = std::mem::take(line);
                    if matches!(line.as_slice(), b"\n" | b"\r\n") {
                        self.state = State::Done;
                    } else {
                        self.trailers.push(line);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn size_of(line: &[u8]) -> Result<u64, BadChunk> {
    let digits = line
        .iter()
        .position(|byte| !byte.is_ascii_hexdigit())
        .unwrap_or(line.len());
    let text = std::str::from_utf8(&line[..digits]).map_err(|_| BadChunk)?;
    u64::from_str_radix(text, 16).map_err(|_| BadChunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(framing: Framing, raw: &[u8], expect: Result<(&str, &str, bool), BadChunk>) {
        // Whatever the pieces, the body is the same.
        for size in [1, 2, 3, raw.len()] {
            let (mut decoder, mut left, mut body) = (Decoder::new(framing), Vec::new(), Vec::new());
            let mut outcome = Ok(());
            for piece in raw.chunks(size) {
                left.extend_from_slice(piece);
                match decoder.take(&mut left) {
                    Ok(part) => body.extend(part),
                    Err(error) => outcome = Err(error),
                }
            }
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let got = outcome.map(|()| (text(&body), text(&left), decoder.is_done()));
            let expect = expect
                .as_ref()
                .map(|(body, left, done)| ((*body).to_owned(), (*left).to_owned(), *done));
            assert_eq!(
                got.as_ref(),
                expect.as_ref().map_err(|error| *error),
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn chunks_become_one_body_and_the_next_answer_is_left_alone() {
        let raw = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\nHTTP";
        check(Framing::Chunked, raw, Ok(("abcde", "HTTP", true)));
    }

    #[test]
    fn a_counted_body_ends_where_its_count_ends() {
        check(Framing::Length(3), b"abcdef", Ok(("abc", "def", true)));
        check(Framing::Length(9), b"abcdef", Ok(("abcdef", "", false)));
    }

    #[test]
    fn a_size_that_is_no_number_is_refused() {
        check(Framing::Chunked, b"zz\r\n", Err(BadChunk));
    }
}
