//! The four ways to change an object by a difference. Each is a pure function; none writes.

pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod strategic;

use super::body;
use super::go_json;
use super::status::Failure;
use crate::kind::Kind;
use serde_json::Value;

/// A difference, and how it is to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Patch {
    /// RFC 6902: a list of operations.
    Json(Vec<json::Operation>),
    /// RFC 7386: what is there replaces, `null` removes.
    Merge(Value),
    /// Kubernetes' own: lists with keys are merged too.
    Strategic(Value),
    /// The fields the client cares about, whether the object exists or not.
    Apply(Value),
}

const TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

impl Patch {
    /// Reads a patch of this content type.
    pub(super) fn parse(content_type: &str, text: &[u8]) -> Result<Self, Failure> {
        let object = |value: Value| match value {
            Value::Object(_) => Ok(value),
            other => Err(Failure::bad_request(format!(
                "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                go_kind(&other)
            ))),
        };
        match body::media_type(content_type) {
            "application/json-patch+json" => {
                let syntax = |_| Failure::bad_request(go_json::syntax_error(text));
                let value: Value = serde_json::from_slice(text).map_err(syntax)?;
                let Value::Array(operations) = &value else {
                    let found = go_kind(&value);
                    return Err(Failure::bad_request(format!(
                        "json: cannot unmarshal {found} into Go value of type jsonpatch.Patch"
                    )));
                };
                if operations.len() > MAX_OPERATIONS {
                    return Err(Failure::too_many_operations(
                        MAX_OPERATIONS,
                        operations.len(),
                    ));
                }
                json::parse(&value).map(Self::Json).ok_or_else(rejected)
            }
            "application/merge-patch+json" => object(body::json(text)?).map(Self::Merge),
            "application/strategic-merge-patch+json" => {
                object(body::json(text)?).map(Self::Strategic)
            }
            "application/apply-patch+yaml" => object(body::yaml(text)?).map(Self::Apply),
            _ => Err(Failure::unsupported_media_type(&TYPES)),
        }
    }

    /// The object after the change.
    pub(super) fn apply(&self, kind: &dyn Kind, object: &Value) -> Result<Value, Failure> {
        let mut next = object.clone();
        match self {
            Self::Json(operations) => json::apply(&mut next, operations).map_err(|_| rejected())?,
            Self::Merge(patch) => merge::merge(&mut next, patch),
            Self::Strategic(patch) | Self::Apply(patch) => {
                strategic::merge(kind, &mut next, patch).map_err(|error| match error {
                    strategic::Broken::Format(why) => Failure::bad_request(why),
                    strategic::Broken::Content(why) => Failure::unexplained(why),
                })?;
            }
        }
        Ok(next)
    }

    /// The patch as Go prints it, for messages.
    pub(super) fn printed(&self) -> String {
        match self {
            Self::Json(_) => String::new(),
            Self::Merge(value) => value.to_string(),
            Self::Strategic(value) | Self::Apply(value) => go_print(value),
        }
    }
}

/// How many operations a JSON patch may have.
const MAX_OPERATIONS: usize = 10_000;

/// What Go's decoder calls a JSON value.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn rejected() -> Failure {
    Failure::unprocessable("the server rejected our request due to an error in our request")
}

/// `%v` of a decoded JSON value.
pub(super) fn go_print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(go_print).collect::<Vec<_>>().join(" ")
            )
        }
        Value::Object(fields) => {
            let mut pairs: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}:{}", go_print(value)))
                .collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}
