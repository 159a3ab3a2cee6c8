//! What the API tells about itself. Compared with a recorded server where that serves the same.

use crate::fixture::{Lab, json};
use cluster::Method::Post;
use cluster::Request;
use serde_json::{Value, json as value};

#[test]
fn resources_are_listed_as_recorded() {
    let mut lab = Lab::new();
    let list = lab.get("/apis/discovery.k8s.io/v1");
    assert_eq!(list["groupVersion"], "discovery.k8s.io/v1");
    assert_eq!(
        list["resources"][0],
        value!({
            "name": "endpointslices", "singularName": "endpointslice", "namespaced": true, "kind": "EndpointSlice",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            "storageVersionHash": "qgS0xkrxYAI=",
        })
    );
    let apps = lab.get("/apis/apps/v1");
    let names: Vec<&str> = apps["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ]
    );
    assert_eq!(
        apps["resources"][4],
        value!({"name": "deployments/scale", "singularName": "", "namespaced": true, "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]})
    );
}

fn aggregated(lab: &mut Lab, path: &str, tag: Option<String>) -> cluster::Response {
    let mut request = Request::get(path);
    request.accept =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            .to_owned();
    request.if_none_match = tag;
    lab.ask(request)
}

#[test]
fn aggregated_discovery_is_cached_by_its_tag() {
    let mut lab = Lab::new();
    let first = aggregated(&mut lab, "/apis", None);
    let list = json(&first);
    assert_eq!(list["kind"], "APIGroupDiscoveryList");
    assert_eq!(list["apiVersion"], "apidiscovery.k8s.io/v2");
    assert_eq!(list["items"][1]["metadata"]["name"], "apps");
    assert_eq!(
        list["items"][1]["versions"][0]["resources"][0]["responseKind"],
        value!({"group": "", "version": "", "kind": "ControllerRevision"})
    );
    let tag = first
        .headers
        .iter()
        .find(|(name, _)| *name == "etag")
        .map(|(_, tag)| tag.clone());
    assert!(tag.is_some());
    let again = aggregated(&mut lab, "/apis", tag);
    assert_eq!((again.status, again.bytes().len()), (304, 0));
    let pods = json(&aggregated(&mut lab, "/api", None));
    let found = pods["items"][0]["versions"][0]["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["resource"] == "pods")
        .cloned();
    assert_eq!(found.expect("pods")["categories"], value!(["all"]));
}

/// A group without the kinds that have not come yet.
fn without_open(mut group: Value) -> Value {
    const OPEN: [&str; 3] = ["cronjobs", "jobs", "poddisruptionbudgets"];
    for version in group["versions"].as_array_mut().into_iter().flatten() {
        let resources = version["resources"].as_array_mut().expect("a list");
        resources.retain(|one| !OPEN.iter().any(|open| one["resource"] == *open));
    }
    group
}

#[test]
fn aggregated_discovery_is_the_recorded_one() {
    let mut lab = Lab::new();
    for (path, recorded) in [
        ("/api", include_str!("recorded/api.json")),
        ("/apis", include_str!("recorded/apis.json")),
    ] {
        let recorded: Value = serde_json::from_str(recorded).expect("JSON");
        let own = json(&aggregated(&mut lab, path, None));
        let groups = |list: &Value| list["items"].as_array().cloned().unwrap_or_default();
        assert_eq!(groups(&own).len(), groups(&recorded).len());
        for (own, recorded) in groups(&own).into_iter().zip(groups(&recorded)) {
            assert_eq!(without_open(own), without_open(recorded));
        }
    }
}

#[test]
fn health_is_told_in_parts_and_parts_can_be_left_out() {
    let mut lab = Lab::new();
    let text = |lab: &mut Lab, path: &str| {
        String::from_utf8(lab.ask(Request::get(path)).bytes().to_vec()).expect("text")
    };
    let ready = text(&mut lab, "/readyz?verbose");
    assert_eq!(ready.lines().count(), 37);
    assert!(ready.starts_with("[+]ping ok\n[+]log ok\n[+]informer-sync ok\n"));
    assert!(ready.ends_with("[+]shutdown ok\nreadyz check passed\n"));
    let less = text(&mut lab, "/livez?verbose&exclude=etcd&exclude=nosuch");
    assert!(less.contains("[+]etcd excluded: ok\n"), "{less}");
    let end = "warn: some health checks cannot be excluded: no matches for \"nosuch\"\nlivez check passed\n";
    assert!(less.ends_with(end), "{less}");
    let root = lab.get("/");
    let paths = root["paths"].as_array().cloned().unwrap_or_default();
    assert!(paths.contains(&"/readyz/poststarthook/rbac/bootstrap-roles".into()));
    assert_eq!(
        text(&mut lab, "/readyz/poststarthook/rbac/bootstrap-roles"),
        "ok"
    );
}

#[test]
fn the_version_and_the_health_are_those_of_1_36() {
    let mut lab = Lab::new();
    assert_eq!(lab.get("/version")["gitVersion"], "v1.36.2");
    let text = lab.ask(Request::get("/version")).bytes().to_vec();
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("{\n  \"major\": \"1\",\n  \"minor\": \"36\",\n"));
    assert!(text.ends_with("\"platform\": \"linux/amd64\"\n}"));
    for path in ["/healthz", "/readyz", "/livez", "/readyz/ping"] {
        assert_eq!(lab.ask(Request::get(path)).bytes(), b"ok", "{path}");
    }
    let verbose = lab.ask(Request::get("/readyz?verbose="));
    assert!(verbose.bytes().ends_with(b"readyz check passed\n"));
}

#[test]
fn openapi_is_complete_and_says_what_kubectl_looks_for() {
    let mut lab = Lab::new();
    let index = lab.get("/openapi/v3");
    let urls: Vec<String> = index["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, one)| one["serverRelativeURL"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(urls.len(), 22);
    for url in urls {
        let document = lab.get(&url);
        let schemas = document["components"]["schemas"]
            .as_object()
            .expect("schemas");
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "{url} lacks {name}");
        }
    }
    let core = lab.get("/openapi/v3/api/v1");
    let schemas = &core["components"]["schemas"];
    let spec = &schemas["io.k8s.api.core.v1.ServiceSpec"]["properties"];
    assert_eq!(spec["ports"]["x-kubernetes-patch-merge-key"], "port");
    assert_eq!(
        spec["type"]["enum"],
        value!(["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])
    );
    assert_eq!(
        schemas["io.k8s.api.core.v1.Pod"]["x-kubernetes-group-version-kind"],
        value!([{"group": "", "version": "v1", "kind": "Pod"}])
    );
    let key = &schemas["io.k8s.api.core.v1.ConfigMapKeySelector"];
    assert_eq!(
        key["required"],
        value!(["key"]),
        "the name is not required, whatever the types say"
    );
    let options = &schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"];
    assert_eq!(
        options["x-kubernetes-group-version-kind"],
        value!([{"group": "", "version": "v1", "kind": "DeleteOptions"}])
    );
    let second = lab.get("/openapi/v2");
    let port = &second["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"];
    assert_eq!(port["type"], "string", "version 2 has no alternatives");
    let patch = &core["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Pod");
    let parameters = patch["parameters"].as_array().into_iter().flatten();
    assert!(
        parameters
            .clone()
            .any(|one: &Value| one["name"] == "fieldValidation")
    );
}

#[test]
fn everyone_may_do_everything_and_knows_who_they_are() {
    let mut lab = Lab::new();
    let body = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"create","resource":"services"}}}"#;
    let may = json(&lab.send(
        Post,
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "application/json",
        body,
    ));
    assert_eq!(may["status"], value!({"allowed": true}));
    let who = json(&lab.send(
        Post,
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        "application/json",
        "{}",
    ));
    assert_eq!(who["status"]["userInfo"]["username"], "kubernetes-admin");
}

#[test]
fn people_with_curl_get_lines_and_programs_get_one() {
    let mut lab = Lab::new();
    for (agent, query, lines) in [
        ("curl/8.5.0", "", true),
        ("Mozilla/5.0 (X11)", "", true),
        ("curl/8.5.0", "?pretty=false", false),
        ("kubectl/v1.34.5", "", false),
        ("kubectl/v1.34.5", "?pretty=true", true),
    ] {
        let mut request = Request::get(&format!("/api/v1/namespaces/default{query}"));
        request.user_agent = agent.to_owned();
        let text = lab.ask(request).bytes().to_vec();
        let pretty = text.starts_with(b"{\n  \"");
        assert_eq!(pretty, lines, "{agent} {query}");
    }
}
