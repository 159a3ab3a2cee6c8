//! Backslash escapes of `echo -e`, `printf`, `tr` and `$'…'`.

/// The bytes of text with escapes; false when `\c` asked for the end of all output.
/// `zero` says that octal numbers need no leading zero (`printf`) rather than one (`echo`).
pub(crate) fn unescape(text: &str, zero: bool) -> (Vec<u8>, bool) {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte != b'\\' || at == bytes.len() {
            out.push(byte);
            continue;
        }
        let escape = bytes[at];
        at += 1;
        match escape {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'c' => return (out, false),
            b'e' => out.push(27),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' => out.push(b'\\'),
            b'\'' | b'"' if zero => out.push(escape),
            b'x' => {
                let (value, length) = digits(&bytes[at..], 16, 2);
                if length == 0 {
                    out.extend_from_slice(b"\\x");
                } else {
                    out.push(value);
                }
                at += length;
            }
            b'0'..=b'7' if zero || escape == b'0' => {
                let start = if zero { at - 1 } else { at };
                let (value, length) = digits(&bytes[start..], 8, 3);
                out.push(value);
                at = start + length;
            }
            other => out.extend_from_slice(&[b'\\', other]),
        }
    }
    (out, true)
}

fn digits(bytes: &[u8], radix: u32, limit: usize) -> (u8, usize) {
    let mut value: u32 = 0;
    let mut length = 0;
    while let Some(digit) = bytes
        .get(length)
        .filter(|_| length < limit)
        .and_then(|byte| char::from(*byte).to_digit(radix))
    {
        value = value * radix + digit;
        length += 1;
    }
    (value.to_le_bytes()[0], length)
}
