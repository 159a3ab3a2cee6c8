//! Notes become Events: the same note again counts up instead of making a second Event.
//!
//! An Event that was not repeated for an hour is forgotten, as the API server's time to live has
//! it; the number kept is bounded as well. Never decides what is worth saying.

use super::write::{Note, Tone};
use crate::registry::{Deletion, Registry};
use crate::store::Store;
use clock::{Duration, Instant};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How long an Event lives after it was last seen.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);
/// How many Events are kept; the oldest goes first.
const CAPACITY: usize = 5_000;

/// From so many ways of saying the same on, they are one Event.
const MANY: usize = 10;
/// How long what was said counts as of late.
const OF_LATE: Duration = Duration::from_secs(600);

/// Who said what about what.
type Identity = String;

/// Counts notes and writes them as Events.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    known: BTreeMap<Identity, Entry>,
    by_age: VecDeque<(Instant, Identity)>,
    last_nanos: u64,
    /// What was said of late about the same thing for the same reason, in how many ways.
    similar: BTreeMap<Identity, (Instant, BTreeSet<String>)>,
    /// From how many of them on the old ones are looked for.
    swept: usize,
}

#[derive(Debug)]
struct Entry {
    namespace: String,
    name: String,
    seen: Instant,
}

impl Recorder {
    /// Writes a note, as a new Event or as one more of a known one.
    pub(crate) fn record(
        &mut self,
        store: &mut Store,
        registry: &mut Registry,
        now: Instant,
        note: &Note,
    ) {
        self.forget_old(store, registry, now);
        let combined = self.combine(now, note);
        let note = combined.as_ref().unwrap_or(note);
        let identity = match combined {
            Some(_) => identity(note, ""),
            None => identity(note, &note.message),
        };
        if let Some(entry) = self.known.get_mut(&identity)
            && let Some(event) = store.get("events", &entry.namespace, &entry.name)
        {
            let mut event = (**event).clone();
            event["message"] = note.message.as_str().into();
            event["count"] = (event["count"].as_i64().unwrap_or(1) + 1).into();
            event["lastTimestamp"] = registry.time(now).into();
            entry.seen = now;
            let _ = store.update("events", event);
            return;
        }
        let namespace = note.regarding["namespace"]
            .as_str()
            .unwrap_or("default")
            .to_owned();
        if super::manager::closed(store, &namespace) {
            return;
        }
        let name = self.fresh_name(now, registry, &note.regarding);
        let event = event(note, &namespace, &name, &registry.time(now));
        if registry.create(store, now, "events", event).is_ok() {
            self.by_age.push_back((now, identity.clone()));
            self.known.insert(
                identity,
                Entry {
                    namespace,
                    name,
                    seen: now,
                },
            );
        }
    }

    /// The note as one of many that are alike, once there are many: client-go's `EventAggregator`.
    fn combine(&mut self, now: Instant, note: &Note) -> Option<Note> {
        // Looked through only when it has doubled, so that a crowd of events stays cheap.
        if self.similar.len() >= self.swept.max(CAPACITY) {
            self.similar.retain(|_, (last, _)| *last + OF_LATE > now);
            self.swept = 2 * self.similar.len();
        }
        let entry = self.similar.entry(identity(note, ""));
        let (last, ways) = entry.or_insert_with(|| (now, BTreeSet::new()));
        if *last + OF_LATE <= now {
            ways.clear();
        }
        *last = now;
        if ways.len() < MANY {
            ways.insert(note.message.clone());
        }
        let message = format!("(combined from similar events): {}", note.message);
        let combined = Note {
            message,
            ..note.clone()
        };
        (ways.len() >= MANY).then_some(combined)
    }

    /// Upstream's names: the object's, a dot, and the time in nanoseconds, in hex.
    fn fresh_name(&mut self, now: Instant, registry: &Registry, regarding: &Value) -> String {
        let epoch = u64::try_from(registry.wall(Instant::ZERO).as_second()).unwrap_or(0);
        let nanos = epoch * 1_000_000_000 + now.as_nanos();
        self.last_nanos = nanos.max(self.last_nanos + 1);
        format!(
            "{}.{:016x}",
            regarding["name"].as_str().unwrap_or_default(),
            self.last_nanos
        )
    }

    fn forget_old(&mut self, store: &mut Store, registry: &mut Registry, now: Instant) {
        while let Some((at, _)) = self.by_age.front()
            && (*at + TIME_TO_LIVE <= now || self.by_age.len() > CAPACITY)
        {
            let Some((_, identity)) = self.by_age.pop_front() else {
                return;
            };
            let Some(entry) = self.known.get(&identity) else {
                continue;
            };
            if entry.seen + TIME_TO_LIVE > now && self.by_age.len() < CAPACITY {
                self.by_age.push_back((entry.seen, identity));
                continue;
            }
            if let Some(entry) = self.known.remove(&identity) {
                let _ = registry.delete(
                    store,
                    now,
                    "events",
                    &entry.namespace,
                    &entry.name,
                    Deletion::default(),
                );
            }
        }
    }
}

fn identity(note: &Note, message: &str) -> Identity {
    let field = |name: &str| note.regarding[name].as_str().unwrap_or_default().to_owned();
    [
        field("kind").as_str(),
        field("namespace").as_str(),
        field("name").as_str(),
        field("uid").as_str(),
        field("fieldPath").as_str(),
        note.component,
        note.host.as_str(),
        note.reason,
        message,
    ]
    .join("\n")
}

fn event(note: &Note, namespace: &str, name: &str, time: &str) -> Value {
    let mut source = json!({ "component": note.component });
    if !note.host.is_empty() {
        source["host"] = note.host.clone().into();
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": namespace },
        "involvedObject": note.regarding,
        "reason": note.reason,
        "message": note.message,
        "source": source,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
        "type": match note.tone { Tone::Normal => "Normal", Tone::Warning => "Warning" },
        "eventTime": null,
        "reportingComponent": note.component,
        "reportingInstance": note.host,
    })
}
