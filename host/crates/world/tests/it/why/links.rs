//! Every other link of the way, broken once. Never more than one at a time.

use super::fixture::{Lab, broken, fact, well};
use cluster::Method;
use serde_json::{Value, json};
use vnet::Cable;
use world::Input;

const SERVICES: &str = "/api/v1/namespaces/default/services";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// A lab with one Pod `web` of this container and a Service in front of it.
fn with(container: Value, service: Value) -> Lab {
    let mut lab = Lab::new();
    lab.client("default");
    lab.deploy("web", json!({ "app": "web" }), 1, container);
    lab.expose("default", "web", service);
    lab.run(40);
    lab
}

fn plain() -> Value {
    json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] })
}

#[track_caller]
fn check(lab: &mut Lab, subject: &str, finding: &str, facts: &[(&str, &str)]) {
    let answer = lab.why(subject);
    assert_eq!(broken(&answer).0, finding, "{}", lab.shown(&answer));
    for (name, wanted) in facts {
        let shown = fact(&answer, name);
        assert!(shown.contains(wanted), "{name}: {shown}");
    }
}

#[test]
fn an_image_that_nobody_has_is_named() {
    let mut lab = with(json!({ "image": "ngnix" }), plain());
    check(
        &mut lab,
        "svc/web",
        "ImageUnknown",
        &[("image", "ngnix"), ("reason", "Image")],
    );
    check(
        &mut lab,
        "deploy/web",
        "ImageUnknown",
        &[("command", "kubectl set image deployment/web main=ngnix:TAG")],
    );
}

#[test]
fn a_container_that_ends_again_and_again_tells_its_exit_code() {
    let mut lab = with(json!({ "image": "crasher" }), plain());
    check(
        &mut lab,
        "svc/web",
        "Crashing",
        &[("code", "1"), ("command", "--previous")],
    );
}

#[test]
fn what_a_pod_uses_and_is_not_there_is_named() {
    let secret = json!({
        "image": "nginx",
        "volumes": [{ "name": "keys", "secret": { "secretName": "absent" } }],
        "volumeMounts": [{ "name": "keys", "mountPath": "/keys" }],
    });
    let mut lab = with(secret, plain());
    check(
        &mut lab,
        "svc/web",
        "ObjectMissing",
        &[("object", "secret/absent"), ("place", "volume keys")],
    );
    let variable = json!({ "image": "nginx", "env": [{ "name": "COLOUR", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "colour" } } }] });
    let mut lab = with(variable, plain());
    check(
        &mut lab,
        "svc/web",
        "ObjectMissing",
        &[("object", "configmap/settings"), ("place", "env COLOUR")],
    );
    let settings = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" }, "data": { "color": "blue" } });
    lab.create("/api/v1/namespaces/default/configmaps", &settings);
    lab.run(5);
    check(
        &mut lab,
        "svc/web",
        "KeyMissing",
        &[("key", "colour"), ("has", "color")],
    );
    lab.patch(
        "/api/v1/namespaces/default/configmaps/settings",
        &json!({ "data": { "colour": "blue" } }),
    );
    lab.run(60);
    well(&lab.why("svc/web"));
}

#[test]
fn a_pod_that_no_node_takes_says_what_the_scheduler_says() {
    let mut lab = with(
        json!({ "image": "nginx", "resources": { "requests": { "cpu": "64" } } }),
        plain(),
    );
    check(
        &mut lab,
        "svc/web",
        "Unschedulable",
        &[
            ("message", "Insufficient cpu"),
            ("command", "--requests=cpu=100m"),
        ],
    );
}

#[test]
fn a_program_that_listens_for_itself_only_is_not_reached() {
    let mut lab = with(json!({ "image": "shy" }), plain());
    check(&mut lab, "svc/web", "ListensLoopback", &[("port", "80")]);
    let mut lab = with(json!({ "image": "sleeper" }), plain());
    check(
        &mut lab,
        "svc/web",
        "NothingListensAtAll",
        &[("port", "80")],
    );
}

#[test]
fn a_service_that_selects_nobody_says_how_near_it_came() {
    let ports = json!([{ "port": 80 }]);
    for (selector, finding, mended) in [
        (json!({ "app": "wbe" }), "SelectorTypo", Some("app=web")),
        (json!({ "apps": "web" }), "SelectorTypo", Some("app=web")),
        (
            json!({ "app": "web", "tier": "front" }),
            "LabelMissing",
            Some("app=web"),
        ),
        (json!({ "colour": "blue" }), "SelectorNobody", None),
    ] {
        let mut lab = with(
            json!({ "image": "nginx" }),
            json!({ "selector": selector, "ports": ports }),
        );
        let answer = lab.why("svc/web");
        let (found, command) = broken(&answer);
        assert_eq!(found, finding, "{selector}");
        if let Some(mended) = mended {
            assert_eq!(
                command,
                format!("kubectl set selector service web {mended}"),
                "{selector}"
            );
            lab.mend(&command);
            well(&lab.why("svc/web"));
        }
    }
}

#[test]
fn a_service_of_a_workload_that_is_scaled_away_says_so() {
    let mut lab = with(json!({ "image": "nginx" }), plain());
    lab.mend("kubectl scale deployment/web --replicas=0");
    let answer = lab.why("svc/web");
    let (finding, command) = broken(&answer);
    assert_eq!(finding, "ScaledToZero");
    assert_eq!(broken(&lab.why("deploy/web")).0, "DeployScaledToZero");
    lab.mend(&command);
    well(&lab.why("svc/web"));
}

#[test]
fn a_service_without_selector_and_endpoints_leads_nowhere() {
    let mut lab = with(
        json!({ "image": "nginx" }),
        json!({ "ports": [{ "port": 80 }] }),
    );
    check(
        &mut lab,
        "svc/web",
        "NoSelector",
        &[("service", "default/web")],
    );
}

#[test]
fn ports_and_objects_that_are_not_there_are_told_with_those_that_are() {
    let mut lab = with(json!({ "image": "nginx" }), plain());
    check(
        &mut lab,
        "svc/web:8080",
        "PortMissing",
        &[("asked", "8080"), ("has", "80/TCP")],
    );
    check(&mut lab, "svc/wbe", "Misspelt", &[("near", "web")]);
    check(
        &mut lab,
        "svc/nobody",
        "Missing",
        &[("what", "Service nobody")],
    );
    check(
        &mut lab,
        "svc/kube-dns",
        "Elsewhere",
        &[("others", "kube-system")],
    );
    check(&mut lab, "pod/clinet", "Misspelt", &[("near", "client")]);
    for (to, finding) in [
        ("wbe", "NameMisspelt"),
        ("nobody", "NameUnknown"),
        ("www.example.com", "NameOutside"),
    ] {
        let answer = lab.way("pod/client", to);
        assert_eq!(broken(&answer).0, finding);
    }
    let answer = lab.way("node/node-1", "web");
    assert_eq!(broken(&answer).0, "NameForPods");
    let answer = lab.way("pod/clinet", "web");
    assert_eq!(fact(&answer, "others").split(',').next(), Some("client"));
}

#[test]
fn a_refused_object_is_remembered_with_the_servers_words() {
    let mut lab = Lab::new();
    let wrong = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "odd" }, "spec": { "ports": [{ "port": 80_000 }] } });
    let (status, _) = lab.api(Method::Post, SERVICES, "application/json", &wrong);
    assert_eq!(status, 422);
    check(
        &mut lab,
        "svc/odd",
        "Refused",
        &[("message", "spec.ports[0].port")],
    );
    // Made after all and taken away, it is only missing.
    lab.expose("default", "odd", plain());
    lab.delete(&format!("{SERVICES}/odd"));
    lab.run(2);
    check(&mut lab, "svc/odd", "Missing", &[]);
}

#[test]
fn services_of_datagrams_aliases_and_unready_pods_are_well() {
    let mut lab = Lab::new();
    lab.seed();
    well(&lab.way("pod/client", "svc/kube-dns.kube-system:dns"));
    lab.expose(
        "default",
        "alias",
        json!({ "type": "ExternalName", "externalName": "my-nginx.default.svc.cluster.local" }),
    );
    lab.expose(
        "default",
        "outside",
        json!({ "type": "ExternalName", "externalName": "www.example.com" }),
    );
    lab.run(2);
    well(&lab.way("pod/client", "alias"));
    let answer = lab.way("pod/client", "svc/outside");
    assert_eq!(broken(&answer).0, "ServiceIsAlias");
    let probe = json!({ "tcpSocket": { "port": 8080 }, "periodSeconds": 2 });
    lab.deploy(
        "web",
        json!({ "app": "web" }),
        1,
        json!({ "image": "nginx", "readinessProbe": probe }),
    );
    lab.expose("default", "web", json!({ "publishNotReadyAddresses": true, "selector": { "app": "web" }, "ports": [{ "port": 80 }] }));
    lab.run(20);
    well(&lab.way("pod/client", "web"));
}

#[test]
fn a_headless_service_translates_no_ports() {
    let headless = json!({ "clusterIP": "None", "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8080 }] });
    let mut lab = with(json!({ "image": "app:8080" }), headless);
    check(&mut lab, "svc/web", "HeadlessPort", &[("target", "8080")]);
    well(&lab.way("pod/client", "web:8080"));
}

#[test]
fn machines_without_power_and_cables_that_are_out_are_found() {
    let mut lab = Lab::new();
    lab.seed();
    let node = lab.node_of("client");
    let host = lab.world.nodes()[&node];
    let whole = Cable::lan();
    lab.world.handle(
        lab.now,
        Input::Cable {
            host,
            cable: Cable {
                down: true,
                ..whole
            },
        },
    );
    let answer = lab.way("pod/client", "svc/my-nginx");
    assert!(["CableDown", "DnsSilent"].contains(&broken(&answer).0));
    let address = lab.field("services", "my-nginx", "/spec/clusterIP");
    let answer = lab.way("pod/client", &format!("{address}:80"));
    assert_eq!(
        (broken(&answer).0, fact(&answer, "machine")),
        ("CableDown", format!("node/{node}"))
    );
    lab.world.handle(
        lab.now,
        Input::Cable {
            host,
            cable: Cable {
                loss_pct: 1.0,
                ..whole
            },
        },
    );
    lab.run(60);
    let answer = lab.way("pod/client", &format!("{address}:80"));
    assert!(
        answer
            .steps
            .iter()
            .any(|step| step.finding.name() == "CableLossy")
    );
    lab.world
        .handle(lab.now, Input::Cable { host, cable: whole });
    let other = lab
        .world
        .nodes()
        .keys()
        .find(|name| **name != node)
        .expect("two nodes")
        .clone();
    lab.world.handle(
        lab.now,
        Input::NodePower {
            node: other.clone(),
            on: false,
        },
    );
    lab.run(1);
    let answer = lab.way("pod/client", &format!("{address}:80"));
    assert_eq!(
        (broken(&answer).0, fact(&answer, "node")),
        ("NodeLost", other)
    );
}

#[test]
fn local_policies_need_an_endpoint_on_the_node() {
    let mut lab = with(json!({ "image": "nginx" }), plain());
    let node = lab.node_of_app("web");
    let other = lab
        .world
        .nodes()
        .keys()
        .find(|name| **name != node)
        .expect("two nodes")
        .clone();
    lab.patch(
        "/api/v1/namespaces/default/services/web",
        &json!({ "spec": { "internalTrafficPolicy": "Local" } }),
    );
    lab.run(2);
    well(&lab.way(&format!("node/{node}"), "svc/web"));
    let answer = lab.way(&format!("node/{other}"), "svc/web");
    let (finding, command) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "node")),
        ("NoLocalEndpoint", other.clone())
    );
    lab.mend(&command);
    well(&lab.way(&format!("node/{other}"), "svc/web"));
}

#[test]
fn from_outside_a_service_is_entered_by_node_port_or_not_at_all() {
    let mut lab = with(json!({ "image": "nginx" }), plain());
    let answer = lab.way("workstation", "svc/web");
    let (finding, command) = broken(&answer);
    assert_eq!(finding, "OnlyInside");
    lab.mend(&command);
    well(&lab.way("workstation", "svc/web"));
    let answer = lab.way("workstation", "node/node-1:80");
    assert_eq!(
        (broken(&answer).0, fact(&answer, "service")),
        ("NotANodePort", "default/web".into())
    );
    well(&lab.way(
        "workstation",
        &format!("node/node-1:{}", fact(&answer, "right")),
    ));
    let answer = lab.way("workstation", "172.18.0.3:30000");
    assert_eq!(broken(&answer).0, "NodePortNobodys");
    lab.patch(
        "/api/v1/namespaces/default/services/web",
        &json!({ "spec": { "type": "LoadBalancer" } }),
    );
    lab.run(5);
    let answer = lab.way("workstation", "svc/web");
    assert_eq!(
        (broken(&answer).0, fact(&answer, "platform")),
        ("ExternalPending", "plain".into())
    );
    well(&lab.why("svc/web"));
}

#[test]
fn a_cloud_without_hitches_is_reached_from_the_internet() {
    let mut lab = Lab::on("gke", 2);
    lab.deploy(
        "web",
        json!({ "app": "web" }),
        1,
        json!({ "image": "nginx" }),
    );
    lab.expose(
        "default",
        "web",
        json!({ "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }] }),
    );
    lab.run(120);
    well(&lab.way("internet", "svc/web"));
    well(&lab.way("laptop", "svc/web"));
}

#[test]
fn addresses_that_were_somebodys_are_told_whose() {
    let mut lab = Lab::new();
    lab.seed();
    let pod = lab.pods("my-nginx").remove(0);
    let (name, ip) = (
        pod["metadata"]["name"].as_str().expect("a name"),
        pod["status"]["podIP"].as_str().expect("an address"),
    );
    well(&lab.way("pod/client", &format!("{ip}:80")));
    well(&lab.way("pod/client", &format!("pod/{name}:80")));
    lab.delete(&format!("{PODS}/{name}"));
    lab.run(40);
    let answer = lab.way("pod/client", &format!("{ip}:80"));
    assert_eq!(
        (broken(&answer).0, fact(&answer, "what")),
        ("AddressGone", format!("pod/{name}"))
    );
    for (to, finding) in [
        ("10.96.77.77:80", "AddressNobodys"),
        ("10.244.1.200:80", "AddressNobodys"),
        ("8.8.8.8:53", "AddressOutside"),
    ] {
        let answer = lab.way("pod/client", to);
        assert_eq!(broken(&answer).0, finding, "{to}");
    }
}

#[test]
fn a_pod_older_than_a_service_it_names_misses_its_variables() {
    let mut lab = Lab::new();
    let script = json!(["sh", "-c", "wget -qO- $MY_NGINX_SERVICE_HOST"]);
    lab.deploy(
        "front",
        json!({ "app": "front" }),
        1,
        json!({ "image": "sleeper", "command": script }),
    );
    lab.run(10);
    lab.seed();
    let answer = lab.why("deploy/front");
    let (finding, command) = broken(&answer);
    assert_eq!(
        (finding, fact(&answer, "variable").as_str()),
        ("VariablesMissing", "MY_NGINX_SERVICE_HOST")
    );
    lab.mend(&command);
    well(&lab.why("deploy/front"));
}

#[test]
fn a_pod_that_asks_its_node_for_names_has_no_search_path() {
    let mut lab = Lab::new();
    lab.seed();
    let loner = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "loner" },
        "spec": { "dnsPolicy": "Default", "containers": [{ "name": "main", "image": "sleeper" }] },
    });
    lab.create(PODS, &loner);
    lab.run(10);
    let answer = lab.way("pod/loner", "my-nginx");
    assert_eq!(
        (broken(&answer).0, fact(&answer, "policy").as_str()),
        ("NameNotSearched", "Default")
    );
    well(&lab.way("pod/loner", &fact(&answer, "full")));
}

#[test]
fn what_is_told_to_programs_has_the_same_in_both_languages() {
    let mut lab = with(json!({ "image": "crasher" }), plain());
    let json = lab.why("svc/web").json();
    assert_eq!(
        (&json["well"], &json["broken"]),
        (&json!(false), &json!("containers"))
    );
    let steps = json["steps"].as_array().expect("steps");
    let last = steps.last().expect("the broken one");
    assert_eq!(
        (&last["finding"], &last["facts"]["code"]),
        (&json!("Crashing"), &json!("1"))
    );
    assert!(
        steps
            .iter()
            .all(|step| step["text"]["ja"].is_string() && step["text"]["en"].is_string())
    );
    let line = lab.why("svc/web").line().expect("broken");
    assert!(line.en.contains("kubectl logs") && line.ja.contains("kubectl logs"));
}

impl Lab {
    /// The Pods of an app or run label.
    fn pods(&self, app: &str) -> Vec<Value> {
        let pods = self.world.cluster().store().list("pods", Some("default"));
        let own = pods.filter(|pod| {
            let labels = &pod["metadata"]["labels"];
            labels["app"] == app || labels["run"] == app
        });
        own.map(|pod| (**pod).clone()).collect()
    }

    fn node_of(&self, pod: &str) -> String {
        self.field("pods", pod, "/spec/nodeName")
    }

    fn node_of_app(&self, app: &str) -> String {
        let pod = self.pods(app).remove(0);
        pod["spec"]["nodeName"].as_str().expect("bound").to_owned()
    }
}
