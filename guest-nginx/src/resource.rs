//! Files as things to serve: found or not, with their age and size; the conditions and ranges of requests about them.
//! It reads the file system on every call and remembers nothing, so that a changed file is served at once.

use std::fs;
use std::io::ErrorKind;
use std::time::UNIX_EPOCH;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File(Stamp),
    /// A folder.
    Folder,
}

/// A file's size and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub length: u64,
    /// The second since 1970 it was last changed in.
    pub seconds: u64,
    /// And the microsecond of that second.
    pub micros: u32,
}

/// Why a path cannot be served, with Linux' number and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The errno on Linux; WASI numbers errors differently.
    pub number: u32,
    /// What Linux says of it.
    pub words: &'static str,
}

impl Failure {
    /// What Linux calls an error of this kind.
    pub fn of(error: &std::io::Error) -> Self {
        let (number, words) = match error.kind() {
            ErrorKind::NotFound => (2, "No such file or directory"),
            ErrorKind::PermissionDenied => (13, "Permission denied"),
            ErrorKind::NotADirectory => (20, "Not a directory"),
            ErrorKind::IsADirectory => (21, "Is a directory"),
            ErrorKind::InvalidFilename => (36, "File name too long"),
            ErrorKind::AddrInUse => (98, "Address already in use"),
            ErrorKind::AddrNotAvailable => (99, "Cannot assign requested address"),
            _ => (5, "Input/output error"),
        };
        Self { number, words }
    }

    /// The status a client gets.
    pub fn status(self) -> u16 {
        match self.number {
            2 | 20 | 36 => 404,
            13 => 403,
            _ => 500,
        }
    }
}

/// Looks at a path.
pub fn look(path: &str) -> Result<Found, Failure> {
    let metadata = fs::metadata(path).map_err(|error| Failure::of(&error))?;
    if metadata.is_dir() {
        return Ok(Found::Folder);
    }
    let age = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    Ok(Found::File(Stamp {
        length: metadata.len(),
        seconds: age.as_secs(),
        micros: age.subsec_micros(),
    }))
}

/// Whether a list of entity tags names this one; weakness does not count.
pub fn lists_tag(list: &str, tag: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    list.trim() == "*" || list.split(',').any(|other| bare(other) == bare(tag))
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Everything: no range, several, or nothing that can be understood.
    Whole,
    /// From the first to the last byte.
    Part(u64, u64),
    /// Bytes that are not there.
    Unsatisfiable,
    /// No range by the rules.
    Malformed,
}

/// Understands a `Range` header about so many bytes.
pub fn range(header: &str, length: u64) -> Range {
    let Some(set) = header.trim().strip_prefix("bytes=") else {
        return Range::Whole;
    };
    if set.contains(',') {
        // One range is served; several may be answered with everything.
        return Range::Whole;
    }
    let Some((first, last)) = set.split_once('-') else {
        return Range::Malformed;
    };
    let number = |text: &str| -> Option<Option<u64>> {
        let text = text.trim();
        if text.is_empty() {
            Some(None)
        } else {
            text.parse().ok().map(Some)
        }
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => match last {
            Some(last) if last < first => Range::Malformed,
            _ if first >= length => Range::Unsatisfiable,
            last => Range::Part(first, last.unwrap_or(u64::MAX).min(length - 1)),
        },
        (Some(None), Some(Some(count))) if count > 0 && length > 0 => {
            Range::Part(length - count.min(length), length - 1)
        }
        (Some(None), Some(Some(_))) => Range::Unsatisfiable,
        _ => Range::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_its_first_and_last_byte() {
        assert_eq!(range("bytes=1-2", 6), Range::Part(1, 2));
        assert_eq!(range("bytes=4-", 6), Range::Part(4, 5));
        assert_eq!(range("bytes=-2", 6), Range::Part(4, 5));
        assert_eq!(range("bytes=-9", 6), Range::Part(0, 5));
        assert_eq!(range("bytes=0-99", 6), Range::Part(0, 5));
    }

    #[test]
    fn what_is_not_there_is_not_satisfied() {
        assert_eq!(range("bytes=6-", 6), Range::Unsatisfiable);
        assert_eq!(range("bytes=0-", 0), Range::Unsatisfiable);
        assert_eq!(range("bytes=-0", 6), Range::Unsatisfiable);
    }

    #[test]
    fn other_units_and_several_ranges_mean_everything() {
        assert_eq!(range("lines=1-2", 6), Range::Whole);
        assert_eq!(range("bytes=0-0,2-3", 6), Range::Whole);
        assert_eq!(range("bytes=b-a", 6), Range::Malformed);
        assert_eq!(range("bytes=3-1", 6), Range::Malformed);
    }

    #[test]
    fn weak_tags_match_their_strong_twin() {
        assert!(lists_tag("\"x\", W/\"y\"", "\"y\""));
        assert!(lists_tag("*", "\"y\""));
        assert!(!lists_tag("\"x\"", "\"y\""));
    }
}
