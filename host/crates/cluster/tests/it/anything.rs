//! Whatever a client sends is answered. Never a panic, never an object that is not valid.

use crate::fixture::{Lab, MY_NGINX, NGINX_SERVICE, json};
use cluster::Method::{Delete, Patch, Post, Put};
use cluster::kind::{Findings, KINDS};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Words that mean something somewhere, so that wrong values come to stand in known places.
const WORDS: [&str; 24] = [
    "metadata",
    "name",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "spec",
    "status",
    "replicas",
    "selector",
    "matchLabels",
    "template",
    "containers",
    "volumes",
    "ports",
    "port",
    "type",
    "clusterIP",
    "data",
    "subsets",
    "endpoints",
    "strategy",
    "$patch",
    "x",
];

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..70_000_i64).prop_map(Value::from),
        prop_oneof![
            Just("x"),
            Just(""),
            Just("10.96.0.9"),
            Just("delete"),
            Just("NodePort"),
            Just("A_b")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let word = (0..WORDS.len()).prop_map(|index| WORDS[index].to_owned());
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            3 => proptest::collection::btree_map(word, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn paths(names: &cluster::kind::Names) -> (String, String) {
    let prefix = match names.group {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/v1"),
    };
    let space = if names.namespaced {
        "/namespaces/default"
    } else {
        ""
    };
    let collection = format!("{prefix}{space}/{}", names.plural);
    let item = format!("{collection}/my-nginx");
    (collection, item)
}

/// A lab where an object called `my-nginx` of most kinds is to be changed.
fn lab() -> Lab {
    let mut lab = Lab::new();
    for (path, body) in [
        (crate::fixture::DEPLOYMENTS, MY_NGINX),
        (crate::fixture::SERVICES, NGINX_SERVICE),
        (
            crate::fixture::CONFIG_MAPS,
            r#"{"metadata":{"name":"my-nginx"},"data":{"a":"1"}}"#,
        ),
        (
            crate::fixture::PODS,
            r#"{"metadata":{"name":"my-nginx"},"spec":{"containers":[{"name":"c","image":"nginx"}]}}"#,
        ),
        ("/api/v1/nodes", r#"{"metadata":{"name":"my-nginx"}}"#),
    ] {
        lab.create(path, body);
    }
    lab
}

/// The body as an object of this kind, so that an apply gets as far as its fields.
fn applied(names: &cluster::kind::Names, body: &Value) -> String {
    let mut body = body.clone();
    if let Value::Object(fields) = &mut body {
        fields.insert("apiVersion".to_owned(), names.api_version().into());
        fields.insert("kind".to_owned(), names.kind.into());
        fields.insert(
            "metadata".to_owned(),
            serde_json::json!({"name": "my-nginx"}),
        );
    }
    body.to_string()
}

fn check_all_valid(lab: &Lab) {
    for kind in KINDS {
        for object in lab.cluster.store().list(kind.names().key, None) {
            let mut found = Findings::default();
            kind.validate(object, &mut found);
            assert_eq!(found.0, [], "{object}");
            assert_eq!(
                kind.row(object, jiff::Timestamp::UNIX_EPOCH).len(),
                kind.columns().len()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_body_is_answered_and_nothing_invalid_is_kept(body in anything(), named in any::<bool>()) {
        let mut lab = lab();
        let mut body = body;
        if named && let Value::Object(fields) = &mut body {
            fields.insert("metadata".to_owned(), serde_json::json!({"name": "y"}));
        }
        let text = body.to_string();
        let operations = serde_json::json!([{"op": "replace", "path": "", "value": body}]).to_string();
        for kind in KINDS {
            let (collection, item) = paths(kind.names());
            for (method, path, type_, body) in [
                (Post, &collection, "application/json", &text),
                (Put, &item, "application/json", &text),
                (Patch, &item, "application/merge-patch+json", &text),
                (Patch, &item, "application/strategic-merge-patch+json", &text),
                (Patch, &item, "application/json-patch+json", &operations),
                (Patch, &format!("{item}?fieldManager=a&force=true"), "application/apply-patch+yaml", &applied(kind.names(), &body)),
                (Put, &format!("{item}/scale"), "application/json", &text),
                (Put, &format!("{item}/status"), "application/json", &text),
                (Post, &format!("{item}/binding"), "application/json", &text),
                (Post, &"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(), "application/json", &text),
                (Delete, &item, "application/json", &text),
            ] {
                let response = lab.send(method, path, type_, body);
                if response.headers.iter().any(|(_, value)| value == "application/json") {
                    let _ = json(&response);
                }
            }
        }
        check_all_valid(&lab);
    }

    #[test]
    fn every_selector_and_token_is_answered(text in "[a-z!=,()<> /.0-9-]{0,24}") {
        let mut lab = Lab::new();
        for name in ["labelSelector", "fieldSelector", "continue", "resourceVersion", "limit", "resourceVersionMatch"] {
            let mut request = cluster::Request::get(crate::fixture::PODS);
            request.query = vec![(name.to_owned(), text.clone())];
            let response = lab.ask(request);
            prop_assert!(matches!(response.status, 200 | 400 | 410 | 422 | 500 | 504), "{name}={text}: {}", response.status);
        }
    }

    #[test]
    fn what_is_applied_is_owned_and_gone_when_no_longer_applied(
        one in proptest::collection::btree_map("[a-d]", "[x-z]", 0..4),
        other in proptest::collection::btree_map("[a-d]", "[x-z]", 0..4),
        later in proptest::collection::btree_map("[a-d]", "[x-z]", 0..4),
    ) {
        let mut lab = Lab::new();
        let path = format!("{}/c", crate::fixture::CONFIG_MAPS);
        let mut apply = |manager: &str, data: &std::collections::BTreeMap<String, String>| {
            let body = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data});
            let path = format!("{path}?fieldManager={manager}&force=true");
            json(&lab.send(Patch, &path, "application/apply-patch+yaml", &body.to_string()))
        };
        apply("one", &one);
        apply("other", &other);
        let object = apply("one", &later);
        let mut expected = other.clone();
        // What the other wanted first is the other's, unless it was changed later.
        expected.extend(later.clone());
        let empty = serde_json::json!({});
        let data = object.get("data").unwrap_or(&empty);
        prop_assert_eq!(data, &serde_json::json!(expected));
        for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
            for (field, _) in entry["fieldsV1"]["f:data"].as_object().into_iter().flatten() {
                let key = field.trim_start_matches("f:");
                prop_assert!(field == "." || expected.contains_key(key), "{entry}");
            }
        }
    }
}
