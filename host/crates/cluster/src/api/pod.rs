//! What only pods have: being bound to a node. Never chooses the node.

use super::draft::is_dry_run;
use super::request::Response;
use super::route::Target;
use super::status::Failure;
use super::{Call, body, read};
use crate::kind::look::text;
use crate::store::name_of;
use serde_json::{Value, json};

/// Answers a POST of a `Binding`: the pod gets its node.
pub(super) fn bind(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let binding = body::object(&call.request.content_type, &call.request.body)?;
    let pod = read::find(call.store, target)?.clone();
    let (names, name) = (target.kind.names(), name_of(&pod));
    let node = text(&binding, "/target/name");
    if node.is_empty() {
        return Err(Failure::bad_request("target.name: Required value"));
    }
    let bound = text(&pod, "/spec/nodeName");
    if !bound.is_empty() {
        let why = format!("pod {name} is already assigned to node \"{bound}\"");
        return Err(Failure::conflict(names, name, &why));
    }
    if is_dry_run(call.request)? {
        return Ok(success());
    }
    let mut next = (*pod).clone();
    next["spec"]["nodeName"] = node.into();
    next["status"]["conditions"] = json!([{
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": call.registry.time(call.now),
    }]);
    let written = call.store.update(names.key, next);
    written.map_err(|error| Failure::conflict(names, name, &error.to_string()))?;
    Ok(success())
}

/// What a POST that leads to no object is answered with.
pub(super) fn success() -> Response {
    let status: Value = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Response::json(201, &status)
}
