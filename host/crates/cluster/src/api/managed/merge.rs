//! The object that an apply makes: what is there with what is applied laid over it.
//!
//! Lists with keys keep the order of both as far as that can be (structured-merge-diff's
//! `mergingWalker`). Never removes anything.

use super::path::Step;
use super::types::{Elements, Type, named, type_of};
use super::walk::{field_type, index};
use crate::api::schema::Schemas;
use serde_json::{Map, Value};

/// Lays `applied` over `live`.
pub(super) fn merge(schemas: &Schemas, root: &str, live: &Value, applied: &Value) -> Value {
    lay(
        schemas,
        &named(schemas, root, false),
        Some(live),
        Some(applied),
    )
    .unwrap_or(Value::Null)
}

fn lay(
    schemas: &Schemas,
    type_: &Type<'_>,
    live: Option<&Value>,
    applied: Option<&Value>,
) -> Option<Value> {
    let (Some(under), Some(over)) = (live, applied) else {
        return applied.or(live).cloned();
    };
    match (type_, under, over) {
        (Type::Struct(name, false), Value::Object(under), Value::Object(over)) => {
            Some(fields(schemas, under, over, |field| {
                field_type(schemas, name, field)
            }))
        }
        (Type::Map(items, false), Value::Object(under), Value::Object(over)) => {
            Some(fields(schemas, under, over, |_| type_of(schemas, items)))
        }
        (
            Type::List(items, elements @ (Elements::Set | Elements::Keys(_))),
            Value::Array(_),
            Value::Array(_),
        ) => Some(list(schemas, items, elements, under, over)),
        _ => Some(over.clone()),
    }
}

fn fields<'a>(
    schemas: &'a Schemas,
    under: &Map<String, Value>,
    over: &Map<String, Value>,
    type_: impl Fn(&str) -> Type<'a>,
) -> Value {
    let mut out = under.clone();
    for (field, value) in over {
        let laid = lay(schemas, &type_(field), under.get(field), Some(value));
        out.insert(field.clone(), laid.unwrap_or(Value::Null));
    }
    out.into()
}

/// Both are walked at once: an element of both is merged where the applied list has it, an element
/// of only one stays between its neighbours.
fn list(
    schemas: &Schemas,
    items: &Value,
    elements: &Elements<'_>,
    under: &Value,
    over: &Value,
) -> Value {
    let type_ = type_of(schemas, items);
    let (left, right) = (
        index(schemas, items, elements, Some(under)),
        index(schemas, items, elements, Some(over)),
    );
    let in_left = |step: &Step| {
        left.iter()
            .find(|(own, _)| own == step)
            .map(|(_, value)| *value)
    };
    let in_right = |step: &Step| right.iter().any(|(own, _)| own == step);
    let mut shared = right
        .iter()
        .map(|(step, _)| step)
        .filter(|step| in_left(step).is_some());
    let mut next = shared.next();
    let mut merged: Vec<&Step> = Vec::new();
    let mut out = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some((own, value)), Some((other, applied))) = (left.get(l), right.get(r)) {
            if own == other {
                merged.push(other);
                out.extend(lay(schemas, &type_, Some(value), Some(applied)));
                l += 1;
                r += 1;
                next = shared.next();
                continue;
            }
            if in_right(own) && next.is_some_and(|next| next != own) {
                l += 1;
                continue;
            }
        }
        if let Some((own, value)) = left.get(l) {
            if !in_right(own) {
                out.push((*value).clone());
                l += 1;
                continue;
            }
            if merged.contains(&own) {
                l += 1;
            }
        }
        if let Some((other, applied)) = right.get(r) {
            merged.push(other);
            out.extend(lay(schemas, &type_, in_left(other), Some(applied)));
            r += 1;
            if next == Some(other) {
                next = shared.next();
            }
        }
    }
    out.into()
}
