//! `serviceaccounts/token` and `TokenReview`: tokens for those who ask, and whose they are.
//! Never signs by itself: that is [`super::token`].

use super::Call;
use super::body;
use super::draft::is_dry_run;
use super::read;
use super::request::Response;
use super::route::Target;
use super::status::Failure;
use super::token::{Claims, ISSUER};
use crate::kind::Findings;
use crate::kind::look::{int, text, texts};
use clock::Duration;
use serde_json::{Value, json};

const HOUR: i64 = 3_600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Answers a POST to an account's `token`: upstream's `pkg/registry/core/serviceaccount`.
pub(super) fn token(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let account = read::find(call.store, target)?.clone();
    let mut request = body::object(&call.request.content_type, &call.request.body)?;
    if !request.is_object() {
        return Err(Failure::bad_request("the body is not an object"));
    }
    is_dry_run(call.request)?;
    let seconds = int(&request, "/spec/expirationSeconds").unwrap_or(HOUR);
    check_life(seconds)?;
    let (space, name) = (
        target.namespace.unwrap_or_default(),
        target.name.unwrap_or_default(),
    );
    let bound = bound(call, &request, space, name)?;
    let audiences: Vec<&str> = texts(&request, "/spec/audiences").collect();
    let token = call.authenticator.issuer().issue(&Claims {
        namespace: space,
        account: name,
        account_uid: text(&account, "/metadata/uid"),
        bound: bound
            .iter()
            .map(|(what, name, uid)| (*what, name.as_str(), uid.as_str()))
            .collect(),
        audiences: audiences.clone(),
        issued: call.wall.as_second(),
        seconds,
        id: call.registry.uid(),
    });
    let audiences = match audiences.is_empty() {
        true => json!([ISSUER]),
        false => json!(audiences),
    };
    let lasts = Duration::from_secs(seconds.unsigned_abs());
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["kind"] = "TokenRequest".into();
    request["metadata"] = json!({
        "name": name, "namespace": space, "creationTimestamp": call.registry.time(call.now),
    });
    request["spec"]["audiences"] = audiences;
    request["spec"]["expirationSeconds"] = seconds.into();
    request["spec"]["boundObjectRef"] = request["spec"]["boundObjectRef"].take();
    request["status"] = json!({
        "token": token,
        "expirationTimestamp": call.registry.time(call.now + lasts),
    });
    Ok(Response::json(201, &request))
}

fn check_life(seconds: i64) -> Result<(), Failure> {
    let why = match seconds {
        seconds if seconds < SHORTEST => "may not specify a duration less than 10 minutes",
        seconds if seconds > LONGEST => "may not specify a duration larger than 2^32 seconds",
        _ => return Ok(()),
    };
    let mut found = Findings::default();
    found.invalid("spec.expirationSeconds", &seconds.into(), why);
    Err(Failure::invalid_options(
        "TokenRequest.authentication.k8s.io",
        &found.0,
    ))
}

type Bound = Vec<(&'static str, String, String)>;

/// What the token is to depend on, and for a pod the node that it is on.
fn bound(call: &Call<'_>, request: &Value, space: &str, account: &str) -> Result<Bound, Failure> {
    let wanted = &request["spec"]["boundObjectRef"];
    if wanted.is_null() {
        return Ok(Vec::new());
    }
    let (kind, name) = (text(wanted, "/kind"), text(wanted, "/name"));
    let (what, key, at) = match (text(wanted, "/apiVersion"), kind) {
        ("v1", "Pod") => ("pod", "pods", space),
        ("v1", "Secret") => ("secret", "secrets", space),
        ("v1", "Node") => ("node", "nodes", ""),
        (version, kind) => {
            let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
            return Err(Failure::bad_request(format!(
                "cannot bind token for serviceaccount {account:?} to object of type {group}/{version}, Kind={kind}"
            )));
        }
    };
    let object = call.store.get(key, at, name);
    let names = crate::kind::by_key(key)
        .expect("a kind of this cluster")
        .names();
    let object = object.ok_or_else(|| Failure::not_found(names, name))?;
    let own = text(object, "/spec/serviceAccountName");
    if what == "pod" && own != account {
        return Err(Failure::bad_request(format!(
            "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
        )));
    }
    let (asked, uid) = (text(wanted, "/uid"), text(object, "/metadata/uid"));
    if !asked.is_empty() && asked != uid {
        let why = format!(
            "the UID in the bound object reference ({asked}) does not match the UID in record. The object might have been deleted and then recreated"
        );
        return Err(Failure::conflict_of_kind(names, name, &why));
    }
    let mut all = vec![(what, name.to_owned(), uid.to_owned())];
    let node = text(object, "/spec/nodeName");
    if what == "pod" && !node.is_empty() {
        let uid = call.store.get("nodes", "", node);
        let uid = uid.map_or("", |node| text(node, "/metadata/uid"));
        all.push(("node", node.to_owned(), uid.to_owned()));
    }
    Ok(all)
}

/// The status of a TokenReview.
pub(super) fn whose(call: &mut Call<'_>, review: &Value) -> Result<Value, Failure> {
    let token = text(review, "/spec/token");
    if token.is_empty() {
        return Err(Failure::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    let asked: Vec<&str> = texts(review, "/spec/audiences").collect();
    let audiences = match asked.is_empty() {
        true => vec![ISSUER],
        false => asked,
    };
    let (store, wall) = (&*call.store, call.wall);
    let found = call
        .authenticator
        .account_of_token(store, wall, token, &audiences);
    Ok(match found {
        Ok(user) => json!({
            "authenticated": true, "user": user.to_value(), "audiences": audiences,
        }),
        Err(why) => json!({"user": {}, "error": why}),
    })
}
