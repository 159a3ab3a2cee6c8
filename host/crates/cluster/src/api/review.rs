//! Questions that are answered and not kept: may I, who am I, who is this.
//!
//! Never forbids: everyone may do everything here, and who asks about another is told so.

use super::draft::read_body;
use super::request::{Method, Request, Response};
use super::route::Target;
use super::status::Failure;
use super::{Call, body, pod, read};
use crate::kind::look::{int, text};
use crate::kind::{Findings, by_key};
use crate::store::Store;
use clock::Duration;
use serde_json::{Value, json};

const EVERYONE: &str = "not in this lab: RBAC; everyone may do everything";
const UNSIGNED: &str = "not in this lab: signed tokens; this one only names its account";

/// Answers a POST to a review, to `bindings` or to an account's `token`.
pub(super) fn review(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let names = target.kind.names();
    let whole = names.namespaced == target.namespace.is_some();
    let named = target.name.is_some() != (target.subresource == Some("token"));
    if call.request.method != Method::Post || !whole || named {
        return Err(Failure::method_not_allowed());
    }
    match (names.plural, target.subresource) {
        ("bindings", _) => return bind(call, target),
        (_, Some("token")) => return token(call, target),
        _ => {}
    }
    let mut object = read_body(target, call.request)?.object;
    let mut warning = None;
    let status = match names.plural {
        "selfsubjectreviews" => {
            object["metadata"]["creationTimestamp"] = call.registry.time(call.now).into();
            json!({ "userInfo": who(call.request) })
        }
        "tokenreviews" => whose(call.store, text(&object, "/spec/token")),
        "selfsubjectrulesreviews" => rules(),
        _ => {
            check_access(target, &object)?;
            let about_self = names.plural == "selfsubjectaccessreviews";
            warning = (!about_self).then_some(EVERYONE);
            json!({ "allowed": true })
        }
    };
    object["status"] = status;
    let mut response = Response::json(201, &object);
    if let Some(warning) = warning {
        response.warn(warning);
    }
    Ok(response)
}

/// A question names one thing, and the asker when it is about another.
fn check_access(target: &Target<'_>, review: &Value) -> Result<(), Failure> {
    let mut found = Findings::default();
    let has = |field: &str| review["spec"].get(field).is_some();
    match (has("resourceAttributes"), has("nonResourceAttributes")) {
        (true, true) => found.invalid(
            "spec.nonResourceAttributes",
            &review["spec"]["nonResourceAttributes"],
            "cannot be specified in combination with resourceAttributes",
        ),
        (false, false) => found.invalid(
            "spec.resourceAttributes",
            &Value::Null,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        _ => {}
    }
    let of_self = target.kind.names().plural == "selfsubjectaccessreviews";
    if !of_self && text(review, "/spec/user").is_empty() && !has("groups") {
        let why = "at least one of user or group must be specified";
        found.invalid("spec.user", &"".into(), why);
    }
    match found.0.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(target.kind.names(), "", &found.0)),
    }
}

fn who(request: &Request) -> Value {
    let mut info = json!({
        "username": request.user,
        "groups": ["system:masters", "system:authenticated"],
    });
    if let Some(credential) = &request.credential {
        info["extra"] = json!({"authentication.kubernetes.io/credential-id": [credential]});
    }
    info
}

/// What every administrator may do, as the roles of a new cluster list it.
fn rules() -> Value {
    json!({
        "resourceRules": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]},
            {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
        ],
        "nonResourceRules": [
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
            {"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"]},
            {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]},
        ],
        "incomplete": false,
    })
}

const ACCOUNT: &str = "system:serviceaccount";

/// Whose token this is: tokens name their accounts.
fn whose(store: &Store, token: &str) -> Value {
    let parts: Vec<&str> = token.split(':').collect();
    if let ["system", "serviceaccount", space, name] = parts[..]
        && let Some(account) = store.get("serviceaccounts", space, name)
    {
        let user = json!({
            "username": token,
            "uid": account["metadata"]["uid"],
            "groups": [format!("{ACCOUNT}s"), format!("{ACCOUNT}s:{space}"), "system:authenticated"],
        });
        return json!({"authenticated": true, "user": user});
    }
    json!({"user": {}, "error": "invalid bearer token"})
}

/// A token of an account: it names the account, which is all that this cluster asks.
fn token(call: &Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    const HOUR: i64 = 3_600;
    const SHORTEST: i64 = 600;
    read::find(call.store, target)?;
    let mut request = body::object(&call.request.content_type, &call.request.body)?;
    if !request.is_object() {
        return Err(Failure::bad_request("the body is not an object"));
    }
    let seconds = int(&request, "/spec/expirationSeconds").unwrap_or(HOUR);
    if seconds < SHORTEST {
        let why = "may not specify a duration less than 10 minutes";
        let mut found = Findings::default();
        found.invalid("spec.expirationSeconds", &seconds.into(), why);
        let failure = Failure::invalid_options("TokenRequest.authentication.k8s.io", &found.0);
        return Err(failure);
    }
    let (space, name) = (
        target.namespace.unwrap_or_default(),
        target.name.unwrap_or_default(),
    );
    let lasts = Duration::from_secs(seconds.unsigned_abs());
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["kind"] = "TokenRequest".into();
    request["metadata"] = json!({
        "name": name, "namespace": space, "creationTimestamp": call.registry.time(call.now),
    });
    request["spec"]["expirationSeconds"] = seconds.into();
    request["status"] = json!({
        "token": format!("{ACCOUNT}:{space}:{name}"),
        "expirationTimestamp": call.registry.time(call.now + lasts),
    });
    let mut response = Response::json(201, &request);
    response.warn(UNSIGNED);
    Ok(response)
}

/// A pod gets its node; the name is in the body.
fn bind(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let binding = body::object(&call.request.content_type, &call.request.body)?;
    let target = Target {
        kind: by_key("pods").expect("pods are a kind"),
        name: Some(text(&binding, "/metadata/name")),
        subresource: Some("binding"),
        ..*target
    };
    pod::bind(call, &target)
}
