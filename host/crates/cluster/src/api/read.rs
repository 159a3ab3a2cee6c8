//! Getting and listing objects. Never changes one.

use super::request::{Request, Response};
use super::route::Target;
use super::selector::{Fields, Labels};
use super::status::Failure;
use super::table::{self, ListMeta};
use super::{base64, negotiate};
use crate::kind::Kind;
use crate::store::{Object, Store, name_of, namespace_of};
use jiff::Timestamp;
use serde_json::{Value, json};

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
    let object = find(store, target)?;
    Ok(Response::json(
        200,
        &table::one(target.kind, form, object, wall),
    ))
}

/// Answers a GET of a collection, in pieces when the client sets a limit.
pub(super) fn list(
    store: &Store,
    target: &Target<'_>,
    request: &Request,
    wall: Timestamp,
) -> Result<Response, Failure> {
    let form = negotiate::form(request)?;
    let selection = Selection::parse(target, request)?;
    let limit = request
        .param("limit")
        .and_then(|limit| limit.parse().ok())
        .filter(|limit| *limit > 0);
    let (limit, start) = (limit.unwrap_or(usize::MAX), Start::parse(request, store)?);
    let mut items = selection
        .all(store, target.kind)
        .filter(|object| start.is_before(object));
    let page: Vec<Object> = items.by_ref().take(limit).cloned().collect();
    let remaining = items.count();
    let mut meta = ListMeta {
        revision: start.revision.to_string(),
        ..ListMeta::default()
    };
    if let Some(last) = page.last().filter(|_| remaining > 0) {
        meta.next = Some(start.after(last));
        meta.remaining = selection.is_everything().then_some(remaining);
    }
    let bytes = table::many(target.kind, form, &page, &meta, wall);
    Ok(Response::of_type(200, "application/json", bytes))
}

/// Where a page of a list begins, as the `continue` token says it.
struct Start {
    revision: u64,
    after: Option<(String, String)>,
}

impl Start {
    fn parse(request: &Request, store: &Store) -> Result<Self, Failure> {
        let token = match request.param("continue") {
            None | Some("") => {
                return Ok(Self {
                    revision: store.revision(),
                    after: None,
                });
            }
            Some(token) => token,
        };
        let broken = || Failure::bad_request("continue key is not valid: invalid continue token");
        let bytes = base64::decode(token).ok_or_else(broken)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| broken())?;
        let text = |field: &str| value[field].as_str().map(str::to_owned);
        let after = text("namespace").zip(text("name")).ok_or_else(broken)?;
        Ok(Self {
            revision: value["rv"].as_u64().ok_or_else(broken)?,
            after: Some(after),
        })
    }

    fn is_before(&self, object: &Value) -> bool {
        let Some((namespace, name)) = &self.after else {
            return true;
        };
        (namespace.as_str(), name.as_str()) < (namespace_of(object), name_of(object))
    }

    fn after(&self, object: &Value) -> String {
        let token = json!({
            "rv": self.revision, "namespace": namespace_of(object), "name": name_of(object),
        });
        base64::encode(token.to_string().as_bytes())
    }
}
