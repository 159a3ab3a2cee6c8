//! The line editor: keys in, screen bytes and at last a line out.
//!
//! ```text
//!          keys                      Ctrl-R
//! editing ─────► editing   editing ─────────► searching ─► editing
//!    │ Enter, Ctrl-C, Ctrl-D on an empty line
//!    └──────► Ended
//! ```
//!
//! A pure machine: it reads no terminal and asks for completions through a function. Start with
//! [`Editor::feed`]; [`keys`] decodes bytes, [`line`] holds the text, [`screen`] draws it.

mod keys;
mod line;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use keys::Decoder;
use keys::Key;
use line::Line;
use screen::Screen;

/// What can stand in place of a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Completion {
    /// How many characters before the cursor are replaced.
    pub(super) replaced: usize,
    /// What may stand there, sorted.
    pub(super) candidates: Vec<String>,
    /// The same as people are shown them.
    pub(super) shown: Vec<String>,
    /// A lone candidate is a whole word, so that a blank follows it.
    pub(super) whole: bool,
}

/// How editing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line.
    End,
}

/// Completes the text before the cursor.
pub(super) type Complete<'a> = dyn FnMut(&str) -> Completion + 'a;

/// A search backwards through the history.
#[derive(Debug)]
struct Search {
    pattern: String,
    /// Where in the history it has come to.
    at: usize,
    failed: bool,
}

/// One line being typed.
#[derive(Debug)]
pub(super) struct Editor<'a> {
    line: Line,
    screen: Screen,
    history: &'a [String],
    /// Which line of the history is shown; its length is the new one.
    place: usize,
    /// The new line while another is shown.
    draft: String,
    search: Option<Search>,
    killed: String,
    tabs: usize,
    pasting: bool,
}

impl<'a> Editor<'a> {
    pub(super) fn new(prompt: &str, columns: usize, history: &'a [String]) -> Self {
        Self {
            line: Line::default(),
            screen: Screen::new(prompt, columns),
            history,
            place: history.len(),
            draft: String::new(),
            search: None,
            killed: String::new(),
            tabs: 0,
            pasting: false,
        }
    }

    /// What to draw first: the prompt, and the wish that pasted text is marked.
    pub(super) fn begin(&mut self) -> Vec<u8> {
        let mut out = b"\x1b[?2004h".to_vec();
        out.extend(self.screen.draw(&self.line));
        out
    }

    /// The terminal has another width.
    pub(super) fn resize(&mut self, columns: usize) -> Vec<u8> {
        match self.screen.resize(columns) {
            true => self.screen.draw(&self.line),
            false => Vec::new(),
        }
    }

    /// One key: what to draw, and the end when it has come.
    pub(super) fn feed(
        &mut self,
        key: &Key,
        complete: &mut Complete<'_>,
    ) -> (Vec<u8>, Option<Ended>) {
        let tabs = std::mem::take(&mut self.tabs);
        if self.search.is_some() {
            match self.searching(key) {
                Some(out) => return (out, None),
                None => self.search = None,
            }
        }
        let ended = match key {
            Key::Enter if !self.pasting => Some(Ended::Line(self.line.text())),
            Key::Interrupt => Some(Ended::Interrupted),
            Key::Delete(true) if self.line.is_empty() => Some(Ended::End),
            _ => None,
        };
        if let Some(ended) = ended {
            return (self.finish(&ended), Some(ended));
        }
        if let Key::Text(text) = key
            && self.line.at_end()
        {
            self.line.insert(text);
            return (self.screen.append(text, &self.line), None);
        }
        let mut out = Vec::new();
        match key {
            Key::Tab if self.pasting => self.line.insert("\t"),
            Key::Tab => {
                self.tabs = tabs + 1;
                out = self.complete(complete);
            }
            Key::Clear => out = self.screen.clear(),
            Key::Search => {
                self.search = Some(Search {
                    pattern: String::new(),
                    at: self.history.len(),
                    failed: false,
                });
                return (self.draw_search(), None);
            }
            Key::Paste(begins) => self.pasting = *begins,
            key => self.change(key),
        }
        out.extend(self.screen.draw(&self.line));
        (out, None)
    }

    /// Keys that move in the line or change it.
    fn change(&mut self, key: &Key) {
        match key {
            Key::Text(text) => self.line.insert(text),
            Key::Enter => self.line.insert("\n"),
            Key::Left => self.line.left(),
            Key::Right => self.line.right(),
            Key::Home => self.line.home(),
            Key::End => self.line.end(),
            Key::WordLeft => self.line.word_left(),
            Key::WordRight => self.line.word_right(),
            Key::Backspace => self.line.backspace(),
            Key::Delete(_) => self.line.delete(),
            Key::KillEnd => self.killed = self.line.kill_end(),
            Key::KillStart => self.killed = self.line.kill_start(),
            Key::KillWord => self.killed = self.line.kill_blank_word(),
            Key::KillWordLeft => self.killed = self.line.kill_word_left(),
            Key::KillWordRight => self.killed = self.line.kill_word_right(),
            Key::Yank => self.line.insert(&self.killed.clone()),
            Key::Up => self.recall(self.place.saturating_sub(1)),
            Key::Down => self.recall((self.place + 1).min(self.history.len())),
            _ => {}
        }
    }

    /// Shows another line of the history; what was typed so far is kept.
    fn recall(&mut self, place: usize) {
        if place == self.place {
            return;
        }
        if self.place == self.history.len() {
            self.draft = self.line.text();
        }
        self.place = place;
        let text = self.history.get(place).unwrap_or(&self.draft).clone();
        self.line.set(&text);
    }

    fn finish(&mut self, ended: &Ended) -> Vec<u8> {
        self.line.end();
        let mut out = self.screen.draw(&self.line);
        if *ended == Ended::Interrupted {
            out.extend(b"^C");
        }
        out.extend(b"\r\n\x1b[?2004l");
        out
    }

    /// Keys within a search; nothing when the key ends it and counts by itself.
    fn searching(&mut self, key: &Key) -> Option<Vec<u8>> {
        let search = self.search.as_mut()?;
        match key {
            Key::Text(text) => {
                search.pattern.push_str(text);
                let from = (search.at + 1).min(self.history.len());
                self.look_back(from);
            }
            Key::Backspace => {
                search.pattern.pop();
                self.look_back(self.history.len());
            }
            Key::Search => {
                let from = search.at;
                self.look_back(from);
            }
            _ => {
                self.line.end();
                return None;
            }
        }
        Some(self.draw_search())
    }

    /// The newest line before `from` with the pattern in it.
    fn look_back(&mut self, from: usize) {
        let Some(search) = self.search.as_mut() else {
            return;
        };
        let lines = self.history[..from].iter();
        match lines
            .enumerate()
            .rev()
            .find(|(_, line)| line.contains(&search.pattern))
        {
            Some((at, line)) => {
                search.at = at;
                search.failed = false;
                self.place = at;
                self.line.set(line);
            }
            None => search.failed = true,
        }
    }

    fn draw_search(&mut self) -> Vec<u8> {
        let Some(search) = &self.search else {
            return Vec::new();
        };
        let failed = if search.failed { "failed " } else { "" };
        let prompt = format!("({failed}reverse-i-search)'{}': ", search.pattern);
        self.screen.draw_with(&prompt, &self.line)
    }

    /// The first Tab puts in what all candidates begin with, a second one shows them.
    fn complete(&mut self, complete: &mut Complete<'_>) -> Vec<u8> {
        let before = self.line.before_cursor();
        let found = complete(&before);
        let Some(first) = found.candidates.first() else {
            return b"\x07".to_vec();
        };
        let typed: String = {
            let chars: Vec<char> = before.chars().collect();
            let start = chars.len().saturating_sub(found.replaced);
            chars[start..].iter().collect()
        };
        let mut common: Vec<char> = first.chars().collect();
        for candidate in &found.candidates {
            let same = common
                .iter()
                .zip(candidate.chars())
                .take_while(|(a, b)| **a == *b);
            common.truncate(same.count());
        }
        let mut text: String = common.into_iter().collect();
        if found.candidates.len() == 1 && found.whole {
            text.push(' ');
        }
        if text.len() > typed.len() || (found.candidates.len() == 1 && text != typed) {
            self.line.replace_before(found.replaced, &text);
            self.tabs = 0;
            return Vec::new();
        }
        if found.candidates.len() > 1 && self.tabs > 1 {
            return self.screen.list(&found.shown, &self.line);
        }
        b"\x07".to_vec()
    }
}
