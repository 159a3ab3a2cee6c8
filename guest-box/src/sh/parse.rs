//! Reads shell text into the tree of [`super::ast`], one complete line at a time.
//!
//! A scannerless recursive-descent parser of the POSIX grammar plus what busybox ash adds
//! (`function`, `<<<`, `${x/a/b}`, `${x:1:2}`). Its complaints are ash's own. It never expands or
//! runs anything.

use std::cell::OnceCell;
use std::rc::Rc;

use super::ast::{
    Command, Connective, Item, Kind, List, Part, Pipeline, Place, Redirect, Source, Target, Word,
};

/// Why text is no shell program.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) line: usize,
    /// More text could still make it one.
    pub(crate) incomplete: bool,
}

pub(super) type Result<T> = std::result::Result<T, Error>;

/// Reads one source from front to back.
#[derive(Debug)]
pub(crate) struct Parser {
    pub(super) source: Rc<Source>,
    pub(super) pos: usize,
    pub(super) line: usize,
    pending: Vec<Pending>,
}

/// A here-document whose body is still to come.
#[derive(Debug)]
struct Pending {
    operator: usize,
    delimiter: String,
    strip: bool,
    quoted: bool,
    body: Rc<OnceCell<Word>>,
}

const RESERVED: [&str; 16] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "{",
    "}", "!", "in",
];
const CLOSING: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

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
    pub(crate) fn new(text: &str) -> Self {
        Self {
            source: Rc::new(Source {
                text: text.to_owned(),
                ..Source::default()
            }),
            pos: 0,
            line: 1,
            pending: Vec::new(),
        }
    }

    /// The next complete line of commands; nothing at the end of the text.
    pub(crate) fn next_line(&mut self) -> Result<Option<List>> {
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return Ok(None),
                Some('\n') => self.newline()?,
                Some(_) => break,
            }
        }
        let list = self.list(true)?;
        if list.0.is_empty() {
            return Err(self.unexpected(None));
        }
        Ok(Some(list))
    }

    pub(super) fn rest(&self) -> &str {
        &self.source.text[self.pos..]
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

    fn skip_blanks(&mut self) {
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

    fn here_document(&mut self, pending: &Pending) -> Result<()> {
        let start = self.pos;
        let mut body = String::new();
        loop {
            if self.rest().is_empty() {
                // As in ash, the end of the text ends the document; an interactive reader asks on.
                if !self.source.text.ends_with('\n') {
                    break;
                }
                return Err(self.error("syntax error: unterminated here-document", true));
            }
            let length = self
                .rest()
                .find('\n')
                .map_or(self.rest().len(), |at| at + 1);
            let mut line = &self.source.text[self.pos..self.pos + length];
            self.pos += length;
            self.line += 1;
            if pending.strip {
                line = line.trim_start_matches('\t');
            }
            if line.strip_suffix('\n').unwrap_or(line) == pending.delimiter {
                break;
            }
            body.push_str(line);
        }
        let span = (pending.operator, start..self.pos);
        self.source.bodies.borrow_mut().push(span);
        let word = if pending.quoted {
            Word(vec![Part::Quoted(body)])
        } else {
            Self::new(&body).here_body()?
        };
        // A body is set once: each operator makes its own cell.
        let _ = pending.body.set(word);
        Ok(())
    }

    fn list(&mut self, one_line: bool) -> Result<List> {
        let mut items = Vec::new();
        loop {
            if one_line {
                self.skip_blanks();
            } else {
                self.line_break()?;
            }
            if self.at_list_end() {
                if one_line && !self.rest().is_empty() {
                    return Err(self.unexpected(None));
                }
                return Ok(List(items));
            }
            let mut item = self.item()?;
            self.skip_blanks();
            let next = self.rest();
            let separated = if next.starts_with(";;") {
                false
            } else if next.starts_with(';') {
                self.pos += 1;
                true
            } else if next.starts_with('&') {
                self.pos += 1;
                item.background = true;
                true
            } else {
                next.starts_with('\n')
            };
            items.push(item);
            self.skip_blanks();
            if one_line && (self.peek() == Some('\n') || self.peek().is_none()) {
                if self.peek().is_some() {
                    self.newline()?;
                } else if !self.pending.is_empty() {
                    self.finish_here_documents()?;
                }
                return Ok(List(items));
            }
            if !separated {
                if one_line || !self.at_list_end() {
                    return Err(self.unexpected(None));
                }
                return Ok(List(items));
            }
        }
    }

    /// The text has ended with documents still owed.
    fn finish_here_documents(&mut self) -> Result<()> {
        for pending in std::mem::take(&mut self.pending) {
            self.here_document(&pending)?;
        }
        Ok(())
    }

    fn at_list_end(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with(')')
            || rest.starts_with(";;")
            || CLOSING.contains(&self.peek_bare())
    }

    /// The unquoted characters ahead up to the next separator.
    fn peek_bare(&self) -> &str {
        let rest = self.rest();
        let separators = [' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'];
        let end = rest.find(separators).unwrap_or(rest.len());
        &rest[..end]
    }

    fn body(&mut self) -> Result<List> {
        let list = self.list(false)?;
        if list.0.is_empty() {
            return Err(self.unexpected(None));
        }
        Ok(list)
    }

    fn keyword(&mut self, word: &str) -> Result<()> {
        self.line_break()?;
        if self.peek_bare() != word {
            return Err(self.unexpected(Some(word)));
        }
        self.pos += word.len();
        Ok(())
    }

    fn place(&self, start: usize) -> Place {
        Place {
            source: Rc::clone(&self.source),
            span: start..self.pos,
        }
    }

    fn item(&mut self) -> Result<Item> {
        let start = self.pos;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        let mut end = self.pos;
        loop {
            self.skip_blanks();
            let connective = if self.eat("&&") {
                Connective::And
            } else if self.eat("||") {
                Connective::Or
            } else {
                break;
            };
            self.line_break()?;
            rest.push((connective, self.pipeline()?));
            end = self.pos;
        }
        let mut place = self.place(start);
        place.span.end = end;
        Ok(Item {
            first,
            rest,
            background: false,
            place,
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline> {
        self.skip_blanks();
        let mut negated = false;
        while self.peek_bare() == "!" {
            self.pos += 1;
            negated = !negated;
            self.skip_blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.rest().starts_with("||") || !self.eat("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.line_break()?;
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command> {
        self.skip_blanks();
        let (start, line) = (self.pos, self.line);
        let bare = self.peek_bare().to_owned();
        let kind = match bare.as_str() {
            _ if self.peek() == Some('(') => self.subshell()?,
            "{" => self.group()?,
            "if" => self.if_clause()?,
            "while" | "until" => self.while_clause(bare == "until")?,
            "for" => self.for_clause()?,
            "case" => self.case_clause()?,
            "function" => {
                self.pos += bare.len();
                self.skip_blanks();
                let name = self.peek_bare().to_owned();
                self.pos += name.len();
                self.skip_blanks();
                if self.eat("(") {
                    self.closing_parenthesis()?;
                }
                self.function(name)?
            }
            _ => return self.simple(),
        };
        let mut redirects = Vec::new();
        if !matches!(kind, Kind::Function { .. }) {
            loop {
                let before = self.pos;
                self.skip_blanks();
                let Some(redirect) = self.redirect()? else {
                    self.pos = before;
                    break;
                };
                redirects.push(redirect);
            }
        }
        Ok(Command {
            kind,
            redirects,
            line,
            place: self.place(start),
        })
    }

    fn closing_parenthesis(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.eat(")") {
            return Ok(());
        }
        Err(self.unexpected(Some(")")))
    }

    fn subshell(&mut self) -> Result<Kind> {
        self.pos += 1;
        let list = self.list(false)?;
        if list.0.is_empty() {
            let expecting = self.rest().is_empty().then_some(")");
            return Err(self.unexpected(expecting));
        }
        self.closing_parenthesis()?;
        Ok(Kind::Subshell(list))
    }

    fn group(&mut self) -> Result<Kind> {
        self.pos += 1;
        let list = self.body()?;
        self.keyword("}")?;
        Ok(Kind::Group(list))
    }

    fn if_clause(&mut self) -> Result<Kind> {
        self.pos += 2;
        let mut branches = Vec::new();
        loop {
            let condition = self.body()?;
            self.keyword("then")?;
            branches.push((condition, self.body()?));
            if self.peek_bare() != "elif" {
                break;
            }
            self.pos += 4;
        }
        let otherwise = if self.peek_bare() == "else" {
            self.pos += 4;
            Some(self.body()?)
        } else {
            None
        };
        self.keyword("fi")?;
        Ok(Kind::If {
            branches,
            otherwise,
        })
    }

    fn while_clause(&mut self, until: bool) -> Result<Kind> {
        self.pos += 5;
        let condition = self.body()?;
        let body = self.do_group()?;
        Ok(Kind::While {
            until,
            condition,
            body,
        })
    }

    fn do_group(&mut self) -> Result<List> {
        self.keyword("do")?;
        let body = self.body()?;
        self.keyword("done")?;
        Ok(body)
    }

    fn for_clause(&mut self) -> Result<Kind> {
        self.pos += 3;
        self.skip_blanks();
        let name = self.peek_bare().to_owned();
        if !is_name(&name) {
            return Err(self.error("syntax error: bad for loop variable", false));
        }
        self.pos += name.len();
        self.line_break()?;
        let mut words = None;
        if self.peek_bare() == "in" {
            self.pos += 2;
            let mut list = Vec::new();
            loop {
                self.skip_blanks();
                match self.peek() {
                    None | Some('\n' | ';') => break,
                    Some('&' | '|' | '<' | '>' | '(' | ')') => return Err(self.unexpected(None)),
                    Some(_) => list.push(self.word()?),
                }
            }
            words = Some(list);
        }
        self.skip_blanks();
        self.eat(";");
        let body = self.do_group()?;
        Ok(Kind::For { name, words, body })
    }

    fn case_clause(&mut self) -> Result<Kind> {
        self.pos += 4;
        self.skip_blanks();
        let word = self.word()?;
        self.keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.line_break()?;
            if self.peek_bare() == "esac" {
                self.pos += 4;
                return Ok(Kind::Case { word, arms });
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_blanks();
                if matches!(
                    self.peek(),
                    None | Some('\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
                ) {
                    return Err(self.unexpected(self.rest().is_empty().then_some(")")));
                }
                patterns.push(self.word()?);
                self.skip_blanks();
                if !self.eat("|") {
                    break;
                }
            }
            self.closing_parenthesis()?;
            arms.push((patterns, self.list(false)?));
            self.line_break()?;
            if !self.eat(";;") && self.peek_bare() != "esac" {
                return Err(self.unexpected(Some(";;")));
            }
        }
    }

    fn function(&mut self, name: String) -> Result<Kind> {
        self.line_break()?;
        let body = Rc::new(self.command()?);
        Ok(Kind::Function { name, body })
    }

    fn simple(&mut self) -> Result<Command> {
        let (start, line) = (self.pos, self.line);
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = self.pos;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
            } else if matches!(self.peek(), None | Some('\n' | ';' | '&' | '|' | ')')) {
                break;
            } else if self.peek() == Some('(') {
                let Some(name) = words
                    .pop()
                    .filter(|_| words.is_empty() && assignments.is_empty())
                else {
                    return Err(self.unexpected(None));
                };
                return self.function_after_name(&name, start, line);
            } else {
                let word = self.word()?;
                match assignment(&word).filter(|_| words.is_empty()) {
                    Some(assignment) => assignments.push(assignment),
                    None => words.push(word),
                }
            }
            end = self.pos;
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected(None));
        }
        let mut place = self.place(start);
        place.span.end = end;
        Ok(Command {
            kind: Kind::Simple { assignments, words },
            redirects,
            line,
            place,
        })
    }

    fn function_after_name(&mut self, name: &Word, start: usize, line: usize) -> Result<Command> {
        self.pos += 1;
        self.skip_blanks();
        if !self.eat(")") {
            return Err(self.unexpected(Some(")")));
        }
        let Some(name) = name.plain() else {
            return Err(self.error("syntax error: bad function name", false));
        };
        let kind = self.function(name.to_owned())?;
        Ok(Command {
            kind,
            redirects: Vec::new(),
            line,
            place: self.place(start),
        })
    }

    fn redirect(&mut self) -> Result<Option<Redirect>> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if !self.rest()[digits..].starts_with(['<', '>']) {
            return Ok(None);
        }
        let number = self.rest()[..digits].parse::<usize>().ok();
        let operator = self.pos + digits;
        self.pos = operator;
        let both = ["<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "<", ">"];
        let Some(symbol) = both.into_iter().find(|symbol| self.eat(symbol)) else {
            return Ok(None);
        };
        self.skip_blanks();
        if matches!(
            self.peek(),
            None | Some('\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
        ) {
            return Err(self.unexpected(None));
        }
        let before = self.pos;
        let word = self.word()?;
        let fd = number.unwrap_or(usize::from(symbol.starts_with('>')));
        let to = match symbol {
            "<" => Target::Read(word),
            ">" | ">|" => Target::Write(word),
            ">>" => Target::Append(word),
            "<>" => Target::ReadWrite(word),
            "<&" | ">&" => Target::Duplicate(word),
            "<<<" => Target::HereString(word),
            _ => {
                let raw = &self.source.text[before..self.pos];
                let body = Rc::new(OnceCell::new());
                self.pending.push(Pending {
                    operator,
                    delimiter: raw.replace(['\'', '"', '\\'], ""),
                    strip: symbol == "<<-",
                    quoted: raw.contains(['\'', '"', '\\']),
                    body: Rc::clone(&body),
                });
                Target::Here(body)
            }
        };
        Ok(Some(Redirect { fd, to }))
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
        let list = self.list(false)?;
        match self.peek() {
            None => Ok(list),
            Some(_) => Err(self.unexpected(None)),
        }
    }
}

/// `name=value`, when the name is unquoted.
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
    let (Part::Text(first), rest) = word.0.split_first()? else {
        return None;
    };
    let (name, value) = first.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut parts = Vec::new();
    if let Some(user) = value.strip_prefix('~') {
        let end = user.find('/').unwrap_or(user.len());
        parts.push(Part::Tilde(user[..end].to_owned()));
        parts.push(Part::Text(user[end..].to_owned()));
    } else if !value.is_empty() {
        parts.push(Part::Text(value.to_owned()));
    }
    parts.extend_from_slice(rest);
    Some((name.to_owned(), Word(parts)))
}
