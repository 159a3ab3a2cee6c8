//! Revisions, pieces and selections of reads. Never changes an object but to have one to read.

use crate::fixture::{CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, PODS, json};
use cluster::Method::{Delete, Head};
use cluster::{Body, Request, WatchPoll};
use serde_json::{Value, json as value};

fn map(lab: &mut Lab, name: &str) {
    let body = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
    lab.create(CONFIG_MAPS, &body);
}

fn names(list: &Value) -> String {
    let items = list["items"].as_array().into_iter().flatten();
    let names: Vec<&str> = items
        .filter_map(|item| item["metadata"]["name"].as_str())
        .filter(|name| *name != "kube-root-ca.crt")
        .collect();
    names.join(",")
}

fn version(object: &Value) -> String {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.unwrap_or_default().to_owned()
}

#[test]
fn a_list_at_a_revision_is_what_there_was_then() {
    let mut lab = Lab::new();
    map(&mut lab, "a");
    map(&mut lab, "b");
    let then = version(&lab.get(CONFIG_MAPS));
    lab.send(Delete, &format!("{CONFIG_MAPS}/a"), "", "");
    map(&mut lab, "c");
    lab.patch(
        &format!("{CONFIG_MAPS}/b"),
        "application/merge-patch+json",
        r#"{"data":{"k":"v"}}"#,
    );
    let exact = lab.get(&format!(
        "{CONFIG_MAPS}?resourceVersion={then}&resourceVersionMatch=Exact"
    ));
    assert_eq!(names(&exact), "a,b");
    assert_eq!(version(&exact), then);
    assert_eq!(exact["items"][1].get("data"), None, "as it was then");
    for query in [
        "",
        "?resourceVersion=0",
        &format!("?resourceVersion={then}"),
        &format!("?resourceVersion={then}&resourceVersionMatch=NotOlderThan"),
    ] {
        assert_eq!(
            names(&lab.get(&format!("{CONFIG_MAPS}{query}"))),
            "b,c",
            "{query}"
        );
    }
}

#[test]
fn pieces_of_a_list_belong_to_one_moment() {
    let mut lab = Lab::new();
    for name in ["a", "b", "c", "d"] {
        map(&mut lab, name);
    }
    let first = lab.get(&format!("{CONFIG_MAPS}?limit=2"));
    lab.send(Delete, &format!("{CONFIG_MAPS}/c"), "", "");
    map(&mut lab, "e");
    let token = first["metadata"]["continue"].as_str().unwrap_or_default();
    let second = lab.get(&format!("{CONFIG_MAPS}?limit=500&continue={token}"));
    assert_eq!(names(&second), "c,d");
    assert_eq!(version(&second), version(&first));
    assert!(
        !token.contains(['+', '/', '=']),
        "a token stands in a URL: {token}"
    );
}

#[test]
fn a_piece_that_comes_too_late_is_expired_and_says_how_to_go_on() {
    let mut lab = Lab::new();
    for name in ["a", "b", "c"] {
        map(&mut lab, name);
    }
    let first = lab.get(&format!("{CONFIG_MAPS}?limit=1"));
    let token = first["metadata"]["continue"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let then = version(&first);
    for number in 0..=cluster::store::LOG_CAPACITY {
        let body = format!(r#"{{"data":{{"n":"{number}"}}}}"#);
        lab.patch(
            &format!("{CONFIG_MAPS}/b"),
            "application/merge-patch+json",
            &body,
        );
    }
    let late = lab.get(&format!("{CONFIG_MAPS}?limit=1&continue={token}"));
    assert_eq!(late["code"], 410);
    assert_eq!(late["reason"], "Expired");
    assert_eq!(
        late["message"],
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
    );
    let token = late["metadata"]["continue"].as_str().unwrap_or_default();
    assert_eq!(
        names(&lab.get(&format!("{CONFIG_MAPS}?continue={token}"))),
        "b,c"
    );
    let late = lab.get(&format!(
        "{CONFIG_MAPS}?resourceVersion={then}&resourceVersionMatch=Exact"
    ));
    assert_eq!(
        late["message"],
        "The resourceVersion for the provided list is too old."
    );
    assert_eq!(late["code"], 410);
}

#[test]
fn a_revision_nobody_made_yet_is_a_timeout() {
    let mut lab = Lab::new();
    map(&mut lab, "a");
    let current = lab.cluster.revision();
    for path in [
        format!("{CONFIG_MAPS}?resourceVersion=999999"),
        format!("{CONFIG_MAPS}/a?resourceVersion=999999"),
    ] {
        let response = lab.ask(Request::get(&path));
        assert_eq!(response.status, 504);
        assert!(response.headers.contains(&("retry-after", "1".to_owned())));
        let status = json(&response);
        assert_eq!(
            status["message"],
            format!("Timeout: Too large resource version: 999999, current: {current}")
        );
        assert_eq!(status["reason"], "Timeout");
        assert_eq!(
            status["details"],
            value!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1})
        );
    }
}

#[test]
fn options_that_do_not_go_together_are_told_in_upstream_words() {
    let mut lab = Lab::new();
    let table = [
        (
            "resourceVersionMatch=Exact",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "resourceVersionMatch=Nope&resourceVersion=1",
            "resourceVersionMatch: Unsupported value: \"Nope\": supported values: \"\", \"Exact\", \"NotOlderThan\"",
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        (
            "sendInitialEvents=true",
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
        (
            "watch=true&sendInitialEvents=true",
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            "watch=true&resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    ];
    for (query, message) in table {
        let answer = lab.get(&format!("{CONFIG_MAPS}?{query}"));
        assert_eq!(
            answer["message"],
            format!("ListOptions.meta.k8s.io \"\" is invalid: {message}")
        );
        assert_eq!(answer["code"], 422);
    }
}

#[test]
fn numbers_and_tokens_that_cannot_be_read_are_refused() {
    let mut lab = Lab::new();
    let table = [
        (
            "limit=x",
            400,
            "strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            "continue=%21",
            400,
            "continue key is not valid: illegal base64 data at input byte 0",
        ),
        (
            "resourceVersion=x",
            500,
            "resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax",
        ),
        (
            "watch=1&resourceVersion=x",
            422,
            "configmaps \"\" is invalid: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax",
        ),
        (
            "fieldSelector=spec.x%3D1",
            400,
            "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
        (
            "fieldSelector=x",
            400,
            "invalid selector: 'x'; can't understand 'x'",
        ),
    ];
    for (query, code, message) in table {
        let answer = lab.get(&format!("{CONFIG_MAPS}?{query}"));
        assert_eq!(answer["message"], message);
        assert_eq!(answer["code"], code, "{message}");
    }
}

#[test]
fn metadata_alone_can_be_had_of_one_and_of_many() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let form = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let mut request = Request::get(&format!("{DEPLOYMENTS}/my-nginx"));
    request.accept = form.to_owned();
    let one = json(&lab.ask(request));
    assert_eq!(one["kind"], "PartialObjectMetadata");
    assert_eq!(one.get("spec"), None);
    assert_eq!(
        one["metadata"]["managedFields"][0]["fieldsType"],
        "FieldsV1"
    );
    let mut request = Request::get(&format!("{PODS}?watch=true"));
    request.accept = form.to_owned();
    let Body::Watch(id) = lab.ask(request).body else {
        panic!("a watch")
    };
    let WatchPoll::Lines(lines) = lab.cluster.poll_watch(lab.now, id) else {
        panic!("pods")
    };
    let text = String::from_utf8_lossy(&lines);
    assert!(
        text.contains("PartialObjectMetadata") && !text.contains("\"spec\""),
        "{text}"
    );
}

#[test]
fn head_is_get_without_a_body() {
    let mut lab = Lab::new();
    map(&mut lab, "a");
    let mut request = Request::get(&format!("{CONFIG_MAPS}/a"));
    request.method = Head;
    let response = lab.ask(request);
    assert_eq!((response.status, response.bytes().len()), (200, 0));
}

#[test]
fn a_watch_reads_only_what_is_new() {
    // Work is counted in lines: every watch is told each event once, whatever was before.
    let mut lab = Lab::new();
    for number in 0..500 {
        map(&mut lab, &format!("c{number}"));
    }
    let path = format!(
        "{CONFIG_MAPS}?watch=true&resourceVersion={}",
        lab.cluster.revision()
    );
    let ids: Vec<_> = (0..200)
        .map(|_| match lab.ask(Request::get(&path)).body {
            Body::Watch(id) => id,
            other => panic!("{other:?}"),
        })
        .collect();
    map(&mut lab, "new");
    let mut lines = 0;
    for id in &ids {
        if let WatchPoll::Lines(bytes) = lab.cluster.poll_watch(lab.now, *id) {
            lines += bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .count();
        }
        assert_eq!(lab.cluster.poll_watch(lab.now, *id), WatchPoll::Pending);
    }
    assert_eq!(lines, 200);
}
