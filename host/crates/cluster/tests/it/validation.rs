//! What objects must look like, in Kubernetes' order and words. Never in ours.
//!
//! Where a message was recorded from a Kubernetes 1.36 it is compared to the letter; the others
//! are those of its sources.

use crate::fixture::{CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, PODS, SERVICES};
use cluster::Method::{Patch, Post};
use serde_json::{Value, json as value};

#[track_caller]
fn refused(path: &str, object: &Value, message: &str) {
    let (kind, name) = (
        object["kind"].as_str().unwrap_or_default(),
        object["metadata"]["name"].as_str().unwrap_or_default(),
    );
    let group = match object["apiVersion"].as_str().unwrap_or_default() {
        "v1" => String::new(),
        version => format!(".{}", version.split('/').next().unwrap_or_default()),
    };
    let message = format!("{kind}{group} \"{name}\" is invalid: {message}");
    Lab::new().refused(Post, path, &object.to_string(), 422, &message);
}

fn pod(spec: &Value) -> Value {
    let mut pod = value!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    });
    for (field, content) in spec.as_object().into_iter().flatten() {
        pod["spec"][field] = content.clone();
    }
    pod
}

/// A pod whose one container has these fields, too.
fn container(fields: &Value) -> Value {
    let mut pod = pod(&value!({}));
    for (field, content) in fields.as_object().into_iter().flatten() {
        pod["spec"]["containers"][0][field] = content.clone();
    }
    pod
}

fn service(spec: &Value) -> Value {
    value!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec})
}

#[test]
fn services_are_checked_as_by_validate_service() {
    let ports = value!([{"port": 80}]);
    for (spec, message) in [
        (
            value!({"selector": {"a": "b"}}),
            "spec.ports: Required value",
        ),
        (
            value!({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}),
            r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#,
        ),
        (
            value!({"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]}),
            r#"spec.ports[1].name: Duplicate value: "a""#,
        ),
        (
            value!({"ports": ports, "clusterIP": "nonsense"}),
            r#"spec.clusterIPs[0]: Invalid value: "nonsense": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
        ),
        (
            value!({"ports": ports, "type": "NodePort", "clusterIP": "None"}),
            r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services"#,
        ),
        (
            value!({"ports": ports, "sessionAffinity": "Sticky"}),
            r#"spec.sessionAffinity: Unsupported value: "Sticky": supported values: "ClientIP", "None""#,
        ),
        (
            value!({"ports": ports, "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 100_000}}}),
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 100000: must be greater than 0 and less than 86400",
        ),
        (
            value!({"ports": ports, "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}}}),
            "spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None",
        ),
        (
            value!({"ports": ports, "externalTrafficPolicy": "Local"}),
            r#"spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services"#,
        ),
        (
            value!({"ports": ports, "externalIPs": ["127.0.0.1"]}),
            r#"spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
        ),
        (
            value!({"ports": ports, "ipFamilyPolicy": "RequireDualStack"}),
            r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#,
        ),
        (
            value!({"ports": ports, "ipFamilies": ["IPv6"]}),
            r#"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#,
        ),
        (
            value!({"ports": ports, "allocateLoadBalancerNodePorts": true}),
            "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        (
            value!({"ports": ports, "trafficDistribution": "Near"}),
            r#"spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone""#,
        ),
        (
            value!({"type": "ExternalName"}),
            "spec.externalName: Required value",
        ),
        (
            value!({"type": "ClusterIP", "ports": ports, "healthCheckNodePort": 30000}),
            "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
    ] {
        refused(SERVICES, &service(&spec), message);
    }
}

#[test]
fn a_headless_service_for_anything_may_have_both_families() {
    let mut lab = Lab::new();
    let made = lab.create(
        SERVICES,
        &service(&value!({"clusterIP": "None"})).to_string(),
    );
    assert_eq!(made["spec"]["ipFamilies"], value!(["IPv4", "IPv6"]));
    assert_eq!(made["spec"]["ipFamilyPolicy"], "RequireDualStack");
}

#[test]
fn a_service_that_changes_its_type_gets_and_returns_what_belongs_to_it() {
    let mut lab = Lab::new();
    let first = lab.create(
        SERVICES,
        &service(&value!({"ports": [{"port": 80}]})).to_string(),
    );
    let address = first["spec"]["clusterIP"].clone();
    let path = format!("{SERVICES}/x");
    let mut become_ = |body: Value| {
        let patched = lab.patch(&path, "application/merge-patch+json", &body.to_string());
        patched["spec"].clone()
    };
    let node_port = become_(value!({"spec": {"type": "NodePort"}}));
    assert_eq!(node_port["externalTrafficPolicy"], "Cluster");
    let number = node_port["ports"][0]["nodePort"].clone();
    assert!(number.is_u64());
    let balanced = become_(value!({"spec": {"type": "LoadBalancer"}}));
    assert_eq!(balanced["allocateLoadBalancerNodePorts"], true);
    assert_eq!(balanced["ports"][0]["nodePort"], number);
    let local = become_(value!({"spec": {"externalTrafficPolicy": "Local"}}));
    assert!(local["healthCheckNodePort"].is_u64());
    let plain = become_(value!({"spec": {"type": "ClusterIP"}}));
    for gone in [
        "healthCheckNodePort",
        "allocateLoadBalancerNodePorts",
        "externalTrafficPolicy",
    ] {
        assert_eq!(plain.get(gone), None, "{gone}");
    }
    assert_eq!(plain["ports"][0].get("nodePort"), None);
    assert_eq!(plain["clusterIP"], address);
    let named = become_(value!({"spec": {"type": "ExternalName", "externalName": "a.example"}}));
    for gone in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        assert_eq!(named.get(gone), None, "{gone}");
    }
    let again = become_(value!({"spec": {"type": "ClusterIP"}}));
    assert!(again["clusterIP"].is_string());
    assert_eq!(again["ipFamilies"], value!(["IPv4"]));
}

#[test]
fn one_port_of_two_protocols_is_one_port_on_the_nodes_and_nobody_elses() {
    let mut lab = Lab::new();
    let dns = value!({"type": "NodePort", "ports": [
        {"name": "udp", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53},
    ]});
    let made = lab.create(SERVICES, &service(&dns).to_string());
    let number = &made["spec"]["ports"][0]["nodePort"];
    assert_eq!(&made["spec"]["ports"][1]["nodePort"], number);
    let taken = value!({"type": "NodePort", "ports": [{"port": 1, "protocol": "SCTP", "nodePort": number}]});
    let mut other = service(&taken);
    other["metadata"]["name"] = "y".into();
    let message = format!(
        "Service \"y\" is invalid: spec.ports[0].nodePort: Invalid value: {number}: provided port is already allocated"
    );
    lab.refused(Post, SERVICES, &other.to_string(), 422, &message);
}

#[test]
fn pods_are_checked_as_by_validate_pod_spec() {
    let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    for (spec, message) in [
        (value!({"containers": []}), "spec.containers: Required value".to_owned()),
        (
            value!({"restartPolicy": "Sometimes"}),
            r#"spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never""#.to_owned(),
        ),
        (
            value!({"dnsPolicy": "Mine"}),
            r#"spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None""#.to_owned(),
        ),
        (
            value!({"dnsPolicy": "None"}),
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None".to_owned(),
        ),
        (
            value!({"hostname": "A_B"}),
            format!(r#"spec.hostname: Invalid value: "A_B": {label}"#),
        ),
        (
            value!({"hostAliases": [{"ip": "1.2.3", "hostnames": ["a"]}]}),
            r#"spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#.to_owned(),
        ),
        (
            value!({"tolerations": [{"operator": "Equal", "value": "x"}]}),
            r#"spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys""#.to_owned(),
        ),
        (
            value!({"volumes": [{"name": "v", "emptyDir": {}, "configMap": {"name": "c"}}]}),
            "spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type".to_owned(),
        ),
        (
            value!({"volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 1000, "items": [{"key": "k", "path": "../p"}]}}]}),
            "[spec.volumes[0].configMap.defaultMode: Invalid value: 1000: must be a number between 0 and 0777 (octal), both inclusive, spec.volumes[0].configMap.items[0].path: Invalid value: \"../p\": must not contain '..']".to_owned(),
        ),
        (
            value!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]}}}}),
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'".to_owned(),
        ),
        (
            value!({"initContainers": [{"name": "c", "image": "b", "livenessProbe": {"exec": {"command": ["true"]}}}]}),
            "[spec.initContainers[0].name: Duplicate value: \"c\", spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always]".to_owned(),
        ),
        (
            value!({"activeDeadlineSeconds": 0}),
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive".to_owned(),
        ),
    ] {
        refused(PODS, &pod(&spec), &message);
    }
}

#[test]
fn containers_are_checked_as_by_validate_containers() {
    for (fields, message) in [
        (
            value!({"image": ""}),
            "spec.containers[0].image: Required value",
        ),
        (
            value!({"image": " nginx"}),
            r#"spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace"#,
        ),
        (
            value!({"imagePullPolicy": "Maybe"}),
            r#"spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never""#,
        ),
        (
            value!({"ports": [{"containerPort": 0}]}),
            "spec.containers[0].ports[0].containerPort: Required value",
        ),
        (
            value!({"ports": [{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 9}]}),
            r#"spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9""#,
        ),
        (
            value!({"env": [{"name": "A=B"}]}),
            r#"spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='"#,
        ),
        (
            value!({"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
            r#"spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty"#,
        ),
        (
            value!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nope"}}}]}),
            r#"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.nope": error converting fieldPath: field label not supported: metadata.nope"#,
        ),
        (
            value!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]}),
            r#"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs""#,
        ),
        (
            value!({"envFrom": [{"prefix": "A"}]}),
            r#"spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`"#,
        ),
        (
            value!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}),
            r#"spec.containers[0].volumeMounts[0].name: Not found: "v""#,
        ),
        (
            value!({"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}),
            r#"spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#,
        ),
        (
            value!({"resources": {"limits": {"gold": "1"}, "requests": {"gold": "1"}}}),
            r#"[spec.containers[0].resources.limits[gold]: Invalid value: "gold": must be a standard resource for containers, spec.containers[0].resources.requests[gold]: Invalid value: "gold": must be a standard resource for containers]"#,
        ),
        (
            value!({"livenessProbe": {"periodSeconds": 5}}),
            "spec.containers[0].livenessProbe: Required value: must specify a handler type",
        ),
        (
            value!({"readinessProbe": {"tcpSocket": {"port": 0}, "terminationGracePeriodSeconds": 5}}),
            "[spec.containers[0].readinessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes]",
        ),
        (
            value!({"lifecycle": {"preStop": {"sleep": {"seconds": 99}}}}),
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 99: must be non-negative and less than terminationGracePeriodSeconds (30)",
        ),
        (
            value!({"securityContext": {"runAsUser": -1}}),
            "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
    ] {
        refused(PODS, &container(&fields), message);
    }
}

#[test]
fn amounts_come_back_in_the_largest_whole_unit() {
    let given = value!({"resources": {
        "limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5, "memory": "1.5Ki"},
    }});
    let made = Lab::new().create(PODS, &container(&given).to_string());
    assert_eq!(
        made["spec"]["containers"][0]["resources"],
        value!({
            "limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1536"},
        })
    );
}

/// As recorded, but for the number of the line: this pod has one container and one volume, too.
const PORT_DIFF: &str = r#"
@@ -100,6 +100,13 @@
     {
      "Name": "",
      "HostPort": 0,
+     "ContainerPort": 81,
+     "Protocol": "TCP",
+     "HostIP": ""
+    },
+    {
+     "Name": "",
+     "HostPort": 0,
      "ContainerPort": 80,
      "Protocol": "TCP",
      "HostIP": ""
"#;

#[test]
fn what_may_not_change_of_a_pod_is_shown_as_a_difference() {
    let mut lab = Lab::new();
    let ports = value!({"ports": [{"containerPort": 80}]});
    lab.create(PODS, &container(&ports).to_string());
    let patch = r#"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":81}]}]}}"#;
    let message = format!(
        "Pod \"x\" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative){PORT_DIFF}"
    );
    lab.refused(Patch, &format!("{PODS}/x"), patch, 422, &message);
}

#[test]
fn containers_neither_come_nor_go_and_tolerations_only_come() {
    let mut lab = Lab::new();
    lab.create(
        PODS,
        &pod(&value!({"activeDeadlineSeconds": 100, "tolerations": [{"key": "a", "operator": "Exists"}]})).to_string(),
    );
    let path = format!("{PODS}/x");
    for (patch, message) in [
        (
            r#"{"spec":{"containers":[{"name":"d","image":"nginx"}]}}"#,
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            r#"{"spec":{"tolerations":null}}"#,
            "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
        ),
        (
            r#"{"spec":{"activeDeadlineSeconds":200}}"#,
            "spec.activeDeadlineSeconds: Invalid value: 200: must be less than or equal to previous value",
        ),
    ] {
        let message = format!("Pod \"x\" is invalid: {message}");
        lab.refused(Patch, &path, patch, 422, &message);
    }
    let image =
        r#"{"spec":{"containers":[{"name":"c","image":"nginx:2"}],"activeDeadlineSeconds":50}}"#;
    let type_ = "application/strategic-merge-patch+json";
    assert_eq!(
        lab.patch(&path, type_, image)["spec"]["activeDeadlineSeconds"],
        50
    );
}

#[test]
fn metadata_is_checked_the_same_for_every_kind() {
    let subject =
        |metadata: Value| value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    for (metadata, message) in [
        (
            value!({"name": "x", "finalizers": ["mine"]}),
            r#"metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified"#,
        ),
        (
            value!({"name": "x", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "", "uid": "u"}]}),
            r#"metadata.ownerReferences.name: Invalid value: "": must not be empty"#,
        ),
        (
            value!({"name": "x", "annotations": {"a b": ""}}),
            r#"metadata.annotations: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#,
        ),
    ] {
        refused(CONFIG_MAPS, &subject(metadata), message);
    }
}

#[test]
fn secrets_hold_what_their_type_asks_for() {
    let path = "/api/v1/namespaces/default/secrets";
    for (type_, data, message) in [
        (
            "kubernetes.io/tls",
            value!({}),
            "[data[tls.crt]: Required value, data[tls.key]: Required value]",
        ),
        (
            "kubernetes.io/basic-auth",
            value!({}),
            "[data[username]: Required value, data[password]: Required value]",
        ),
        (
            "kubernetes.io/service-account-token",
            value!({}),
            "metadata.annotations[kubernetes.io/service-account.name]: Required value",
        ),
        (
            "kubernetes.io/dockerconfigjson",
            value!({".dockerconfigjson": "eA=="}),
            r#"data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character 'x' looking for beginning of value"#,
        ),
    ] {
        let secret = value!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "type": type_, "data": data,
        });
        refused(path, &secret, message);
    }
}

#[test]
fn a_deployments_selector_and_amounts_are_checked() {
    let base: Value = serde_json::from_str(MY_NGINX).expect("JSON");
    for (pointer, content, message) in [
        (
            "/spec/selector",
            value!({"matchExpressions": [{"key": "run", "operator": "In"}]}),
            "[spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn', spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"run\",\"operator\":\"In\"}]}: invalid label selector]",
        ),
        (
            "/spec/replicas",
            value!(-1),
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        ),
    ] {
        let mut deployment = base.clone();
        *deployment.pointer_mut(pointer).expect("it is there") = content;
        refused(DEPLOYMENTS, &deployment, message);
    }
    let mut deployment = base;
    deployment["spec"]["strategy"] =
        value!({"rollingUpdate": {"maxUnavailable": "0%", "maxSurge": 0}});
    let message = r#"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0"#;
    refused(DEPLOYMENTS, &deployment, message);
}

#[test]
fn endpoints_and_slices_name_addresses_that_others_can_reach() {
    let endpoints = value!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "x"},
        "subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 80}]}],
    });
    let message = r#"subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#;
    refused("/api/v1/namespaces/default/endpoints", &endpoints, message);
    let slice = value!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "x"},
        "addressType": "IPv4", "endpoints": [{"addresses": ["a.example"]}],
    });
    let message =
        r#"endpoints[0].addresses[0]: Invalid value: "a.example": must be a valid IPv4 address"#;
    let path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    refused(path, &slice, message);
}

#[test]
fn a_pods_priority_is_that_of_its_class() {
    let mut lab = Lab::new();
    let chosen = pod(&value!({"priority": 7})).to_string();
    lab.refused(Post, PODS, &chosen, 403, "pods \"x\" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name");
    let unknown = pod(&value!({"priorityClassName": "high"})).to_string();
    lab.refused(
        Post,
        PODS,
        &unknown,
        403,
        "pods \"x\" is forbidden: no PriorityClass with name high was found",
    );
    let class = value!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": "high"}, "value": 100,
    });
    lab.create(
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        &class.to_string(),
    );
    assert_eq!(lab.create(PODS, &unknown)["spec"]["priority"], 100);
}

#[test]
fn host_ports_follow_the_hosts_network_in_pods_and_not_in_templates() {
    let mut lab = Lab::new();
    let mut on_host = container(&value!({"ports": [{"containerPort": 80}]}));
    on_host["spec"]["hostNetwork"] = true.into();
    let made = lab.create(PODS, &on_host.to_string());
    assert_eq!(made["spec"]["containers"][0]["ports"][0]["hostPort"], 80);
    let mut deployment: Value = serde_json::from_str(MY_NGINX).expect("JSON");
    deployment["spec"]["template"]["spec"]["hostNetwork"] = true.into();
    let made = lab.create(DEPLOYMENTS, &deployment.to_string());
    let port = &made["spec"]["template"]["spec"]["containers"][0]["ports"][0];
    assert_eq!(port, &value!({"containerPort": 80, "protocol": "TCP"}));
}

#[test]
fn a_service_is_named_by_one_label_and_generated_names_fit_into_one() {
    let mut named = service(&value!({"ports": [{"port": 80}]}));
    named["metadata"]["name"] = "a.b".into();
    refused(
        SERVICES,
        &named,
        "metadata.name: Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    );
    named["metadata"] = value!({"generateName": "n".repeat(70)});
    refused_any(&named);
    let mut pod = pod(&value!({}));
    pod["metadata"] = value!({"generateName": "p".repeat(70)});
    let made = Lab::new().create(PODS, &pod.to_string());
    let name = made["metadata"]["name"].as_str().expect("a name");
    assert_eq!(name.len(), 63);
}

/// A prefix longer than a label is itself refused, although the name would fit.
#[track_caller]
fn refused_any(object: &Value) {
    let response = Lab::new().send(Post, SERVICES, "application/json", &object.to_string());
    assert_eq!(response.status, 422);
}

#[test]
fn roles_claims_and_quotas_are_checked_even_where_nothing_acts_on_them() {
    let rbac =
        |plural: &str| format!("/apis/rbac.authorization.k8s.io/v1/namespaces/default/{plural}");
    let object = |version: &str, kind: &str, rest: Value| {
        let mut object = value!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
        for (field, content) in rest.as_object().into_iter().flatten() {
            object[field] = content.clone();
        }
        object
    };
    let rbac_v1 = "rbac.authorization.k8s.io/v1";
    for (path, object, message) in [
        (
            rbac("roles"),
            object(
                rbac_v1,
                "Role",
                value!({"rules": [{"apiGroups": [""], "resources": ["pods"]}]}),
            ),
            "rules[0].verbs: Required value: verbs must contain at least one value",
        ),
        (
            rbac("rolebindings"),
            object(
                rbac_v1,
                "RoleBinding",
                value!({"roleRef": {"kind": "Nope", "name": "x"}}),
            ),
            "roleRef.kind: Unsupported value: \"Nope\": supported values: \"Role\", \"ClusterRole\"",
        ),
        (
            "/api/v1/namespaces/default/persistentvolumeclaims".to_owned(),
            object("v1", "PersistentVolumeClaim", value!({"spec": {}})),
            "[spec.accessModes: Required value: at least 1 access mode is required, spec.resources[storage]: Required value]",
        ),
        (
            "/api/v1/namespaces/default/resourcequotas".to_owned(),
            object(
                "v1",
                "ResourceQuota",
                value!({"spec": {"hard": {"pods": "-1"}}}),
            ),
            "spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0",
        ),
    ] {
        refused(&path, &object, message);
    }
}

#[test]
fn a_policy_names_its_peers_and_ports_in_one_way_each() {
    let refused_with = |spec: Value, message: &str| {
        let policy = value!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "x"}, "spec": spec,
        });
        let path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
        refused(path, &policy, message);
    };
    for (peer, message) in [
        (value!({}), ": Required value: must specify a peer"),
        (
            value!({"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}),
            ": Forbidden: may not specify both ipBlock and another peer",
        ),
        (
            value!({"ipBlock": {"cidr": "x"}}),
            ".ipBlock.cidr: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ),
        (
            value!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/24"]}}),
            ".ipBlock.except[0]: Invalid value: \"11.0.0.0/24\": must be a strict subset of `cidr`",
        ),
        (
            value!({"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
            ".podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
    ] {
        let spec = value!({"podSelector": {}, "ingress": [{"from": [peer]}]});
        refused_with(spec, &format!("spec.ingress[0].from[0]{message}"));
    }
    for (port, message) in [
        (
            value!({"port": 0}),
            "port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            value!({"port": 80, "endPort": 79}),
            "endPort: Invalid value: 80: must be greater than or equal to `port`",
        ),
        (
            value!({"port": "http", "endPort": 90}),
            "endPort: Invalid value: 90: may not be specified when `port` is non-numeric",
        ),
        (
            value!({"endPort": 90}),
            "endPort: Invalid value: 90: may not be specified when `port` is not specified",
        ),
        (
            value!({"protocol": "ICMP"}),
            "protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
        ),
    ] {
        let spec = value!({"podSelector": {}, "egress": [{"ports": [port]}]});
        refused_with(spec, &format!("spec.egress[0].ports[0].{message}"));
    }
}

#[test]
fn what_is_accepted_and_means_trouble_is_said() {
    let of = |path: &str, object: &Value| -> Vec<String> {
        let response = Lab::new().send(Post, path, "application/json", &object.to_string());
        assert_eq!(response.status, 201, "{object}");
        let said = crate::fixture::warnings(&response);
        said.into_iter().map(str::to_owned).collect()
    };
    let wish = container(&value!({
        "ports": [{"containerPort": 80}, {"containerPort": 80}],
        "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "A", "value": "$(A)3"}],
        "resources": {"limits": {"memory": "1500m"}},
    }));
    let expected = [
        r#"299 - "spec.containers[0].resources.limits[memory]: fractional byte value \"1500m\" is invalid, must be an integer""#,
        r#"299 - "spec.containers[0].resources.requests[memory]: fractional byte value \"1500m\" is invalid, must be an integer""#,
        r#"299 - "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply""#,
        r#"299 - "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]""#,
    ];
    assert_eq!(of(PODS, &wish), expected);
    let mut deployment: Value = serde_json::from_str(MY_NGINX).expect("JSON");
    deployment["spec"]["template"]["spec"]["nodeSelector"] =
        value!({"beta.kubernetes.io/os": "linux"});
    assert_eq!(
        of(DEPLOYMENTS, &deployment),
        [
            r#"299 - "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead""#
        ]
    );
    let service = service(&value!({"ports": [{"port": 80}], "externalName": "x.example"}));
    assert_eq!(
        of(SERVICES, &service),
        [r#"299 - "spec.externalName is ignored when spec.type is not \"ExternalName\"""#]
    );
}

#[test]
fn a_load_balancer_that_would_carry_nothing_says_so() {
    let said = |spec: &Value| -> Vec<String> {
        let text = service(spec).to_string();
        let response = Lab::new().send(Post, SERVICES, "application/json", &text);
        assert_eq!(response.status, 201);
        let said = crate::fixture::warnings(&response);
        said.into_iter().map(str::to_owned).collect()
    };
    let balanced = |ports: Value| value!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": ports});
    assert_eq!(
        said(&balanced(value!([{"port": 80}]))),
        [
            r#"299 - "not in this lab: a load balancer that passes traffic without node ports (spec.allocateLoadBalancerNodePorts)""#
        ]
    );
    // One whose ports somebody chose has node ports all the same.
    let chosen = balanced(value!([{"port": 80, "nodePort": 30080}]));
    assert_eq!(said(&chosen), [""; 0]);
}
