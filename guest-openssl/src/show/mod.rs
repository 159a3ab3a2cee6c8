//! Certificates, requests, keys and names as OpenSSL prints them, to the letter.
//!
//! Never reads anything: what is printed is handed in.

mod certificate;
mod extension;
mod key;

pub(crate) use certificate::{certificate, request};
pub(crate) use extension::extensions;
pub(crate) use guest_tls::cert::{NameStyle, oneline, print_name as name};
pub(crate) use key::{private_key, public_key};

/// `aa:bb`, in this many columns from this indentation on, with the colon at each line's end.
fn hex_lines(bytes: &[u8], indent: usize, columns: usize) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if at % columns == 0 {
            if at > 0 {
                text.push('\n');
            }
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(&format!("{byte:02x}"));
        if at + 1 < bytes.len() {
            text.push(':');
        }
    }
    text.push('\n');
    text
}

/// `AA:BB`, on one line.
pub(crate) fn upper_hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
