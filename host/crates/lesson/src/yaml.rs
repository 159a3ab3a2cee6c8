//! YAML 1.2 as a tree in which every value knows its line and column.
//!
//! Never knows the lesson format. Refuses what lessons do without: several documents, anchors,
//! tags, repeated keys, deep nesting.

use crate::lab::Pos;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

/// Nesting beyond this is a mistake or an attack.
const MAX_DEPTH: usize = 64;

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Pos,
    /// Behind its last character; of a block, behind that of its last child.
    pub(crate) end: Pos,
    /// Whether it is a map or list in `{ }` or `[ ]`.
    pub(crate) flow: bool,
    /// Whether it is a text below `|` or `>`; it begins with its first line.
    pub(crate) block: bool,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Its text, and whether it was written without quotes.
    Scalar(String, bool),
    Seq(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) at: Pos,
    pub(crate) text: String,
}

/// What is wrong with a text as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: Pos,
    pub(crate) message: String,
}

impl Node {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(k, _)| k.text == key)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// A word for the type of this value.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Map(_) => "a map",
            Kind::Seq(_) => "a list",
            Kind::Scalar(..) => match self.to_value() {
                Value::Null => "nothing",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                _ => "a text",
            },
        }
    }

    /// The value without its places, plain scalars read by the core schema.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(text, true) => plain(text),
            Kind::Scalar(text, false) => Value::String(text.clone()),
            Kind::Seq(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, node)| (key.text.clone(), node.to_value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

/// A plain scalar by the core schema of YAML 1.2.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        if let Ok(number) = text.trim_start_matches('+').parse::<i64>() {
            return number.into();
        }
        if let Some(Ok(number)) = text
            .strip_prefix("0x")
            .map(|hex| i64::from_str_radix(hex, 16))
        {
            return number.into();
        }
        let numeric = digits
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
        if let Some(number) = numeric
            .then(|| text.parse::<f64>().ok())
            .flatten()
            .and_then(Number::from_f64)
        {
            return number.into();
        }
    }
    text.into()
}

/// Reads a text of exactly one document.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut documents = Builder {
        parser: Parser::new_from_str(text),
        depth: 0,
        end: Pos::default(),
    }
    .documents()?;
    match documents.len() {
        0 => Err(error(Pos { line: 1, column: 1 }, "the file is empty")),
        1 => Ok(documents.remove(0)),
        _ => Err(error(
            documents[1].at,
            "a second document begins here; one lesson is one file",
        )),
    }
}

/// Reads a manifest, which may hold several documents; empty ones are left out.
pub(crate) fn parse_documents(text: &str) -> Result<Vec<Value>, SyntaxError> {
    let documents = Builder {
        parser: Parser::new_from_str(text),
        depth: 0,
        end: Pos::default(),
    }
    .documents()?;
    Ok(documents
        .iter()
        .map(Node::to_value)
        .filter(|value| !value.is_null())
        .collect())
}

/// A scalar as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// Its first character, quotes included.
    pub(crate) at: Pos,
    /// Behind its last.
    pub(crate) end: Pos,
    /// Without quotes, on one line.
    pub(crate) plain: bool,
    /// What it says.
    pub(crate) value: String,
    /// Whether it is a key.
    pub(crate) is_key: bool,
    /// Whether it stands inside `{ }` or `[ ]`.
    pub(crate) in_flow: bool,
    /// The key it is the value of.
    pub(crate) under: Option<String>,
}

/// What the scanner is inside of.
struct Inside {
    flow: bool,
    /// For maps: the key whose value comes next.
    key: Option<Option<String>>,
}

/// Every scalar of a text in the order they stand.
pub(crate) fn scalars(text: &str) -> Result<Vec<Scalar>, SyntaxError> {
    let lines: Vec<&str> = text.lines().collect();
    let opens_flow = |at: Pos| {
        let line = lines.get(at.line as usize - 1);
        let first = line.and_then(|line| line.chars().nth(at.column as usize - 1));
        matches!(first, Some('{' | '['))
    };
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Inside> = Vec::new();
    let mut found = Vec::new();
    loop {
        let (event, span) = match parser.next_event() {
            Some(Ok(event)) => event,
            Some(Err(scan)) => return Err(error(pos(*scan.marker()), scan.info())),
            None => return Ok(found),
        };
        let (at, end) = (pos(span.start), pos(span.end));
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let map = matches!(event, Event::MappingStart(..));
                let flow = opens_flow(at) || stack.last().is_some_and(|inside| inside.flow);
                stack.push(Inside {
                    flow,
                    key: map.then_some(None),
                });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                stack.pop();
                after(&mut stack);
            }
            Event::Scalar(value, style, ..) => {
                let inside = stack.last();
                let is_key = inside.is_some_and(|inside| inside.key == Some(None));
                let value = value.into_owned();
                found.push(Scalar {
                    at,
                    end,
                    plain: style == ScalarStyle::Plain,
                    is_key,
                    in_flow: inside.is_some_and(|inside| inside.flow),
                    under: inside.and_then(|inside| inside.key.clone().flatten()),
                    value: value.clone(),
                });
                match stack.last_mut() {
                    Some(inside) if is_key => inside.key = Some(Some(value)),
                    _ => after(&mut stack),
                }
            }
            Event::StreamEnd => return Ok(found),
            _ => {}
        }
    }
}

/// A value of a map has ended: a key comes next.
fn after(stack: &mut [Inside]) {
    if let Some(Inside { key: Some(key), .. }) = stack.last_mut() {
        *key = None;
    }
}

/// A text of one document as a plain value; the message tells the line.
///
/// # Errors
/// When it is not YAML as lessons use it.
pub fn yaml_value(text: &str) -> Result<Value, String> {
    let node = parse(text).map_err(|error| format!("line {}: {}", error.at.line, error.message))?;
    Ok(node.to_value())
}

fn error(at: Pos, message: impl Into<String>) -> SyntaxError {
    SyntaxError {
        at,
        message: message.into(),
    }
}

fn pos(mark: Marker) -> Pos {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Pos {
        line: number(mark.line()).max(1),
        column: number(mark.col()).saturating_add(1),
    }
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    depth: usize,
    /// Behind the last event.
    end: Pos,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Pos), SyntaxError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.end = pos(span.end);
                Ok((event, pos(span.start)))
            }
            Some(Err(scan)) => Err(error(pos(*scan.marker()), scan.info())),
            None => Ok((Event::StreamEnd, Pos::default())),
        }
    }

    fn documents(&mut self) -> Result<Vec<Node>, SyntaxError> {
        let mut documents = Vec::new();
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(documents),
                (Event::DocumentStart(_), _) => {
                    let (event, at) = self.next()?;
                    documents.push(self.node(event, at)?);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Pos) -> Result<Node, SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_extras(anchor, tag.is_some(), at)?;
                Ok(Node {
                    at,
                    end: self.end,
                    flow: false,
                    block: matches!(style, ScalarStyle::Literal | ScalarStyle::Folded),
                    kind: Kind::Scalar(text.into_owned(), style == ScalarStyle::Plain),
                })
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_extras(anchor, tag.is_some(), at)?;
                self.deeper(at)?;
                let opened = self.end;
                let kind = Kind::Seq(self.items()?);
                self.depth -= 1;
                Ok(self.collection(at, opened, kind))
            }
            Event::MappingStart(anchor, tag) => {
                refuse_extras(anchor, tag.is_some(), at)?;
                self.deeper(at)?;
                let opened = self.end;
                let kind = Kind::Map(self.entries()?);
                self.depth -= 1;
                Ok(self.collection(at, opened, kind))
            }
            Event::Alias(_) => Err(error(at, "aliases (*name) are not part of the lab format")),
            _ => Err(error(at, "a value was expected here")),
        }
    }

    /// A collection that has just ended. Only `{` and `[` are signs of their own; blocks begin
    /// with their first child and end with their last.
    fn collection(&self, at: Pos, opened: Pos, kind: Kind) -> Node {
        let flow = opened > at;
        let last = match &kind {
            Kind::Seq(items) => items.last().map(|node| node.end),
            Kind::Map(entries) => entries.last().map(|(_, node)| node.end),
            Kind::Scalar(..) => None,
        };
        let end = if flow { self.end } else { last.unwrap_or(at) };
        Node {
            at,
            end,
            flow,
            block: false,
            kind,
        }
    }

    fn deeper(&mut self, at: Pos) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(error(at, "nested too deeply"))
        } else {
            Ok(())
        }
    }

    fn items(&mut self) -> Result<Vec<Node>, SyntaxError> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(items);
            }
            items.push(self.node(event, at)?);
        }
    }

    fn entries(&mut self) -> Result<Vec<(Key, Node)>, SyntaxError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, ..) => Key {
                    at,
                    text: text.into_owned(),
                },
                _ => return Err(error(at, "a key must be a text")),
            };
            if entries.iter().any(|(other, _)| other.text == key.text) {
                return Err(error(
                    at,
                    format!("the key `{}` stands here twice", key.text),
                ));
            }
            let (event, at) = self.next()?;
            let node = self.node(event, at)?;
            entries.push((key, node));
        }
    }
}

fn refuse_extras(anchor: usize, tagged: bool, at: Pos) -> Result<(), SyntaxError> {
    if anchor != 0 {
        return Err(error(at, "anchors (&name) are not part of the lab format"));
    }
    if tagged {
        return Err(error(at, "tags (!name) are not part of the lab format"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_follow_yaml_1_2() {
        let node =
            parse("[yes, on, true, 012, 0x10, 1e3, 1.5, 10.0.0.1, 1:30, ~, '80', 8Mi, -x, .]")
                .unwrap();
        assert_eq!(
            node.to_value(),
            json!([
                "yes", "on", true, 12, 16, 1000.0, 1.5, "10.0.0.1", "1:30", null, "80", "8Mi",
                "-x", "."
            ])
        );
    }

    #[test]
    fn every_value_knows_its_line_and_column() {
        let node = parse("a:\n  - b: 1\n    c: {d: 2}\n").unwrap();
        let Kind::Seq(items) = &node.get("a").unwrap().kind else {
            panic!("a list")
        };
        assert_eq!(items[0].at, Pos { line: 2, column: 5 });
        assert_eq!(
            items[0].get("c").unwrap().get("d").unwrap().at,
            Pos {
                line: 3,
                column: 12
            }
        );
    }

    #[test]
    fn what_lessons_do_without_is_refused_with_its_place() {
        for (text, line, part) in [
            ("a: 1\n---\nb: 2\n", 3, "one lesson is one file"),
            ("a: &x 1\n", 1, "anchors"),
            ("a: 1\nb: *x\n", 2, ""),
            ("a: 1\na: 2\n", 2, "twice"),
            ("", 1, "empty"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text:?}: {error:?}");
            assert_eq!(error.at.line, line, "{text:?}: {error:?}");
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(parse(&deep).unwrap_err().message.contains("deeply"));
    }
}
