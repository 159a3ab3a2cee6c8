//! What `std` lacks for files on WASI 0.2: permission bits and symbolic links.

use std::io;
use std::path::{Path, PathBuf};

use crate::system;

/// The permission bits of what a path leads to, such as 0o644; nothing when nothing is there.
pub fn mode(path: impl AsRef<Path>) -> Option<u32> {
    system::mode(&absolute(path.as_ref()))
}

/// Sets them; false when nothing is there or it is on a read-only mount.
pub fn set_mode(path: impl AsRef<Path>, mode: u32) -> bool {
    system::set_mode(&absolute(path.as_ref()), mode)
}

/// Makes a symbolic link at `link` that says `target`.
///
/// # Errors
/// When something is there already, or the folder is not or may not be written.
pub fn symlink(target: &str, link: impl AsRef<Path>) -> io::Result<()> {
    system::symlink(target, &absolute(link.as_ref()))
}

fn absolute(path: &Path) -> PathBuf {
    // Without a current directory a relative path leads nowhere, which is what the host says.
    std::env::current_dir().unwrap_or_default().join(path)
}
