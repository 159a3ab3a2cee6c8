//! A template's tree over an object. Never parses.

use serde_json::Value;

use super::parse::{Base, Call, Node, Pipe, Term};
use super::{Template, functions, print};

/// How deep templates may call each other.
const DEEPEST: usize = 100;

/// The output so far, and the error that ended it.
pub(super) fn run(
    template: &Template,
    object: &Value,
    missing_is_error: bool,
) -> (String, Option<String>) {
    let mut run = Run {
        template,
        missing_is_error,
        out: String::new(),
        variables: vec![("$".to_owned(), Some(object.clone()))],
        depth: 0,
    };
    let end = run.nodes(&template.body, &Some(object.clone()));
    (run.out, end.err())
}

/// A value, or Go's "no value" of a field that is not there.
type Maybe = Option<Value>;

enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'t> {
    template: &'t Template,
    missing_is_error: bool,
    out: String,
    variables: Vec<(String, Maybe)>,
    depth: usize,
}

fn is_true(value: &Maybe) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
    }
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Maybe) -> Result<Flow, String> {
        let known = self.variables.len();
        for node in nodes {
            match self.node(node, dot)? {
                Flow::On => {}
                other => {
                    self.variables.truncate(known);
                    return Ok(other);
                }
            }
        }
        self.variables.truncate(known);
        Ok(Flow::On)
    }

    fn node(&mut self, node: &Node, dot: &Maybe) -> Result<Flow, String> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Show(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    let text = value.map_or("<no value>".to_owned(), |value| match value {
                        Value::Null => "<no value>".to_owned(),
                        value => print::plain(&value),
                    });
                    self.out.push_str(&text);
                }
            }
            Node::If(pipe, body, otherwise) | Node::With(pipe, body, otherwise) => {
                let known = self.variables.len();
                let value = self.pipe(pipe, dot)?;
                let inner = if matches!(node, Node::With(..)) {
                    &value
                } else {
                    dot
                };
                let flow = if is_true(&value) {
                    self.nodes(body, inner)
                } else {
                    self.nodes(otherwise, dot)
                };
                self.variables.truncate(known);
                return flow;
            }
            Node::Range(pipe, body, otherwise) => self.range(pipe, body, otherwise, dot)?,
            Node::Template(name, pipe) => self.call_template(name, pipe.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(
        &mut self,
        pipe: &Pipe,
        body: &[Node],
        otherwise: &[Node],
        dot: &Maybe,
    ) -> Result<(), String> {
        let known = self.variables.len();
        let value = self.pipe_value(pipe, dot)?;
        let pairs: Vec<(Value, Value)> = match value {
            Some(Value::Array(items)) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| (Value::from(index), item))
                .collect(),
            Some(Value::Object(map)) => map
                .into_iter()
                .map(|(key, item)| (Value::String(key), item))
                .collect(),
            Some(Value::Number(number)) if number.is_i64() => (0..number.as_i64().unwrap_or(0))
                .take(1 << 20)
                .map(|index| (Value::from(index), Value::from(index)))
                .collect(),
            None | Some(Value::Null) => Vec::new(),
            Some(other) => {
                let words = format!("range can't iterate over {}", print::plain(&other));
                return Err(self.wrong_at(&pipe.commands[0].arguments[0], &words));
            }
        };
        if pairs.is_empty() {
            self.nodes(otherwise, dot)?;
        }
        for (key, item) in pairs {
            match &pipe.variables[..] {
                [] => {}
                [one] => self.bind(one, Some(item.clone()), pipe.assigns),
                [first, second, ..] => {
                    self.bind(first, Some(key), pipe.assigns);
                    self.bind(second, Some(item.clone()), pipe.assigns);
                }
            }
            let flow = self.nodes(body, &Some(item))?;
            if !pipe.assigns {
                self.variables.truncate(known);
            }
            if matches!(flow, Flow::Break) {
                break;
            }
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn call_template(
        &mut self,
        name: &str,
        pipe: Option<&Pipe>,
        dot: &Maybe,
    ) -> Result<(), String> {
        let Some(body) = self.template.defined.get(name) else {
            return Err(format!(
                "template: output:1:11: executing \"output\" at <{{{{template {name:?}}}}}>: template {name:?} not defined"
            ));
        };
        let value = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => None,
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!(
                "template: output: exceeded maximum template depth ({DEEPEST})"
            ));
        }
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), value.clone())]);
        let end = self.nodes(body, &value);
        self.variables = outer;
        self.depth -= 1;
        end.map(drop)
    }

    fn bind(&mut self, name: &str, value: Maybe, assigns: bool) {
        let old = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name);
        match old {
            Some((_, slot)) if assigns => *slot = value,
            _ => self.variables.push((name.to_owned(), value)),
        }
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Maybe) -> Result<Maybe, String> {
        let value = self.pipe_value(pipe, dot)?;
        if let [name] = &pipe.variables[..] {
            self.bind(name, value.clone(), pipe.assigns);
        }
        Ok(value)
    }

    fn pipe_value(&mut self, pipe: &Pipe, dot: &Maybe) -> Result<Maybe, String> {
        let mut last: Option<Maybe> = None;
        for call in &pipe.commands {
            last = Some(self.call(call, dot, last)?);
        }
        Ok(last.flatten())
    }

    fn call(&mut self, call: &Call, dot: &Maybe, last: Option<Maybe>) -> Result<Maybe, String> {
        let first = &call.arguments[0];
        if let (Base::Function(name), true) = (&first.base, first.fields.is_empty()) {
            return self.function(name, call, dot, last);
        }
        if matches!(first.base, Base::Nil) {
            return Err(self.wrong_at(first, "nil is not a command"));
        }
        if call.arguments.len() > 1 || last.is_some() {
            let words = format!("can't give argument to non-function {}", first.source);
            return Err(self.wrong_at(first, &words));
        }
        self.term(first, dot)
    }

    fn function(
        &mut self,
        name: &str,
        call: &Call,
        dot: &Maybe,
        last: Option<Maybe>,
    ) -> Result<Maybe, String> {
        if name == "and" || name == "or" {
            // They stop at the first argument that decides.
            let mut value = None;
            for term in &call.arguments[1..] {
                value = self.term(term, dot)?;
                if is_true(&value) == (name == "or") {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut arguments = Vec::new();
        for term in &call.arguments[1..] {
            arguments.push(self.term(term, dot)?);
        }
        arguments.extend(last);
        functions::call(name, &arguments, is_true).map_err(|error| {
            let words: Vec<&str> = call
                .arguments
                .iter()
                .map(|term| term.source.as_str())
                .collect();
            let place = call.arguments[0].place;
            located(place, &words.join(" "), &error)
        })
    }

    fn term(&mut self, term: &Term, dot: &Maybe) -> Result<Maybe, String> {
        let mut value = match &term.base {
            Base::Dot => dot.clone(),
            Base::Nil => Some(Value::Null),
            Base::Bool(yes) => Some(Value::Bool(*yes)),
            Base::Int(number) => Some(Value::from(*number)),
            Base::Float(number) => Some(Value::from(*number)),
            Base::Text(text) => Some(Value::String(text.clone())),
            Base::Variable(name) => self
                .variables
                .iter()
                .rev()
                .find(|(known, _)| known == name)
                .and_then(|(_, value)| value.clone()),
            Base::Function(name) => {
                functions::call(name, &[], is_true).map_err(|error| self.wrong_at(term, &error))?
            }
            Base::Pipe(pipe) => self.pipe_value(pipe, dot)?,
        };
        for field in &term.fields {
            value = match value {
                None | Some(Value::Null) => None,
                Some(Value::Object(mut map)) => match map.remove(field) {
                    Some(found) => Some(found),
                    None if self.missing_is_error => {
                        let words = format!("map has no entry for key {field:?}");
                        return Err(self.wrong_at(term, &words));
                    }
                    None => None,
                },
                Some(_) => {
                    let words = format!("can't evaluate field {field} in type interface {{}}");
                    return Err(self.wrong_at(term, &words));
                }
            };
        }
        Ok(value)
    }

    fn wrong_at(&self, term: &Term, words: &str) -> String {
        located(term.place, &term.source, words)
    }
}

fn located(place: (usize, usize), source: &str, words: &str) -> String {
    let (line, column) = place;
    format!("template: output:{line}:{column}: executing \"output\" at <{source}>: {words}")
}
