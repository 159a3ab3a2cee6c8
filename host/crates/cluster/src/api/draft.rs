//! Reads the body of a write as an object of its kind, and what is to be said about it.
//!
//! Unknown fields are dropped, told or refused, as the client wishes. Never writes.

use super::patch::Patch;
use super::request::{Method, Request};
use super::route::Target;
use super::status::Failure;
use super::twice::twice;
use super::{body, decode, managed};
use crate::kind::look::text;
use crate::kind::{Findings, Kind};
use serde_json::{Value, json};

/// What happens to fields that no type knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// A body that was read, with what is to be said about it.
pub(super) struct Draft {
    pub(super) object: Value,
    pub(super) warnings: Vec<String>,
}

fn validation(request: &Request) -> Result<Validation, Failure> {
    match request.param("fieldValidation") {
        Some("Ignore") => Ok(Validation::Ignore),
        None | Some("" | "Warn") => Ok(Validation::Warn),
        Some("Strict") => Ok(Validation::Strict),
        Some(other) => {
            let mut found = Findings::default();
            found.unsupported("fieldValidation", other, &["", "Ignore", "Strict", "Warn"]);
            Err(Failure::invalid_options(options_of(request), &found.0))
        }
    }
}

pub(super) fn is_dry_run(request: &Request) -> Result<bool, Failure> {
    match request.param("dryRun") {
        None | Some("") => Ok(false),
        Some("All") => Ok(true),
        Some(other) => {
            let mut found = Findings::default();
            let value = json!([other]);
            found.unsupported("dryRun", other, &["All"]);
            if let Some(finding) = found.0.last_mut() {
                finding.message = format!("Unsupported value: {value}: supported values: \"All\"");
            }
            Err(Failure::invalid_options(options_of(request), &found.0))
        }
    }
}

/// What the options of this kind of write are called.
fn options_of(request: &Request) -> &'static str {
    match request.method {
        Method::Post => "CreateOptions.meta.k8s.io",
        Method::Put => "UpdateOptions.meta.k8s.io",
        Method::Patch => "PatchOptions.meta.k8s.io",
        _ => "DeleteOptions.meta.k8s.io",
    }
}

/// Reads the body as an object of the target's kind.
pub(super) fn read_body(target: &Target<'_>, request: &Request) -> Result<Draft, Failure> {
    let mut object = body::object(&request.content_type, &request.body)?;
    let names = target.kind.names();
    if !object.is_object() {
        let json = "json: cannot unmarshal into Go value of type struct";
        return Err(Failure::bad_request(format!(
            "couldn't get version/kind; json parse error: {json}"
        )));
    }
    let (version, kind) = (text(&object, "/apiVersion"), text(&object, "/kind"));
    if !version.is_empty() && version != names.api_version() {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            names.api_version()
        )));
    }
    if !kind.is_empty() && kind != names.kind {
        return Err(cannot_be_handled(
            kind,
            target.kind,
            &format!("no kind \"{kind}\" can be kept as {}", names.plural),
        ));
    }
    object["apiVersion"] = names.api_version().into();
    object["kind"] = names.kind.into();
    keep_reset(&mut object);
    let unknown = decode::fit(target.kind, &mut object)
        .map_err(|error| cannot_be_handled(names.kind, target.kind, &error))?;
    let mut warnings = duplicates(request);
    warnings.extend(unknown_fields(unknown));
    if validation(request)? == Validation::Strict && !warnings.is_empty() {
        let error = format!("strict decoding error: {}", warnings.join(", "));
        return Err(cannot_be_handled(names.kind, target.kind, &error));
    }
    if request.method == Method::Put && text(&object, "/metadata/name").is_empty() {
        return Err(Failure::bad_request(
            "the name of the object (based on URL) was undeterminable: name must be provided",
        ));
    }
    check_place(target, &mut object)?;
    Ok(Draft {
        object,
        warnings: heard(request, warnings)?,
    })
}

/// An empty list of managers means something, unlike other empty lists: forget them all.
fn keep_reset(object: &mut Value) {
    if let Some(entries) = object.pointer_mut("/metadata/managedFields")
        && entries.as_array().is_some_and(Vec::is_empty)
    {
        *entries = json!([{}]);
    }
}

/// Fields that stand twice in the body; the last one counts.
fn duplicates(request: &Request) -> Vec<String> {
    let type_ = body::media_type(&request.content_type);
    if !(type_.is_empty() || type_.ends_with("json")) || type_.contains("json-patch") {
        return Vec::new();
    }
    let paths = twice(&request.body).into_iter();
    paths
        .map(|path| format!("duplicate field \"{path}\""))
        .collect()
}

fn unknown_fields(paths: Vec<String>) -> Vec<String> {
    paths
        .into_iter()
        .map(|path| format!("unknown field \"{path}\""))
        .collect()
}

fn heard(request: &Request, warnings: Vec<String>) -> Result<Vec<String>, Failure> {
    Ok(if validation(request)? == Validation::Ignore {
        Vec::new()
    } else {
        warnings
    })
}

fn cannot_be_handled(found: &str, kind: &dyn Kind, error: &str) -> Failure {
    let names = kind.names();
    Failure::bad_request(format!(
        "{found} in version \"{}\" cannot be handled as a {}: {error}",
        names.version, names.kind
    ))
}

/// The body and the path must mean the same object.
fn check_place(target: &Target<'_>, object: &mut Value) -> Result<(), Failure> {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let metadata = &mut object["metadata"];
    let own = metadata["namespace"].as_str().unwrap_or_default();
    match target.namespace {
        Some(space) if own.is_empty() => metadata["namespace"] = space.into(),
        Some(space) if own != space => {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        Some(_) => {}
        None => {
            metadata
                .as_object_mut()
                .map(|fields| fields.remove("namespace"));
        }
    }
    let own = metadata["name"].as_str().unwrap_or_default();
    match target.name {
        Some(name) if own.is_empty() => metadata["name"] = name.into(),
        Some(name) if own != name => {
            return Err(Failure::bad_request(format!(
                "the name of the object ({own}) does not match the name on the URL ({name})"
            )));
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn read_patched(
    request: &Request,
    target: &Target<'_>,
    mut object: Value,
    patch: &Patch,
) -> Result<Draft, Failure> {
    if !object.is_object() {
        return Err(Failure::bad_request(
            "the patched object is no longer an object",
        ));
    }
    let names = target.kind.names();
    object["apiVersion"] = names.api_version().into();
    object["kind"] = names.kind.into();
    keep_reset(&mut object);
    let unknown = decode::fit(target.kind, &mut object)
        .map_err(|error| cannot_be_handled(names.kind, target.kind, &error))?;
    let mut warnings = duplicates(request);
    warnings.extend(unknown_fields(unknown));
    if validation(request)? == Validation::Strict && !warnings.is_empty() {
        let mut found = Findings::default();
        let error = format!("strict decoding error: {}", warnings.join(", "));
        found.invalid("patch", &patch.printed().into(), error);
        return Err(Failure::invalid_options("", &found.0));
    }
    check_place(target, &mut object)?;
    Ok(Draft {
        object,
        warnings: heard(request, warnings)?,
    })
}

/// Checks an applied object: its version, kind, place and types.
pub(super) fn read_applied(target: &Target<'_>, applied: &Value) -> Result<Value, Failure> {
    let names = target.kind.names();
    let (version, kind) = (text(applied, "/apiVersion"), text(applied, "/kind"));
    let full = |version: &str, kind: &str| match version.contains('/') {
        true => format!("{version}, Kind={kind}"),
        false => format!("/{version}, Kind={kind}"),
    };
    if version != names.api_version() || kind != names.kind {
        let found = full(version, kind);
        return Err(Failure::bad_request(format!(
            "invalid object type: {found}"
        )));
    }
    let mut object = applied.clone();
    check_place(target, &mut object)?;
    if object["metadata"].get("managedFields").is_some() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    managed::check_types(target.kind, &object).map_err(|error| {
        Failure::unexplained(format!(
            "failed to create typed patch object ({}/{}; {}): {error}",
            text(&object, "/metadata/namespace"),
            text(&object, "/metadata/name"),
            full(version, kind),
        ))
    })?;
    drop_nulls(&mut object);
    Ok(object)
}

/// What is explicitly nothing is not applied.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
