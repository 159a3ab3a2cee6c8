//! `sed`, the part people use: `s`, `p`, `d`, `q`, `=`, `a`, `i`, `c`, `y`, with addresses.
//!
//! Labels, branches and the hold space are not in this lab and are refused.

use std::io::{Read, Write};

use regex_lite::Regex;

use super::{Applet, Io, Outcome, Stop, flag, grep, reason, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "sed",
    operands: "SED_CMD [FILE]...",
    help: "Edit text: s/// p d q = a i c y, with addresses",
    flags: &[
        flag('n', "quiet", "Suppress automatic printing of pattern space"),
        flag('E', "", "Use extended regex syntax"),
        flag('r', "", "Same as -E"),
        flag('i', "", "Edit files in-place (else sends result to stdout)"),
        value('e', "", "CMD", "Add CMD to sed commands to be executed"),
        value(
            'f',
            "",
            "FILE",
            "Add FILE contents to sed commands to be executed",
        ),
        flag('s', "", "Files are separate"),
    ],
    run: sed,
}];

enum Address {
    Line(usize),
    Last,
    Match(Regex),
}

enum Action {
    Substitute {
        regex: Regex,
        replacement: String,
        global: bool,
        print: bool,
        which: usize,
    },
    Print,
    Delete,
    Quit,
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Translate(Vec<char>, Vec<char>),
}

struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    inside: bool,
    action: Action,
}

fn sed(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut rest = parsed.rest.clone();
    let mut scripts: Vec<String> = parsed.values('e').map(str::to_owned).collect();
    for path in parsed.values('f').map(str::to_owned).collect::<Vec<_>>() {
        scripts
            .push(String::from_utf8_lossy(&io.slurp(&path).ok_or(Stop::Status(1))?).into_owned());
    }
    if scripts.is_empty() {
        if rest.is_empty() {
            return Err(io.usage());
        }
        scripts.push(rest.remove(0));
    }
    let extended = parsed.has('E') || parsed.has('r');
    let script = scripts.join("\n");
    let mut commands = Script {
        rest: &script,
        extended,
    }
    .commands()
    .map_err(|message| io.fail(&message))?;
    if rest.is_empty() {
        rest.push("-".into());
    }
    let mut status = 0;
    let mut number = 0;
    let mut texts = Vec::new();
    for path in rest {
        let mut bytes = Vec::new();
        let read = if path == "-" {
            io.input.read_to_end(&mut bytes)
        } else {
            std::fs::File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes))
        };
        match read {
            Ok(_) => texts.push((path, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                status = 1;
            }
        }
    }
    let count = texts.len();
    for (index, (path, text)) in texts.into_iter().enumerate() {
        let mut out = Vec::new();
        let separate = parsed.has('i') || parsed.has('s');
        if separate {
            number = 0;
        }
        let last_file = index + 1 == count || separate;
        let quit = run(
            &mut commands,
            &text,
            &mut number,
            last_file,
            parsed.has('n'),
            &mut out,
        )?;
        if parsed.has('i') {
            std::fs::write(path, out)?;
        } else {
            io.out.write_all(&out)?;
        }
        if quit {
            break;
        }
    }
    Ok(status)
}

fn run(
    commands: &mut [Command],
    text: &str,
    number: &mut usize,
    last_file: bool,
    quiet: bool,
    out: &mut Vec<u8>,
) -> Result<bool, Stop> {
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        *number += 1;
        let last = last_file && index + 1 == lines.len();
        let mut space = (*line).to_owned();
        let (mut deleted, mut quit) = (false, false);
        let mut after = String::new();
        for command in commands.iter_mut() {
            if !command.applies(&space, *number, last) {
                continue;
            }
            match &command.action {
                Action::Print => writeln!(out, "{space}")?,
                Action::Number => writeln!(out, "{number}")?,
                Action::Insert(text) => writeln!(out, "{text}")?,
                Action::Append(text) => after.push_str(&format!("{text}\n")),
                Action::Quit => quit = true,
                Action::Delete => deleted = true,
                Action::Change(text) => {
                    if !command.inside {
                        writeln!(out, "{text}")?;
                    }
                    deleted = true;
                }
                Action::Translate(from, to) => {
                    space = space
                        .chars()
                        .map(|c| {
                            from.iter()
                                .position(|known| *known == c)
                                .map_or(c, |at| to[at])
                        })
                        .collect();
                }
                Action::Substitute {
                    regex,
                    replacement,
                    global,
                    print,
                    which,
                } => {
                    if let Some(changed) = substitute(&space, regex, replacement, *global, *which) {
                        space = changed;
                        if *print {
                            writeln!(out, "{space}")?;
                        }
                    }
                }
            }
            if deleted || quit {
                break;
            }
        }
        if !deleted && !quiet {
            let end = if last && !text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            write!(out, "{space}{end}")?;
        }
        out.extend_from_slice(after.as_bytes());
        if quit {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Command {
    fn applies(&mut self, line: &str, number: usize, last: bool) -> bool {
        let hit = |address: &Address| match address {
            Address::Line(wanted) => *wanted == number,
            Address::Last => last,
            Address::Match(regex) => regex.is_match(line),
        };
        let within = match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => hit(from),
            (Some(_), Some(to)) if self.inside => {
                let past = matches!(to, Address::Line(end) if *end < number);
                self.inside = !hit(to) && !past;
                !past
            }
            (Some(from), Some(to)) => {
                let begins = hit(from);
                self.inside =
                    begins && !matches!(to, Address::Line(end) if *end <= number) && !last;
                begins
            }
        };
        within != self.negated
    }
}

fn substitute(
    line: &str,
    regex: &Regex,
    replacement: &str,
    global: bool,
    which: usize,
) -> Option<String> {
    let mut out = String::new();
    let (mut at, mut count) = (0, 0);
    for found in regex.captures_iter(line) {
        let whole = found.get(0)?;
        count += 1;
        if count < which {
            continue;
        }
        out.push_str(&line[at..whole.start()]);
        let mut chars = replacement.chars();
        while let Some(c) = chars.next() {
            match c {
                '&' => out.push_str(whole.as_str()),
                '\\' => match chars.next() {
                    Some(digit) if digit.is_ascii_digit() => {
                        let index = digit.to_digit(10).unwrap_or(0) as usize;
                        out.push_str(found.get(index).map_or("", |group| group.as_str()));
                    }
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some(c) => out.push(c),
                    None => out.push('\\'),
                },
                c => out.push(c),
            }
        }
        at = whole.end();
        if !global {
            break;
        }
    }
    if count < which.max(1) {
        return None;
    }
    out.push_str(&line[at..]);
    Some(out)
}

struct Script<'a> {
    rest: &'a str,
    extended: bool,
}

impl Script<'_> {
    fn commands(mut self) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', ';']);
            if self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
                continue;
            }
            if self.rest.is_empty() {
                return Ok(commands);
            }
            commands.push(self.command()?);
        }
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        let digits = self
            .rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        if digits > 0 {
            let number = self.rest[..digits]
                .parse()
                .map_err(|_| "bad address".to_owned())?;
            self.rest = &self.rest[digits..];
            return Ok(Some(Address::Line(number)));
        }
        match self.rest.chars().next() {
            Some('$') => {
                self.take();
                Ok(Some(Address::Last))
            }
            Some('/') => {
                self.take();
                let pattern = self.until('/')?;
                Ok(Some(Address::Match(self.regex(&pattern, false)?)))
            }
            _ => Ok(None),
        }
    }

    fn regex(&self, pattern: &str, fold: bool) -> Result<Regex, String> {
        grep::compile(pattern, self.extended, fold)
            .map_err(|()| format!("bad regex '{pattern}': Invalid regular expression"))
    }

    /// Text up to an unescaped delimiter, which is read too.
    fn until(&mut self, delimiter: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.take() {
                None => return Err(format!("unmatched '{delimiter}'")),
                Some(c) if c == delimiter => return Ok(text),
                Some('\\') => match self.take() {
                    Some(c) if c == delimiter => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => text.push('\\'),
                },
                Some(c) => text.push(c),
            }
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        let from = self.address()?;
        let mut to = None;
        if from.is_some() && self.rest.starts_with(',') {
            self.take();
            to = Some(self.address()?.ok_or("no address after comma")?);
        }
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let negated = self.rest.starts_with('!');
        if negated {
            self.take();
            self.rest = self.rest.trim_start_matches([' ', '\t']);
        }
        let action = match self.take() {
            None => return Err("missing command".into()),
            Some('p') => Action::Print,
            Some('d') => Action::Delete,
            Some('q') => Action::Quit,
            Some('=') => Action::Number,
            Some('s') => self.substitution()?,
            Some('y') => {
                let delimiter = self.take().ok_or("bad format in y expression")?;
                let from: Vec<char> = self.until(delimiter)?.chars().collect();
                let to: Vec<char> = self.until(delimiter)?.chars().collect();
                if from.len() != to.len() {
                    return Err("bad format in y expression".into());
                }
                Action::Translate(from, to)
            }
            Some(c @ ('a' | 'i' | 'c')) => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                let mut text = self.rest[..end].trim_start().to_owned();
                self.rest = &self.rest[end..];
                if text == "\\" {
                    self.take();
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest[..end].clone_into(&mut text);
                    self.rest = &self.rest[end..];
                }
                let text = text.strip_prefix('\\').unwrap_or(&text).to_owned();
                match c {
                    'a' => Action::Append(text),
                    'i' => Action::Insert(text),
                    _ => Action::Change(text),
                }
            }
            Some(c) => return Err(format!("unsupported command {c}")),
        };
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if !self.rest.is_empty() && !self.rest.starts_with([';', '\n', '#']) {
            return Err("extra characters after command".into());
        }
        Ok(Command {
            from,
            to,
            negated,
            inside: false,
            action,
        })
    }

    fn substitution(&mut self) -> Result<Action, String> {
        let delimiter = self.take().ok_or("bad format in substitution expression")?;
        let pattern = self.until(delimiter)?;
        let replacement = self.until(delimiter)?;
        let (mut global, mut print, mut fold, mut which) = (false, false, false, 0);
        loop {
            match self.rest.chars().next() {
                Some('g') => global = true,
                Some('p') => print = true,
                Some('i' | 'I') => fold = true,
                Some(digit) if digit.is_ascii_digit() => {
                    which = which * 10 + digit.to_digit(10).unwrap_or(0) as usize
                }
                _ => break,
            }
            self.take();
        }
        Ok(Action::Substitute {
            regex: self.regex(&pattern, fold)?,
            replacement,
            global,
            print,
            which,
        })
    }
}
