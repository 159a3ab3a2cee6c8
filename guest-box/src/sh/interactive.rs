//! The prompt: a line editor with history and completion over a raw terminal.
//!
//! Keys come as bytes and what is drawn goes to standard error. When the terminal cannot be made
//! raw, lines are read as they come.

use guest_kit::{signals, terminal};

use super::builtins;
use super::exec::Status;
use super::parse::Parser;
use super::state::{Flow, Shell};

const HISTORY_LIMIT: usize = 500;

/// What a line of typing ended with.
enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// The line being edited.
#[derive(Default)]
struct Line {
    text: Vec<char>,
    cursor: usize,
}

impl Line {
    fn set(&mut self, text: &str) {
        self.text = text.chars().collect();
        self.cursor = self.text.len();
    }

    fn insert(&mut self, text: &str) {
        for c in text.chars() {
            self.text.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    fn backspace(&mut self) {
        if self.cursor > 0 {
            self.cursor -= 1;
            self.text.remove(self.cursor);
        }
    }

    fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
        }
    }

    fn delete_word(&mut self) {
        while self.cursor > 0 && self.text[self.cursor - 1] == ' ' {
            self.backspace();
        }
        while self.cursor > 0 && self.text[self.cursor - 1] != ' ' {
            self.backspace();
        }
    }

    fn text(&self) -> String {
        self.text.iter().collect()
    }
}

impl Shell {
    pub(super) fn prompt_loop(&mut self) -> Status {
        // Ctrl-C ends what runs, not the shell; 15 does not end an interactive shell either.
        signals::handle(&[2]);
        signals::ignore(15);
        let mut history: Vec<String> = Vec::new();
        let mut text = String::new();
        loop {
            self.report_jobs()?;
            let prompt = self.prompt(text.is_empty());
            match self.read_typed(&prompt, &history)? {
                Typed::End if text.is_empty() => {
                    return Ok(self.status);
                }
                Typed::End => {
                    self.complain("syntax error: unexpected end of file");
                    text.clear();
                }
                Typed::Interrupted => {
                    text.clear();
                    self.status = 130;
                }
                Typed::Line(line) => {
                    if !line.trim().is_empty() && history.last() != Some(&line) {
                        history.push(line.clone());
                        if history.len() > HISTORY_LIMIT {
                            history.remove(0);
                        }
                    }
                    text.push_str(&line);
                    text.push('\n');
                    if self.incomplete(&text) {
                        continue;
                    }
                    let result = self.run_text(&std::mem::take(&mut text), 1);
                    // What was pressed while a program ran was meant for it.
                    while signals::next().is_some() {}
                    self.recover(result)?;
                }
            }
        }
    }

    fn incomplete(&self, text: &str) -> bool {
        let mut parser = Parser::new(text, &self.aliases, 1);
        loop {
            match parser.next_line(&self.aliases) {
                Ok(None) => return false,
                Ok(Some(_)) => {}
                Err(error) => return error.incomplete,
            }
        }
    }

    fn report_jobs(&mut self) -> Result<(), Flow> {
        let mut text = String::new();
        let mut index = 0;
        self.jobs.retain(|job| {
            index += 1;
            let done = job.child.try_wait();
            if done.is_some() {
                text.push_str(&format!("[{index}]+  {:<24}{}\n", "Done", job.text));
            }
            done.is_none()
        });
        self.write(2, text.as_bytes())
    }

    fn prompt(&self, first: bool) -> String {
        if !first {
            return self.get("PS2").unwrap_or("> ").to_owned();
        }
        let template = self.get("PS1").unwrap_or("\\w # ");
        let home = self.get("HOME").unwrap_or("");
        let shown = match self.cwd.strip_prefix(home) {
            Some(rest) if home.len() > 1 && (rest.is_empty() || rest.starts_with('/')) => {
                format!("~{rest}")
            }
            _ => self.cwd.clone(),
        };
        let host = guest_kit::machine::hostname();
        let last = self
            .cwd
            .rsplit('/')
            .next()
            .filter(|last| !last.is_empty())
            .unwrap_or("/");
        template
            .replace("\\w", &shown)
            .replace("\\W", last)
            .replace("\\h", &host)
            .replace("\\H", &host)
            .replace("\\u", self.get("USER").unwrap_or("root"))
            .replace("\\$", "#")
            .replace("\\[", "")
            .replace("\\]", "")
            .replace("\\e", "\x1b")
            .replace("\\n", "\n")
    }

    fn read_typed(&mut self, prompt: &str, history: &[String]) -> Result<Typed, Flow> {
        if !terminal::set_raw(true) {
            self.write(2, prompt.as_bytes())?;
            let line = self.read_line();
            return Ok(match line.strip_suffix('\n') {
                Some(line) => Typed::Line(line.to_owned()),
                None if line.is_empty() => Typed::End,
                None => Typed::Line(line),
            });
        }
        let result = self.edit(prompt, history);
        terminal::set_raw(false);
        result
    }

    fn edit(&mut self, prompt: &str, history: &[String]) -> Result<Typed, Flow> {
        let mut line = Line::default();
        let mut place = history.len();
        self.draw(prompt, &line)?;
        loop {
            let Some(key) = self.key() else {
                return Ok(Typed::End);
            };
            match key.as_str() {
                "\r" | "\n" => {
                    self.write(2, b"\r\n")?;
                    return Ok(Typed::Line(line.text()));
                }
                "\x03" => {
                    self.write(2, b"^C\r\n")?;
                    return Ok(Typed::Interrupted);
                }
                "\x04" if line.text.is_empty() => {
                    self.write(2, b"\r\n")?;
                    return Ok(Typed::End);
                }
                "\x04" | "\x1b[3~" => line.delete(),
                "\x7f" | "\x08" => line.backspace(),
                "\x01" | "\x1b[H" | "\x1b[1~" | "\x1bOH" => line.cursor = 0,
                "\x05" | "\x1b[F" | "\x1b[4~" | "\x1bOF" => line.cursor = line.text.len(),
                "\x1b[D" | "\x1bOD" | "\x02" => line.cursor = line.cursor.saturating_sub(1),
                "\x1b[C" | "\x1bOC" | "\x06" => {
                    line.cursor = (line.cursor + 1).min(line.text.len())
                }
                "\x0b" => line.text.truncate(line.cursor),
                "\x15" => {
                    line.text.drain(..line.cursor);
                    line.cursor = 0;
                }
                "\x17" => line.delete_word(),
                "\x0c" => self.write(2, b"\x1b[H\x1b[2J")?,
                "\x1b[A" | "\x1bOA" | "\x10" => {
                    place = place.saturating_sub(1);
                    if let Some(text) = history.get(place) {
                        line.set(text);
                    }
                }
                "\x1b[B" | "\x1bOB" | "\x0e" => {
                    place = (place + 1).min(history.len());
                    line.set(history.get(place).map_or("", String::as_str));
                }
                "\t" => self.complete(&mut line)?,
                key if key.starts_with('\x1b') || key.starts_with(char::is_control) => {}
                key => line.insert(key),
            }
            self.draw(prompt, &line)?;
        }
    }

    /// One key: a character, or an escape sequence as a whole.
    fn key(&self) -> Option<String> {
        let mut key = vec![self.byte()?];
        let more = match key[0] {
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf7 => 3,
            _ => 0,
        };
        for _ in 0..more {
            key.push(self.byte()?);
        }
        if key[0] == 0x1b {
            key.push(self.byte()?);
            while key.len() < 8
                && !(key.len() > 2 && (0x40..=0x7e).contains(&key[key.len() - 1]))
                && matches!(key[1], b'[' | b'O')
            {
                key.push(self.byte()?);
            }
        }
        Some(String::from_utf8_lossy(&key).into_owned())
    }

    fn byte(&self) -> Option<u8> {
        let mut byte = [0];
        let input = self.fds.first()?.as_ref()?;
        match input.read(&mut byte) {
            Ok(1) => Some(byte[0]),
            _ => None,
        }
    }

    fn draw(&mut self, prompt: &str, line: &Line) -> Result<(), Flow> {
        let back = line.text.len() - line.cursor;
        let mut text = format!("\r\x1b[K{prompt}{}", line.text());
        if back > 0 {
            text.push_str(&format!("\x1b[{back}D"));
        }
        self.write(2, text.as_bytes())
    }

    fn complete(&mut self, line: &mut Line) -> Result<(), Flow> {
        let before: String = line.text[..line.cursor].iter().collect();
        let start = before
            .rfind([' ', '|', ';', '&', '<', '>', '('])
            .map_or(0, |at| at + 1);
        let word = &before[start..];
        let leading = before[..start].trim_end();
        let command = leading.is_empty() || leading.ends_with(['|', ';', '&', '(']);
        let mut found = if command && !word.contains('/') {
            self.commands(word)
        } else {
            files(word)
        };
        found.sort();
        found.dedup();
        let Some(first) = found.first() else {
            return Ok(());
        };
        let common = found.iter().fold(first.as_str(), |common, name| {
            let same = common
                .char_indices()
                .zip(name.chars())
                .take_while(|((_, a), b)| a == b);
            let end = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
            &common[..end]
        });
        let mut addition = common[word.len().min(common.len())..].to_owned();
        if found.len() == 1 && !addition.ends_with('/') {
            addition.push(' ');
        } else if found.len() > 1 && addition.is_empty() {
            let names = found.join("  ");
            self.write(2, format!("\r\n{names}\r\n").as_bytes())?;
        }
        line.insert(&addition);
        Ok(())
    }

    fn commands(&self, start: &str) -> Vec<String> {
        let mut found: Vec<String> = builtins::names().map(str::to_owned).collect();
        found.extend(self.functions.keys().cloned());
        found.extend(self.aliases.keys().cloned());
        for dir in self.get("PATH").unwrap_or_default().split(':') {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        }
        found.retain(|name| name.starts_with(start));
        found
    }
}

fn files(start: &str) -> Vec<String> {
    let (dir, name) = start
        .rsplit_once('/')
        .map_or(("", start), |(dir, name)| (&start[..=dir.len()], name));
    let entries = std::fs::read_dir(if dir.is_empty() { "." } else { dir });
    let mut found = Vec::new();
    for entry in entries.into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with(name) && (!file.starts_with('.') || name.starts_with('.')) {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            found.push(format!("{dir}{file}{slash}"));
        }
    }
    found
}
