//! Watches: each a cursor into the store's log. Never a channel, and nothing is kept for a reader.

use super::negotiate::{self, Form};
use super::options::Options;
use super::read::Selection;
use super::request::{Body, Request, Response, WatchId, WatchPoll};
use super::route::Target;
use super::status::Failure;
use super::table::{self, ListMeta};
use crate::kind::{Findings, Kind, Names};
use crate::store::{Event, Object, Op, Store};
use clock::{Duration, Instant};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many watches may run at once; more are refused.
const MAX_WATCHES: usize = 4_096;
/// How often a watch that asked for bookmarks gets one.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// All running watches.
#[derive(Debug, Default)]
pub(super) struct Watches {
    next: u64,
    running: BTreeMap<WatchId, Watch>,
}

#[derive(Debug)]
struct Watch {
    kind: &'static dyn Kind,
    selection: Selection,
    form: Form,
    cursor: u64,
    /// What is told before the log: the objects there are, when the client knows none.
    initial: bool,
    /// Whether the end of the initial objects is marked.
    marks_initial_end: bool,
    columns_sent: bool,
    bookmark_at: Option<Instant>,
    closes_at: Option<Instant>,
    closing: bool,
}

impl Watches {
    /// Begins a watch.
    pub(super) fn open(
        &mut self,
        store: &Store,
        target: &Target<'_>,
        request: &Request,
        now: Instant,
    ) -> Result<Response, Failure> {
        if self.running.len() >= MAX_WATCHES {
            return Err(Failure::internal("too many watches"));
        }
        let options = Options::parse(request, true)?;
        let revision = options.revision().map_err(|why| {
            let mut found = Findings::default();
            found.invalid("resourceVersion", &options.version.as_str().into(), why);
            let names = target.kind.names();
            let names = Names {
                kind: names.plural,
                ..*names
            };
            Failure::invalid(&names, "", &found.0)
        })?;
        let streams_list = options.initial_events == Some(true);
        let watch = Watch {
            kind: target.kind,
            selection: Selection::parse(target, request)?.named(target.name),
            form: negotiate::form(request)?,
            cursor: revision
                .unwrap_or_else(|| store.revision())
                .min(store.revision()),
            initial: options.initial_events.unwrap_or(revision.is_none()),
            marks_initial_end: streams_list && options.bookmarks,
            columns_sent: false,
            bookmark_at: options.bookmarks.then(|| now + BOOKMARK_PERIOD),
            closes_at: options.timeout.map(|s| now + Duration::from_secs(s)),
            closing: false,
        };
        let watch = Watch {
            cursor: if watch.initial {
                store.revision()
            } else {
                watch.cursor
            },
            ..watch
        };
        self.next += 1;
        let id = WatchId(self.next);
        self.running.insert(id, watch);
        let mut response = Response::of_type(200, "application/json", Vec::new());
        response.body = Body::Watch(id);
        Ok(response)
    }

    /// Ends a watch.
    pub(super) fn close(&mut self, id: WatchId) {
        self.running.remove(&id);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.running.len()
    }

    /// What a watch has to say.
    pub(super) fn poll(
        &mut self,
        store: &Store,
        id: WatchId,
        now: Instant,
        wall: Timestamp,
    ) -> WatchPoll {
        let Some(watch) = self.running.get_mut(&id) else {
            return WatchPoll::Closed;
        };
        let mut lines = Vec::new();
        let alive = watch.read(store, now, wall, &mut lines);
        if !alive || watch.closing || watch.closes_at.is_some_and(|at| at <= now) {
            self.running.remove(&id);
        }
        match (lines.is_empty(), self.running.contains_key(&id)) {
            (false, _) => WatchPoll::Lines(lines),
            (true, true) => WatchPoll::Pending,
            (true, false) => WatchPoll::Closed,
        }
    }

    /// Ends the watches whose time is up: their next poll is the last.
    pub(super) fn handle_time(&mut self, now: Instant) {
        for watch in self.running.values_mut() {
            if watch.closes_at.is_some_and(|at| at <= now) {
                watch.closes_at = None;
                watch.closing = true;
            }
        }
    }

    /// When the next watch ends by itself.
    pub(super) fn poll_at(&self) -> Option<Instant> {
        self.running
            .values()
            .filter_map(|watch| watch.closes_at)
            .min()
    }
}

impl Watch {
    /// Appends what is new; `false` when nothing more can come.
    fn read(&mut self, store: &Store, now: Instant, wall: Timestamp, lines: &mut Vec<u8>) -> bool {
        if std::mem::take(&mut self.initial) {
            // Between opening and the first poll the log has gone on: tell what is there now.
            self.cursor = store.revision();
            let objects: Vec<Object> = self.selection.all(store, self.kind).cloned().collect();
            for object in &objects {
                self.tell("ADDED", object, wall, lines);
            }
            if std::mem::take(&mut self.marks_initial_end) {
                self.bookmark(json!({"k8s.io/initial-events-end": "true"}), lines);
            }
            return true;
        }
        let events = match store.events_since(self.cursor) {
            Ok(events) => events,
            Err(gone) => {
                let status = Failure::expired(gone.to_string()).to_value();
                line(lines, "ERROR", &status);
                return false;
            }
        };
        let key = self.kind.names().key;
        let mut columns_sent = self.columns_sent;
        for event in events.filter(|event| event.kind == key) {
            if let Some(type_) = self.seen_as(event) {
                let value = self.show(&event.object, wall, !columns_sent);
                columns_sent = true;
                line(lines, type_, &value);
            }
        }
        self.columns_sent = columns_sent;
        self.cursor = store.revision();
        if self.bookmark_at.is_some_and(|at| at <= now) {
            self.bookmark_at = Some(now + BOOKMARK_PERIOD);
            self.bookmark(Value::Null, lines);
        }
        true
    }

    /// An object that comes to be selected is added; one that ceases to be is deleted.
    fn seen_as(&self, event: &Event) -> Option<&'static str> {
        let is = self.selection.matches(&event.object);
        let was = event
            .previous
            .as_ref()
            .is_some_and(|object| self.selection.matches(object));
        match (event.op, was, is) {
            (Op::Added, _, true) | (Op::Modified, false, true) => Some("ADDED"),
            (Op::Modified, true, true) => Some("MODIFIED"),
            (Op::Modified, true, false) | (Op::Deleted, true, _) => Some("DELETED"),
            _ => None,
        }
    }

    fn tell(&mut self, type_: &str, object: &Object, wall: Timestamp, lines: &mut Vec<u8>) {
        let value = self.show(object, wall, !self.columns_sent);
        self.columns_sent = true;
        line(lines, type_, &value);
    }

    fn show(&self, object: &Object, wall: Timestamp, columns: bool) -> Value {
        match self.form {
            Form::Table { include } => {
                let revision = object["metadata"]["resourceVersion"]
                    .as_str()
                    .unwrap_or_default();
                let meta = ListMeta {
                    revision: revision.to_owned(),
                    ..ListMeta::default()
                };
                table::table(
                    self.kind,
                    include,
                    std::slice::from_ref(object),
                    &meta,
                    wall,
                    columns,
                )
            }
            form => table::told(form, object),
        }
    }

    fn bookmark(&self, annotations: Value, lines: &mut Vec<u8>) {
        let names = self.kind.names();
        let mut object = json!({
            "kind": names.kind,
            "apiVersion": names.api_version(),
            "metadata": { "resourceVersion": self.cursor.to_string() },
        });
        if !annotations.is_null() {
            object["metadata"]["annotations"] = annotations;
        }
        line(lines, "BOOKMARK", &object);
    }
}

fn line(lines: &mut Vec<u8>, type_: &str, object: &Value) {
    lines.extend(format!("{{\"type\":\"{type_}\",\"object\":{object}}}\n").into_bytes());
}
