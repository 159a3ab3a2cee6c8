//! Tools that read lines and write lines: `cat`, `head`, `tail`, `cut`, `tr`, `sort`, `uniq`,
//! `wc`, `tee`, `yes`.
//!
//! `cat`, `tee` and `tail -f` pass on what they have at once, because somebody may be waiting.

use std::cmp::Ordering;
use std::io::{BufRead, BufReader, Read, Write};

use super::escape::unescape;
use super::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "cat",
        operands: "[FILE]...",
        help: "Print FILEs to stdout",
        flags: &[
            flag('n', "", "Number output lines"),
            flag('b', "", "Number nonempty lines"),
            flag('v', "", "Show nonprinting characters as ^x or M-x"),
            flag('e', "", "End lines with $"),
            flag('t', "", "Show tabs as ^I"),
            flag('A', "", "Same as -vte"),
            flag('u', "", "Unbuffered, which it always is"),
        ],
        run: cat,
    },
    Applet {
        name: "cut",
        operands: "[FILE]...",
        help: "Print selected fields from FILEs to stdout",
        flags: &[
            value('b', "", "LIST", "Output only bytes from LIST"),
            value('c', "", "LIST", "Output only characters from LIST"),
            value('d', "", "SEP", "Field delimiter (default -f TAB)"),
            value('f', "", "LIST", "Print only these fields"),
            flag('s', "", "Output only lines containing delimiter"),
            flag('n', "", "Ignored"),
            value('O', "output-delimiter", "SEP", "Output field delimiter"),
        ],
        run: cut,
    },
    Applet {
        name: "head",
        operands: "[FILE]...",
        help: "Print first 10 lines of FILEs (or stdin).\nWith more than one FILE, precede each with a filename header.",
        flags: HEAD,
        run: head,
    },
    Applet {
        name: "sort",
        operands: "[FILE]...",
        help: "Sort lines of text",
        flags: &[
            value('o', "", "FILE", "Output to FILE"),
            flag('c', "", "Check whether input is sorted"),
            flag('b', "", "Ignore leading blanks"),
            flag('f', "", "Ignore case"),
            flag('n', "", "Sort numbers"),
            flag('g', "", "General numerical sort"),
            flag('V', "", "Sort version"),
            flag('h', "", "Sort human readable numbers"),
            value('t', "", "CHAR", "Field separator"),
            value('k', "", "N[,M]", "Sort by Nth field"),
            flag('r', "", "Reverse sort order"),
            flag('s', "", "Stable (don't sort ties alphabetically)"),
            flag('u', "", "Suppress duplicate lines"),
        ],
        run: sort,
    },
    Applet {
        name: "tail",
        operands: "[FILE]...",
        help: "Print last 10 lines of FILEs (or stdin) to.\nWith more than one FILE, precede each with a filename header.",
        flags: &[
            value('n', "", "[+]N", "Print last N lines, or from the Nth"),
            value('c', "", "[+]N", "Print last N bytes, or from the Nth"),
            flag('f', "", "Print data as file grows"),
            value('s', "", "SECONDS", "Wait SECONDS between reads with -f"),
            flag('q', "", "Never print headers"),
            flag('v', "", "Always print headers"),
        ],
        run: tail,
    },
    Applet {
        name: "tee",
        operands: "[FILE]...",
        help: "Copy stdin to each FILE, and also to stdout",
        flags: &[
            flag('a', "", "Append to the given FILEs, don't overwrite"),
            flag('i', "", "Ignore interrupt signals (SIGINT)"),
        ],
        run: tee,
    },
    Applet {
        name: "tr",
        operands: "STRING1 [STRING2]",
        help: "Translate, squeeze, or delete characters from stdin, writing to stdout",
        flags: &[
            flag('c', "", "Take complement of STRING1"),
            flag('d', "", "Delete input characters coded STRING1"),
            flag(
                's',
                "",
                "Squeeze multiple output characters of STRING2 into one character",
            ),
        ],
        run: tr,
    },
    Applet {
        name: "uniq",
        operands: "[FILE [OUTFILE]]",
        help: "Discard duplicate lines",
        flags: &[
            flag('c', "", "Prefix lines by the number of occurrences"),
            flag('d', "", "Only print duplicate lines"),
            flag('u', "", "Only print unique lines"),
            flag('i', "", "Ignore case"),
            value('f', "", "N", "Skip first N fields"),
            value(
                's',
                "",
                "N",
                "Skip first N chars (after any skipped fields)",
            ),
            value('w', "", "N", "Compare N characters in line"),
        ],
        run: uniq,
    },
    Applet {
        name: "wc",
        operands: "[FILE]...",
        help: "Count lines, words, and bytes for FILEs (or stdin)",
        flags: &[
            flag('c', "", "Count bytes"),
            flag('m', "", "Count characters"),
            flag('l', "", "Count newlines"),
            flag('w', "", "Count words"),
            flag('L', "", "Print longest line length"),
        ],
        run: wc,
    },
    Applet {
        name: "yes",
        operands: "[STRING]",
        help: "Repeatedly print a line with STRING, or 'y'",
        flags: &[],
        run: yes,
    },
];

const HEAD: &[super::Flag] = &[
    value('n', "", "N", "Print first N lines"),
    value('c', "", "N", "Print first N bytes"),
    flag('q', "", "Never print headers"),
    flag('v', "", "Always print headers"),
];

/// The operands, or standard input when there are none.
fn inputs(parsed: &Parsed) -> Vec<String> {
    if parsed.rest.is_empty() {
        vec!["-".into()]
    } else {
        parsed.rest.clone()
    }
}

/// A file as `head`, `sort` and `wc` open it.
fn open_plain(io: &mut Io<'_>, path: &str) -> Option<Box<dyn Read>> {
    if path == "-" {
        return Some(Box::new(std::io::stdin()));
    }
    match std::fs::File::open(path) {
        Ok(file) => Some(Box::new(file)),
        Err(error) => {
            io.complain(&format!("{path}: {}", reason(&error)));
            None
        }
    }
}

fn cat(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    let visible = parsed.has('v') || parsed.has('A') || parsed.has('e') || parsed.has('t');
    let (ends, tabs) = (
        parsed.has('e') || parsed.has('A'),
        parsed.has('t') || parsed.has('A'),
    );
    let plain = !visible && !parsed.has('n') && !parsed.has('b');
    let mut number = 0;
    for path in inputs(&parsed) {
        let Some(mut input) = io.open(&path) else {
            status = 1;
            continue;
        };
        let mut buffer = vec![0; 16 * 1024];
        let mut pending = Vec::new();
        loop {
            let length = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) => {
                    io.complain(&format!("read error: {}", reason(&error)));
                    status = 1;
                    break;
                }
            };
            if plain {
                io.out.write_all(&buffer[..length])?;
            } else {
                pending.extend_from_slice(&buffer[..length]);
                while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = pending.drain(..=end).collect();
                    cat_line(io, &line, &mut number, &parsed, (visible, ends, tabs))?;
                }
            }
            io.out.flush()?;
        }
        if !pending.is_empty() {
            cat_line(io, &pending, &mut number, &parsed, (visible, ends, tabs))?;
        }
    }
    Ok(status)
}

fn cat_line(
    io: &mut Io<'_>,
    line: &[u8],
    number: &mut usize,
    parsed: &Parsed,
    (visible, ends, tabs): (bool, bool, bool),
) -> Result<(), Stop> {
    if parsed.has('n') || (parsed.has('b') && line != b"\n") {
        *number += 1;
        write!(io.out, "{number:6}\t")?;
    }
    if !visible {
        io.out.write_all(line)?;
        return Ok(());
    }
    for &byte in line {
        match byte {
            b'\n' => io.out.write_all(if ends { b"$\n" } else { b"\n" })?,
            b'\t' if !tabs => io.out.write_all(b"\t")?,
            _ => {
                let (meta, low) = (byte >= 128, byte & 127);
                if meta {
                    io.out.write_all(b"M-")?;
                }
                match low {
                    0..=31 => io.out.write_all(&[b'^', low + 64])?,
                    127 => io.out.write_all(b"^?")?,
                    _ => io.out.write_all(&[low])?,
                }
            }
        }
    }
    Ok(())
}

/// A count with the suffixes b, k and m.
fn count(io: &mut Io<'_>, text: &str) -> Result<u64, Stop> {
    let (digits, factor) = match text.chars().last() {
        Some('b') => (&text[..text.len() - 1], 512),
        Some('k' | 'K') => (&text[..text.len() - 1], 1024),
        Some('m' | 'M') => (&text[..text.len() - 1], 1024 * 1024),
        _ => (text, 1),
    };
    let number = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    number.ok_or_else(|| io.fail(&format!("invalid number '{text}'")))
}

/// `-5` in the place of `-n 5`.
fn old_style(io: &mut Io<'_>) {
    if let Some(arg) = io.args.get(1).cloned()
        && arg.len() > 1
        && arg[1..].chars().all(|c| c.is_ascii_digit())
        && arg.starts_with(['-', '+'])
    {
        let value = if arg.starts_with('+') {
            arg.clone()
        } else {
            arg[1..].to_owned()
        };
        io.args.splice(1..2, ["-n".to_owned(), value]);
    }
}

fn header(
    io: &mut Io<'_>,
    parsed: &Parsed,
    path: &str,
    many: bool,
    first: &mut bool,
) -> Result<(), Stop> {
    if (many || parsed.has('v')) && !parsed.has('q') {
        let gap = if *first { "" } else { "\n" };
        let name = if path == "-" { "standard input" } else { path };
        writeln!(io.out, "{gap}==> {name} <==")?;
    }
    *first = false;
    Ok(())
}

fn head(io: &mut Io<'_>) -> Outcome {
    old_style(io);
    let parsed = io.parse()?;
    let bytes = parsed.last_of("nc") == Some('c');
    let text = parsed
        .value(if bytes { 'c' } else { 'n' })
        .unwrap_or("10")
        .to_owned();
    let (all_but, text) = match text.strip_prefix('-') {
        Some(text) => (true, text.to_owned()),
        None => (false, text),
    };
    let limit = usize::try_from(count(io, &text)?).unwrap_or(usize::MAX);
    let paths = inputs(&parsed);
    let mut status = 0;
    let mut first = true;
    for path in &paths {
        let Some(input) = open_plain(io, path) else {
            status = 1;
            continue;
        };
        header(io, &parsed, path, paths.len() > 1, &mut first)?;
        let mut input = BufReader::new(input);
        if all_but {
            let mut all = Vec::new();
            input.read_to_end(&mut all)?;
            let units: Vec<&[u8]> = if bytes {
                all.chunks(1).collect()
            } else {
                all.split_inclusive(|byte| *byte == b'\n').collect()
            };
            for unit in &units[..units.len().saturating_sub(limit)] {
                io.out.write_all(unit)?;
            }
        } else if bytes {
            // As it comes: what is asked for may be more than there is memory.
            std::io::copy(&mut input.take(limit as u64), &mut io.out)?;
        } else {
            let mut line = Vec::new();
            for _ in 0..limit {
                line.clear();
                if input.read_until(b'\n', &mut line)? == 0 {
                    break;
                }
                io.out.write_all(&line)?;
            }
        }
        io.out.flush()?;
    }
    Ok(status)
}

fn tail(io: &mut Io<'_>) -> Outcome {
    old_style(io);
    let parsed = io.parse()?;
    let bytes = parsed.last_of("nc") == Some('c');
    let text = parsed
        .value(if bytes { 'c' } else { 'n' })
        .unwrap_or("10")
        .to_owned();
    let from_start = text.starts_with('+');
    let text = text.trim_start_matches(['+', '-']).to_owned();
    let limit = usize::try_from(count(io, &text)?).unwrap_or(usize::MAX);
    let paths = inputs(&parsed);
    let mut status = 0;
    let mut first = true;
    let mut follow: Vec<(String, u64)> = Vec::new();
    for path in &paths {
        let Some(mut input) = io.open(path) else {
            status = 1;
            continue;
        };
        header(io, &parsed, path, paths.len() > 1, &mut first)?;
        let mut all = Vec::new();
        if let Err(error) = input.read_to_end(&mut all) {
            io.complain(&format!("error reading '{path}': {}", reason(&error)));
            status = 1;
        }
        let units: Vec<&[u8]> = if bytes {
            all.chunks(1).collect()
        } else {
            all.split_inclusive(|byte| *byte == b'\n').collect()
        };
        let start = if from_start {
            limit.saturating_sub(1).min(units.len())
        } else {
            units.len().saturating_sub(limit)
        };
        for unit in &units[start..] {
            io.out.write_all(unit)?;
        }
        if path != "-" {
            follow.push((path.clone(), all.len() as u64));
        }
    }
    if status != 0 && follow.is_empty() {
        io.complain("no files");
        return Ok(1);
    }
    while parsed.has('f') && !follow.is_empty() {
        io.out.flush()?;
        guest_kit::sleep(std::time::Duration::from_secs(1));
        for (path, offset) in &mut follow {
            let mut more = Vec::new();
            if let Ok(mut input) = guest_kit::process::Input::open_at(&*path, *offset)
                && input.read_to_end(&mut more).is_ok()
            {
                *offset += more.len() as u64;
                io.out.write_all(&more)?;
            }
        }
    }
    Ok(status)
}

fn ranges(io: &mut Io<'_>, list: &str) -> Result<Vec<(usize, usize)>, Stop> {
    let mut ranges = Vec::new();
    for part in list.split(',') {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str, default: usize| {
            if text.is_empty() {
                Ok(default)
            } else {
                text.parse::<usize>().map_err(|_| ())
            }
        };
        match (number(low, 1), number(high, usize::MAX)) {
            (Ok(low), Ok(high)) if low > 0 && high >= low && part != "-" => {
                ranges.push((low, high))
            }
            _ => return Err(io.fail(&format!("invalid byte or field list '{list}'"))),
        }
    }
    ranges.sort_unstable();
    Ok(ranges)
}

fn cut(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(kind) = parsed.last_of("bcf") else {
        return Err(io.fail("expected a list of bytes, characters, or fields"));
    };
    let list = parsed.value(kind).unwrap_or_default().to_owned();
    let ranges = ranges(io, &list)?;
    let chosen = |index: usize| {
        ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&index))
    };
    let delimiter = parsed.value('d').unwrap_or("\t").to_owned();
    if delimiter.chars().count() != 1 {
        return Err(io.fail("the delimiter must be a single character"));
    }
    let joiner = parsed.value('O').unwrap_or(&delimiter).to_owned();
    let mut status = 0;
    for path in inputs(&parsed) {
        let Some(input) = open_plain(io, &path) else {
            status = 1;
            continue;
        };
        let mut input = BufReader::new(input);
        let mut bytes = Vec::new();
        while {
            bytes.clear();
            input.read_until(b'\n', &mut bytes)? > 0
        } {
            let line =
                String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
            let text = if kind == 'f' {
                if !line.contains(&delimiter) {
                    if parsed.has('s') {
                        continue;
                    }
                    line
                } else {
                    let fields = line
                        .split(delimiter.as_str())
                        .enumerate()
                        .filter(|(index, _)| chosen(index + 1));
                    fields
                        .map(|(_, field)| field)
                        .collect::<Vec<_>>()
                        .join(&joiner)
                }
            } else {
                line.chars()
                    .enumerate()
                    .filter(|(index, _)| chosen(index + 1))
                    .map(|(_, c)| c)
                    .collect()
            };
            writeln!(io.out, "{text}")?;
        }
    }
    Ok(status)
}

fn tr(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(first) = parsed.rest.first() else {
        return Err(io.usage());
    };
    let mut from = byte_set(first);
    if parsed.has('c') {
        from = (0..=255).filter(|byte| !from.contains(byte)).collect();
    }
    let to = parsed
        .rest
        .get(1)
        .map(|set| byte_set(set))
        .unwrap_or_default();
    if to.is_empty() && !parsed.has('d') && !parsed.has('s') {
        return Err(io.usage());
    }
    let mut map = [None; 256];
    for (index, byte) in from.iter().enumerate() {
        let slot = &mut map[usize::from(*byte)];
        if slot.is_none() {
            *slot = Some(to.get(index).or(to.last()).copied());
        }
    }
    let squeeze = if to.is_empty() || parsed.has('d') && parsed.rest.len() > 1 {
        if to.is_empty() { from } else { to.clone() }
    } else {
        to.clone()
    };
    let mut last = None;
    let mut buffer = [0; 8192];
    loop {
        let length = io.input.read(&mut buffer)?;
        if length == 0 {
            return Ok(0);
        }
        let mut out = Vec::with_capacity(length);
        for &byte in &buffer[..length] {
            let byte = match map[usize::from(byte)] {
                Some(_) if parsed.has('d') => continue,
                Some(Some(target)) => target,
                _ => byte,
            };
            if parsed.has('s') && last == Some(byte) && squeeze.contains(&byte) {
                continue;
            }
            last = Some(byte);
            out.push(byte);
        }
        io.out.write_all(&out)?;
        io.out.flush()?;
    }
}

fn byte_set(text: &str) -> Vec<u8> {
    let text = text
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:alpha:]", "A-Za-z")
        .replace("[:alnum:]", "0-9A-Za-z")
        .replace("[:space:]", "\t\n\x0b\x0c\r ")
        .replace("[:blank:]", "\t ")
        .replace("[:punct:]", "!-/:-@[-`{-~")
        .replace("[:xdigit:]", "0-9A-Fa-f")
        .replace("[:cntrl:]", "\\000-\\037\\177");
    let bytes = unescape(&text, true).0;
    let mut set = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes.get(at + 1) == Some(&b'-') && at + 2 < bytes.len() {
            set.extend(bytes[at]..=bytes[at + 2]);
            at += 3;
        } else {
            set.push(bytes[at]);
            at += 1;
        }
    }
    set
}

/// One key of `sort`.
struct Key {
    start: (usize, usize),
    end: Option<(usize, usize)>,
    options: String,
}

fn key(io: &mut Io<'_>, text: &str) -> Result<Key, Stop> {
    let mut place = |part: &str| -> Result<((usize, usize), String), Stop> {
        let letters = part
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(part.len());
        let (numbers, options) = part.split_at(letters);
        let (field, offset) = numbers.split_once('.').unwrap_or((numbers, "0"));
        match (field.parse(), offset.parse()) {
            (Ok(field), Ok(offset)) => Ok(((field, offset), options.to_owned())),
            _ => Err(io.fail(&format!("invalid number '{part}'"))),
        }
    };
    let (first, second) = match text.split_once(',') {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    };
    let (start, mut options) = place(first)?;
    let end = match second {
        Some(second) => {
            let (end, more) = place(second)?;
            options.push_str(&more);
            Some(end)
        }
        None => None,
    };
    Ok(Key {
        start,
        end,
        options,
    })
}

impl Key {
    fn of<'a>(&self, line: &'a str, separator: Option<char>) -> &'a str {
        let position = |field: usize, offset: usize, end: bool| -> usize {
            let mut at = 0;
            for _ in 1..field {
                at = match separator {
                    Some(separator) => line[at..]
                        .find(separator)
                        .map_or(line.len(), |found| at + found + separator.len_utf8()),
                    None => field_end(line, at),
                };
            }
            if end && offset == 0 {
                return match separator {
                    Some(separator) => line[at..]
                        .find(separator)
                        .map_or(line.len(), |found| at + found),
                    None => field_end(line, at),
                };
            }
            let skip = if end {
                offset
            } else {
                offset.saturating_sub(1)
            };
            line[at..]
                .char_indices()
                .nth(skip)
                .map_or(line.len(), |(index, _)| at + index)
        };
        let start = position(self.start.0.max(1), self.start.1, false);
        let end = self.end.map_or(line.len(), |(field, offset)| {
            position(field.max(1), offset, true)
        });
        line.get(start..end.max(start)).unwrap_or_default()
    }
}

/// The end of the blanks and the field that begin here.
fn field_end(line: &str, at: usize) -> usize {
    let rest = &line[at..];
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[blanks..]
        .find([' ', '\t'])
        .map_or(line.len(), |end| at + blanks + end)
}

fn compare(left: &str, right: &str, options: &str) -> Ordering {
    let trim = |text: &'_ str| -> String {
        if options.contains('b') {
            text.trim_start().to_owned()
        } else {
            text.to_owned()
        }
    };
    let order = if options.contains(['n', 'g', 'h']) {
        number_of(left, options).total_cmp(&number_of(right, options))
    } else if options.contains('V') {
        version_parts(left).cmp(&version_parts(right))
    } else if options.contains('f') {
        trim(left).to_uppercase().cmp(&trim(right).to_uppercase())
    } else if options.contains('b') {
        trim(left).cmp(&trim(right))
    } else {
        left.cmp(right)
    };
    if options.contains('r') {
        order.reverse()
    } else {
        order
    }
}

fn number_of(text: &str, options: &str) -> f64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*c == '-' && *at == 0)))
        .map_or(text.len(), |(at, _)| at);
    let value: f64 = text[..end].parse().unwrap_or(0.0);
    let factor = match text[end..].chars().next() {
        Some('K' | 'k') if options.contains('h') => 1024.0,
        Some('M') if options.contains('h') => 1024.0 * 1024.0,
        Some('G') if options.contains('h') => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    value * factor
}

fn version_parts(text: &str) -> Vec<(bool, u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if digits > 0 {
            parts.push((true, rest[..digits].parse().unwrap_or(0), String::new()));
            rest = &rest[digits..];
        } else {
            let end = rest
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(rest.len());
            parts.push((false, 0, rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    parts
}

fn sort(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut keys = Vec::new();
    for text in parsed.values('k').map(str::to_owned).collect::<Vec<_>>() {
        keys.push(key(io, &text)?);
    }
    let global: String = "nrfgbVh"
        .chars()
        .filter(|letter| parsed.has(*letter))
        .collect();
    let separator = parsed.value('t').and_then(|text| text.chars().next());
    let mut lines: Vec<String> = Vec::new();
    for path in inputs(&parsed) {
        let Some(mut input) = open_plain(io, &path) else {
            return Ok(2);
        };
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        lines.extend(text.split_terminator('\n').map(str::to_owned));
    }
    let by_keys = |left: &String, right: &String| {
        if keys.is_empty() {
            return compare(left, right, &global);
        }
        let mut orders = keys.iter().map(|key| {
            let options = if key.options.is_empty() {
                &global
            } else {
                &key.options
            };
            compare(key.of(left, separator), key.of(right, separator), options)
        });
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    };
    let full = |left: &String, right: &String| {
        by_keys(left, right).then_with(|| {
            match (parsed.has('s') || parsed.has('u'), parsed.has('r')) {
                (true, _) => Ordering::Equal,
                (false, true) => right.cmp(left),
                (false, false) => left.cmp(right),
            }
        })
    };
    if parsed.has('c') {
        for (index, pair) in lines.windows(2).enumerate() {
            if full(&pair[0], &pair[1]).is_gt() {
                io.complain(&format!("-:{}: disorder: {}", index + 2, pair[1]));
                return Ok(1);
            }
        }
        return Ok(0);
    }
    lines.sort_by(full);
    if parsed.has('u') {
        lines.dedup_by(|right, left| by_keys(left, right).is_eq());
    }
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    match parsed.value('o') {
        Some(path) => std::fs::write(path, text)?,
        None => io.out.write_all(text.as_bytes())?,
    }
    Ok(0)
}

fn uniq(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut number = |letter: char, default: usize| -> Result<usize, Stop> {
        match parsed.value(letter).map(str::to_owned) {
            Some(text) => text
                .parse()
                .map_err(|_| io.fail(&format!("invalid number '{text}'"))),
            None => Ok(default),
        }
    };
    let (fields, chars, width) = (number('f', 0)?, number('s', 0)?, number('w', usize::MAX)?);
    let path = parsed.rest.first().map_or("-", String::as_str);
    let Some(input) = io.open(path) else {
        return Ok(1);
    };
    let mut input = BufReader::new(input);
    let same = |line: &str| -> String {
        let mut at = 0;
        for _ in 0..fields {
            at = field_end(line, at);
        }
        let part: String = line[at..].chars().skip(chars).take(width).collect();
        if parsed.has('i') {
            part.to_lowercase()
        } else {
            part
        }
    };
    let mut out = Vec::new();
    let mut current: Option<(String, String, usize)> = None;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let ended = input.read_until(b'\n', &mut bytes)? == 0;
        let line =
            String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
        let this = same(&line);
        match &mut current {
            Some((_, key, count)) if !ended && *key == this => *count += 1,
            _ => {
                if let Some((line, _, count)) = current.replace((line, this, 1))
                    && !(parsed.has('d') && count == 1)
                    && !(parsed.has('u') && count > 1)
                {
                    if parsed.has('c') {
                        write!(out, "{count:7} ")?;
                    }
                    writeln!(out, "{line}")?;
                    if parsed.rest.len() < 2 {
                        io.out.write_all(&std::mem::take(&mut out))?;
                    }
                }
            }
        }
        if ended {
            break;
        }
    }
    if let Some(path) = parsed.rest.get(1) {
        std::fs::write(path, out)?;
    }
    Ok(0)
}

fn wc(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let chosen: Vec<usize> = "lwmcL"
        .chars()
        .enumerate()
        .filter(|(_, letter)| parsed.has(*letter))
        .map(|(index, _)| index)
        .collect();
    let chosen = if chosen.is_empty() {
        vec![0, 1, 3]
    } else {
        chosen
    };
    let paths = inputs(&parsed);
    let mut totals = [0_usize; 5];
    let mut status = 0;
    let print = |io: &mut Io<'_>, counts: &[usize; 5], name: &str| -> Result<(), Stop> {
        let numbers: Vec<String> = match chosen.as_slice() {
            [one] if paths.len() == 1 => vec![counts[*one].to_string()],
            many => many
                .iter()
                .map(|index| format!("{:9}", counts[*index]))
                .collect(),
        };
        let text = numbers.join(" ");
        if name == "-" {
            writeln!(io.out, "{text}")?
        } else {
            writeln!(io.out, "{text} {name}")?
        }
        Ok(())
    };
    for path in &paths {
        let Some(mut input) = open_plain(io, path) else {
            status = 1;
            continue;
        };
        let mut bytes = Vec::new();
        if let Err(error) = input.read_to_end(&mut bytes) {
            io.complain(&format!("{path}: {}", reason(&error)));
            status = 1;
        }
        let text = String::from_utf8_lossy(&bytes);
        let counts = [
            bytes.iter().filter(|byte| **byte == b'\n').count(),
            text.split_whitespace().count(),
            text.chars().count(),
            bytes.len(),
            text.lines()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0),
        ];
        for index in 0..4 {
            totals[index] += counts[index];
        }
        totals[4] = totals[4].max(counts[4]);
        print(io, &counts, path)?;
    }
    if paths.len() > 1 {
        print(io, &totals, "total")?;
    }
    Ok(status)
}

fn tee(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    let mut files = Vec::new();
    for path in &parsed.rest {
        let append = parsed.has('a');
        match std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .append(append)
            .truncate(!append)
            .open(path)
        {
            Ok(file) => files.push(file),
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                status = 1;
            }
        }
    }
    let mut buffer = vec![0; 8192];
    loop {
        let length = io.input.read(&mut buffer)?;
        if length == 0 {
            return Ok(status);
        }
        for file in &mut files {
            file.write_all(&buffer[..length])?;
        }
        io.out.write_all(&buffer[..length])?;
        io.out.flush()?;
    }
}

fn yes(io: &mut Io<'_>) -> Outcome {
    let words = &io.args[1..];
    let line = if words.is_empty() {
        "y".to_owned()
    } else {
        words.join(" ")
    } + "\n";
    let block = line.repeat(4096 / line.len() + 1);
    loop {
        io.out.write_all(block.as_bytes())?;
    }
}
