//! Between those who write and the store: stamps what Kubernetes' registry stamps.
//!
//! Uids, names from `generateName`, creation times, generations, deletion times and finalizers.
//! The API and the controllers both write through it, so an object looks the same whoever made it.
//! Never validates and never asks who writes.

use crate::store::{Object, Store, StoreError, name_of};
use clock::{Instant, Seed, Stream};
use rand::{Rng, RngExt};
use serde_json::{Value, json};

/// The letters of generated names: no vowels and nothing that looks like another.
const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// What is longer is cut before the random letters, so that names stay below 64 letters.
const LONGEST_PREFIX: usize = 58;

/// How an object is to be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Seconds the kubelet may take; the object's own default when absent.
    pub grace_seconds: Option<i64>,
    /// Whether dependents are kept.
    pub orphan: bool,
    /// Whether the object waits until its dependents are gone.
    pub foreground: bool,
}

/// What became of an object that was to be deleted.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// It is gone; this was its last state.
    Gone(Object),
    /// It is marked and waits for its kubelet or its finalizers.
    Waiting(Object),
}

/// The source of everything the cluster stamps on objects.
#[derive(Debug)]
pub struct Registry {
    epoch: i64,
    uids: Stream,
    names: Stream,
}

impl Registry {
    /// A registry for a world that begins at `epoch` (unix seconds).
    #[must_use]
    pub fn new(seed: Seed, epoch: i64) -> Self {
        Self {
            epoch,
            uids: seed.stream("uid"),
            names: seed.stream("names"),
        }
    }

    /// `now` in the calendar.
    #[must_use]
    pub fn wall(&self, now: Instant) -> jiff::Timestamp {
        wall(self.epoch, now)
    }

    /// `now` as `metav1.Time`: RFC 3339 in whole seconds.
    #[must_use]
    pub fn time(&self, now: Instant) -> String {
        time(self.epoch, now)
    }

    /// `now` as `metav1.MicroTime`.
    #[must_use]
    pub fn micro_time(&self, now: Instant) -> String {
        let wall = self.wall(now);
        format!(
            "{}.{:06}Z",
            wall.strftime("%Y-%m-%dT%H:%M:%S"),
            wall.subsec_microsecond()
        )
    }

    /// A fresh uid of the version-4 form.
    pub fn uid(&mut self) -> String {
        let mut bytes = [0_u8; 16];
        self.uids.fill_bytes(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// Five random letters as they end the names of pods.
    pub fn suffix(&mut self) -> String {
        (0..5)
            .map(|_| char::from(SAFE[self.names.random_range(0..SAFE.len())]))
            .collect()
    }

    /// Writes a new object: name from `generateName`, uid, creation time, generation 1, defaults.
    ///
    /// # Errors
    /// Those of [`Store::create`].
    pub fn create(
        &mut self,
        store: &mut Store,
        now: Instant,
        kind: &'static str,
        mut value: Value,
    ) -> Result<Object, StoreError> {
        self.prepare(store, now, kind, &mut value);
        if kind == crate::controller::volume::CLAIMS {
            crate::controller::volume::choose_class(store, &mut value);
        }
        store.create(kind, value)
    }

    /// Stamps what [`Registry::create`] stamps, without writing.
    pub fn prepare(&mut self, store: &Store, now: Instant, kind: &'static str, value: &mut Value) {
        let prefix = value
            .pointer("/metadata/generateName")
            .and_then(Value::as_str);
        if name_of(value).is_empty()
            && let Some(prefix) = prefix.map(str::to_owned)
        {
            let longest = prefix.floor_char_boundary(LONGEST_PREFIX);
            value["metadata"]["name"] = format!("{}{}", &prefix[..longest], self.suffix()).into();
        }
        if let Some(kind) = crate::kind::by_key(kind) {
            kind.default_object(value);
        }
        if kind == "pods" {
            self.mount_token(store, value);
        }
        value["metadata"]["uid"] = self.uid().into();
        value["metadata"]["creationTimestamp"] = self.time(now).into();
        if crate::kind::counts_generations(kind) {
            value["metadata"]["generation"] = 1.into();
        }
        if let Some(kind) = crate::kind::by_key(kind) {
            kind.on_create(value);
        }
    }

    /// Gives a pod the volume with its ServiceAccount's token, mounted in every container.
    fn mount_token(&mut self, store: &Store, pod: &mut Value) {
        const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
        if !wants_token(store, pod) {
            return;
        }
        let name = format!("kube-api-access-{}", self.suffix());
        let mut mounted = false;
        for list in ["initContainers", "containers"] {
            for container in crate::kind::items_mut(&mut pod["spec"], list) {
                let mounts = crate::kind::look::list(container, "/volumeMounts");
                if !container.is_object() || mounts.iter().any(|mount| mount["mountPath"] == PATH) {
                    continue;
                }
                crate::kind::set_default(container, "volumeMounts", json!([]));
                if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                    mounts.push(json!({"name": name, "mountPath": PATH, "readOnly": true}));
                    mounted = true;
                }
            }
        }
        if mounted {
            crate::kind::set_default(&mut pod["spec"], "volumes", json!([]));
            if let Some(volumes) = pod["spec"]["volumes"].as_array_mut() {
                volumes.push(token_volume(&name));
            }
        }
    }

    /// Replaces everything but `status` and what the system owns in `metadata`; a changed `spec`
    /// raises the generation. An object that waited for its last finalizer is removed.
    ///
    /// # Errors
    /// Those of [`Store::update`].
    pub fn update(
        &mut self,
        store: &mut Store,
        kind: &'static str,
        value: Value,
    ) -> Result<Object, StoreError> {
        let value = self.next(store, kind, value)?;
        let object = store.update(kind, value)?;
        remove_if_released(store, kind, object)
    }

    /// The object that [`Registry::update`] would write.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn next(
        &self,
        store: &Store,
        kind: &'static str,
        mut value: Value,
    ) -> Result<Value, StoreError> {
        let current = stored(store, kind, &value)?;
        put_or_remove(&mut value, "status", current.get("status"));
        if let Some(kind) = crate::kind::by_key(kind) {
            kind.default_object(&mut value);
            kind.on_update(&mut value, &current);
        }
        keep_system_fields(&mut value, &current);
        if crate::kind::counts_generations(kind) {
            let before = current
                .pointer("/metadata/generation")
                .and_then(Value::as_i64);
            let differs = crate::kind::content_differs(kind, &value, &current);
            let generation = before.unwrap_or(1) + i64::from(differs);
            value["metadata"]["generation"] = generation.into();
        }
        Ok(value)
    }

    /// Replaces `status` (and for controllers also labels and annotations stay as stored).
    ///
    /// # Errors
    /// Those of [`Store::update`].
    pub fn update_status(
        &mut self,
        store: &mut Store,
        kind: &'static str,
        value: &Value,
    ) -> Result<Object, StoreError> {
        let current = stored(store, kind, value)?;
        let mut next = (*current).clone();
        put_or_remove(&mut next, "status", value.get("status"));
        for field in ["resourceVersion", "managedFields"] {
            if let Some(asked) = value["metadata"].get(field) {
                next["metadata"][field] = asked.clone();
            }
        }
        store.update(kind, next)
    }

    /// Deletes an object, or marks it when its kubelet or a finalizer has to agree first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete(
        &mut self,
        store: &mut Store,
        now: Instant,
        kind: &'static str,
        namespace: &str,
        name: &str,
        deletion: Deletion,
    ) -> Result<Deleted, StoreError> {
        let current = store
            .get(kind, namespace, name)
            .cloned()
            .ok_or(StoreError::NotFound)?;
        let grace = grace_of(kind, &current, deletion);
        let finalizers = finalizers_after(kind, &current, deletion);
        if grace == 0 && finalizers.is_empty() && spec_finalizers(&current).is_empty() {
            return store.delete(kind, namespace, name).map(Deleted::Gone);
        }
        let marked = current.pointer("/metadata/deletionTimestamp").is_some();
        let before = current
            .pointer("/metadata/deletionGracePeriodSeconds")
            .and_then(Value::as_i64);
        // A second delete may only shorten the grace.
        if marked && before.is_none_or(|before| grace >= before) {
            return Ok(Deleted::Waiting(current));
        }
        let mut next = (*current).clone();
        if !finalizers.is_empty() {
            next["metadata"]["finalizers"] = finalizers.into();
        }
        let due = now + clock::Duration::from_secs(u64::try_from(grace).unwrap_or(0));
        next["metadata"]["deletionTimestamp"] = self.time(due).into();
        if kind != "namespaces" {
            next["metadata"]["deletionGracePeriodSeconds"] = grace.into();
        }
        if let Some(generation) = next.pointer("/metadata/generation").and_then(Value::as_i64) {
            next["metadata"]["generation"] = (generation + 1).into();
        }
        if kind == "namespaces" {
            next["status"]["phase"] = "Terminating".into();
        }
        store.update(kind, next).map(Deleted::Waiting)
    }
}

/// `now` in the calendar of a world that began at `epoch`.
#[must_use]
pub fn wall(epoch: i64, now: Instant) -> jiff::Timestamp {
    let start = jiff::Timestamp::from_second(epoch).unwrap_or_default();
    start.checked_add(now.since_start()).unwrap_or(start)
}

/// `now` as `metav1.Time`: RFC 3339 in whole seconds.
#[must_use]
pub fn time(epoch: i64, now: Instant) -> String {
    wall(epoch, now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The pod decides, and where it says nothing its ServiceAccount.
fn wants_token(store: &Store, pod: &Value) -> bool {
    let flag = |object: &Value, at: &str| object.pointer(at).and_then(Value::as_bool);
    let account = match pod.pointer("/spec/serviceAccountName") {
        Some(Value::String(name)) if !name.is_empty() => name,
        _ => "default",
    };
    let space = crate::store::namespace_of(pod);
    let of_account = || {
        let account = store.get("serviceaccounts", space, account)?;
        flag(account, "/automountServiceAccountToken")
    };
    flag(pod, "/spec/automountServiceAccountToken")
        .or_else(of_account)
        .unwrap_or(true)
}

fn token_volume(name: &str) -> Value {
    let namespace = json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
    json!({"name": name, "projected": {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}},
        ],
    }})
}

fn stored(store: &Store, kind: &str, value: &Value) -> Result<Object, StoreError> {
    let namespace = crate::store::namespace_of(value);
    store
        .get(kind, namespace, name_of(value))
        .cloned()
        .ok_or(StoreError::NotFound)
}

fn put_or_remove(value: &mut Value, field: &str, content: Option<&Value>) {
    let Some(map) = value.as_object_mut() else {
        return;
    };
    match content {
        Some(content) => {
            map.insert(field.to_owned(), content.clone());
        }
        None => {
            map.remove(field);
        }
    }
}

/// What a writer cannot change in `metadata`.
const SYSTEM_FIELDS: [&str; 5] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
];

fn keep_system_fields(value: &mut Value, current: &Value) {
    let before = &current["metadata"];
    for field in SYSTEM_FIELDS {
        put_or_remove(&mut value["metadata"], field, before.get(field));
    }
}

fn finalizers(object: &Value) -> &[Value] {
    let list = object
        .pointer("/metadata/finalizers")
        .or_else(|| object.pointer("/spec/finalizers"));
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Finalizers in the spec, which only namespaces have.
fn spec_finalizers(object: &Value) -> &[Value] {
    let list = object.pointer("/spec/finalizers").and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The finalizers an object has once it is to be deleted so: the garbage collector's are added or
/// taken away as the client wishes.
fn finalizers_after(kind: &str, object: &Value, deletion: Deletion) -> Vec<Value> {
    const FOREGROUND: &str = "foregroundDeletion";
    const ORPHAN: &str = "orphan";
    let own = object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array);
    let mut list: Vec<Value> = own.cloned().unwrap_or_default();
    if kind == "namespaces" || kind == "events" {
        return list;
    }
    if deletion.orphan || deletion.foreground {
        list.retain(|one| one != FOREGROUND && one != ORPHAN);
        let wanted = if deletion.orphan { ORPHAN } else { FOREGROUND };
        list.push(wanted.into());
    }
    list
}

/// Only pods have grace, and only once they have a node whose kubelet can take it.
fn grace_of(kind: &str, object: &Value, deletion: Deletion) -> i64 {
    let text = |at: &str| {
        object
            .pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let finished = matches!(text("/status/phase"), "Succeeded" | "Failed");
    if kind != "pods" || text("/spec/nodeName").is_empty() || finished {
        return 0;
    }
    let own = object
        .pointer("/spec/terminationGracePeriodSeconds")
        .and_then(Value::as_i64);
    deletion.grace_seconds.or(own).unwrap_or(30)
}

fn remove_if_released(
    store: &mut Store,
    kind: &'static str,
    object: Object,
) -> Result<Object, StoreError> {
    let metadata = &object["metadata"];
    let marked = metadata.get("deletionTimestamp").is_some();
    let graceful = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0;
    if !marked || graceful || !finalizers(&object).is_empty() {
        return Ok(object);
    }
    store.delete(kind, crate::store::namespace_of(&object), name_of(&object))
}
