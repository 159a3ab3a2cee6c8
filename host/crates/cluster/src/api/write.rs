//! Creating, replacing and patching objects. Never removes one.

use super::patch::Patch;
use super::request::{Request, Response};
use super::route::Target;
use super::status::Failure;
use super::{Call, address, admission, body, decode, lab, negotiate, table};
use crate::kind::look::text;
use crate::kind::{Findings, Kind, meta};
use crate::store::{Object, StoreError, name_of, namespace_of};
use serde_json::{Value, json};

/// Apply merges here; it neither knows who set a field nor removes what is no longer mentioned.
const OWNERSHIP: &str = "not in this lab: field ownership in server-side apply; fields that are left out stay as they are";

/// What happens to fields that no type knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// A body that was read, with what is to be said about it.
struct Draft {
    object: Value,
    warnings: Vec<String>,
}

fn validation(request: &Request) -> Result<Validation, Failure> {
    match request.param("fieldValidation") {
        Some("Ignore") => Ok(Validation::Ignore),
        None | Some("" | "Warn") => Ok(Validation::Warn),
        Some("Strict") => Ok(Validation::Strict),
        Some(other) => Err(Failure::bad_request(format!(
            "fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Warn\", \"Strict\""
        ))),
    }
}

pub(super) fn is_dry_run(request: &Request) -> Result<bool, Failure> {
    match request.param("dryRun") {
        None | Some("") => Ok(false),
        Some("All") => Ok(true),
        Some(other) => Err(Failure::bad_request(format!(
            "dryRun: Unsupported value: \"{other}\": supported values: \"All\""
        ))),
    }
}

/// Reads the body as an object of the target's kind.
fn read_body(target: &Target<'_>, request: &Request) -> Result<Draft, Failure> {
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
    let unknown = decode::fit(target.kind, &mut object)
        .map_err(|error| cannot_be_handled(names.kind, target.kind, &error))?;
    let warnings = unknown_fields(unknown);
    if validation(request)? == Validation::Strict && !warnings.is_empty() {
        let error = format!("strict decoding error: {}", warnings.join(", "));
        return Err(cannot_be_handled(names.kind, target.kind, &error));
    }
    check_place(target, &mut object)?;
    Ok(Draft {
        object,
        warnings: heard(request, warnings)?,
    })
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

/// Answers a POST to a collection.
pub(super) fn create(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let draft = read_body(target, call.request)?;
    create_draft(call, target, draft, dry_run)
}

fn create_draft(
    call: &mut Call<'_>,
    target: &Target<'_>,
    draft: Draft,
    dry_run: bool,
) -> Result<Response, Failure> {
    let kind = target.kind;
    let Draft {
        mut object,
        mut warnings,
    } = draft;
    if !text(&object, "/metadata/resourceVersion").is_empty() {
        return Err(Failure::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    admission::check_namespace(call.store, target, name_of(&object))?;
    forget_system_fields(kind, &mut object);
    admission::admit(call.store, kind, &mut object)?;
    let unused = lab::unused(kind, &object, None);
    call.registry
        .prepare(call.now, kind.names().key, &mut object);
    let mut found = Findings::default();
    meta::validate(kind, &object, &mut found);
    kind.validate(&object, &mut found);
    let name = name_of(&object).to_owned();
    if !found.0.is_empty() {
        return Err(Failure::invalid(kind.names(), &name, &found.0));
    }
    if call
        .store
        .get(kind.names().key, namespace_of(&object), &name)
        .is_some()
    {
        return Err(Failure::already_exists(kind.names(), &name));
    }
    if kind.names().key == "services" {
        call.addresses.allocate(call.store, &mut object)?;
    }
    let object = match dry_run {
        true => Object::new(object),
        false => {
            let created = call.store.create(kind.names().key, object);
            created.map_err(|error| refused(kind, &name, &error))?
        }
    };
    if !dry_run && kind.names().key == "namespaces" {
        admission::furnish_namespace(call.store, call.registry, call.now, &name);
    }
    warnings.extend(lab_warning(&unused));
    answer(call, target, 201, &object, warnings)
}

/// Answers a PUT of an object or of its status.
pub(super) fn replace(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let draft = read_body(target, call.request)?;
    let names = target.kind.names();
    let current = call
        .store
        .get(
            names.key,
            namespace_of(&draft.object),
            name_of(&draft.object),
        )
        .cloned();
    match current {
        Some(current) => update(call, target, draft, &current, dry_run),
        None if may_be_created_by_put(names.key) && target.subresource.is_none() => {
            create_draft(call, target, draft, dry_run)
        }
        None => Err(Failure::not_found(names, target.name.unwrap_or_default())),
    }
}

fn may_be_created_by_put(key: &str) -> bool {
    matches!(key, "endpoints" | "events" | "leases.coordination.k8s.io")
}

/// Answers a PATCH of an object or of its status.
pub(super) fn patch(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let kind = target.kind;
    let patch = Patch::parse(&call.request.content_type, &call.request.body)?;
    let (namespace, name) = (
        target.namespace.unwrap_or_default(),
        target.name.unwrap_or_default(),
    );
    let current = call.store.get(kind.names().key, namespace, name).cloned();
    if let Patch::Apply(_) = patch
        && call
            .request
            .param("fieldManager")
            .unwrap_or_default()
            .is_empty()
    {
        let mut found = Findings::default();
        found.required("fieldManager", "is required for apply patch");
        return Err(Failure::invalid_options(
            "PatchOptions.meta.k8s.io",
            &found.0,
        ));
    }
    let current = match (current, &patch) {
        (Some(current), _) => current,
        (None, Patch::Apply(object)) if target.subresource.is_none() => {
            let draft = read_patched(call, target, object.clone(), &patch)?;
            return create_draft(call, target, draft, dry_run);
        }
        (None, _) => return Err(Failure::not_found(kind.names(), name)),
    };
    let next = patch.apply(kind, &current)?;
    let draft = read_patched(call, target, next, &patch)?;
    let mut response = update(call, target, draft, &current, dry_run)?;
    if matches!(patch, Patch::Apply(_)) {
        response.warn(OWNERSHIP);
    }
    Ok(response)
}

fn read_patched(
    call: &Call<'_>,
    target: &Target<'_>,
    mut object: Value,
    patch: &Patch,
) -> Result<Draft, Failure> {
    let names = target.kind.names();
    object["apiVersion"] = names.api_version().into();
    object["kind"] = names.kind.into();
    let unknown = decode::fit(target.kind, &mut object)
        .map_err(|error| cannot_be_handled(names.kind, target.kind, &error))?;
    let warnings = unknown_fields(unknown);
    if validation(call.request)? == Validation::Strict && !warnings.is_empty() {
        let mut found = Findings::default();
        let error = format!("strict decoding error: {}", warnings.join(", "));
        found.invalid("patch", &patch.printed().into(), error);
        return Err(Failure::invalid_options("", &found.0));
    }
    check_place(target, &mut object)?;
    Ok(Draft {
        object,
        warnings: heard(call.request, warnings)?,
    })
}

fn update(
    call: &mut Call<'_>,
    target: &Target<'_>,
    draft: Draft,
    current: &Object,
    dry_run: bool,
) -> Result<Response, Failure> {
    let (kind, key) = (target.kind, target.kind.names().key);
    let Draft {
        mut object,
        mut warnings,
    } = draft;
    let name = name_of(current).to_owned();
    check_versions(kind, &object, current)?;
    if target.subresource == Some("status") {
        let mut status_only = (**current).clone();
        match object
            .as_object_mut()
            .and_then(|fields| fields.remove("status"))
        {
            Some(status) => status_only["status"] = status,
            None => status_only["status"] = json!({}),
        }
        object = status_only;
    } else if kind.owns_status() {
        object["status"] = current["status"].clone();
    }
    if key == "services" {
        address::carry_over(&mut object, current);
    }
    kind.default_object(&mut object);
    let mut found = Findings::default();
    meta::validate(kind, &object, &mut found);
    kind.validate(&object, &mut found);
    kind.validate_update(&object, current, &mut found);
    if !found.0.is_empty() {
        return Err(Failure::invalid(kind.names(), &name, &found.0));
    }
    if key == "services" {
        call.addresses.allocate(call.store, &mut object)?;
    }
    warnings.extend(lab_warning(&lab::unused(kind, &object, Some(current))));
    let written = match (dry_run, target.subresource) {
        (true, _) => Ok(Object::new(object)),
        (false, Some("status")) => call.registry.update_status(call.store, key, &object),
        (false, _) => call.registry.update(call.store, key, object),
    };
    let object = written.map_err(|error| refused(kind, &name, &error))?;
    answer(call, target, 200, &object, warnings)
}

/// The object meant must be this one, and unchanged when the client says what it saw.
fn check_versions(kind: &dyn Kind, new: &Value, current: &Value) -> Result<(), Failure> {
    let name = name_of(current);
    let (asked, stored) = (text(new, "/metadata/uid"), text(current, "/metadata/uid"));
    if !asked.is_empty() && asked != stored {
        let why = format!(
            "Precondition failed: UID in precondition: {asked}, UID in object meta: {stored}"
        );
        return Err(Failure::conflict(kind.names(), name, &why));
    }
    let version = "/metadata/resourceVersion";
    let (asked, stored) = (text(new, version), text(current, version));
    if !asked.is_empty() && asked != stored {
        return Err(Failure::conflict(
            kind.names(),
            name,
            &StoreError::Conflict.to_string(),
        ));
    }
    Ok(())
}

/// What a client cannot decide about a new object.
fn forget_system_fields(kind: &dyn Kind, object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "selfLink",
            "managedFields",
        ] {
            metadata.remove(field);
        }
    }
    if kind.owns_status()
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
}

fn refused(kind: &dyn Kind, name: &str, error: &StoreError) -> Failure {
    match error {
        StoreError::AlreadyExists => Failure::already_exists(kind.names(), name),
        StoreError::NotFound => Failure::not_found(kind.names(), name),
        StoreError::Conflict => Failure::conflict(kind.names(), name, &error.to_string()),
        StoreError::Unnamed => Failure::bad_request("name or generateName is required"),
    }
}

fn lab_warning(unused: &[&str]) -> Option<String> {
    (!unused.is_empty()).then(|| format!("not in this lab: {}", unused.join(", ")))
}

/// The object in the form the client wants, with warnings in the headers.
fn answer(
    call: &Call<'_>,
    target: &Target<'_>,
    status: u16,
    object: &Object,
    warnings: Vec<String>,
) -> Result<Response, Failure> {
    let form = negotiate::form(call.request)?;
    let mut response = Response::json(status, &table::one(target.kind, form, object, call.wall));
    for warning in warnings {
        response.warn(&warning);
    }
    Ok(response)
}
