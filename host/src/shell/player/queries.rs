//! A lesson's standing questions about objects, answered after every single write.
//!
//! Each write since the last answer is told by itself, so that a state that lasted no time at all
//! is seen too. Never asks the API for it: these are the objects a watch would deliver.

use super::super::driver::Shell;
use clock::Instant;
use cluster::api::selector::Labels;
use cluster::kind::{KINDS, Kind};
use cluster::{Method, Request, Store};
use lesson::{Engine, Observation, Query, QueryId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Queries {
    open: BTreeMap<QueryId, Open>,
}

struct Open {
    what: Wanted,
    items: BTreeMap<(String, String), Arc<Value>>,
    /// The last revision told; none before the first answer.
    told: Option<u64>,
}

struct Wanted {
    kind: Option<&'static str>,
    namespace: Option<String>,
    name: Option<String>,
    selector: Option<Labels>,
}

impl Queries {
    pub(super) fn open(&mut self, query: QueryId, what: Query) {
        let Query::Objects {
            kind,
            namespace,
            name,
            selector,
        } = what
        else {
            return;
        };
        let found = find(&kind);
        let what = Wanted {
            kind: found.map(|kind| kind.names().qualified()),
            namespace: found
                .is_some_and(|kind| kind.names().namespaced)
                .then_some(namespace),
            name,
            selector: selector.and_then(|selector| Labels::parse(&selector).ok()),
        };
        self.open.insert(
            query,
            Open {
                what,
                items: BTreeMap::new(),
                told: None,
            },
        );
    }

    pub(super) fn close(&mut self, query: QueryId) {
        self.open.remove(&query);
    }

    /// Tells the engine every change of every answer; true when there was any.
    pub(super) fn tell(&mut self, shell: &Shell, now: Instant, engine: &mut Engine) -> bool {
        let mut news = Vec::new();
        shell.look(|world| {
            let store = world.cluster().store();
            for (query, open) in &mut self.open {
                open.catch_up(store, &mut |items| news.push((*query, items)));
            }
        });
        let any = !news.is_empty();
        for (query, items) in news {
            engine.handle(now, Observation::Objects { query, items });
        }
        any
    }
}

impl Open {
    fn catch_up(&mut self, store: &Store, tell: &mut impl FnMut(Vec<Arc<Value>>)) {
        let revision = store.revision();
        let events = self.told.and_then(|told| store.events_since(told).ok());
        self.told = Some(revision);
        let Some(events) = events else {
            self.items = store
                .list(self.what.kind.unwrap_or_default(), None)
                .filter(|object| self.what.matches(object))
                .map(|object| (key(object), object.clone()))
                .collect();
            return tell(self.items.values().cloned().collect());
        };
        for event in events.filter(|event| Some(event.kind) == self.what.kind) {
            let key = key(&event.object);
            let changed = if event.op != cluster::Op::Deleted && self.what.matches(&event.object) {
                self.items.insert(key, event.object.clone());
                true
            } else {
                self.items.remove(&key).is_some()
            };
            if changed {
                tell(self.items.values().cloned().collect());
            }
        }
    }
}

impl Wanted {
    fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let same = |wanted: &Option<String>, is: &Value| {
            wanted.as_ref().is_none_or(|wanted| is == wanted.as_str())
        };
        same(&self.namespace, &metadata["namespace"])
            && same(&self.name, &metadata["name"])
            && self
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(metadata.get("labels")))
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |key: &str| {
        object["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}

/// A kind by any of the names that kubectl takes.
fn find(word: &str) -> Option<&'static dyn Kind> {
    let word = word.split('.').next().unwrap_or(word).to_lowercase();
    KINDS.iter().copied().find(|kind| {
        let names = kind.names();
        names.plural == word
            || names.singular == word
            || names.kind.to_lowercase() == word
            || names.short.contains(&word.as_str())
    })
}

/// The path that objects of a kind are created under.
fn collection(kind: &dyn Kind, namespace: &str) -> String {
    let names = kind.names();
    let api = names.api_version();
    let root = if api.contains('/') {
        format!("/apis/{api}")
    } else {
        format!("/api/{api}")
    };
    if names.namespaced {
        format!("{root}/namespaces/{namespace}/{}", names.plural)
    } else {
        format!("{root}/{}", names.plural)
    }
}

/// What the server would store for a manifest of one object.
pub(super) fn dry_run(shell: &Shell, manifest: &str) -> Result<Arc<Value>, String> {
    let object: Value = serde_saphyr::from_str(manifest).map_err(|cause| cause.to_string())?;
    let (version, kind) = (
        object["apiVersion"].as_str().unwrap_or_default(),
        object["kind"].as_str().unwrap_or_default(),
    );
    let kind =
        find(kind).ok_or_else(|| format!("no matches for kind {kind:?} in version {version:?}"))?;
    let namespace = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or("default");
    let path = format!("{}?dryRun=All", collection(kind, namespace));
    let response = shell.api(Request::new(
        Method::Post,
        &path,
        "application/json",
        object.to_string().into_bytes(),
    ));
    let cluster::Body::Bytes(body) = response.body else {
        return Err("the server answered with a stream".into());
    };
    let answer: Value = serde_json::from_slice(&body).map_err(|cause| cause.to_string())?;
    if response.status < 300 {
        Ok(Arc::new(answer))
    } else {
        Err(answer["message"].as_str().unwrap_or_default().to_owned())
    }
}
