//! What the server adds to what it is given. Never more than Kubernetes does.

use crate::fixture::{CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, PODS, SERVICES, json, warnings};
use cluster::Method::{Post, Put};
use serde_json::json as value;

#[test]
fn a_deployment_is_filled_in_as_kubectl_diff_shows_it() {
    let mut lab = Lab::new();
    let answer = lab.send(
        Post,
        &format!("{DEPLOYMENTS}?dryRun=All"),
        "application/json",
        MY_NGINX,
    );
    assert_eq!(answer.status, 201);
    let mut object = json(&answer);
    let uid = object["metadata"]["uid"].take();
    assert_eq!(
        uid.as_str().expect("a uid").as_bytes()[14],
        b'4',
        "version 4: {uid}"
    );
    object["metadata"]
        .as_object_mut()
        .expect("metadata")
        .remove("uid");
    object["metadata"]
        .as_object_mut()
        .expect("metadata")
        .remove("managedFields");
    assert_eq!(
        object,
        value!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "creationTimestamp": "2026-11-21T05:00:01Z", "generation": 1,
                "name": "my-nginx", "namespace": "default",
            },
            "spec": {
                "progressDeadlineSeconds": 600,
                "replicas": 2,
                "revisionHistoryLimit": 10,
                "selector": {"matchLabels": {"run": "my-nginx"}},
                "strategy": {
                    "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
                    "type": "RollingUpdate",
                },
                "template": {
                    "metadata": {"labels": {"run": "my-nginx"}},
                    "spec": {
                        "containers": [{
                            "image": "nginx",
                            "imagePullPolicy": "Always",
                            "name": "my-nginx",
                            "ports": [{"containerPort": 80, "protocol": "TCP"}],
                            "resources": {},
                            "terminationMessagePath": "/dev/termination-log",
                            "terminationMessagePolicy": "File",
                        }],
                        "dnsPolicy": "ClusterFirst",
                        "restartPolicy": "Always",
                        "schedulerName": "default-scheduler",
                        "securityContext": {},
                        "terminationGracePeriodSeconds": 30,
                    },
                },
            },
            "status": {},
        })
    );
    assert_eq!(
        lab.get(&format!("{DEPLOYMENTS}/my-nginx"))["reason"],
        "NotFound",
        "a dry run writes nothing"
    );
}

#[test]
fn a_pod_gets_its_account_tolerations_and_token() {
    let mut lab = Lab::new();
    let pod = lab.create(PODS, "{apiVersion: v1, kind: Pod, metadata: {name: solo}, spec: {containers: [{name: c, image: 'nginx:1.22'}]}}");
    let spec = &pod["spec"];
    assert_eq!(spec["serviceAccountName"], "default");
    assert_eq!(spec["serviceAccount"], "default");
    assert_eq!(spec["enableServiceLinks"], true);
    assert_eq!(spec["preemptionPolicy"], "PreemptLowerPriority");
    assert_eq!(spec["priority"], 0);
    assert_eq!(spec["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(
        spec["tolerations"],
        value!([
            {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
            {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300},
        ])
    );
    let name = spec["volumes"][0]["name"].as_str().expect("a volume");
    assert!(name.starts_with("kube-api-access-"), "{name}");
    assert_eq!(
        spec["containers"][0]["volumeMounts"],
        value!([{"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": name, "readOnly": true}])
    );
    assert_eq!(
        pod["status"],
        value!({"phase": "Pending", "qosClass": "BestEffort"})
    );
    assert_eq!(pod["metadata"]["generation"], 1);
}

#[test]
fn generated_names_are_safe_letters_and_differ() {
    let mut lab = Lab::new();
    let body = "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}";
    let name = |object: serde_json::Value| {
        object["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let (first, second) = (
        name(lab.create(CONFIG_MAPS, body)),
        name(lab.create(CONFIG_MAPS, body)),
    );
    assert_ne!(first, second);
    let suffix = first.strip_prefix("a-").expect("the prefix");
    assert_eq!(suffix.len(), 5);
    assert!(
        suffix
            .chars()
            .all(|letter| "bcdfghjklmnpqrstvwxz2456789".contains(letter)),
        "{suffix}"
    );
}

#[test]
fn the_same_seed_makes_the_same_cluster() {
    let dump = || {
        let mut lab = Lab::new();
        lab.create(DEPLOYMENTS, MY_NGINX);
        [
            "/api/v1/pods",
            "/api/v1/nodes",
            "/api/v1/services",
            "/apis/apps/v1/replicasets",
        ]
        .map(|path| lab.get(path).to_string())
    };
    assert_eq!(dump(), dump());
}

#[test]
fn a_new_namespace_is_furnished() {
    let mut lab = Lab::new();
    let created = lab.create(
        "/api/v1/namespaces",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    );
    assert_eq!(created["spec"]["finalizers"], value!(["kubernetes"]));
    assert_eq!(created["status"]["phase"], "Active");
    assert_eq!(
        created["metadata"]["labels"],
        value!({"kubernetes.io/metadata.name": "shop"})
    );
    assert_eq!(
        lab.get("/api/v1/namespaces/shop/serviceaccounts/default")["kind"],
        "ServiceAccount"
    );
    assert_eq!(
        lab.get("/api/v1/namespaces/shop/configmaps/kube-root-ca.crt")["kind"],
        "ConfigMap"
    );
}

#[test]
fn secrets_take_plain_text_and_keep_base64() {
    let mut lab = Lab::new();
    let path = "/api/v1/namespaces/default/secrets";
    let secret = lab.create(
        path,
        "{apiVersion: v1, kind: Secret, metadata: {name: creds}, stringData: {user: admin}}",
    );
    assert_eq!(secret["data"], value!({"user": "YWRtaW4="}));
    assert_eq!(secret["type"], "Opaque");
    assert_eq!(secret.get("stringData"), None);
}

#[test]
fn fields_without_effect_here_are_named_in_a_warning() {
    let mut lab = Lab::new();
    let body = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostPID: true, shareProcessNamespace: false, volumes: [{name: v, nfs: {server: s, path: /}}], containers: [{name: c, image: nginx}]}}";
    let answer = lab.send(Post, PODS, "application/yaml", body);
    assert_eq!(answer.status, 201);
    assert_eq!(
        warnings(&answer),
        ["299 - \"not in this lab: spec.hostPID, spec.volumes[].nfs\""]
    );
}

#[test]
fn a_put_replaces_and_a_changed_spec_counts_as_a_generation() {
    let mut lab = Lab::new();
    let path = format!("{DEPLOYMENTS}/my-nginx");
    lab.create(DEPLOYMENTS, MY_NGINX);
    let mut object = lab.get(&path);
    object["metadata"]["labels"] = value!({"a": "b"});
    let same = json(&lab.send(Put, &path, "application/json", &object.to_string()));
    assert_eq!(same["metadata"]["generation"], 1);
    let mut object = lab.get(&path);
    object["spec"]["replicas"] = 5.into();
    let more = json(&lab.send(Put, &path, "application/json", &object.to_string()));
    assert_eq!(more["metadata"]["generation"], 2, "{more}");
}

#[test]
fn protobuf_bodies_of_kubectl_create_are_read() {
    use k8s_pb::api::core::v1::ConfigMap;
    use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use k8s_pb::apimachinery::pkg::runtime::{TypeMeta, Unknown};
    use prost::Message;
    let metadata = ObjectMeta {
        name: Some("lit".to_owned()),
        ..ObjectMeta::default()
    };
    let data = [("a".to_owned(), "1".to_owned())].into();
    let map = ConfigMap {
        metadata: Some(metadata),
        data,
        ..ConfigMap::default()
    };
    let type_meta = TypeMeta {
        api_version: Some("v1".to_owned()),
        kind: Some("ConfigMap".to_owned()),
    };
    let unknown = Unknown {
        type_meta: Some(type_meta),
        raw: Some(map.encode_to_vec()),
        ..Unknown::default()
    };
    let mut body = b"k8s\0".to_vec();
    body.extend(unknown.encode_to_vec());
    let mut lab = Lab::new();
    let request = cluster::Request::new(
        Post,
        CONFIG_MAPS,
        "application/vnd.kubernetes.protobuf",
        body,
    );
    let answer = lab.ask(request);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(json(&answer)["data"], value!({"a": "1"}));
}

#[test]
fn a_service_name_may_begin_with_a_digit() {
    let mut lab = Lab::new();
    lab.create(
        SERVICES,
        "{apiVersion: v1, kind: Service, metadata: {name: 1web}, spec: {ports: [{port: 80}]}}",
    );
}
