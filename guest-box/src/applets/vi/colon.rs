//! What is typed behind the colon of `vi`: ranges, `w q x e r d s set`, line numbers.

use super::buffer::Buffer;
use super::editor::Editor;
use crate::applets::reason;
use crate::applets::regex::{Regex, Syntax};

/// The first and the last line of a range, counted from 0.
type Lines = (usize, usize);

impl Editor {
    /// Carries out a command.
    pub(super) fn colon(&mut self, text: &str) {
        let text = text.trim();
        let (range, rest) = match self.range(text) {
            Ok(found) => found,
            Err(message) => {
                self.message = message;
                return;
            }
        };
        let rest = rest.trim();
        let here = self.buffer.cursor.line;
        if rest.is_empty() {
            if let Some((_, last)) = range {
                self.buffer.cursor.line = last;
                self.buffer.tame(false);
                self.buffer.cursor.column = self.buffer.indent(self.buffer.cursor.line);
            }
            return;
        }
        if let Some(pattern) = rest
            .strip_prefix('s')
            .filter(|rest| rest.starts_with(|c: char| !c.is_alphanumeric() && !c.is_whitespace()))
        {
            self.substitute(pattern, range.unwrap_or((here, here)));
            return;
        }
        let (word, argument) = match rest.find([' ', '!']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let force = argument.starts_with('!');
        let argument = argument.trim_start_matches('!').trim();
        match word {
            "w" | "write" => drop(self.write(argument, force)),
            "q" | "quit" => self.quit(force),
            "wq" | "x" | "xit" => {
                if (word == "x" && !self.buffer.changed) || self.write(argument, force) {
                    self.quit(true);
                }
            }
            "qa" => self.quit(force),
            "wqa" | "xa" => {
                if self.write("", force) {
                    self.quit(true);
                }
            }
            "e" | "edit" => self.edit(argument, force),
            "n" | "next" => self.next_file(force),
            "r" | "read" => match std::fs::read(argument) {
                Ok(bytes) => {
                    self.buffer.remember();
                    let text = Buffer::new(&String::from_utf8_lossy(&bytes));
                    let at = range.map_or(here, |(_, last)| last) + 1;
                    let at = at.min(self.buffer.lines.len());
                    self.buffer.lines.splice(at..at, text.lines);
                    self.buffer.cursor.line = at;
                    self.buffer.tame(false);
                }
                Err(error) => self.message = format!("'{argument}' {}", reason(&error)),
            },
            "d" | "delete" => {
                let (first, last) = range.unwrap_or((here, here));
                self.buffer.remember();
                self.kept = (self.buffer.cut_lines(first, last), true);
            }
            "y" | "yank" => {
                let (first, last) = range.unwrap_or((here, here));
                self.kept = (self.buffer.lines[first..=last].to_vec(), true);
            }
            "f" | "file" => {
                let name = self.name.as_deref().unwrap_or("No file");
                self.message = format!("'{name}' {} lines", self.buffer.lines.len());
            }
            "set" | "se" => self.set(argument),
            "noh" | "nohlsearch" => {}
            _ => self.message = format!("'{rest}' is not implemented"),
        }
    }

    fn set(&mut self, argument: &str) {
        for option in argument.split_whitespace() {
            let (name, on) = match option.strip_prefix("no") {
                Some(name) => (name, false),
                None => (option, true),
            };
            match name {
                "nu" | "number" => self.numbers = on,
                "ai" | "autoindent" => self.autoindent = on,
                "ic" | "ignorecase" => self.fold = on,
                "et" | "expandtab" => self.expandtab = on,
                _ => match name.split_once('=') {
                    Some(("ts" | "tabstop" | "sw" | "shiftwidth", width)) => {
                        if let Ok(width) = width.parse::<usize>() {
                            self.shift = width.clamp(1, 16);
                        }
                    }
                    _ => self.message = format!("bad option: {option}"),
                },
            }
        }
    }

    /// The lines that a command is for, counted from 0, and the rest of it.
    fn range<'t>(&self, text: &'t str) -> Result<(Option<Lines>, &'t str), String> {
        if let Some(rest) = text.strip_prefix('%') {
            return Ok((Some((0, self.buffer.lines.len() - 1)), rest));
        }
        let (Some(first), rest) = self.address(text)? else {
            return Ok((None, text));
        };
        let Some(rest) = rest.strip_prefix(',') else {
            return Ok((Some((first, first)), rest));
        };
        let (last, rest) = self.address(rest)?;
        let last = last.unwrap_or(self.buffer.cursor.line);
        if last < first {
            return Err("bad range".into());
        }
        Ok((Some((first, last)), rest))
    }

    fn address<'t>(&self, text: &'t str) -> Result<(Option<usize>, &'t str), String> {
        let end = self.buffer.lines.len() - 1;
        let (mut line, mut rest) = if let Some(rest) = text.strip_prefix('$') {
            (end, rest)
        } else if let Some(rest) = text.strip_prefix('.') {
            (self.buffer.cursor.line, rest)
        } else if let Some(rest) = text.strip_prefix("'<") {
            (self.visual.0, rest)
        } else if let Some(rest) = text.strip_prefix("'>") {
            (self.visual.1, rest)
        } else if let Some(after) = text.strip_prefix('/') {
            let (pattern, rest) = after.split_once('/').unwrap_or((after, ""));
            let pattern = self.compile(pattern)?;
            let lines = self.buffer.lines.len();
            let found = (1..=lines)
                .map(|step| (self.buffer.cursor.line + step) % lines)
                .find(|line| {
                    let text: String = self.buffer.lines[*line].iter().collect();
                    pattern.is_match(text.as_bytes())
                });
            (found.ok_or("pattern not found")?, rest)
        } else {
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                if text.starts_with(['+', '-']) {
                    (self.buffer.cursor.line, text)
                } else {
                    return Ok((None, text));
                }
            } else {
                let number: usize = text[..digits].parse().unwrap_or(usize::MAX);
                (number.saturating_sub(1), &text[digits..])
            }
        };
        while let Some(sign) = rest.chars().next().filter(|c| *c == '+' || *c == '-') {
            let after = &rest[1..];
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let step = after[..digits].parse().unwrap_or(1_usize);
            line = if sign == '+' {
                line.saturating_add(step)
            } else {
                line.saturating_sub(step)
            };
            rest = &after[digits..];
        }
        Ok((Some(line.min(end)), rest))
    }

    pub(super) fn compile(&self, pattern: &str) -> Result<Regex, String> {
        let syntax = Syntax {
            fold: self.fold,
            lenient: true,
            ..Syntax::default()
        };
        Regex::new(pattern, syntax).map_err(|reason| format!("bad search pattern: {reason}"))
    }

    /// `s/pattern/replacement/flags` on these lines.
    fn substitute(&mut self, text: &str, (first, last): (usize, usize)) {
        let Some(delimiter) = text.chars().next() else {
            return;
        };
        let mut parts = vec![String::new()];
        let mut chars = text[delimiter.len_utf8()..].chars();
        while let Some(c) = chars.next() {
            let full = parts.len() >= 3;
            let part = parts.last_mut().expect("there is one from the beginning");
            match c {
                '\\' => match chars.next() {
                    Some(next) if next == delimiter => part.push(next),
                    next => part.extend(['\\'].into_iter().chain(next)),
                },
                c if c == delimiter && !full => parts.push(String::new()),
                c => part.push(c),
            }
        }
        parts.resize(3, String::new());
        let pattern = match self.compile(&parts[0]) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.message = message;
                return;
            }
        };
        if parts[2].contains(|c: char| !"gi".contains(c)) {
            self.message = format!("bad flags: {}", parts[2]);
            return;
        }
        let all = parts[2].contains('g');
        self.buffer.remember();
        let mut count = 0;
        for line in first..=last.min(self.buffer.lines.len() - 1) {
            let text: String = self.buffer.lines[line].iter().collect();
            let (result, more) = replaced(&pattern, &text, &parts[1], all);
            if more > 0 {
                count += more;
                self.buffer.lines[line] = result.chars().collect();
                self.buffer.cursor.line = line;
                self.buffer.cursor.column = 0;
            }
        }
        if count == 0 {
            self.buffer.undo();
            self.message = "Pattern not found".into();
        } else {
            self.message = format!("{count} substitutions");
        }
    }
}

fn replaced(pattern: &Regex, text: &str, with: &str, all: bool) -> (String, usize) {
    let (mut out, mut at, mut copied, mut count) = (String::new(), 0, 0, 0);
    while at <= text.len() {
        let Some(groups) = pattern.captures_at(text.as_bytes(), at) else {
            break;
        };
        let Some((start, end)) = groups[0] else { break };
        out.push_str(text.get(copied..start).unwrap_or_default());
        let mut chars = with.chars();
        while let Some(c) = chars.next() {
            let group = match c {
                '&' => Some(0),
                '\\' => match chars.next() {
                    Some(digit @ '0'..='9') => digit.to_digit(10).map(|digit| digit as usize),
                    other => {
                        out.extend(other);
                        None
                    }
                },
                c => {
                    out.push(c);
                    None
                }
            };
            if let Some((start, end)) = group.and_then(|group| *groups.get(group)?) {
                out.push_str(text.get(start..end).unwrap_or_default());
            }
        }
        copied = end;
        count += 1;
        if !all {
            break;
        }
        at = end.max(start + usize::from(start == end));
        while !text.is_char_boundary(at.min(text.len())) {
            at += 1;
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (out, count)
}
