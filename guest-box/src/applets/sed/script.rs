//! Reading a script of `sed`. It never touches a file; the errors are busybox' words.

use std::rc::Rc;

use crate::applets::regex::{Regex, Syntax};

/// Which lines a command is for.
#[derive(Debug)]
pub(super) enum Address {
    Line(usize),
    Last,
    /// Nothing stands for the expression used last.
    Match(Option<Rc<Regex>>),
    Step(usize, usize),
    /// So many lines more.
    Plus(usize),
    /// To the next multiple.
    Multiple(usize),
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    pub(super) not: bool,
    pub(super) action: Action,
}

/// A part of what replaces a match.
#[derive(Debug)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

#[derive(Debug)]
pub(super) struct Substitute {
    pub(super) regex: Option<Rc<Regex>>,
    pub(super) with: Vec<Piece>,
    pub(super) global: bool,
    pub(super) print: bool,
    /// Which match is the first to be replaced, from 1.
    pub(super) which: usize,
    pub(super) file: Option<String>,
}

#[derive(Debug)]
pub(super) enum Action {
    /// Where the block ends.
    Block(usize),
    Number,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    /// Where to go on; nothing for the end.
    Branch(Option<usize>),
    BranchIf(Option<usize>),
    Delete,
    DeleteFirst,
    Copy,
    CopyMore,
    Get,
    GetMore,
    Exchange,
    List,
    Next,
    NextMore,
    Print,
    PrintFirst,
    /// With printing and with this code.
    Quit(bool, i32),
    Read(String),
    Substitute(Substitute),
    Write(String),
    Translate(Vec<(char, char)>),
    Zap,
}

#[derive(Debug)]
pub(super) struct Script {
    pub(super) commands: Vec<Command>,
    /// It begins with `#n`.
    pub(super) quiet: bool,
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    extended: bool,
}

/// Reads a whole script.
pub(super) fn read(text: &str, extended: bool) -> Result<Script, String> {
    let mut reader = Reader {
        chars: text.chars().collect(),
        at: 0,
        extended,
    };
    let quiet = text == "#n" || text.starts_with("#n\n");
    let mut commands: Vec<Command> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut labels: Vec<(String, usize)> = Vec::new();
    let mut jumps: Vec<(usize, String)> = Vec::new();
    while reader.next_command() {
        let from = reader.address(false)?;
        let mut to = None;
        reader.blanks();
        if from.is_some() && reader.peek() == Some(',') {
            reader.at += 1;
            reader.blanks();
            to = reader.address(true)?;
            if to.is_none() {
                return Err("no address after comma".into());
            }
        }
        reader.blanks();
        let mut not = false;
        while reader.peek() == Some('!') {
            not = true;
            reader.at += 1;
            reader.blanks();
        }
        let Some(letter) = reader.take() else {
            return Err("missing command".into());
        };
        let action = match letter {
            '{' => {
                open.push(commands.len());
                Action::Block(0)
            }
            '}' => {
                if from.is_some() {
                    return Err("command doesn't use addresses".into());
                }
                let Some(start) = open.pop() else {
                    return Err("unexpected }".into());
                };
                commands[start].action = Action::Block(commands.len());
                reader.end()?;
                continue;
            }
            ':' => {
                let label = reader.label();
                if from.is_some() || label.is_empty() {
                    return Err("no addresses can be used with ':', and it needs a label".into());
                }
                labels.push((label, commands.len()));
                continue;
            }
            'b' | 't' => {
                let label = reader.label();
                if !label.is_empty() {
                    jumps.push((commands.len(), label));
                }
                if letter == 'b' {
                    Action::Branch(None)
                } else {
                    Action::BranchIf(None)
                }
            }
            letter => reader.action(letter)?,
        };
        commands.push(Command {
            from,
            to,
            not,
            action,
        });
    }
    if !open.is_empty() {
        return Err("unterminated {".into());
    }
    for (at, label) in jumps {
        let Some((_, target)) = labels.iter().find(|(known, _)| *known == label) else {
            return Err(format!("can't find label for jump to '{label}'"));
        };
        commands[at].action = match commands[at].action {
            Action::Branch(_) => Action::Branch(Some(*target)),
            _ => Action::BranchIf(Some(*target)),
        };
    }
    Ok(Script { commands, quiet })
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
    }

    /// Goes to the next command; false at the end.
    fn next_command(&mut self) -> bool {
        loop {
            match self.peek() {
                None => return false,
                Some(c) if c.is_whitespace() || c == ';' => self.at += 1,
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => return true,
            }
        }
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        (!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX))
    }

    fn address(&mut self, second: bool) -> Result<Option<Address>, String> {
        let delimiter = match self.peek() {
            Some('$') => {
                self.at += 1;
                return Ok(Some(Address::Last));
            }
            Some('+') if second => {
                self.at += 1;
                return Ok(self.number().map(Address::Plus));
            }
            Some('~') if second => {
                self.at += 1;
                return Ok(self.number().map(Address::Multiple));
            }
            Some('/') => '/',
            Some('\\') => {
                self.at += 1;
                match self.peek() {
                    Some(c) => c,
                    None => return Err("missing command".into()),
                }
            }
            _ => {
                let Some(first) = self.number() else {
                    return Ok(None);
                };
                if self.peek() != Some('~') || second {
                    return Ok(Some(Address::Line(first)));
                }
                self.at += 1;
                return Ok(Some(Address::Step(first, self.number().unwrap_or(0))));
            }
        };
        self.at += 1;
        let pattern = self.until(delimiter, true)?;
        let (mut fold, mut lines) = (false, false);
        while let Some(c @ ('I' | 'M')) = self.peek() {
            fold |= c == 'I';
            lines |= c == 'M';
            self.at += 1;
        }
        Ok(Some(Address::Match(self.regex(&pattern, fold, lines)?)))
    }

    /// The text up to a delimiter. In an expression a delimiter in brackets is none, and an escaped
    /// delimiter is the plain character; `\n` and its like become what they stand for.
    fn until(&mut self, delimiter: char, regex: bool) -> Result<String, String> {
        let mut out = String::new();
        let mut bracket = false;
        let unmatched = || Err(format!("unmatched '{delimiter}'"));
        loop {
            let Some(c) = self.take() else {
                return unmatched();
            };
            if c == delimiter && !bracket {
                return Ok(out);
            }
            match c {
                '\n' if regex => return unmatched(),
                '\\' if !bracket => {
                    let Some(next) = self.take() else {
                        return unmatched();
                    };
                    match next {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        'f' => out.push('\x0c'),
                        'v' => out.push('\x0b'),
                        'a' => out.push('\x07'),
                        next if next == delimiter => out.push(next),
                        next => out.extend(['\\', next]),
                    }
                }
                '\\' if matches!(self.peek(), Some('n' | 't')) => {
                    out.push(if self.take() == Some('n') { '\n' } else { '\t' });
                }
                '[' if regex && !bracket => {
                    bracket = true;
                    out.push(c);
                    // The first character is never the end.
                    if self.peek() == Some('^') {
                        out.extend(self.take());
                    }
                    if self.peek() == Some(']') {
                        out.extend(self.take());
                    }
                }
                '[' if bracket && self.peek() == Some(':') => {
                    out.push(c);
                    while let Some(c) = self.take() {
                        out.push(c);
                        if c == ']' {
                            break;
                        }
                    }
                }
                ']' => {
                    bracket = false;
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }

    fn regex(&self, pattern: &str, fold: bool, lines: bool) -> Result<Option<Rc<Regex>>, String> {
        if pattern.is_empty() {
            return Ok(None);
        }
        let syntax = Syntax {
            extended: self.extended,
            fold,
            lines,
            ..Syntax::default()
        };
        match Regex::new(pattern, syntax) {
            Ok(regex) => Ok(Some(Rc::new(regex))),
            Err(reason) => Err(format!("bad regex '{pattern}': {reason}")),
        }
    }

    /// The name behind `:`, `b` or `t`.
    fn label(&mut self) -> String {
        self.blanks();
        let start = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace() && c != ';') {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// The rest of the line, as a file's name.
    fn name(&mut self) -> Result<String, String> {
        self.blanks();
        let start = self.at;
        while self.peek().is_some_and(|c| c != '\n') {
            self.at += 1;
        }
        if start == self.at {
            return Err("empty filename".into());
        }
        Ok(self.chars[start..self.at].iter().collect())
    }

    /// What may follow a command.
    fn end(&mut self) -> Result<(), String> {
        self.blanks();
        match self.peek() {
            None | Some('\n' | ';' | '}' | '#') => Ok(()),
            Some(c) => Err(format!("unsupported command {c}")),
        }
    }

    fn action(&mut self, letter: char) -> Result<Action, String> {
        let action = match letter {
            'a' | 'i' | 'c' => return self.text(letter),
            's' => return self.substitute(),
            'y' => self.translate()?,
            'r' => return Ok(Action::Read(self.name()?)),
            'w' => return Ok(Action::Write(self.name()?)),
            'q' | 'Q' => {
                self.blanks();
                let code = self.number().unwrap_or(0);
                Action::Quit(letter == 'q', i32::try_from(code & 255).unwrap_or(0))
            }
            '=' => Action::Number,
            'd' => Action::Delete,
            'D' => Action::DeleteFirst,
            'h' => Action::Copy,
            'H' => Action::CopyMore,
            'g' => Action::Get,
            'G' => Action::GetMore,
            'x' => Action::Exchange,
            'l' => Action::List,
            'n' => Action::Next,
            'N' => Action::NextMore,
            'p' => Action::Print,
            'P' => Action::PrintFirst,
            'z' => Action::Zap,
            letter => return Err(format!("unsupported command {letter}")),
        };
        self.end()?;
        Ok(action)
    }

    /// The text of `a`, `i`, `c`: what follows the command, or the lines below it.
    fn text(&mut self, letter: char) -> Result<Action, String> {
        self.blanks();
        if self.peek() == Some('\\') {
            self.at += 1;
            let mark = self.at;
            self.blanks();
            if self.peek() == Some('\n') {
                self.at += 1;
            } else {
                self.at = mark;
            }
        }
        if self.peek().is_none() {
            return Err("expected \\ after 'a', 'c' or 'i'".into());
        }
        let mut text = String::new();
        loop {
            match self.take() {
                None | Some('\n') => break,
                Some('\\') => match self.take() {
                    Some('t') => text.push('\t'),
                    other => text.extend(other),
                },
                Some(c) => text.push(c),
            }
        }
        text.push('\n');
        let text = text.into_bytes();
        Ok(match letter {
            'a' => Action::Append(text),
            'i' => Action::Insert(text),
            _ => Action::Change(text),
        })
    }

    fn translate(&mut self) -> Result<Action, String> {
        let Some(delimiter) = self.take() else {
            return Err("unmatched '/'".into());
        };
        let from = self.until(delimiter, false)?.replace("\\\\", "\\");
        let to = self.until(delimiter, false)?.replace("\\\\", "\\");
        if from.chars().count() != to.chars().count() {
            return Err("strings for 'y' are different lengths".into());
        }
        Ok(Action::Translate(from.chars().zip(to.chars()).collect()))
    }

    fn substitute(&mut self) -> Result<Action, String> {
        let Some(delimiter) = self.take().filter(|c| *c != '\n' && *c != '\\') else {
            return Err("bad format in substitution expression".into());
        };
        let pattern = self.until(delimiter, true)?;
        let with = self.until(delimiter, false)?;
        let mut substitute = Substitute {
            regex: None,
            with: pieces(&with),
            global: false,
            print: false,
            which: 1,
            file: None,
        };
        let (mut fold, mut lines) = (false, false);
        loop {
            match self.peek() {
                Some('g') => substitute.global = true,
                Some('p') => substitute.print = true,
                Some('i' | 'I') => fold = true,
                Some('m' | 'M') => lines = true,
                Some('w') => {
                    self.at += 1;
                    substitute.file = Some(self.name()?);
                    break;
                }
                Some('1'..='9') => {
                    substitute.which = self.number().unwrap_or(1);
                    continue;
                }
                None | Some('\n' | ';' | '}' | '#' | ' ' | '\t' | '\r') => break,
                Some(_) => return Err("bad option in substitution expression".into()),
            }
            self.at += 1;
        }
        if substitute.file.is_none() {
            self.end()?;
        }
        substitute.regex = self.regex(&pattern, fold, lines)?;
        Ok(Action::Substitute(substitute))
    }
}

/// A replacement's parts.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let group = match c {
            '&' => Some(0),
            '\\' => match chars.next() {
                Some(digit @ '0'..='9') => digit.to_digit(10).map(|digit| digit as usize),
                other => {
                    plain.extend(other);
                    None
                }
            },
            c => {
                plain.push(c);
                None
            }
        };
        if let Some(group) = group {
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into_bytes()));
            }
            pieces.push(Piece::Group(group));
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain.into_bytes()));
    }
    pieces
}
