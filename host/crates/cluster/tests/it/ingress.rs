//! What Ingresses ask of the nginx in front. Never serves a request.

use crate::fixture::{Lab, SERVICES};
use cluster::ingress;
use serde_json::{Value, json};

const CLASSES: &str = "/apis/networking.k8s.io/v1/ingressclasses";
const INGRESSES: &str = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";

fn lab(class_is_default: bool) -> Lab {
    let mut lab = Lab::new();
    let mut class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": { "name": "nginx", "annotations": {} },
        "spec": { "controller": "k8s.io/ingress-nginx" },
    });
    if class_is_default {
        class["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] =
            "true".into();
    }
    lab.create(CLASSES, &class.to_string());
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "shop" },
        "spec": { "ports": [{ "name": "web", "port": 80, "targetPort": 8080 }] },
    });
    lab.create(SERVICES, &service.to_string());
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": "shop-x", "labels": { "kubernetes.io/service-name": "shop" } },
        "endpoints": [{ "addresses": ["10.244.1.7"] }],
        "ports": [{ "name": "web", "port": 8080, "protocol": "TCP" }],
    });
    lab.create(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        &slice.to_string(),
    );
    lab
}

fn ingress(name: &str, class: Option<&str>, paths: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": { "name": name, "annotations": {} },
        "spec": {
            "ingressClassName": class,
            "rules": [{ "host": "shop.example", "http": { "paths": paths } }],
        },
    })
}

fn path(path: &str, kind: &str, port: Value) -> Value {
    json!({
        "path": path, "pathType": kind,
        "backend": { "service": { "name": "shop", "port": port } },
    })
}

fn conf(lab: &Lab) -> String {
    let files = ingress::files(lab.cluster.store(), &lab.cluster.service_rules());
    String::from_utf8(files["nginx.conf"].clone()).expect("text")
}

/// The `location`s of the server of this name, in order.
fn locations(conf: &str, name: &str) -> Vec<String> {
    let from = conf
        .find(&format!("server_name {name};"))
        .expect("a server");
    let server = &conf[from..];
    let server = &server[..server.find("\n  }").expect("it ends")];
    let lines = server.lines().map(str::trim);
    lines
        .filter(|line| line.starts_with("location"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_prefix_means_the_path_and_what_is_below_it_and_exact_only_the_path() {
    let mut lab = lab(false);
    let paths = json!([
        path("/cart", "Prefix", json!({ "number": 80 })),
        path("/one", "Exact", json!({ "name": "web" })),
    ]);
    lab.create(
        INGRESSES,
        &ingress("shop", Some("nginx"), paths).to_string(),
    );
    let conf = conf(&lab);
    let to = |upstream: &str| format!("{{ proxy_pass http://default-shop-{upstream}; }}");
    assert_eq!(
        locations(&conf, "shop.example"),
        [
            format!("location = /cart {}", to("80")),
            format!("location /cart/ {}", to("80")),
            format!("location = /one {}", to("web")),
            "location / { return 404; }".to_owned(),
        ]
    );
    assert!(conf.contains("server 10.244.1.7:8080;"), "{conf}");
}

#[test]
fn a_backend_without_endpoints_is_503_and_an_unknown_host_404() {
    let mut lab = lab(false);
    let mut other = path("/", "Prefix", json!({ "number": 80 }));
    other["backend"]["service"]["name"] = "nobody".into();
    lab.create(
        INGRESSES,
        &ingress("shop", Some("nginx"), json!([other])).to_string(),
    );
    let conf = conf(&lab);
    assert_eq!(
        locations(&conf, "shop.example"),
        ["location / { return 503; }"]
    );
    assert_eq!(locations(&conf, "_"), ["location / { return 404; }"]);
}

#[test]
fn a_default_backend_answers_for_every_other_host() {
    let mut lab = lab(false);
    let mut object = ingress("shop", Some("nginx"), json!([]));
    object["spec"] = json!({
        "ingressClassName": "nginx",
        "defaultBackend": { "service": { "name": "shop", "port": { "number": 80 } } },
    });
    lab.create(INGRESSES, &object.to_string());
    let wanted = "location / { proxy_pass http://default-shop-80; }";
    assert_eq!(locations(&conf(&lab), "_"), [wanted]);
}

#[test]
fn another_class_is_not_served_and_no_class_means_the_default_one() {
    let root = || json!([path("/", "Prefix", json!({ "number": 80 }))]);
    let mut plain = lab(false);
    plain.create(INGRESSES, &ingress("a", Some("other"), root()).to_string());
    let nameless = plain.create(INGRESSES, &ingress("b", None, root()).to_string());
    assert!(nameless["spec"]["ingressClassName"].is_null());
    assert!(!conf(&plain).contains("shop.example"));

    let mut marked = lab(true);
    let nameless = marked.create(INGRESSES, &ingress("b", None, root()).to_string());
    assert_eq!(nameless["spec"]["ingressClassName"], "nginx");
    assert!(conf(&marked).contains("shop.example"));
}

#[test]
fn of_two_that_say_the_same_the_first_counts() {
    let mut lab = lab(false);
    let root = |port| json!([path("/", "Prefix", port)]);
    let first = root(json!({ "number": 80 }));
    let second = root(json!({ "name": "web" }));
    lab.create(INGRESSES, &ingress("a", Some("nginx"), first).to_string());
    lab.create(INGRESSES, &ingress("b", Some("nginx"), second).to_string());
    let conf = conf(&lab);
    assert_eq!(
        locations(&conf, "shop.example"),
        ["location / { proxy_pass http://default-shop-80; }"]
    );
}

#[test]
fn a_rewrite_with_groups_is_a_pattern() {
    let mut lab = lab(false);
    let paths = json!([path(
        "/shop(/|$)(.*)",
        "ImplementationSpecific",
        json!({ "number": 80 })
    )]);
    let mut object = ingress("shop", Some("nginx"), paths);
    object["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"] = "/$2".into();
    lab.create(INGRESSES, &object.to_string());
    assert_eq!(
        locations(&conf(&lab), "shop.example")[0],
        "location ~* ^/shop(/|$)(.*) { rewrite (?i)/shop(/|$)(.*) /$2 break; proxy_pass http://default-shop-80; }"
    );
}

#[test]
fn a_path_cannot_write_configuration() {
    let mut lab = lab(false);
    let evil = path(
        "/x { return 200; } #",
        "ImplementationSpecific",
        json!({ "number": 80 }),
    );
    let status = lab
        .send(
            cluster::Method::Post,
            INGRESSES,
            "application/json",
            &ingress("evil", Some("nginx"), json!([evil])).to_string(),
        )
        .status;
    let conf = conf(&lab);
    assert!(status == 422 || !conf.contains("return 200; } #"), "{conf}");
}

#[test]
fn a_certificate_opens_https_and_without_one_there_is_none() {
    let mut lab = lab(false);
    let paths = json!([path("/", "Prefix", json!({ "number": 80 }))]);
    let mut object = ingress("shop", Some("nginx"), paths);
    object["spec"]["tls"] = json!([{ "hosts": ["shop.example"], "secretName": "pair" }]);
    lab.create(INGRESSES, &object.to_string());
    assert!(!conf(&lab).contains("443"), "the Secret is not there yet");
    // `-----BEGIN X-----` and `-----BEGIN Y-----`.
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pair" },
        "data": { "tls.crt": "LS0tLS1CRUdJTiBYLS0tLS0=", "tls.key": "LS0tLS1CRUdJTiBZLS0tLS0=" },
    });
    lab.create("/api/v1/namespaces/default/secrets", &secret.to_string());
    let text = conf(&lab);
    assert!(text.contains("listen 443 ssl;"), "{text}");
    let first = locations(&text, "shop.example");
    assert_eq!(
        first,
        ["location / { return 308 https://$host$request_uri; }"]
    );
    let files = ingress::files(lab.cluster.store(), &lab.cluster.service_rules());
    assert_eq!(files["default-pair.crt"], b"-----BEGIN X-----");
    assert_eq!(files["default-pair.key"], b"-----BEGIN Y-----");
}

#[test]
fn a_rewrite_cannot_write_configuration() {
    let mut lab = lab(false);
    let root = json!([path("/", "Prefix", json!({ "number": 80 }))]);
    let mut object = ingress("evil", Some("nginx"), root);
    object["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"] =
        "/; } location /x { return 200 evil".into();
    lab.create(INGRESSES, &object.to_string());
    assert_eq!(
        locations(&conf(&lab), "shop.example"),
        ["location / { proxy_pass http://default-shop-80; }"]
    );
}

#[test]
fn what_an_ingress_does_not_get_is_named() {
    let object = json!({
        "metadata": { "annotations": {
            "nginx.ingress.kubernetes.io/rewrite-target": "/a b",
            "nginx.ingress.kubernetes.io/canary": "true",
            "other": "x",
        } },
        "spec": { "rules": [{ "http": { "paths": [
            { "path": "/x;", "backend": { "resource": { "kind": "Bucket", "name": "b" } } },
        ] } }] },
    });
    assert_eq!(
        ingress::left_out(&object),
        [
            "not in this lab: the annotation nginx.ingress.kubernetes.io/canary",
            "nginx.ingress.kubernetes.io/rewrite-target is not one word of nginx",
            "not in this lab: backends that are resources",
            "the path \"/x;\" is not one word of nginx",
        ]
    );
    let plain = ingress("shop", None, json!([path("/", "Prefix", json!({}))]));
    assert_eq!(ingress::left_out(&plain), [""; 0]);
}
