//! The roles and bindings that an API server writes into a new cluster, as a table of facts:
//! what upstream's bootstrap policy and kubeadm grant. Never decides what they mean.
//!
//! The roles of upstream's single controllers are left out: here they make no requests.

use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";
const AGGREGATE: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// A role: its name, the role that gathers it, and its rules.
///
/// A rule is `VERBS GROUPS RESOURCES [NAMES]` or `VERBS PATHS`; `core` is the group without a name,
/// `R` are the verbs that read, `W` those that write.
type Role = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const ROLES: &[Role] = &[
    ("cluster-admin", "", &["* * *", "* *"]),
    ("system:aggregate-to-admin", "admin", &[
        "create authorization.k8s.io localsubjectaccessreviews",
        "create,delete,deletecollection,get,list,patch,update,watch rbac.authorization.k8s.io rolebindings,roles",
    ]),
    ("system:aggregate-to-edit", "edit", &[
        "R core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy",
        "impersonate core serviceaccounts",
        "W core pods,pods/attach,pods/exec,pods/portforward,pods/proxy",
        "create core pods/eviction",
        "W core configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy",
        "create core serviceaccounts/token",
        "W apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale",
        "W autoscaling horizontalpodautoscalers",
        "W batch cronjobs,jobs",
        "W extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale",
        "W policy poddisruptionbudgets",
        "W networking.k8s.io ingresses,networkpolicies",
        "create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases",
    ]),
    ("system:aggregate-to-view", "view", &[
        "R core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status",
        "R core bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status",
        "R core namespaces",
        "R discovery.k8s.io endpointslices",
        "R apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status",
        "R autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status",
        "R batch cronjobs,cronjobs/status,jobs,jobs/status",
        "R extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale",
        "R policy poddisruptionbudgets,poddisruptionbudgets/status",
        "R networking.k8s.io ingresses,ingresses/status,networkpolicies",
    ]),
    ("system:auth-delegator", "", &[
        "create authentication.k8s.io tokenreviews",
        "create authorization.k8s.io subjectaccessreviews",
    ]),
    ("system:basic-user", "", &[
        "create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews",
        "create authentication.k8s.io selfsubjectreviews",
    ]),
    ("system:coredns", "", &[
        "list,watch core endpoints,services,pods,namespaces",
        "list,watch discovery.k8s.io endpointslices",
    ]),
    ("system:discovery", "", &[
        "get /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/",
    ]),
    ("system:kube-controller-manager", "", &[
        "create,patch,update core,events.k8s.io events",
        "create coordination.k8s.io leases",
        "get,update coordination.k8s.io leases kube-controller-manager",
        "create core secrets,serviceaccounts",
        "delete core secrets",
        "get core configmaps,namespaces,secrets,serviceaccounts",
        "update core secrets,serviceaccounts",
        "create authentication.k8s.io tokenreviews",
        "create authorization.k8s.io subjectaccessreviews",
        "list,watch * *",
        "create core serviceaccounts/token",
    ]),
    ("system:kube-dns", "", &["list,watch core endpoints,services"]),
    ("system:kube-scheduler", "", &[
        "create,patch,update core,events.k8s.io events",
        "create coordination.k8s.io leases",
        "get,update coordination.k8s.io leases kube-scheduler",
        "R core nodes",
        "delete,get,list,watch core pods",
        "create core bindings,pods/binding",
        "patch,update core pods/status",
        "R core replicationcontrollers,services",
        "R apps,extensions replicasets",
        "R apps statefulsets",
        "R policy poddisruptionbudgets",
        "R core persistentvolumeclaims,persistentvolumes",
        "create authentication.k8s.io tokenreviews",
        "create authorization.k8s.io subjectaccessreviews",
        "R storage.k8s.io csinodes",
        "R core namespaces",
        "R storage.k8s.io csidrivers",
        "R storage.k8s.io csistoragecapacities",
    ]),
    ("system:monitoring", "", &[
        "get /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*",
    ]),
    ("system:node-proxier", "", &[
        "list,watch core endpoints,services",
        "R core nodes",
        "create,patch,update core,events.k8s.io events",
        "list,watch discovery.k8s.io endpointslices",
    ]),
    ("system:public-info-viewer", "", &["get /healthz,/livez,/readyz,/version,/version/"]),
    ("system:service-account-issuer-discovery", "", &[
        "get /.well-known/openid-configuration,/openid/v1/jwks",
    ]),
    ("system:volume-scheduler", "", &[
        "get,list,patch,update,watch core persistentvolumes",
        "R storage.k8s.io storageclasses",
        "get,list,patch,update,watch core persistentvolumeclaims",
    ]),
];

/// The roles that gather others: their names, and the one that gathers them.
const GATHERING: [(&str, &str); 3] = [("admin", ""), ("edit", "admin"), ("view", "edit")];

/// Who has a role from the start: `Group:NAME`, `User:NAME` or `ServiceAccount:NAMESPACE/NAME`.
#[rustfmt::skip]
const BINDINGS: &[(&str, &[&str])] = &[
    ("cluster-admin", &["Group:system:masters"]),
    ("system:basic-user", &["Group:system:authenticated"]),
    ("system:coredns", &["ServiceAccount:kube-system/coredns"]),
    ("system:discovery", &["Group:system:authenticated"]),
    ("system:kube-controller-manager", &["User:system:kube-controller-manager"]),
    ("system:kube-dns", &["ServiceAccount:kube-system/kube-dns"]),
    ("system:kube-scheduler", &["User:system:kube-scheduler"]),
    ("system:monitoring", &["Group:system:monitoring"]),
    ("system:node-proxier", &["User:system:kube-proxy"]),
    ("system:public-info-viewer", &["Group:system:authenticated", "Group:system:unauthenticated"]),
    ("system:service-account-issuer-discovery", &["Group:system:serviceaccounts"]),
    ("system:volume-scheduler", &["User:system:kube-scheduler"]),
];

/// All of them, with the names of their kinds.
pub(super) fn objects() -> Vec<(&'static str, Value)> {
    let roles = ROLES.iter().map(|(name, gathered, rules)| {
        let rules: Value = rules.iter().map(|rule| rule_of(rule)).collect();
        let mut role = role(name, gathered);
        role["rules"] = rules;
        role
    });
    let gathering = GATHERING.iter().map(|(name, gathered)| {
        let mut labels = json!({});
        labels[format!("{AGGREGATE}{name}")] = "true".into();
        let mut role = role(name, gathered);
        role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        role["rules"] = Value::Null;
        role
    });
    let roles = roles
        .chain(gathering)
        .map(|role| ("clusterroles.rbac.authorization.k8s.io", role));
    let bindings = BINDINGS.iter().map(|(name, subjects)| {
        let subjects: Value = subjects.iter().map(|subject| subject_of(subject)).collect();
        let binding = json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRoleBinding",
            "metadata": metadata(name),
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
            "subjects": subjects,
        });
        ("clusterrolebindings.rbac.authorization.k8s.io", binding)
    });
    roles.chain(bindings).collect()
}

fn metadata(name: &str) -> Value {
    // What kubeadm adds is not the API server's to repair.
    if name == "system:coredns" {
        return json!({"name": name});
    }
    json!({
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    })
}

fn role(name: &str, gathered: &str) -> Value {
    let mut metadata = metadata(name);
    if !gathered.is_empty() {
        metadata["labels"][format!("{AGGREGATE}{gathered}")] = "true".into();
    }
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRole", "metadata": metadata,
    })
}

fn rule_of(text: &str) -> Value {
    let parts: Vec<&str> = text.split(' ').collect();
    let all = |part: &str| part.split(',').map(str::to_owned).collect::<Vec<_>>();
    let verbs = match parts[0] {
        "R" => all("get,list,watch"),
        "W" => all("create,delete,deletecollection,patch,update"),
        verbs => all(verbs),
    };
    let [_, groups, resources, ref names @ ..] = parts[..] else {
        return json!({"nonResourceURLs": all(parts[1]), "verbs": verbs});
    };
    let groups = all(groups).into_iter().map(|group| match group.as_str() {
        "core" => String::new(),
        _ => group,
    });
    let groups: Vec<String> = groups.collect();
    let mut rule = json!({"apiGroups": groups, "resources": all(resources), "verbs": verbs});
    if let Some(names) = names.first() {
        rule["resourceNames"] = json!(all(names));
    }
    rule
}

fn subject_of(text: &str) -> Value {
    let (kind, name) = text.split_once(':').expect("a kind and a name");
    match name.split_once('/') {
        Some((namespace, name)) => json!({"kind": kind, "namespace": namespace, "name": name}),
        None => json!({"apiGroup": GROUP, "kind": kind, "name": name}),
    }
}
