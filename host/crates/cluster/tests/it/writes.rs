//! Writes with conditions: dry runs, finalizers, budgets, names. Never sends a correct manifest only.

use crate::fixture::{
    CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, NGINX_SERVICE, PODS, SERVICES, json, warnings,
};
use clock::Duration;
use cluster::Method::{Delete, Get, Patch, Post, Put};
use serde_json::{Value, json as value};

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}}";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn message(
    lab: &mut Lab,
    method: cluster::Method,
    path: &str,
    type_: &str,
    body: &str,
) -> (u64, String) {
    let answer = json(&lab.send(method, path, type_, body));
    let text = answer["message"].as_str().unwrap_or_default().to_owned();
    (answer["code"].as_u64().unwrap_or_default(), text)
}

#[test]
fn dry_runs_write_nothing_anywhere() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    lab.create(PODS, POD);
    lab.create(
        PODS,
        &POD.replace("nodeName: node-1, ", "nodeSelector: {a: b}, ")
            .replace("name: p", "name: q"),
    );
    let before = lab.cluster.revision();
    let eviction = r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}}"#;
    let quiet = r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"},"deleteOptions":{"dryRun":["All"]}}"#;
    let binding = r#"{"apiVersion":"v1","kind":"Binding","metadata":{"name":"q"},"target":{"name":"node-1"}}"#;
    for (method, path, type_, body, status) in [
        (
            Post,
            CONFIG_MAPS.to_owned() + "?dryRun=All",
            "application/json",
            r#"{"metadata":{"name":"c"}}"#,
            201,
        ),
        (
            Patch,
            format!("{DEPLOYMENTS}/my-nginx?dryRun=All"),
            MERGE,
            r#"{"spec":{"replicas":5}}"#,
            200,
        ),
        (
            Patch,
            format!("{DEPLOYMENTS}/my-nginx/scale?dryRun=All"),
            MERGE,
            r#"{"spec":{"replicas":5}}"#,
            200,
        ),
        (
            Put,
            format!("{DEPLOYMENTS}/my-nginx?dryRun=All"),
            "application/json",
            MY_NGINX,
            200,
        ),
        (
            Delete,
            format!("{DEPLOYMENTS}/my-nginx?dryRun=All"),
            "",
            "",
            200,
        ),
        (
            Delete,
            format!("{PODS}/p"),
            "application/json",
            r#"{"dryRun":["All"]}"#,
            200,
        ),
        (Delete, format!("{PODS}?dryRun=All"), "", "", 200),
        (
            Post,
            format!("{PODS}/p/eviction?dryRun=All"),
            "application/json",
            eviction,
            201,
        ),
        (
            Post,
            format!("{PODS}/p/eviction"),
            "application/json",
            quiet,
            201,
        ),
        (
            Post,
            format!("{PODS}/q/binding?dryRun=All"),
            "application/json",
            binding,
            201,
        ),
    ] {
        let answer = lab.send(method, &path, type_, body);
        assert_eq!(answer.status, status, "{path}: {}", json(&answer));
        assert_eq!(lab.cluster.revision(), before, "{path}");
    }
}

#[test]
fn a_dry_run_shows_the_generation_that_would_be() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let object = lab.patch(
        &format!("{DEPLOYMENTS}/my-nginx?dryRun=All"),
        MERGE,
        r#"{"spec":{"replicas":5}}"#,
    );
    assert_eq!(object["metadata"]["generation"], 2);
}

#[test]
fn an_owner_in_the_foreground_goes_after_its_dependents() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let path = format!("{DEPLOYMENTS}/my-nginx");
    let answer = lab.send(
        Delete,
        &path,
        "application/json",
        r#"{"propagationPolicy":"Foreground"}"#,
    );
    assert_eq!(answer.status, 202);
    let object = json(&answer);
    assert_eq!(
        object["metadata"]["finalizers"],
        value!(["foregroundDeletion"])
    );
    assert!(object["metadata"]["deletionTimestamp"].is_string());
    assert!(warnings(&answer).is_empty());
    for _ in 0..40 {
        lab.now += Duration::from_secs(2);
        lab.cluster.handle_time(lab.now);
    }
    let pods = lab.get(PODS)["items"].as_array().map_or(0, Vec::len);
    let left = lab.get(&path);
    assert!(pods > 0 || left["code"] == 404, "{left}");
}

#[test]
fn an_object_with_a_finalizer_waits_for_it() {
    let mut lab = Lab::new();
    lab.create(
        CONFIG_MAPS,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, finalizers: [example.com/wait]}}",
    );
    let path = format!("{CONFIG_MAPS}/c");
    let marked = json(&lab.send(Delete, &path, "", ""));
    assert_eq!(marked["kind"], "ConfigMap");
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    lab.patch(&path, MERGE, r#"{"metadata":{"finalizers":null}}"#);
    assert_eq!(lab.get(&path)["code"], 404);
}

#[test]
fn policies_that_contradict_each_other_are_refused() {
    let mut lab = Lab::new();
    lab.create(
        CONFIG_MAPS,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
    );
    let body = r#"{"propagationPolicy":"Orphan","orphanDependents":true}"#;
    let said = message(
        &mut lab,
        Delete,
        &format!("{CONFIG_MAPS}/c"),
        "application/json",
        body,
    );
    assert_eq!(said, (422, "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set".to_owned()));
}

#[test]
fn the_service_of_the_api_is_gone_until_the_next_round() {
    let mut lab = Lab::new();
    lab.now += Duration::from_secs(3);
    lab.cluster.handle_time(lab.now);
    let path = format!("{SERVICES}/kubernetes");
    lab.send(Delete, &path, "", "");
    assert_eq!(lab.get(&path)["code"], 404);
    lab.now += Duration::from_secs(6);
    lab.cluster.handle_time(lab.now);
    assert_eq!(lab.get(&path)["spec"]["clusterIP"], "10.96.0.1");
}

#[test]
fn options_of_writes_are_checked_by_their_own_names() {
    let mut lab = Lab::new();
    let map = r#"{"metadata":{"name":"c"}}"#;
    let table = [
        (
            Post,
            CONFIG_MAPS.to_owned() + "?dryRun=x",
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: supported values: \"All\"",
        ),
        (
            Post,
            CONFIG_MAPS.to_owned() + "?fieldValidation=x",
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"x\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
        ),
        (
            Put,
            format!("{CONFIG_MAPS}/c?dryRun=x"),
            "UpdateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: supported values: \"All\"",
        ),
    ];
    for (method, path, expected) in table {
        let said = message(&mut lab, method, &path, "application/json", map);
        assert_eq!(said, (422, expected.to_owned()));
    }
}

#[test]
fn fields_that_stand_twice_are_warned_about_or_refused() {
    let mut lab = Lab::new();
    let body = r#"{"metadata":{"name":"c"},"data":{"a":"1","a":"2"}}"#;
    let said = message(
        &mut lab,
        Post,
        &format!("{CONFIG_MAPS}?fieldValidation=Strict"),
        "application/json",
        body,
    );
    assert_eq!(said, (400, "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\"".to_owned()));
    let answer = lab.send(Post, CONFIG_MAPS, "application/json", body);
    assert_eq!(
        warnings(&answer),
        ["299 - \"duplicate field \\\"data.a\\\"\""]
    );
    assert_eq!(json(&answer)["data"]["a"], "2");
}

#[test]
fn bodies_must_name_their_object_and_be_of_a_size() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    let path = format!("{SERVICES}/my-nginx");
    let said = message(&mut lab, Put, &path, "application/json", r#"{"spec":{}}"#);
    assert_eq!(
        said,
        (
            400,
            "the name of the object (based on URL) was undeterminable: name must be provided"
                .to_owned()
        )
    );
    let body = format!(
        r#"{{"metadata":{{"name":"my-nginx"}},"x":"{}"}}"#,
        "x".repeat(3 * 1024 * 1024)
    );
    let said = message(&mut lab, Put, &path, "application/json", &body);
    assert_eq!(
        said,
        (413, "Request entity too large: limit is 3145728".to_owned())
    );
    let other = r#"{"metadata":{"name":"my-nginx","uid":"nope"},"spec":{"ports":[{"port":80}]}}"#;
    let uid = lab.get(&path)["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let said = message(&mut lab, Put, &path, "application/json", other);
    assert_eq!(
        said,
        (
            409,
            format!(
                "Operation cannot be fulfilled on services \"my-nginx\": StorageError: invalid object, Code: 4, Key: /registry/services/specs/default/my-nginx, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: nope, UID in object meta: {uid}"
            )
        )
    );
}

#[test]
fn patches_that_make_no_sense_say_why() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let path = format!("{DEPLOYMENTS}/my-nginx");
    let table = [
        (
            STRATEGIC,
            r#"{"spec":{"template":{"spec":{"containers":[{"image":"nginx"}]}}}}"#,
            500,
            "map: map[image:nginx] does not contain declared merge key: name",
        ),
        (
            STRATEGIC,
            r#"{"spec":{"$patch":"nope"}}"#,
            500,
            "Unknown patch type found: nope",
        ),
        (
            STRATEGIC,
            r#"{"spec":{"template":{"spec":{"$setElementOrder/containers":1}}}}"#,
            400,
            "invalid patch format of setElementOrder list",
        ),
        (
            STRATEGIC,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":1}}"#,
            400,
            "invalid patch format of primitive list",
        ),
        (
            "application/json-patch+json",
            r#"{"op":"add"}"#,
            400,
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ),
        (
            MERGE,
            "[]",
            400,
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            "text/plain",
            "{}",
            415,
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml",
        ),
    ];
    for (type_, body, code, expected) in table {
        assert_eq!(
            message(&mut lab, Patch, &path, type_, body),
            (code, expected.to_owned())
        );
    }
}

#[test]
fn finalizers_are_taken_from_a_list_without_keys() {
    let mut lab = Lab::new();
    lab.create(
        CONFIG_MAPS,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, finalizers: [e.com/a, e.com/b]}}",
    );
    let path = format!("{CONFIG_MAPS}/c");
    let object = lab.patch(
        &path,
        STRATEGIC,
        r#"{"metadata":{"finalizers":["e.com/c"]}}"#,
    );
    assert_eq!(
        object["metadata"]["finalizers"].as_array().map(Vec::len),
        Some(3)
    );
    let object = lab.patch(
        &path,
        STRATEGIC,
        r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["e.com/b"]}}"#,
    );
    let mut left: Vec<&str> = object["metadata"]["finalizers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["e.com/a", "e.com/c"]);
}

#[test]
fn parts_that_this_lab_has_not_are_refused_by_name() {
    let mut lab = Lab::new();
    lab.create(PODS, POD);
    let proxy = format!("{PODS}/p/proxy");
    let said = message(&mut lab, Get, &proxy, STRATEGIC, "{}");
    assert_eq!(said, (405, "not in this lab: pods/proxy".to_owned()));
}

#[test]
fn a_long_prefix_leaves_room_for_the_suffix() {
    let mut lab = Lab::new();
    let prefix = "a".repeat(80);
    let body = value!({"metadata": {"generateName": prefix}}).to_string();
    let object = json(&lab.send(Post, CONFIG_MAPS, "application/json", &body));
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    assert_eq!(name.len(), 63);
    assert_eq!(object["metadata"]["generateName"], prefix);
}

#[test]
fn a_namespace_that_goes_names_the_cause() {
    let mut lab = Lab::new();
    lab.create(
        "/api/v1/namespaces",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    );
    lab.create(
        "/api/v1/namespaces/shop/pods",
        &POD.replace("name: p", "name: p, namespace: shop"),
    );
    lab.send(Delete, "/api/v1/namespaces/shop", "", "");
    let answer = json(&lab.send(
        Post,
        "/api/v1/namespaces/shop/configmaps",
        "application/json",
        r#"{"metadata":{"name":"late"}}"#,
    ));
    assert_eq!(
        answer["details"]["causes"],
        value!([{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated", "field": "metadata.namespace"}])
    );
}

#[test]
fn a_put_makes_what_may_be_made_by_a_put() {
    let mut lab = Lab::new();
    let service =
        "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}}";
    let made = lab.send(Put, &format!("{SERVICES}/x"), "application/yaml", service);
    assert_eq!(made.status, 201);
    assert!(json(&made)["spec"]["clusterIP"].is_string());
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}";
    let said = message(
        &mut lab,
        Put,
        &format!("{CONFIG_MAPS}/x"),
        "application/yaml",
        map,
    );
    assert_eq!(said, (404, "configmaps \"x\" not found".to_owned()));
}

#[test]
fn a_service_without_a_name_gets_no_address() {
    let mut lab = Lab::new();
    let service = "{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}";
    let (code, why) = message(&mut lab, Post, SERVICES, "application/yaml", service);
    assert_eq!(code, 422);
    assert!(why.starts_with("Service \"\" is invalid: spec.clusterIPs: Invalid value: [\"\"]: failed to allocate IP: IPAddress.networking.k8s.io \"10."), "{why}");
    assert!(
        why.ends_with("\" is invalid: spec.parentRef.name: Required value"),
        "{why}"
    );
}

#[test]
fn a_deployments_annotations_count_as_its_content_but_not_its_revision() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let path = format!("{DEPLOYMENTS}/my-nginx");
    let before = lab.get(&path);
    let revision = &before["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
    assert_eq!(
        (revision, &before["metadata"]["generation"]),
        (&value!("1"), &value!(1))
    );
    let cause = value!({"metadata": {"annotations": {"kubernetes.io/change-cause": "x"}}});
    let after = lab.patch(&path, MERGE, &cause.to_string());
    assert_eq!(after["metadata"]["generation"], 2);
    let label = value!({"metadata": {"labels": {"a": "b"}}});
    let after = lab.patch(&path, MERGE, &label.to_string());
    assert_eq!(after["metadata"]["generation"], 2);
}
