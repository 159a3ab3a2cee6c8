//! An open file: reading, writing and cutting it. Never follows a path.

use crate::fs::{At, Device, FileError, Fs, Inode, Node, Told};
use std::sync::Arc;

/// A node that stays while it is open, even without a name.
#[derive(Clone, Debug)]
pub(super) struct Open(Arc<Held>);

#[derive(Debug)]
struct Held {
    fs: Fs,
    at: At,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.fs.mounts().tree(self.at).closed(self.at.ino);
    }
}

impl Open {
    pub(super) fn new(fs: &Fs, at: At) -> Self {
        fs.mounts().tree(at).opened(at.ino);
        Self(Arc::new(Held { fs: fs.clone(), at }))
    }

    pub(super) fn at(&self) -> At {
        self.0.at
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&Inode) -> R) -> Result<R, FileError> {
        self.0.fs.mounts().look(self.0.at, look)
    }

    pub(super) fn read(&self, offset: u64, max: usize) -> Result<Vec<u8>, FileError> {
        self.look(|inode| inode.read(offset, max))?
    }

    /// Writes at `offset`, or at the end when there is none; returns where the writing ended.
    pub(super) fn write(
        &self,
        offset: Option<u64>,
        bytes: &[u8],
        now: u64,
    ) -> Result<u64, FileError> {
        let tree = self.0.fs.mounts().writable(self.0.at)?;
        let room = tree.room();
        tree.edit(self.0.at.ino, |inode| {
            let Node::File(content) = &mut inode.node else {
                return Err(FileError::Invalid);
            };
            let len = content.len() as u64;
            let from = offset.unwrap_or(len);
            let to = from
                .checked_add(bytes.len() as u64)
                .ok_or(FileError::NoSpace)?;
            if to.saturating_sub(len) > room {
                return Err(FileError::NoSpace);
            }
            let content = Arc::make_mut(content);
            let range = usize::try_from(from).expect("within the limit")
                ..usize::try_from(to).expect("within the limit");
            if range.start == content.len() {
                content.extend_from_slice(bytes);
            } else {
                if content.len() < range.end {
                    content.resize(range.end, 0);
                }
                content[range].copy_from_slice(bytes);
            }
            inode.modified = now;
            Ok(to)
        })
    }

    pub(super) fn set_size(&self, size: u64, now: u64) -> Result<(), FileError> {
        let tree = self.0.fs.mounts().writable(self.0.at)?;
        let room = tree.room();
        tree.edit(self.0.at.ino, |inode| {
            let Node::File(content) = &mut inode.node else {
                return Err(FileError::Invalid);
            };
            if size.saturating_sub(content.len() as u64) > room {
                return Err(FileError::NoSpace);
            }
            let size = usize::try_from(size).expect("within the limit");
            if size == 0 {
                *content = Arc::default();
            } else {
                Arc::make_mut(content).resize(size, 0);
            }
            inode.modified = now;
            Ok(())
        })
    }

    /// What a file of `/proc` is about.
    pub(super) fn told(&self) -> Option<Told> {
        let told = |inode: &Inode| match inode.node {
            Node::Told(told) => Some(told),
            _ => None,
        };
        self.look(told).ok().flatten()
    }

    pub(super) fn device(&self) -> Option<Device> {
        self.look(|inode| {
            if let Node::Device(device) = inode.node {
                Some(device)
            } else {
                None
            }
        })
        .ok()
        .flatten()
    }
}
