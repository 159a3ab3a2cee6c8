//! kubectl's JSONPath: templates with `{…}`, ranges, filters, slices and unions.
//!
//! A field that is not there yields nothing; an index that is not there is an error.

use serde_json::Value;

use crate::text::json;

/// A parsed template.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Action(Vec<Node>),
    Range(Vec<Node>, Vec<Self>),
    /// `{end}` where no range is; an error only when it is come to.
    StrayEnd,
}

#[derive(Debug, Clone)]
enum Node {
    Field(String),
    Wildcard,
    Recursive,
    Slice(Option<i64>, Option<i64>, Option<i64>),
    Index(i64),
    Union(Vec<Vec<Self>>),
    Filter(Box<Filter>),
    Root,
    Literal(Value),
}

impl Template {
    /// Parses `{.a.b}text{range .c[*]}…{end}`; the error is the parser's word for what is wrong.
    pub(crate) fn parse(template: &str) -> Result<Self, String> {
        let mut parser = Parser {
            text: template.chars().collect(),
            at: 0,
        };
        let (pieces, closed) = parser.pieces(false)?;
        debug_assert!(!closed, "the outermost pieces end with the text");
        Ok(Self(pieces))
    }

    /// Parses what custom columns and `--sort-by` take: the braces and the first dot may be missing.
    pub(crate) fn parse_relaxed(expression: &str) -> Result<Self, String> {
        let inner = expression
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(expression);
        let dot = if inner.starts_with(['.', '[', '$']) {
            ""
        } else {
            "."
        };
        Self::parse(&format!("{{{dot}{inner}}}"))
    }

    /// The text of the template over a value.
    pub(crate) fn text(&self, root: &Value) -> Result<String, String> {
        let mut out = String::new();
        write(&self.0, root, root, &mut out)?;
        Ok(out)
    }

    /// The same, where a field that is not there is an error.
    pub(crate) fn strict_text(&self, root: &Value) -> Result<String, String> {
        let first = |piece: &Piece| match piece {
            Piece::Action(nodes) | Piece::Range(nodes, _) => missing(nodes, root),
            Piece::Text(_) | Piece::StrayEnd => None,
        };
        match self.0.iter().find_map(first) {
            Some(name) => Err(format!("{name} is not found")),
            None => self.text(root),
        }
    }

    /// Everything that the first expression finds.
    pub(crate) fn find(&self, root: &Value) -> Result<Vec<Value>, String> {
        match self.0.first() {
            Some(Piece::Action(nodes)) => evaluate(nodes, root, vec![root.clone()]),
            _ => Ok(Vec::new()),
        }
    }
}

fn write(pieces: &[Piece], root: &Value, here: &Value, out: &mut String) -> Result<(), String> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Action(nodes) => {
                let found = evaluate(nodes, root, vec![here.clone()])?;
                let words: Vec<String> = found.iter().map(show).collect();
                out.push_str(&words.join(" "));
            }
            Piece::StrayEnd => return Err("not in range, nothing to end".to_owned()),
            Piece::Range(nodes, body) => {
                for value in evaluate(nodes, root, vec![here.clone()])? {
                    write(body, root, &value, out)?;
                }
            }
        }
    }
    Ok(())
}

/// The first plain field of a path that leads nowhere.
fn missing(nodes: &[Node], root: &Value) -> Option<String> {
    let mut here = root;
    for node in nodes {
        match node {
            Node::Root => here = root,
            Node::Field(name) => match here.get(name.as_str()) {
                Some(found) => here = found,
                None => return Some(name.clone()),
            },
            _ => return None,
        }
    }
    None
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => json::compact(value),
        other => other.to_string(),
    }
}

fn evaluate(nodes: &[Node], root: &Value, mut values: Vec<Value>) -> Result<Vec<Value>, String> {
    for node in nodes {
        let mut next = Vec::new();
        match node {
            Node::Root => next.push(root.clone()),
            Node::Literal(value) => next.push(value.clone()),
            Node::Union(branches) => {
                for branch in branches {
                    next.extend(evaluate(branch, root, values.clone())?);
                }
            }
            _ => {
                for value in &values {
                    step(node, root, value, &mut next)?;
                }
            }
        }
        values = next;
    }
    Ok(values)
}

fn step(node: &Node, root: &Value, value: &Value, next: &mut Vec<Value>) -> Result<(), String> {
    match node {
        Node::Field(name) => next.extend(value.get(name.as_str()).cloned()),
        Node::Wildcard => match value {
            Value::Array(items) => next.extend(items.iter().cloned()),
            Value::Object(map) => next.extend(map.values().cloned()),
            _ => {}
        },
        Node::Recursive => descend(value, next),
        Node::Index(index) => {
            let Some(items) = array(value)? else {
                return Ok(());
            };
            let length = items.len() as i64;
            let position = if *index < 0 { index + length } else { *index };
            match usize::try_from(position)
                .ok()
                .and_then(|position| items.get(position))
            {
                Some(item) => next.push(item.clone()),
                None => {
                    return Err(format!(
                        "array index out of bounds: index {index}, length {length}"
                    ));
                }
            }
        }
        Node::Slice(from, to, by) => {
            let Some(items) = array(value)? else {
                return Ok(());
            };
            slice(items, *from, *to, *by, next);
        }
        Node::Filter(filter) => {
            let Some(items) = array(value)? else {
                return Ok(());
            };
            for item in items {
                if passes(filter, root, item)? {
                    next.push(item.clone());
                }
            }
        }
        Node::Union(_) | Node::Root | Node::Literal(_) => {}
    }
    Ok(())
}

fn array(value: &Value) -> Result<Option<&Vec<Value>>, String> {
    match value {
        Value::Array(items) => Ok(Some(items)),
        Value::Null => Ok(None),
        other => Err(format!("{} is not array or slice", go_syntax(other))),
    }
}

fn slice(
    items: &[Value],
    from: Option<i64>,
    to: Option<i64>,
    by: Option<i64>,
    next: &mut Vec<Value>,
) {
    let length = items.len() as i64;
    let place =
        |index: i64| (if index < 0 { index + length } else { index }).clamp(0, length) as usize;
    let (start, end) = (place(from.unwrap_or(0)), place(to.unwrap_or(length)));
    if start < end {
        next.extend(
            items[start..end]
                .iter()
                .step_by(by.unwrap_or(1).max(1) as usize)
                .cloned(),
        );
    }
}

fn descend(value: &Value, next: &mut Vec<Value>) {
    next.push(value.clone());
    match value {
        Value::Array(items) => items.iter().for_each(|item| descend(item, next)),
        Value::Object(map) => map.values().for_each(|item| descend(item, next)),
        _ => {}
    }
}

fn passes(filter: &Filter, root: &Value, item: &Value) -> Result<bool, String> {
    let left = evaluate(&filter.0, root, vec![item.clone()])?;
    let Some((operator, right)) = &filter.1 else {
        return Ok(!left.is_empty());
    };
    let right = evaluate(right, root, vec![item.clone()])?;
    let (Some(left), Some(right)) = (left.first(), right.first()) else {
        return Ok(false);
    };
    let order = match (left, right) {
        (Value::String(left), Value::String(right)) => left.partial_cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.partial_cmp(right),
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => None,
        },
    };
    Ok(order.is_some_and(|order| match operator.as_str() {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// A value in Go's own syntax, as kubectl's debugging output shows it.
pub(crate) fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", go_syntax(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// What stands left of an operator, and the operator with what stands right of it.
type Filter = (Vec<Node>, Option<(String, Vec<Node>)>);

struct Parser {
    text: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn starts_with(&self, word: &str) -> bool {
        word.chars()
            .enumerate()
            .all(|(offset, c)| self.text.get(self.at + offset) == Some(&c))
    }

    /// Pieces up to the end of the text or, in a range, up to `{end}`; says whether `{end}` came.
    fn pieces(&mut self, in_range: bool) -> Result<(Vec<Piece>, bool), String> {
        let mut pieces = Vec::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|c| c != '{') {
                self.at += 1;
            }
            if self.at > start {
                pieces.push(Piece::Text(self.text[start..self.at].iter().collect()));
            }
            if self.peek().is_none() {
                // A range that does not end ends with the text.
                return Ok((pieces, false));
            }
            self.at += 1;
            self.spaces();
            if self.starts_with("end")
                && matches!(self.text.get(self.at + 3), None | Some('}' | ' '))
            {
                self.at += 3;
                self.close()?;
                if in_range {
                    return Ok((pieces, true));
                }
                pieces.push(Piece::StrayEnd);
                continue;
            }
            if self.starts_with("range") && matches!(self.text.get(self.at + 5), Some(' ' | '.')) {
                self.at += 5;
                let over = self.action()?;
                let (body, _) = self.pieces(true)?;
                pieces.push(Piece::Range(over, body));
            } else {
                pieces.push(Piece::Action(self.action()?));
            }
        }
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n')) {
            self.at += 1;
        }
    }

    fn close(&mut self) -> Result<(), String> {
        self.spaces();
        match self.peek() {
            Some('}') => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(unrecognized(c)),
            None => Err("unclosed action".to_owned()),
        }
    }

    /// Everything up to and including `}`.
    fn action(&mut self) -> Result<Vec<Node>, String> {
        let mut branches = vec![Vec::new()];
        loop {
            self.spaces();
            match self.peek() {
                None => return Err("unclosed action".to_owned()),
                Some('}') => {
                    self.at += 1;
                    break;
                }
                Some(',') => {
                    self.at += 1;
                    branches.push(Vec::new());
                }
                Some(_) => {
                    let branch = branches.last_mut().expect("there is always one branch");
                    self.node(branch)?;
                }
            }
        }
        Ok(if branches.len() == 1 {
            branches.remove(0)
        } else {
            vec![Node::Union(branches)]
        })
    }

    fn node(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        let Some(c) = self.peek() else { return Ok(()) };
        match c {
            '.' => self.field(nodes),
            '[' => self.array(nodes)?,
            '"' | '\'' => nodes.push(Node::Literal(Value::String(self.string(c)?))),
            '@' => self.at += 1,
            '$' => {
                self.at += 1;
                nodes.push(Node::Root);
            }
            '0'..='9' | '-' | '+' => nodes.push(self.number()?),
            c if c.is_alphanumeric() => {
                let word = self.word();
                match word.as_str() {
                    "true" => nodes.push(Node::Literal(Value::Bool(true))),
                    "false" => nodes.push(Node::Literal(Value::Bool(false))),
                    _ => return Err(format!("unrecognized identifier {word}")),
                }
            }
            c => return Err(unrecognized(c)),
        }
        Ok(())
    }

    fn field(&mut self, nodes: &mut Vec<Node>) {
        self.at += 1;
        if self.peek() == Some('.') {
            nodes.push(Node::Recursive);
            if self.text.get(self.at + 1).is_none_or(|c| *c == '[') {
                self.at += 1;
            } else {
                self.field_name(nodes, 1);
            }
            return;
        }
        self.field_name(nodes, 0);
    }

    fn field_name(&mut self, nodes: &mut Vec<Node>, skip: usize) {
        self.at += skip;
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.at += 1;
                name.extend(self.peek());
            } else if " \t\n.,[]$@{}()=!<>".contains(c) {
                break;
            } else {
                name.push(c);
            }
            self.at += 1;
        }
        match name.as_str() {
            "" => {}
            "*" => nodes.push(Node::Wildcard),
            _ => nodes.push(Node::Field(name)),
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(char::is_alphanumeric) {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    fn number(&mut self) -> Result<Node, String> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))
        {
            self.at += 1;
        }
        let text: String = self.text[start..self.at].iter().collect();
        if let Ok(integer) = text.parse::<i64>() {
            return Ok(Node::Literal(Value::from(integer)));
        }
        text.parse::<f64>()
            .map(|float| Node::Literal(Value::from(float)))
            .map_err(|_| format!("cannot parse number {text}"))
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                c if c == quote => return Ok(out),
                '\\' => {
                    let escaped = self.peek().ok_or("unterminated quoted string")?;
                    self.at += 1;
                    out.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        other => other,
                    });
                }
                '\n' => break,
                c => out.push(c),
            }
        }
        Err("unterminated quoted string".to_owned())
    }

    /// What stands in brackets: indexes, slices, names, `*`, or a filter.
    fn array(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        self.at += 1;
        self.spaces();
        if self.starts_with("?(") {
            self.at += 2;
            return self.filter(nodes);
        }
        let mut parts = Vec::new();
        loop {
            self.spaces();
            let part = match self.peek() {
                None | Some('\n') => return Err("unterminated array".to_owned()),
                Some(quote @ ('\'' | '"')) => Node::Field(self.string(quote)?),
                Some('*') => {
                    self.at += 1;
                    Node::Wildcard
                }
                Some(_) => self.index()?,
            };
            parts.push(part);
            self.spaces();
            match self.peek() {
                Some(']') => {
                    self.at += 1;
                    break;
                }
                Some(',') => self.at += 1,
                None => return Err("unterminated array".to_owned()),
                Some(_) => return Err(self.bad_index()),
            }
        }
        nodes.push(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Node::Union(parts.into_iter().map(|part| vec![part]).collect())
        });
        Ok(())
    }

    fn bad_index(&self) -> String {
        let rest: String = self.text[self.at..]
            .iter()
            .take_while(|c| **c != ']')
            .collect();
        format!("invalid array index {rest}")
    }

    fn index(&mut self) -> Result<Node, String> {
        let mut numbers = [None; 3];
        let mut colons = 0;
        loop {
            let start = self.at;
            while self.peek().is_some_and(|c| c.is_ascii_digit() || c == '-') {
                self.at += 1;
            }
            let text: String = self.text[start..self.at].iter().collect();
            if !text.is_empty() {
                numbers[colons] = Some(
                    text.parse::<i64>()
                        .map_err(|_| format!("invalid array index {text}"))?,
                );
            }
            if self.peek() != Some(':') || colons == 2 {
                break;
            }
            colons += 1;
            self.at += 1;
        }
        match (colons, numbers[0]) {
            (0, Some(index)) => Ok(Node::Index(index)),
            (0, None) => Err(self.bad_index()),
            _ => Ok(Node::Slice(numbers[0], numbers[1], numbers[2])),
        }
    }

    fn filter(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        let left = self.operand()?;
        self.spaces();
        let operator = ["==", "!=", "<=", ">=", "<", ">"]
            .into_iter()
            .find(|operator| self.starts_with(operator));
        let right = match operator {
            Some(operator) => {
                self.at += operator.len();
                Some((operator.to_owned(), self.operand()?))
            }
            None => None,
        };
        self.spaces();
        if !self.starts_with(")]") {
            return Err("unterminated filter".to_owned());
        }
        self.at += 2;
        nodes.push(Node::Filter(Box::new((left, right))));
        Ok(())
    }

    fn operand(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        self.spaces();
        while self.peek().is_some_and(|c| !" )}=!<>".contains(c)) {
            self.node(&mut nodes)?;
        }
        if self.peek().is_none() {
            Err("unterminated filter".to_owned())
        } else {
            Ok(nodes)
        }
    }
}

fn unrecognized(c: char) -> String {
    format!("unrecognized character in action: U+{:04X} '{c}'", c as u32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(template: &str, expect: Result<&str, &str>) {
        let value = json!({
            "items": [
                {"metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}}, "n": 1, "ready": true},
                {"metadata": {"name": "b"}, "n": 2, "ready": false},
            ],
            "ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}],
        });
        let found = Template::parse(template).and_then(|template| template.text(&value));
        assert_eq!(found.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn templates_mean_what_kubectl_takes_them_for() {
        check("{.items[0].metadata.name}", Ok("a"));
        check("{.items[*].metadata.name}", Ok("a b"));
        check("{.items[-1:].metadata.name}", Ok("b"));
        check("{.items[0,1].n}", Ok("1 2"));
        check(
            "{range .items[*]}{.metadata.name}{\"\\t\"}{.n}{\"\\n\"}{end}",
            Ok("a\t1\nb\t2\n"),
        );
        check("{.ports[?(@.name==\"https\")].port}", Ok("443"));
        check("{.ports[?(@.port>100)].name}", Ok("https"));
        check("{.items[?(@.ready==true)].metadata.name}", Ok("a"));
        check("{.items[?(@.metadata.labels)].metadata.name}", Ok("a"));
        check(
            "{.items[0].metadata.labels.app\\.kubernetes\\.io/name}",
            Ok("x"),
        );
        check(
            "{.items[0].metadata.labels['app.kubernetes.io/name']}",
            Ok("x"),
        );
        check("{..name}", Ok("a b http https"));
        check("{.ports[0]}", Ok("{\"name\":\"http\",\"port\":80}"));
        check("{.nope}", Ok(""));
        check("{$.ports[0].port}", Ok("80"));
        check("{.items[*]['metadata.name','n']}", Ok("1 2"));
    }

    #[test]
    fn mistakes_are_told_in_kubectls_words() {
        check("{.spec.ports[0", Err("unterminated array"));
        check("{.spec", Err("unclosed action"));
        check(
            "{.items[5].n}",
            Err("array index out of bounds: index 5, length 2"),
        );
        check("{end}", Err("not in range, nothing to end"));
        check("{.ports[?(@.name==\"x\"}", Err("unterminated filter"));
    }
}
