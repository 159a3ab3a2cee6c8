//! Objects by kind, namespace and name, with one revision for every write and a bounded log of them.
//!
//! A watch is a cursor into the log, not a channel: whoever reads asks for the events since a
//! revision, and is told [`Gone`] when the log no longer reaches back that far.
//! Never stamps uids or times, never defaults, never validates: that is the registry's and the
//! API's work.

use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A stored object: immutable once written, shared by everyone who reads it.
pub type Object = Arc<Value>;

/// How many events the log keeps before the oldest is forgotten.
pub const LOG_CAPACITY: usize = 4_096;

/// Which object: its kind as `plural.group` (`pods`, `deployments.apps`), namespace and name.
///
/// The namespace is empty for cluster-scoped objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind's `plural.group`, or its plural alone in the core group.
    pub kind: &'static str,
    /// The namespace, empty for cluster-scoped kinds.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key with these parts.
    #[must_use]
    pub fn new(kind: &'static str, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The key under which `object` is stored.
    #[must_use]
    pub fn of(kind: &'static str, object: &Value) -> Self {
        Self::new(kind, namespace_of(object), name_of(object))
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// It was created.
    Added,
    /// It was changed.
    Modified,
    /// It was removed.
    Deleted,
}

/// One write, as the log keeps it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The revision the write made; no two events share one.
    pub rev: u64,
    /// The object's kind as `plural.group`.
    pub kind: &'static str,
    /// What happened.
    pub op: Op,
    /// The object after the write; for [`Op::Deleted`] its last state, stamped with `rev`.
    pub object: Object,
    /// The object before the write; `None` for [`Op::Added`].
    pub previous: Option<Object>,
}

/// Why a write was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// An object of this name exists.
    #[error("already exists")]
    AlreadyExists,
    /// No object of this name exists.
    #[error("not found")]
    NotFound,
    /// The object was changed since the caller read it.
    #[error(
        "the object has been modified; please apply your changes to the latest version and try again"
    )]
    Conflict,
    /// The object carries no name.
    #[error("name is required")]
    Unnamed,
}

/// The log no longer reaches back to the revision asked for; `oldest` is the first that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too old resource version: {asked} ({oldest})")]
pub struct Gone {
    /// The revision asked for.
    pub asked: u64,
    /// The oldest revision that can still be asked for.
    pub oldest: u64,
}

type ByName = BTreeMap<String, Object>;
type ByNamespace = BTreeMap<String, ByName>;

/// All objects of a cluster.
#[derive(Debug)]
pub struct Store {
    objects: BTreeMap<&'static str, ByNamespace>,
    revision: u64,
    log: VecDeque<Event>,
    capacity: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self::with_capacity(LOG_CAPACITY)
    }
}

impl Store {
    /// A store whose log keeps `capacity` events.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            objects: BTreeMap::new(),
            revision: 0,
            log: VecDeque::new(),
            capacity,
        }
    }

    /// The revision of the newest write; every write makes the next one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The object of this kind, namespace (empty when cluster-scoped) and name.
    #[must_use]
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        self.objects.get(kind)?.get(namespace)?.get(name)
    }

    /// The object under `key`.
    #[must_use]
    pub fn get_key(&self, key: &Key) -> Option<&Object> {
        self.get(key.kind, &key.namespace, &key.name)
    }

    /// The objects of a kind in one namespace, or in all, ordered by namespace and name.
    pub fn list(&self, kind: &str, namespace: Option<&str>) -> impl Iterator<Item = &Object> {
        let spaces = self.objects.get(kind);
        let one = spaces.and_then(|spaces| spaces.get(namespace?));
        let all = spaces
            .filter(|_| namespace.is_none())
            .into_iter()
            .flat_map(|s| s.values());
        all.chain(one).flat_map(|names| names.values())
    }

    /// How many objects of a kind exist.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.objects
            .get(kind)
            .map_or(0, |spaces| spaces.values().map(ByName::len).sum())
    }

    /// Writes a new object and stamps its `resourceVersion`.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] and [`StoreError::Unnamed`].
    pub fn create(&mut self, kind: &'static str, value: Value) -> Result<Object, StoreError> {
        let (namespace, name) = (namespace_of(&value).to_owned(), name_of(&value).to_owned());
        if name.is_empty() {
            return Err(StoreError::Unnamed);
        }
        if self.get(kind, &namespace, &name).is_some() {
            return Err(StoreError::AlreadyExists);
        }
        let object = self.stamp(value);
        let names = self
            .objects
            .entry(kind)
            .or_default()
            .entry(namespace)
            .or_default();
        names.insert(name, Arc::clone(&object));
        self.record(kind, Op::Added, Arc::clone(&object), None);
        Ok(object)
    }

    /// Replaces an object and stamps its `resourceVersion`; a `resourceVersion` in `value` must be
    /// the stored one. A replacement that changes nothing writes nothing and returns what is stored.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and [`StoreError::Conflict`].
    pub fn update(&mut self, kind: &'static str, mut value: Value) -> Result<Object, StoreError> {
        let current = self.get(kind, namespace_of(&value), name_of(&value));
        let current = Arc::clone(current.ok_or(StoreError::NotFound)?);
        let stored = current
            .pointer("/metadata/resourceVersion")
            .cloned()
            .unwrap_or_default();
        match value
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
        {
            None | Some("") => value["metadata"]["resourceVersion"] = stored,
            Some(asked) if stored == asked => {}
            Some(_) => return Err(StoreError::Conflict),
        }
        if *current == value {
            return Ok(current);
        }
        let object = self.stamp(value);
        self.place(kind, Arc::clone(&object));
        self.record(kind, Op::Modified, Arc::clone(&object), Some(current));
        Ok(object)
    }

    /// Removes an object and returns its last state, stamped with the revision of the removal.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete(
        &mut self,
        kind: &'static str,
        namespace: &str,
        name: &str,
    ) -> Result<Object, StoreError> {
        let names = self
            .objects
            .get_mut(kind)
            .and_then(|spaces| spaces.get_mut(namespace));
        let current = names
            .and_then(|names| names.remove(name))
            .ok_or(StoreError::NotFound)?;
        let object = self.stamp((*current).clone());
        self.record(kind, Op::Deleted, Arc::clone(&object), Some(current));
        Ok(object)
    }

    /// The events after revision `rev`, oldest first.
    ///
    /// # Errors
    /// [`Gone`] when some of them are already forgotten.
    pub fn events_since(&self, rev: u64) -> Result<impl Iterator<Item = &Event>, Gone> {
        let oldest = self
            .log
            .front()
            .map_or(self.revision, |event| event.rev - 1);
        if rev < oldest {
            return Err(Gone { asked: rev, oldest });
        }
        // Revisions in the log are consecutive, so the position is a subtraction.
        let skip = usize::try_from(rev - oldest)
            .unwrap_or(usize::MAX)
            .min(self.log.len());
        Ok(self.log.range(skip..))
    }

    /// The objects of a kind as they were at revision `rev`, ordered by namespace and name: what
    /// there is now, with the later events undone.
    ///
    /// # Errors
    /// [`Gone`] when some of those events are already forgotten.
    pub fn list_at(
        &self,
        kind: &str,
        namespace: Option<&str>,
        rev: u64,
    ) -> Result<Vec<Object>, Gone> {
        let later: Vec<&Event> = self.events_since(rev)?.collect();
        let place = |object: &Object| (namespace_of(object).to_owned(), name_of(object).to_owned());
        let mut then: BTreeMap<(String, String), Object> = self
            .list(kind, namespace)
            .map(|object| (place(object), Arc::clone(object)))
            .collect();
        let concerns = |event: &&&Event| {
            let inside = namespace.is_none_or(|space| namespace_of(&event.object) == space);
            event.kind == kind && inside
        };
        for event in later.iter().filter(concerns).rev() {
            match &event.previous {
                Some(before) => then.insert(place(before), Arc::clone(before)),
                None => then.remove(&place(&event.object)),
            };
        }
        Ok(then.into_values().collect())
    }

    fn place(&mut self, kind: &'static str, object: Object) {
        let names = self
            .objects
            .get_mut(kind)
            .and_then(|s| s.get_mut(namespace_of(&object)));
        if let Some(slot) = names.and_then(|names| names.get_mut(name_of(&object))) {
            *slot = object;
        }
    }

    fn stamp(&mut self, mut value: Value) -> Object {
        self.revision += 1;
        value["metadata"]["resourceVersion"] = self.revision.to_string().into();
        Arc::new(value)
    }

    fn record(&mut self, kind: &'static str, op: Op, object: Object, previous: Option<Object>) {
        if self.log.len() >= self.capacity {
            self.log.pop_front();
        }
        self.log.push_back(Event {
            rev: self.revision,
            kind,
            op,
            object,
            previous,
        });
    }
}

/// `metadata.name`, or nothing.
#[must_use]
pub fn name_of(object: &Value) -> &str {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `metadata.namespace`, or nothing.
#[must_use]
pub fn namespace_of(object: &Value) -> &str {
    object
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
