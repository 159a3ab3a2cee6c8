//! `grep`: lines that match. It never looks into what a line means, nor whether a file is text.
//!
//! `--color` is GNU's, not busybox's: people have it in their fingers.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use super::regex::{Around, Regex, Syntax};
use super::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "grep",
        operands: "{ PATTERN | -e PATTERN... | -f FILE... } [FILE]...",
        help: "Search for PATTERN in FILEs (or stdin)",
        flags: FLAGS,
        run: grep,
    },
    Applet {
        name: "egrep",
        operands: "{ PATTERN | -e PATTERN... | -f FILE... } [FILE]...",
        help: "Search for extended PATTERN in FILEs (or stdin)",
        flags: FLAGS,
        run: grep,
    },
    Applet {
        name: "fgrep",
        operands: "{ PATTERN | -e PATTERN... | -f FILE... } [FILE]...",
        help: "Search for literal PATTERN in FILEs (or stdin)",
        flags: FLAGS,
        run: grep,
    },
];

const FLAGS: &[super::Flag] = &[
    flag('H', "", "Add 'filename:' prefix"),
    flag('h', "", "Do not add 'filename:' prefix"),
    flag('n', "", "Add 'line_no:' prefix"),
    flag('l', "", "Show only names of files that match"),
    flag('L', "", "Show only names of files that don't match"),
    flag('c', "", "Show only count of matching lines"),
    flag('o', "", "Show only the matching part of line"),
    flag('q', "", "Quiet. Return 0 if PATTERN is found, 1 otherwise"),
    flag('v', "", "Select non-matching lines"),
    flag('s', "", "Suppress open and read errors"),
    flag('r', "", "Recurse"),
    flag('R', "", "Recurse and dereference symlinks"),
    flag('i', "", "Ignore case"),
    flag('w', "", "Match whole words only"),
    flag('x', "", "Match whole lines only"),
    flag('F', "", "PATTERN is a literal (not regexp)"),
    flag('E', "", "PATTERN is an extended regexp"),
    flag('G', "", "PATTERN is a basic regexp"),
    flag('z', "", "NUL terminated input"),
    value('m', "", "N", "Match up to N times per file"),
    value('A', "", "N", "Print N lines of trailing context"),
    value('B', "", "N", "Print N lines of leading context"),
    value('C', "", "N", "Same as '-A N -B N'"),
    value('e', "", "PTRN", "Pattern to match"),
    value('f', "", "FILE", "Read pattern from file"),
    value(
        '\x01',
        "color",
        "[WHEN]",
        "Colour matches: always, never, auto",
    ),
    value(
        '\x01',
        "colour",
        "[WHEN]",
        "Colour matches: always, never, auto",
    ),
];

struct Search {
    pattern: Option<Regex>,
    invert: bool,
    quiet: bool,
    count: bool,
    only: bool,
    numbers: bool,
    names: bool,
    list: Option<bool>,
    limit: usize,
    before: usize,
    after: usize,
    end: u8,
    colour: bool,
    /// A file without a match was listed.
    listed: bool,
    found: bool,
    failed: bool,
}

/// The patterns, and the arguments that are files.
fn patterns(io: &mut Io<'_>, parsed: &Parsed) -> Result<(Vec<String>, Vec<String>), Stop> {
    let mut rest = parsed.rest.clone();
    let mut texts: Vec<String> = Vec::new();
    for text in parsed.values('e') {
        texts.extend(text.split('\n').map(str::to_owned));
    }
    for path in parsed.values('f').map(str::to_owned).collect::<Vec<_>>() {
        let Some(bytes) = io.slurp_plain(&path) else {
            return Err(Stop::Status(2));
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        texts.extend(text.split_terminator('\n').map(str::to_owned));
    }
    if !parsed.has('e') && !parsed.has('f') {
        if rest.is_empty() {
            io.usage();
            return Err(Stop::Status(2));
        }
        texts.extend(rest.remove(0).split('\n').map(str::to_owned));
    }
    Ok((texts, rest))
}

fn grep(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse().map_err(wrong)?;
    let (texts, mut rest) = patterns(io, &parsed)?;
    let around = match (parsed.has('x'), parsed.has('w')) {
        (true, _) => Around::Nothing,
        (_, true) => Around::NoWord,
        _ => Around::Anything,
    };
    let syntax = Syntax {
        extended: parsed
            .last_of("EG")
            .map_or(io.applet.name == "egrep", |last| last == 'E'),
        fold: parsed.has('i'),
        lines: false,
        literal: parsed.has('F') || io.applet.name == "fgrep",
        lenient: true,
    };
    let pattern = match Regex::any_of(&texts, syntax, around) {
        _ if texts.is_empty() => None,
        Ok(regex) => Some(regex),
        Err(_) => {
            let bad = texts.iter().find(|text| Regex::new(text, syntax).is_err());
            let bad = bad.map_or("", String::as_str).to_owned();
            io.complain(&format!("bad regex '{bad}'"));
            return Ok(2);
        }
    };
    let recurse = parsed.has('r') || parsed.has('R');
    let mut count = |letter: char| -> Result<Option<usize>, Stop> {
        let Some(text) = parsed.value(letter).map(str::to_owned) else {
            return Ok(None);
        };
        let number = text.parse().map(Some);
        number.map_err(|_| wrong(io.fail(&format!("invalid number '{text}'"))))
    };
    let context = count('C')?.unwrap_or(0);
    let mut search = Search {
        pattern,
        invert: parsed.has('v'),
        quiet: parsed.has('q'),
        count: parsed.has('c'),
        only: parsed.has('o'),
        numbers: parsed.has('n'),
        names: (rest.len() > 1 || recurse || parsed.has('H')) && !parsed.has('h'),
        list: parsed.last_of("lL").map(|letter| letter == 'l'),
        limit: count('m')?.unwrap_or(usize::MAX),
        before: count('B')?.unwrap_or(context),
        after: count('A')?.unwrap_or(context),
        end: if parsed.has('z') { 0 } else { b'\n' },
        colour: match parsed.value('\x01') {
            Some("always") => true,
            Some("never") | None => false,
            Some(_) => guest_kit::terminal::size().is_some(),
        },
        listed: false,
        found: false,
        failed: false,
    };
    if rest.is_empty() {
        rest.push(if recurse { ".".into() } else { "-".into() });
    }
    for path in rest {
        search.path(io, &path, recurse, parsed.has('s'))?;
        if search.quiet && search.found {
            return Ok(0);
        }
    }
    Ok(match (search.found, search.failed) {
        (_, true) => 2,
        (true, false) => 0,
        (false, false) => 1,
    })
}

/// Mistakes end with 2 here, since 1 means that nothing matched.
fn wrong(stop: Stop) -> Stop {
    match stop {
        Stop::Status(_) => Stop::Status(2),
        stop => stop,
    }
}

impl Search {
    fn path(
        &mut self,
        io: &mut Io<'_>,
        path: &str,
        recurse: bool,
        silent: bool,
    ) -> Result<(), Stop> {
        if recurse && Path::new(path).is_dir() {
            let mut names: Vec<_> = std::fs::read_dir(path)?
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            for name in names {
                let path = format!("{}/{name}", path.trim_end_matches('/'));
                self.path(io, &path, true, silent)?;
            }
            return Ok(());
        }
        if path == "-" {
            let input = std::mem::replace(&mut io.input, Box::new(std::io::empty()));
            return self.stream(
                io,
                BufReader::with_capacity(32 * 1024, input),
                "(standard input)",
            );
        }
        match std::fs::File::open(path) {
            Ok(file) => self.stream(io, BufReader::with_capacity(32 * 1024, file), path),
            Err(error) => {
                if !silent {
                    io.complain(&format!("{path}: {}", reason(&error)));
                }
                self.failed = true;
                Ok(())
            }
        }
    }

    fn matches(&self, line: &[u8]) -> bool {
        self.pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(line))
            != self.invert
    }

    fn stream<R: Read>(
        &mut self,
        io: &mut Io<'_>,
        mut input: BufReader<R>,
        name: &str,
    ) -> Result<(), Stop> {
        let (mut number, mut count, mut trailing, mut printed) = (0, 0, 0, 0);
        let mut waiting: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
        let mut line = Vec::new();
        while count < self.limit || trailing > 0 {
            if input.buffer().is_empty() {
                // A reader down the pipe may wait for what was found so far.
                io.out.flush()?;
            }
            line.clear();
            // What cannot be read, a directory say, has no lines; busybox says nothing either.
            if input.read_until(self.end, &mut line).unwrap_or(0) == 0 {
                break;
            }
            number += 1;
            if line.last() == Some(&self.end) {
                line.pop();
            }
            if count < self.limit && self.matches(&line) {
                self.found = true;
                count += 1;
                if self.quiet {
                    return Ok(());
                }
                if self.list.is_some() {
                    break;
                }
                if self.count {
                    continue;
                }
                let begin = waiting.front().map_or(number, |(first, _)| *first);
                if printed > 0 && begin > printed + 1 && self.before + self.after > 0 {
                    io.out.write_all(b"--\n")?;
                }
                for (number, line) in waiting.drain(..) {
                    self.print(io, name, number, &line, '-')?;
                }
                if self.only {
                    self.parts(io, name, number, &line)?;
                } else {
                    self.print(io, name, number, &line, ':')?;
                }
                printed = number;
                trailing = self.after;
            } else if trailing > 0 && !self.count {
                trailing -= 1;
                self.print(io, name, number, &line, '-')?;
                printed = number;
            } else if self.before > 0 {
                waiting.push_back((number, line.clone()));
                if waiting.len() > self.before {
                    waiting.pop_front();
                }
            }
        }
        self.summary(io, name, count)
    }

    fn summary(&mut self, io: &mut Io<'_>, name: &str, count: usize) -> Result<(), Stop> {
        if let Some(matching) = self.list {
            if (count > 0) == matching {
                writeln!(io.out, "{name}")?;
            }
            // With -L it is the files without a match that are found.
            if !matching {
                self.listed |= count == 0;
                self.found = self.listed;
            }
        } else if self.count && !self.quiet {
            let prefix = if self.names {
                format!("{name}:")
            } else {
                String::new()
            };
            writeln!(io.out, "{prefix}{count}")?;
        }
        Ok(())
    }

    fn print(
        &self,
        io: &mut Io<'_>,
        name: &str,
        number: usize,
        line: &[u8],
        mark: char,
    ) -> Result<(), Stop> {
        if self.names {
            write!(io.out, "{name}{mark}")?;
        }
        if self.numbers {
            write!(io.out, "{number}{mark}")?;
        }
        let mut rest = 0;
        if self.colour && mark == ':' && !self.invert {
            for (start, end) in self.spans(line) {
                io.out.write_all(&line[rest..start])?;
                io.out.write_all(b"\x1b[01;31m\x1b[K")?;
                io.out.write_all(&line[start..end])?;
                io.out.write_all(b"\x1b[m\x1b[K")?;
                rest = end;
            }
        }
        io.out.write_all(&line[rest..])?;
        io.out.write_all(&[self.end])?;
        Ok(())
    }

    /// Where the matches of a line are; empty ones are none.
    fn spans(&self, line: &[u8]) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        let mut at = 0;
        while let Some((start, end)) = self
            .pattern
            .as_ref()
            .and_then(|pattern| pattern.find_at(line, at))
        {
            if start < end {
                spans.push((start, end));
            }
            at = end.max(start + usize::from(start == end));
            if at > line.len() {
                break;
            }
        }
        spans
    }

    fn parts(&self, io: &mut Io<'_>, name: &str, number: usize, line: &[u8]) -> Result<(), Stop> {
        if self.invert {
            return Ok(());
        }
        for (start, end) in self.spans(line) {
            self.print(io, name, number, &line[start..end], ':')?;
        }
        Ok(())
    }
}
