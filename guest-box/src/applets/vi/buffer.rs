//! The text of `vi`, its past and its file. Never knows a key or a screen.

use std::io;

/// A place: line and character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A state to come back to.
#[derive(Clone, Debug)]
struct Past {
    lines: Vec<Vec<char>>,
    cursor: Place,
}

/// How many changes can be taken back.
const PAST: usize = 200;

#[derive(Debug)]
pub(super) struct Buffer {
    /// Never empty.
    pub(super) lines: Vec<Vec<char>>,
    pub(super) cursor: Place,
    pub(super) changed: bool,
    past: Vec<Past>,
}

impl Buffer {
    pub(super) fn new(text: &str) -> Self {
        let body = text.strip_suffix('\n').unwrap_or(text);
        Self {
            lines: body
                .split('\n')
                .map(|line| line.chars().collect())
                .collect(),
            cursor: Place::default(),
            changed: false,
            past: Vec::new(),
        }
    }

    pub(super) fn read(path: &str) -> io::Result<Self> {
        let bytes = std::fs::read(path)?;
        Ok(Self::new(&String::from_utf8_lossy(&bytes)))
    }

    pub(super) fn text(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| line.iter().collect())
            .collect();
        if lines.len() == 1 && lines[0].is_empty() {
            return String::new();
        }
        lines.join("\n") + "\n"
    }

    /// Notes the state before a change.
    pub(super) fn remember(&mut self) {
        self.changed = true;
        self.past.push(Past {
            lines: self.lines.clone(),
            cursor: self.cursor,
        });
        if self.past.len() > PAST {
            self.past.remove(0);
        }
    }

    /// Takes the last change back; false when there is none.
    pub(super) fn undo(&mut self) -> bool {
        let Some(past) = self.past.pop() else {
            return false;
        };
        self.lines = past.lines;
        self.cursor = past.cursor;
        true
    }

    pub(super) fn line(&self) -> &Vec<char> {
        &self.lines[self.cursor.line]
    }

    /// Keeps the cursor where there is text; behind it when inserting.
    pub(super) fn tame(&mut self, inserting: bool) {
        self.cursor.line = self.cursor.line.min(self.lines.len() - 1);
        let length = self.line().len();
        let most = if inserting {
            length
        } else {
            length.saturating_sub(1)
        };
        self.cursor.column = self.cursor.column.min(most);
    }

    pub(super) fn insert(&mut self, c: char) {
        let Place { line, column } = self.cursor;
        if c == '\n' {
            let rest = self.lines[line].split_off(column);
            self.lines.insert(line + 1, rest);
            self.cursor = Place {
                line: line + 1,
                column: 0,
            };
        } else {
            self.lines[line].insert(column, c);
            self.cursor.column += 1;
        }
    }

    /// Takes the text between two places out.
    pub(super) fn cut(&mut self, from: Place, to: Place) -> Vec<Vec<char>> {
        let taken = self.copy(from, to);
        let end = to.column.min(self.lines[to.line].len());
        let tail = self.lines[to.line].split_off(end);
        self.lines[from.line].truncate(from.column);
        self.lines.drain(from.line + 1..=to.line.max(from.line));
        self.lines[from.line].extend(tail);
        self.cursor = from;
        taken
    }

    pub(super) fn copy(&self, from: Place, to: Place) -> Vec<Vec<char>> {
        (from.line..=to.line)
            .map(|line| {
                let text = &self.lines[line];
                let start = if line == from.line { from.column } else { 0 };
                let end = if line == to.line {
                    to.column
                } else {
                    text.len()
                };
                let end = end.min(text.len());
                text[start.min(end)..end].to_vec()
            })
            .collect()
    }

    /// Takes whole lines out; one empty line stays.
    pub(super) fn cut_lines(&mut self, first: usize, last: usize) -> Vec<Vec<char>> {
        let last = last.min(self.lines.len() - 1);
        let taken: Vec<Vec<char>> = self.lines.drain(first..=last).collect();
        if self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        self.cursor.line = first.min(self.lines.len() - 1);
        self.cursor.column = self.indent(self.cursor.line);
        taken
    }

    /// How many blanks a line begins with.
    pub(super) fn indent(&self, line: usize) -> usize {
        let text = &self.lines[line];
        let blanks = text
            .iter()
            .take_while(|c| **c == ' ' || **c == '\t')
            .count();
        blanks.min(text.len().saturating_sub(1))
    }
}
