//! Reads shell text into the tree of [`super::ast`], one complete line at a time.
//!
//! A scannerless recursive-descent parser of the POSIX grammar plus what busybox ash adds
//! (`function`, `&>`, `${x/a/b}`, `${x:1:2}`, `[[`). Its complaints are ash's own. Here is the
//! cursor and what it says when it stops; [`commands`] reads commands, [`simple`] words and
//! redirections, [`heredoc`] documents, [`alias`] replaces names. It never expands or runs
//! anything.

mod alias;
mod commands;
mod heredoc;
mod simple;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{List, Place, Source};
use heredoc::Pending;
pub(super) use simple::assignment;

/// How deep commands and expansions may be nested: the guest's stack is small.
const NESTING_LIMIT: usize = 80;

/// Names and what is read in their place.
pub(crate) type Aliases = Rc<BTreeMap<String, String>>;

/// Why text is no shell program.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) line: usize,
    /// More text could still make it one.
    pub(crate) incomplete: bool,
}

pub(super) type Result<T> = std::result::Result<T, Error>;
/// Reads one text from front to back.
#[derive(Debug)]
pub(crate) struct Parser {
    text: String,
    /// Where the line being read began.
    pub(super) base: usize,
    source: Rc<Source>,
    pub(super) pos: usize,
    pub(super) line: usize,
    pending: Vec<Pending>,
    depth: usize,
    aliases: Aliases,
    replaced: alias::Replaced,
}

const RESERVED: [&str; 16] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "{",
    "}", "!", "in",
];

pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

impl Parser {
    /// A reader of this text, whose first line has this number.
    pub(crate) fn new(text: &str, aliases: &Aliases, line: usize) -> Self {
        Self {
            text: text.to_owned(),
            base: 0,
            source: Rc::default(),
            pos: 0,
            line,
            pending: Vec::new(),
            depth: 0,
            aliases: Rc::clone(aliases),
            replaced: alias::Replaced::default(),
        }
    }

    /// A reader of text that stands within this one.
    pub(super) fn inner(&self, text: &str) -> Result<Self> {
        let mut inner = Self::new(text, &self.aliases, self.line);
        inner.depth = self.depth;
        inner.enter()?;
        Ok(inner)
    }

    /// The next complete line of commands; nothing at the end of the text. The aliases are those
    /// known before the line, as in ash.
    pub(crate) fn next_line(&mut self, aliases: &Aliases) -> Result<Option<List>> {
        self.aliases = Rc::clone(aliases);
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return Ok(None),
                Some('\n') => self.newline()?,
                Some(_) => break,
            }
        }
        self.begin_source();
        let list = self.list(true)?;
        if list.0.is_empty() {
            return Err(self.unexpected(None));
        }
        self.end_source();
        Ok(Some(list))
    }

    fn begin_source(&mut self) {
        self.base = self.pos;
        self.source = Rc::default();
    }

    /// From now on commands know their text.
    fn end_source(&self) {
        // A source is ended once: each line has its own.
        let _ = self
            .source
            .text
            .set(self.text[self.base..self.pos].to_owned());
    }

    /// One level deeper.
    pub(super) fn enter(&mut self) -> Result<()> {
        if self.depth >= NESTING_LIMIT {
            return Err(self.error("syntax error: nested too deep", false));
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn rest(&self) -> &str {
        &self.text[self.pos..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    pub(super) fn error(&self, message: impl Into<String>, incomplete: bool) -> Error {
        Error {
            message: message.into(),
            line: self.line,
            incomplete,
        }
    }

    /// What ash says about the token it stands before.
    pub(super) fn unexpected(&self, expecting: Option<&str>) -> Error {
        let token = self.token_name();
        let incomplete = token == "end of file";
        let expecting =
            expecting.map_or_else(String::new, |word| format!(" (expecting \"{word}\")"));
        self.error(
            format!("syntax error: unexpected {token}{expecting}"),
            incomplete,
        )
    }

    fn token_name(&self) -> String {
        let rest = self.rest();
        let operators = ["&&", "||", ";;", ";", "&", "|", "(", ")"];
        if rest.is_empty() {
            "end of file".into()
        } else if rest.starts_with('\n') {
            "newline".into()
        } else if let Some(operator) = operators.iter().find(|op| rest.starts_with(**op)) {
            format!("\"{operator}\"")
        } else if rest.starts_with(['<', '>']) {
            "redirection".into()
        } else {
            let word = self.peek_bare();
            if is_reserved(word) {
                format!("\"{word}\"")
            } else {
                "word".into()
            }
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.pos += 1,
                Some('\\') if self.rest().starts_with("\\\n") => {
                    self.pos += 2;
                    self.line += 1;
                }
                Some('#') => {
                    self.pos += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    fn newline(&mut self) -> Result<()> {
        self.bump();
        for pending in std::mem::take(&mut self.pending) {
            self.here_document(&pending)?;
        }
        Ok(())
    }

    fn line_break(&mut self) -> Result<()> {
        loop {
            self.skip_blanks();
            if self.peek() != Some('\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    fn peek_bare(&self) -> &str {
        let rest = self.rest();
        let separators = [' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'];
        let end = rest.find(separators).unwrap_or(rest.len());
        &rest[..end]
    }

    fn place(&self, start: usize) -> Place {
        Place {
            source: Rc::clone(&self.source),
            span: start - self.base..self.pos - self.base,
        }
    }

    /// A list between `$(` and `)`.
    pub(super) fn substitution(&mut self) -> Result<Rc<List>> {
        let list = self.list(false)?;
        self.skip_blanks();
        if !self.eat(")") {
            return Err(self.unexpected(Some(")")));
        }
        Ok(Rc::new(list))
    }

    /// Everything to the end, as one list.
    pub(super) fn whole(&mut self) -> Result<List> {
        self.begin_source();
        let list = self.list(false)?;
        match self.peek() {
            None => {
                self.end_source();
                Ok(list)
            }
            Some(_) => Err(self.unexpected(None)),
        }
    }
}
