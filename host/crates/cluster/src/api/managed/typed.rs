//! Whether an applied object has the types of its schema, in the words of structured-merge-diff.
//! Never changes it.

use super::types::{Elements, Type, named, step_to, type_of};
use super::walk::field_type;
use crate::api::schema::{Schemas, schemas};
use crate::kind::Kind;
use serde_json::Value;

/// What is wrong with the types of an applied object, as one text.
///
/// # Errors
/// The fields that are not declared, the values that do not fit, the elements that come twice.
pub(crate) fn check(kind: &dyn Kind, applied: &Value) -> Result<(), String> {
    let schemas = schemas();
    let mut check = Check {
        schemas,
        found: Vec::new(),
    };
    check.value(&named(schemas, schemas.root(kind), false), applied, "");
    match &check.found[..] {
        [] => Ok(()),
        [only] => Err(only.clone()),
        all => Err(format!("errors:\n  {}", all.join("\n  "))),
    }
}

struct Check<'s> {
    schemas: &'s Schemas,
    found: Vec<String>,
}

impl<'s> Check<'s> {
    fn wrong(&mut self, path: &str, what: &str) {
        self.found.push(match path {
            "" => what.to_owned(),
            _ => format!("{path}: {what}"),
        });
    }

    fn value(&mut self, type_: &Type<'s>, value: &Value, path: &str) {
        if value.is_null() {
            return;
        }
        match (type_, value) {
            (Type::Scalar(wanted), value) => self.scalar(wanted, value, path),
            (Type::Struct(name, _), Value::Object(fields)) => {
                for (field, value) in fields {
                    let path = format!("{path}.{field}");
                    if self.schemas.property(name, field).is_none() {
                        self.wrong(&path, "field not declared in schema");
                        continue;
                    }
                    let type_ = field_type(self.schemas, name, field);
                    self.value(&type_, value, &path);
                }
            }
            (Type::Map(items, _), Value::Object(fields)) => {
                let type_ = type_of(self.schemas, items);
                for (field, value) in fields {
                    self.value(&type_, value, &format!("{path}.{field}"));
                }
            }
            (Type::List(items, elements), Value::Array(list)) => {
                self.list(items, elements, list, path);
            }
            (Type::List(..), other) => {
                self.wrong(path, &format!("expected list, got {}", printed(other)));
            }
            (_, other) => self.wrong(path, &format!("expected map, got {}", printed(other))),
        }
    }

    fn list(&mut self, items: &'s Value, elements: &Elements<'s>, list: &[Value], path: &str) {
        let type_ = type_of(self.schemas, items);
        let mut seen = Vec::new();
        for (at, element) in list.iter().enumerate() {
            let step = step_to(self.schemas, items, elements, element);
            if let (Elements::Keys(keys), None) = (elements, &step) {
                let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                let what = format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                    keys.join(" ")
                );
                self.wrong(path, &format!("element {at}: {what}"));
                continue;
            }
            let place = match &step {
                Some(step) if seen.contains(step) => {
                    self.wrong(path, &format!("duplicate entries for key {step}"));
                    continue;
                }
                Some(step) => format!("{path}{step}"),
                None => format!("{path}[{at}]"),
            };
            seen.extend(step);
            self.value(&type_, element, &place);
        }
    }

    fn scalar(&mut self, wanted: &str, value: &Value, path: &str) {
        let fits = match wanted {
            "string" => value.is_string(),
            "integer" | "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => true,
        };
        if fits {
            return;
        }
        let what = match wanted {
            "string" => format!("expected string, got {}", printed(value)),
            "boolean" => format!("expected boolean, got {}", printed(value)),
            _ => format!("expected numeric (int or float), got {}", go_type(value)),
        };
        self.wrong(path, &what);
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        _ => "<nil>",
    }
}

/// `%v` of upstream's wrapper around a decoded value.
fn printed(value: &Value) -> String {
    format!("&{{{}}}", crate::api::patch::go_print(value))
}
