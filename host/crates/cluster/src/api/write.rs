//! Creating, replacing and patching objects. Never removes one.

use super::draft::{Draft, is_dry_run, read_applied, read_body, read_patched};
use super::managed::{self, Writer};
use super::patch::Patch;
use super::request::Response;
use super::route::Target;
use super::status::Failure;
use super::{Call, address, admission, authorize, ephemeral, lab, negotiate, resize, table};
use crate::kind::look::text;
use crate::kind::{Findings, Kind, meta};
use crate::store::{Object, StoreError, name_of, namespace_of};
use serde_json::{Value, json};

/// Answers a POST to a collection.
pub(super) fn create(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let writer = writer(call, target, "CreateOptions")?;
    let draft = read_body(target, call.request)?;
    create_draft(call, target, draft, &Owner::Update(writer), dry_run)
}

/// Stamps a new object; a generated name that is taken is drawn again, as often as upstream does.
fn prepare(call: &mut Call<'_>, kind: &dyn Kind, object: &mut Value) {
    const TRIES: usize = 8;
    let (key, named) = (kind.names().key, !name_of(object).is_empty());
    for _ in 0..TRIES {
        call.registry.prepare(call.store, call.now, key, object);
        let taken = call.store.get(key, namespace_of(object), name_of(object));
        if named || taken.is_none() {
            return;
        }
        object["metadata"]["name"] = "".into();
    }
    call.registry.prepare(call.store, call.now, key, object);
}

/// How a new object gets its first manager.
enum Owner {
    /// From what is in it.
    Update(Writer),
    /// It was applied and has it already.
    Applied,
}

fn writer(call: &Call<'_>, target: &Target<'_>, options: &str) -> Result<Writer, Failure> {
    let time = call.registry.time(call.now);
    Writer::of(call.request, options, target.subresource, time)
}

fn create_draft(
    call: &mut Call<'_>,
    target: &Target<'_>,
    draft: Draft,
    owner: &Owner,
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
    if let Owner::Update(writer) = owner {
        let asked = asked(kind, &object);
        managed::created(kind, &asked, &mut object, writer);
    }
    admission::admit(call.store, kind, &mut object)?;
    let unused = lab::unused(kind, &object, None);
    prepare(call, kind, &mut object);
    admission::fill(call.store, kind, &mut object);
    // What is given comes before what is checked, so that the gift is checked, too.
    if kind.names().key == "services" {
        call.addresses.allocate(call.store, &mut object)?;
    }
    let mut found = Findings::default();
    meta::validate(kind, &object, &mut found);
    kind.validate(&object, &mut found);
    if kind.names().key == "pods" {
        ephemeral::validate_new(&object, &mut found);
    }
    let name = name_of(&object).to_owned();
    if !found.0.is_empty() {
        return Err(Failure::invalid(kind.names(), &name, &found.0));
    }
    authorize::check_escalation(call, kind, &object, None)?;
    admission::check_room(call.store, kind, &object)?;
    if call
        .store
        .get(kind.names().key, namespace_of(&object), &name)
        .is_some()
    {
        return Err(Failure::already_exists(kind.names(), &name));
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
    warnings.extend(kind.warnings(&object, None));
    warnings.extend(lab_warning(&unused));
    answer(call, target, 201, &object, warnings)
}

/// Answers a PUT of an object or of its status.
pub(super) fn replace(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let writer = writer(call, target, "UpdateOptions")?;
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
        Some(current) => update(
            call,
            target,
            draft,
            &current,
            &Owner::Update(writer),
            dry_run,
        ),
        None if may_be_created_by_put(names.key) && target.subresource.is_none() => {
            create_draft(call, target, draft, &Owner::Update(writer), dry_run)
        }
        None => Err(Failure::not_found(names, target.name.unwrap_or_default())),
    }
}

/// Upstream's `AllowCreateOnUpdate`.
fn may_be_created_by_put(key: &str) -> bool {
    matches!(
        key,
        "clusterrolebindings.rbac.authorization.k8s.io"
            | "clusterroles.rbac.authorization.k8s.io"
            | "endpoints"
            | "events"
            | "leases.coordination.k8s.io"
            | "limitranges"
            | "podtemplates"
            | "rolebindings.rbac.authorization.k8s.io"
            | "roles.rbac.authorization.k8s.io"
            | "services"
    )
}

/// Answers a PATCH of an object or of its status.
pub(super) fn patch(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let kind = target.kind;
    let patch = Patch::parse(&call.request.content_type, &call.request.body)?;
    check_options(call, matches!(patch, Patch::Apply(_)))?;
    let writer = writer(call, target, "PatchOptions")?;
    let (namespace, name) = (
        target.namespace.unwrap_or_default(),
        target.name.unwrap_or_default(),
    );
    let current = call.store.get(kind.names().key, namespace, name).cloned();
    if let Patch::Apply(applied) = &patch {
        return apply(call, target, applied, current.as_ref(), &writer);
    }
    let current = current.ok_or_else(|| Failure::not_found(kind.names(), name))?;
    let next = patch.apply(kind, &managed::expand(kind, &current))?;
    let draft = read_patched(call.request, target, next, &patch)?;
    update(
        call,
        target,
        draft,
        &current,
        &Owner::Update(writer),
        dry_run,
    )
}

/// Only an apply may insist, and it must say who applies.
fn check_options(call: &Call<'_>, applies: bool) -> Result<(), Failure> {
    let mut found = Findings::default();
    if !applies && call.request.param("force").is_some() {
        found.forbidden("force", "may not be specified for non-apply patch");
    }
    let manager = call.request.param("fieldManager").unwrap_or_default();
    if applies && manager.is_empty() {
        found.required("fieldManager", "is required for apply patch");
    }
    match found.0.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid_options(
            "PatchOptions.meta.k8s.io",
            &found.0,
        )),
    }
}

/// Server-side apply: the fields in the body are to be so, whether the object exists or not.
fn apply(
    call: &mut Call<'_>,
    target: &Target<'_>,
    applied: &Value,
    current: Option<&Object>,
    writer: &Writer,
) -> Result<Response, Failure> {
    let dry_run = is_dry_run(call.request)?;
    let (kind, names) = (target.kind, target.kind.names());
    if current.is_none() && target.subresource.is_some() {
        return Err(Failure::not_found(names, target.name.unwrap_or_default()));
    }
    let applied = read_applied(target, applied)?;
    let force = matches!(call.request.param("force"), Some("true" | "1"));
    let live = current.map(|current| &**current);
    let next = managed::apply(kind, live, &applied, writer, force)?;
    let (text, next) = (
        next["metadata"]["managedFields"].clone(),
        without_managers(next),
    );
    let patch = Patch::Apply(applied);
    let mut draft = read_patched(call.request, target, next, &patch)?;
    if !text.is_null() {
        draft.object["metadata"]["managedFields"] = text;
    }
    match current {
        Some(current) => update(call, target, draft, current, &Owner::Applied, dry_run),
        None => create_draft(call, target, draft, &Owner::Applied, dry_run),
    }
}

fn without_managers(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// The object as the client asked for it: with the defaults of its kind, without what the server
/// adds afterwards.
fn asked(kind: &dyn Kind, draft: &Value) -> Value {
    let added: &[&str] = match kind.names().key {
        "services" => &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"],
        "pods" => &[
            "serviceAccountName",
            "serviceAccount",
            "tolerations",
            "priority",
            "preemptionPolicy",
        ],
        "namespaces" => &["finalizers"],
        _ => &[],
    };
    let mut asked = draft.clone();
    kind.default_object(&mut asked);
    if let Some(spec) = asked.get_mut("spec").and_then(Value::as_object_mut) {
        let own = |field: &str| draft["spec"].get(field).is_some();
        spec.retain(|field, _| !added.contains(&field.as_str()) || own(field));
        if spec.is_empty() && draft.get("spec").is_none() {
            asked.as_object_mut().map(|fields| fields.remove("spec"));
        }
    }
    asked
}

fn update(
    call: &mut Call<'_>,
    target: &Target<'_>,
    draft: Draft,
    current: &Object,
    owner: &Owner,
    dry_run: bool,
) -> Result<Response, Failure> {
    let (kind, key) = (target.kind, target.kind.names().key);
    let Draft {
        mut object,
        mut warnings,
    } = draft;
    let name = name_of(current).to_owned();
    check_versions(kind, &object, current)?;
    let given = asked(kind, &object);
    let applied = object["metadata"]["managedFields"].clone();
    let joins = target.subresource == Some("ephemeralcontainers");
    let resizes = target.subresource == Some("resize");
    if joins {
        object = ephemeral::joined(&object, current);
    } else if resizes {
        object = resize::resized(&object, current);
    } else if target.subresource == Some("status") {
        let mut status_only = (**current).clone();
        match object
            .as_object_mut()
            .and_then(|fields| fields.remove("status"))
        {
            Some(status) => status_only["status"] = status,
            None => status_only["status"] = json!({}),
        }
        object = status_only;
        if applied.is_string() {
            object["metadata"]["managedFields"] = applied;
        }
    } else if kind.owns_status() {
        object["status"] = current["status"].clone();
    }
    if key == "services" {
        address::carry_over(&mut object, current);
    }
    kind.default_object(&mut object);
    let mut found = Findings::default();
    meta::validate_update(&object, current, &mut found);
    meta::validate(kind, &object, &mut found);
    kind.validate(&object, &mut found);
    if joins {
        ephemeral::validate_update(&object, current, &mut found);
    } else if resizes {
        resize::validate_update(&object, current, &mut found);
    } else {
        kind.validate_update(&object, current, &mut found);
    }
    if !found.0.is_empty() {
        return Err(Failure::invalid(kind.names(), &name, &found.0));
    }
    authorize::check_escalation(call, kind, &object, Some(current))?;
    if key == "services" {
        call.addresses.allocate(call.store, &mut object)?;
    }
    if target.subresource.is_none() {
        warnings.extend(kind.warnings(&object, Some(current)));
    }
    warnings.extend(lab_warning(&lab::unused(kind, &object, Some(current))));
    if let Owner::Update(writer) = owner {
        managed::updated(kind, current, &given, &mut object, writer);
    }
    let written = match (dry_run, target.subresource) {
        (true, Some("status")) => Ok(Object::new(object)),
        (true, _) => {
            let next = call.registry.next(call.store, key, object);
            next.map(Object::new)
        }
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
            "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {stored}",
            storage_key(kind, current)
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

/// Where etcd would keep the object, as errors of the storage name it.
fn storage_key(kind: &dyn Kind, object: &Value) -> String {
    let place = match kind.names().key {
        "services" => "services/specs",
        "endpoints" => "services/endpoints",
        "nodes" => "minions",
        "ingresses.networking.k8s.io" => "ingress",
        _ => kind.names().plural,
    };
    let name = name_of(object);
    match namespace_of(object) {
        "" => format!("/registry/{place}/{name}"),
        space => format!("/registry/{place}/{space}/{name}"),
    }
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

fn lab_warning(unused: &[String]) -> Option<String> {
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
