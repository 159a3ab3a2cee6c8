//! The `Range` header: which bytes of a body a request asks for. It reads no file.

/// How many ranges one request may ask for; more mean the whole body.
const MAX_RANGES: usize = 100;

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// Everything: no range, too much of it, or another unit.
    Whole,
    /// These bytes, from the first to the one after the last.
    Parts(Vec<std::ops::Range<u64>>),
    /// Bytes that are not there, or no range by the rules.
    Unsatisfiable,
}

/// Understands a `Range` header about so many bytes, as nginx does.
pub fn range(header: &[u8], length: u64, most: usize) -> Range {
    let unit = header.get(..6).unwrap_or_default();
    if most == 0 || !unit.eq_ignore_ascii_case(b"bytes=") {
        return Range::Whole;
    }
    let (mut parts, mut size) = (Vec::new(), 0_u64);
    for word in header[6..].split(|byte| *byte == b',') {
        let Some(part) = part(word, length) else {
            return Range::Unsatisfiable;
        };
        if part.start < part.end {
            size += part.end - part.start;
            parts.push(part);
        }
        if parts.len() > most.min(MAX_RANGES) {
            return Range::Whole;
        }
    }
    match parts.len() {
        0 => Range::Unsatisfiable,
        // Asking for more than there is by overlaps gets the file once.
        _ if size > length => Range::Whole,
        _ => Range::Parts(parts),
    }
}

/// One range; an empty one when it lies behind the end, nothing when it is malformed.
fn part(word: &[u8], length: u64) -> Option<std::ops::Range<u64>> {
    let text = std::str::from_utf8(word).ok()?.trim_matches(' ');
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim_end_matches(' '), last.trim_start_matches(' '));
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse::<u64>().ok())??;
        i64::try_from(number).is_ok().then_some(number)
    };
    match (first, last) {
        ("", last) => {
            let count = number(last)?;
            Some(length - count.min(length)..length)
        }
        (first, "") => Some(number(first)?..length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            Some(first..(last + 1).min(length))
        }
    }
}

/// Whether a list of entity tags names this one; weakness counts only when `strong`.
pub fn lists_tag(list: &str, tag: &str, strong: bool) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let mut tags = list.split(',').map(str::trim);
    if strong {
        return tags.any(|other| other == tag);
    }
    let bare = |text: &str| text.strip_prefix("W/").unwrap_or(text).to_owned();
    tags.any(|other| bare(other) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, length: u64, parts: &[(u64, u64)]) {
        let parts = parts.iter().map(|(first, end)| *first..*end).collect();
        let got = range(header.as_bytes(), length, 100);
        assert_eq!(got, Range::Parts(parts), "{header}");
    }

    #[test]
    fn a_range_names_its_first_and_last_byte() {
        check("bytes=1-2", 6, &[(1, 3)]);
        check("bytes=4-", 6, &[(4, 6)]);
        check("bytes=-2", 6, &[(4, 6)]);
        check("bytes=-9", 6, &[(0, 6)]);
        check("bytes=0-99", 6, &[(0, 6)]);
        check("bytes=0-0, 2-3", 6, &[(0, 1), (2, 4)]);
        check("bytes=0-1,9-", 6, &[(0, 2)]);
    }

    #[test]
    fn what_is_not_there_or_makes_no_sense_is_not_satisfied() {
        for header in ["bytes=6-", "bytes=-0", "bytes=b-a", "bytes=3-1", "bytes="] {
            assert_eq!(
                range(header.as_bytes(), 6, 100),
                Range::Unsatisfiable,
                "{header}"
            );
        }
        assert_eq!(range(b"bytes=0-", 0, 100), Range::Unsatisfiable);
    }

    #[test]
    fn other_units_and_overlaps_mean_everything() {
        assert_eq!(range(b"lines=1-2", 6, 100), Range::Whole);
        assert_eq!(range(b"bytes=0-5,0-5", 6, 100), Range::Whole);
        assert_eq!(range(b"bytes=0-1,2-3", 6, 1), Range::Whole);
        assert_eq!(range(b"bytes=0-1", 6, 0), Range::Whole);
    }

    #[test]
    fn weak_tags_match_their_strong_twin() {
        assert!(lists_tag("\"x\", W/\"y\"", "\"y\"", false));
        assert!(lists_tag("*", "\"y\"", true));
        assert!(!lists_tag("\"x\"", "\"y\"", false));
        assert!(!lists_tag("W/\"y\"", "\"y\"", true));
    }
}
