//! The four patches. Never applied half.

use crate::fixture::{
    CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, NGINX_SERVICE, SERVICES, json, warnings,
};
use cluster::Method::Patch;
use serde_json::{Value, json as value};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn config_map(lab: &mut Lab, data: &Value) -> String {
    let body =
        value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data});
    lab.create(CONFIG_MAPS, &body.to_string());
    format!("{CONFIG_MAPS}/c")
}

#[test]
fn merge_patches_follow_rfc_7386() {
    for (patch, expected) in [
        (value!({"a": "c"}), value!({"a": "c", "b": "2"})),
        (value!({"a": null}), value!({"b": "2"})),
        (value!({"d": "3"}), value!({"a": "1", "b": "2", "d": "3"})),
        (value!({"nope": null}), value!({"a": "1", "b": "2"})),
    ] {
        let mut lab = Lab::new();
        let path = config_map(&mut lab, &value!({"a": "1", "b": "2"}));
        let body = value!({"data": patch}).to_string();
        assert_eq!(lab.patch(&path, MERGE, &body)["data"], expected, "{patch}");
    }
}

#[test]
fn json_patches_follow_rfc_6902() {
    for (patch, expected) in [
        (
            value!([{"op": "add", "path": "/data/c", "value": "3"}]),
            value!({"a": "1", "b/x": "2", "c": "3"}),
        ),
        (
            value!([{"op": "remove", "path": "/data/b~1x"}]),
            value!({"a": "1"}),
        ),
        (
            value!([{"op": "replace", "path": "/data/a", "value": "9"}]),
            value!({"a": "9", "b/x": "2"}),
        ),
        (
            value!([{"op": "move", "from": "/data/a", "path": "/data/z"}]),
            value!({"b/x": "2", "z": "1"}),
        ),
        (
            value!([{"op": "copy", "from": "/data/a", "path": "/data/z"}]),
            value!({"a": "1", "b/x": "2", "z": "1"}),
        ),
        (
            value!([{"op": "test", "path": "/data/a", "value": "1"}]),
            value!({"a": "1", "b/x": "2"}),
        ),
    ] {
        let mut lab = Lab::new();
        let body = value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}});
        lab.create(CONFIG_MAPS, &body.to_string());
        // A key with a slash is no valid key, so it is tried on annotations.
        let path = format!("{CONFIG_MAPS}/c");
        lab.patch(
            &path,
            MERGE,
            r#"{"metadata":{"annotations":{"a":"1","b/x":"2"}}}"#,
        );
        let body = patch
            .to_string()
            .replace("/data/", "/metadata/annotations/");
        assert_eq!(
            lab.patch(&path, JSON, &body)["metadata"]["annotations"],
            expected,
            "{patch}"
        );
    }
}

#[test]
fn a_failed_test_changes_nothing() {
    let mut lab = Lab::new();
    let path = config_map(&mut lab, &value!({"a": "1"}));
    let body =
        r#"[{"op":"add","path":"/data/b","value":"2"},{"op":"test","path":"/data/a","value":"9"}]"#;
    assert_eq!(lab.send(Patch, &path, JSON, body).status, 422);
    assert_eq!(lab.get(&path)["data"], value!({"a": "1"}));
}

#[test]
fn containers_are_merged_by_name_and_ports_by_number() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let path = format!("{DEPLOYMENTS}/my-nginx");
    let patch = r#"{"spec":{"template":{"spec":{"containers":[{"name":"my-nginx","image":"nginx:1.16.1","ports":[{"containerPort":81}]}]}}}}"#;
    let containers =
        lab.patch(&path, STRATEGIC, patch)["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(containers.as_array().map(Vec::len), Some(1));
    assert_eq!(containers[0]["image"], "nginx:1.16.1");
    let ports: Vec<i64> = containers[0]["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| port["containerPort"].as_i64())
        .collect();
    assert_eq!(ports, [81, 80], "what the patch names comes first");
}

#[test]
fn elements_are_deleted_replaced_and_ordered_by_directives() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let path = format!("{DEPLOYMENTS}/my-nginx");
    let env = |lab: &mut Lab, patch: Value| {
        let body = value!({"spec": {"template": {"spec": {"containers": [patch]}}}}).to_string();
        let object = lab.patch(&path, STRATEGIC, &body);
        let env = object["spec"]["template"]["spec"]["containers"][0]["env"].clone();
        let names: Vec<String> = env
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.join(",")
    };
    let named = |names: &[&str]| {
        names
            .iter()
            .map(|name| value!({"name": name, "value": "1"}))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        env(
            &mut lab,
            value!({"name": "my-nginx", "env": named(&["A", "B", "C"])})
        ),
        "A,B,C"
    );
    assert_eq!(
        env(
            &mut lab,
            value!({"name": "my-nginx", "env": [{"name": "B", "$patch": "delete"}]})
        ),
        "A,C"
    );
    let ordered = value!({"name": "my-nginx", "$setElementOrder/env": [{"name": "C"}, {"name": "D"}, {"name": "A"}], "env": named(&["D"])});
    assert_eq!(env(&mut lab, ordered), "C,D,A");
    assert_eq!(
        env(
            &mut lab,
            value!({"name": "my-nginx", "env": [{"$patch": "replace"}, {"name": "Z", "value": "1"}]})
        ),
        "Z"
    );
    assert_eq!(env(&mut lab, value!({"name": "my-nginx", "env": null})), "");
}

#[test]
fn retained_keys_drop_the_others() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let patch = r#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#;
    let object = lab.patch(&format!("{DEPLOYMENTS}/my-nginx"), STRATEGIC, patch);
    assert_eq!(object["spec"]["strategy"], value!({"type": "Recreate"}));
}

#[test]
fn a_patch_that_changes_nothing_writes_nothing() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    let revision = lab.cluster.revision();
    let answer = lab.send(
        Patch,
        &format!("{SERVICES}/my-nginx"),
        STRATEGIC,
        r#"{"spec":{"nope":1}}"#,
    );
    assert_eq!(
        warnings(&answer),
        ["299 - \"unknown field \\\"spec.nope\\\"\""]
    );
    assert_eq!(lab.cluster.revision(), revision);
}

#[test]
fn apply_creates_and_then_merges() {
    let mut lab = Lab::new();
    let path = format!("{DEPLOYMENTS}/my-nginx");
    let apply = "application/apply-patch+yaml";
    assert_eq!(
        json(&lab.send(Patch, &path, apply, MY_NGINX))["message"],
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
    let path = format!("{path}?fieldManager=kubectl");
    assert_eq!(lab.send(Patch, &path, apply, MY_NGINX).status, 201);
    let again = lab.patch(
        &path,
        apply,
        &MY_NGINX.replace("\"replicas\":2", "\"replicas\":3"),
    );
    assert_eq!(again["spec"]["replicas"], 3);
}

#[test]
fn scale_is_a_small_object_of_its_own() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let path = format!("{DEPLOYMENTS}/my-nginx/scale");
    let scale = lab.patch(&path, MERGE, r#"{"spec":{"replicas":3}}"#);
    assert_eq!(scale["kind"], "Scale");
    assert_eq!(scale["apiVersion"], "autoscaling/v1");
    assert_eq!(scale["spec"], value!({"replicas": 3}));
    assert_eq!(scale["status"]["selector"], "run=my-nginx");
    assert_eq!(
        lab.get(&format!("{DEPLOYMENTS}/my-nginx"))["spec"]["replicas"],
        3
    );
    let unchanged = lab.get(&path);
    assert_eq!(unchanged["spec"]["replicas"], 3);
}

#[test]
fn strict_patches_refuse_unknown_fields() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    let path = format!("{SERVICES}/my-nginx?fieldValidation=Strict");
    let answer = json(&lab.send(Patch, &path, STRATEGIC, r#"{"spec":{"nope":1}}"#));
    assert_eq!(answer["code"], 422);
    assert_eq!(answer["details"]["causes"][0]["field"], "patch");
}
