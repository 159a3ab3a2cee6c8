//! Targets of requests: their parts, and the path that remains when escapes and dots are gone.
//! A path that would leave the root is no path at all.

use std::ops::Range;

/// The authority of an absolute target, and where the rest of it begins.
pub fn split_authority(target: &[u8]) -> Option<(Option<&[u8]>, usize)> {
    if target.first() == Some(&b'/') {
        return Some((None, 0));
    }
    let colon = target.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = target.split_at(colon);
    let rest = rest.strip_prefix(b"://")?;
    let letter = |(at, byte): (usize, &u8)| {
        byte.is_ascii_alphabetic() || (at > 0 && (byte.is_ascii_digit() || b"+-.".contains(byte)))
    };
    if scheme.is_empty() || !scheme.iter().enumerate().all(letter) {
        return None;
    }
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    if end == 0 {
        return None;
    }
    Some((Some(&rest[..end]), colon + 3 + end))
}

/// The path of a target and where its query stands; a fragment is dropped.
pub fn split_query(target: &[u8]) -> (&[u8], Option<Range<usize>>) {
    let end = target
        .iter()
        .position(|byte| *byte == b'#')
        .unwrap_or(target.len());
    match target[..end].iter().position(|byte| *byte == b'?') {
        Some(mark) => (&target[..mark], Some(mark + 1..end)),
        None => (&target[..end], None),
    }
}

/// The path with escapes decoded, doubled slashes merged (unless told otherwise) and dots followed.
pub fn normalize(path: &[u8], merge: bool) -> Option<String> {
    let plain = |pair: &[u8]| !matches!(pair, [b'/', b'/' | b'.']);
    if path.first() == Some(&b'/')
        && !path.contains(&b'%')
        && path.windows(2).all(plain)
        && let Ok(text) = std::str::from_utf8(path)
    {
        return Some(text.to_owned());
    }
    let decoded = decode(path)?;
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut folder = true;
    for part in decoded.strip_prefix(b"/")?.split(|byte| *byte == b'/') {
        folder = matches!(part, b"" | b"." | b"..");
        match part {
            b"" if merge => {}
            b"." => {}
            b".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    let mut path = vec![b'/'];
    path.extend(parts.join(&b'/'));
    if folder && path.last() != Some(&b'/') {
        path.push(b'/');
    }
    Some(String::from_utf8_lossy(&path).into_owned())
}

/// The bytes that a percent-encoded text stands for; nothing when an escape is broken or zero.
fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digit = |offset: usize| char::from(*bytes.get(at + offset)?).to_digit(16);
            let byte = u8::try_from(digit(1)? * 16 + digit(2)?)
                .ok()
                .filter(|byte| *byte != 0)?;
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    Some(decoded)
}

/// Percent-decodes what can be; broken escapes stay as they are.
pub fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| char::from(*bytes.get(at + offset)?).to_digit(16);
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// A path written so that it can stand in a `Location` header, as nginx escapes it.
pub fn escape(path: &str) -> String {
    escape_with(path.as_bytes(), |byte| {
        matches!(
            byte,
            b'%' | b'?' | b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        )
    })
}

/// A value written so that it can stand in a query, as nginx escapes captures there.
pub fn escape_args(value: &[u8]) -> String {
    escape_with(value, |byte| {
        matches!(
            byte,
            b'%' | b'&'
                | b'+'
                | b';'
                | b'?'
                | b'#'
                | b'"'
                | b'<'
                | b'>'
                | b'\\'
                | b'^'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
        )
    })
}

fn escape_with(bytes: &[u8], odd: impl Fn(u8) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes.iter().copied() {
        if byte > 0x20 && byte < 0x7f && !odd(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<&str>) {
        assert_eq!(
            normalize(path.as_bytes(), true).as_deref(),
            expect,
            "{path}"
        );
    }

    #[test]
    fn dots_and_doubled_slashes_are_followed() {
        check("/a/../b", Some("/b"));
        check("//a//b", Some("/a/b"));
        check("/a/.", Some("/a/"));
        check("/a/b/..", Some("/a/"));
        check("/", Some("/"));
        check("/a/", Some("/a/"));
    }

    #[test]
    fn no_path_leaves_the_root_however_it_is_written() {
        check("/..", None);
        check("/a/../../b", None);
        check("/%2e%2e/etc", None);
        check("/a%2f..%2f..%2fetc", None);
    }

    #[test]
    fn bad_escapes_are_refused() {
        check("/%", None);
        check("/%4", None);
        check("/%zz", None);
        check("/%00", None);
        check("/%41", Some("/A"));
    }
}
