//! Bodies as Go's generated types make them. Never compares bytes: what is kept is compared.

use crate::fixture::{CONFIG_MAPS, DEPLOYMENTS, Lab, SERVICES, json, warnings};
use cluster::Method::{Delete, Post};
use cluster::{Method, Request, Response};
use k8s_pb::api::{
    apps::v1 as apps, authentication::v1 as authentication, authorization::v1 as authorization,
    autoscaling::v2 as autoscaling, core::v1 as core, networking::v1 as networking,
    policy::v1 as policy, rbac::v1 as rbac, scheduling::v1 as scheduling,
};
use k8s_pb::apimachinery::pkg::api::resource::Quantity;
use k8s_pb::apimachinery::pkg::apis::meta::v1::{DeleteOptions, LabelSelector, ObjectMeta, Time};
use k8s_pb::apimachinery::pkg::runtime::{TypeMeta, Unknown};
use k8s_pb::apimachinery::pkg::util::intstr::IntOrString;
use prost::Message;
use serde_json::json as value;

pub(crate) fn body(version: &str, kind: &str, message: &impl Message) -> Vec<u8> {
    let unknown = Unknown {
        type_meta: Some(TypeMeta {
            api_version: Some(version.to_owned()),
            kind: Some(kind.to_owned()),
        }),
        raw: Some(message.encode_to_vec()),
        ..Unknown::default()
    };
    let mut body = b"k8s\0".to_vec();
    body.extend(unknown.encode_to_vec());
    body
}

fn send(lab: &mut Lab, method: Method, path: &str, body: Vec<u8>) -> Response {
    const TYPE: &str = "application/vnd.kubernetes.protobuf";
    lab.ask(Request::new(method, path, TYPE, body))
}

/// As Go sends it: with an empty creation time and a zero generation.
fn named(name: &str) -> Option<ObjectMeta> {
    Some(ObjectMeta {
        name: Some(name.to_owned()),
        generate_name: Some(String::new()),
        namespace: Some(String::new()),
        uid: Some(String::new()),
        generation: Some(0),
        creation_timestamp: Some(Time::default()),
        ..ObjectMeta::default()
    })
}

fn text(word: &str) -> Option<String> {
    Some(word.to_owned())
}

fn template() -> core::PodTemplateSpec {
    let container = core::Container {
        name: text("c"),
        image: text("nginx"),
        stdin: Some(false),
        resources: Some(core::ResourceRequirements {
            limits: [("cpu".to_owned(), Quantity { string: text("1") })].into(),
            ..core::ResourceRequirements::default()
        }),
        readiness_probe: Some(core::Probe {
            handler: Some(core::ProbeHandler {
                http_get: Some(core::HttpGetAction {
                    path: text("/"),
                    port: Some(number(80)),
                    ..core::HttpGetAction::default()
                }),
                ..core::ProbeHandler::default()
            }),
            initial_delay_seconds: Some(0),
            ..core::Probe::default()
        }),
        ..core::Container::default()
    };
    let volume = core::Volume {
        name: text("v"),
        volume_source: Some(core::VolumeSource {
            empty_dir: Some(core::EmptyDirVolumeSource::default()),
            ..core::VolumeSource::default()
        }),
    };
    core::PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: [("app".to_owned(), "a".to_owned())].into(),
            ..ObjectMeta::default()
        }),
        spec: Some(core::PodSpec {
            containers: vec![container],
            volumes: vec![volume],
            automount_service_account_token: Some(false),
            host_network: Some(false),
            ..core::PodSpec::default()
        }),
    }
}

fn number(number: i32) -> IntOrString {
    IntOrString {
        r#type: Some(0),
        int_val: Some(number),
        str_val: Some(String::new()),
    }
}

#[test]
fn a_deployment_keeps_what_it_says_and_zero_only_where_it_means_something() {
    let deployment = apps::Deployment {
        metadata: named("d"),
        spec: Some(apps::DeploymentSpec {
            replicas: Some(0),
            selector: Some(LabelSelector {
                match_labels: [("app".to_owned(), "a".to_owned())].into(),
                ..LabelSelector::default()
            }),
            template: Some(template()),
            min_ready_seconds: Some(0),
            paused: Some(false),
            strategy: Some(apps::DeploymentStrategy::default()),
            ..apps::DeploymentSpec::default()
        }),
        status: Some(apps::DeploymentStatus::default()),
    };
    let mut lab = Lab::new();
    let answer = send(
        &mut lab,
        Post,
        DEPLOYMENTS,
        body("apps/v1", "Deployment", &deployment),
    );
    let kept = json(&answer);
    assert_eq!(answer.status, 201, "{kept}");
    let spec = &kept["spec"];
    assert_eq!((&spec["replicas"], spec.get("paused")), (&value!(0), None));
    assert_eq!(spec.get("minReadySeconds"), None);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod.get("hostNetwork"), None);
    assert_eq!(pod["volumes"], value!([{"name": "v", "emptyDir": {}}]));
    let container = &pod["containers"][0];
    assert_eq!(container["resources"]["limits"], value!({"cpu": "1"}));
    assert_eq!(container["readinessProbe"]["httpGet"]["port"], 80);
    assert_eq!(container["readinessProbe"].get("initialDelaySeconds"), None);
}

#[test]
fn a_service_gets_the_target_port_that_its_port_says() {
    let service = core::Service {
        metadata: named("s"),
        spec: Some(core::ServiceSpec {
            ports: vec![core::ServicePort {
                port: Some(80),
                target_port: Some(number(0)),
                node_port: Some(0),
                ..core::ServicePort::default()
            }],
            publish_not_ready_addresses: Some(false),
            ..core::ServiceSpec::default()
        }),
        ..core::Service::default()
    };
    let mut lab = Lab::new();
    let answer = send(&mut lab, Post, SERVICES, body("v1", "Service", &service));
    let kept = json(&answer);
    assert_eq!(answer.status, 201, "{kept}");
    let port = value!([{"port": 80, "protocol": "TCP", "targetPort": 80}]);
    assert_eq!(kept["spec"]["ports"], port);
}

#[test]
fn the_kinds_that_kubectl_creates_are_read() {
    let mut lab = Lab::new();
    let rule = rbac::PolicyRule {
        verbs: vec!["get".to_owned()],
        api_groups: vec![String::new()],
        resources: vec!["pods".to_owned()],
        ..rbac::PolicyRule::default()
    };
    let role = rbac::Role {
        metadata: named("r"),
        rules: vec![rule],
    };
    let ingress = networking::Ingress {
        metadata: named("i"),
        spec: Some(networking::IngressSpec {
            default_backend: Some(networking::IngressBackend {
                service: Some(networking::IngressServiceBackend {
                    name: text("web"),
                    port: Some(networking::ServiceBackendPort {
                        number: Some(80),
                        name: Some(String::new()),
                    }),
                }),
                resource: None,
            }),
            ..networking::IngressSpec::default()
        }),
        ..networking::Ingress::default()
    };
    let class = scheduling::PriorityClass {
        metadata: named("p"),
        value: Some(0),
        global_default: Some(false),
        description: text("nothing"),
        ..scheduling::PriorityClass::default()
    };
    let quota = core::ResourceQuota {
        metadata: named("q"),
        spec: Some(core::ResourceQuotaSpec {
            hard: [("pods".to_owned(), Quantity { string: text("3") })].into(),
            ..core::ResourceQuotaSpec::default()
        }),
        ..core::ResourceQuota::default()
    };
    let scaler = autoscaling::HorizontalPodAutoscaler {
        metadata: named("h"),
        spec: Some(autoscaling::HorizontalPodAutoscalerSpec {
            scale_target_ref: Some(autoscaling::CrossVersionObjectReference {
                kind: text("Deployment"),
                name: text("d"),
                api_version: text("apps/v1"),
            }),
            max_replicas: Some(5),
            ..autoscaling::HorizontalPodAutoscalerSpec::default()
        }),
        ..autoscaling::HorizontalPodAutoscaler::default()
    };
    let space = "namespaces/default";
    let rbac = "rbac.authorization.k8s.io/v1";
    let cases = [
        (
            format!("/apis/{rbac}/{space}/roles"),
            body(rbac, "Role", &role),
            "/rules/0/apiGroups/0",
            value!(""),
        ),
        (
            format!("/apis/networking.k8s.io/v1/{space}/ingresses"),
            body("networking.k8s.io/v1", "Ingress", &ingress),
            "/spec/defaultBackend/service/port",
            value!({"number": 80}),
        ),
        (
            "/apis/scheduling.k8s.io/v1/priorityclasses".to_owned(),
            body("scheduling.k8s.io/v1", "PriorityClass", &class),
            "/value",
            value!(0),
        ),
        (
            format!("/api/v1/{space}/resourcequotas"),
            body("v1", "ResourceQuota", &quota),
            "/spec/hard/pods",
            value!("3"),
        ),
        (
            format!("/apis/autoscaling/v2/{space}/horizontalpodautoscalers"),
            body("autoscaling/v2", "HorizontalPodAutoscaler", &scaler),
            "/spec/maxReplicas",
            value!(5),
        ),
    ];
    for (path, body, pointer, expected) in cases {
        let answer = send(&mut lab, Post, &path, body);
        let kept = json(&answer);
        assert_eq!(answer.status, 201, "{path}: {kept}");
        assert_eq!(kept.pointer(pointer), Some(&expected), "{kept}");
    }
}

#[test]
fn questions_and_options_are_read() {
    let mut lab = Lab::new();
    let access = authorization::SelfSubjectAccessReview {
        metadata: Some(ObjectMeta::default()),
        spec: Some(authorization::SelfSubjectAccessReviewSpec {
            resource_attributes: Some(authorization::ResourceAttributes {
                verb: text("create"),
                resource: text("services"),
                ..authorization::ResourceAttributes::default()
            }),
            ..authorization::SelfSubjectAccessReviewSpec::default()
        }),
        ..authorization::SelfSubjectAccessReview::default()
    };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let asked = body(
        "authorization.k8s.io/v1",
        "SelfSubjectAccessReview",
        &access,
    );
    assert_eq!(
        json(&send(&mut lab, Post, path, asked))["status"]["allowed"],
        true
    );
    let token = authentication::TokenRequest {
        spec: Some(authentication::TokenRequestSpec {
            expiration_seconds: Some(700),
            ..authentication::TokenRequestSpec::default()
        }),
        ..authentication::TokenRequest::default()
    };
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let answer = send(
        &mut lab,
        Post,
        path,
        body("authentication.k8s.io/v1", "TokenRequest", &token),
    );
    assert_eq!(
        json(&answer)["spec"]["expirationSeconds"],
        700,
        "{answer:?}"
    );
    lab.create(
        CONFIG_MAPS,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
    );
    let options = DeleteOptions {
        dry_run: vec!["All".to_owned()],
        ..DeleteOptions::default()
    };
    let path = format!("{CONFIG_MAPS}/a");
    let answer = send(
        &mut lab,
        Delete,
        &path,
        body("v1", "DeleteOptions", &options),
    );
    assert_eq!(answer.status, 200);
    assert_eq!(lab.get(&path)["metadata"]["name"], "a");
    let eviction = policy::Eviction {
        metadata: named("nosuch"),
        ..policy::Eviction::default()
    };
    let path = "/api/v1/namespaces/default/pods/nosuch/eviction";
    let answer = send(
        &mut lab,
        Post,
        path,
        body("policy/v1", "Eviction", &eviction),
    );
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[test]
fn what_is_not_known_is_refused_and_never_left_out() {
    let mut lab = Lab::new();
    let mut raw = core::ConfigMap {
        metadata: named("a"),
        ..core::ConfigMap::default()
    }
    .encode_to_vec();
    // Field 99, a number.
    raw.extend([0x98, 0x06, 0x01]);
    let unknown = Unknown {
        type_meta: Some(TypeMeta {
            api_version: text("v1"),
            kind: text("ConfigMap"),
        }),
        raw: Some(raw),
        ..Unknown::default()
    };
    let mut sent = b"k8s\0".to_vec();
    sent.extend(unknown.encode_to_vec());
    let answer = json(&send(&mut lab, Post, CONFIG_MAPS, sent));
    assert_eq!(
        answer["message"],
        "not in this lab: field 99 of a ConfigMap as protobuf; send JSON"
    );
    for broken in [
        &b"k8s\0\x0a\xff"[..],
        b"nonsense",
        b"k8s\0\x12\x03\x0a\x05a",
    ] {
        let answer = send(&mut lab, Post, CONFIG_MAPS, broken.to_vec());
        assert_eq!(answer.status, 400, "{broken:?}");
    }
}

#[test]
fn the_recorded_question_who_am_i_is_answered() {
    let mut lab = Lab::new();
    let asked = b"k8s\x00\n-\n\x18authentication.k8s.io/v1\x12\x11SelfSubjectReview\x12\x1a\n\x10\n\x00\x12\x00\x1a\x00\"\x00*\x002\x008\x00B\x00\x12\x06\n\x04\n\x00\x12\x00\x1a\x00\"\x00";
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let mut request = Request::new(
        Post,
        path,
        "application/vnd.kubernetes.protobuf",
        asked.to_vec(),
    );
    request.credential = cluster::Credential::Administrator(text("X509SHA256=46"));
    let answer = lab.ask(request);
    assert_eq!(warnings(&answer), [] as [&str; 0]);
    assert_eq!(
        json(&answer)["status"]["userInfo"],
        value!({
            "username": "kubernetes-admin",
            "groups": ["system:masters", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": ["X509SHA256=46"]},
        })
    );
}
