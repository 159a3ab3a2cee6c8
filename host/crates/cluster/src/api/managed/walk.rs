//! Objects as sets of fields: which are there, what differs between two, what is left without some.
//!
//! The rules are those of structured-merge-diff's `typed` package: maps and lists with keys are
//! walked, everything else is one leaf. Never writes.

use super::path::Step;
use super::set::Set;
use super::types::{Elements, Type, named, step_to, type_of};
use crate::api::schema::Schemas;
use serde_json::{Map, Value};

/// What differs between two objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Difference {
    pub(super) added: Set,
    pub(super) modified: Set,
    pub(super) removed: Set,
}

impl Difference {
    /// What was set: added or changed.
    pub(super) fn set(&self) -> Set {
        self.added.union(&self.modified)
    }
}

/// An element of a list with its step; those that cannot be told apart have none.
type Indexed<'v> = Vec<(Step, &'v Value)>;

/// The elements of a list by their steps; of those with the same step only the first.
pub(super) fn index<'v>(
    schemas: &Schemas,
    items: &Value,
    elements: &Elements<'_>,
    list: Option<&'v Value>,
) -> Indexed<'v> {
    let mut out: Indexed<'v> = Vec::new();
    for element in list.and_then(Value::as_array).into_iter().flatten() {
        if let Some(step) = step_to(schemas, items, elements, element)
            && !out.iter().any(|(other, _)| *other == step)
        {
            out.push((step, element));
        }
    }
    out
}

fn is_empty(value: Option<&Value>) -> bool {
    value.is_none_or(|value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    })
}

/// The type of a field of a struct.
pub(super) fn field_type<'a>(schemas: &'a Schemas, owner: &str, field: &str) -> Type<'a> {
    schemas
        .property(owner, field)
        .map_or(Type::Scalar(""), |schema| type_of(schemas, schema))
}

/// What differs between two objects of the schema `root`.
pub(super) fn compare(schemas: &Schemas, root: &str, old: &Value, new: &Value) -> Difference {
    let mut walk = Compare {
        schemas,
        path: Vec::new(),
        found: Difference::default(),
    };
    walk.value(&named(schemas, root, false), Some(old), Some(new));
    walk.found
}

struct Compare<'s> {
    schemas: &'s Schemas,
    path: Vec<Step>,
    found: Difference,
}

impl<'s> Compare<'s> {
    fn value(&mut self, type_: &Type<'s>, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        let empty = is_empty(old) && is_empty(new);
        match type_ {
            Type::Struct(name, false) if !empty && maps(old, new) => {
                self.fields(old, new, |schemas, field| field_type(schemas, name, field));
            }
            Type::Map(items, false) if !empty && maps(old, new) => {
                self.fields(old, new, |schemas, _| type_of(schemas, items));
            }
            Type::List(items, elements) if !empty && !matches!(elements, Elements::Atomic) => {
                self.elements(items, elements, old, new);
            }
            _ => {
                return match (old, new) {
                    (None, _) => self.found.added.insert(&self.path),
                    (_, None) => self.found.removed.insert(&self.path),
                    _ => self.found.modified.insert(&self.path),
                };
            }
        }
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            _ => {}
        }
    }

    fn fields(
        &mut self,
        old: Option<&Value>,
        new: Option<&Value>,
        type_: impl Fn(&'s Schemas, &str) -> Type<'s>,
    ) {
        let of = |value: Option<&'_ Value>| -> Vec<String> {
            let fields = value.and_then(Value::as_object).into_iter().flatten();
            fields.map(|(field, _)| field.clone()).collect()
        };
        let mut names = of(old);
        names.extend(of(new));
        names.sort();
        names.dedup();
        for field in names {
            let (old, new) = (
                old.and_then(|old| old.get(&field)),
                new.and_then(|new| new.get(&field)),
            );
            let type_ = type_(self.schemas, &field);
            self.path.push(Step::Field(field));
            self.value(&type_, old, new);
            self.path.pop();
        }
    }

    fn elements(
        &mut self,
        items: &'s Value,
        elements: &Elements<'s>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        let before = index(self.schemas, items, elements, old);
        let after = index(self.schemas, items, elements, new);
        let type_ = type_of(self.schemas, items);
        let find = |list: &Indexed<'_>, step: &Step| list.iter().position(|(own, _)| own == step);
        for (step, value) in &before {
            let now = find(&after, step).map(|at| after[at].1);
            self.path.push(step.clone());
            self.value(&type_, Some(value), now);
            self.path.pop();
        }
        for (step, value) in after
            .iter()
            .filter(|(step, _)| find(&before, step).is_none())
        {
            self.path.push(step.clone());
            self.value(&type_, None, Some(value));
            self.path.pop();
        }
    }
}

fn maps(old: Option<&Value>, new: Option<&Value>) -> bool {
    [old, new]
        .into_iter()
        .flatten()
        .all(|value| value.is_object() || value.is_null())
}

/// The fields that are there in an object of the schema `root`.
pub(super) fn fields_of(schemas: &Schemas, root: &str, value: &Value) -> Set {
    let mut set = Set::default();
    let type_ = named(schemas, root, false);
    collect(schemas, &type_, value, &mut Vec::new(), &mut set);
    set
}

fn collect(
    schemas: &Schemas,
    type_: &Type<'_>,
    value: &Value,
    path: &mut Vec<Step>,
    set: &mut Set,
) {
    match (type_, value) {
        (Type::Struct(_, false) | Type::Map(_, false), Value::Object(fields)) => {
            for (field, value) in fields {
                let below = match type_ {
                    Type::Map(items, _) => type_of(schemas, items),
                    Type::Struct(name, _) => field_type(schemas, name, field),
                    _ => Type::Scalar(""),
                };
                path.push(Step::Field(field.clone()));
                collect(schemas, &below, value, path, set);
                let is_entry = matches!(type_, Type::Map(..));
                if is_entry || value.is_null() || value.as_object().is_some_and(Map::is_empty) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        (Type::List(items, elements @ (Elements::Set | Elements::Keys(_))), Value::Array(_)) => {
            let below = type_of(schemas, items);
            for (step, element) in index(schemas, items, elements, Some(value)) {
                path.push(step);
                collect(schemas, &below, element, path, set);
                set.insert(path);
                path.pop();
            }
        }
        _ => set.insert(path),
    }
}

/// The object without these fields, and without what is left empty by it.
pub(super) fn remove(schemas: &Schemas, root: &str, value: &Value, fields: &Set) -> Value {
    without(schemas, &named(schemas, root, false), value, fields).unwrap_or_default()
}

fn without(schemas: &Schemas, type_: &Type<'_>, value: &Value, gone: &Set) -> Option<Value> {
    match (type_, value) {
        (Type::Struct(_, false) | Type::Map(_, false), Value::Object(fields)) => {
            let kept = fields.iter().filter_map(|(field, value)| {
                let step = Step::Field(field.clone());
                if gone.has(&step) {
                    return None;
                }
                let below = match type_ {
                    Type::Map(items, _) => type_of(schemas, items),
                    Type::Struct(name, _) => field_type(schemas, name, field),
                    _ => Type::Scalar(""),
                };
                let kept = match gone.below(&step) {
                    None => Some(value.clone()),
                    Some(gone) => without(schemas, &below, value, gone),
                };
                Some((field.clone(), kept?))
            });
            let kept: Map<String, Value> = kept.collect();
            (!kept.is_empty()).then(|| kept.into())
        }
        (Type::List(items, elements @ (Elements::Set | Elements::Keys(_))), Value::Array(list)) => {
            let below = type_of(schemas, items);
            let kept = list.iter().filter_map(|element| {
                let Some(step) = step_to(schemas, items, elements, element) else {
                    return Some(element.clone());
                };
                if gone.has(&step) {
                    return None;
                }
                match gone.below(&step) {
                    None => Some(element.clone()),
                    Some(gone) => without(schemas, &below, element, gone),
                }
            });
            let kept: Vec<Value> = kept.collect();
            (!kept.is_empty()).then(|| kept.into())
        }
        _ => Some(value.clone()),
    }
}

/// The set with every struct field on the way to a member being a member too.
pub(super) fn with_parents(schemas: &Schemas, root: &str, set: &Set) -> Set {
    parents(schemas, &named(schemas, root, false), set)
}

fn parents(schemas: &Schemas, type_: &Type<'_>, set: &Set) -> Set {
    let nodes = set.0.iter().map(|(step, node)| {
        let (named, below) = match (type_, step) {
            (Type::Struct(name, _), Step::Field(field)) => (true, field_type(schemas, name, field)),
            (Type::Map(items, _) | Type::List(items, _), _) => (false, type_of(schemas, items)),
            _ => (false, Type::Scalar("")),
        };
        let mut node = node.clone();
        node.member |= named && !node.below.is_empty();
        node.below = parents(schemas, &below, &node.below);
        (step.clone(), node)
    });
    Set(nodes.collect())
}
