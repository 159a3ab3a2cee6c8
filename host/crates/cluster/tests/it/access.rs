//! Who may do what, as a client meets it. Never looks into the authorizer: requests and answers.

use crate::fixture::{Lab, json};
use cluster::{Credential, Impersonation, Method, Request, Response};
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/default/pods";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const CLUSTER_ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";

/// A request of somebody else.
fn of(user: &str, request: Request) -> Request {
    let impersonate = Impersonation {
        user: user.to_owned(),
        ..Impersonation::default()
    };
    Request {
        impersonate,
        ..request
    }
}

fn nobody(path: &str) -> Request {
    Request {
        credential: Credential::Nothing,
        ..Request::get(path)
    }
}

fn bearer(token: &str, path: &str) -> Request {
    Request {
        credential: Credential::Token(token.to_owned()),
        ..Request::get(path)
    }
}

fn post(path: &str, object: &Value) -> Request {
    let body = object.to_string().into_bytes();
    Request::new(Method::Post, path, "application/json", body)
}

#[track_caller]
fn refused(response: &Response, code: u16, message: &str) {
    let value = json(response);
    assert_eq!(
        (response.status, &value["message"]),
        (code, &message.into()),
        "{value}"
    );
}

/// Binds a role of this kind and name to a subject, as the administrator.
#[track_caller]
fn bind(lab: &mut Lab, role: &str, subject: &Value) {
    let (kind, name) = role.split_once('/').expect("a kind and a name");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": format!("to-{name}")},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [subject],
    });
    let response = lab.ask(post(BINDINGS, &binding));
    assert_eq!(response.status, 201, "{}", json(&response));
}

fn user(name: &str) -> Value {
    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name})
}

fn role(name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": name, "namespace": "default"}, "rules": rules,
    })
}

#[test]
fn refusals_have_upstreams_words() {
    let mut lab = Lab::new();
    let table = [
        (
            Method::Get,
            PODS,
            r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default""#,
        ),
        (
            Method::Get,
            "/api/v1/namespaces/default/pods/web",
            r#"pods "web" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "default""#,
        ),
        (
            Method::Get,
            "/api/v1/namespaces/default/pods/web/log",
            r#"pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default""#,
        ),
        (
            Method::Get,
            "/apis/apps/v1/deployments?watch=1",
            r#"deployments.apps is forbidden: User "jane" cannot watch resource "deployments" in API group "apps" at the cluster scope"#,
        ),
        (
            Method::Delete,
            "/api/v1/nodes/node-1",
            r#"nodes "node-1" is forbidden: User "jane" cannot delete resource "nodes" in API group "" at the cluster scope"#,
        ),
        (
            Method::Get,
            "/apis/nobody.example/v1/things",
            r#"things.nobody.example is forbidden: User "jane" cannot list resource "things" in API group "nobody.example" at the cluster scope"#,
        ),
        (
            Method::Get,
            "/metrics",
            r#"forbidden: User "jane" cannot get path "/metrics""#,
        ),
    ];
    for (method, path, message) in table {
        let request = Request::new(method, path, "application/json", b"{}".to_vec());
        refused(&lab.ask(of("jane", request)), 403, message);
    }
    let value = json(&lab.ask(of("jane", Request::get(PODS))));
    assert_eq!(value["reason"], "Forbidden");
    assert_eq!(value["details"], json!({"kind": "pods"}));
    // Everybody who is known may look around and ask about themselves.
    assert_eq!(lab.ask(of("jane", Request::get("/api/v1"))).status, 200);
    assert_eq!(lab.ask(of("jane", Request::get("/openapi/v3"))).status, 200);
}

#[test]
fn who_shows_nothing_is_anonymous_and_sees_what_is_public() {
    let mut lab = Lab::new();
    for path in ["/healthz", "/livez", "/readyz", "/version"] {
        assert_eq!(lab.ask(nobody(path)).status, 200, "{path}");
    }
    let table = [
        (
            "/",
            r#"forbidden: User "system:anonymous" cannot get path "/""#,
        ),
        (
            "/api",
            r#"forbidden: User "system:anonymous" cannot get path "/api""#,
        ),
        (
            PODS,
            r#"pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default""#,
        ),
    ];
    for (path, message) in table {
        refused(&lab.ask(nobody(path)), 403, message);
    }
    refused(&lab.ask(bearer("nonsense", PODS)), 401, "Unauthorized");
    refused(
        &lab.ask(bearer("nonsense", "/healthz")),
        401,
        "Unauthorized",
    );
}

#[test]
fn a_binding_opens_what_its_role_names_and_no_more() {
    let mut lab = Lab::new();
    let rules = json!([
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["one"], "verbs": ["get", "update"]},
        {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["*"]},
    ]);
    assert_eq!(lab.ask(post(ROLES, &role("reader", &rules))).status, 201);
    bind(&mut lab, "Role/reader", &user("jane"));
    let mut status = |method, path: &str| {
        let request = Request::new(method, path, "application/json", b"{}".to_vec());
        lab.ask(of("jane", request)).status
    };
    assert_eq!(status(Method::Get, PODS), 200);
    assert_eq!(status(Method::Get, "/api/v1/pods"), 403);
    assert_eq!(
        status(Method::Get, "/api/v1/namespaces/kube-system/pods"),
        403
    );
    assert_eq!(status(Method::Get, &format!("{PODS}/web")), 404);
    assert_eq!(status(Method::Get, &format!("{PODS}/web/log")), 404);
    assert_eq!(status(Method::Get, &format!("{PODS}/web/exec")), 403);
    let maps = "/api/v1/namespaces/default/configmaps";
    assert_eq!(status(Method::Get, maps), 403);
    assert_eq!(status(Method::Get, &format!("{maps}/one")), 404);
    assert_eq!(status(Method::Get, &format!("{maps}/two")), 403);
    let scale = "/apis/apps/v1/namespaces/default/deployments/web/scale";
    assert_eq!(status(Method::Get, scale), 404);
    assert_eq!(status(Method::Get, &scale.replace("/scale", "")), 403);
}

#[test]
fn exec_needs_create_also_when_it_begins_with_a_get() {
    let mut lab = Lab::new();
    let exec =
        |verb: &str| json!([{"apiGroups": [""], "resources": ["pods/exec"], "verbs": [verb]}]);
    assert_eq!(
        lab.ask(post(ROLES, &role("getter", &exec("get")))).status,
        201
    );
    bind(&mut lab, "Role/getter", &user("jane"));
    let open = || of("jane", Request::get(&format!("{PODS}/web/exec?command=ls")));
    refused(
        &lab.ask(open()),
        403,
        r#"pods "web" is forbidden: User "jane" cannot create resource "pods/exec" in API group "" in the namespace "default""#,
    );
    assert_eq!(
        lab.ask(post(ROLES, &role("creator", &exec("create"))))
            .status,
        201
    );
    bind(&mut lab, "Role/creator", &user("jane"));
    assert_eq!(lab.ask(open()).status, 404);
}

#[test]
fn view_edit_and_admin_gather_what_others_give_them() {
    let mut lab = Lab::new();
    let rules = |lab: &mut Lab, name: &str| {
        let role = lab.get(&format!("{CLUSTER_ROLES}/{name}"));
        role["rules"].as_array().map_or(0, Vec::len)
    };
    let (view, edit, admin) = (
        rules(&mut lab, "view"),
        rules(&mut lab, "edit"),
        rules(&mut lab, "admin"),
    );
    assert!(
        view > 5 && edit > view && admin > edit,
        "{view} {edit} {admin}"
    );
    let label = "rbac.authorization.k8s.io/aggregate-to-view";
    let mut more = role(
        "more",
        &json!([{"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["get"]}]),
    );
    more["kind"] = "ClusterRole".into();
    more["metadata"] = json!({"name": "more", "labels": {label: "true"}});
    assert_eq!(lab.ask(post(CLUSTER_ROLES, &more)).status, 201);
    assert_eq!(rules(&mut lab, "view"), view + 1);
    assert_eq!(rules(&mut lab, "edit"), edit + 1);
    assert_eq!(rules(&mut lab, "admin"), admin + 1);
}

#[test]
fn nobody_gives_away_more_than_they_have() {
    let mut lab = Lab::new();
    bind(&mut lab, "ClusterRole/admin", &user("jane"));
    let nodes = json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]);
    refused(
        &lab.ask(of("jane", post(ROLES, &role("nodes", &nodes)))),
        403,
        "roles.rbac.authorization.k8s.io \"nodes\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}",
    );
    let pods = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    assert_eq!(
        lab.ask(of("jane", post(ROLES, &role("pods", &pods))))
            .status,
        201
    );
    let binding = |name: &str, role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [user("joe")],
        })
    };
    let response = lab.ask(of("jane", post(BINDINGS, &binding("a", "cluster-admin"))));
    let message = json(&response)["message"].to_string();
    assert!(
        response.status == 403 && message.contains("not currently held"),
        "{message}"
    );
    assert_eq!(
        lab.ask(of("jane", post(BINDINGS, &binding("b", "view"))))
            .status,
        201
    );
    refused(
        &lab.ask(of("jane", post(BINDINGS, &binding("c", "nothing")))),
        404,
        "clusterrole.rbac.authorization.k8s.io \"nothing\" not found",
    );
    // Who may bind a role need not have its rules.
    let rules = json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "resourceNames": ["cluster-admin"], "verbs": ["bind"]}]);
    assert_eq!(lab.ask(post(ROLES, &role("binder", &rules))).status, 201);
    bind(&mut lab, "Role/binder", &user("jane"));
    assert_eq!(
        lab.ask(of("jane", post(BINDINGS, &binding("d", "cluster-admin"))))
            .status,
        201
    );
    assert_eq!(
        lab.ask(of(
            "joe",
            Request::get("/api/v1/namespaces/default/secrets")
        ))
        .status,
        200
    );
}

#[test]
fn to_be_somebody_else_has_to_be_allowed() {
    let mut lab = Lab::new();
    bind(&mut lab, "ClusterRole/edit", &user("jane"));
    let token = token(&mut lab, "default", &json!({}));
    let request = of("jane", bearer(&token, PODS));
    refused(
        &lab.ask(request),
        403,
        r#"users "jane" is forbidden: User "system:serviceaccount:default:default" cannot impersonate resource "users" in API group "" at the cluster scope"#,
    );
    // An impersonated account is in the groups of its namespace.
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let question = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let found = json(&lab.ask(of("system:serviceaccount:a:b", post(path, &question))));
    assert_eq!(
        found["status"]["userInfo"],
        json!({"username": "system:serviceaccount:a:b", "groups": ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"]})
    );
}

/// A token of an account of the namespace `default`, asked for with this spec.
#[track_caller]
fn token(lab: &mut Lab, account: &str, spec: &Value) -> String {
    let path = format!("/api/v1/namespaces/default/serviceaccounts/{account}/token");
    let request =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let response = lab.ask(post(&path, &request));
    let value = json(&response);
    assert_eq!(response.status, 201, "{value}");
    value["status"]["token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

#[test]
fn a_token_speaks_for_its_account_until_it_expires() {
    let mut lab = Lab::new();
    let token = token(&mut lab, "default", &json!({"expirationSeconds": 600}));
    let list = |lab: &mut Lab| lab.ask(bearer(&token, PODS));
    refused(
        &list(&mut lab),
        403,
        r#"pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default""#,
    );
    bind(
        &mut lab,
        "ClusterRole/view",
        &json!({"kind": "ServiceAccount", "name": "default", "namespace": "default"}),
    );
    assert_eq!(list(&mut lab).status, 200);
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let question = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
    let found = json(&lab.ask(post(path, &question)));
    assert_eq!(found["status"]["authenticated"], true);
    assert_eq!(
        found["status"]["user"]["username"],
        "system:serviceaccount:default:default"
    );
    lab.now += clock::Duration::from_secs(601);
    refused(&list(&mut lab), 401, "Unauthorized");
    let found = json(&lab.ask(post(path, &question)));
    assert_eq!(
        found["status"],
        json!({"user": {}, "error": "[invalid bearer token, service account token has expired]"})
    );
}

#[test]
fn a_token_dies_with_its_account_and_with_what_it_is_bound_to() {
    let mut lab = Lab::new();
    let maps = "/api/v1/namespaces/default/serviceaccounts";
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}});
    assert_eq!(lab.ask(post(maps, &account)).status, 201);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let secrets = "/api/v1/namespaces/default/secrets";
    assert_eq!(lab.ask(post(secrets, &secret)).status, 201);
    let free = token(&mut lab, "robot", &json!({}));
    let reference = json!({"kind": "Secret", "apiVersion": "v1", "name": "s"});
    let bound = token(&mut lab, "robot", &json!({"boundObjectRef": reference}));
    let delete = |path: &str| Request::new(Method::Delete, path, "", Vec::new());
    assert_eq!(lab.ask(bearer(&bound, "/version")).status, 200);
    lab.ask(delete(&format!("{secrets}/s")));
    assert_eq!(lab.ask(bearer(&bound, "/version")).status, 401);
    assert_eq!(lab.ask(bearer(&free, "/version")).status, 200);
    lab.ask(delete(&format!("{maps}/robot")));
    assert_eq!(lab.ask(bearer(&free, "/version")).status, 401);
    // Another of the same name is somebody else.
    assert_eq!(lab.ask(post(maps, &account)).status, 201);
    assert_eq!(lab.ask(bearer(&free, "/version")).status, 401);
}

#[test]
fn reviews_answer_as_requests_are_judged() {
    let mut lab = Lab::new();
    bind(&mut lab, "ClusterRole/view", &user("jane"));
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let mut ask = |attributes: Value| {
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": "jane", "resourceAttributes": attributes},
        });
        json(&lab.ask(post(path, &question)))["status"].clone()
    };
    let pods =
        |verb: &str, space: &str| json!({"verb": verb, "resource": "pods", "namespace": space});
    assert_eq!(
        ask(pods("list", "default")),
        json!({"allowed": true, "reason": r#"RBAC: allowed by RoleBinding "to-view/default" of ClusterRole "view" to User "jane""#})
    );
    assert_eq!(ask(pods("list", "kube-system")), json!({"allowed": false}));
    assert_eq!(ask(pods("delete", "default")), json!({"allowed": false}));
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "default"},
    });
    let found = json(&lab.ask(of("jane", post(path, &question))));
    let rules = found["status"]["resourceRules"].as_array().expect("a list");
    let has = |resource: &str| {
        rules
            .iter()
            .any(|rule| rule["resources"].to_string().contains(resource))
    };
    assert!(
        has("selfsubjectaccessreviews") && has("pods/log") && !has("secrets"),
        "{found}"
    );
}

#[test]
fn a_binding_to_no_role_is_told_in_the_refusal() {
    let mut lab = Lab::new();
    bind(&mut lab, "Role/gone", &user("jane"));
    refused(
        &lab.ask(of("jane", Request::get(PODS))),
        403,
        r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "gone" not found"#,
    );
}

#[test]
fn an_account_may_keep_its_token_from_pods() {
    let mut lab = Lab::new();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    let quiet = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "quiet"}, "automountServiceAccountToken": false});
    assert_eq!(lab.ask(post(accounts, &quiet)).status, 201);
    let mut mounted = |name: &str, spec: Value| {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "nginx"}]},
        });
        for (field, value) in spec.as_object().expect("fields") {
            pod["spec"][field] = value.clone();
        }
        let made = json(&lab.ask(post(PODS, &pod)));
        !made["spec"]["volumes"].is_null()
    };
    assert!(mounted("a", json!({})));
    assert!(!mounted("b", json!({"serviceAccountName": "quiet"})));
    assert!(mounted(
        "c",
        json!({"serviceAccountName": "quiet", "automountServiceAccountToken": true})
    ));
    assert!(!mounted(
        "d",
        json!({"automountServiceAccountToken": false})
    ));
}

#[test]
fn others_can_check_tokens_by_the_published_key() {
    let mut lab = Lab::new();
    let found = lab.get("/.well-known/openid-configuration");
    assert_eq!(
        found["issuer"],
        "https://kubernetes.default.svc.cluster.local"
    );
    assert_eq!(lab.get("/openid/v1/jwks")["keys"][0]["alg"], "ES256");
    assert_eq!(lab.ask(nobody("/openid/v1/jwks")).status, 403);
    let account = token(&mut lab, "default", &json!({}));
    assert_eq!(lab.ask(bearer(&account, "/openid/v1/jwks")).status, 200);
}

#[test]
fn people_read_a_refusal_in_the_order_of_gos_fields() {
    let mut lab = Lab::new();
    let request = Request {
        user_agent: "curl/8.0".to_owned(),
        ..nobody("/api")
    };
    let response = lab.ask(request);
    let expected = r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "forbidden: User \"system:anonymous\" cannot get path \"/api\"",
  "reason": "Forbidden",
  "details": {},
  "code": 403
}
"#;
    assert_eq!(String::from_utf8_lossy(response.bytes()), expected);
}
