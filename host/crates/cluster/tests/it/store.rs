//! The store against a plain map, and watchers against each other.

use cluster::store::{Op, Store, StoreError};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Create(u8, u8),
    Update(u8, u8),
    Delete(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6_u8, any::<u8>()).prop_map(|(name, value)| Step::Create(name, value)),
        (0..6_u8, any::<u8>()).prop_map(|(name, value)| Step::Update(name, value)),
        (0..6_u8).prop_map(Step::Delete),
    ];
    proptest::collection::vec(step, 0..60)
}

fn object(name: u8, value: u8) -> Value {
    // Two namespaces, so that order by namespace and then by name is seen.
    let space = format!("ns{}", name % 2);
    json!({"metadata": {"name": format!("o{name}"), "namespace": space}, "value": value})
}

fn key(name: u8) -> (String, String) {
    (format!("ns{}", name % 2), format!("o{name}"))
}

type Model = BTreeMap<(String, String), u64>;

fn run(store: &mut Store, model: &mut Model, step: &Step) {
    let revision = store.revision();
    match *step {
        Step::Create(name, value) => {
            let created = store.create("things", object(name, value));
            let existed = model.contains_key(&key(name));
            assert_eq!(created.err(), existed.then_some(StoreError::AlreadyExists));
            model.entry(key(name)).or_insert_with(|| u64::from(value));
            assert_eq!(store.revision(), revision + u64::from(!existed));
        }
        Step::Update(name, value) => {
            let before = model.get(&key(name)).copied();
            let updated = store.update("things", object(name, value));
            assert_eq!(updated.is_ok(), before.is_some());
            if before.is_some() {
                model.insert(key(name), u64::from(value));
            }
            let changed = before.is_some_and(|before| before != u64::from(value));
            assert_eq!(
                store.revision(),
                revision + u64::from(changed),
                "no change is no write"
            );
        }
        Step::Delete(name) => {
            let (space, own) = key(name);
            let deleted = store.delete("things", &space, &own);
            assert_eq!(deleted.is_ok(), model.remove(&key(name)).is_some());
        }
    }
}

fn contents(store: &Store) -> Vec<((String, String), u64)> {
    let text = |object: &Value, at: &str| {
        object["metadata"][at]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    store
        .list("things", None)
        .map(|o| {
            (
                (text(o, "namespace"), text(o, "name")),
                o["value"].as_u64().unwrap_or(0),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_an_ordered_map(steps in steps()) {
        let (mut store, mut model) = (Store::default(), Model::new());
        for step in &steps {
            run(&mut store, &mut model, step);
            prop_assert_eq!(contents(&store), model.clone().into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_watcher_from_every_revision_ends_with_the_same_state(steps in steps()) {
        let (mut store, mut model) = (Store::default(), Model::new());
        let mut snapshots = vec![(0, Model::new())];
        for step in &steps {
            run(&mut store, &mut model, step);
            snapshots.push((store.revision(), model.clone()));
        }
        for (revision, mut state) in snapshots {
            let mut last = revision;
            for event in store.events_since(revision).expect("a short log forgets nothing") {
                prop_assert_eq!(event.rev, last + 1);
                last = event.rev;
                let metadata = &event.object["metadata"];
                prop_assert_eq!(metadata["resourceVersion"].clone(), Value::from(event.rev.to_string()));
                let text = |at: &str| metadata[at].as_str().unwrap_or_default().to_owned();
                let key = (text("namespace"), text("name"));
                let known = match event.op {
                    Op::Deleted => state.remove(&key),
                    Op::Added | Op::Modified => {
                        state.insert(key, event.object["value"].as_u64().unwrap_or(0))
                    }
                };
                prop_assert_eq!(known.is_some(), event.op != Op::Added);
                prop_assert_eq!(event.previous.is_some(), event.op != Op::Added);
            }
            prop_assert_eq!(&state, &model);
        }
    }

    #[test]
    fn a_forgotten_revision_is_gone_and_never_silent(steps in steps(), capacity in 1..8_usize) {
        let (mut store, mut model) = (Store::with_capacity(capacity), Model::new());
        for step in &steps {
            run(&mut store, &mut model, step);
        }
        for revision in 0..=store.revision() {
            match store.events_since(revision) {
                Ok(events) => prop_assert_eq!(events.count() as u64, store.revision() - revision),
                Err(gone) => {
                    prop_assert!(revision < gone.oldest);
                    prop_assert!(store.events_since(gone.oldest).is_ok());
                }
            }
        }
    }
}

#[test]
fn a_write_with_an_old_version_is_a_conflict() {
    let mut store = Store::default();
    let first = store.create("things", object(1, 1)).expect("new");
    store
        .update("things", object(1, 2))
        .expect("without a version");
    assert_eq!(
        store.update("things", (*first).clone()).err(),
        Some(StoreError::Conflict)
    );
}
