//! PEM: named blocks of base64.
//!
//! Never looks into a block, and never decrypts one.

use crate::text;

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `CERTIFICATE`, `PRIVATE KEY`, …
    pub label: String,
    /// What it holds.
    pub der: Vec<u8>,
    /// Whether it has headers that say it is encrypted.
    pub encrypted: bool,
}

/// The blocks of a text in their order. What is no block is passed over, as OpenSSL does;
/// a block whose base64 is broken or that does not end is an error with its label.
///
/// # Errors
/// The label of the broken block.
pub fn read(text: &[u8]) -> Result<Vec<Block>, String> {
    let text = String::from_utf8_lossy(text);
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let label = line
            .trim_end()
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"));
        let Some(label) = label else { continue };
        let end = format!("-----END {label}-----");
        let (mut body, mut encrypted, mut ended) = (Vec::new(), false, false);
        for line in lines.by_ref() {
            let line = line.trim_end();
            if line == end {
                ended = true;
                break;
            }
            if line.contains(':') {
                encrypted |= line.contains("ENCRYPTED");
            } else {
                body.extend_from_slice(line.as_bytes());
            }
        }
        let der = text::from_base64(&body).filter(|_| ended);
        blocks.push(Block {
            label: label.to_owned(),
            der: der.ok_or_else(|| label.to_owned())?,
            encrypted,
        });
    }
    Ok(blocks)
}

/// Writes a block, 64 characters a line.
#[must_use]
pub fn write(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = text::to_base64(der);
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_past_other_text() {
        let text = format!("a note\n{}tail\n", write("THING", &[7; 100]));
        let read = read(text.as_bytes()).expect("it is whole");
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].label.as_str(), read[0].der.len()), ("THING", 100));
    }

    #[test]
    fn a_block_without_an_end_is_broken() {
        let text = b"-----BEGIN THING-----\nAAAA\n";
        assert_eq!(read(text), Err("THING".to_owned()));
    }
}
