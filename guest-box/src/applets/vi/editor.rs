//! The keys of `vi`. A command reads what it needs, the text typed into the file too, and the keys
//! of the last change are kept for the dot.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use super::buffer::{Buffer, Place};
use super::motion::{self, Reach};
use crate::applets::screen::{Key, Keys};
use crate::applets::{Io, Stop, reason};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    Insert,
    Replace,
    /// Where it began, and whether it takes whole lines.
    Visual(Place, bool),
    /// What is typed behind `:`, `/` or `?`.
    Ask(char, String),
}

/// Where keys come from when none wait to be repeated.
type Input<'i> = &'i mut dyn FnMut(&mut Editor) -> Key;

#[derive(Debug)]
pub(super) struct Editor {
    pub(super) buffer: Buffer,
    pub(super) name: Option<String>,
    files: Vec<String>,
    index: usize,
    pub(super) mode: Mode,
    pub(super) message: String,
    pub(super) top: usize,
    pub(super) rows: usize,
    pub(super) numbers: bool,
    pub(super) autoindent: bool,
    pub(super) expandtab: bool,
    pub(super) fold: bool,
    pub(super) shift: usize,
    read_only: bool,
    /// What was cut or copied, and whether as whole lines.
    pub(super) kept: (Vec<Vec<char>>, bool),
    /// The lines last marked.
    pub(super) visual: (usize, usize),
    pattern: String,
    forward: bool,
    sought: Option<(char, char)>,
    replay: VecDeque<Key>,
    recorded: Vec<Key>,
    last: Vec<Key>,
    pub(super) done: bool,
    pub(super) code: i32,
}

impl Editor {
    pub(super) fn new(files: Vec<String>, read_only: bool) -> Self {
        let mut editor = Self {
            buffer: Buffer::new(""),
            name: None,
            files,
            index: 0,
            mode: Mode::Normal,
            message: String::new(),
            top: 0,
            rows: 23,
            numbers: false,
            autoindent: true,
            expandtab: false,
            fold: false,
            shift: 2,
            read_only,
            kept: (Vec::new(), false),
            visual: (0, 0),
            pattern: String::new(),
            forward: true,
            sought: None,
            replay: VecDeque::new(),
            recorded: Vec::new(),
            last: Vec::new(),
            done: false,
            code: 0,
        };
        if let Some(name) = editor.files.first().cloned() {
            editor.open(&name);
        }
        editor
    }

    // Files.

    fn open(&mut self, name: &str) {
        match Buffer::read(name) {
            Ok(buffer) => {
                self.message = format!("'{name}' {}L", buffer.lines.len());
                self.buffer = buffer;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.message = format!("'{name}' [New file]");
                self.buffer = Buffer::new("");
            }
            Err(error) => {
                self.message = format!("'{name}' {}", reason(&error));
                self.buffer = Buffer::new("");
            }
        }
        self.name = Some(name.to_owned());
        self.top = 0;
    }

    pub(super) fn edit(&mut self, name: &str, force: bool) {
        if self.buffer.changed && !force {
            self.message = "No write since last change (:e! overrides)".into();
            return;
        }
        let name = if name.is_empty() {
            self.name.clone()
        } else {
            Some(name.to_owned())
        };
        match name {
            Some(name) => self.open(&name),
            None => self.message = "No current filename".into(),
        }
    }

    pub(super) fn next_file(&mut self, force: bool) {
        if self.buffer.changed && !force {
            self.message = "No write since last change (:n! overrides)".into();
            return;
        }
        match self.files.get(self.index + 1).cloned() {
            Some(name) => {
                self.index += 1;
                self.open(&name);
            }
            None => self.message = "No more files to edit".into(),
        }
    }

    /// Writes the text; false after a message when it could not.
    pub(super) fn write(&mut self, name: &str, force: bool) -> bool {
        let name = if name.is_empty() {
            self.name.clone()
        } else {
            Some(name.to_owned())
        };
        let Some(name) = name else {
            self.message = "No current filename".into();
            return false;
        };
        if self.read_only && !force {
            self.message = format!("'{name}' File is read only");
            return false;
        }
        let text = self.buffer.text();
        match std::fs::write(&name, &text) {
            Ok(()) => {
                let (lines, length) = (self.buffer.lines.len(), text.len());
                self.message = format!("'{name}' {lines}L, {length}C");
                self.buffer.changed = false;
                self.name.get_or_insert(name);
                true
            }
            Err(error) => {
                self.message = format!("'{name}' {}", reason(&error));
                false
            }
        }
    }

    pub(super) fn quit(&mut self, force: bool) {
        if self.buffer.changed && !force {
            self.message = "No write since last change (:q! overrides)".into();
            return;
        }
        self.done = true;
    }

    // Keys.

    pub(super) fn main(&mut self, io: &mut Io<'_>, keys: &mut Keys) -> Result<(), Stop> {
        while !self.done {
            self.step(&mut |editor: &mut Self| loop {
                if editor.draw(io).is_err() {
                    return Key::Gone;
                }
                let size = guest_kit::terminal::size();
                // Looking again now and then follows a terminal that changed its size.
                while size == guest_kit::terminal::size() {
                    if let Some(key) = keys.next_within(Duration::from_secs(1)) {
                        editor.message.clear();
                        return key;
                    }
                }
            });
        }
        let rows = self.rows;
        write!(io.out, "\x1b[{};1H\x1b[K", rows + 1)?;
        Ok(())
    }

    fn key(&mut self, input: Input<'_>) -> Key {
        let key = self.replay.pop_front().unwrap_or_else(|| input(self));
        if key == Key::Gone {
            self.done = true;
            self.code = 1;
        }
        self.recorded.push(key);
        key
    }

    /// One command.
    pub(super) fn step(&mut self, input: Input<'_>) {
        if self.replay.is_empty() {
            self.recorded.clear();
        }
        let visual = matches!(self.mode, Mode::Visual(..));
        let (count, key) = self.counted(input);
        let changed = if visual {
            self.marked(key, count, input)
        } else {
            self.normal(key, count, input)
        };
        if changed {
            self.last.clone_from(&self.recorded);
        }
        self.buffer.tame(false);
    }

    fn counted(&mut self, input: Input<'_>) -> (Option<usize>, Key) {
        let mut count = None;
        loop {
            let key = self.key(input);
            match key {
                Key::Char(c @ '0'..='9') if c != '0' || count.is_some() => {
                    let digit = c.to_digit(10).unwrap_or(0) as usize;
                    count = Some((count.unwrap_or(0) * 10 + digit).min(100_000));
                }
                key => return (count, key),
            }
        }
    }

    /// A command of the normal mode; whether it changed the text.
    fn normal(&mut self, key: Key, count: Option<usize>, input: Input<'_>) -> bool {
        let times = count.unwrap_or(1);
        let Key::Char(c) = key else {
            return self.special(key, count, input);
        };
        match c {
            'd' | 'c' | 'y' | '>' | '<' => return self.operate(c, count, input),
            'x' | 'X' | 's' | 'D' | 'C' | 'S' | 'Y' => {
                let here = self.buffer.cursor;
                let length = self.buffer.line().len();
                let (operator, to) = match c {
                    'x' | 's' => (
                        if c == 'x' { 'd' } else { 'c' },
                        (here.column + times).min(length),
                    ),
                    'X' => {
                        self.buffer.cursor.column = here.column.saturating_sub(times);
                        ('d', here.column)
                    }
                    'D' => ('d', length),
                    'C' => ('c', length),
                    _ => {
                        let last = (here.line + times - 1).min(self.buffer.lines.len() - 1);
                        let operator = if c == 'S' { 'c' } else { 'y' };
                        let to = Place {
                            line: last,
                            column: 0,
                        };
                        return self.apply(operator, (here, to, Reach::Lines), input);
                    }
                };
                let to = Place { column: to, ..here };
                if to == self.buffer.cursor && operator == 'd' {
                    return false;
                }
                let from = self.buffer.cursor;
                return self.apply(operator, (from, to, Reach::Exclusive), input);
            }
            'i' | 'a' | 'I' | 'A' | 'o' | 'O' => {
                self.buffer.remember();
                self.begin_insert(c);
                self.insert(Mode::Insert, input);
            }
            'R' => {
                self.buffer.remember();
                self.insert(Mode::Replace, input);
            }
            'r' => {
                let Key::Char(with) = self.key(input) else {
                    return false;
                };
                let Place { line, column } = self.buffer.cursor;
                if column + times > self.buffer.line().len() {
                    return false;
                }
                self.buffer.remember();
                for at in column..column + times {
                    self.buffer.lines[line][at] = with;
                }
                self.buffer.cursor.column = column + times - 1;
            }
            'J' => {
                self.buffer.remember();
                for _ in 0..times.max(2) - 1 {
                    self.join();
                }
            }
            '~' => {
                self.buffer.remember();
                for _ in 0..times {
                    let Place { line, column } = self.buffer.cursor;
                    let Some(c) = self.buffer.lines[line].get_mut(column) else {
                        break;
                    };
                    let other = if c.is_uppercase() {
                        c.to_lowercase().next()
                    } else {
                        c.to_uppercase().next()
                    };
                    *c = other.unwrap_or(*c);
                    self.buffer.cursor.column += 1;
                }
            }
            'p' | 'P' => return self.put(c == 'p', times),
            'u' => {
                if !self.buffer.undo() {
                    self.message = "Already at oldest change".into();
                }
                return false;
            }
            '.' => {
                if !self.last.is_empty() {
                    self.recorded.clear();
                    self.replay = self.last.clone().into();
                    self.step(input);
                }
                return false;
            }
            'v' => {
                self.mode = Mode::Visual(self.buffer.cursor, false);
                return false;
            }
            'V' => {
                self.mode = Mode::Visual(self.buffer.cursor, true);
                return false;
            }
            ':' => {
                if let Some(text) = self.ask(':', String::new(), input) {
                    self.colon(&text);
                }
                return false;
            }
            'Z' => {
                match self.key(input) {
                    Key::Char('Z') if self.buffer.changed && !self.write("", false) => {}
                    Key::Char('Z' | 'Q') => self.quit(true),
                    _ => {}
                }
                return false;
            }
            _ => {
                if let Some((place, _)) = self.motion(key, count, input) {
                    self.buffer.cursor = place;
                }
                return false;
            }
        }
        true
    }

    fn special(&mut self, key: Key, count: Option<usize>, input: Input<'_>) -> bool {
        match key {
            Key::Control('f') | Key::PageDown => {
                self.buffer.cursor.line += self.rows;
                self.top += self.rows;
            }
            Key::Control('b') | Key::PageUp => {
                self.buffer.cursor.line = self.buffer.cursor.line.saturating_sub(self.rows);
                self.top = self.top.saturating_sub(self.rows);
            }
            Key::Control('d') => self.buffer.cursor.line += self.rows / 2,
            Key::Control('u') => {
                self.buffer.cursor.line = self.buffer.cursor.line.saturating_sub(self.rows / 2);
            }
            Key::Control('g') => self.colon("f"),
            Key::Delete => {
                return self.normal(Key::Char('x'), count, input);
            }
            Key::Control('l' | 'c') | Key::Escape | Key::Gone => {}
            key => {
                if let Some((place, _)) = self.motion(key, count, input) {
                    self.buffer.cursor = place;
                }
            }
        }
        self.buffer.tame(false);
        self.top = self.top.min(self.buffer.lines.len() - 1);
        false
    }

    /// Where a motion leads; nothing when it leads nowhere.
    fn motion(
        &mut self,
        key: Key,
        count: Option<usize>,
        input: Input<'_>,
    ) -> Option<(Place, Reach)> {
        let here = self.buffer.cursor;
        let times = count.unwrap_or(1);
        let end = self.buffer.lines.len() - 1;
        let line = |editor: &Self, line: usize| {
            let column = editor.buffer.indent(line);
            Some((Place { line, column }, Reach::Lines))
        };
        let c = match key {
            Key::Left | Key::Backspace => 'h',
            Key::Right => 'l',
            Key::Up => 'k',
            Key::Down => 'j',
            Key::Enter => '+',
            Key::Home => '0',
            Key::End => '$',
            Key::Char(c) => c,
            _ => return None,
        };
        let exclusive = |place: Place| Some((place, Reach::Exclusive));
        match c {
            'h' => exclusive(Place {
                column: here.column.saturating_sub(times),
                ..here
            }),
            'l' | ' ' => {
                let column = (here.column + times).min(self.buffer.line().len());
                exclusive(Place { column, ..here })
            }
            'j' => (here.line < end).then(|| {
                (
                    Place {
                        line: (here.line + times).min(end),
                        ..here
                    },
                    Reach::Lines,
                )
            }),
            'k' => (here.line > 0).then(|| {
                (
                    Place {
                        line: here.line.saturating_sub(times),
                        ..here
                    },
                    Reach::Lines,
                )
            }),
            '+' => line(self, (here.line + times).min(end)),
            '-' => line(self, here.line.saturating_sub(times)),
            'w' | 'W' | 'b' | 'B' => {
                let big = c.is_uppercase();
                let go = if matches!(c, 'w' | 'W') {
                    motion::word
                } else {
                    motion::back
                };
                exclusive((0..times).fold(here, |place, _| go(&self.buffer, place, big)))
            }
            'e' | 'E' => {
                let go = |place, _| motion::end(&self.buffer, place, c == 'E');
                Some(((0..times).fold(here, go), Reach::Inclusive))
            }
            '0' => exclusive(Place { column: 0, ..here }),
            '^' | '_' => exclusive(Place {
                column: self.buffer.indent(here.line),
                ..here
            }),
            '$' => {
                let line = (here.line + times - 1).min(end);
                let column = self.buffer.lines[line].len();
                exclusive(Place { line, column })
            }
            '|' => exclusive(Place {
                column: times - 1,
                ..here
            }),
            'G' => line(self, count.map_or(end, |count| count.max(1) - 1).min(end)),
            'g' => match self.key(input) {
                Key::Char('g') => line(self, (times - 1).min(end)),
                _ => None,
            },
            'H' => line(self, (self.top + times - 1).min(end)),
            'L' => line(self, (self.top + self.rows).saturating_sub(times).min(end)),
            'M' => line(self, (self.top + self.rows / 2).min(end)),
            '{' | '}' => {
                let go = |place, _| motion::paragraph(&self.buffer, place, c == '}');
                exclusive((0..times).fold(here, go))
            }
            '%' => motion::pair(&self.buffer, here).map(|place| (place, Reach::Inclusive)),
            'f' | 'F' | 't' | 'T' => {
                let Key::Char(wanted) = self.key(input) else {
                    return None;
                };
                self.sought = Some((c, wanted));
                self.seek((c, wanted), times)
            }
            ';' | ',' => {
                let (letter, wanted) = self.sought?;
                let letter = match (c, letter.is_lowercase()) {
                    (';', _) => letter,
                    (_, true) => letter.to_ascii_uppercase(),
                    (_, false) => letter.to_ascii_lowercase(),
                };
                self.seek((letter, wanted), times)
            }
            '/' | '?' => {
                let text = self.ask(c, String::new(), input)?;
                if !text.is_empty() {
                    self.pattern = text;
                }
                self.forward = c == '/';
                self.search(self.forward, times)
            }
            'n' => self.search(self.forward, times),
            'N' => self.search(!self.forward, times),
            '*' => {
                let word = |c: &char| c.is_alphanumeric() || *c == '_';
                let text = self.buffer.line();
                let start = text[..here.column]
                    .iter()
                    .rposition(|c| !word(c))
                    .map_or(0, |at| at + 1);
                let found: String = text[start..].iter().take_while(|c| word(c)).collect();
                self.pattern = format!("\\<{found}\\>");
                self.forward = true;
                self.search(true, times)
            }
            _ => None,
        }
    }

    fn seek(&self, what: (char, char), times: usize) -> Option<(Place, Reach)> {
        let place = motion::find(&self.buffer, self.buffer.cursor, what, times)?;
        let reach = if what.0.is_lowercase() {
            Reach::Inclusive
        } else {
            Reach::Exclusive
        };
        Some((place, reach))
    }

    fn search(&mut self, forward: bool, times: usize) -> Option<(Place, Reach)> {
        if self.pattern.is_empty() {
            self.message = "No previous search".into();
            return None;
        }
        let pattern = match self.compile(&self.pattern) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.message = message;
                return None;
            }
        };
        let count = self.buffer.lines.len();
        let mut place = self.buffer.cursor;
        for _ in 0..times {
            let found = (0..=count).find_map(|step| {
                let line = match forward {
                    true => (place.line + step) % count,
                    false => (place.line + count * 2 - step) % count,
                };
                let text: String = self.buffer.lines[line].iter().collect();
                let mut columns = Vec::new();
                let mut at = 0;
                while let Some((start, end)) = pattern.find_at(text.as_bytes(), at) {
                    columns.push(text.get(..start).map_or(0, |before| before.chars().count()));
                    at = end.max(start + 1);
                    if at > text.len() {
                        break;
                    }
                }
                let column = match (forward, step) {
                    (true, 0) => columns.into_iter().find(|column| *column > place.column),
                    (false, 0) => columns
                        .into_iter()
                        .rev()
                        .find(|column| *column < place.column),
                    (true, _) => columns.into_iter().next(),
                    (false, _) => columns.into_iter().next_back(),
                }?;
                Some(Place { line, column })
            });
            let Some(found) = found else {
                self.message = "Pattern not found".into();
                return None;
            };
            place = found;
        }
        Some((place, Reach::Exclusive))
    }

    // Changes.

    /// An operator and its motion.
    fn operate(&mut self, operator: char, count: Option<usize>, input: Input<'_>) -> bool {
        let here = self.buffer.cursor;
        let (more, key) = self.counted(input);
        let times = match (count, more) {
            (None, None) => None,
            (first, second) => Some(
                first
                    .unwrap_or(1)
                    .saturating_mul(second.unwrap_or(1))
                    .max(1),
            ),
        };
        if key == Key::Char(operator) {
            let last = (here.line + times.unwrap_or(1) - 1).min(self.buffer.lines.len() - 1);
            let to = Place {
                line: last,
                column: 0,
            };
            return self.apply(operator, (here, to, Reach::Lines), input);
        }
        if matches!(operator, 'd' | 'c' | 'y') && key == Key::Char('i') {
            return self.inner(operator, input);
        }
        // `cw` leaves the blanks behind the word.
        if operator == 'c' && matches!(key, Key::Char('w' | 'W')) && self.on_text() {
            let big = key == Key::Char('W');
            let to = motion::word_end(&self.buffer, here, big, times.unwrap_or(1));
            return self.apply(operator, (here, to, Reach::Inclusive), input);
        }
        let Some((mut to, mut reach)) = self.motion(key, times, input) else {
            return false;
        };
        let mut from = here;
        if to < from {
            std::mem::swap(&mut from, &mut to);
        } else if matches!(key, Key::Char('w' | 'W')) && to.line > from.line {
            // A word at the end of a line ends with it.
            let column = self.buffer.lines[to.line - 1].len();
            if to.column <= self.buffer.indent(to.line) {
                to = Place {
                    line: to.line - 1,
                    column,
                };
                if to.line == from.line {
                    reach = Reach::Exclusive;
                }
            }
        }
        if from == to && reach == Reach::Exclusive {
            return false;
        }
        self.apply(operator, (from, to, reach), input)
    }

    /// `diw` and its like.
    fn inner(&mut self, operator: char, input: Input<'_>) -> bool {
        let Key::Char(what) = self.key(input) else {
            return false;
        };
        let Place { line, column } = self.buffer.cursor;
        let text = self.buffer.line().clone();
        let range = match what {
            'w' if column < text.len() => {
                let kind = |c: &char| (c.is_whitespace(), c.is_alphanumeric() || *c == '_');
                let here = kind(&text[column]);
                let start = text[..column]
                    .iter()
                    .rposition(|c| kind(c) != here)
                    .map_or(0, |at| at + 1);
                let end = text[column..]
                    .iter()
                    .position(|c| kind(c) != here)
                    .map_or(text.len(), |at| column + at);
                Some((start, end))
            }
            '"' | '\'' | '`' => {
                let marks: Vec<usize> = (0..text.len()).filter(|at| text[*at] == what).collect();
                marks
                    .chunks_exact(2)
                    .find(|pair| pair[1] >= column)
                    .map(|pair| (pair[0] + 1, pair[1]))
            }
            _ => None,
        };
        let Some((start, end)) = range else {
            return false;
        };
        let places = (
            Place {
                line,
                column: start,
            },
            Place { line, column: end },
            Reach::Exclusive,
        );
        self.apply(operator, places, input)
    }

    fn on_text(&self) -> bool {
        let column = self.buffer.cursor.column;
        self.buffer
            .line()
            .get(column)
            .is_some_and(|c| !c.is_whitespace())
    }

    /// An operator on what lies between two places; whether it changed the text.
    fn apply(
        &mut self,
        operator: char,
        (from, to, reach): (Place, Place, Reach),
        input: Input<'_>,
    ) -> bool {
        let (from, mut to) = if to < from { (to, from) } else { (from, to) };
        if reach == Reach::Inclusive {
            to.column += 1;
        }
        let whole = reach == Reach::Lines || matches!(operator, '>' | '<');
        if operator == 'y' {
            self.kept = if whole {
                (self.buffer.lines[from.line..=to.line].to_vec(), true)
            } else {
                (self.buffer.copy(from, to), false)
            };
            if !whole {
                self.buffer.cursor = from;
            } else {
                self.buffer.cursor.line = from.line;
            }
            if to.line - from.line >= 2 {
                self.message = format!("{} lines yanked", to.line - from.line + 1);
            }
            return false;
        }
        self.buffer.remember();
        match operator {
            '>' | '<' => {
                for line in from.line..=to.line {
                    let text = &mut self.buffer.lines[line];
                    if operator == '<' {
                        let blanks = text
                            .iter()
                            .take_while(|c| **c == ' ')
                            .count()
                            .min(self.shift);
                        let tab = usize::from(blanks == 0 && text.first() == Some(&'\t'));
                        text.drain(..blanks.max(tab));
                    } else if !text.is_empty() {
                        text.splice(0..0, std::iter::repeat_n(' ', self.shift));
                    }
                }
                self.buffer.cursor = Place {
                    line: from.line,
                    column: self.buffer.indent(from.line),
                };
            }
            'd' if whole => self.kept = (self.buffer.cut_lines(from.line, to.line), true),
            'd' => self.kept = (self.buffer.cut(from, to), false),
            _ => {
                if whole {
                    let indent: Vec<char> = self.indentation(from.line);
                    let taken = self
                        .buffer
                        .lines
                        .splice(from.line..=to.line, [indent])
                        .collect();
                    self.kept = (taken, true);
                    let column = self.buffer.lines[from.line].len();
                    self.buffer.cursor = Place {
                        line: from.line,
                        column,
                    };
                } else {
                    self.kept = (self.buffer.cut(from, to), false);
                }
                self.insert(Mode::Insert, input);
            }
        }
        true
    }

    /// The blanks a new line begins with.
    fn indentation(&self, line: usize) -> Vec<char> {
        if !self.autoindent {
            return Vec::new();
        }
        let text = &self.buffer.lines[line];
        text.iter()
            .take_while(|c| **c == ' ' || **c == '\t')
            .copied()
            .collect()
    }

    fn begin_insert(&mut self, letter: char) {
        let Place { line, column } = self.buffer.cursor;
        match letter {
            'a' => self.buffer.cursor.column = (column + 1).min(self.buffer.line().len()),
            'I' => {
                let text = self.buffer.line();
                self.buffer.cursor.column = text.iter().take_while(|c| c.is_whitespace()).count();
            }
            'A' => self.buffer.cursor.column = self.buffer.line().len(),
            'o' | 'O' => {
                let new = if letter == 'o' { line + 1 } else { line };
                let indent = self.indentation(line);
                self.buffer.cursor = Place {
                    line: new,
                    column: indent.len(),
                };
                self.buffer.lines.insert(new, indent);
            }
            _ => {}
        }
    }

    /// Takes what is typed until Escape.
    fn insert(&mut self, mode: Mode, input: Input<'_>) {
        self.mode = mode;
        loop {
            let key = self.key(input);
            let Place { line, column } = self.buffer.cursor;
            match key {
                Key::Escape | Key::Control('c') | Key::Gone => break,
                Key::Char(c) => {
                    if self.mode == Mode::Replace && column < self.buffer.line().len() {
                        self.buffer.lines[line].remove(column);
                    }
                    self.buffer.insert(c);
                }
                Key::Tab if self.expandtab => {
                    (0..self.shift).for_each(|_| self.buffer.insert(' '));
                }
                Key::Tab => self.buffer.insert('\t'),
                Key::Enter => {
                    let indent = self.indentation(line);
                    let indent = indent[..indent.len().min(column)].to_vec();
                    self.buffer.insert('\n');
                    indent.into_iter().for_each(|c| self.buffer.insert(c));
                }
                Key::Backspace | Key::Control('h') => {
                    if column > 0 {
                        self.buffer.cursor.column -= 1;
                        if self.mode != Mode::Replace {
                            self.buffer.lines[line].remove(column - 1);
                        }
                    } else if line > 0 {
                        let rest = self.buffer.lines.remove(line);
                        let length = self.buffer.lines[line - 1].len();
                        self.buffer.lines[line - 1].extend(rest);
                        self.buffer.cursor = Place {
                            line: line - 1,
                            column: length,
                        };
                    }
                }
                Key::Delete if column < self.buffer.line().len() => {
                    self.buffer.lines[line].remove(column);
                }
                Key::Control('w') => {
                    let text = self.buffer.line();
                    let start = text[..column]
                        .iter()
                        .rposition(|c| !c.is_whitespace())
                        .and_then(|end| text[..end].iter().rposition(|c| c.is_whitespace()))
                        .map_or(0, |at| at + 1);
                    self.buffer.lines[line].drain(start..column);
                    self.buffer.cursor.column = start;
                }
                Key::Left => self.buffer.cursor.column = column.saturating_sub(1),
                Key::Right => self.buffer.cursor.column += 1,
                Key::Up => self.buffer.cursor.line = line.saturating_sub(1),
                Key::Down => self.buffer.cursor.line += 1,
                Key::Home => self.buffer.cursor.column = 0,
                Key::End => self.buffer.cursor.column = usize::MAX,
                _ => {}
            }
            self.buffer.tame(true);
        }
        self.mode = Mode::Normal;
        self.buffer.cursor.column = self.buffer.cursor.column.saturating_sub(1);
    }

    fn join(&mut self) {
        let line = self.buffer.cursor.line;
        if line + 1 >= self.buffer.lines.len() {
            return;
        }
        let next = self.buffer.lines.remove(line + 1);
        let rest = next.into_iter().skip_while(|c| c.is_whitespace());
        let text = &mut self.buffer.lines[line];
        let length = text.len();
        let mut rest = rest.peekable();
        if rest.peek().is_some_and(|c| *c != ')') && !text.last().is_none_or(|c| c.is_whitespace())
        {
            text.push(' ');
        }
        text.extend(rest);
        self.buffer.cursor.column = length;
    }

    fn put(&mut self, after: bool, times: usize) -> bool {
        let (text, whole) = self.kept.clone();
        if text.is_empty() {
            self.message = "Nothing in register".into();
            return false;
        }
        self.buffer.remember();
        let Place { line, column } = self.buffer.cursor;
        if whole {
            let at = if after { line + 1 } else { line };
            for _ in 0..times {
                self.buffer.lines.splice(at..at, text.iter().cloned());
            }
            self.buffer.cursor = Place {
                line: at,
                column: self.buffer.indent(at),
            };
            return true;
        }
        if after && !self.buffer.line().is_empty() {
            self.buffer.cursor.column = column + 1;
        }
        for _ in 0..times {
            for (index, part) in text.iter().enumerate() {
                if index > 0 {
                    self.buffer.insert('\n');
                }
                part.iter().for_each(|c| self.buffer.insert(*c));
            }
        }
        self.buffer.cursor.column = self.buffer.cursor.column.saturating_sub(1);
        true
    }

    // Marking.

    /// Whether a character is marked.
    pub(super) fn is_marked(&self, line: usize, column: usize) -> bool {
        let Mode::Visual(start, whole) = self.mode else {
            return false;
        };
        let (from, to) = (start.min(self.buffer.cursor), start.max(self.buffer.cursor));
        let place = Place { line, column };
        if whole {
            (from.line..=to.line).contains(&line)
        } else {
            from <= place && place <= to
        }
    }

    fn marked(&mut self, key: Key, count: Option<usize>, input: Input<'_>) -> bool {
        let Mode::Visual(start, whole) = self.mode else {
            return false;
        };
        let (from, to) = (start.min(self.buffer.cursor), start.max(self.buffer.cursor));
        self.visual = (from.line, to.line);
        let operator = match key {
            Key::Escape | Key::Control('c') | Key::Gone => {
                self.mode = Mode::Normal;
                return false;
            }
            Key::Char('v') => {
                self.mode = if whole {
                    Mode::Visual(start, false)
                } else {
                    Mode::Normal
                };
                return false;
            }
            Key::Char('V') => {
                self.mode = if whole {
                    Mode::Normal
                } else {
                    Mode::Visual(start, true)
                };
                return false;
            }
            Key::Char('d' | 'x') | Key::Delete => 'd',
            Key::Char('c' | 's') => 'c',
            Key::Char(c @ ('y' | '>' | '<')) => c,
            Key::Char(':') => {
                self.mode = Mode::Normal;
                if let Some(text) = self.ask(':', "'<,'>".into(), input) {
                    self.colon(&text);
                }
                return false;
            }
            key => {
                if let Some((place, _)) = self.motion(key, count, input) {
                    self.buffer.cursor = place;
                    self.buffer.tame(false);
                }
                return false;
            }
        };
        self.mode = Mode::Normal;
        let reach = if whole {
            Reach::Lines
        } else {
            Reach::Inclusive
        };
        self.apply(operator, (from, to, reach), input)
    }

    /// A line typed at the bottom; nothing when it was given up.
    fn ask(&mut self, mark: char, text: String, input: Input<'_>) -> Option<String> {
        self.mode = Mode::Ask(mark, text);
        loop {
            let key = self.key(input);
            let Mode::Ask(_, text) = &mut self.mode else {
                return None;
            };
            match key {
                Key::Char(c) => text.push(c),
                Key::Control('u') => text.clear(),
                Key::Backspace if text.pop().is_some() => {}
                Key::Enter => {
                    let text = std::mem::take(text);
                    self.mode = Mode::Normal;
                    return Some(text);
                }
                Key::Escape | Key::Control('c') | Key::Backspace | Key::Gone => {
                    self.mode = Mode::Normal;
                    return None;
                }
                _ => {}
            }
        }
    }
}
