//! `grep`, and POSIX regular expressions for it, `sed` and `expr`.
//!
//! Patterns are translated for the `regex-lite` crate; back-references inside patterns are not
//! in this lab.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use regex_lite::Regex;

use super::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "grep",
        operands: "{ PATTERN | -e PATTERN... } [FILE]...",
        help: "Search for PATTERN in FILEs (or stdin)",
        flags: FLAGS,
        run: grep,
    },
    Applet {
        name: "egrep",
        operands: "PATTERN [FILE]...",
        help: "Search for extended PATTERN in FILEs (or stdin)",
        flags: FLAGS,
        run: grep,
    },
    Applet {
        name: "fgrep",
        operands: "PATTERN [FILE]...",
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
    flag('i', "", "Ignore case"),
    flag('w', "", "Match whole words only"),
    flag('x', "", "Match whole lines only"),
    flag('F', "", "PATTERN is a literal (not regexp)"),
    flag('E', "", "PATTERN is an extended regexp"),
    value('m', "", "N", "Match up to N times per file"),
    value('A', "", "N", "Print N lines of trailing context"),
    value('B', "", "N", "Print N lines of leading context"),
    value('C', "", "N", "Same as '-A N -B N'"),
    value('e', "", "PTRN", "Pattern to match"),
    flag('G', "", "PATTERN is a basic regexp"),
    flag('R', "", "Recurse and dereference symlinks"),
    flag('#', "color", "Accepted for scripts that ask for colour"),
];

/// Compiles a POSIX expression, basic or extended.
pub(crate) fn compile(pattern: &str, extended: bool, ignore_case: bool) -> Result<Regex, ()> {
    let mut text = translate(pattern, extended);
    if ignore_case {
        text.insert_str(0, "(?i)");
    }
    Regex::new(&text).map_err(|_| ())
}

/// A POSIX expression in the crate's syntax.
fn translate(pattern: &str, extended: bool) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    // Where a star or a caret is an ordinary or an anchoring character.
    let mut fresh = true;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        let was_fresh = std::mem::replace(&mut fresh, false);
        match c {
            '\\' => {
                let Some(next) = chars.get(at).copied() else {
                    out.push_str("\\\\");
                    break;
                };
                at += 1;
                match next {
                    '(' | '|' if !extended => {
                        out.push(next);
                        fresh = true;
                    }
                    ')' | '{' | '}' | '+' | '?' if !extended => out.push(next),
                    '<' | '>' => out.push_str("\\b"),
                    'w' | 'W' | 's' | 'S' | 'b' | 'B' => out.extend(['\\', next]),
                    'n' => out.push_str("\\n"),
                    't' => out.push_str("\\t"),
                    c => literal(c, &mut out),
                }
            }
            '[' => at = bracket(&chars, at, &mut out),
            '*' if was_fresh => out.push_str("\\*"),
            '^' if !extended && !was_fresh => out.push_str("\\^"),
            '$' if !extended
                && at < chars.len()
                && !(chars[at] == '\\' && matches!(chars.get(at + 1), Some(')' | '|'))) =>
            {
                out.push_str("\\$")
            }
            '(' | '|' if extended => {
                out.push(c);
                fresh = true;
            }
            '^' => {
                out.push(c);
                fresh = true;
            }
            '{' if extended && !chars.get(at).is_some_and(char::is_ascii_digit) => {
                out.push_str("\\{")
            }
            ')' | '{' | '}' | '+' | '?' if extended => out.push(c),
            '.' | '*' | '$' => out.push(c),
            c => literal(c, &mut out),
        }
    }
    out
}

fn literal(c: char, out: &mut String) {
    if "\\.+*?()|[]{}^$#&-~".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

fn bracket(chars: &[char], start: usize, out: &mut String) -> usize {
    let mut at = start;
    let mut set = String::from("[");
    if chars.get(at) == Some(&'^') {
        set.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let Some(c) = chars.get(at).copied() else {
            // No closing bracket: it was an ordinary character.
            out.push_str("\\[");
            return start;
        };
        at += 1;
        match c {
            ']' if at - 1 > first => break,
            '[' if chars.get(at) == Some(&':') => {
                let end = (at + 1..chars.len())
                    .find(|end| chars[*end] == ':' && chars.get(end + 1) == Some(&']'));
                if let Some(end) = end {
                    set.push('[');
                    set.extend(&chars[at..=end]);
                    set.push(']');
                    at = end + 2;
                } else {
                    set.push_str("\\[");
                }
            }
            '\\' | '[' | ']' | '&' | '~' | '^' => set.extend(['\\', c]),
            '-' if at - 1 == first || chars.get(at) == Some(&']') => set.push_str("\\-"),
            c => set.push(c),
        }
    }
    set.push(']');
    out.push_str(&set);
    at
}

struct Search {
    patterns: Vec<Regex>,
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
    found: bool,
    failed: bool,
}

fn grep(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut rest = parsed.rest.clone();
    let mut texts: Vec<String> = parsed.values('e').map(str::to_owned).collect();
    if texts.is_empty() {
        if rest.is_empty() {
            return Err(io.usage());
        }
        texts.push(rest.remove(0));
    }
    let literal_only = parsed.has('F') || io.applet.name == "fgrep";
    let extended = parsed.has('E') || io.applet.name == "egrep";
    let mut patterns = Vec::new();
    for text in texts.iter().flat_map(|text| text.split('\n')) {
        let mut regex = if literal_only {
            regex_lite::escape(text)
        } else {
            translate(text, extended)
        };
        if parsed.has('w') {
            regex = format!("\\b(?:{regex})\\b");
        }
        if parsed.has('x') {
            regex = format!("^(?:{regex})$");
        }
        if parsed.has('i') {
            regex.insert_str(0, "(?i)");
        }
        match Regex::new(&regex) {
            Ok(regex) => patterns.push(regex),
            Err(_) => {
                io.complain(&format!("bad regex '{text}': Invalid regular expression"));
                return Ok(2);
            }
        }
    }
    let recurse = parsed.has('r') || parsed.has('R');
    let mut count = |letter: char| -> Result<Option<usize>, Stop> {
        let Some(text) = parsed.value(letter).map(str::to_owned) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| io.fail(&format!("invalid number '{text}'")))
    };
    let context = count('C')?.unwrap_or(0);
    let mut search = Search {
        patterns,
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
        (true, false) => 0,
        (_, true) => 2,
        (false, false) => 1,
    })
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
                self.path(
                    io,
                    &format!("{}/{name}", path.trim_end_matches('/')),
                    true,
                    silent,
                )?;
            }
            return Ok(());
        }
        if path == "-" {
            let input = std::mem::replace(&mut io.input, Box::new(std::io::empty()));
            return self.stream(io, BufReader::new(input), "(standard input)");
        }
        match std::fs::File::open(path) {
            Ok(file) => self.stream(io, BufReader::new(file), path),
            Err(error) => {
                if !silent {
                    io.complain(&format!("{path}: {}", reason(&error)));
                }
                self.failed = true;
                Ok(())
            }
        }
    }

    fn stream(&mut self, io: &mut Io<'_>, mut input: impl BufRead, name: &str) -> Result<(), Stop> {
        let mut number = 0;
        let mut count = 0;
        let mut waiting: Vec<(usize, String)> = Vec::new();
        let mut trailing = 0;
        let mut printed = 0;
        let mut bytes = Vec::new();
        while count < self.limit || trailing > 0 {
            bytes.clear();
            match input.read_until(b'\n', &mut bytes) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    io.complain(&format!("{name}: {}", reason(&error)));
                    self.failed = true;
                    return Ok(());
                }
            }
            number += 1;
            let line =
                String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
            let matched = count < self.limit
                && self.patterns.iter().any(|pattern| pattern.is_match(&line)) != self.invert;
            if matched {
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
                let gap = printed > 0
                    && waiting.first().map_or(number, |(first, _)| *first) > printed + 1;
                if gap && (self.before > 0 || self.after > 0) {
                    writeln!(io.out, "--")?;
                }
                for (number, line) in waiting.drain(..) {
                    self.print(io, name, number, &line, '-')?;
                }
                if self.only && !self.invert {
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
                waiting.push((number, line));
                if waiting.len() > self.before {
                    waiting.remove(0);
                }
            }
        }
        if let Some(matching) = self.list {
            if (count > 0) == matching {
                writeln!(io.out, "{name}")?;
            }
        } else if self.count {
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
        line: &str,
        mark: char,
    ) -> Result<(), Stop> {
        if self.names {
            write!(io.out, "{name}{mark}")?;
        }
        if self.numbers {
            write!(io.out, "{number}{mark}")?;
        }
        writeln!(io.out, "{line}")?;
        // A reader down the pipe may wait for this very line.
        io.out.flush()?;
        Ok(())
    }

    fn parts(&self, io: &mut Io<'_>, name: &str, number: usize, line: &str) -> Result<(), Stop> {
        let mut at = 0;
        while at <= line.len() {
            let found = self
                .patterns
                .iter()
                .filter_map(|pattern| pattern.find_at(line, at))
                .min_by_key(|found| (found.start(), usize::MAX - found.end()));
            let Some(found) = found else {
                break;
            };
            if found.is_empty() {
                at = found.end() + line[found.end()..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
            self.print(io, name, number, found.as_str(), ':')?;
            at = found.end();
        }
        Ok(())
    }
}
