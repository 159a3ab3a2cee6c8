//! Carrying out a script of `sed`. It never reads a line before it is asked for, so that what comes
//! down a pipe goes on at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::rc::Rc;

use super::script::{Action, Address, Command, Piece, Script, Substitute};
use crate::applets::regex::Regex;
use crate::applets::{Io, Outcome, Stop, reason};

pub(super) struct Options {
    pub(super) quiet: bool,
    /// Edit in place, keeping what was under this suffix.
    pub(super) in_place: Option<String>,
    pub(super) separate: bool,
    pub(super) end: u8,
}

/// Where lines come from: one file after the other.
struct Lines {
    files: std::vec::IntoIter<String>,
    current: Option<BufReader<Box<dyn Read>>>,
    /// The file that is edited, and what it shall hold.
    editing: Option<(String, Vec<u8>)>,
    failed: bool,
}

/// What a command asks for beyond going on.
enum Flow {
    Next,
    Jump(usize),
    /// The cycle ends; with printing or without.
    Cycle(bool),
    /// Again with what is left, without reading.
    Again,
    Quit(bool, i32),
}

struct Machine<'s> {
    script: &'s Script,
    options: Options,
    lines: Lines,
    pattern: Vec<u8>,
    hold: Vec<u8>,
    /// Whether the pattern's last line ended as lines do.
    ended: bool,
    number: usize,
    substituted: bool,
    regex: Option<Rc<Regex>>,
    /// For each command with two addresses, where its range ends.
    ranges: Vec<Range>,
    queue: Vec<Queued>,
    files: BTreeMap<String, File>,
    /// Output waits for the end of an unfinished line.
    unfinished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    Outside,
    /// Until this line.
    Until(usize),
    /// Until something matches.
    Inside,
    /// It has been and, counting lines from 0, will not be again.
    Over,
}

enum Queued {
    Text(Vec<u8>),
    File(String),
}

pub(super) fn run(
    io: &mut Io<'_>,
    script: &Script,
    options: Options,
    files: Vec<String>,
) -> Outcome {
    let mut machine = Machine {
        ranges: vec![Range::Outside; script.commands.len()],
        script,
        options,
        lines: Lines {
            files: files.into_iter(),
            current: None,
            editing: None,
            failed: false,
        },
        pattern: Vec::new(),
        hold: Vec::new(),
        ended: true,
        number: 0,
        substituted: false,
        regex: None,
        queue: Vec::new(),
        files: BTreeMap::new(),
        unfinished: false,
    };
    machine.open_outputs(io)?;
    let status = machine.cycles(io)?;
    machine.finish_file(io)?;
    Ok(match status {
        0 if machine.lines.failed => 1,
        status => status,
    })
}

impl Machine<'_> {
    /// Files to write to are emptied before the first line.
    fn open_outputs(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        let names = self
            .script
            .commands
            .iter()
            .filter_map(|command| match &command.action {
                Action::Write(name) => Some(name),
                Action::Substitute(substitute) => substitute.file.as_ref(),
                _ => None,
            });
        for name in names.filter(|name| !matches!(name.as_str(), "/dev/stdout" | "/dev/stderr")) {
            match File::create(name) {
                Ok(file) => drop(self.files.insert(name.clone(), file)),
                Err(error) => {
                    return Err(io.fail(&format!("can't open '{name}': {}", reason(&error))));
                }
            }
        }
        Ok(())
    }

    fn cycles(&mut self, io: &mut Io<'_>) -> Outcome {
        let mut again = false;
        loop {
            if !again && !self.read(io, false)? {
                return Ok(0);
            }
            again = false;
            let flow = self.cycle(io)?;
            let print = matches!(flow, Flow::Cycle(true) | Flow::Quit(true, _));
            if print && !self.options.quiet {
                self.print_last(io)?;
            }
            self.flush_queue(io)?;
            match flow {
                Flow::Quit(_, code) => {
                    self.copy_rest(io)?;
                    return Ok(code);
                }
                Flow::Again => again = true,
                _ => {}
            }
        }
    }

    /// When editing ends early, the rest of the file stays.
    fn copy_rest(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        if self.lines.editing.is_some()
            && let Some(mut input) = self.lines.current.take()
        {
            let mut rest = Vec::new();
            input.read_to_end(&mut rest)?;
            self.output(io, &rest)?;
        }
        Ok(())
    }

    fn cycle(&mut self, io: &mut Io<'_>) -> Result<Flow, Stop> {
        let script = self.script;
        let mut at = 0;
        while let Some(command) = script.commands.get(at) {
            if self.selected(io, at, command)? == command.not {
                at = match command.action {
                    Action::Block(end) => end,
                    _ => at + 1,
                };
                continue;
            }
            match self.act(io, at, command)? {
                Flow::Next => at += 1,
                Flow::Jump(to) => at = to,
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Cycle(true))
    }

    fn act(&mut self, io: &mut Io<'_>, at: usize, command: &Command) -> Result<Flow, Stop> {
        let end = self.script.commands.len();
        let newline = b'\n';
        match &command.action {
            Action::Block(_) => {}
            Action::Number => {
                let text = format!("{}\n", self.number);
                self.output(io, text.as_bytes())?;
            }
            Action::Append(text) => self.queue.push(Queued::Text(text.clone())),
            Action::Insert(text) => self.output(io, text)?,
            Action::Change(text) => {
                let within = command.to.is_some()
                    && !command.not
                    && !matches!(self.ranges[at], Range::Outside | Range::Over);
                if !within {
                    self.output(io, text)?;
                }
                return Ok(Flow::Cycle(false));
            }
            Action::Branch(to) => return Ok(Flow::Jump(to.unwrap_or(end))),
            Action::BranchIf(to) => {
                if std::mem::take(&mut self.substituted) {
                    return Ok(Flow::Jump(to.unwrap_or(end)));
                }
            }
            Action::Delete => return Ok(Flow::Cycle(false)),
            Action::DeleteFirst => {
                let Some(line) = self.pattern.iter().position(|byte| *byte == newline) else {
                    return Ok(Flow::Cycle(false));
                };
                self.pattern.drain(..=line);
                return Ok(Flow::Again);
            }
            Action::Copy => self.hold.clone_from(&self.pattern),
            Action::CopyMore => {
                self.hold.push(newline);
                self.hold.extend_from_slice(&self.pattern);
            }
            Action::Get => self.pattern.clone_from(&self.hold),
            Action::GetMore => {
                self.pattern.push(newline);
                self.pattern.extend_from_slice(&self.hold);
            }
            Action::Exchange => std::mem::swap(&mut self.pattern, &mut self.hold),
            Action::List => {
                let text = visible(&self.pattern);
                self.output(io, &text)?;
            }
            Action::Next => {
                if self.is_last(io)? {
                    return Ok(Flow::Quit(true, 0));
                }
                if !self.options.quiet {
                    self.print_last(io)?;
                }
                self.flush_queue(io)?;
                self.read(io, false)?;
            }
            Action::NextMore => {
                self.flush_queue(io)?;
                if self.is_last(io)? {
                    return Ok(Flow::Quit(true, 0));
                }
                self.read(io, true)?;
            }
            Action::Print => self.print_pattern(io)?,
            Action::PrintFirst => {
                let line = self.pattern.split(|byte| *byte == newline).next();
                let mut line = line.unwrap_or_default().to_vec();
                line.push(self.options.end);
                self.output(io, &line)?;
            }
            Action::Quit(print, code) => return Ok(Flow::Quit(*print, *code)),
            Action::Read(name) => self.queue.push(Queued::File(name.clone())),
            Action::Substitute(substitute) => self.substitute(io, substitute)?,
            Action::Write(name) => self.write(io, name)?,
            Action::Translate(pairs) => {
                let text = String::from_utf8_lossy(&self.pattern);
                let other = |c| {
                    pairs
                        .iter()
                        .find(|(from, _)| *from == c)
                        .map_or(c, |(_, to)| *to)
                };
                self.pattern = text.chars().map(other).collect::<String>().into_bytes();
            }
            Action::Zap => self.pattern.clear(),
        }
        Ok(Flow::Next)
    }

    /// Whether the addresses of a command choose the current line.
    fn selected(&mut self, io: &mut Io<'_>, at: usize, command: &Command) -> Result<bool, Stop> {
        let Some(from) = &command.from else {
            return Ok(true);
        };
        let Some(to) = &command.to else {
            return self.is_at(io, from);
        };
        // `0,/re/` is open before the first line.
        if matches!((from, to), (Address::Line(0), Address::Match(_)))
            && self.number == 1
            && self.ranges[at] == Range::Outside
        {
            self.ranges[at] = Range::Inside;
        }
        match self.ranges[at] {
            Range::Over => Ok(false),
            Range::Until(line) => {
                if self.number >= line {
                    self.ranges[at] = Range::Outside;
                }
                Ok(self.number <= line)
            }
            Range::Inside => {
                if self.is_at(io, to)? {
                    self.ranges[at] = match from {
                        Address::Line(_) => Range::Over,
                        _ => Range::Outside,
                    };
                }
                Ok(true)
            }
            Range::Outside => {
                if !self.is_at(io, from)? {
                    return Ok(false);
                }
                let until = match to {
                    Address::Line(line) => Some(*line),
                    Address::Plus(more) => Some(self.number.saturating_add(*more)),
                    Address::Multiple(0) => Some(self.number),
                    Address::Multiple(step) => Some(self.number.div_ceil(*step) * step),
                    _ => None,
                };
                self.ranges[at] = match until {
                    Some(line) if line > self.number => Range::Until(line),
                    Some(_) => Range::Outside,
                    None if matches!(to, Address::Last) && self.is_last(io)? => Range::Outside,
                    None => Range::Inside,
                };
                Ok(true)
            }
        }
    }

    fn is_at(&mut self, io: &mut Io<'_>, address: &Address) -> Result<bool, Stop> {
        Ok(match address {
            Address::Line(line) => self.number == *line,
            Address::Last => self.is_last(io)?,
            Address::Step(first, 0) => self.number == *first,
            Address::Step(first, step) => {
                self.number >= *first && (self.number - first).is_multiple_of(*step)
            }
            Address::Match(regex) => {
                let regex = self.recent(io, regex.as_ref())?;
                regex.is_match(&self.pattern)
            }
            Address::Plus(_) | Address::Multiple(_) => false,
        })
    }

    /// An expression, or the one used last in place of an empty one.
    fn recent(&mut self, io: &mut Io<'_>, regex: Option<&Rc<Regex>>) -> Result<Rc<Regex>, Stop> {
        if let Some(regex) = regex {
            self.regex = Some(regex.clone());
        }
        self.regex
            .clone()
            .ok_or_else(|| io.fail("no previous regexp"))
    }

    fn substitute(&mut self, io: &mut Io<'_>, substitute: &Substitute) -> Result<(), Stop> {
        let regex = self.recent(io, substitute.regex.as_ref())?;
        let (mut at, mut copied, mut count) = (0, 0, 0);
        let mut out = Vec::new();
        // An empty match right behind another match is none.
        let mut last = None;
        while let Some(groups) = regex.captures_at(&self.pattern, at) {
            let Some((start, end)) = groups[0] else { break };
            if start == end && last == Some(end) {
                at = end + 1;
            } else {
                count += 1;
                if count >= substitute.which {
                    out.extend_from_slice(&self.pattern[copied..start]);
                    for piece in &substitute.with {
                        match piece {
                            Piece::Text(text) => out.extend_from_slice(text),
                            Piece::Group(number) => {
                                if let Some((start, end)) = groups.get(*number).copied().flatten() {
                                    out.extend_from_slice(&self.pattern[start..end]);
                                }
                            }
                        }
                    }
                    copied = end;
                    if !substitute.global {
                        break;
                    }
                }
                last = Some(end);
                at = if start == end { end + 1 } else { end };
            }
            if at > self.pattern.len() {
                break;
            }
        }
        if count < substitute.which {
            return Ok(());
        }
        out.extend_from_slice(&self.pattern[copied..]);
        self.pattern = out;
        self.substituted = true;
        if substitute.print {
            self.print_pattern(io)?;
        }
        if let Some(name) = &substitute.file {
            self.write(io, name)?;
        }
        Ok(())
    }

    fn write(&mut self, io: &mut Io<'_>, name: &str) -> Result<(), Stop> {
        let mut line = self.pattern.clone();
        line.push(self.options.end);
        match name {
            "/dev/stdout" => self.output(io, &line)?,
            "/dev/stderr" => io.err.write_all(&line)?,
            name => {
                if let Some(file) = self.files.get_mut(name) {
                    file.write_all(&line)?;
                }
            }
        }
        Ok(())
    }

    /// Prints the pattern space at the end of a cycle, ended as its last line was.
    fn print_last(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        if self.ended {
            return self.print_pattern(io);
        }
        let line = std::mem::take(&mut self.pattern);
        self.output(io, &line)?;
        self.unfinished = true;
        self.pattern = line;
        Ok(())
    }

    /// Prints the pattern space as a line.
    fn print_pattern(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        let mut line = std::mem::take(&mut self.pattern);
        let length = line.len();
        line.push(self.options.end);
        self.output(io, &line)?;
        line.truncate(length);
        self.pattern = line;
        Ok(())
    }

    /// Writes to where the result goes.
    fn output(&mut self, io: &mut Io<'_>, bytes: &[u8]) -> Result<(), Stop> {
        let end = self.options.end;
        let unfinished = std::mem::take(&mut self.unfinished);
        let out: &mut dyn Write = match &mut self.lines.editing {
            Some((_, text)) => text,
            None => &mut io.out,
        };
        if unfinished {
            out.write_all(&[end])?;
        }
        out.write_all(bytes)?;
        Ok(())
    }

    fn flush_queue(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        for queued in std::mem::take(&mut self.queue) {
            match queued {
                Queued::Text(text) => self.output(io, &text)?,
                // A file that is not there adds nothing.
                Queued::File(name) => {
                    let bytes = match name.as_str() {
                        "/dev/stdin" => io.slurp("-").unwrap_or_default(),
                        name => std::fs::read(name).unwrap_or_default(),
                    };
                    if !bytes.is_empty() {
                        self.output(io, &bytes)?;
                        self.unfinished = bytes.last() != Some(&self.options.end);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next line into the pattern space, or behind what is there; false at the end.
    fn read(&mut self, io: &mut Io<'_>, more: bool) -> Result<bool, Stop> {
        if self.at_end(io)? {
            self.finish_file(io)?;
            if !self.advance(io)? {
                return Ok(false);
            }
        }
        if more {
            self.pattern.push(b'\n');
        } else {
            self.pattern.clear();
            self.substituted = false;
        }
        let Some(input) = &mut self.lines.current else {
            return Ok(false);
        };
        input.read_until(self.options.end, &mut self.pattern)?;
        self.ended = self.pattern.last() == Some(&self.options.end);
        if self.ended {
            self.pattern.pop();
        }
        self.number += 1;
        Ok(true)
    }

    /// Whether the current file has no more lines; output goes out before anybody waits.
    fn at_end(&mut self, io: &mut Io<'_>) -> Result<bool, Stop> {
        let Some(input) = &mut self.lines.current else {
            return Ok(true);
        };
        if input.buffer().is_empty() {
            io.out.flush()?;
        }
        Ok(input.fill_buf().map_or(true, <[u8]>::is_empty))
    }

    /// Opens the next file that has a line.
    fn advance(&mut self, io: &mut Io<'_>) -> Result<bool, Stop> {
        loop {
            let Some(name) = self.lines.files.next() else {
                self.lines.current = None;
                return Ok(false);
            };
            let opened: std::io::Result<Box<dyn Read>> = match name.as_str() {
                "-" if self.options.in_place.is_none() => Ok(Box::new(std::io::stdin())),
                name => File::open(name).map(|file| Box::new(file) as Box<dyn Read>),
            };
            match opened {
                Ok(input) => {
                    self.lines.current = Some(BufReader::with_capacity(16 * 1024, input));
                    if self.options.in_place.is_some() {
                        self.lines.editing = Some((name, Vec::new()));
                        self.unfinished = false;
                    }
                    if !self.at_end(io)? {
                        return Ok(true);
                    }
                    self.finish_file(io)?;
                }
                Err(error) => {
                    io.complain(&format!("{name}: {}", reason(&error)));
                    self.lines.failed = true;
                }
            }
        }
    }

    /// Whether no line follows.
    fn is_last(&mut self, io: &mut Io<'_>) -> Result<bool, Stop> {
        if !self.at_end(io)? {
            return Ok(false);
        }
        if self.options.separate {
            return Ok(true);
        }
        Ok(!self.advance(io)?)
    }

    /// Puts the edited text in its file's place.
    fn finish_file(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        let Some((name, text)) = self.lines.editing.take() else {
            return Ok(());
        };
        let suffix = self.options.in_place.as_deref().unwrap_or_default();
        let kept = if suffix.is_empty() {
            Ok(())
        } else {
            std::fs::read(&name).and_then(|old| std::fs::write(format!("{name}{suffix}"), old))
        };
        if let Err(error) = kept.and_then(|()| std::fs::write(&name, text)) {
            io.complain(&format!("{name}: {}", reason(&error)));
            self.lines.failed = true;
        }
        Ok(())
    }
}

/// A pattern space as `l` shows it.
fn visible(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in pattern {
        match byte {
            b'\\' => out.extend(b"\\\\"),
            7 => out.extend(b"\\a"),
            8 => out.extend(b"\\b"),
            12 => out.extend(b"\\f"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            11 => out.extend(b"\\v"),
            32..=126 => out.push(*byte),
            byte => out.extend(format!("\\{byte:03o}").as_bytes()),
        }
    }
    out.extend(b"$\n");
    out
}
