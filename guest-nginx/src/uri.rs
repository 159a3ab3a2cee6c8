//! Targets of requests: their parts, and the path that remains when escapes and dots are gone.
//! A path that would leave the root is no path at all.

/// The authority of an absolute target, and the target without it.
pub fn split_authority(target: &str) -> Option<(Option<&str>, &str)> {
    if target.starts_with('/') {
        return Some((None, target));
    }
    let (scheme, rest) = target.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    if authority.is_empty() || target.starts_with('?') {
        return None;
    }
    Some((
        Some(authority),
        if target.is_empty() { "/" } else { target },
    ))
}

/// Path and query of a target; a fragment is dropped.
pub fn split_query(target: &str) -> (&str, Option<&str>) {
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The path with escapes decoded, doubled slashes merged and dots followed.
pub fn normalize(path: &str) -> Option<String> {
    let decoded = decode(path)?;
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut folder = true;
    for part in decoded.strip_prefix(b"/")?.split(|byte| *byte == b'/') {
        folder = matches!(part, b"" | b"." | b"..");
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    let mut path = vec![b'/'];
    path.extend(parts.join(&b'/'));
    if folder && path.len() > 1 {
        path.push(b'/');
    }
    Some(String::from_utf8_lossy(&path).into_owned())
}

fn decode(path: &str) -> Option<Vec<u8>> {
    let bytes = path.as_bytes();
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

/// A path written so that it can stand in a `Location` header, as nginx escapes it.
pub fn escape(path: &str) -> String {
    let plain = |byte: u8| {
        byte > 0x20 && byte < 0x7f && !matches!(byte, b'%' | b'?' | b'#' | b'"' | b'<' | b'>')
    };
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if plain(byte) {
            text.push(char::from(byte))
        } else {
            text.push_str(&format!("%{byte:02X}"))
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<&str>) {
        assert_eq!(normalize(path).as_deref(), expect, "{path}");
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
