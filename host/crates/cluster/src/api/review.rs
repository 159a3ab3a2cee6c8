//! Questions that are answered and not kept: may I, who am I. Never forbids: everyone is admin here.

use super::request::{Method, Request, Response};
use super::status::Failure;
use super::{Call, body};
use serde_json::{Value, json};

/// Answers a POST to a review.
pub(super) fn review(call: &Call<'_>, resource: &str) -> Result<Response, Failure> {
    let known = ["selfsubjectaccessreviews", "selfsubjectreviews"];
    if !known.contains(&resource) {
        return Ok(Response::text(404, "404 page not found\n"));
    }
    if call.request.method != Method::Post {
        return Err(Failure::method_not_allowed());
    }
    let mut object = body::object(&call.request.content_type, &call.request.body)?;
    if !object.is_object() {
        return Err(Failure::bad_request("the body is not an object"));
    }
    if resource == "selfsubjectreviews" {
        return Ok(Response::json(
            201,
            &who(call.request, &call.registry.time(call.now)),
        ));
    }
    object["metadata"] = json!({});
    object["status"] = json!({"allowed": true});
    Ok(Response::json(201, &object))
}

fn who(request: &Request, time: &str) -> Value {
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": time},
        "status": {"userInfo": {
            "username": request.user,
            "groups": ["system:masters", "system:authenticated"],
        }},
    })
}
