//! The text being edited and the cursor in it.
//!
//! Counts characters that people see as one: combining marks stay with what they combine with.
//! Never draws.

use unicode_width::UnicodeWidthChar;

#[derive(Debug, Default)]
pub(super) struct Line {
    chars: Vec<char>,
    cursor: usize,
}

/// Marks that take no place of their own.
fn combining(c: char) -> bool {
    c.width() == Some(0) && !c.is_control()
}

impl Line {
    pub(super) fn set(&mut self, text: &str) {
        self.chars = text.chars().collect();
        self.cursor = self.chars.len();
    }

    pub(super) fn text(&self) -> String {
        self.chars.iter().collect()
    }

    pub(super) fn before_cursor(&self) -> String {
        self.chars[..self.cursor].iter().collect()
    }

    pub(super) fn after_cursor(&self) -> String {
        self.chars[self.cursor..].iter().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    pub(super) fn at_end(&self) -> bool {
        self.cursor == self.chars.len()
    }

    pub(super) fn insert(&mut self, text: &str) {
        let added: Vec<char> = text.chars().collect();
        let count = added.len();
        self.chars.splice(self.cursor..self.cursor, added);
        self.cursor += count;
    }

    pub(super) fn replace_before(&mut self, count: usize, text: &str) {
        let start = self.cursor.saturating_sub(count);
        self.chars.drain(start..self.cursor);
        self.cursor = start;
        self.insert(text);
    }

    fn step_left(&self, from: usize) -> usize {
        let mut at = from.saturating_sub(1);
        while at > 0 && combining(self.chars[at]) {
            at -= 1;
        }
        at
    }

    fn step_right(&self, from: usize) -> usize {
        let mut at = (from + 1).min(self.chars.len());
        while at < self.chars.len() && combining(self.chars[at]) {
            at += 1;
        }
        at
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.step_left(self.cursor);
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.step_right(self.cursor);
    }

    pub(super) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(super) fn end(&mut self) {
        self.cursor = self.chars.len();
    }

    /// The beginning of the word before the cursor.
    fn word_start(&self, in_word: fn(char) -> bool) -> usize {
        let mut at = self.cursor;
        while at > 0 && !in_word(self.chars[at - 1]) {
            at -= 1;
        }
        while at > 0 && in_word(self.chars[at - 1]) {
            at -= 1;
        }
        at
    }

    fn word_end(&self) -> usize {
        let mut at = self.cursor;
        while at < self.chars.len() && !self.chars[at].is_alphanumeric() {
            at += 1;
        }
        while at < self.chars.len() && self.chars[at].is_alphanumeric() {
            at += 1;
        }
        at
    }

    pub(super) fn word_left(&mut self) {
        self.cursor = self.word_start(char::is_alphanumeric);
    }

    pub(super) fn word_right(&mut self) {
        self.cursor = self.word_end();
    }

    pub(super) fn backspace(&mut self) {
        // A mark typed last goes alone; otherwise a whole character goes.
        let start = match self.cursor {
            0 => return,
            at if combining(self.chars[at - 1]) => at - 1,
            at => self.step_left(at),
        };
        self.chars.drain(start..self.cursor);
        self.cursor = start;
    }

    pub(super) fn delete(&mut self) {
        let end = self.step_right(self.cursor);
        if self.cursor < self.chars.len() {
            self.chars.drain(self.cursor..end);
        }
    }

    fn kill(&mut self, start: usize, end: usize) -> String {
        let killed = self.chars.drain(start..end).collect();
        self.cursor = start;
        killed
    }

    pub(super) fn kill_end(&mut self) -> String {
        self.kill(self.cursor, self.chars.len())
    }

    pub(super) fn kill_start(&mut self) -> String {
        self.kill(0, self.cursor)
    }

    /// Back to a blank.
    pub(super) fn kill_blank_word(&mut self) -> String {
        let start = self.word_start(|c| !c.is_whitespace());
        self.kill(start, self.cursor)
    }

    pub(super) fn kill_word_left(&mut self) -> String {
        let start = self.word_start(char::is_alphanumeric);
        self.kill(start, self.cursor)
    }

    pub(super) fn kill_word_right(&mut self) -> String {
        let end = self.word_end();
        self.kill(self.cursor, end)
    }
}
