//! YAML in: documents to JSON values by kubectl's rules, errors in kubectl's words.
//!
//! The last of two equal keys wins, plain scalars follow YAML 1.1, `<<` merges. Line numbers count from the document's start.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Map, Value};

use super::resolve;

/// Why a text is no YAML, as `yaml: line 4: did not find expected key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadError(pub(crate) String);

/// Every document of a YAML or JSON text; empty ones are left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, ReadError> {
    if text.trim_start().starts_with('{') {
        let mut values = Vec::new();
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            values.push(value.map_err(|error| ReadError(format!("json: {error}")))?);
        }
        return Ok(values);
    }
    let mut values = Vec::new();
    for part in split(text) {
        let value = document(part)?;
        if !value.is_null() {
            values.push(value);
        }
    }
    Ok(values)
}

/// Cuts a text at lines that begin with `---`, as kubectl does before it parses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\n---") {
        parts.push(&rest[..=at]);
        let after = &rest[at + 4..];
        rest = after.find('\n').map_or("", |newline| &after[newline..]);
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    parts.push(rest);
    parts
}

fn document(text: &str) -> Result<Value, ReadError> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        open: Vec::new(),
        anchors: BTreeMap::new(),
    };
    loop {
        match reader.next()?.0 {
            Event::StreamEnd => return Ok(Value::Null),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            first => return reader.node(first),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Lines, from zero, on which the open collections began.
    open: Vec<usize>,
    anchors: BTreeMap<usize, Value>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), ReadError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                match event {
                    Event::MappingStart(..) | Event::SequenceStart(..) => {
                        self.open.push(span.start.line().saturating_sub(1));
                    }
                    Event::MappingEnd | Event::SequenceEnd => drop(self.open.pop()),
                    _ => {}
                }
                Ok((event, span))
            }
            Some(Err(error)) => Err(self.explain(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>) -> Result<Value, ReadError> {
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let forced = tag.is_some_and(|tag| tag.suffix == "str");
                (scalar(text, style, forced), anchor)
            }
            Event::SequenceStart(anchor, _) => (self.sequence()?, anchor),
            Event::MappingStart(anchor, _) => (self.mapping()?, anchor),
            Event::Alias(id) => (self.anchors.get(&id).cloned().unwrap_or(Value::Null), 0),
            _ => (Value::Null, 0),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, ReadError> {
        let mut items = Vec::new();
        loop {
            match self.next()?.0 {
                Event::SequenceEnd | Event::StreamEnd => return Ok(Value::Array(items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, ReadError> {
        let mut map = Map::new();
        let mut merged = Map::new();
        loop {
            let key = match self.next()?.0 {
                Event::MappingEnd | Event::StreamEnd => break,
                event => self.node(event)?,
            };
            let event = self.next()?.0;
            let value = self.node(event)?;
            let key = match key {
                Value::String(key) => key,
                other => other.to_string(),
            };
            match value {
                Value::Object(base) if key == "<<" => merged.extend(base),
                value => drop(map.insert(key, value)),
            }
        }
        for (key, value) in merged {
            map.entry(key).or_insert(value);
        }
        Ok(Value::Object(map))
    }

    /// The parser's words and line, which follow libyaml, in go-yaml's form.
    fn explain(&self, error: &ScanError) -> ReadError {
        let line = error.marker().line().saturating_sub(1);
        let info = error.info();
        let problem = info.rsplit_once(", ").map_or(info, |(context, problem)| {
            if context.starts_with("while ") {
                problem
            } else {
                info
            }
        });
        let parser_problem = problem.starts_with("did not find");
        // The first line is not counted.
        let scanned = if line == 0 { 0 } else { line + 1 };
        let (problem, line) = if info.contains("tab") {
            ("found character that cannot start any token", scanned)
        } else if info.contains("simple key expect")
            || problem.contains("could not find expected ':'")
        {
            ("could not find expected ':'", scanned)
        } else if parser_problem {
            let context = self.open.last().copied().unwrap_or_default();
            (problem, if context != 0 { context } else { line })
        } else {
            (problem, scanned)
        };
        ReadError(if line == 0 {
            format!("yaml: {problem}")
        } else {
            format!("yaml: line {line}: {problem}")
        })
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, forced: bool) -> Value {
    if style == ScalarStyle::Plain && !forced {
        resolve::plain(&text)
    } else {
        Value::String(text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_split_and_the_last_key_wins() {
        let text = "a: 1\na: 2\n---\n# nothing\n---\nb: [yes, '1', 0644]\nc: &x {d: e}\nf: *x\ng:\n  <<: *x\n";
        let expect = vec![
            json!({"a": 2}),
            json!({"b": [true, "1", 420], "c": {"d": "e"}, "f": {"d": "e"}, "g": {"d": "e"}}),
        ];
        assert_eq!(documents(text), Ok(expect));
    }

    #[track_caller]
    fn fails(text: &str, expect: &str) {
        assert_eq!(documents(text), Err(ReadError(expect.to_owned())));
    }

    #[test]
    fn mistakes_are_told_in_go_yamls_words() {
        fails(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: bad\n spec:\n  ports:\n  - port: 80\n",
            "yaml: line 4: did not find expected key",
        );
        fails(
            "kind: Service\nmetadata:\n\tname: bad\n",
            "yaml: line 3: found character that cannot start any token",
        );
        fails(
            "a: b: c\n",
            "yaml: mapping values are not allowed in this context",
        );
    }
}
