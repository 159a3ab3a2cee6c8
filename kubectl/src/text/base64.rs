//! Base64 with padding, both ways.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let block = chunk
            .iter()
            .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = block >> (18 - 6 * place) & 63;
            out.push(if place <= chunk.len() {
                ALPHABET[sextet as usize] as char
            } else {
                '='
            });
        }
    }
    out
}

/// The bytes of a text; `None` when it is not standard base64 with padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    if wrong_at(&text).is_some() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut block, mut bits) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let sextet = ALPHABET.iter().position(|known| *known == byte)? as u32;
        block = block << 6 | sextet;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((block >> bits & 0xff) as u8);
        }
    }
    Some(out)
}

/// How many bytes a text stands for.
pub(crate) fn decoded_len(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

/// Where a text stops being standard base64 with padding; `None` when it does not.
pub(crate) fn wrong_at(text: &str) -> Option<usize> {
    let body = text.trim_end_matches('=');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if let Some(at) = body.bytes().position(|byte| !known(byte)) {
        return Some(at);
    }
    let fits = text.len().is_multiple_of(4) && text.len() - body.len() <= 2;
    (!fits).then_some(body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_tells_the_length() {
        for (plain, coded) in [
            ("", ""),
            ("a", "YQ=="),
            ("ab", "YWI="),
            ("abc", "YWJj"),
            ("admin", "YWRtaW4="),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decoded_len(coded), plain.len());
        }
    }
}
