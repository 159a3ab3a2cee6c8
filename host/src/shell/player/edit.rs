//! `kubectl edit` with an editor that makes a lesson's changes: a script that jq carries out on
//! the object as kubectl hands it over. Never talks to the API server itself.

use lesson::PatchOp;
use serde_json::Value;

/// Where the script lies while it is needed.
pub(super) const SCRIPT: &str = "/tmp/.lab-editor";

/// The command that is given to the machine's shell.
pub(super) fn command(object: &str) -> String {
    format!(
        "KUBE_EDITOR='sh {SCRIPT}' kubectl edit -o json {object}; set -- $?; rm -f {SCRIPT} {SCRIPT}.once; (exit $1)"
    )
}

/// What the editor does to the file it is given; when kubectl opens it again because the server
/// refused it, nothing, so that kubectl gives up.
///
/// # Errors
/// When an operation is none that this editor knows.
pub(super) fn script(patch: &[PatchOp]) -> Result<String, String> {
    let steps: Vec<String> = patch.iter().map(step).collect::<Result<_, _>>()?;
    let filter = steps.join(" | ").replace('\'', "'\\''");
    Ok(format!(
        "if [ -e {SCRIPT}.once ]; then exit 0; fi\ntouch {SCRIPT}.once\njq '{filter}' \"$1\" > \"$1.new\" && cat \"$1.new\" > \"$1\" && rm \"$1.new\"\n"
    ))
}

/// One operation as a filter.
fn step(op: &PatchOp) -> Result<String, String> {
    let parts: Vec<String> = op
        .path
        .strip_prefix('/')
        .ok_or_else(|| format!("{:?} is not a JSON Pointer: it begins with `/`", op.path))?
        .split('/')
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    let (last, above) = parts.split_last().ok_or("a patch needs a path")?;
    let path: String = parts.iter().map(|part| index(part)).collect();
    let parent: String = above.iter().map(|part| index(part)).collect();
    let parent = if parent.is_empty() {
        String::new()
    } else {
        format!(".{parent}")
    };
    let parent = if parent.is_empty() {
        ".".to_owned()
    } else {
        parent
    };
    let value = || {
        let value = op.value.as_ref();
        value
            .map(Value::to_string)
            .ok_or_else(|| format!("`{}` needs a `value`", op.op))
    };
    let missing = Value::String(format!("{} is not there", op.path));
    let there = format!("if .{path} == null then error({missing}) else . end");
    match op.op.as_str() {
        "replace" => Ok(format!("{there} | .{path} = {}", value()?)),
        "remove" => Ok(format!("{there} | del(.{path})")),
        "add" if last == "-" => Ok(format!("{parent} += [{}]", value()?)),
        "add" if last.parse::<usize>().is_ok() => {
            let value = value()?;
            Ok(format!(
                "if ({parent} | type) == \"array\" then {parent} |= (.[:{last}] + [{value}] + .[{last}:]) else .{path} = {value} end"
            ))
        }
        "add" => Ok(format!(".{path} = {}", value()?)),
        other => Err(format!("{other:?} is not among add, replace and remove")),
    }
}

fn index(part: &str) -> String {
    match part.parse::<usize>() {
        Ok(number) => format!("[{number}]"),
        Err(_) => format!("[{}]", Value::String(part.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn op(op: &str, path: &str, value: Option<Value>) -> PatchOp {
        PatchOp {
            op: op.into(),
            path: path.into(),
            value,
        }
    }

    #[test]
    fn operations_are_filters() {
        let told = |op: &PatchOp| step(op).expect("known");
        assert_eq!(
            told(&op("replace", "/spec/type", Some(json!("NodePort")))),
            r#"if .["spec"]["type"] == null then error("/spec/type is not there") else . end | .["spec"]["type"] = "NodePort""#
        );
        assert_eq!(
            told(&op("add", "/spec/ports/-", Some(json!({"port": 443})))),
            r#".["spec"]["ports"] += [{"port":443}]"#
        );
        assert_eq!(
            told(&op(
                "add",
                "/metadata/annotations/a~1b",
                Some(json!("it's"))
            )),
            r#".["metadata"]["annotations"]["a/b"] = "it's""#
        );
        assert!(step(&op("move", "/a", None)).is_err());
        assert!(step(&op("replace", "/a", None)).is_err());
        assert!(step(&op("add", "a", Some(json!(1)))).is_err());
    }

    #[test]
    fn quotes_do_not_end_the_script() {
        let text = script(&[op("add", "/a", Some(json!("it's")))]).expect("known");
        assert!(text.contains(r#"jq '.["a"] = "it'\''s"' "$1""#), "{text}");
    }
}
