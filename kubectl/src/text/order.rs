//! The order of fields in Go's structs, which decides how a client writes objects that it made
//! itself; what a server sent is in alphabetical order. Never changes a value.

use serde_json::{Map, Value};

/// The order of the fields of the structs of `k8s.io/api` that kubectl makes, merged into one.
const ORDER: [&str; 112] = [
    "kind",
    "apiVersion",
    "metadata",
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
    "immutable",
    "data",
    "binaryData",
    "stringData",
    "spec",
    "schedule",
    "timeZone",
    "jobTemplate",
    "scaleTargetRef",
    "minReplicas",
    "maxReplicas",
    "metrics",
    "parallelism",
    "completions",
    "replicas",
    "minAvailable",
    "hard",
    "scopes",
    "ingressClassName",
    "defaultBackend",
    "tls",
    "rules",
    "host",
    "http",
    "paths",
    "path",
    "pathType",
    "backend",
    "hosts",
    "secretName",
    "service",
    "subjects",
    "roleRef",
    "verbs",
    "apiGroups",
    "resourceNames",
    "nonResourceURLs",
    "aggregationRule",
    "volumes",
    "initContainers",
    "containers",
    "image",
    "command",
    "args",
    "workingDir",
    "protocol",
    "port",
    "ports",
    "targetPort",
    "nodePort",
    "hostPort",
    "containerPort",
    "envFrom",
    "env",
    "resources",
    "value",
    "valueFrom",
    "globalDefault",
    "description",
    "preemptionPolicy",
    "requests",
    "volumeMounts",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "imagePullPolicy",
    "securityContext",
    "stdin",
    "stdinOnce",
    "tty",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "dnsPolicy",
    "nodeSelector",
    "serviceAccountName",
    "nodeName",
    "selector",
    "maxUnavailable",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "values",
    "template",
    "strategy",
    "clusterIP",
    "clusterIPs",
    "type",
    "externalIPs",
    "sessionAffinity",
    "loadBalancerIP",
    "externalName",
    "resource",
    "number",
    "target",
    "averageUtilization",
    "averageValue",
];

/// Fields that hold maps rather than structs.
const MAPS: [&str; 9] = [
    "annotations",
    "binaryData",
    "data",
    "hard",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "requests",
];

/// The keys of an object as Go's encoder writes the struct that stands under `parent`.
pub(crate) fn keys<'m>(map: &'m Map<String, Value>, parent: &str) -> Vec<&'m String> {
    let mut keys: Vec<&String> = map.keys().collect();
    let service_selector = parent == "selector"
        && !map.contains_key("matchLabels")
        && !map.contains_key("matchExpressions");
    if MAPS.contains(&parent) || service_selector {
        return keys;
    }
    let own: &[&str] = match parent {
        "rules" => &["verbs", "apiGroups", "resources", "resourceNames"],
        "roleRef" => &["apiGroup", "kind", "name"],
        "scaleTargetRef" => &["kind", "name", "apiVersion"],
        "subjects" => &["kind", "apiGroup", "name", "namespace"],
        _ => &ORDER,
    };
    let rank = |key: &str| {
        own.iter()
            .position(|known| *known == key)
            .unwrap_or(own.len())
    };
    keys.sort_by_key(|key| rank(key));
    // The status stands last in every kind.
    keys.sort_by_key(|key| *key == "status");
    keys
}
