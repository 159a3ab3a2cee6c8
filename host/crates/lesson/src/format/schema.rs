//! The tables as JSON Schema, draft 2020-12, for editors. Never the source of our own messages:
//! those come from the parser, which knows what was meant.

use super::{Block, CLAIMS, COMMANDS, COURSE, Field, GLOSSARY, LAB, OPERATORS, PROSE, Type};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Every kind of file that has a schema: its name and its block.
pub const SCHEMAS: &[(&str, &Block)] = &[
    ("lab", &LAB),
    ("course", &COURSE),
    ("claims", &CLAIMS),
    ("commands", &COMMANDS),
    ("glossary", &GLOSSARY),
];

const ID: &str = "^[a-z][a-z0-9-]{0,62}$";
const DURATION: &str = "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$";

/// The schema of one kind of file, as text; `None` when there is no such kind.
#[must_use]
pub fn schema(kind: &str) -> Option<String> {
    let (_, top) = SCHEMAS.iter().find(|(name, _)| *name == kind)?;
    let mut defs = Defs::default();
    let Value::Object(mut root) = defs.block(top) else {
        return None;
    };
    root.insert(
        "$schema".into(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    root.insert(
        "$id".into(),
        format!("lab/v1alpha1/{kind}.schema.json").into(),
    );
    root.insert("title".into(), format!("lab {kind}").into());
    if !defs.found.is_empty() {
        root.insert(
            "$defs".into(),
            defs.found.into_iter().collect::<Map<_, _>>().into(),
        );
    }
    let mut text = serde_json::to_string_pretty(&sorted(Value::Object(root))).ok()?;
    text.push('\n');
    Some(text)
}

/// Keys in the order of the alphabet, however maps are kept.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, sorted(value)))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Definitions met on the way.
#[derive(Default)]
struct Defs {
    found: BTreeMap<String, Value>,
}

impl Defs {
    fn refer(&mut self, block: &'static Block) -> Value {
        if !self.found.contains_key(block.name) {
            // Its name first: a subject may hold subjects.
            self.found.insert(block.name.to_owned(), Value::Null);
            let value = self.block(block);
            self.found.insert(block.name.to_owned(), value);
        }
        json!({ "$ref": format!("#/$defs/{}", block.name) })
    }

    fn block(&mut self, block: &'static Block) -> Value {
        let mut properties = Map::new();
        for field in block.fields() {
            properties.insert(field.name.to_owned(), self.field(field));
        }
        let required: Vec<&str> = block
            .fields()
            .filter(|field| field.required)
            .map(|field| field.name)
            .collect();
        let mut value = json!({
            "type": "object",
            "description": block.en,
            "x-description": { "ja": block.ja },
            "additionalProperties": false,
            "properties": properties,
        });
        if !required.is_empty() {
            value["required"] = json!(required);
        }
        let rules = rules(block);
        if !rules.is_empty() {
            value["allOf"] = json!(rules);
        }
        value
    }

    fn field(&mut self, field: &Field) -> Value {
        let mut value = self.ty(&field.ty);
        value["description"] = field.en.into();
        value["x-description"] = json!({ "ja": field.ja });
        if let Some(default) = field.default {
            value["default"] = written(default);
        }
        if let Some(example) = field.example {
            value["examples"] = json!([written(example)]);
        }
        value
    }

    fn ty(&mut self, ty: &Type) -> Value {
        match ty {
            Type::Prose => {
                let map = self.refer(&PROSE);
                json!({ "anyOf": [{ "type": ["string", "number"] }, map] })
            }
            // A number is a text where a text is wanted, as it is written.
            Type::String => json!({ "type": ["string", "number", "boolean"] }),
            Type::Place
            | Type::File
            | Type::Beside
            | Type::Claim
            | Type::Image
            | Type::Like
            | Type::Cel
            | Type::JsonPath => json!({ "type": "string" }),
            Type::Id | Type::Check => json!({ "type": "string", "pattern": ID }),
            Type::Int => json!({ "type": "integer" }),
            Type::Number(low, high) => {
                let mut value = json!({ "type": "number" });
                for (key, bound) in [("minimum", low), ("maximum", high)] {
                    if let Some(bound) = bound {
                        value[key] = json!(bound);
                    }
                }
                value
            }
            Type::Bool => json!({ "type": "boolean" }),
            Type::True => json!({ "const": true }),
            Type::Duration => json!({ "type": "string", "pattern": DURATION }),
            Type::Matcher => self.matcher(),
            Type::Const(word) => json!({ "const": word }),
            Type::Words(_) | Type::Names(_) => json!({ "enum": ty.words() }),
            Type::List(item) => json!({ "type": "array", "items": self.ty(item) }),
            Type::Some(item) => json!({ "type": "array", "minItems": 1, "items": self.ty(item) }),
            Type::Map(value) => {
                json!({ "type": "object", "additionalProperties": self.ty(value) })
            }
            Type::Block(block) => self.refer(block),
            Type::OneOf(blocks) => {
                let refs: Vec<Value> = blocks.iter().map(|block| self.refer(block)).collect();
                json!({ "anyOf": refs })
            }
            Type::NumberOr(word) => json!({ "anyOf": [{ "type": "integer" }, { "const": word }] }),
            Type::Any => json!({}),
        }
    }

    /// A scalar, a list, a map with free keys, or operators.
    fn matcher(&mut self) -> Value {
        let reference = json!({ "$ref": "#/$defs/Matcher" });
        if !self.found.contains_key("Matcher") {
            self.found.insert("Matcher".into(), Value::Null);
            let operators = self.refer(&OPERATORS);
            let map = json!({
                "type": "object",
                "propertyNames": { "not": { "pattern": "^\\$" } },
                "additionalProperties": reference,
            });
            let matcher = json!({
                "description": "A scalar is equality, a map is partial, a list is positional; operators begin with `$`.",
                "x-description": { "ja": "値そのものは一致、マップは一部の一致、リストは位置ごと。演算子は `$` で始まる。" },
                "anyOf": [
                    { "type": ["string", "number", "boolean", "null"] },
                    { "type": "array", "items": reference },
                    map,
                    operators,
                ],
            });
            self.found.insert("Matcher".into(), matcher);
        }
        reference
    }
}

/// What holds between the fields of a block.
fn rules(block: &Block) -> Vec<Value> {
    let one = block.exactly_one.iter().map(|names| {
        let each: Vec<Value> = names()
            .into_iter()
            .map(|name| json!({ "required": [name] }))
            .collect();
        json!({ "oneOf": each })
    });
    let most = block.at_most_one.iter().map(|names| {
        let names = names();
        let mut pairs = Vec::new();
        for (i, a) in names.iter().enumerate() {
            pairs.extend(names[i + 1..].iter().map(|b| json!({ "required": [a, b] })));
        }
        json!({ "not": { "anyOf": pairs } })
    });
    one.chain(most).collect()
}

/// A text of a table as the value it stands for.
fn written(text: &str) -> Value {
    crate::yaml::parse(text).map_or_else(|_| text.into(), |node| node.to_value())
}

/// Every block that can be reached, each once, in the order they are met.
pub(super) fn blocks() -> Vec<&'static Block> {
    below(SCHEMAS.iter().rev().map(|(_, block)| *block).collect())
}

/// The blocks of a lesson.
#[cfg(test)]
pub(crate) fn lesson_blocks() -> Vec<&'static Block> {
    below(vec![&LAB])
}

fn below(mut due: Vec<&'static Block>) -> Vec<&'static Block> {
    let mut found: Vec<&'static Block> = Vec::new();
    while let Some(block) = due.pop() {
        if found.iter().any(|known| known.name == block.name) {
            continue;
        }
        found.push(block);
        let below: Vec<&'static Block> =
            block.fields().flat_map(|field| within(&field.ty)).collect();
        due.extend(below.into_iter().rev());
    }
    found.push(&OPERATORS);
    found
}

fn within(ty: &Type) -> Vec<&'static Block> {
    match ty {
        Type::Block(block) => vec![block],
        Type::OneOf(blocks) => blocks.to_vec(),
        Type::List(item) | Type::Some(item) | Type::Map(item) => within(item),
        Type::Prose => vec![&PROSE],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_that_is_referred_to_is_there() {
        for (kind, _) in SCHEMAS {
            let text = schema(kind).expect("a kind of the table");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let mut refs = Vec::new();
            references(&value, &mut refs);
            for name in refs {
                let name = name.trim_start_matches("#/$defs/");
                assert!(value["$defs"][name].is_object(), "{kind}: {name}");
            }
        }
    }

    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                into.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, into));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, into)),
            _ => {}
        }
    }

    #[test]
    fn every_field_says_what_it_is_in_both_languages() {
        let kana = |text: &str| text.chars().any(|c| c as u32 > 0x2fff);
        for block in blocks() {
            assert!(kana(block.ja) && !kana(block.en), "{}", block.name);
            for field in block.fields() {
                let name = (block.name, field.name);
                assert!(kana(field.ja) && !kana(field.en), "{name:?}");
                assert!(
                    field.en.ends_with('.') && field.ja.ends_with('。'),
                    "{name:?}"
                );
            }
        }
    }
}
