//! What a path can lead to. Never knows its own name: names live in directories.

use super::told::Told;
use crate::program::Program;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names a node within its tree.
pub(crate) type Ino = u64;

/// Why a file operation failed, in the words of errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// ENOENT
    #[error("no such file or directory")]
    NoEntry,
    /// EEXIST
    #[error("file exists")]
    Exists,
    /// ENOTDIR
    #[error("not a directory")]
    NotDirectory,
    /// EISDIR
    #[error("is a directory")]
    IsDirectory,
    /// ENOTEMPTY
    #[error("directory not empty")]
    NotEmpty,
    /// EROFS
    #[error("read-only file system")]
    ReadOnly,
    /// ENOSPC
    #[error("no space left on device")]
    NoSpace,
    /// ELOOP
    #[error("too many levels of symbolic links")]
    Loop,
    /// EINVAL
    #[error("invalid argument")]
    Invalid,
    /// EXDEV
    #[error("invalid cross-device link")]
    CrossDevice,
    /// EBUSY: something is mounted there.
    #[error("device or resource busy")]
    Busy,
    /// ENAMETOOLONG
    #[error("file name too long")]
    NameTooLong,
    /// EBADF: the file was not opened for this.
    #[error("bad file descriptor")]
    BadDescriptor,
    /// EMFILE
    #[error("too many open files")]
    TooManyOpen,
}

/// A file that is a door to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    Null,
    Zero,
    Random,
    Stdin,
    Stdout,
    Stderr,
    Tty,
}

/// What is behind a name.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Dir(BTreeMap<Arc<str>, Ino>),
    File(Arc<Vec<u8>>),
    Symlink(Arc<str>),
    Program(Program),
    Device(Device),
    /// A file of `/proc`.
    Told(Told),
}

/// A node and what `stat` says about it.
#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub(crate) node: Node,
    /// Permission bits.
    pub(crate) mode: u32,
    /// When it last changed, in nanoseconds of Unix time.
    pub(crate) modified: u64,
    /// How many names it has.
    pub(crate) links: u32,
}

impl Inode {
    pub(crate) fn new(node: Node, mode: u32, modified: u64) -> Self {
        Self {
            node,
            mode,
            modified,
            links: 1,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.node {
            Node::Dir(_) => 4096,
            Node::File(bytes) => bytes.len() as u64,
            Node::Symlink(target) => target.len() as u64,
            Node::Program(program) => program.size(),
            Node::Device(_) | Node::Told(_) => 0,
        }
    }

    /// Up to `max` bytes from `offset`; nothing at the end.
    pub(crate) fn read(&self, offset: u64, max: usize) -> Result<Vec<u8>, FileError> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        match &self.node {
            Node::File(bytes) => {
                let from = from.min(bytes.len());
                let to = from.saturating_add(max).min(bytes.len());
                Ok(bytes[from..to].to_vec())
            }
            Node::Program(program) => Ok(program.read(from, max)),
            Node::Dir(_) => Err(FileError::IsDirectory),
            Node::Symlink(_) | Node::Device(_) | Node::Told(_) => Err(FileError::Invalid),
        }
    }
}
