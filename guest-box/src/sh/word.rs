//! Reads the inside of words: quotes, `$` and backquotes.
//!
//! The other half of [`super::parse::Parser`], which knows commands; this one never sees them.

use super::ast::{Operation, Parameter, Part, Word};
use super::parse::{Parser, Result};

/// What ends the text being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// An unquoted separator.
    Separator,
    /// `"`
    Quote,
    /// `}` that closes a `${`.
    Brace,
    /// `}` or the slash between pattern and replacement.
    BraceOrSlash,
    /// `}` or the colon between offset and length.
    BraceOrColon,
    /// `))`
    Arithmetic,
    /// The end of the text.
    Never,
}

/// Text on its way to becoming parts.
#[derive(Default)]
struct Parts {
    list: Vec<Part>,
    text: String,
}

impl Parts {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.list.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    fn push(&mut self, part: Part) {
        self.flush();
        self.list.push(part);
    }

    fn finish(mut self) -> Word {
        self.flush();
        Word(self.list)
    }
}

impl Parser {
    pub(super) fn word(&mut self) -> Result<Word> {
        let mut parts = Parts::default();
        if self.peek() == Some('~') {
            let rest = &self.rest()[1..];
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
                .unwrap_or(rest.len());
            let closed = rest[end..].is_empty()
                || rest[end..].starts_with(['/', ' ', '\t', '\n', ';', '&', '|', ')', '<', '>']);
            if closed {
                let user = rest[..end].to_owned();
                self.pos += 1 + end;
                parts.push(Part::Tilde(user));
            }
        }
        self.parts(End::Separator, false, parts)
    }

    /// The body of a here-document.
    pub(super) fn here_body(&mut self) -> Result<Word> {
        let word = self.parts(End::Never, true, Parts::default())?;
        Ok(Word(vec![Part::Double(word.0)]))
    }

    fn at(&self, end: End, depth: usize) -> bool {
        match (end, self.peek()) {
            (End::Never, c) => c.is_none(),
            (_, None) => true,
            (End::Separator, Some(c)) => " \t\n;&|<>()".contains(c),
            (End::Quote, Some(c)) => c == '"',
            (End::Brace | End::BraceOrSlash | End::BraceOrColon, Some('}')) => true,
            (End::BraceOrSlash, Some(c)) => c == '/',
            (End::BraceOrColon, Some(c)) => c == ':' && depth == 0,
            (End::Arithmetic, Some(_)) => depth == 0 && self.rest().starts_with("))"),
            _ => false,
        }
    }

    /// Reads up to `end`, which stays unread. `quoted` is how it is between double quotes.
    fn parts(&mut self, end: End, quoted: bool, parts: Parts) -> Result<Word> {
        self.enter()?;
        let word = self.parts_here(end, quoted, parts);
        self.leave();
        word
    }

    fn parts_here(&mut self, end: End, quoted: bool, mut parts: Parts) -> Result<Word> {
        let mut depth = 0_usize;
        while !self.at(end, depth) {
            match self.peek() {
                Some('\\') => self.backslash(end, quoted, &mut parts),
                Some('\'') if !quoted && end != End::Arithmetic => {
                    let quote = self.single_quoted()?;
                    parts.push(quote);
                }
                Some('"') if end != End::Never && end != End::Arithmetic => {
                    self.bump();
                    let inner = self.parts(End::Quote, true, Parts::default())?;
                    if self.bump().is_none() {
                        return Err(self.error("syntax error: unterminated quoted string", true));
                    }
                    parts.push(Part::Double(inner.0));
                }
                Some('$') => self.dollar(quoted, &mut parts)?,
                Some('`') => {
                    let part = self.backquoted(quoted)?;
                    parts.push(part);
                }
                Some(c) => {
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth.saturating_sub(1),
                        _ => depth,
                    };
                    self.bump();
                    parts.text.push(c);
                }
                None => break,
            }
        }
        Ok(parts.finish())
    }

    fn backslash(&mut self, end: End, quoted: bool, parts: &mut Parts) {
        self.bump();
        let Some(next) = self.bump() else {
            parts.text.push('\\');
            return;
        };
        let special = match end {
            End::Never => "$`\\",
            _ => "$`\"\\",
        };
        if next == '\n' {
            return;
        }
        if quoted && !special.contains(next) && !(next == '}' && end == End::Brace) {
            parts.text.push('\\');
            parts.text.push(next);
        } else {
            parts.push(Part::Quoted(next.to_string()));
        }
    }

    fn single_quoted(&mut self) -> Result<Part> {
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('\'') => return Ok(Part::Quoted(text)),
                Some(c) => text.push(c),
                None => return Err(self.error("syntax error: unterminated quoted string", true)),
            }
        }
    }

    fn backquoted(&mut self, quoted: bool) -> Result<Part> {
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('`') => break,
                Some('\\') => match self.bump() {
                    Some(c @ ('`' | '\\' | '$')) => text.push(c),
                    Some('"') if quoted => text.push('"'),
                    Some(c) => text.extend(['\\', c]),
                    None => text.push('\\'),
                },
                Some(c) => text.push(c),
                None => {
                    let message = "syntax error: EOF in backquote substitution";
                    return Err(self.error(message, true));
                }
            }
        }
        let list = self.inner(&text)?.whole()?;
        Ok(Part::Substitution(std::rc::Rc::new(list)))
    }

    fn dollar(&mut self, quoted: bool, parts: &mut Parts) -> Result<()> {
        let rest = self.rest();
        let next = rest[1..].chars().next();
        let part = match next {
            Some('(') if rest.starts_with("$((") && self.is_arithmetic() => {
                self.pos += 3;
                let word = self.parts(End::Arithmetic, true, Parts::default())?;
                if !self.eat("))") {
                    return Err(self.error("syntax error: missing '))'", true));
                }
                Part::Arithmetic(word)
            }
            Some('(') => {
                self.pos += 2;
                Part::Substitution(self.substitution()?)
            }
            Some('{') => {
                self.pos += 2;
                self.braced(quoted)?
            }
            Some('\'') if !quoted => {
                self.pos += 1;
                self.escaped_quote()?
            }
            Some(c) if "@*#?-$!".contains(c) || c.is_ascii_digit() => {
                self.pos += 2;
                plain(c.to_string())
            }
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                self.pos += 1;
                plain(self.name())
            }
            _ => {
                self.pos += 1;
                parts.text.push('$');
                return Ok(());
            }
        };
        parts.push(part);
        Ok(())
    }

    fn name(&mut self) -> String {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        self.pos += end;
        name
    }

    /// Whether the parentheses ahead close as `))`, and are not a subshell in a substitution.
    fn is_arithmetic(&self) -> bool {
        let mut depth = 0_i32;
        let mut previous_closed = false;
        for (at, byte) in self.rest().bytes().enumerate().skip(1) {
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        return previous_closed && self.rest().as_bytes()[at - 1] == b')';
                    }
                }
                _ => {}
            }
            previous_closed = byte == b')';
        }
        // Unfinished: arithmetic until more text says otherwise.
        true
    }

    fn escaped_quote(&mut self) -> Result<Part> {
        self.bump();
        let start = self.pos;
        loop {
            match self.bump() {
                Some('\'') => break,
                Some('\\') => {
                    self.bump();
                }
                Some(_) => {}
                None => return Err(self.error("syntax error: unterminated quoted string", true)),
            }
        }
        let raw = &self.text()[start..self.pos - 1];
        let bytes = crate::applets::escape::unescape(raw, true).0;
        Ok(Part::Quoted(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn braced(&mut self, quoted: bool) -> Result<Part> {
        let length = self.rest().starts_with('#') && !self.rest().starts_with("#}") && {
            let after = self.rest()[1..].chars().next();
            after.is_some_and(|c| c == '_' || c.is_ascii_alphanumeric() || "@*?$!#-".contains(c))
        };
        if length {
            self.pos += 1;
        }
        let name = match self.peek() {
            Some(c) if "@*#?-$!".contains(c) => {
                self.bump();
                c.to_string()
            }
            Some(c) if c.is_ascii_digit() => {
                let rest = self.rest();
                let end = rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len());
                let name = rest[..end].to_owned();
                self.pos += end;
                name
            }
            _ => self.name(),
        };
        if name.is_empty() {
            return Err(self.bad_substitution());
        }
        let operation = if length {
            Operation::Length
        } else {
            self.operation(quoted)?
        };
        if self.peek() != Some('}') {
            return Err(self.bad_substitution());
        }
        self.pos += 1;
        Ok(Part::Parameter(Box::new(Parameter { name, operation })))
    }

    fn bad_substitution(&self) -> super::parse::Error {
        if self.rest().trim_start_matches('\n').is_empty() {
            return self.error("syntax error: missing '}'", true);
        }
        self.error("syntax error: bad substitution", false)
    }

    fn operation(&mut self, quoted: bool) -> Result<Operation> {
        if self.peek() == Some('}') {
            return Ok(Operation::Plain);
        }
        for (symbol, build) in TESTS {
            if self.eat(symbol) {
                let word = self.parts(End::Brace, quoted, Parts::default())?;
                return Ok(build(word));
            }
        }
        if self.eat("/") {
            let all = self.eat("/");
            let pattern = self.parts(End::BraceOrSlash, false, Parts::default())?;
            self.eat("/");
            let replacement = self.parts(End::Brace, quoted, Parts::default())?;
            return Ok(Operation::Replace(all, pattern, replacement));
        }
        if self.eat(":") {
            let offset = self.parts(End::BraceOrColon, false, Parts::default())?;
            let length = if self.eat(":") {
                Some(self.parts(End::Brace, false, Parts::default())?)
            } else {
                None
            };
            return Ok(Operation::Slice(offset, length));
        }
        for (symbol, build) in TRIMS {
            if self.eat(symbol) {
                let word = self.parts(End::Brace, false, Parts::default())?;
                return Ok(build(word));
            }
        }
        Err(self.bad_substitution())
    }
}

type Build = fn(Word) -> Operation;

const TESTS: [(&str, Build); 8] = [
    (":-", |word| Operation::Default(true, word)),
    (":=", |word| Operation::Assign(true, word)),
    (":?", |word| Operation::Complain(true, word)),
    (":+", |word| Operation::Alternative(true, word)),
    ("-", |word| Operation::Default(false, word)),
    ("=", |word| Operation::Assign(false, word)),
    ("?", |word| Operation::Complain(false, word)),
    ("+", |word| Operation::Alternative(false, word)),
];

const TRIMS: [(&str, Build); 4] = [
    ("##", |word| Operation::TrimStart(true, word)),
    ("#", |word| Operation::TrimStart(false, word)),
    ("%%", |word| Operation::TrimEnd(true, word)),
    ("%", |word| Operation::TrimEnd(false, word)),
];

fn plain(name: String) -> Part {
    Part::Parameter(Box::new(Parameter {
        name,
        operation: Operation::Plain,
    }))
}
