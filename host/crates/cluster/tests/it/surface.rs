//! Every field that is served is acted on, inert, or told to be missing. Never two of them.

use cluster::api::{api_surface, entries_without_field};

#[test]
fn every_leaf_of_every_schema_is_exactly_one_of_honoured_inert_and_warned() {
    let wrong: Vec<String> = api_surface()
        .into_iter()
        .filter(|field| field.classes.len() != 1)
        .map(|field| format!("{} {} {:?}", field.kind, field.path, field.classes))
        .collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_kind_classes_a_field_it_does_not_have() {
    assert_eq!(entries_without_field(), []);
}
