//! Questions that are answered and not kept: may I, who am I, who is this.
//!
//! Answers are those of [`super::authorize`], which judges requests. Never keeps a question.

use super::authorize::{self, Attributes, Resource, Rule, What};
use super::draft::read_body;
use super::request::{Method, Response};
use super::route::Target;
use super::status::Failure;
use super::user::User;
use super::{Call, body, pod, token_request};
use crate::kind::look::{text, texts};
use crate::kind::{Findings, by_key};
use serde_json::{Value, json};

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
        (_, Some("token")) => return token_request::token(call, target),
        _ => {}
    }
    let mut object = read_body(target, call.request)?.object;
    let status = match names.plural {
        "selfsubjectreviews" => {
            object["metadata"]["creationTimestamp"] = call.registry.time(call.now).into();
            json!({ "userInfo": call.user.to_value() })
        }
        "tokenreviews" => token_request::whose(call, &object)?,
        "selfsubjectrulesreviews" => rules(call, &object)?,
        _ => {
            check_access(target, &object)?;
            may(call, target, &object)
        }
    };
    object["status"] = status;
    Ok(Response::json(201, &object))
}

/// Whether somebody may do what the question says.
fn may(call: &Call<'_>, target: &Target<'_>, review: &Value) -> Value {
    let other;
    let user = match target.kind.names().plural {
        "selfsubjectaccessreviews" => call.user,
        _ => {
            other = asked_about(&review["spec"]);
            &other
        }
    };
    let decision = authorize::decide(call.store, user, &wanted(&review["spec"]));
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = decision.reason.as_str().into();
        if !decision.allowed {
            status["evaluationError"] = decision.reason.trim_start_matches("RBAC: ").into();
        }
    }
    status
}

fn asked_about(spec: &Value) -> User {
    let extra = spec["extra"].as_object().into_iter().flatten();
    let values = |values: &Value| texts(values, "").map(str::to_owned).collect();
    User {
        name: text(spec, "/user").to_owned(),
        uid: text(spec, "/uid").to_owned(),
        groups: texts(spec, "/groups").map(str::to_owned).collect(),
        extra: extra.map(|(key, all)| (key.clone(), values(all))).collect(),
    }
}

fn wanted(spec: &Value) -> Attributes {
    let part = |at: &str| text(spec, at).to_owned();
    if spec["nonResourceAttributes"].is_object() {
        return Attributes {
            verb: part("/nonResourceAttributes/verb"),
            what: What::Path(part("/nonResourceAttributes/path")),
        };
    }
    let of = |field: &str| part(&format!("/resourceAttributes/{field}"));
    let resource = Resource {
        group: of("group"),
        resource: of("resource"),
        subresource: of("subresource"),
        namespace: of("namespace"),
        name: of("name"),
    };
    Attributes::of_resource(&of("verb"), resource)
}

/// A question names one thing, and the asker when it is about another.
fn check_access(target: &Target<'_>, review: &Value) -> Result<(), Failure> {
    let mut found = Findings::default();
    let has = |field: &str| review["spec"].get(field).is_some_and(|it| !it.is_null());
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
    let plural = target.kind.names().plural;
    let unnamed = text(review, "/spec/user").is_empty() && !has("groups");
    if plural != "selfsubjectaccessreviews" && unnamed {
        let why = "at least one of user or group must be specified";
        found.invalid("spec.user", &"".into(), why);
    }
    if plural == "localsubjectaccessreviews" {
        let asked = &review["spec"]["resourceAttributes"]["namespace"];
        if has("nonResourceAttributes") {
            let why = "disallowed on this kind of request";
            let asked = &review["spec"]["nonResourceAttributes"];
            found.invalid("spec.nonResourceAttributes", asked, why);
        } else if *asked != target.namespace.unwrap_or_default() {
            let why = "must match metadata.namespace";
            found.invalid("spec.resourceAttributes.namespace", asked, why);
        }
    }
    match found.0.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(target.kind.names(), "", &found.0)),
    }
}

/// Everything that the asker may do in a namespace, as far as roles say.
fn rules(call: &Call<'_>, review: &Value) -> Result<Value, Failure> {
    let space = text(review, "/spec/namespace");
    if space.is_empty() {
        return Err(Failure::bad_request("no namespace on request"));
    }
    let (all, wrong) = authorize::rules_for(call.store, call.user, space);
    let (paths, resources): (Vec<Rule>, Vec<Rule>) =
        all.into_iter().partition(|rule| !rule.urls.is_empty());
    let values = |rules: &[Rule]| rules.iter().map(Rule::to_value).collect::<Value>();
    let mut status = json!({
        "resourceRules": values(&resources),
        "nonResourceRules": values(&paths),
        "incomplete": wrong.is_some(),
    });
    if let Some(why) = wrong {
        status["evaluationError"] = why.into();
    }
    Ok(status)
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
