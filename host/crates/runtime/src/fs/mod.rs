//! A container's files, in memory: an image's layer, what the container changed, and mounts.
//!
//! Never touches the host's disk. Everybody is root and modes are kept but not enforced, except
//! that a mount may be read-only and that a program needs its execute bit.
//! Start reading at [`Fs`]; `path.rs` says where a path leads, `tree.rs` keeps the nodes.

mod node;
mod path;
mod told;
mod tree;

pub use node::FileError;
pub(crate) use node::{Device, Inode, Node};
pub(crate) use path::{At, MountInfo, Mounts, Place, START};
pub(crate) use told::{Told, Whose};

use crate::program::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use tree::{BYTES_MAX, Layer, Tree};

/// Files that never change, shared by every container made from them.
#[derive(Clone)]
pub struct Image(Arc<Layer>);

/// A file system; a clone is the same one.
#[derive(Clone)]
pub struct Fs {
    mounts: Arc<Mounts>,
    /// What the host writes is dated with this, in nanoseconds of Unix time.
    birth: u64,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").finish_non_exhaustive()
    }
}

impl fmt::Debug for Fs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fs").finish_non_exhaustive()
    }
}

/// What the host may ask of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// Bytes.
    File,
    /// A name for another path.
    Symlink,
    /// A program that can be started.
    Program,
    /// A door, such as `/dev/null`.
    Device,
}

impl Fs {
    /// An empty directory and nothing else: a volume, or the start of an image.
    #[must_use]
    pub fn empty(unix_nanos: u64) -> Self {
        Self::over(Layer::empty(unix_nanos), unix_nanos)
    }

    /// A container's own file system on top of an image; making one copies nothing.
    #[must_use]
    pub fn new(image: &Image, unix_nanos: u64) -> Self {
        Self::over(Arc::clone(&image.0), unix_nanos)
    }

    fn over(layer: Arc<Layer>, birth: u64) -> Self {
        let tree = Arc::new(Tree::new(layer, BYTES_MAX));
        Self {
            mounts: Arc::new(Mounts::new(tree)),
            birth,
        }
    }

    /// What is in it now, without its mounts, as an image.
    #[must_use]
    pub fn to_image(&self) -> Image {
        Image(self.mounts.tree(START).freeze())
    }

    pub(crate) fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// Makes `/dev` with the doors programs expect.
    ///
    /// # Errors
    /// When something else is in the way.
    pub fn make_devices(&self) -> Result<(), FileError> {
        let devices = [
            ("null", Device::Null),
            ("zero", Device::Zero),
            ("random", Device::Random),
            ("urandom", Device::Random),
            ("stdin", Device::Stdin),
            ("stdout", Device::Stdout),
            ("stderr", Device::Stderr),
            ("tty", Device::Tty),
        ];
        for (name, device) in devices {
            self.put(&format!("/dev/{name}"), Node::Device(device), 0o666)?;
        }
        Ok(())
    }

    /// Makes `/proc` with what programs and people look up in it, as far as the lab knows it.
    ///
    /// # Errors
    /// When something else is in the way.
    pub fn make_proc(&self) -> Result<(), FileError> {
        for (name, about) in told::FILES {
            self.put(&format!("/proc/{name}"), Node::Told(*about), 0o444)?;
        }
        for (number, name) in ["stdin", "stdout", "stderr"].iter().enumerate() {
            self.symlink(&format!("/proc/self/fd/{number}"), &format!("/dev/{name}"))?;
        }
        Ok(())
    }

    /// Makes a directory and every missing one above it.
    ///
    /// # Errors
    /// When a file is in the way, or the file system is full.
    pub fn mkdir_all(&self, path: &str) -> Result<(), FileError> {
        self.mkdirs(path).map(drop)
    }

    fn mkdirs(&self, path: &str) -> Result<At, FileError> {
        let mut trail = vec![START];
        for name in path
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
        {
            let place = self.mounts.resolve(&trail, name, true)?;
            let at = match place.found {
                Some(at) => at,
                None => {
                    let parent = place.parent()?;
                    let dir = Inode::new(Node::Dir(BTreeMap::new()), 0o755, self.birth);
                    let ino = self
                        .mounts
                        .writable(parent)?
                        .add(parent.ino, &place.name, dir)?;
                    At {
                        tree: parent.tree,
                        ino,
                    }
                }
            };
            if !self
                .mounts
                .look(at, |inode| matches!(inode.node, Node::Dir(_)))?
            {
                return Err(FileError::NotDirectory);
            }
            let mut parents = place.parents;
            parents.push(at);
            trail = parents;
        }
        Ok(*trail.last().expect("starts at the root"))
    }

    /// Puts a node at a path, in place of any file there; directories above it are made.
    fn put(&self, path: &str, node: Node, mode: u32) -> Result<(), FileError> {
        let path = path.trim_end_matches('/');
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dir = self.mkdirs(dir)?;
        let tree = self.mounts.writable(dir)?;
        if let Some(old) = tree.child(dir.ino, name)? {
            if tree.look(old, |inode| matches!(inode.node, Node::Dir(_)))? {
                return Err(FileError::IsDirectory);
            }
            tree.leave(dir.ino, name, self.birth)?;
            tree.unlink(old)?;
        }
        tree.add(dir.ino, name, Inode::new(node, mode, self.birth))
            .map(drop)
    }

    /// Writes a whole file with these permission bits, in place of any other.
    ///
    /// # Errors
    /// When a directory is in the way, or the file system is full.
    pub fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), FileError> {
        self.put(path, Node::File(Arc::new(bytes.to_vec())), mode)
    }

    /// Puts a program at a path, so that it can be started by that name.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file).
    pub fn put_program(&self, path: &str, program: &Program) -> Result<(), FileError> {
        self.put(path, Node::Program(program.clone()), 0o755)
    }

    /// Puts a symbolic link at a path.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file).
    pub fn symlink(&self, path: &str, target: &str) -> Result<(), FileError> {
        self.put(path, Node::Symlink(target.into()), 0o777)
    }

    /// The whole content of a file.
    ///
    /// # Errors
    /// When there is none, or it is no file.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let at = self.find(path)?;
        self.mounts.look(at, |inode| inode.read(0, usize::MAX))?
    }

    /// What is at a path, links followed; `None` when nothing is.
    #[must_use]
    pub fn kind(&self, path: &str) -> Option<FileKind> {
        let at = self.find(path).ok()?;
        let kind = self.mounts.look(at, |inode| match inode.node {
            Node::Dir(_) => FileKind::Directory,
            Node::File(_) | Node::Told(_) => FileKind::File,
            Node::Symlink(_) => FileKind::Symlink,
            Node::Program(_) => FileKind::Program,
            Node::Device(_) => FileKind::Device,
        });
        kind.ok()
    }

    /// The permission bits at a path, links followed.
    ///
    /// # Errors
    /// When nothing is there.
    pub fn mode(&self, path: &str) -> Result<u32, FileError> {
        self.mounts.look(self.find(path)?, |inode| inode.mode)
    }

    /// Sets the permission bits at a path, links followed.
    ///
    /// # Errors
    /// When nothing is there, or it is on a read-only mount.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), FileError> {
        let at = self.find(path)?;
        self.mounts.writable(at)?.edit(at.ino, |inode| {
            inode.mode = mode & 0o7777;
            Ok(())
        })
    }

    /// The names in a directory, in order.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn list(&self, path: &str) -> Result<Vec<String>, FileError> {
        let at = self.find(path)?;
        self.mounts.look(at, |inode| match &inode.node {
            Node::Dir(entries) => Ok(entries.keys().map(|name| name.to_string()).collect()),
            _ => Err(FileError::NotDirectory),
        })?
    }

    /// Removes a file or an empty directory.
    ///
    /// # Errors
    /// When there is none, or the directory is not empty.
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        let place = self.mounts.resolve(&[START], path, false)?;
        let (node, parent) = (place.node()?, place.parent()?);
        if node.tree != parent.tree {
            return Err(FileError::Busy);
        }
        let tree = self.mounts.writable(parent)?;
        let full = |inode: &Inode| matches!(&inode.node, Node::Dir(entries) if !entries.is_empty());
        if tree.look(node.ino, full)? {
            return Err(FileError::NotEmpty);
        }
        tree.leave(parent.ino, &place.name, self.birth)?;
        tree.unlink(node.ino)
    }

    /// Shows the files of `volume` at `path`; several containers may mount the same one.
    ///
    /// # Errors
    /// When a file is in the way of the path.
    pub fn mount(&self, path: &str, volume: &Self, read_only: bool) -> Result<(), FileError> {
        let at = self.mkdirs(path)?;
        if at == START {
            return Err(FileError::Busy);
        }
        let shown = (volume.mounts.tree(START), START.ino);
        self.mounts.mount(path, at, shown, read_only);
        Ok(())
    }

    /// Shows one directory of `volume` at `path`, made if it is missing.
    ///
    /// # Errors
    /// When a file is in the way of the path, or of the directory.
    pub fn mount_dir(
        &self,
        path: &str,
        volume: &Self,
        dir: &str,
        read_only: bool,
    ) -> Result<(), FileError> {
        let shown = volume.mkdirs(dir)?;
        let at = self.mkdirs(path)?;
        if at == START || shown.tree != START.tree {
            return Err(FileError::Busy);
        }
        let shown = (volume.mounts.tree(START), shown.ino);
        self.mounts.mount(path, at, shown, read_only);
        Ok(())
    }

    /// From now on nothing can be written but into mounts that allow it.
    pub fn make_read_only(&self) {
        self.mounts.freeze_root();
    }

    /// Makes these the only files, each with its bytes and permission bits by its path.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn replace_all<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8], u32)>,
    ) -> Result<(), FileError> {
        let mut kept = BTreeSet::new();
        for (path, bytes, mode) in files {
            let path = format!("/{}", path.trim_start_matches('/'));
            self.write_file(&path, bytes, mode)?;
            kept.insert(path);
        }
        self.remove_but("", &kept)
    }

    /// Removes what is below a directory, except these files and the way to them.
    fn remove_but(&self, dir: &str, kept: &BTreeSet<String>) -> Result<(), FileError> {
        for name in self.list(if dir.is_empty() { "/" } else { dir })? {
            let path = format!("{dir}/{name}");
            if kept.contains(&path) {
                continue;
            }
            if self.kind(&path) == Some(FileKind::Directory) {
                self.remove_but(&path, kept)?;
                if !self.list(&path)?.is_empty() {
                    continue;
                }
            }
            self.remove(&path)?;
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Result<At, FileError> {
        self.mounts.resolve(&[START], path, true)?.node()
    }

    /// The program or script at a path.
    pub(crate) fn executable(&self, cwd: &str, path: &str) -> Result<Executable, FileError> {
        // A folder that has been removed is still somebody's, and an absolute path does not need it.
        let base = self.mounts.resolve(&[START], cwd, true);
        let base = base.and_then(|place| place.trail()).unwrap_or(vec![START]);
        let at = self.mounts.resolve(&base, path, true)?.node()?;
        self.mounts.look(at, |inode| match &inode.node {
            Node::Program(program) if inode.mode & 0o111 != 0 => {
                Executable::Program(program.clone())
            }
            Node::File(bytes) if inode.mode & 0o111 != 0 && bytes.starts_with(b"#!") => {
                let line = bytes[2..]
                    .split(|byte| *byte == b'\n')
                    .next()
                    .unwrap_or_default();
                Executable::Script(String::from_utf8_lossy(line).trim().to_owned())
            }
            _ => Executable::Not,
        })
    }
}

/// What starting a file means.
#[derive(Debug)]
pub(crate) enum Executable {
    Program(Program),
    /// The rest of the line after `#!`.
    Script(String),
    Not,
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
