//! Every kind keeps the rules that are the same for all.

use crate::fixture::Lab;
use cluster::kind::KINDS;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn no_two_kinds_share_a_name() {
    let mut seen = BTreeSet::new();
    for kind in KINDS {
        let names = kind.names();
        let mut own: BTreeSet<&str> = [names.plural, names.singular, names.kind].into();
        own.extend(names.short);
        for name in own {
            assert!(seen.insert(name), "{name} of {kind:?} is taken");
        }
        let expected = match names.group {
            "" => names.plural.to_owned(),
            group => format!("{}.{group}", names.plural),
        };
        assert_eq!(names.key, expected);
    }
}

#[test]
fn verbs_and_subresources_are_sorted() {
    for kind in KINDS {
        assert!(kind.verbs().is_sorted(), "{kind:?}");
        assert!(
            kind.subresources().is_sorted_by_key(|sub| sub.name),
            "{kind:?}"
        );
        assert!(
            kind.subresources().iter().all(|sub| sub.verbs.is_sorted()),
            "{kind:?}"
        );
    }
}

#[test]
fn every_table_has_a_name_and_a_cell_for_each_column_even_of_an_empty_object() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    for kind in KINDS {
        let named = kind
            .columns()
            .iter()
            .filter(|column| column.format == "name")
            .count();
        assert_eq!(named, 1, "{kind:?}");
        for object in [
            json!({}),
            json!({"metadata": {"name": "x"}, "spec": {}, "status": {}}),
        ] {
            let cells = kind.row(&object, now);
            assert_eq!(cells.len(), kind.columns().len(), "{kind:?}");
            for (cell, column) in cells.iter().zip(kind.columns()) {
                assert!(
                    cell.is_string() || cell.is_number(),
                    "{kind:?} {}",
                    column.name
                );
            }
        }
    }
}

#[test]
fn defaults_given_twice_are_the_same() {
    let lab = Lab::new();
    for kind in KINDS {
        for object in lab.cluster.store().list(kind.names().key, None) {
            let mut once: Value = (**object).clone();
            kind.default_object(&mut once);
            let mut twice = once.clone();
            kind.default_object(&mut twice);
            assert_eq!(once, twice, "{kind:?}");
        }
        let mut once = json!({"metadata": {"name": "x"}});
        kind.default_object(&mut once);
        let mut twice = once.clone();
        kind.default_object(&mut twice);
        assert_eq!(once, twice, "{kind:?}");
    }
}

#[test]
fn what_the_cluster_begins_with_is_valid() {
    let lab = Lab::new();
    for kind in KINDS {
        for object in lab.cluster.store().list(kind.names().key, None) {
            let mut found = cluster::kind::Findings::default();
            cluster::kind::meta::validate(*kind, object, &mut found);
            kind.validate(object, &mut found);
            assert_eq!(found.0, [], "{object}");
            assert_eq!(object["kind"], kind.names().kind);
            assert_eq!(object["apiVersion"], kind.names().api_version());
        }
    }
}

#[test]
fn a_cluster_may_move_to_the_thread_of_its_world() {
    fn is_send<T: Send>() {}
    is_send::<cluster::Cluster>();
}
