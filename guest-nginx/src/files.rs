//! Files as things to serve: found or not, with their age and size, and their contents while they are small.
//! It asks the file system for size and age every time, so that a changed file is served at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::rc::Rc;
use std::time::UNIX_EPOCH;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File(Stamp),
    /// A folder, last changed in this second since 1970.
    Folder(u64),
}

/// A file's size and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub length: u64,
    /// The second since 1970 it was last changed in.
    pub seconds: u64,
    /// And the nanosecond of that second.
    pub nanos: u32,
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
    let age = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    if metadata.is_dir() {
        return Ok(Found::Folder(age.as_secs()));
    }
    Ok(Found::File(Stamp {
        length: metadata.len(),
        seconds: age.as_secs(),
        nanos: age.subsec_nanos(),
    }))
}

/// Files up to this size are read at once.
const SMALL: u64 = 64 * 1024;
/// Those up to this size are remembered.
const REMEMBERED: u64 = 32 * 1024;
/// And no more than so many.
const MOST: usize = 64;

/// What a file holds.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Bytes(Rc<[u8]>),
    /// A file to read from.
    Open(File),
}

/// The contents of small files, kept as long as size and age are the same.
#[derive(Debug, Default)]
pub struct Contents(RefCell<BTreeMap<String, Known>>);

/// What a file looked like, and what it held then.
type Known = (Stamp, Rc<[u8]>);

impl Contents {
    /// What a file holds that looked like this.
    pub fn of(&self, path: &str, stamp: Stamp) -> std::io::Result<Content> {
        if stamp.length > SMALL {
            return File::open(path).map(Content::Open);
        }
        if let Some((known, bytes)) = self.0.borrow().get(path)
            && *known == stamp
        {
            return Ok(Content::Bytes(Rc::clone(bytes)));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.length).unwrap_or(0));
        File::open(path)?
            .take(stamp.length)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 != stamp.length {
            // Shorter than it was a moment ago; what is missing cannot be made up.
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let bytes: Rc<[u8]> = bytes.into();
        if stamp.length <= REMEMBERED {
            let mut kept = self.0.borrow_mut();
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(path.to_owned(), (stamp, Rc::clone(&bytes)));
        }
        Ok(Content::Bytes(bytes))
    }
}
