//! Files that options name. Bodies are written in `output`.

use std::fs;
use std::io::{self, Read};
use std::time::UNIX_EPOCH;

/// All of a file; `-` is standard input.
pub(crate) fn read(path: &str) -> io::Result<Vec<u8>> {
    if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
}

/// When a file was written, in seconds since 1970.
pub(crate) fn modified(path: &str) -> Option<i64> {
    let time = fs::metadata(path).ok()?.modified().ok()?;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds).ok()
}

/// The system's words for an error.
pub(crate) fn words(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory",
        io::ErrorKind::PermissionDenied => "Permission denied",
        io::ErrorKind::IsADirectory => "Is a directory",
        io::ErrorKind::NotADirectory => "Not a directory",
        io::ErrorKind::AlreadyExists => "File exists",
        io::ErrorKind::ReadOnlyFilesystem => "Read-only file system",
        io::ErrorKind::StorageFull => "No space left on device",
        _ => "Input/output error",
    }
}
