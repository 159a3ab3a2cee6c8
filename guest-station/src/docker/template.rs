//! The part of Go's templates that `-f` and `--format` need: fields, `json`, `index`, `range`,
//! `if`. What else a template says is refused, never printed as if it were nothing.

use serde_json::Value;

/// Fills a template from a value.
///
/// # Errors
/// What is not understood, in Docker's words.
pub(crate) fn fill(template: &str, value: &Value) -> Result<String, String> {
    let (nodes, rest) = parse(template)?;
    if !rest.is_empty() {
        return Err(wrong("unexpected {{end}}"));
    }
    let mut out = String::new();
    let scope = Scope {
        dot: value.clone(),
        vars: Vec::new(),
    };
    print(&nodes, &scope, &mut out)?;
    Ok(out)
}

fn wrong(what: &str) -> String {
    format!("template parsing error: template: :1: {what}")
}

enum Node {
    Text(String),
    Show(String),
    Range(Vec<String>, String, Vec<Self>),
    If(String, Vec<Self>),
}

#[derive(Clone)]
struct Scope {
    dot: Value,
    vars: Vec<(String, Value)>,
}

/// The nodes until the end or an `{{end}}`, and what follows that.
fn parse(mut text: &str) -> Result<(Vec<Node>, &str), String> {
    let mut nodes = Vec::new();
    loop {
        let Some(at) = text.find("{{") else {
            nodes.push(Node::Text(text.to_owned()));
            return Ok((nodes, ""));
        };
        nodes.push(Node::Text(text[..at].to_owned()));
        let (action, rest) = text[at + 2..]
            .split_once("}}")
            .ok_or_else(|| wrong("unclosed action"))?;
        let action = action.trim_matches('-').trim();
        text = rest;
        let (word, operand) = action.split_once(' ').unwrap_or((action, ""));
        match word {
            "end" => return Ok((nodes, text)),
            "range" | "if" => {
                let (inside, rest) = parse(text)?;
                text = rest;
                nodes.push(if word == "if" {
                    Node::If(operand.trim().to_owned(), inside)
                } else {
                    let (names, from) = operand.split_once(":=").unwrap_or(("", operand));
                    let names = names
                        .split(',')
                        .map(str::trim)
                        .filter(|name| !name.is_empty());
                    Node::Range(
                        names.map(str::to_owned).collect(),
                        from.trim().to_owned(),
                        inside,
                    )
                });
            }
            _ => nodes.push(Node::Show(action.to_owned())),
        }
    }
}

fn print(nodes: &[Node], scope: &Scope, out: &mut String) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Show(action) => match action.strip_prefix("json ") {
                Some(operand) => out.push_str(&look(operand.trim(), scope)?.to_string()),
                None => out.push_str(&plain(&look(action, scope)?)),
            },
            Node::If(action, inside) => {
                let value = look(action, scope)?;
                let empty = value.is_null()
                    || value == false
                    || value == ""
                    || value == 0
                    || value.as_array().is_some_and(Vec::is_empty);
                if !empty {
                    print(inside, scope, out)?;
                }
            }
            Node::Range(names, from, inside) => {
                for (key, value) in items(look(from, scope)?) {
                    let mut inner = Scope {
                        dot: value.clone(),
                        vars: scope.vars.clone(),
                    };
                    match names.as_slice() {
                        [] => {}
                        [one] => inner.vars.push((one.clone(), value)),
                        [first, second, ..] => {
                            inner.vars.push((first.clone(), key));
                            inner.vars.push((second.clone(), value));
                        }
                    }
                    print(inside, &inner, out)?;
                }
            }
        }
    }
    Ok(())
}

fn items(value: Value) -> Vec<(Value, Value)> {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (Value::String(key), value))
            .collect(),
        Value::Array(list) => list
            .into_iter()
            .enumerate()
            .map(|(index, value)| (index.into(), value))
            .collect(),
        _ => Vec::new(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<no value>".to_owned(),
        other => other.to_string(),
    }
}

/// `.A.B`, `$v.A`, `(index .A "k").B`, `index .A "k" 0`.
fn look(text: &str, scope: &Scope) -> Result<Value, String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('(') {
        let (inside, path) = rest
            .rsplit_once(')')
            .ok_or_else(|| wrong("unclosed left paren"))?;
        return walk(look(inside, scope)?, path);
    }
    if let Some(operands) = text.strip_prefix("index ") {
        let mut words = split(operands).into_iter();
        let mut value = look(&words.next().unwrap_or_default(), scope)?;
        for word in words {
            let key = word.trim_matches('"');
            value = match word.parse::<usize>() {
                Ok(index) => value[index].clone(),
                Err(_) => value[key].clone(),
            };
        }
        return Ok(value);
    }
    if let Some(path) = text.strip_prefix('$') {
        let end = path.find('.').unwrap_or(path.len());
        let found = scope
            .vars
            .iter()
            .rev()
            .find(|(name, _)| name[1..] == path[..end]);
        let (_, value) =
            found.ok_or_else(|| wrong(&format!("undefined variable \"${}\"", &path[..end])))?;
        return walk(value.clone(), &path[end..]);
    }
    if text.starts_with('.') && !text.contains(' ') {
        return walk(scope.dot.clone(), text);
    }
    let name = text.split(' ').next().unwrap_or(text);
    Err(wrong(&format!("function \"{name}\" not defined")))
}

/// Words, with quotes and parentheses kept together.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut depth, mut quoted) = (Vec::new(), String::new(), 0, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if c == ' ' && depth == 0 && !quoted {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn walk(mut value: Value, path: &str) -> Result<Value, String> {
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let next = match &value {
            Value::Object(map) => map.get(name).cloned(),
            _ => None,
        };
        value = next.ok_or_else(|| {
            format!(
                "template: :1:2: executing \"\" at <{path}>: map has no entry for key \"{name}\""
            )
        })?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_usual_templates_are_filled() {
        let value = json!({ "Name": "/web", "NetworkSettings": {
            "IPAddress": "172.17.0.2",
            "Networks": { "bridge": { "IPAddress": "172.17.0.2" } },
            "Ports": { "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "8080" }] },
        }});
        for (template, text) in [
            ("{{.NetworkSettings.IPAddress}}", "172.17.0.2"),
            (
                "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                "172.17.0.2",
            ),
            ("{{ .Name }}!", "/web!"),
            (
                "{{json .NetworkSettings.Ports}}",
                r#"{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}"#,
            ),
            (
                r#"{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}"#,
                "8080",
            ),
            (
                "{{range $p, $conf := .NetworkSettings.Ports}}{{$p}} -> {{(index $conf 0).HostPort}}{{end}}",
                "80/tcp -> 8080",
            ),
        ] {
            assert_eq!(fill(template, &value).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        let value = json!({ "A": 1 });
        for template in ["{{.B}}", "{{upper .A}}", "{{.A", "{{$x}}"] {
            assert!(fill(template, &value).is_err(), "{template}");
        }
    }
}
