//! Watches: what is told, in which order, and when they end.

use crate::fixture::{CONFIG_MAPS, Lab, json};
use clock::Duration;
use cluster::Method::{Delete, Patch, Put};
use cluster::{Body, Request, WatchId, WatchPoll};
use serde_json::Value;

const MERGE: &str = "application/merge-patch+json";

#[track_caller]
fn open(lab: &mut Lab, path: &str) -> WatchId {
    let response = lab.ask(Request::get(path));
    let Body::Watch(id) = response.body else {
        panic!("{response:?}")
    };
    id
}

fn poll(lab: &mut Lab, id: WatchId) -> Vec<Value> {
    match lab.cluster.poll_watch(lab.now, id) {
        WatchPoll::Lines(bytes) => {
            let text = String::from_utf8(bytes).expect("UTF-8");
            text.lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect()
        }
        WatchPoll::Pending | WatchPoll::Closed => Vec::new(),
    }
}

/// `ADDED a, MODIFIED b`
fn told(events: &[Value]) -> String {
    let one = |event: &Value| {
        let text = |at: &str| {
            event
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        format!("{} {}", text("/type"), text("/object/metadata/name"))
    };
    events.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn map(lab: &mut Lab, name: &str, label: &str) {
    lab.create(CONFIG_MAPS, &format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {{l: {label}}}}}}}"));
}

#[test]
fn a_watch_without_a_revision_begins_with_what_there_is() {
    let mut lab = Lab::new();
    map(&mut lab, "a", "x");
    let id = open(&mut lab, &format!("{CONFIG_MAPS}?watch=true"));
    assert_eq!(told(&poll(&mut lab, id)), "ADDED a, ADDED kube-root-ca.crt");
    assert_eq!(lab.cluster.poll_watch(lab.now, id), WatchPoll::Pending);
    map(&mut lab, "b", "x");
    lab.patch(&format!("{CONFIG_MAPS}/a"), MERGE, r#"{"data":{"k":"v"}}"#);
    lab.send(Delete, &format!("{CONFIG_MAPS}/b"), "", "");
    assert_eq!(told(&poll(&mut lab, id)), "ADDED b, MODIFIED a, DELETED b");
}

#[test]
fn a_watch_from_a_revision_tells_only_what_came_after() {
    let mut lab = Lab::new();
    map(&mut lab, "a", "x");
    let revision = lab.get(CONFIG_MAPS)["metadata"]["resourceVersion"]
        .as_str()
        .map(str::to_owned)
        .expect("a revision");
    map(&mut lab, "b", "x");
    let id = open(
        &mut lab,
        &format!("{CONFIG_MAPS}?watch=1&resourceVersion={revision}"),
    );
    assert_eq!(told(&poll(&mut lab, id)), "ADDED b");
}

#[test]
fn an_object_that_enters_or_leaves_a_selection_is_added_or_deleted() {
    let mut lab = Lab::new();
    map(&mut lab, "a", "x");
    let id = open(
        &mut lab,
        &format!("{CONFIG_MAPS}?watch=true&labelSelector=l%3Dx"),
    );
    assert_eq!(told(&poll(&mut lab, id)), "ADDED a");
    let path = format!("{CONFIG_MAPS}/a");
    lab.patch(&path, MERGE, r#"{"metadata":{"labels":{"l":"y"}}}"#);
    lab.patch(&path, MERGE, r#"{"metadata":{"labels":{"l":"x"}}}"#);
    lab.patch(&path, MERGE, r#"{"metadata":{"labels":{"m":"z"}}}"#);
    assert_eq!(told(&poll(&mut lab, id)), "DELETED a, ADDED a, MODIFIED a");
}

#[test]
fn one_object_is_watched_by_its_name() {
    let mut lab = Lab::new();
    map(&mut lab, "a", "x");
    let id = open(
        &mut lab,
        &format!("{CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Da"),
    );
    map(&mut lab, "b", "x");
    assert_eq!(told(&poll(&mut lab, id)), "ADDED a");
}

#[test]
fn a_table_watch_names_its_columns_once() {
    let mut lab = Lab::new();
    map(&mut lab, "a", "x");
    let mut request = Request::get(&format!("{CONFIG_MAPS}?watch=true"));
    request.accept = "application/json;as=Table;v=v1;g=meta.k8s.io".to_owned();
    let response = lab.ask(request);
    let Body::Watch(id) = response.body else {
        panic!("{response:?}")
    };
    let events = poll(&mut lab, id);
    assert_eq!(events[0]["object"]["kind"], "Table");
    assert_eq!(
        events[0]["object"]["columnDefinitions"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_eq!(events[1]["object"]["columnDefinitions"], Value::Null);
    assert_eq!(events[0]["object"]["rows"][0]["cells"][0], "a");
}

#[test]
fn a_watch_ends_when_its_time_is_up_or_nobody_reads() {
    let mut lab = Lab::new();
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion=1000000&timeoutSeconds=5");
    let id = open(&mut lab, &path);
    assert_eq!(lab.cluster.poll_watch(lab.now, id), WatchPoll::Pending);
    lab.now += Duration::from_secs(5);
    lab.cluster.handle_time(lab.now);
    assert_eq!(lab.cluster.poll_watch(lab.now, id), WatchPoll::Closed);
    let id = open(&mut lab, &format!("{CONFIG_MAPS}?watch=true"));
    lab.cluster.close_watch(id);
    assert_eq!(lab.cluster.poll_watch(lab.now, id), WatchPoll::Closed);
}

#[test]
fn a_revision_that_is_forgotten_is_an_expired_error() {
    let mut lab = Lab::new();
    let path = format!("{CONFIG_MAPS}/a");
    map(&mut lab, "a", "x");
    for number in 0..cluster::store::LOG_CAPACITY {
        let body = format!(r#"{{"data":{{"n":"{number}"}}}}"#);
        assert_eq!(lab.send(Patch, &path, MERGE, &body).status, 200);
    }
    let id = open(
        &mut lab,
        &format!("{CONFIG_MAPS}?watch=true&resourceVersion=1"),
    );
    let events = poll(&mut lab, id);
    assert_eq!(events[0]["type"], "ERROR");
    assert_eq!(events[0]["object"]["code"], 410);
    assert_eq!(events[0]["object"]["reason"], "Expired");
    let message = events[0]["object"]["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("too old resource version: 1 ("),
        "{message}"
    );
    assert_eq!(lab.cluster.poll_watch(lab.now, id), WatchPoll::Closed);
}

#[test]
fn bookmarks_come_to_those_who_ask() {
    let mut lab = Lab::new();
    let id = open(
        &mut lab,
        &format!(
            "{CONFIG_MAPS}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
        ),
    );
    let events = poll(&mut lab, id);
    let last = events.last().expect("a bookmark");
    assert_eq!(last["type"], "BOOKMARK");
    assert_eq!(
        last["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    lab.now += Duration::from_secs(61);
    lab.cluster.handle_time(lab.now);
    assert_eq!(
        poll(&mut lab, id).last().map(|event| event["type"].clone()),
        Some("BOOKMARK".into())
    );
}

#[test]
fn lists_come_in_pieces_that_fit_together() {
    let mut lab = Lab::new();
    for name in ["a", "b", "c", "d"] {
        map(&mut lab, name, "x");
    }
    let first = lab.get(&format!("{CONFIG_MAPS}?limit=2"));
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    let token = first["metadata"]["continue"]
        .as_str()
        .expect("a token")
        .replace('+', "%2B")
        .replace('=', "%3D");
    let second = lab.get(&format!("{CONFIG_MAPS}?limit=9&continue={token}"));
    let names = |list: &Value| {
        list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| {
                item["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        [names(&first), names(&second)].concat(),
        ["a", "b", "c", "d", "kube-root-ca.crt"]
    );
    assert_eq!(second["metadata"].get("continue"), None);
    assert_eq!(
        first["items"][0].get("kind"),
        None,
        "items of a list do not repeat their kind"
    );
    assert_eq!(first["kind"], "ConfigMapList");
    let answer = lab.send(
        Put,
        &format!("{CONFIG_MAPS}/a"),
        "application/json",
        r#"{"metadata":{"name":"b"}}"#,
    );
    assert_eq!(
        json(&answer)["message"],
        "the name of the object (b) does not match the name on the URL (a)"
    );
}
