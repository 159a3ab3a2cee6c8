//! Kubernetes' own merge: lists of objects with keys are merged element by element.
//!
//! Which lists have keys comes from the schemas. The directives are `$patch`, `$retainKeys`,
//! `$setElementOrder/…` and `$deleteFromPrimitiveList/…`. Never looks at values of other fields.

use crate::api::schema::{Schemas, reference, schemas};
use crate::kind::Kind;
use serde_json::{Map, Value};

const ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const RETAIN: &str = "$retainKeys";
const DIRECTIVE: &str = "$patch";

/// Why a patch cannot be merged, in the words of `k8s.io/apimachinery/pkg/util/mergepatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A directive has not the form it must have.
    Format(&'static str),
    /// What is in it makes no sense.
    Content(String),
}

const BAD_PRIMITIVES: Broken = Broken::Format("invalid patch format of primitive list");
const BAD_RETAIN: Broken = Broken::Format("invalid patch format of retainKeys");
const BAD_ORDER: Broken = Broken::Format("invalid patch format of setElementOrder list");

/// Merges `patch` into an object of `kind`.
///
/// # Errors
/// A directive that is none, an element without its key; the target is then to be dropped.
pub(crate) fn merge(kind: &dyn Kind, target: &mut Value, patch: &Value) -> Result<(), Broken> {
    let schemas = schemas();
    check(schemas, Some(schemas.root(kind)), patch)?;
    Merge { schemas }.value(Some(schemas.root(kind)), target, patch);
    Ok(())
}

/// Whether every directive has its form and every element of a merged list its key.
fn check(schemas: &Schemas, type_: Option<&str>, patch: &Value) -> Result<(), Broken> {
    let Value::Object(fields) = patch else {
        return Ok(());
    };
    if let Some(directive) = fields.get(DIRECTIVE) {
        match directive.as_str() {
            Some("replace" | "delete" | "merge") => {}
            _ => {
                let what = crate::api::patch::go_print(directive);
                return Err(Broken::Content(format!("Unknown patch type found: {what}")));
            }
        }
    }
    for (field, value) in fields {
        if field == RETAIN {
            let list = value.as_array().ok_or(BAD_RETAIN)?;
            let named = |name: &String| list.iter().any(|one| one == name);
            if fields
                .keys()
                .any(|name| !name.starts_with('$') && !named(name))
            {
                return Err(Broken::Content(
                    "invalid patch content: retainKeys list doesn't contain all fields present in the patch".to_owned(),
                ));
            }
        } else if field.starts_with(ORDER) {
            value.as_array().ok_or(BAD_ORDER)?;
        } else if field.starts_with(DELETE_FROM) {
            value.as_array().ok_or(BAD_PRIMITIVES)?;
        } else if !field.starts_with('$') {
            let schema = type_.and_then(|type_| schemas.property(type_, field));
            check_field(schemas, schema, value)?;
        }
    }
    Ok(())
}

fn check_field(schemas: &Schemas, schema: Option<&Value>, value: &Value) -> Result<(), Broken> {
    let Value::Array(items) = value else {
        return check(schemas, schema.and_then(reference), value);
    };
    let type_ = schema.and_then(|schema| reference(&schema["items"]));
    let key = schema
        .filter(|schema| merges(schema))
        .and_then(|schema| schema.get("x-kubernetes-patch-merge-key")?.as_str());
    for item in items {
        let lacks = |key: &&str| item.get(*key).is_none();
        let directs = item.get(DIRECTIVE).is_some_and(|word| word == "replace");
        if let Some(key) = key.filter(lacks)
            && item.is_object()
            && !directs
        {
            let map = crate::api::patch::go_print(item);
            return Err(Broken::Content(format!(
                "map: {map} does not contain declared merge key: {key}"
            )));
        }
        check(schemas, type_, item)?;
    }
    Ok(())
}

/// Whether a list is merged element by element.
fn merges(schema: &Value) -> bool {
    schema["x-kubernetes-patch-strategy"]
        .as_str()
        .is_some_and(|strategy| strategy.split(',').any(|word| word == "merge"))
}

struct Merge {
    schemas: &'static Schemas,
}

impl Merge {
    fn value(&self, type_: Option<&str>, target: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = Map::new().into();
        }
        if let Value::Object(fields) = target {
            self.object(type_, fields, patch);
        }
    }

    fn object(
        &self,
        type_: Option<&str>,
        target: &mut Map<String, Value>,
        patch: &Map<String, Value>,
    ) {
        match patch.get(DIRECTIVE).and_then(Value::as_str) {
            Some("replace") => target.clear(),
            Some("delete") => return target.clear(),
            _ => {}
        }
        if let Some(retained) = patch.get(RETAIN).and_then(Value::as_array) {
            target.retain(|field, _| retained.iter().any(|kept| kept == field));
        }
        for (field, value) in patch {
            if let Some(list) = field.strip_prefix(DELETE_FROM) {
                if let Some(items) = target.get_mut(list).and_then(Value::as_array_mut) {
                    let removed = value.as_array().map_or(&[][..], Vec::as_slice);
                    items.retain(|item| !removed.contains(item));
                }
            } else if !field.starts_with('$') {
                self.field(
                    type_,
                    target,
                    field,
                    value,
                    patch.get(&format!("{ORDER}{field}")),
                );
            }
        }
        for (field, order) in patch {
            // An order without a list: elements are only moved.
            let list = field
                .strip_prefix(ORDER)
                .filter(|list| !patch.contains_key(*list));
            let items = list.and_then(|list| Some((list, target.get_mut(list)?.as_array_mut()?)));
            if let Some((list, items)) = items {
                let key = self.merge_key(type_, list);
                let before = items.clone();
                reorder(
                    items,
                    &before,
                    order.as_array().map_or(&[], Vec::as_slice),
                    key,
                );
            }
        }
    }

    fn field(
        &self,
        type_: Option<&str>,
        target: &mut Map<String, Value>,
        field: &str,
        patch: &Value,
        order: Option<&Value>,
    ) {
        if patch.is_null() {
            target.remove(field);
            return;
        }
        let schema = type_.and_then(|type_| self.schemas.property(type_, field));
        let merges = schema.is_some_and(merges);
        match patch {
            Value::Array(patch) if merges => {
                let slot = target
                    .entry(field.to_owned())
                    .or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(items) = slot else { return };
                let item_type = schema.and_then(|schema| reference(&schema["items"]));
                let key = schema.and_then(|s| s.get("x-kubernetes-patch-merge-key")?.as_str());
                let order = order.and_then(Value::as_array).map(Vec::as_slice);
                self.list(item_type, key, items, patch, order);
                if items.is_empty() {
                    target.remove(field);
                }
            }
            _ => {
                let own = schema.and_then(reference);
                let slot = target.entry(field.to_owned()).or_insert(Value::Null);
                self.value(own, slot, patch);
                let deleted = patch
                    .get(DIRECTIVE)
                    .is_some_and(|directive| directive == "delete");
                if deleted {
                    target.remove(field);
                }
            }
        }
    }

    fn list(
        &self,
        type_: Option<&str>,
        key: Option<&str>,
        items: &mut Vec<Value>,
        patch: &[Value],
        order: Option<&[Value]>,
    ) {
        if patch
            .iter()
            .any(|entry| entry.get(DIRECTIVE).is_some_and(|word| word == "replace"))
        {
            *items = patch
                .iter()
                .filter(|entry| entry.get(DIRECTIVE).is_none())
                .cloned()
                .collect();
            return;
        }
        let before = items.clone();
        for entry in patch {
            let same = |item: &Value| identity(item, key) == identity(entry, key);
            if entry.get(DIRECTIVE).is_some_and(|word| word == "delete") {
                items.retain(|item| !same(item));
                continue;
            }
            match items.iter_mut().find(|item| same(item)) {
                Some(item) => self.value(type_, item, entry),
                None => {
                    let mut item = Value::Null;
                    self.value(type_, &mut item, entry);
                    items.push(item);
                }
            }
        }
        reorder(items, &before, order.unwrap_or(patch), key);
    }

    fn merge_key(&self, type_: Option<&str>, field: &str) -> Option<&'static str> {
        let schema = self.schemas.property(type_?, field)?;
        schema.get("x-kubernetes-patch-merge-key")?.as_str()
    }
}

/// What makes two elements the same: their key, or all of them when there is none.
fn identity<'a>(item: &'a Value, key: Option<&str>) -> &'a Value {
    key.map_or(item, |key| item.get(key).unwrap_or(&Value::Null))
}

/// Elements named in `order` come in that order; the others keep their place among them as it
/// was `before`, as far as that can be.
fn reorder(items: &mut Vec<Value>, before: &[Value], order: &[Value], key: Option<&str>) {
    let position = |list: &[Value], item: &Value| {
        list.iter()
            .position(|other| identity(other, key) == identity(item, key))
    };
    let (mut named, others): (Vec<Value>, Vec<Value>) = std::mem::take(items)
        .into_iter()
        .partition(|item| position(order, item).is_some());
    named.sort_by_key(|item| position(order, item));
    let mut start = 0;
    for item in others {
        let own = position(before, &item);
        let after = |other: &Value| {
            position(before, other).is_some_and(|at| own.is_some_and(|own| at > own))
        };
        let at = (start..named.len())
            .find(|at| after(&named[*at]))
            .unwrap_or(named.len());
        named.insert(at, item);
        start = at + 1;
    }
    *items = named;
}
