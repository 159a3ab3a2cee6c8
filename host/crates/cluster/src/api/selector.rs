//! Which objects are meant: selectors over labels and over fields. Never reads the store.

use crate::kind::Kind;
use crate::kind::look::{list, map, text, texts};
use serde_json::Value;

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    Greater(String, i64),
    Less(String, i64),
}

/// What `labelSelector=` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<Requirement>);

impl Labels {
    /// Reads `a=b,c!=d,e in (f,g),h,!i`.
    ///
    /// # Errors
    /// Says what could not be read, in the words of Kubernetes' parser.
    pub fn parse(text: &str) -> Result<Self, String> {
        super::selector_parser::parse(text).map(Self)
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object with these labels is meant.
    #[must_use]
    pub fn matches(&self, labels: Option<&Value>) -> bool {
        let value = |key: &str| {
            labels
                .and_then(|labels| labels.get(key))
                .and_then(Value::as_str)
        };
        let number = |key: &str| value(key).and_then(|value| value.parse::<i64>().ok());
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                value(key).is_some_and(|v| values.iter().any(|w| w == v))
            }
            Requirement::NotIn(key, values) => {
                value(key).is_none_or(|v| values.iter().all(|w| w != v))
            }
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
            Requirement::Greater(key, bound) => number(key).is_some_and(|n| n > *bound),
            Requirement::Less(key, bound) => number(key).is_some_and(|n| n < *bound),
        })
    }
}

/// Whether a `LabelSelector` object (`matchLabels`, `matchExpressions`) selects these labels.
#[must_use]
pub fn selects(selector: &Value, labels: &Value) -> bool {
    let value = |key: &str| labels.get(key).and_then(Value::as_str);
    let equal = map(selector, "/matchLabels")
        .into_iter()
        .flatten()
        .all(|(key, wanted)| value(key) == wanted.as_str());
    let expression = |expression: &Value| {
        let own = value(text(expression, "/key"));
        let listed = || texts(expression, "/values").any(|one| Some(one) == own);
        match text(expression, "/operator") {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => own.is_some(),
            "DoesNotExist" => own.is_none(),
            _ => false,
        }
    };
    equal && list(selector, "/matchExpressions").iter().all(expression)
}

/// What `fieldSelector=` asks for: a pointer, a value, and whether they must be equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String, bool)>);

impl Fields {
    /// Reads `metadata.name=a,status.phase!=Failed` for objects of `kind`.
    ///
    /// # Errors
    /// Says which field this kind cannot be selected by.
    pub fn parse(kind: &dyn Kind, text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for term in text.split(',').filter(|term| !term.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = term.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) =
                term.split_once("==").or_else(|| term.split_once('='))
            {
                (field, value, true)
            } else {
                return Err(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                ));
            };
            let own = ["metadata.name", "metadata.namespace"];
            let known =
                own.contains(&field) && (field != "metadata.namespace" || kind.names().namespaced);
            if !known && !kind.selectable_fields().contains(&field) {
                return Err(not_selectable(kind, field));
            }
            terms.push((pointer_of(kind, field), value.to_owned(), equal));
        }
        Ok(Self(terms))
    }

    /// Whether this object is meant.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(pointer, wanted, equal)| {
            let found = match object.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None if is_flag(pointer) => "false".to_owned(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            };
            (found == *wanted) == *equal
        })
    }

    /// The same, and only the object of this name.
    #[must_use]
    pub fn and_name(mut self, name: &str) -> Self {
        self.0
            .push(("/metadata/name".to_owned(), name.to_owned(), true));
        self
    }
}

/// The one name that a field selector asks for, if it asks for one.
pub(super) fn exact_name(text: &str) -> Option<&str> {
    let mut terms = text.split(',');
    terms.find_map(|term| {
        let value = term.strip_prefix("metadata.name=")?;
        let value = value.strip_prefix('=').unwrap_or(value);
        (!value.is_empty()).then_some(value)
    })
}

/// Kinds that select by nothing but their names say so in other words.
fn not_selectable(kind: &dyn Kind, field: &str) -> String {
    match kind.names().key {
        "jobs.batch" => format!("field label {field:?} not supported for Job"),
        _ if kind.selectable_fields().is_empty() => format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ),
        _ => format!("field label not supported: {field}"),
    }
}

fn pointer_of(kind: &dyn Kind, field: &str) -> String {
    match (kind.names().key, field) {
        ("events", "source") => "/source/component".to_owned(),
        _ => format!("/{}", field.replace('.', "/")),
    }
}

fn is_flag(pointer: &str) -> bool {
    matches!(pointer, "/spec/unschedulable" | "/spec/hostNetwork")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(selector: &str, labels: &Value, expected: bool) {
        let selector = Labels::parse(selector).expect("a selector");
        assert_eq!(
            selector.matches(Some(labels)),
            expected,
            "{selector:?} of {labels}"
        );
    }

    #[test]
    fn label_selectors_mean_what_kubectl_says() {
        let labels = json!({"run": "web", "tier": "front"});
        check("run=web", &labels, true);
        check("run==web,tier!=back", &labels, true);
        check("run in (web, api)", &labels, true);
        check("run notin (web)", &labels, false);
        check("tier", &labels, true);
        check("!nothing", &labels, true);
        check("!tier", &labels, false);
        check("", &labels, true);
    }

    #[test]
    fn unreadable_selectors_are_refused_in_upstream_words() {
        let table = [
            (
                "run=my nginx",
                "found 'nginx', expected: ',' or 'end of string'",
            ),
            (
                "run in my-nginx",
                "unable to parse requirement: found 'my-nginx' expected: '('",
            ),
            ("a,", "found '', expected: identifier after ','"),
        ];
        for (selector, expected) in table {
            assert_eq!(Labels::parse(selector), Err(expected.to_owned()));
        }
    }
}
