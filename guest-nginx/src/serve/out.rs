//! The bytes of a body on their way out: compressed, in chunks, or as they are. It sends nothing.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// What happens to a body.
#[derive(Debug)]
pub(super) struct Out {
    gzip: Option<GzEncoder<Vec<u8>>>,
    chunked: bool,
}

impl Out {
    pub(super) fn new(gzip: Option<u32>, chunked: bool) -> Self {
        let gzip = gzip.map(|level| GzEncoder::new(Vec::new(), Compression::new(level)));
        Self { gzip, chunked }
    }

    /// Whether bytes go out as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.gzip.is_none() && !self.chunked
    }

    /// Appends what these bytes become.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match &mut self.gzip {
            None => self.frame(bytes, out),
            Some(gzip) => {
                // Writing to memory cannot fail.
                let _ = gzip.write_all(bytes);
                let ready = std::mem::take(gzip.get_mut());
                self.frame(&ready, out);
            }
        }
    }

    /// Appends what is to be seen at once, though more follows.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(gzip) = &mut self.gzip {
            let _ = gzip.flush();
            let ready = std::mem::take(gzip.get_mut());
            self.frame(&ready, out);
        }
    }

    /// Appends the end.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish().unwrap_or_default();
            self.frame(&rest, out);
        }
        if self.chunked {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    fn frame(&self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.chunked {
            return out.extend_from_slice(bytes);
        }
        if !bytes.is_empty() {
            out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\r\n");
        }
    }
}
