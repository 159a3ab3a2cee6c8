//! What is wrong is said in Kubernetes' words. Never in ours.

use crate::fixture::{
    CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, NGINX_SERVICE, PODS, SERVICES, json, warnings,
};
use cluster::Method::{Delete, Get, Patch, Post, Put};
use cluster::{Method, Request};
use serde_json::{Value, json as value};

fn service(name: &str, spec: &Value) -> String {
    value!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
        .to_string()
}

#[track_caller]
fn check_service(spec: &Value, message: &str) {
    Lab::new().refused(
        Post,
        SERVICES,
        &service("x", spec),
        422,
        &format!("Service \"x\" is invalid: {message}"),
    );
}

#[test]
fn a_missing_object_is_not_found_by_kind_and_name() {
    let mut lab = Lab::new();
    let response = lab.ask(Request::get(&format!("{PODS}/nosuch")));
    assert_eq!(response.status, 404);
    assert_eq!(
        json(&response),
        value!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "pods \"nosuch\" not found", "reason": "NotFound",
            "details": {"name": "nosuch", "kind": "pods"}, "code": 404,
        })
    );
    let missing = lab.get(&format!("{DEPLOYMENTS}/my-nginx"));
    assert_eq!(
        missing["message"],
        "deployments.apps \"my-nginx\" not found"
    );
    assert_eq!(
        missing["details"],
        value!({"name": "my-nginx", "group": "apps", "kind": "deployments"})
    );
}

#[test]
fn a_port_out_of_range_is_told_with_its_target_port() {
    let mut lab = Lab::new();
    let body = service(
        "p70000",
        &value!({"ports": [{"port": 70000}], "selector": {"app": "x"}}),
    );
    let answer = json(&lab.send(Post, SERVICES, "application/json", &body));
    let message = "Invalid value: 70000: must be between 1 and 65535, inclusive";
    assert_eq!(
        answer,
        value!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("Service \"p70000\" is invalid: [spec.ports[0].port: {message}, spec.ports[0].targetPort: {message}]"),
            "reason": "Invalid",
            "details": {"name": "p70000", "kind": "Service", "causes": [
                {"reason": "FieldValueInvalid", "message": message, "field": "spec.ports[0].port"},
                {"reason": "FieldValueInvalid", "message": message, "field": "spec.ports[0].targetPort"},
            ]},
            "code": 422,
        })
    );
}

#[test]
fn services_break_rules_in_upstream_words() {
    check_service(
        &value!({"type": "Foo", "ports": [{"port": 80}]}),
        "spec.type: Unsupported value: \"Foo\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"",
    );
    check_service(
        &value!({"ports": [{"port": 80, "protocol": "tcp"}]}),
        "spec.ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
    );
    check_service(
        &value!({"ports": [{"port": 80}, {"port": 81}]}),
        "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]",
    );
    check_service(
        &value!({"ports": [{"port": 80, "targetPort": "Not_Valid-port-name-too-long"}]}),
        "[spec.ports[0].targetPort: Invalid value: \"Not_Valid-port-name-too-long\": must be no more than 15 characters, spec.ports[0].targetPort: Invalid value: \"Not_Valid-port-name-too-long\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)]",
    );
    check_service(
        &value!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}),
        "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    );
    check_service(
        &value!({"ports": [{"port": 80, "nodePort": 30080}]}),
        "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    );
    check_service(
        &value!({"clusterIP": "1.2.3.4", "ports": [{"port": 80}]}),
        "spec.clusterIPs: Invalid value: [\"1.2.3.4\"]: failed to allocate IP 1.2.3.4: the provided network does not match the current range",
    );
}

#[test]
fn a_taken_node_port_is_refused() {
    let mut lab = Lab::new();
    let spec = value!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]});
    lab.create(SERVICES, &service("np-a", &spec));
    let message = "Service \"np-b\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated";
    lab.refused(Post, SERVICES, &service("np-b", &spec), 422, message);
}

#[test]
fn unknown_fields_are_listed_in_order_and_refused_when_strict() {
    let mut lab = Lab::new();
    let body = service(
        "unk",
        &value!({"ports": [{"port": 80, "targetport": 80}], "selectors": {"a": "b"}}),
    );
    let message = "Service in version \"v1\" cannot be handled as a Service: strict decoding error: unknown field \"spec.ports[0].targetport\", unknown field \"spec.selectors\"";
    lab.refused(
        Post,
        &format!("{SERVICES}?fieldValidation=Strict"),
        &body,
        400,
        message,
    );
    let warned = lab.send(
        Post,
        &format!("{SERVICES}?fieldValidation=Warn&dryRun=All"),
        "application/json",
        &body,
    );
    assert_eq!(warned.status, 201);
    assert_eq!(
        warnings(&warned),
        [
            "299 - \"unknown field \\\"spec.ports[0].targetport\\\"\"",
            "299 - \"unknown field \\\"spec.selectors\\\"\"",
        ]
    );
    let quiet = lab.send(
        Post,
        &format!("{SERVICES}?fieldValidation=Ignore"),
        "application/json",
        &body,
    );
    assert!(warnings(&quiet).is_empty());
    assert_eq!(json(&quiet)["spec"].get("selectors"), None);
}

#[test]
fn wrong_types_are_told_as_go_tells_them() {
    let mut lab = Lab::new();
    let mut deployment: Value = serde_json::from_str(MY_NGINX).expect("JSON");
    deployment["spec"]["replicas"] = "two".into();
    let path = format!("{DEPLOYMENTS}?fieldValidation=Strict");
    lab.refused(Post, &path, &deployment.to_string(), 400, "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32");
    let path = format!("{SERVICES}?fieldValidation=Strict");
    let in_service =
        "Service in version \"v1\" cannot be handled as a Service: json: cannot unmarshal";
    let body = service("x", &value!({"ports": [{"port": "80"}]}));
    lab.refused(
        Post,
        &path,
        &body,
        400,
        &format!(
            "{in_service} string into Go struct field ServicePort.spec.ports.port of type int32"
        ),
    );
    let body = service("x", &value!({"ports": {"port": 80}}));
    lab.refused(Post, &path, &body, 400, &format!("{in_service} object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort"));
}

#[test]
fn a_deployment_without_selector_and_names_lacks_all_of_them() {
    let body = value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mr"},
        "spec": {"template": {"metadata": {"labels": {"app": "mr"}}, "spec": {"containers": [{"image": "nginx"}]}}},
    });
    let message = "Deployment.apps \"mr\" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: {\"app\":\"mr\"}: `selector` does not match template `labels`, spec.template.spec.containers[0].name: Required value]";
    Lab::new().refused(Post, DEPLOYMENTS, &body.to_string(), 422, message);
}

#[test]
fn a_bad_name_is_told_for_the_pod_and_for_its_container() {
    let body = value!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Bad_Name"},
        "spec": {"containers": [{"name": "Bad_Name", "image": "nginx"}]},
    });
    let message = "Pod \"Bad_Name\" is invalid: [metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), spec.containers[0].name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')]";
    Lab::new().refused(Post, PODS, &body.to_string(), 422, message);
}

#[test]
fn bad_labels_are_told_key_first() {
    let body = value!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "bl", "labels": {"bad key!": "bad value!"}},
    });
    let message = "ConfigMap \"bl\" is invalid: [metadata.labels: Invalid value: \"bad key!\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'), metadata.labels: Invalid value: \"bad value!\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')]";
    Lab::new().refused(Post, CONFIG_MAPS, &body.to_string(), 422, message);
}

#[test]
fn what_may_not_change_says_so() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    lab.create(DEPLOYMENTS, MY_NGINX);
    let service = format!("{SERVICES}/my-nginx");
    lab.refused(Patch, &service, r#"{"spec":{"clusterIP":"10.96.5.5"}}"#, 422, "Service \"my-nginx\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.5.5\"]: may not change once set");
    let deployment = format!("{DEPLOYMENTS}/my-nginx");
    lab.refused(Patch, &deployment, r#"{"spec":{"selector":{"matchLabels":{"run":"other"}}}}"#, 422, "Deployment.apps \"my-nginx\" is invalid: [spec.template.metadata.labels: Invalid value: {\"run\":\"my-nginx\"}: `selector` does not match template `labels`, spec.selector: Invalid value: {\"matchLabels\":{\"run\":\"other\"}}: field is immutable]");
}

#[test]
fn an_object_changed_meanwhile_is_a_conflict() {
    let mut lab = Lab::new();
    let mut old = lab.create(SERVICES, NGINX_SERVICE);
    let path = format!("{SERVICES}/my-nginx");
    lab.patch(
        &path,
        "application/merge-patch+json",
        r#"{"metadata":{"labels":{"a":"b"}}}"#,
    );
    old["metadata"]["labels"]["c"] = "d".into();
    lab.refused(Put, &path, &old.to_string(), 409, "Operation cannot be fulfilled on services \"my-nginx\": the object has been modified; please apply your changes to the latest version and try again");
}

#[test]
fn what_exists_is_not_created_again_and_nothing_is_created_nowhere() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    lab.refused(
        Post,
        SERVICES,
        NGINX_SERVICE,
        409,
        "services \"my-nginx\" already exists",
    );
    let elsewhere = NGINX_SERVICE.replace("default", "nosuchns");
    lab.refused(
        Post,
        "/api/v1/namespaces/nosuchns/services",
        &elsewhere,
        404,
        "namespaces \"nosuchns\" not found",
    );
    lab.refused(
        Post,
        SERVICES,
        &elsewhere,
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    );
    lab.refused(
        Delete,
        "/api/v1/namespaces/default",
        "",
        403,
        "namespaces \"default\" is forbidden: this namespace may not be deleted",
    );
}

#[test]
fn paths_and_methods_that_are_not_served_are_refused_by_their_codes() {
    let mut lab = Lab::new();
    for path in [
        "/nosuch",
        "/api/v1/nosuch",
        "/apis/nosuch/v1/things",
        "/api/v1/namespaces/default/nodes",
    ] {
        let response = lab.ask(Request::get(path));
        assert_eq!(
            (response.status, response.bytes()),
            (404, b"404 page not found\n".as_slice()),
            "{path}"
        );
    }
    for (method, path) in [
        (Put, PODS),
        (Patch, PODS),
        (Post, "/api/v1/pods"),
        (Delete, "/api/v1/namespaces"),
    ] {
        let response = lab.send(method, path, "application/json", "{}");
        assert_eq!(response.status, 405, "{method:?} {path}");
    }
    let mut request = Request::get(PODS);
    request.accept = "text/html".to_owned();
    let response = lab.ask(request);
    assert_eq!(response.status, 406);
    assert_eq!(
        json(&response)["message"],
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    );
    assert_eq!(lab.send(Post, PODS, "text/plain", "x").status, 415);
}

#[test]
fn unreadable_selectors_are_bad_requests() {
    let mut lab = Lab::new();
    let answer = lab.get(&format!("{PODS}?labelSelector=run%3Dmy%20nginx"));
    assert_eq!(
        answer["message"],
        "found 'nginx', expected: ',' or 'end of string'"
    );
    assert_eq!(answer["reason"], "BadRequest");
    let answer = lab.get(&format!("{PODS}?fieldSelector=spec.nope%3D1"));
    assert_eq!(answer["message"], "field label not supported: spec.nope");
}

#[test]
fn a_body_that_is_no_json_is_described_as_go_does() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    let path = format!("{SERVICES}/my-nginx");
    lab.refused(
        Patch,
        &path,
        "{spec",
        400,
        "invalid character 's' looking for beginning of object key string",
    );
    let answer = lab.send(
        Patch,
        &path,
        "application/json-patch+json",
        r#"[{"op":"replace","path":"/spec/nope/0/port","value":8081}]"#,
    );
    assert_eq!(
        json(&answer)["message"],
        "the server rejected our request due to an error in our request"
    );
    assert_eq!(json(&answer)["reason"], "Invalid");
}

#[test]
fn old_endpoints_are_served_with_a_warning() {
    let mut lab = Lab::new();
    let answer = lab.send(Get, "/api/v1/namespaces/default/endpoints", "", "");
    assert_eq!(
        warnings(&answer),
        ["299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\""]
    );
    let _ = Method::Other;
}
