//! `wasi:filesystem` on a container's files.
//!
//! A path may lead anywhere in the container (`..` and links included), never out of it.

mod error;
mod open;
mod streams;

use super::Guest;
use super::bindings::wasi::clocks::wall_clock::Datetime;
use super::bindings::wasi::filesystem::{preopens, types};
use super::clocks::datetime;
use crate::fs::{At, Device, FileError, Fs, Inode, Mounts, Node, START};
pub use error::FsError;
use error::code;
use open::Open;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec::IntoIter;
use streams::{ReadStream, WriteStream};
use types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

/// How much one read may return.
const READ_MAX: u64 = 1 << 20;

type FsResult<T> = Result<T, FsError>;

/// An open file or directory.
#[derive(Debug)]
pub struct Descriptor {
    open: Open,
    /// The directories from the root down to this one, itself included, for `..`.
    trail: Vec<At>,
    flags: DescriptorFlags,
}

/// What is left of a directory's listing.
#[derive(Debug)]
pub struct DirectoryEntries(IntoIter<DirectoryEntry>);

fn kind(inode: &Inode) -> DescriptorType {
    match inode.node {
        Node::Dir(_) => DescriptorType::Directory,
        Node::File(_) | Node::Program(_) | Node::Told(_) => DescriptorType::RegularFile,
        Node::Symlink(_) => DescriptorType::SymbolicLink,
        Node::Device(_) => DescriptorType::CharacterDevice,
    }
}

fn stat(inode: &Inode) -> DescriptorStat {
    let time: Datetime = datetime(inode.modified);
    DescriptorStat {
        type_: kind(inode),
        link_count: u64::from(inode.links),
        size: inode.size(),
        data_access_timestamp: Some(time),
        data_modification_timestamp: Some(time),
        status_change_timestamp: Some(time),
    }
}

fn hash(at: At) -> MetadataHashValue {
    MetadataHashValue {
        lower: at.ino,
        upper: u64::from(at.tree),
    }
}

impl Guest {
    fn fs(&self) -> &Fs {
        &self.container.spec.fs
    }

    fn mounts(&self) -> &Mounts {
        self.container.spec.fs.mounts()
    }

    fn file(&self, descriptor: &Resource<Descriptor>) -> FsResult<&Descriptor> {
        Ok(self.table.get(descriptor)?)
    }

    fn place(
        &self,
        base: &Resource<Descriptor>,
        path: &str,
        follow: bool,
    ) -> FsResult<crate::fs::Place> {
        let base = &self.file(base)?.trail;
        Ok(self.mounts().resolve(base, path, follow)?)
    }

    fn touch(&self, at: At, modified: NewTimestamp) -> FsResult<()> {
        let modified = match modified {
            NewTimestamp::NoChange => return Ok(()),
            NewTimestamp::Now => self.kernel.unix_nanos(),
            NewTimestamp::Timestamp(time) => {
                time.seconds.saturating_mul(1_000_000_000) + u64::from(time.nanoseconds)
            }
        };
        let tree = self.mounts().writable(at)?;
        tree.edit(at.ino, |inode| {
            inode.modified = modified;
            Ok(())
        })?;
        Ok(())
    }

    /// Takes a name away, and the node when it was its last.
    fn remove(
        &self,
        place: &crate::fs::Place,
        check: impl FnOnce(&Inode) -> Result<(), FileError>,
    ) -> FsResult<()> {
        let node = place.node()?;
        self.mounts().look(node, check)??;
        if self.mounts().is_mount_point(node) {
            return Err(FileError::Busy.into());
        }
        let parent = place.parent()?;
        let tree = self.mounts().writable(parent)?;
        tree.leave(parent.ino, &place.name, self.kernel.unix_nanos())?;
        Ok(tree.unlink(node.ino)?)
    }

    fn add(&self, place: &crate::fs::Place, node: Node, mode: u32) -> FsResult<At> {
        if place.found.is_some() {
            return Err(FileError::Exists.into());
        }
        let parent = place.parent()?;
        let inode = Inode::new(node, mode, self.kernel.unix_nanos());
        let ino = self
            .mounts()
            .writable(parent)?
            .add(parent.ino, &place.name, inode)?;
        Ok(At {
            tree: parent.tree,
            ino,
        })
    }
}

impl preopens::Host for Guest {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let flags =
            DescriptorFlags::READ | DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
        let open = Open::new(self.fs(), START);
        let root = Descriptor {
            open,
            trail: vec![START],
            flags,
        };
        Ok(vec![(self.table.push(root)?, "/".to_owned())])
    }
}

impl types::Host for Guest {
    fn convert_error_code(&mut self, err: FsError) -> Result<ErrorCode> {
        match err {
            FsError::Code(code) => Ok(code),
            FsError::Trap(err) => Err(err),
        }
    }

    fn filesystem_error_code(
        &mut self,
        err: Resource<wasmtime::Error>,
    ) -> Result<Option<ErrorCode>> {
        Ok(self
            .table
            .get(&err)?
            .downcast_ref::<FileError>()
            .map(|err| code(*err)))
    }
}

impl types::HostDirectoryEntryStream for Guest {
    fn read_directory_entry(
        &mut self,
        entries: Resource<DirectoryEntries>,
    ) -> FsResult<Option<DirectoryEntry>> {
        Ok(self.table.get_mut(&entries)?.0.next())
    }

    fn drop(&mut self, entries: Resource<DirectoryEntries>) -> Result<()> {
        self.table.delete(entries)?;
        Ok(())
    }
}

impl types::HostDescriptor for Guest {
    fn read_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        let file = self.file(&file)?;
        if !file.flags.contains(DescriptorFlags::READ) {
            return Err(FileError::BadDescriptor.into());
        }
        let open = file.open.clone();
        if let Some(told) = open.told() {
            let stream: DynInputStream = Box::new(streams::Source::text(self.tell(told), offset));
            return Ok(self.table.push(stream)?);
        }
        let stream: DynInputStream = match open.device() {
            None => Box::new(ReadStream::new(open, offset)),
            Some(Device::Stdin | Device::Tty) => Box::new(self.stdio.stdin.clone()),
            Some(device) => Box::new(streams::Source::new(device, self)),
        };
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.write_stream(&file, Some(offset))
    }

    fn append_via_stream(
        &mut self,
        file: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.write_stream(&file, None)
    }

    fn advise(
        &mut self,
        _file: Resource<Descriptor>,
        _offset: u64,
        _length: u64,
        _advice: Advice,
    ) -> FsResult<()> {
        Ok(())
    }

    fn sync_data(&mut self, _file: Resource<Descriptor>) -> FsResult<()> {
        Ok(())
    }

    fn get_flags(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        Ok(self.file(&file)?.flags)
    }

    fn get_type(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorType> {
        Ok(self.file(&file)?.open.look(kind)?)
    }

    fn set_size(&mut self, file: Resource<Descriptor>, size: u64) -> FsResult<()> {
        let file = self.file(&file)?;
        if !file.flags.contains(DescriptorFlags::WRITE) {
            return Err(FileError::BadDescriptor.into());
        }
        Ok(file.open.set_size(size, self.kernel.unix_nanos())?)
    }

    fn set_times(
        &mut self,
        file: Resource<Descriptor>,
        _accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let at = self.file(&file)?.open.at();
        self.touch(at, modified)
    }

    fn read(
        &mut self,
        file: Resource<Descriptor>,
        length: u64,
        offset: u64,
    ) -> FsResult<(Vec<u8>, bool)> {
        let length = usize::try_from(length.min(READ_MAX)).expect("at most 1 MiB");
        let file = self.file(&file)?;
        if let Some(told) = file.open.told() {
            let text = self.tell(told).into_bytes();
            let from = usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(text.len());
            let data = text[from..]
                .iter()
                .copied()
                .take(length)
                .collect::<Vec<_>>();
            let end = data.is_empty() && length > 0;
            return Ok((data, end));
        }
        match file.open.device() {
            None => {
                let data = file.open.read(offset, length)?;
                let end = data.is_empty() && length > 0;
                Ok((data, end))
            }
            Some(Device::Zero) => Ok((vec![0; length], false)),
            Some(Device::Random) => Ok((self.random_bytes(length as u64), false)),
            Some(_) => Ok((Vec::new(), true)),
        }
    }

    fn write(&mut self, file: Resource<Descriptor>, buffer: Vec<u8>, offset: u64) -> FsResult<u64> {
        let now = self.kernel.unix_nanos();
        let file = self.file(&file)?;
        if !file.flags.contains(DescriptorFlags::WRITE) {
            return Err(FileError::BadDescriptor.into());
        }
        if file.open.device().is_none() {
            file.open.write(Some(offset), &buffer, now)?;
        }
        Ok(buffer.len() as u64)
    }

    fn read_directory(
        &mut self,
        dir: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntries>> {
        let dir = self.file(&dir)?;
        let names: Vec<String> = dir.open.look(|inode| match &inode.node {
            Node::Dir(entries) => Ok(entries.keys().map(|name| name.to_string()).collect()),
            _ => Err(FileError::NotDirectory),
        })??;
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            let at = self.mounts().resolve(&dir.trail, &name, false)?.node()?;
            entries.push(DirectoryEntry {
                type_: self.mounts().look(at, kind)?,
                name,
            });
        }
        Ok(self.table.push(DirectoryEntries(entries.into_iter()))?)
    }

    fn sync(&mut self, _file: Resource<Descriptor>) -> FsResult<()> {
        Ok(())
    }

    fn create_directory_at(&mut self, base: Resource<Descriptor>, path: String) -> FsResult<()> {
        let place = self.place(&base, path.trim_end_matches('/'), false)?;
        self.add(&place, Node::Dir(BTreeMap::new()), 0o755)
            .map(drop)
    }

    fn stat(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        Ok(self.file(&file)?.open.look(stat)?)
    }

    fn stat_at(
        &mut self,
        base: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        let at = self.place(&base, &path, follow)?.node()?;
        Ok(self.mounts().look(at, stat)?)
    }

    fn set_times_at(
        &mut self,
        base: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        _accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        let at = self.place(&base, &path, follow)?.node()?;
        self.touch(at, modified)
    }

    fn link_at(
        &mut self,
        base: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        new_base: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        let node = self.place(&base, &path, follow)?.node()?;
        let place = self.place(&new_base, &new_path, false)?;
        if place.found.is_some() {
            return Err(FileError::Exists.into());
        }
        let parent = place.parent()?;
        if parent.tree != node.tree {
            return Err(FileError::CrossDevice.into());
        }
        if self
            .mounts()
            .look(node, |inode| matches!(inode.node, Node::Dir(_)))?
        {
            return Err(ErrorCode::NotPermitted.into());
        }
        let tree = self.mounts().writable(parent)?;
        tree.edit(node.ino, |inode| {
            inode.links += 1;
            Ok(())
        })?;
        Ok(tree.enter(parent.ino, &place.name, node.ino, self.kernel.unix_nanos())?)
    }

    fn open_at(
        &mut self,
        base: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let follow = path_flags.contains(PathFlags::SYMLINK_FOLLOW);
        let mut place = self.place(&base, &path, follow)?;
        let writes = flags.contains(DescriptorFlags::WRITE);
        match place.found {
            Some(_) if open_flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE) => {
                return Err(FileError::Exists.into());
            }
            Some(at) => self.check_open(at, writes, open_flags)?,
            None if open_flags.contains(OpenFlags::CREATE) && !path.ends_with('/') => {
                place.found = Some(self.add(&place, Node::File(Arc::default()), 0o644)?);
            }
            None => return Err(FileError::NoEntry.into()),
        }
        let open = Open::new(self.fs(), place.node()?);
        if open_flags.contains(OpenFlags::TRUNCATE) && open.device().is_none() {
            open.set_size(0, self.kernel.unix_nanos())?;
        }
        let trail = place.trail()?;
        Ok(self.table.push(Descriptor { open, trail, flags })?)
    }

    fn readlink_at(&mut self, base: Resource<Descriptor>, path: String) -> FsResult<String> {
        let at = self.place(&base, &path, false)?.node()?;
        let target = self.mounts().look(at, |inode| match &inode.node {
            Node::Symlink(target) => Some(target.to_string()),
            _ => None,
        })?;
        Ok(target.ok_or(FileError::Invalid)?)
    }

    fn remove_directory_at(&mut self, base: Resource<Descriptor>, path: String) -> FsResult<()> {
        let place = self.place(&base, path.trim_end_matches('/'), false)?;
        self.remove(&place, |inode| match &inode.node {
            Node::Dir(entries) if entries.is_empty() => Ok(()),
            Node::Dir(_) => Err(FileError::NotEmpty),
            _ => Err(FileError::NotDirectory),
        })
    }

    fn rename_at(
        &mut self,
        base: Resource<Descriptor>,
        path: String,
        new_base: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let from = self.place(&base, path.trim_end_matches('/'), false)?;
        let to = self.place(&new_base, new_path.trim_end_matches('/'), false)?;
        self.rename(&from, &to)
    }

    fn symlink_at(
        &mut self,
        base: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let place = self.place(&base, &path, false)?;
        self.add(&place, Node::Symlink(target.into()), 0o777)
            .map(drop)
    }

    fn unlink_file_at(&mut self, base: Resource<Descriptor>, path: String) -> FsResult<()> {
        let place = self.place(&base, &path, false)?;
        self.remove(&place, |inode| match inode.node {
            Node::Dir(_) => Err(FileError::IsDirectory),
            _ => Ok(()),
        })
    }

    fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> Result<bool> {
        Ok(self.table.get(&one)?.open.at() == self.table.get(&other)?.open.at())
    }

    fn metadata_hash(&mut self, file: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        Ok(hash(self.file(&file)?.open.at()))
    }

    fn metadata_hash_at(
        &mut self,
        base: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        Ok(hash(self.place(&base, &path, follow)?.node()?))
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> Result<()> {
        self.table.delete(descriptor)?;
        Ok(())
    }
}

impl Guest {
    fn check_open(&self, at: At, writes: bool, flags: OpenFlags) -> FsResult<()> {
        let is_dir = self.mounts().look(at, |inode| match inode.node {
            Node::Dir(_) => Ok(true),
            // The last name was a link and was not to be followed.
            Node::Symlink(_) => Err(FileError::Loop),
            // As in every container without privileges.
            Node::Told(_) if writes => Err(FileError::ReadOnly),
            _ => Ok(false),
        })??;
        if flags.contains(OpenFlags::DIRECTORY) && !is_dir {
            return Err(FileError::NotDirectory.into());
        }
        if is_dir && (writes || flags.contains(OpenFlags::TRUNCATE)) {
            return Err(FileError::IsDirectory.into());
        }
        if writes {
            self.mounts().writable(at)?;
        }
        Ok(())
    }

    fn write_stream(
        &mut self,
        file: &Resource<Descriptor>,
        offset: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(file)?;
        if !file.flags.contains(DescriptorFlags::WRITE) {
            return Err(FileError::BadDescriptor.into());
        }
        let open = file.open.clone();
        let stream: DynOutputStream = match open.device() {
            None => Box::new(WriteStream::new(open, offset, &self.kernel)),
            Some(Device::Stdout | Device::Tty) => Box::new(self.stdio.stdout.clone()),
            Some(Device::Stderr) => Box::new(self.stdio.stderr.clone()),
            Some(_) => Box::new(crate::process::Output::null()),
        };
        Ok(self.table.push(stream)?)
    }

    fn rename(&self, from: &crate::fs::Place, to: &crate::fs::Place) -> FsResult<()> {
        let node = from.node()?;
        let (old_parent, new_parent) = (from.parent()?, to.parent()?);
        if self.mounts().is_mount_point(node) {
            return Err(FileError::Busy.into());
        }
        if old_parent.tree != new_parent.tree {
            return Err(FileError::CrossDevice.into());
        }
        // A directory cannot move into itself.
        if to.parents.contains(&node) {
            return Err(FileError::Invalid.into());
        }
        if to.found == Some(node) {
            return Ok(());
        }
        let is_dir = |at: At| {
            self.mounts()
                .look(at, |inode| matches!(inode.node, Node::Dir(_)))
        };
        let moves_dir = is_dir(node)?;
        if to.found.is_some() {
            self.remove(to, |old| match &old.node {
                Node::Dir(_) if !moves_dir => Err(FileError::IsDirectory),
                Node::Dir(entries) if !entries.is_empty() => Err(FileError::NotEmpty),
                Node::Dir(_) => Ok(()),
                _ if moves_dir => Err(FileError::NotDirectory),
                _ => Ok(()),
            })?;
        }
        let now = self.kernel.unix_nanos();
        let tree = self.mounts().writable(new_parent)?;
        tree.leave(old_parent.ino, &from.name, now)?;
        Ok(tree.enter(new_parent.ino, &to.name, node.ino, now)?)
    }
}
