//! The little of JSONPath that captures need: names, `[0]`, `['name']`, `[*]`.
//!
//! Never filters and never searches recursively; `kubectl -o jsonpath` is another program.

use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    Every,
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let path = path.trim();
    let path = path
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(path);
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (content, after) = inner.split_once(']')?;
            let quoted = content
                .strip_prefix(['\'', '"'])
                .and_then(|key| key.strip_suffix(['\'', '"']));
            steps.push(match (content, quoted) {
                ("*", _) => Step::Every,
                (_, Some(key)) => Step::Key(key.to_owned()),
                (index, None) => Step::Index(index.parse().ok()?),
            });
            rest = after;
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(name[..end].to_owned()));
            rest = &name[end..];
        }
    }
    (!steps.is_empty()).then_some(steps)
}

/// Whether this is a path that [`find`] understands.
pub(crate) fn is_valid(path: &str) -> bool {
    steps(path).is_some()
}

/// The first value at `path`, as text.
pub(crate) fn find(value: &Value, path: &str) -> Option<String> {
    let mut found = vec![value];
    for step in steps(path)? {
        found = found
            .into_iter()
            .flat_map(|value| follow(value, &step))
            .collect();
    }
    found.into_iter().next().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn follow<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match step {
        Step::Key(key) => value.get(key).into_iter().collect(),
        Step::Index(index) => value.get(index).into_iter().collect(),
        Step::Every => value.as_array().into_iter().flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_indices_and_stars_lead_to_the_first_value() {
        let pod = json!({"status": {"podIPs": [{"ip": "10.0.0.1"}], "a.b": 3}});
        for (path, value) in [
            (".status.podIPs[0].ip", Some("10.0.0.1")),
            ("{.status.podIPs[*].ip}", Some("10.0.0.1")),
            ("$.status['a.b']", Some("3")),
            ("status.podIPs[1].ip", None),
            (".status..ip", None),
        ] {
            assert_eq!(find(&pod, path).as_deref(), value, "{path}");
        }
        assert!(!is_valid(".a[x]") && !is_valid(""));
    }
}
