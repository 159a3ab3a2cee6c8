//! One tree of nodes: a shared layer that is only read, and what was changed on top of it.
//!
//! Never follows a path (that is `path.rs`) and never grows beyond its bounds.

use super::node::{FileError, Ino, Inode, Node};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The node every path starts from.
pub(crate) const ROOT: Ino = 0;
/// How many nodes may be made on top of a layer.
const NODES_MAX: usize = 100_000;
/// How long one name may be.
const NAME_MAX: usize = 255;
/// How many bytes may be written on top of a layer, unless said otherwise.
pub(crate) const BYTES_MAX: u64 = 256 << 20;

/// Nodes that never change, shared by every container of an image.
#[derive(Debug)]
pub(crate) struct Layer(Vec<Option<Inode>>);

/// A layer and what was changed on top of it.
#[derive(Debug)]
pub(crate) struct Tree {
    lower: Arc<Layer>,
    upper: Mutex<Upper>,
}

#[derive(Debug)]
struct Upper {
    nodes: BTreeMap<Ino, Inode>,
    open: BTreeMap<Ino, u32>,
    next: Ino,
    bytes: u64,
    limit: u64,
}

impl Layer {
    /// A layer of one empty directory.
    pub(crate) fn empty(modified: u64) -> Arc<Self> {
        let root = Inode::new(Node::Dir(BTreeMap::new()), 0o755, modified);
        Arc::new(Self(vec![Some(root)]))
    }
}

impl Tree {
    pub(crate) fn new(lower: Arc<Layer>, limit: u64) -> Self {
        let next = lower.0.len() as Ino;
        let upper = Upper {
            nodes: BTreeMap::new(),
            open: BTreeMap::new(),
            next,
            bytes: 0,
            limit,
        };
        Self {
            lower,
            upper: Mutex::new(upper),
        }
    }

    /// Everything in this tree as a layer that others can share.
    pub(crate) fn freeze(&self) -> Arc<Layer> {
        let upper = self.upper.lock();
        let count = usize::try_from(upper.next).expect("fewer nodes than bytes");
        let nodes = (0..count).map(|ino| {
            upper
                .nodes
                .get(&(ino as Ino))
                .or_else(|| self.lower.0.get(ino)?.as_ref())
                .cloned()
        });
        Arc::new(Layer(nodes.collect()))
    }

    fn lower(&self, ino: Ino) -> Option<&Inode> {
        self.lower.0.get(usize::try_from(ino).ok()?)?.as_ref()
    }

    /// Looks at a node.
    pub(crate) fn look<R>(&self, ino: Ino, look: impl FnOnce(&Inode) -> R) -> Result<R, FileError> {
        let upper = self.upper.lock();
        let inode = upper
            .nodes
            .get(&ino)
            .or_else(|| self.lower(ino))
            .ok_or(FileError::NoEntry)?;
        Ok(look(inode))
    }

    /// The node behind `name` in a directory.
    pub(crate) fn child(&self, dir: Ino, name: &str) -> Result<Option<Ino>, FileError> {
        self.look(dir, |inode| match &inode.node {
            Node::Dir(entries) => Ok(entries.get(name).copied()),
            _ => Err(FileError::NotDirectory),
        })?
    }

    /// Changes a node; its bytes count against the limit.
    pub(crate) fn edit<R>(
        &self,
        ino: Ino,
        edit: impl FnOnce(&mut Inode) -> Result<R, FileError>,
    ) -> Result<R, FileError> {
        let mut upper = self.upper.lock();
        if !upper.nodes.contains_key(&ino) {
            let copy = self.lower(ino).cloned().ok_or(FileError::NoEntry)?;
            upper.grow(0, stored(&copy))?;
            upper.nodes.insert(ino, copy);
        }
        let others = {
            let mine = upper.nodes.get(&ino).map_or(0, stored);
            upper.bytes - mine
        };
        let inode = upper.nodes.get_mut(&ino).expect("inserted above");
        let result = edit(inode);
        let after = stored(inode);
        upper.bytes = others + after;
        result
    }

    /// How many bytes may be written, and how many were.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let upper = self.upper.lock();
        (upper.limit, upper.bytes)
    }

    /// How many more bytes may be written.
    pub(crate) fn room(&self) -> u64 {
        let upper = self.upper.lock();
        upper.limit.saturating_sub(upper.bytes)
    }

    /// Puts a new node into a directory.
    pub(crate) fn add(&self, dir: Ino, name: &str, inode: Inode) -> Result<Ino, FileError> {
        check_name(name)?;
        let modified = inode.modified;
        let ino = {
            let mut upper = self.upper.lock();
            if upper.nodes.len() >= NODES_MAX {
                return Err(FileError::NoSpace);
            }
            upper.grow(0, stored(&inode))?;
            let ino = upper.next;
            upper.next += 1;
            upper.nodes.insert(ino, inode);
            ino
        };
        self.enter(dir, name, ino, modified)?;
        Ok(ino)
    }

    /// Gives a node a name in a directory.
    pub(crate) fn enter(&self, dir: Ino, name: &str, ino: Ino, at: u64) -> Result<(), FileError> {
        check_name(name)?;
        self.edit(dir, |inode| {
            let Node::Dir(entries) = &mut inode.node else {
                return Err(FileError::NotDirectory);
            };
            entries.insert(name.into(), ino);
            inode.modified = at;
            Ok(())
        })
    }

    /// Takes a name out of a directory; the node stays.
    pub(crate) fn leave(&self, dir: Ino, name: &str, at: u64) -> Result<Ino, FileError> {
        self.edit(dir, |inode| {
            let Node::Dir(entries) = &mut inode.node else {
                return Err(FileError::NotDirectory);
            };
            inode.modified = at;
            entries.remove(name).ok_or(FileError::NoEntry)
        })
    }

    /// One name less; a node without a name goes when nobody has it open.
    pub(crate) fn unlink(&self, ino: Ino) -> Result<(), FileError> {
        self.edit(ino, |inode| {
            inode.links = inode.links.saturating_sub(1);
            Ok(())
        })?;
        self.upper.lock().collect(ino);
        Ok(())
    }

    pub(crate) fn opened(&self, ino: Ino) {
        *self.upper.lock().open.entry(ino).or_default() += 1;
    }

    pub(crate) fn closed(&self, ino: Ino) {
        let mut upper = self.upper.lock();
        if let Some(count) = upper.open.get_mut(&ino) {
            *count -= 1;
            if *count == 0 {
                upper.open.remove(&ino);
                upper.collect(ino);
            }
        }
    }
}

impl Upper {
    fn grow(&mut self, before: u64, after: u64) -> Result<(), FileError> {
        let bytes = self.bytes - before + after;
        if bytes > self.limit {
            return Err(FileError::NoSpace);
        }
        self.bytes = bytes;
        Ok(())
    }

    fn collect(&mut self, ino: Ino) {
        let unnamed = self.nodes.get(&ino).is_some_and(|inode| inode.links == 0);
        if unnamed
            && !self.open.contains_key(&ino)
            && let Some(inode) = self.nodes.remove(&ino)
        {
            self.bytes -= stored(&inode);
        }
    }
}

/// What a node costs: only content that was written counts.
fn stored(inode: &Inode) -> u64 {
    match &inode.node {
        Node::File(bytes) => bytes.len() as u64,
        Node::Dir(_) | Node::Symlink(_) | Node::Program(_) | Node::Device(_) | Node::Told(_) => 0,
    }
}

fn check_name(name: &str) -> Result<(), FileError> {
    match name {
        "" | "." | ".." => Err(FileError::Invalid),
        _ if name.len() > NAME_MAX => Err(FileError::NameTooLong),
        _ => Ok(()),
    }
}
