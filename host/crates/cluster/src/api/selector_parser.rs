//! Reads label selectors: a lexer and a parser with Kubernetes' words for what they cannot read.
//! Never matches anything.

use super::selector::Requirement;
use crate::kind::words::{label_value, qualified_name};
use serde_json::Value;

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser {
        tokens: lex(text),
        at: 0,
    };
    let mut all = Vec::new();
    loop {
        match parser.peek() {
            "" => return Ok(all),
            token if !is_word(token) && token != "!" => {
                return Err(format!(
                    "found '{token}', expected: !, identifier, or 'end of string'"
                ));
            }
            _ => {}
        }
        let one = parser.requirement();
        all.push(one.map_err(|error| format!("unable to parse requirement: {error}"))?);
        match parser.next() {
            "" => return Ok(all),
            "," if is_word(parser.peek()) || parser.peek() == "!" => {}
            "," => {
                return Err(format!(
                    "found '{}', expected: identifier after ','",
                    parser.peek()
                ));
            }
            other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
}

fn is_special(letter: char) -> bool {
    "=!(),<>".contains(letter)
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.starts_with(is_special)
}

fn lex(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("==") || rest.starts_with("!=") {
            2
        } else if is_special(first) {
            1
        } else {
            rest.find(|letter: char| is_special(letter) || letter.is_whitespace())
                .unwrap_or(rest.len())
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == "!";
        if absent {
            self.next();
        }
        let key = self.word()?;
        let key = checked(key, "<nil>", &qualified_name(key))?;
        if absent {
            return Ok(Requirement::Absent(key));
        }
        if matches!(self.peek(), "" | ",") {
            return Ok(Requirement::Exists(key));
        }
        match self.next() {
            "in" => self.values(&key).map(|values| Requirement::In(key, values)),
            "notin" => self
                .values(&key)
                .map(|values| Requirement::NotIn(key, values)),
            "=" | "==" => self
                .value(&key)
                .map(|value| Requirement::In(key, vec![value])),
            "!=" => self
                .value(&key)
                .map(|value| Requirement::NotIn(key, vec![value])),
            ">" => self
                .bound(&key)
                .map(|bound| Requirement::Greater(key, bound)),
            "<" => self.bound(&key).map(|bound| Requirement::Less(key, bound)),
            other => Err(format!("found '{other}', expected: {OPERATORS}")),
        }
    }

    fn word(&mut self) -> Result<&'a str, String> {
        match self.next() {
            token if is_word(token) => Ok(token),
            token => Err(format!("found '{token}', expected: identifier")),
        }
    }

    fn value(&mut self, key: &str) -> Result<String, String> {
        if matches!(self.peek(), "" | ",") {
            return Ok(String::new());
        }
        let value = self.word()?;
        checked(value, &format!("values[0][{key}]"), &label_value(value))
    }

    fn values(&mut self, key: &str) -> Result<Vec<String>, String> {
        match self.next() {
            "(" => {}
            token => return Err(format!("found '{token}' expected: '('")),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                ")" => return Ok(values),
                "," => {}
                "" => return Err("found '', expected: ',', ')' or identifier".to_owned()),
                value if is_word(value) => {
                    let path = format!("values[{}][{key}]", values.len());
                    values.push(checked(value, &path, &label_value(value))?);
                }
                token => return Err(format!("found '{token}', expected: ',', ')' or identifier")),
            }
        }
    }

    fn bound(&mut self, key: &str) -> Result<i64, String> {
        let value = self.value(key)?;
        let number = value.parse();
        number.map_err(|_| {
            format!(
                "values[0]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer",
                Value::from(value)
            )
        })
    }
}

fn checked(word: &str, path: &str, findings: &[String]) -> Result<String, String> {
    match findings.first() {
        None => Ok(word.to_owned()),
        Some(rule) => Err(format!(
            "{path}: Invalid value: {}: {rule}",
            Value::from(word)
        )),
    }
}
