//! `less` and `more`: text by the screen. `watch`: a program again and again.
//!
//! Without a terminal `less` and `more` are `cat`. Keys: space b d u j k g G / ? n N q, arrows, and
//! left and right for long lines with `-S`. There are no marks, tags or shell escapes.

use std::io::{Read, Write};
use std::time::Duration;

use guest_kit::process::{Command, Pipe, Stdio};
use guest_kit::terminal;

use super::date::Moment;
use super::regex::{Regex, Syntax};
use super::screen::{Key, Keys, fit, width};
use super::{Applet, Io, Outcome, Stop, flag, inputs, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "less",
        operands: "[FILE]...",
        help: "View FILE (or stdin) one screenful at a time",
        flags: &[
            flag('E', "", "Quit once the end of a file is reached"),
            flag('F', "", "Quit if entire file fits on first screen"),
            flag('I', "", "Ignore case in all searches"),
            flag('i', "", "Ignore case in all searches"),
            flag(
                'M',
                "",
                "Display status line with line numbers\n\t\tand percentage through the file",
            ),
            flag('m', "", "The same"),
            flag('N', "", "Prefix line number to each line"),
            flag('R', "", "Keep colours, as always"),
            flag('r', "", "Keep colours, as always"),
            flag('X', "", "Leave the text on the screen, as always"),
            flag('S', "", "Truncate long lines"),
        ],
        run: less,
    },
    Applet {
        name: "more",
        operands: "[FILE]...",
        help: "View FILE (or stdin) one screenful at a time",
        flags: &[],
        run: less,
    },
    Applet {
        name: "watch",
        operands: "PROG ARGS",
        help: "Run PROG periodically",
        flags: &[
            value('n', "", "SEC", "Period (default 2)"),
            flag('t', "", "Don't print header"),
        ],
        run: watch,
    },
];

/// What is shown and where.
struct Pager {
    name: String,
    lines: Vec<String>,
    top: usize,
    left: usize,
    rows: usize,
    columns: usize,
    numbers: bool,
    cut: bool,
    fold: bool,
    pattern: Option<Regex>,
    forward: bool,
    message: String,
}

fn less(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut bytes = Vec::new();
    let mut status = 0;
    let paths = inputs(&parsed);
    for path in &paths {
        match io.slurp_plain(path) {
            Some(more) => bytes.extend(more),
            None => status = 1,
        }
    }
    let size = terminal::size();
    let keys = size.and_then(|_| Keys::new());
    let (Some(size), Some(keys)) = (size, keys) else {
        io.out.write_all(&bytes)?;
        return Ok(status);
    };
    if status != 0 && bytes.is_empty() {
        return Ok(status);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut pager = Pager {
        name: if paths == ["-"] {
            String::new()
        } else {
            paths.join(" ")
        },
        lines: text.lines().map(str::to_owned).collect(),
        top: 0,
        left: 0,
        rows: usize::from(size.rows).max(2) - 1,
        columns: usize::from(size.columns).max(10),
        numbers: parsed.has('N'),
        cut: parsed.has('S'),
        fold: parsed.has('I') || parsed.has('i'),
        pattern: None,
        forward: true,
        message: String::new(),
    };
    if parsed.has('F') && pager.lines.len() <= pager.rows {
        drop(keys);
        io.out.write_all(&bytes)?;
        return Ok(status);
    }
    pager.main(io, keys, parsed.has('E') || io.applet.name == "more")?;
    Ok(status)
}

/// The colours of a line left out, to know how wide it is.
fn bare(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

impl Pager {
    fn main(&mut self, io: &mut Io<'_>, mut keys: Keys, quits: bool) -> Result<(), Stop> {
        loop {
            self.draw(io)?;
            // Looking now and then follows a terminal that changed its size; else nothing moves.
            let key = loop {
                match keys.next_within(Duration::from_secs(1)) {
                    None if self.resize() => self.draw(io)?,
                    None => {}
                    Some(key) => break key,
                }
            };
            self.resize();
            self.message.clear();
            match key {
                Key::Char('q' | 'Q') | Key::Control('c') | Key::Gone => break,
                Key::Char(' ' | 'f') | Key::PageDown | Key::Control('f') => self.down(self.rows),
                Key::Char('b') | Key::PageUp | Key::Control('b') => self.up(self.rows),
                Key::Char('d') | Key::Control('d') => self.down(self.rows / 2),
                Key::Char('u') | Key::Control('u') => self.up(self.rows / 2),
                Key::Char('j') | Key::Enter | Key::Down => self.down(1),
                Key::Char('k') | Key::Up => self.up(1),
                Key::Char('g' | '<') | Key::Home => self.top = 0,
                Key::Char('G' | '>') | Key::End => self.top = self.last(),
                Key::Right => self.left += self.columns / 2,
                Key::Left => self.left = self.left.saturating_sub(self.columns / 2),
                Key::Char('S') => self.cut = !self.cut,
                Key::Char(mark @ ('/' | '?')) => self.ask(io, &mut keys, mark)?,
                Key::Char('n') => self.find(self.forward),
                Key::Char('N') => self.find(!self.forward),
                Key::Char('h') => {
                    self.message = "space b d u j k g G  / ? n N  arrows  S  q".into();
                }
                _ => {}
            }
            if quits && self.top >= self.last() && matches!(key, Key::Char(' ') | Key::Enter) {
                break;
            }
        }
        io.out.write_all(b"\r\x1b[K")?;
        Ok(())
    }

    /// Whether the terminal has another size than before.
    fn resize(&mut self) -> bool {
        let before = (self.rows, self.columns);
        if let Some(size) = terminal::size() {
            self.rows = usize::from(size.rows).max(2) - 1;
            self.columns = usize::from(size.columns).max(10);
        }
        self.top = self.top.min(self.last());
        before != (self.rows, self.columns)
    }

    /// The line at the top when the end is shown.
    fn last(&self) -> usize {
        let mut rows = 0;
        for (index, line) in self.lines.iter().enumerate().rev() {
            rows += self.height(line);
            if rows > self.rows {
                return index + 1;
            }
        }
        0
    }

    fn prefix(&self) -> usize {
        if self.numbers { 8 } else { 0 }
    }

    fn height(&self, line: &str) -> usize {
        if self.cut {
            return 1;
        }
        let wide: usize = fit(&bare(line), usize::MAX).chars().map(width).sum();
        wide.div_ceil(self.columns - self.prefix()).max(1)
    }

    fn down(&mut self, rows: usize) {
        self.top = (self.top + rows).min(self.last());
    }

    fn up(&mut self, rows: usize) {
        self.top = self.top.saturating_sub(rows);
    }

    fn draw(&self, io: &mut Io<'_>) -> Result<(), Stop> {
        let mut out = String::from("\x1b[H");
        let mut rows = 0;
        let mut index = self.top;
        while rows < self.rows {
            let Some(line) = self.lines.get(index) else {
                out.push_str("~\x1b[K\r\n");
                rows += 1;
                continue;
            };
            index += 1;
            let number = if self.numbers {
                format!("{index:7} ")
            } else {
                String::new()
            };
            if self.cut {
                let shown: String = bare(line).chars().skip(self.left).collect();
                let shown = fit(&shown, self.columns - number.len());
                out.push_str(&format!("{number}{}\x1b[K\r\n", self.marked(&shown)));
                rows += 1;
                continue;
            }
            let height = self.height(line);
            if rows > 0 && rows + height > self.rows {
                // A long line that does not fit any more is shown as far as it does.
                let room = (self.rows - rows) * (self.columns - number.len());
                out.push_str(&format!("{number}{}\x1b[K\r\n", fit(&bare(line), room)));
                break;
            }
            let shown = if line.contains('\x1b') {
                line.replace('\t', "        ")
            } else {
                self.marked(&fit(line, usize::MAX))
            };
            out.push_str(&format!("{number}{shown}\x1b[0m\x1b[K\r\n"));
            rows += height;
        }
        let at = (self.top + self.rows).min(self.lines.len());
        let status = if !self.message.is_empty() {
            format!("\x1b[7m{}\x1b[m", self.message)
        } else if at >= self.lines.len() {
            "\x1b[7m(END)\x1b[m".to_owned()
        } else if self.top == 0 && !self.name.is_empty() {
            format!("\x1b[7m{}\x1b[m", self.name)
        } else {
            ":".to_owned()
        };
        out.push_str(&format!("\x1b[J{status}\x1b[K"));
        io.out.write_all(out.as_bytes())?;
        io.out.flush()?;
        Ok(())
    }

    /// A line with its matches in reverse.
    fn marked(&self, line: &str) -> String {
        let Some(pattern) = &self.pattern else {
            return line.to_owned();
        };
        let (mut out, mut at, mut copied) = (String::new(), 0, 0);
        while let Some((start, end)) = pattern.find_at(line.as_bytes(), at) {
            if start < end {
                out.push_str(line.get(copied..start).unwrap_or_default());
                let found = line.get(start..end).unwrap_or_default();
                out.push_str(&format!("\x1b[7m{found}\x1b[27m"));
                copied = end;
            }
            at = end.max(start + usize::from(start == end));
            if at > line.len() {
                break;
            }
        }
        out.push_str(line.get(copied..).unwrap_or_default());
        out
    }

    fn ask(&mut self, io: &mut Io<'_>, keys: &mut Keys, mark: char) -> Result<(), Stop> {
        let mut text = String::new();
        loop {
            write!(io.out, "\r\x1b[{};1H\x1b[K{mark}{text}", self.rows + 1)?;
            io.out.flush()?;
            match keys.key() {
                Key::Char(c) => text.push(c),
                Key::Backspace if text.pop().is_none() => return Ok(()),
                Key::Enter => break,
                Key::Escape | Key::Control('c') | Key::Gone => return Ok(()),
                _ => {}
            }
        }
        self.forward = mark == '/';
        if !text.is_empty() {
            let syntax = Syntax {
                extended: true,
                fold: self.fold,
                lenient: true,
                ..Syntax::default()
            };
            match Regex::new(&text, syntax) {
                Ok(pattern) => self.pattern = Some(pattern),
                Err(reason) => {
                    self.message = format!("bad pattern: {reason}");
                    return Ok(());
                }
            }
        }
        self.find(self.forward);
        Ok(())
    }

    fn find(&mut self, forward: bool) {
        let Some(pattern) = &self.pattern else {
            self.message = "No previous regular expression".into();
            return;
        };
        let matches = |index: &usize| pattern.is_match(bare(&self.lines[*index]).as_bytes());
        let found = if forward {
            (self.top + 1..self.lines.len()).find(matches)
        } else {
            (0..self.top).rev().find(matches)
        };
        match found {
            Some(index) => self.top = index.min(self.last().max(self.top)),
            None => self.message = "Pattern not found".into(),
        }
    }
}

fn watch(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let period = parsed.value('n').unwrap_or("2").to_owned();
    let seconds: f64 = match period.parse() {
        Ok(seconds) if (0.0..1e6).contains(&seconds) => seconds,
        _ => return Err(io.fail(&format!("invalid number '{period}'"))),
    };
    let wait = Duration::from_secs_f64(seconds.max(0.1));
    let command = parsed.rest.join(" ");
    loop {
        let size = terminal::size();
        let (columns, rows) = size.map_or((80, 24), |size| {
            (usize::from(size.columns), usize::from(size.rows))
        });
        let pipe = Pipe::new();
        let mut child = Command::new("sh").arg("-c").arg(command.clone());
        child.stdout = Stdio::Stream(pipe.writer());
        child.stderr = Stdio::Stream(pipe.writer());
        let mut input = pipe.reader();
        let Ok(child) = child.spawn() else {
            return Err(io.fail("can't execute 'sh': No such file or directory"));
        };
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        child.wait();
        let mut text = String::from("\x1b[H\x1b[J");
        let mut left = rows;
        if !parsed.has('t') {
            let time = Moment::of(std::time::SystemTime::now()).format("%Y-%m-%d %H:%M:%S");
            let title = fit(
                &format!("Every {period}s: {command}"),
                columns.saturating_sub(20),
            );
            let gap = columns.saturating_sub(title.chars().count() + time.len());
            text.push_str(&format!("{title}{}{time}\r\n\r\n", " ".repeat(gap)));
            left = left.saturating_sub(2);
        }
        let shown = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = shown
            .lines()
            .take(left)
            .map(|line| fit(line, columns))
            .collect();
        text.push_str(&lines.join("\r\n"));
        io.out.write_all(text.as_bytes())?;
        io.out.flush()?;
        guest_kit::sleep(wait);
    }
}
