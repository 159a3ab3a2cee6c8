//! `cel:` and `$cel`: the escape hatch. Expressions are pure and see captures, answers and, in
//! a matcher, the value as `self`. Never sees objects or packets: subjects exist for those.

use crate::template::{Captures, fill_known};
use cel::{Context, Program, Value as CelValue};
use serde_json::{Map, Value};

/// What is wrong with an expression, in words.
pub(crate) fn problem(source: &str) -> Option<String> {
    Program::compile(source)
        .err()
        .map(|errors| errors.to_string().lines().collect::<Vec<_>>().join(" "))
}

/// The value of an expression as true or false, or why it has none.
pub(crate) fn evaluate(source: &str, variables: &[(&str, Value)]) -> Result<bool, String> {
    let program = Program::compile(source).map_err(|errors| errors.to_string())?;
    let mut context = Context::default();
    for (name, value) in variables {
        context
            .add_variable(*name, value.clone())
            .map_err(|error| error.to_string())?;
    }
    match program.execute(&context) {
        Ok(CelValue::Bool(held)) => Ok(held),
        Ok(other) => Err(format!(
            "the expression is {other:?}, neither true nor false"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// `$cel` in a matcher.
pub(crate) fn holds(source: &str, captures: &Captures, seen: Option<&Value>) -> bool {
    let source = fill_known(source, captures);
    let variables = [
        ("self", seen.cloned().unwrap_or(Value::Null)),
        ("captures", captured(captures)),
    ];
    evaluate(&source, &variables) == Ok(true)
}

/// Captures as a CEL map; texts that are whole numbers are numbers.
pub(crate) fn captured(captures: &Captures) -> Value {
    let value = |text: &String| {
        text.parse::<i64>()
            .map_or_else(|_| Value::from(text.as_str()), Value::from)
    };
    captures
        .iter()
        .map(|(name, text)| (name.clone(), value(text)))
        .collect::<Map<_, _>>()
        .into()
}

/// Names that an expression reads from `captures`.
pub(crate) fn names(source: &str) -> Vec<&str> {
    source
        .split("captures.")
        .skip(1)
        .map(|rest| {
            &rest[..rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())]
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_numbers_can_be_added() {
        let captures = Captures::from([("na".into(), "5037".into()), ("nb".into(), "4963".into())]);
        let variables = [("captures", captured(&captures))];
        let held = |source: &str| evaluate(source, &variables);
        assert_eq!(held("captures.na + captures.nb == 10000"), Ok(true));
        assert_eq!(
            held("captures.na >= 4800 && captures.na <= 5000"),
            Ok(false)
        );
        assert!(held("captures.nc == 1").is_err());
        assert!(held("captures.na").is_err());
        assert!(problem("captures.na +").is_some());
        assert_eq!(problem("1 < 2"), None);
        assert_eq!(names("captures.na + captures.nb == 1"), ["na", "nb"]);
    }
}
