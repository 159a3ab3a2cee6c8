//! In which form the client wants its answer. Never makes the answer.

use super::body::media_type;
use super::request::Request;
use super::status::Failure;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The objects themselves.
    Objects,
    /// Rows and columns, as `kubectl get` prints them.
    Table {
        /// What each row carries.
        include: Include,
    },
    /// Only the metadata of the objects.
    Metadata,
}

/// What each row of a table carries besides its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Include {
    /// Nothing.
    Nothing,
    /// The object's metadata.
    Metadata,
    /// The whole object.
    Object,
}

/// The first form in `Accept` that can be given.
pub(super) fn form(request: &Request) -> Result<Form, Failure> {
    if request.accept.trim().is_empty() {
        return Ok(Form::Objects);
    }
    let clauses = request.accept.split(',').filter(|clause| is_json(clause));
    let mut forms = clauses.filter_map(|clause| match parameter(clause, "as") {
        None => Some(Form::Objects),
        Some(_) if parameter(clause, "g") != Some("meta.k8s.io") => None,
        Some(_) if !matches!(parameter(clause, "v"), Some("v1" | "v1beta1")) => None,
        Some("Table") => Some(Form::Table {
            include: include(request),
        }),
        Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Some(Form::Metadata),
        Some(_) => None,
    });
    forms.next().ok_or_else(Failure::not_acceptable)
}

fn include(request: &Request) -> Include {
    match request.param("includeObject") {
        Some("None") => Include::Nothing,
        Some("Object") => Include::Object,
        _ => Include::Metadata,
    }
}

fn is_json(clause: &str) -> bool {
    matches!(
        media_type(clause),
        "application/json" | "*/*" | "application/*"
    )
}

/// A parameter of one clause of `Accept`.
pub(super) fn parameter<'a>(clause: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = clause.split(';').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}
