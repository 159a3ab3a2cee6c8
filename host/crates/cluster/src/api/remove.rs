//! Deleting objects, one or many. Never waits for a kubelet.

use super::draft::is_dry_run;
use super::read::Selection;
use super::request::{Method, Request, Response};
use super::route::Target;
use super::status::{self, Failure};
use super::table::{self, ListMeta};
use super::{Call, body, negotiate};
use crate::kind::look::{int, text};
use crate::registry::{Deleted, Deletion};
use crate::store::{Object, name_of, namespace_of};
use serde_json::{Value, json};

const LASTING_NAMESPACES: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Answers a DELETE of one object.
pub(super) fn one(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let options = Options::parse(call.request)?;
    let object = super::read::find(call.store, target)?.clone();
    let names = target.kind.names();
    if names.key == "namespaces" && LASTING_NAMESPACES.contains(&name_of(&object)) {
        let why = "this namespace may not be deleted";
        return Err(Failure::forbidden(names, name_of(&object), why));
    }
    options.check(target, &object)?;
    let deleted = match options.dry_run {
        true => Deleted::Gone(object),
        false => delete(call, target, &object, &options)?,
    };
    let mut response = answer(call, target, &deleted)?;
    if options.waits && matches!(deleted, Deleted::Waiting(_)) {
        response.status = 202;
    }
    Ok(response)
}

/// Answers a DELETE of a collection.
pub(super) fn many(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let options = Options::parse(call.request)?;
    let selection = Selection::parse(target, call.request)?;
    let objects: Vec<Object> = selection.all(call.store, target.kind).cloned().collect();
    if !options.dry_run {
        for object in &objects {
            delete(call, target, object, &options)?;
        }
    }
    let meta = ListMeta {
        revision: call.store.revision().to_string(),
        ..ListMeta::default()
    };
    let form = negotiate::form(call.request)?;
    let bytes = table::many(target.kind, form, &objects, &meta, call.wall);
    Ok(Response::of_type(200, "application/json", bytes))
}

fn delete(
    call: &mut Call<'_>,
    target: &Target<'_>,
    object: &Object,
    options: &Options,
) -> Result<Deleted, Failure> {
    let names = target.kind.names();
    let (namespace, name) = (namespace_of(object), name_of(object));
    let deletion = options.deletion;
    let deleted = call
        .registry
        .delete(call.store, call.now, names.key, namespace, name, deletion);
    deleted.map_err(|_| Failure::not_found(names, name))
}

fn answer(call: &Call<'_>, target: &Target<'_>, deleted: &Deleted) -> Result<Response, Failure> {
    let names = target.kind.names();
    let returns_object = matches!(names.key, "pods" | "services");
    let object = match deleted {
        Deleted::Gone(object) if !returns_object => {
            return Ok(Response::json(200, &status::deleted(names, object)));
        }
        Deleted::Gone(object) | Deleted::Waiting(object) => object,
    };
    let form = negotiate::form(call.request)?;
    Ok(Response::json(
        200,
        &table::one(target.kind, form, object, call.wall),
    ))
}

/// The preconditions in `DeleteOptions` that came inside of something else.
pub(super) fn check_preconditions(
    options: &Value,
    target: &Target<'_>,
    object: &Value,
) -> Result<(), Failure> {
    Options::check_into(options, target, object)
}

/// `DeleteOptions`, from the body or else from the query.
struct Options {
    deletion: Deletion,
    dry_run: bool,
    /// Whether the client said that it expects the object to stay for a while.
    waits: bool,
    uid: String,
    version: String,
}

impl Options {
    fn parse(request: &Request) -> Result<Self, Failure> {
        let value = match request.body.is_empty() || request.method != Method::Delete {
            true => from_query(request),
            false => body::object(&request.content_type, &request.body)?,
        };
        let policy = text(&value, "/propagationPolicy");
        let orphans = value["orphanDependents"].as_bool();
        if orphans.is_some() && !policy.is_empty() {
            let mut found = crate::kind::Findings::default();
            let why = "orphanDependents and deletionPropagation cannot be both set";
            found.invalid("propagationPolicy", &policy.into(), why);
            return Err(Failure::invalid_options(
                "DeleteOptions.meta.k8s.io",
                &found.0,
            ));
        }
        if !matches!(policy, "" | "Background" | "Foreground" | "Orphan") {
            let mut found = crate::kind::Findings::default();
            found.unsupported(
                "propagationPolicy",
                policy,
                &["Foreground", "Background", "Orphan", "nil"],
            );
            return Err(Failure::invalid_options(
                "DeleteOptions.meta.k8s.io",
                &found.0,
            ));
        }
        let dry_run = value["dryRun"]
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one == "All"));
        Ok(Self {
            deletion: Deletion {
                grace_seconds: int(&value, "/gracePeriodSeconds"),
                orphan: policy == "Orphan" || orphans == Some(true),
                foreground: policy == "Foreground",
            },
            waits: policy == "Foreground" || orphans == Some(false),
            dry_run: dry_run || is_dry_run(request)?,
            uid: text(&value, "/preconditions/uid").to_owned(),
            version: text(&value, "/preconditions/resourceVersion").to_owned(),
        })
    }

    fn check_into(value: &Value, target: &Target<'_>, object: &Value) -> Result<(), Failure> {
        let options = Self {
            deletion: Deletion::default(),
            dry_run: false,
            waits: false,
            uid: text(value, "/preconditions/uid").to_owned(),
            version: text(value, "/preconditions/resourceVersion").to_owned(),
        };
        options.check(target, object)
    }

    fn check(&self, target: &Target<'_>, object: &Value) -> Result<(), Failure> {
        let names = target.kind.names();
        let conflict = |what: &str, asked: &str, found: &str, perhaps: &str| {
            let why = format!(
                "the {what} in the precondition ({asked}) does not match the {what} in record ({found}). The object might have been {perhaps}"
            );
            Err(Failure::conflict_of_kind(names, name_of(object), &why))
        };
        let (uid, version) = (
            text(object, "/metadata/uid"),
            text(object, "/metadata/resourceVersion"),
        );
        if !self.uid.is_empty() && self.uid != uid {
            return conflict("UID", &self.uid, uid, "deleted and then recreated");
        }
        if !self.version.is_empty() && self.version != version {
            return conflict("ResourceVersion", &self.version, version, "modified");
        }
        Ok(())
    }
}

fn from_query(request: &Request) -> Value {
    let mut options = json!({});
    if let Some(seconds) = request
        .param("gracePeriodSeconds")
        .and_then(|text| text.parse::<i64>().ok())
    {
        options["gracePeriodSeconds"] = seconds.into();
    }
    if let Some(policy) = request.param("propagationPolicy") {
        options["propagationPolicy"] = policy.into();
    }
    if let Some(orphans) = request.param("orphanDependents") {
        options["orphanDependents"] = (orphans == "true").into();
    }
    options
}
