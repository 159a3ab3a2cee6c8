//! Answers that were compressed, unpacked as they come.

use std::io::Write;

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::failure::Failure;

/// What this curl asks for and understands.
pub(crate) const ACCEPTED: &str = "deflate, gzip";

/// The codings of one body, the outermost first.
#[derive(Debug)]
pub(crate) struct Unpacker(Vec<Layer>);

#[derive(Debug)]
enum Layer {
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    Raw(Box<DeflateDecoder<Vec<u8>>>),
    /// Nothing has come of a deflated body; its first byte tells which of two it is.
    Deflate,
    Unknown,
}

impl Unpacker {
    /// For the values of `Content-Encoding`.
    pub(crate) fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut layers = Vec::new();
        for name in values.flat_map(|value| value.split(',')).map(str::trim) {
            let layer = match name.to_ascii_lowercase().as_str() {
                "" | "identity" | "none" => continue,
                "gzip" | "x-gzip" => Layer::Gzip(Box::new(GzDecoder::new(Vec::new()))),
                "deflate" => Layer::Deflate,
                _ => Layer::Unknown,
            };
            layers.push(layer);
        }
        layers.reverse();
        Self(layers)
    }

    /// What comes out when these bytes go in.
    ///
    /// # Errors
    /// 61 when they make no sense.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut bytes = bytes.to_vec();
        for layer in &mut self.0 {
            if bytes.is_empty() {
                break;
            }
            bytes = layer.take(&bytes)?;
        }
        Ok(bytes)
    }
}

impl Layer {
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        if matches!(self, Self::Deflate) {
            // The two bytes of zlib's head are a multiple of 31, and the method is 8.
            *self = if bytes[0] & 0x0f == 8 && bytes[0] >> 4 <= 7 {
                Self::Zlib(Box::new(ZlibDecoder::new(Vec::new())))
            } else {
                Self::Raw(Box::new(DeflateDecoder::new(Vec::new())))
            };
        }
        let outcome = match self {
            Self::Gzip(decoder) => {
                let outcome = decoder.write_all(bytes).and_then(|()| decoder.flush());
                outcome.map(|()| std::mem::take(decoder.get_mut()))
            }
            Self::Zlib(decoder) => {
                let outcome = decoder.write_all(bytes).and_then(|()| decoder.flush());
                outcome.map(|()| std::mem::take(decoder.get_mut()))
            }
            Self::Raw(decoder) => {
                let outcome = decoder.write_all(bytes).and_then(|()| decoder.flush());
                outcome.map(|()| std::mem::take(decoder.get_mut()))
            }
            Self::Unknown | Self::Deflate => {
                return Err(Failure::new(
                    61,
                    format!(
                        "Unrecognized content encoding type. libcurl understands {ACCEPTED} content encodings."
                    ),
                ));
            }
        };
        outcome.map_err(|_| {
            Failure::new(
                61,
                "Error while processing content unencoding: incorrect header check",
            )
        })
    }
}
