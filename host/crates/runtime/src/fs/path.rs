//! From a path to a node: mounts, `..` and symbolic links. Never changes anything.

use super::node::{FileError, Ino, Inode, Node};
use super::tree::{ROOT, Tree};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many symbolic links one path may lead through, as on Linux.
const LINKS_MAX: usize = 40;
/// How long a path may be, as on Linux.
const PATH_MAX: usize = 4096;

/// A node anywhere in a file system: the number of its tree, and of the node in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) tree: u32,
    pub(crate) ino: Ino,
}

/// The node every absolute path starts from.
pub(crate) const START: At = At { tree: 0, ino: ROOT };

/// Where a path leads.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The directories from the root down to the one the name is in.
    pub(crate) parents: Vec<At>,
    /// The last name, empty when the path is the root.
    pub(crate) name: String,
    /// The node, when there is one.
    pub(crate) found: Option<At>,
}

impl Place {
    pub(crate) fn node(&self) -> Result<At, FileError> {
        self.found.ok_or(FileError::NoEntry)
    }

    pub(crate) fn parent(&self) -> Result<At, FileError> {
        if self.name.is_empty() {
            return Err(FileError::Busy);
        }
        self.parents.last().copied().ok_or(FileError::Busy)
    }

    /// The directories from the root down to this node, itself included.
    pub(crate) fn trail(mut self) -> Result<Vec<At>, FileError> {
        let node = self.node()?;
        self.parents.push(node);
        Ok(self.parents)
    }
}

/// Trees, and what is mounted where.
#[derive(Debug)]
pub(crate) struct Mounts {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    trees: Vec<Mounted>,
    over: BTreeMap<At, u32>,
}

#[derive(Clone, Debug)]
struct Mounted {
    path: String,
    tree: Arc<Tree>,
    /// The directory of the tree that is shown.
    root: Ino,
    read_only: bool,
}

/// A mount as `df` shows it.
#[derive(Clone, Debug)]
pub(crate) struct MountInfo {
    pub(crate) path: String,
    pub(crate) read_only: bool,
    /// How many bytes may be written on top of the image, and how many were.
    pub(crate) size: u64,
    pub(crate) used: u64,
}

impl Mounts {
    pub(crate) fn new(root: Arc<Tree>) -> Self {
        let trees = vec![Mounted {
            path: "/".to_owned(),
            tree: root,
            root: ROOT,
            read_only: false,
        }];
        Self {
            inner: Mutex::new(Inner {
                trees,
                over: BTreeMap::new(),
            }),
        }
    }

    /// Puts another tree over a directory; paths through it lead into that tree from now on.
    pub(crate) fn mount(&self, path: &str, over: At, shown: (Arc<Tree>, Ino), read_only: bool) {
        let (tree, root) = shown;
        let mut inner = self.inner.lock();
        let number = u32::try_from(inner.trees.len()).expect("fewer mounts than 2^32");
        inner.trees.push(Mounted {
            path: path.to_owned(),
            tree,
            root,
            read_only,
        });
        inner.over.insert(over, number);
    }

    /// From now on nobody writes to the tree at the root; mounts are what they are.
    pub(crate) fn freeze_root(&self) {
        self.inner.lock().trees[START.tree as usize].read_only = true;
    }

    /// What is mounted, in the order of its coming.
    pub(crate) fn list(&self) -> Vec<MountInfo> {
        let trees = self.inner.lock().trees.clone();
        let info = |mounted: Mounted| {
            let (size, used) = mounted.tree.usage();
            MountInfo {
                path: mounted.path,
                read_only: mounted.read_only,
                size,
                used,
            }
        };
        trees.into_iter().map(info).collect()
    }

    pub(crate) fn tree(&self, at: At) -> Arc<Tree> {
        Arc::clone(&self.inner.lock().trees[at.tree as usize].tree)
    }

    /// The tree, if it may be changed.
    pub(crate) fn writable(&self, at: At) -> Result<Arc<Tree>, FileError> {
        let mounted = self.inner.lock().trees[at.tree as usize].clone();
        if mounted.read_only {
            Err(FileError::ReadOnly)
        } else {
            Ok(mounted.tree)
        }
    }

    pub(crate) fn is_mount_point(&self, at: At) -> bool {
        at.tree != 0 && at.ino == self.inner.lock().trees[at.tree as usize].root
    }

    pub(crate) fn look<R>(&self, at: At, look: impl FnOnce(&Inode) -> R) -> Result<R, FileError> {
        self.tree(at).look(at.ino, look)
    }

    fn child(&self, dir: At, name: &str) -> Result<Option<At>, FileError> {
        let Some(ino) = self.tree(dir).child(dir.ino, name)? else {
            return Ok(None);
        };
        let mut at = At {
            tree: dir.tree,
            ino,
        };
        let inner = self.inner.lock();
        while let Some(number) = inner.over.get(&at) {
            at = At {
                tree: *number,
                ino: inner.trees[*number as usize].root,
            };
        }
        Ok(Some(at))
    }

    /// Follows `path` from the directory `base` leads to.
    pub(crate) fn resolve(
        &self,
        base: &[At],
        path: &str,
        follow_last: bool,
    ) -> Result<Place, FileError> {
        if path.is_empty() {
            return Err(FileError::NoEntry);
        }
        if path.len() > PATH_MAX {
            return Err(FileError::NameTooLong);
        }
        let mut trail = if path.starts_with('/') {
            vec![START]
        } else {
            base.to_vec()
        };
        let mut todo: VecDeque<String> = components(path).collect();
        // A slash at the end asks for the directory behind a link.
        let follow_last = follow_last || path.ends_with('/');
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            let dir = *trail.last().expect("a trail starts at the root");
            if name == ".." {
                if trail.len() > 1 {
                    trail.pop();
                }
                continue;
            }
            let last = todo.is_empty();
            let Some(at) = self.child(dir, &name)? else {
                return if last {
                    Ok(Place {
                        parents: trail,
                        name,
                        found: None,
                    })
                } else {
                    Err(FileError::NoEntry)
                };
            };
            let target = self.look(at, |inode| match &inode.node {
                Node::Symlink(target) if !last || follow_last => Some(Arc::clone(target)),
                _ => None,
            })?;
            match target {
                Some(target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(FileError::Loop);
                    }
                    if target.starts_with('/') {
                        trail = vec![START];
                    }
                    for name in components(&target).rev() {
                        todo.push_front(name);
                    }
                }
                None if last => {
                    return Ok(Place {
                        parents: trail,
                        name,
                        found: Some(at),
                    });
                }
                None => trail.push(at),
            }
        }
        // Only dots were left: the path names the directory the trail ends in.
        let found = trail.pop();
        Ok(Place {
            parents: trail,
            name: String::new(),
            found,
        })
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = String> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .map(str::to_owned)
}
