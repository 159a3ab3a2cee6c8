//! Header blocks: name and value pairs, deflated in one stream for the whole connection with a
//! dictionary that both sides know. Never grows beyond a bound, whatever it is given.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

/// The dictionary of SPDY/3, from the protocol's own description.
const DICTIONARY: &[u8] = include_bytes!("dictionary.bin");
/// The largest header block after inflation.
const BLOCK_MAX: usize = 64 * 1024;

/// Names in lower case and their values, in order.
pub(in crate::apiserver) type Headers = Vec<(String, String)>;

/// Reads header blocks.
#[derive(Debug)]
pub(super) struct Inflater(Decompress);

/// Writes header blocks.
#[derive(Debug)]
pub(super) struct Deflater(Compress);

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// The headers in a block; nothing when it is none.
    pub(super) fn read(&mut self, mut block: &[u8]) -> Option<Headers> {
        let mut out = Vec::with_capacity(4096);
        loop {
            let (taken, made) = (self.0.total_in(), self.0.total_out());
            let end = self
                .0
                .decompress_vec(block, &mut out, FlushDecompress::Sync);
            let used = usize::try_from(self.0.total_in() - taken).ok()?;
            block = block.get(used..)?;
            match end {
                Err(cause) if cause.needs_dictionary().is_some() => {
                    self.0.set_dictionary(DICTIONARY).ok()?;
                    continue;
                }
                Err(_) => return None,
                Ok(_) => {}
            }
            if out.len() >= BLOCK_MAX {
                return None;
            }
            if out.len() == out.capacity() {
                out.reserve(4096);
            } else if block.is_empty() || (used == 0 && self.0.total_out() == made) {
                break;
            }
        }
        parse(&out)
    }
}

/// Splits an inflated block: a count, then names and values with their lengths.
fn parse(mut block: &[u8]) -> Option<Headers> {
    let count = number(&mut block)?;
    let mut headers = Headers::new();
    for _ in 0..count {
        let name = text(&mut block)?;
        headers.push((name, text(&mut block)?));
    }
    Some(headers)
}

fn number(block: &mut &[u8]) -> Option<usize> {
    let (number, rest) = block.split_first_chunk()?;
    *block = rest;
    usize::try_from(u32::from_be_bytes(*number)).ok()
}

fn text(block: &mut &[u8]) -> Option<String> {
    let length = number(block)?;
    let (text, rest) = block.split_at_checked(length)?;
    *block = rest;
    String::from_utf8(text.to_vec()).ok()
}

impl Deflater {
    pub(super) fn new() -> Self {
        // The real server's level, which the stream's second byte tells.
        let mut deflate = Compress::new(Compression::best(), true);
        deflate
            .set_dictionary(DICTIONARY)
            .expect("a fresh deflater takes a dictionary");
        Self(deflate)
    }

    /// A block of these headers.
    pub(super) fn write(&mut self, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut plain = length(headers.len()).to_vec();
        for (name, value) in headers {
            for word in [name, value] {
                plain.extend(length(word.len()));
                plain.extend(word.as_bytes());
            }
        }
        let mut out = Vec::with_capacity(plain.len() + 256);
        let mut rest = &plain[..];
        loop {
            let taken = self.0.total_in();
            self.0
                .compress_vec(rest, &mut out, FlushCompress::Sync)
                .expect("deflating bytes of memory cannot fail");
            let used = usize::try_from(self.0.total_in() - taken).expect("it was in memory");
            rest = &rest[used..];
            if rest.is_empty() && out.len() < out.capacity() {
                return out;
            }
            out.reserve(256);
        }
    }
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length)
        .expect("headers of ours are short")
        .to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_connection_are_read_in_order() {
        let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
        for port in ["80", "8080", "80"] {
            let sent = [("streamtype", "data"), ("port", port)];
            let read = inflater.read(&deflater.write(&sent)).expect("our own");
            let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(read, sent);
        }
    }

    #[test]
    fn no_headers_are_written_as_the_real_server_writes_them() {
        // From a recording: 78f9 and the dictionary's Adler-32, then four zeros.
        let block = Deflater::new().write(&[]);
        assert_eq!(&block[..6], [0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2]);
        let second = [
            0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2, 0x62, 0x60, 0x60, 0x60, 0, 0, 0, 0, 0xff, 0xff,
        ];
        assert_eq!(Inflater::new().read(&second), Some(Headers::new()));
    }

    #[test]
    fn a_block_that_swells_without_end_is_none() {
        let value = "x".repeat(2 * BLOCK_MAX);
        let block = Deflater::new().write(&[("bomb", &value)]);
        assert!(block.len() < BLOCK_MAX / 8);
        assert_eq!(Inflater::new().read(&block), None);
    }
}
