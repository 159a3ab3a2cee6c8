//! Getting and listing objects. Never changes one.

use super::negotiate;
use super::options::{self, Match, Options, Token};
use super::request::{Request, Response};
use super::route::Target;
use super::selector::{Fields, Labels};
use super::status::Failure;
use super::table::{self, ListMeta};
use crate::kind::Kind;
use crate::store::{Object, Store, namespace_of};
use jiff::Timestamp;
use serde_json::Value;

/// Which objects of a kind a request means.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub(super) namespace: Option<String>,
    labels: Labels,
    fields: Fields,
}

impl Selection {
    pub(super) fn parse(target: &Target<'_>, request: &Request) -> Result<Self, Failure> {
        let labels = Labels::parse(request.param("labelSelector").unwrap_or_default());
        let fields = Fields::parse(
            target.kind,
            request.param("fieldSelector").unwrap_or_default(),
        );
        Ok(Self {
            namespace: target.namespace.map(str::to_owned),
            labels: labels.map_err(Failure::bad_request)?,
            fields: fields.map_err(Failure::bad_request)?,
        })
    }

    /// The same, and only the object of this name.
    pub(super) fn named(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name {
            self.fields = self.fields.and_name(name);
        }
        self
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|space| namespace_of(object) == space)
            && self.fields.matches(object)
            && self.labels.matches(object.pointer("/metadata/labels"))
    }

    fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields == Fields::default()
    }

    pub(super) fn all<'a>(
        &'a self,
        store: &'a Store,
        kind: &dyn Kind,
    ) -> impl Iterator<Item = &'a Object> {
        let objects = store.list(kind.names().key, self.namespace.as_deref());
        objects.filter(|object| self.matches(object))
    }
}

/// The object a request names.
pub(super) fn find<'a>(store: &'a Store, target: &Target<'_>) -> Result<&'a Object, Failure> {
    let name = target.name.unwrap_or_default();
    let names = target.kind.names();
    let found = store.get(names.key, target.namespace.unwrap_or_default(), name);
    found.ok_or_else(|| Failure::not_found(names, name))
}

/// Answers a GET of one object.
pub(super) fn get(
    store: &Store,
    target: &Target<'_>,
    request: &Request,
    wall: Timestamp,
) -> Result<Response, Failure> {
    let form = negotiate::form(request)?;
    let version = request.param("resourceVersion").unwrap_or_default();
    let asked = options::revision(version);
    let asked = asked.map_err(|why| unreadable(version, &why))?;
    check_reached(store, asked)?;
    let object = find(store, target)?;
    Ok(Response::json(
        200,
        &table::one(target.kind, form, object, wall),
    ))
}

fn unreadable(version: &str, why: &str) -> Failure {
    let version = Value::from(version);
    Failure::unexplained(format!("resourceVersion: Invalid value: {version}: {why}"))
}

/// A revision that nobody has made yet cannot be shown.
fn check_reached(store: &Store, asked: Option<u64>) -> Result<(), Failure> {
    match asked.filter(|asked| *asked > store.revision()) {
        None => Ok(()),
        Some(asked) => Err(Failure::too_large_revision(asked, store.revision())),
    }
}

/// Answers a GET of a collection, in pieces when the client sets a limit.
pub(super) fn list(
    store: &Store,
    target: &Target<'_>,
    request: &Request,
    wall: Timestamp,
) -> Result<Response, Failure> {
    let form = negotiate::form(request)?;
    let options = Options::parse(request, false)?;
    let selection = Selection::parse(target, request)?;
    let token = match request.param("continue") {
        None | Some("") => None,
        Some(text) => Some(Token::parse(text)?),
    };
    let then = moment(store, &options, token.as_ref())?;
    let space = selection.namespace.as_deref();
    let key = target.kind.names().key;
    let objects: Vec<Object> = match then.filter(|then| *then != store.revision()) {
        None => store.list(key, space).cloned().collect(),
        Some(then) => store
            .list_at(key, space, then)
            .map_err(|_| forgotten(token.as_ref()))?,
    };
    let belongs = |object: &&Object| {
        token.as_ref().is_none_or(|token| token.is_before(object)) && selection.matches(object)
    };
    let mut items = objects.iter().filter(belongs);
    let limit = options.limit.unwrap_or(usize::MAX);
    let page: Vec<Object> = items.by_ref().take(limit).cloned().collect();
    let remaining = items.count();
    let revision = then.unwrap_or_else(|| store.revision());
    let mut meta = ListMeta {
        revision: revision.to_string(),
        ..ListMeta::default()
    };
    if let Some(last) = page.last().filter(|_| remaining > 0) {
        meta.next = Some(Token::after(Some(revision), last).written());
        meta.remaining = selection.is_everything().then_some(remaining);
    }
    let bytes = table::many(target.kind, form, &page, &meta, wall);
    Ok(Response::of_type(200, "application/json", bytes))
}

/// The revision whose objects are asked for; `None` for the newest.
fn moment(store: &Store, options: &Options, token: Option<&Token>) -> Result<Option<u64>, Failure> {
    let asked = options.revision();
    let asked = asked.map_err(|why| unreadable(&options.version, &why))?;
    if let Some(token) = token {
        if asked.is_some() {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        return Ok(token.revision);
    }
    check_reached(store, asked)?;
    let exact = match options.matching {
        Some(matching) => matching == Match::Exact,
        // A piece of a list at a revision has always meant exactly that one.
        None => options.limit.is_some(),
    };
    Ok(asked.filter(|_| exact))
}

const EXPIRED: &str = "The resourceVersion for the provided list is too old.";
const CONTINUE_EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// The log no longer reaches back to the revision of a list.
fn forgotten(token: Option<&Token>) -> Failure {
    match token {
        None => Failure::expired(EXPIRED),
        Some(token) => {
            let inconsistent = Token {
                revision: None,
                ..token.clone()
            };
            Failure::expired(CONTINUE_EXPIRED).with_continue(inconsistent.written())
        }
    }
}
