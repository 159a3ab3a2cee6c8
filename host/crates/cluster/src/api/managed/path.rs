//! One step into an object, as `fieldsV1` writes it: `f:name`, `k:{…}`, `v:…`, `i:0`.
//!
//! Order and texts are those of structured-merge-diff's `fieldpath.PathElement`. Never looks at
//! objects.

use serde_json::Value;
use std::fmt;

/// A value that can stand in a step, in the order upstream compares values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scalar {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// A truth.
    Bool(bool),
    /// Anything else, as JSON.
    Other(String),
}

impl Scalar {
    /// The scalar of a JSON value.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Bool(truth) => Self::Bool(*truth),
            other => other
                .as_i64()
                .map_or_else(|| Self::Other(other.to_string()), Self::Number),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bool(truth) => (*truth).into(),
            Self::Other(json) => serde_json::from_str(json).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

/// One step: into a field, to the element with these keys, to this element of a set, to a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// `f:`: a field of a struct or an entry of a map.
    Field(String),
    /// `k:`: the element of a list that has these keys, in alphabetical order.
    Key(Vec<(String, Scalar)>),
    /// `v:`: the element of a set.
    Value(Scalar),
    /// `i:`: the element at this place.
    Index(u64),
}

impl Step {
    /// Reads a step; `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let json = || serde_json::from_str::<Value>(rest).ok();
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "v" => json().map(|value| Self::Value(Scalar::of(&value))),
            "i" => rest.parse().ok().map(Self::Index),
            "k" => match json()? {
                Value::Object(fields) if !fields.is_empty() => {
                    let pairs = fields.iter();
                    let mut keys: Vec<_> = pairs
                        .map(|(name, value)| (name.clone(), Scalar::of(value)))
                        .collect();
                    keys.sort();
                    Some(Self::Key(keys))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The step as `fieldsV1` writes it.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
            Self::Key(keys) => {
                let pair = |(name, value): &(String, Scalar)| {
                    format!("{}:{value}", Value::from(name.as_str()))
                };
                let pairs: Vec<String> = keys.iter().map(pair).collect();
                format!("k:{{{}}}", pairs.join(","))
            }
        }
    }
}

/// The step as messages show it: `.name`, `[key="value"]`, `[="value"]`, `[0]`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(keys) => {
                let pairs: Vec<String> = keys
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                write!(f, "[{}]", pairs.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn steps_are_read_as_they_are_written() {
        for text in [
            "f:deployment.kubernetes.io/revision",
            r#"k:{"containerPort":80,"protocol":"TCP"}"#,
            r#"v:"10.244.0.0/24""#,
            "i:3",
        ] {
            let step = Step::parse(text).expect("a step");
            assert_eq!(step.written(), text);
        }
        assert_eq!(Step::parse("k:{}"), None);
        assert_eq!(Step::parse("x:1"), None);
    }

    #[test]
    fn ports_are_ordered_as_numbers() {
        let port = |number: u16| Step::parse(&format!("k:{{\"port\":{number}}}"));
        assert!(port(80) < port(443));
    }
}
