//! Reads objects as the API server does: what does not fit a type is an error, what no type knows
//! is unknown. Both are told in Go's words, because people search for them.
//! Never defaults and never validates.

use super::schema::{Schemas, reference, schemas};
use crate::kind::{Kind, quantity};
use serde_json::{Map, Value};

/// Fits `value` to the schema of `kind`: drops nulls and unknown fields, and returns the paths of
/// the unknown ones in alphabetical order.
///
/// # Errors
/// The first value that has the wrong type, in the words of Go's decoder.
pub(super) fn fit(kind: &dyn Kind, value: &mut Value) -> Result<Vec<String>, String> {
    let schemas = schemas();
    fit_named(schemas.root(kind), value)
}

/// Fits `value` to the schema of this full name.
///
/// # Errors
/// As [`fit`].
pub(super) fn fit_named(root: &str, value: &mut Value) -> Result<Vec<String>, String> {
    let mut walk = Walk {
        schemas: schemas(),
        unknown: Vec::new(),
    };
    let at = Place {
        structure: String::new(),
        go_path: String::new(),
        path: String::new(),
    };
    walk.object(root, value, &at)?;
    walk.unknown.sort();
    walk.unknown.dedup();
    Ok(walk.unknown)
}

struct Walk {
    schemas: &'static Schemas,
    unknown: Vec<String>,
}

/// Where a value stands: in which Go struct, on which path for Go, on which path for people.
struct Place {
    structure: String,
    go_path: String,
    path: String,
}

impl Place {
    fn field(&self, structure: &str, field: &str) -> Self {
        let join = |path: &str| match path {
            "" => field.to_owned(),
            _ => format!("{path}.{field}"),
        };
        Self {
            structure: short_name(structure).to_owned(),
            go_path: join(&self.go_path),
            path: join(&self.path),
        }
    }

    fn item(&self, index: usize) -> Self {
        Self {
            structure: self.structure.clone(),
            go_path: self.go_path.clone(),
            path: format!("{}[{index}]", self.path),
        }
    }

    fn mismatch(&self, found: &Value, wanted: &str) -> String {
        let found = match found {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if wanted.starts_with("int") => {
                if number.is_f64() {
                    format!("number {number}")
                } else {
                    "number".to_owned()
                }
            }
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        if self.go_path.is_empty() {
            return format!("json: cannot unmarshal {found} into Go value of type {wanted}");
        }
        let place = format!("{}.{}", self.structure, self.go_path);
        format!("json: cannot unmarshal {found} into Go struct field {place} of type {wanted}")
    }
}

impl Walk {
    fn value(&mut self, schema: &Value, value: &mut Value, at: &Place) -> Result<(), String> {
        if let Some(name) = reference(schema) {
            return self.named(name, value, at);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => self.map(schema, value, at),
            Some("array") => self.list(schema, value, at),
            Some("string") => string(schema, value, at),
            Some("integer") => {
                let wanted = schema["format"].as_str().unwrap_or("int64");
                let fits = value
                    .as_i64()
                    .is_some_and(|n| wanted != "int32" || i32::try_from(n).is_ok());
                if fits {
                    Ok(())
                } else {
                    Err(at.mismatch(value, wanted))
                }
            }
            Some("boolean") if !value.is_boolean() => Err(at.mismatch(value, "bool")),
            Some("number") if !value.is_number() => Err(at.mismatch(value, "float64")),
            _ => Ok(()),
        }
    }

    fn named(&mut self, name: &str, value: &mut Value, at: &Place) -> Result<(), String> {
        match short_name(name) {
            "IntOrString" => int_or_string(value),
            "Quantity" => amount(value, at),
            "FieldsV1" | "RawExtension" | "JSON" => Ok(()),
            _ if self.schemas.get(name)["type"] == "object" => self.object(name, value, at),
            _ => {
                let schema = self.schemas.get(name);
                self.value(schema, value, at)
            }
        }
    }

    fn object(&mut self, name: &str, value: &mut Value, at: &Place) -> Result<(), String> {
        let Value::Object(fields) = value else {
            return Err(at.mismatch(value, &format!("v1.{}", short_name(name))));
        };
        let mut dropped = Vec::new();
        for (field, value) in fields.iter_mut() {
            let place = at.field(name, field);
            match self.schemas.property(name, field) {
                None => {
                    self.unknown.push(place.path);
                    dropped.push(field.clone());
                }
                Some(_) if value.is_null() => dropped.push(field.clone()),
                Some(schema) => {
                    self.value(schema, value, &place)?;
                    if is_left_out(schema, value) && !keeps_empty(name) {
                        dropped.push(field.clone());
                    }
                }
            }
        }
        for field in dropped {
            fields.remove(&field);
        }
        Ok(())
    }

    fn map(&mut self, schema: &Value, value: &mut Value, at: &Place) -> Result<(), String> {
        let Some(items) = schema.get("additionalProperties") else {
            return Ok(());
        };
        let wanted = || format!("map[string]{}", go_type(items));
        let Value::Object(fields) = value else {
            return Err(at.mismatch(value, &wanted()));
        };
        let nulls: Vec<String> = fields
            .iter()
            .filter(|(_, value)| value.is_null())
            .map(|(key, _)| key.clone())
            .collect();
        for key in nulls {
            fields[&key] = zero(items);
        }
        fields
            .values_mut()
            .try_for_each(|value| self.value(items, value, at))
    }

    fn list(&mut self, schema: &Value, value: &mut Value, at: &Place) -> Result<(), String> {
        let items = &schema["items"];
        let Value::Array(values) = value else {
            return Err(at.mismatch(value, &format!("[]{}", go_type(items))));
        };
        for (index, value) in values.iter_mut().enumerate() {
            if value.is_null() {
                *value = zero(items);
            }
            self.value(items, value, &at.item(index))?;
        }
        Ok(())
    }
}

fn string(schema: &Value, value: &Value, at: &Place) -> Result<(), String> {
    let bytes = schema["format"] == "byte";
    let Value::String(text) = value else {
        return Err(at.mismatch(value, if bytes { "[]uint8" } else { "string" }));
    };
    if bytes && super::base64::decode(text).is_none() {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
        let offset = text
            .bytes()
            .position(|b| !good(b))
            .unwrap_or(text.len() / 4 * 4);
        return Err(format!("illegal base64 data at input byte {offset}"));
    }
    Ok(())
}

fn int_or_string(value: &Value) -> Result<(), String> {
    match value {
        Value::String(_) => Ok(()),
        Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {
            Ok(())
        }
        _ => {
            let place = Place {
                structure: String::new(),
                go_path: String::new(),
                path: String::new(),
            };
            Err(place.mismatch(value, "int32"))
        }
    }
}

/// An amount is kept as Kubernetes prints it.
fn amount(value: &mut Value, at: &Place) -> Result<(), String> {
    let text = match &*value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        other => return Err(at.mismatch(other, "resource.Quantity")),
    };
    *value = quantity::canonical(&text)?.into();
    Ok(())
}

/// Go leaves out empty texts, lists and maps; objects stay, because they may mean something.
fn is_left_out(schema: &Value, value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty() && reference(schema).is_none(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty() && schema.get("additionalProperties").is_some(),
        _ => false,
    }
}

/// In these the empty text is a value of its own.
fn keeps_empty(name: &str) -> bool {
    name.contains(".discovery.")
        || matches!(short_name(name), "HostPathVolumeSource" | "GRPCAction")
}

fn zero(schema: &Value) -> Value {
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "".into(),
        Some("integer" | "number") => 0.into(),
        Some("boolean") => false.into(),
        Some("array") => Vec::<Value>::new().into(),
        _ => Map::new().into(),
    }
}

fn go_type(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return match short_name(name) {
            "Quantity" => "resource.Quantity".to_owned(),
            name => format!("v1.{name}"),
        };
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => format!("[]{}", go_type(&schema["items"])),
        Some("integer") => schema["format"].as_str().unwrap_or("int64").to_owned(),
        Some("boolean") => "bool".to_owned(),
        Some("object") => format!("map[string]{}", go_type(&schema["additionalProperties"])),
        _ if schema["format"] == "byte" => "[]uint8".to_owned(),
        _ => "string".to_owned(),
    }
}

fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
