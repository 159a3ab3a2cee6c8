//! `scale`: the number of replicas by itself. Never starts or stops anything.

use super::draft::is_dry_run;
use super::managed::{self, Writer};
use super::negotiate::{self, Form, Include};
use super::patch::Patch;
use super::request::{Method, Response};
use super::route::Target;
use super::status::Failure;
use super::{Call, body, decode, read, table};
use crate::controller::pods;
use crate::kind::column::SCALES;
use crate::kind::look::{format_selector, int, text};
use crate::kind::{Findings, age};
use crate::store::{StoreError, name_of};
use serde_json::{Value, json};

/// Answers GET, PUT and PATCH of `…/scale`.
pub(super) fn scale(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let names = target.kind.names();
    let current = read::find(call.store, target)?.clone();
    let shown = show(&current);
    let wanted = match call.request.method {
        Method::Put => body::object(&call.request.content_type, &call.request.body)?,
        Method::Patch => patched(call, target, &shown)?,
        _ => return read_only(call, &shown),
    };
    let mut wanted = wanted;
    decode::fit_named("io.k8s.api.autoscaling.v1.Scale", &mut wanted).map_err(|error| {
        Failure::bad_request(format!(
            "Scale in version \"v1\" cannot be handled as a Scale: {error}"
        ))
    })?;
    let version = text(&wanted, "/metadata/resourceVersion");
    if !version.is_empty() && version != text(&current, "/metadata/resourceVersion") {
        let why = StoreError::Conflict.to_string();
        return Err(Failure::conflict(names, name_of(&current), &why));
    }
    let replicas = int(&wanted, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        let mut found = Findings::default();
        found.invalid(
            "spec.replicas",
            &replicas.into(),
            "must be greater than or equal to 0",
        );
        let scale = crate::kind::Names {
            kind: "Scale",
            group: "autoscaling",
            ..*names
        };
        return Err(Failure::invalid(&scale, name_of(&current), &found.0));
    }
    let writer = Writer::of(
        call.request,
        "UpdateOptions",
        target.subresource,
        call.registry.time(call.now),
    )?;
    let mut next = (*current).clone();
    next["spec"]["replicas"] = replicas.into();
    let asked = next.clone();
    managed::updated(target.kind, &current, &asked, &mut next, &writer);
    if is_dry_run(call.request)? {
        let next = call.registry.next(call.store, names.key, next);
        let next = next.map_err(|_| Failure::not_found(names, name_of(&current)))?;
        return Ok(Response::json(200, &show(&next)));
    }
    let written = call.registry.update(call.store, names.key, next);
    let object =
        written.map_err(|error| Failure::conflict(names, name_of(&current), &error.to_string()))?;
    Ok(Response::json(200, &show(&object)))
}

/// A scale by itself, or as a row.
fn read_only(call: &Call<'_>, shown: &Value) -> Result<Response, Failure> {
    let answer = match negotiate::form(call.request)? {
        Form::Objects => shown.clone(),
        Form::Metadata => table::partial(shown),
        Form::Table { include } => {
            let created = text(shown, "/metadata/creationTimestamp");
            let cells = json!([
                name_of(shown),
                int(shown, "/spec/replicas").unwrap_or(0),
                int(shown, "/status/replicas").unwrap_or(0),
                age::since(created, call.wall),
            ]);
            let object = match include {
                Include::Nothing => Value::Null,
                Include::Metadata => table::partial(shown),
                Include::Object => shown.clone(),
            };
            table::of_row(
                SCALES,
                text(shown, "/metadata/resourceVersion"),
                cells,
                object,
            )
        }
    };
    Ok(Response::json(200, &answer))
}

fn patched(call: &Call<'_>, target: &Target<'_>, shown: &Value) -> Result<Value, Failure> {
    match Patch::parse(&call.request.content_type, &call.request.body)? {
        // A scale has no lists, so that all merges are the same.
        Patch::Merge(patch) | Patch::Strategic(patch) | Patch::Apply(patch) => {
            Patch::Merge(patch).apply(target.kind, shown)
        }
        operations @ Patch::Json(_) => operations.apply(target.kind, shown),
    }
}

fn show(object: &Value) -> Value {
    let mut metadata = json!({});
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(value) = object["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {},
        "status": {"replicas": int(object, "/status/replicas").unwrap_or(0)},
    });
    if let Some(replicas) = int(object, "/spec/replicas").filter(|replicas| *replicas != 0) {
        scale["spec"]["replicas"] = replicas.into();
    }
    if object["spec"]["selector"].is_object() {
        scale["status"]["selector"] = format_selector(&pods::selector(object), "").into();
    }
    scale
}
