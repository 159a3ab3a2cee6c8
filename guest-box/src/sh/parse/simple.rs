//! Simple commands and redirections.
//!
//! Never reads a reserved word; whoever calls has looked.

use std::cell::OnceCell;
use std::rc::Rc;

use super::super::ast::{Command, Kind, Part, Redirect, Target, Word};
use super::heredoc::Pending;
use super::{Parser, Result, is_name};

impl Parser {
    pub(super) fn simple(&mut self) -> Result<Command> {
        let (start, line) = (self.pos, self.line);
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = self.pos;
        loop {
            self.skip_blanks();
            self.replace_next_alias();
            if let Some(word) = self.test_operator(&words) {
                words.push(word);
            } else if let Some(redirect) = self.redirect()? {
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
        place.span.end = end - self.base;
        Ok(Command {
            kind: Kind::Simple { assignments, words },
            redirects,
            line,
            place,
        })
    }

    /// Within `[[ … ]]` the operators of the shell are words of the test.
    fn test_operator(&mut self, words: &[Word]) -> Option<Word> {
        let open = words.first().and_then(Word::plain) == Some("[[")
            && words.last().and_then(Word::plain) != Some("]]");
        let rest = self.rest();
        let pairs = [("&&", "-a"), ("||", "-o")];
        let (symbol, word) = pairs
            .into_iter()
            .find(|(symbol, _)| open && rest.starts_with(symbol))?;
        self.pos += symbol.len();
        Some(Word(vec![Part::Quoted(word.to_owned())]))
    }

    fn function_after_name(&mut self, name: &Word, start: usize, line: usize) -> Result<Command> {
        self.pos += 1;
        self.skip_blanks();
        if !self.eat(")") {
            return Err(self.unexpected(Some(")")));
        }
        let kind = self.function(name.plain().unwrap_or_default().to_owned())?;
        Ok(Command {
            kind,
            redirects: Vec::new(),
            line,
            place: self.place(start),
        })
    }

    pub(super) fn redirect(&mut self) -> Result<Option<Redirect>> {
        if self.rest().starts_with("&>") && !self.rest().starts_with("&>>") {
            self.pos += 2;
            let word = self.target_word()?;
            let (fd, to) = (1, Target::Both(word));
            return Ok(Some(Redirect { fd, to }));
        }
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if !self.rest()[digits..].starts_with(['<', '>']) {
            return Ok(None);
        }
        let number = self.rest()[..digits].parse::<usize>().ok();
        let operator = self.pos + digits;
        self.pos = operator;
        let both = ["<<-", "<<", "<>", "<&", ">>", ">&", ">|", "<", ">"];
        let Some(symbol) = both.into_iter().find(|symbol| self.eat(symbol)) else {
            return Ok(None);
        };
        self.skip_blanks();
        let before = self.pos;
        let word = self.target_word()?;
        let fd = number.unwrap_or(usize::from(symbol.starts_with('>')));
        let to = match symbol {
            "<" => Target::Read(word),
            ">" | ">|" => Target::Write(word, symbol == ">|"),
            ">>" => Target::Append(word),
            "<>" => Target::ReadWrite(word),
            "<&" | ">&" => Target::Duplicate(word),
            _ => {
                let raw = &self.text[before..self.pos];
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

    fn target_word(&mut self) -> Result<Word> {
        self.skip_blanks();
        if matches!(
            self.peek(),
            None | Some('\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
        ) {
            return Err(self.unexpected(None));
        }
        self.word()
    }
}

/// `name=value`, when the name is unquoted.
pub(in crate::sh) fn assignment(word: &Word) -> Option<(String, Word)> {
    let (Part::Text(first), rest) = word.0.split_first()? else {
        return None;
    };
    let (name, value) = first.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut parts = Vec::new();
    tildes(value, true, rest.is_empty(), &mut parts);
    for (index, part) in rest.iter().enumerate() {
        match part {
            Part::Text(text) => tildes(text, false, index + 1 == rest.len(), &mut parts),
            part => parts.push(part.clone()),
        }
    }
    Some((name.to_owned(), Word(parts)))
}

/// Text of an assignment: a tilde at its beginning or behind a colon is somebody's home.
fn tildes(text: &str, at_start: bool, at_end: bool, parts: &mut Vec<Part>) {
    let mut plain = String::new();
    for (index, piece) in text.split(':').enumerate() {
        if index > 0 {
            plain.push(':');
        }
        let last = index == text.matches(':').count();
        let end = piece.find('/').unwrap_or(piece.len());
        // A name that goes on in another part of the word is no name.
        let whole = end < piece.len() || !last || at_end;
        match piece.strip_prefix('~') {
            Some(_) if (index > 0 || at_start) && whole => {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Tilde(piece[1..end].to_owned()));
                plain.push_str(&piece[end..]);
            }
            _ => plain.push_str(piece),
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
}
