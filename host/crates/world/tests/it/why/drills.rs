//! The twelve drills of the course: each breaks a world as its text says, asks as a learner would,
//! mends it by the answer's own command, and asks again.

use super::fixture::{Lab, broken, fact, well};
use cluster::Method;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddrV4};

#[test]
fn a_healthy_way_gives_no_finding() {
    let mut lab = Lab::new();
    lab.seed();
    let answer = lab.way("pod/client", "svc/my-nginx:80");
    well(&answer);
    insta::assert_snapshot!("healthy", lab.shown(&answer));
    let pod = lab.field("deployments.apps", "my-nginx", "/metadata/name");
    for subject in [
        "svc/my-nginx",
        "pod/client",
        "svc/kubernetes",
        &format!("deploy/{pod}"),
    ] {
        well(&lab.why(subject));
    }
    for to in [
        "my-nginx",
        "my-nginx:80",
        "my-nginx.default",
        "my-nginx.default.svc.cluster.local:80",
    ] {
        well(&lab.way("deploy/my-nginx", to));
    }
    well(&lab.way("node/node-1", "svc/my-nginx"));
    let address = lab.field("services", "my-nginx", "/spec/clusterIP");
    well(&lab.way("pod/client", &format!("{address}:80")));
}

#[test]
fn drill_1_a_selector_with_a_typo() {
    let mut lab = Lab::new();
    lab.seed();
    lab.patch(
        "/api/v1/namespaces/default/services/my-nginx",
        &json!({ "spec": { "selector": { "run": "my-ngnix" } } }),
    );
    lab.run(5);
    let answer = lab.why("svc/my-nginx");
    insta::assert_snapshot!("drill_1", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "found").as_str()),
        ("SelectorTypo", "my-nginx")
    );
    lab.mend(&mend);
    well(&lab.why("svc/my-nginx"));
}

#[test]
fn drill_2_a_wrong_target_port() {
    let mut lab = Lab::new();
    lab.seed();
    lab.patch(
        "/api/v1/namespaces/default/services/my-nginx",
        &json!([{ "op": "replace", "path": "/spec/ports/0/targetPort", "value": 8080 }]),
    );
    lab.run(5);
    let answer = lab.way("pod/client", "my-nginx:80");
    insta::assert_snapshot!("drill_2", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "listens").as_str()),
        ("NothingListens", "0.0.0.0:80")
    );
    lab.mend(&mend);
    well(&lab.way("pod/client", "my-nginx:80"));
}

#[test]
fn drill_3_a_readiness_probe_that_never_succeeds() {
    let mut lab = Lab::new();
    lab.seed();
    let probe = json!({ "httpGet": { "path": "/", "port": 8080 }, "periodSeconds": 2 });
    lab.deploy(
        "web",
        json!({ "app": "web" }),
        1,
        json!({ "image": "nginx", "readinessProbe": probe }),
    );
    lab.expose(
        "default",
        "web",
        json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] }),
    );
    lab.run(30);
    let answer = lab.why("svc/web");
    insta::assert_snapshot!("drill_3", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "probe").as_str()),
        ("ProbeFails", "readinessProbe")
    );
    lab.mend(&mend);
    well(&lab.why("svc/web"));
}

#[test]
fn drill_4_a_service_in_another_namespace() {
    let mut lab = Lab::new();
    lab.create(
        "/api/v1/namespaces",
        &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }),
    );
    lab.seed();
    lab.client("shop");
    lab.run(10);
    let answer = lab.ask_in("shop", "pod/client", "my-nginx");
    insta::assert_snapshot!("drill_4", lab.shown(&answer));
    let (finding, _) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "others").as_str()),
        ("NameElsewhere", "default")
    );
    well(&lab.ask_in("shop", "pod/client", &fact(&answer, "full")));
}

#[test]
fn drill_5_a_front_end_that_cannot_reach_its_back_end() {
    // As on the page that follows the course: nginx in front of `hello`, whose Service names the
    // port of its Pods and asks for one label too many.
    let mut lab = Lab::new();
    let labels = json!({ "app": "hello", "tier": "backend", "track": "stable" });
    let ports = json!([{ "name": "web", "containerPort": 8080 }]);
    lab.deploy(
        "backend",
        labels,
        2,
        json!({ "image": "app:8080", "ports": ports }),
    );
    lab.deploy(
        "frontend",
        json!({ "app": "hello", "tier": "frontend" }),
        1,
        json!({ "image": "nginx" }),
    );
    lab.expose("default", "hello", json!({
        "selector": { "app": "hello", "tier": "back" }, "ports": [{ "port": 80, "targetPort": "http" }],
    }));
    lab.run(20);
    let answer = lab.way("deploy/frontend", "hello");
    insta::assert_snapshot!("drill_5_selector", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "key").as_str()),
        ("SelectorDiffers", "tier")
    );
    // Both are as far from the wrong value: the answer names the Pods that most have, two of them.
    assert_eq!(fact(&answer, "found"), "backend");
    lab.mend(&mend);
    let answer = lab.way("deploy/frontend", "hello");
    insta::assert_snapshot!("drill_5_port", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "has").as_str()),
        ("NamedPortMissing", "web=8080")
    );
    lab.mend(&mend);
    well(&lab.way("deploy/frontend", "hello"));
}

#[test]
fn drill_6_coredns_scaled_away() {
    let mut lab = Lab::new();
    lab.seed();
    lab.patch(
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
        &json!({ "spec": { "replicas": 0 } }),
    );
    lab.run(40);
    let answer = lab.way("pod/client", "my-nginx:80");
    insta::assert_snapshot!("drill_6", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(finding, "DnsScaledAway");
    let address = lab.field("services", "my-nginx", "/spec/clusterIP");
    well(&lab.way("pod/client", &format!("{address}:80")));
    lab.mend(&mend);
    well(&lab.way("pod/client", "my-nginx:80"));
}

#[test]
fn drill_7_variables_of_a_service_that_was_made_again() {
    let mut lab = Lab::new();
    lab.seed();
    lab.deploy(
        "front",
        json!({ "app": "front" }),
        1,
        json!({ "image": "sleeper" }),
    );
    lab.run(20);
    let before = lab.field("services", "my-nginx", "/spec/clusterIP");
    lab.delete("/api/v1/namespaces/default/services/my-nginx");
    lab.run(5);
    lab.expose(
        "default",
        "my-nginx",
        json!({ "selector": { "run": "my-nginx" }, "ports": [{ "port": 80 }] }),
    );
    lab.run(5);
    let now = lab.field("services", "my-nginx", "/spec/clusterIP");
    assert_ne!(before, now);
    // Who dials the address of the variable learns whose it was.
    let answer = lab.way("deploy/front", &format!("{before}:80"));
    let (finding, _) = broken(&answer);
    assert_eq!((finding, fact(&answer, "now")), ("AddressOld", now.clone()));
    let answer = lab.why("deploy/front");
    insta::assert_snapshot!("drill_7", lab.shown(&answer).replace(&before, "OLD-IP"));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "value")),
        ("VariablesStale", before)
    );
    lab.mend(&mend);
    well(&lab.why("deploy/front"));
    well(&lab.way("deploy/front", &format!("{now}:80")));
}

#[test]
fn drill_8_a_node_port_that_is_taken() {
    let mut lab = Lab::new();
    lab.seed();
    let ports = |port: u16| json!({ "type": "NodePort", "selector": { "run": "my-nginx" }, "ports": [{ "port": 80, "nodePort": port }] });
    lab.expose("default", "first", ports(30_080));
    let second = |port: u16| json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "second" }, "spec": ports(port) });
    let services = "/api/v1/namespaces/default/services";
    for (port, expected) in [(8080, "NodePortOutOfRange"), (30_080, "NodePortTaken")] {
        let (status, _) = lab.api(Method::Post, services, "application/json", &second(port));
        assert_eq!(status, 422);
        let answer = lab.why("svc/second");
        assert_eq!(broken(&answer).0, expected);
        assert_eq!(fact(&answer, "port"), port.to_string());
    }
    let answer = lab.why("svc/second");
    insta::assert_snapshot!("drill_8", lab.shown(&answer));
    assert_eq!(fact(&answer, "owner"), "default/first");
    let free = fact(&answer, "free").parse().expect("a number");
    lab.create(services, &second(free));
    lab.run(5);
    well(&lab.why("svc/second"));
    well(&lab.way("workstation", "svc/second"));
}

#[test]
fn drill_9_a_certificate_for_another_name() {
    let mut lab = Lab::new();
    let secret = |name: &str| json!({ "tls.crt": cluster::api::base64::encode(certificate(name).as_bytes()), "tls.key": "aGVsbG8=" });
    lab.https("tls.crt", secret("nginxsvc"));
    let answer = lab.way("pod/client", "my-nginx:443");
    insta::assert_snapshot!("drill_9", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "names").as_str()),
        ("CertificateDiffers", "nginxsvc")
    );
    assert!(mend.contains("-subj /CN=my-nginx "), "{mend}");
    // openssl is not at hand: the certificate that its command would make.
    lab.patch(
        "/api/v1/namespaces/default/secrets/nginxsecret",
        &json!({ "data": secret("my-nginx") }),
    );
    lab.mend(mend.rsplit(" && ").next().expect("the last command"));
    well(&lab.way("pod/client", "my-nginx:443"));
    well(&lab.why("svc/my-nginx:443"));
}

#[test]
fn drill_10_a_secret_under_wrong_keys() {
    let mut lab = Lab::new();
    let crt = cluster::api::base64::encode(certificate("my-nginx").as_bytes());
    lab.https(
        "nginx.crt",
        json!({ "nginx.crt": crt, "nginx.key": "aGVsbG8=" }),
    );
    let answer = lab.why("svc/my-nginx:443");
    insta::assert_snapshot!("drill_10", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "path").as_str()),
        ("FileMissing", "/etc/nginx/ssl/tls.crt")
    );
    assert_eq!(fact(&answer, "has"), "nginx.crt, nginx.key");
    lab.mend(&mend);
    well(&lab.why("svc/my-nginx:443"));
}

#[test]
fn drill_11_a_default_deny_left_behind() {
    let policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
    let deny = |types: serde_json::Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "default-deny" },
            "spec": { "podSelector": {}, "policyTypes": types },
        })
    };
    let mut lab = Lab::new();
    lab.seed();
    lab.create(policies, &deny(json!(["Ingress"])));
    lab.run(2);
    let answer = lab.way("pod/client", "my-nginx:80");
    insta::assert_snapshot!("drill_11", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "policies").as_str()),
        ("PolicyIngress", "default/default-deny")
    );
    assert_eq!(broken(&lab.why("svc/my-nginx")).0, "PolicyIngress");
    lab.mend(&mend);
    well(&lab.way("pod/client", "my-nginx:80"));
    // Both directions: the name is not even looked up.
    lab.create(policies, &deny(json!(["Ingress", "Egress"])));
    lab.run(2);
    let answer = lab.way("pod/client", "my-nginx:80");
    insta::assert_snapshot!("drill_11_egress", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(finding, "DnsKeptAway");
    lab.mend(&mend);
    let (finding, mend) = {
        let answer = lab.way("pod/client", "my-nginx:80");
        broken(&answer)
    };
    assert_eq!(finding, "PolicyEgress");
    lab.mend(&mend);
    well(&lab.way("pod/client", "my-nginx:80"));
}

#[test]
fn drill_12_a_tunnel_that_was_closed() {
    let mut lab = Lab::on("minikube-docker", 1);
    lab.deploy(
        "web",
        json!({ "app": "web" }),
        1,
        json!({ "image": "nginx" }),
    );
    lab.expose(
        "default",
        "web-np",
        json!({ "type": "NodePort", "selector": { "app": "web" }, "ports": [{ "port": 80 }] }),
    );
    lab.run(20);
    let answer = lab.way("laptop", "svc/web-np");
    insta::assert_snapshot!("drill_12", lab.shown(&answer));
    let (finding, mend) = broken(&answer);
    assert_eq!(
        (finding, mend.as_str()),
        ("TunnelClosed", "minikube service web-np")
    );
    // The tunnel, as that command opens it: a listener on the laptop's own address.
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 63_214);
    let laptop = lab.world.workstation();
    let listener = lab
        .world
        .net_mut()
        .tcp_listen(lab.now, laptop, at, 8)
        .expect("free");
    well(&lab.way("laptop", "svc/web-np"));
    well(&lab.way("laptop", "127.0.0.1:63214"));
    lab.world.net_mut().close(lab.now, listener);
    let answer = lab.way("laptop", "127.0.0.1:63214");
    assert_eq!(broken(&answer).0, "NobodyHere");
    assert_eq!(fact(&answer, "command"), "minikube service web-np");
    // Inside the machine that the node is a container of, the node's own port is reached.
    well(&lab.way("host/docker-vm", "svc/web-np"));
}

impl Lab {
    fn ask_in(&mut self, namespace: &str, from: &str, to: &str) -> world::why::Answer {
        self.namespace = namespace.to_owned();
        let answer = self.way(from, to);
        self.namespace = "default".to_owned();
        answer
    }

    /// The nginx of the HTTPS lesson: its configuration reads `tls.crt` and `tls.key`.
    fn https(&mut self, key: &str, data: serde_json::Value) {
        let core = "/api/v1/namespaces/default";
        let object = |kind: &str, name: &str, data: serde_json::Value| json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name }, "data": data });
        let conf = "server {\n  listen 443 ssl;\n  ssl_certificate /etc/nginx/ssl/tls.crt;\n  ssl_certificate_key /etc/nginx/ssl/tls.key;\n}\n";
        assert!(data[key].is_string());
        self.create(
            &format!("{core}/secrets"),
            &object("Secret", "nginxsecret", data),
        );
        self.create(
            &format!("{core}/configmaps"),
            &object(
                "ConfigMap",
                "nginxconfigmap",
                json!({ "default.conf": conf }),
            ),
        );
        let container = json!({
            "image": "nginxhttps",
            "volumes": [
                { "name": "secret-volume", "secret": { "secretName": "nginxsecret" } },
                { "name": "configmap-volume", "configMap": { "name": "nginxconfigmap" } },
            ],
            "volumeMounts": [
                { "name": "secret-volume", "mountPath": "/etc/nginx/ssl" },
                { "name": "configmap-volume", "mountPath": "/etc/nginx/conf.d" },
            ],
        });
        self.deploy("my-nginx", json!({ "run": "my-nginx" }), 1, container);
        self.expose("default", "my-nginx", json!({
            "selector": { "run": "my-nginx" },
            "ports": [{ "name": "http", "port": 8080, "targetPort": 80 }, { "name": "https", "port": 443 }],
        }));
        self.client("default");
        self.run(40);
    }
}

/// As much of a certificate as its names take: X.509 with a common name, and no signature.
fn certificate(name: &str) -> String {
    fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a small field");
        let length = if length < 128 {
            vec![length]
        } else {
            vec![0x81, length]
        };
        [&[tag], &length[..], content].concat()
    }
    let common = field(
        0x30,
        &[field(6, &[0x55, 4, 3]), field(0x0c, name.as_bytes())].concat(),
    );
    let subject = field(0x30, &field(0x31, &common));
    let rest = |tag: u8| field(tag, &[1]);
    let fields = [
        field(0xa0, &rest(2)),
        rest(2),
        field(0x30, &[]),
        subject.clone(),
        field(0x30, &[]),
        subject,
        field(0x30, &[]),
    ];
    let der = field(
        0x30,
        &[field(0x30, &fields.concat()), field(0x30, &[]), rest(3)].concat(),
    );
    let text = cluster::api::base64::encode(&der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
