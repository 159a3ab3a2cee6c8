//! Tools that print lines otherwise: `comm`, `nl`, `paste`, `rev`, `shuf`, `split`, `tac`, `fold`,
//! `expand`, `unexpand`. They never compare but for `comm`.

use std::cmp::Ordering;
use std::io::{BufRead, BufReader, Read, Write};

use super::{Applet, Io, Outcome, Stop, flag, inputs, open_plain, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "comm",
        operands: "FILE1 FILE2",
        help: "Compare FILE1 with FILE2",
        flags: &[
            flag('1', "", "Suppress lines unique to FILE1"),
            flag('2', "", "Suppress lines unique to FILE2"),
            flag('3', "", "Suppress lines common to both files"),
        ],
        run: comm,
    },
    Applet {
        name: "expand",
        operands: "[FILE]...",
        help: "Convert tabs to spaces, writing to stdout",
        flags: &[
            flag('i', "initial", "Don't convert tabs after non blanks"),
            value('t', "tabs", "N", "Tabstops every N chars"),
        ],
        run: expand,
    },
    Applet {
        name: "fold",
        operands: "[FILE]...",
        help: "Wrap input lines in FILEs (or stdin), writing to stdout",
        flags: &[
            flag('b', "", "Count bytes rather than columns"),
            flag('s', "", "Break at spaces"),
            value('w', "", "WIDTH", "Use WIDTH columns instead of 80"),
        ],
        run: fold,
    },
    Applet {
        name: "nl",
        operands: "[FILE]...",
        help: "Write FILEs to standard output with line numbers added",
        flags: &[
            value(
                'b',
                "",
                "STYLE",
                "Which lines to number - a: all, t: nonempty, n: none",
            ),
            value('i', "", "N", "Line number increment"),
            value('s', "", "STRING", "Use STRING as line number separator"),
            value('v', "", "N", "Start from N"),
            value('w', "", "N", "Width of line numbers"),
        ],
        run: nl,
    },
    Applet {
        name: "paste",
        operands: "[FILE]...",
        help: "Paste lines from each input file, separated with tab",
        flags: &[
            value('d', "", "LIST", "Use delimiters from LIST, not tab"),
            flag('s', "", "Serial: one file at a time"),
        ],
        run: paste,
    },
    Applet {
        name: "rev",
        operands: "[FILE]...",
        help: "Reverse lines of FILE",
        flags: &[],
        run: rev,
    },
    Applet {
        name: "shuf",
        operands: "[FILE | -e [ARG...] | -i L-H]",
        help: "Randomly permute lines",
        flags: &[
            value('n', "", "NUM", "Output at most NUM lines"),
            value('o', "", "FILE", "Write to FILE, not standard output"),
            flag('z', "", "NUL terminated output"),
            flag('e', "", "Treat ARGs as lines"),
            value('i', "", "L-H", "Treat numbers L-H as lines"),
        ],
        run: shuf,
    },
    Applet {
        name: "split",
        operands: "[INPUT [PREFIX]]",
        help: "Split INPUT into files PREFIXaa, PREFIXab, ...",
        flags: &[
            value('b', "", "N[k|m]", "Split by N (kilo|mega)bytes"),
            value('l', "", "N", "Split by N lines"),
            value('a', "", "N", "Use N letters as suffix"),
        ],
        run: split,
    },
    Applet {
        name: "tac",
        operands: "[FILE]...",
        help: "Concatenate FILEs and print them in reverse",
        flags: &[],
        run: tac,
    },
    Applet {
        name: "unexpand",
        operands: "[FILE]...",
        help: "Convert spaces to tabs, writing to stdout",
        flags: &[
            flag('a', "all", "Convert all blanks"),
            flag('f', "first-only", "Convert only leading blanks"),
            value('t', "tabs", "N", "Tabstops every N chars"),
        ],
        run: unexpand,
    },
];

/// A positive number given to an option.
pub(super) fn count(io: &mut Io<'_>, text: Option<&str>, default: usize) -> Result<usize, Stop> {
    let Some(text) = text.map(str::to_owned) else {
        return Ok(default);
    };
    text.parse()
        .map_err(|_| io.fail(&format!("invalid number '{text}'")))
}

/// Calls `each` with every line of the operands, without its end; the exit code.
pub(super) fn each_line(
    io: &mut Io<'_>,
    paths: &[String],
    mut each: impl FnMut(&mut Io<'_>, &[u8]) -> Result<(), Stop>,
) -> Outcome {
    let mut status = 0;
    for path in paths {
        let Some(input) = open_plain(io, path) else {
            status = 1;
            continue;
        };
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        while {
            line.clear();
            input.read_until(b'\n', &mut line)? > 0
        } {
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            each(io, &line)?;
        }
    }
    Ok(status)
}

fn tac(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    for path in inputs(&parsed) {
        let Some(mut input) = open_plain(io, &path) else {
            status = 1;
            continue;
        };
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for line in lines.into_iter().rev() {
            io.out.write_all(line)?;
        }
    }
    Ok(status)
}

fn rev(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    each_line(io, &inputs(&parsed), |io, line| {
        let text: String = String::from_utf8_lossy(line).chars().rev().collect();
        writeln!(io.out, "{text}")?;
        Ok(())
    })
}

fn nl(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let style = parsed.value('b').unwrap_or("t").to_owned();
    let step = count(io, parsed.value('i'), 1)?;
    let width = count(io, parsed.value('w'), 6)?.min(200);
    let mut number = count(io, parsed.value('v'), 1)?;
    let separator = parsed.value('s').unwrap_or("\t").to_owned();
    each_line(io, &inputs(&parsed), |io, line| {
        if style == "a" || style == "t" && !line.is_empty() {
            write!(io.out, "{number:width$}{separator}")?;
            number += step;
        } else {
            write!(io.out, "{:1$}", "", width + separator.len())?;
        }
        io.out.write_all(line)?;
        io.out.write_all(b"\n")?;
        Ok(())
    })
}

fn paste(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let list = parsed.value('d').unwrap_or("\t").to_owned();
    let mut between: Vec<Vec<u8>> = Vec::new();
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        let text = match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => "\n".to_owned(),
                Some('t') => "\t".to_owned(),
                Some('0') => String::new(),
                other => other.map_or_else(String::new, String::from),
            },
            (c, false) => c.to_string(),
        };
        between.push(text.into_bytes());
    }
    if between.is_empty() {
        between.push(Vec::new());
    }
    let mut files = Vec::new();
    for path in inputs(&parsed) {
        if path == "-" {
            files.push(Some(Side::Stdin));
            continue;
        }
        let Some(input) = open_plain(io, &path) else {
            return Ok(1);
        };
        files.push(Some(Side::File(BufReader::new(input))));
    }
    let mut line = Vec::new();
    if parsed.has('s') {
        for file in files.iter_mut().flatten() {
            let mut index = 0;
            while file.line(&mut line)? {
                if index > 0 {
                    io.out.write_all(&between[(index - 1) % between.len()])?;
                }
                io.out.write_all(&line)?;
                index += 1;
            }
            io.out.write_all(b"\n")?;
        }
        return Ok(0);
    }
    loop {
        let mut out = Vec::new();
        let mut any = false;
        for (index, slot) in files.iter_mut().enumerate() {
            if index > 0 {
                out.extend_from_slice(&between[(index - 1) % between.len()]);
            }
            if let Some(file) = slot {
                if file.line(&mut line)? {
                    any = true;
                    out.extend_from_slice(&line);
                } else {
                    *slot = None;
                }
            }
        }
        if !any {
            return Ok(0);
        }
        out.push(b'\n');
        io.out.write_all(&out)?;
    }
}

/// A column of `paste`. Standard input may be several, which take turns.
enum Side {
    Stdin,
    File(BufReader<Box<dyn Read>>),
}

impl Side {
    /// The next line without its end; false when there is none.
    fn line(&mut self, line: &mut Vec<u8>) -> std::io::Result<bool> {
        line.clear();
        match self {
            Self::Stdin => std::io::stdin().lock().read_until(b'\n', line)?,
            Self::File(file) => file.read_until(b'\n', line)?,
        };
        let any = !line.is_empty();
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(any)
    }
}

fn comm(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [first, second] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let mut sides = Vec::new();
    for path in [first, second] {
        let Some(bytes) = io.slurp(path) else {
            return Ok(1);
        };
        let mut lines: Vec<Vec<u8>> = bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        lines.pop_if(|last| last.is_empty());
        sides.push(lines);
    }
    let shown = |column: char| !parsed.has(column);
    let tab = |column: char| if shown(column) { "\t" } else { "" };
    let (mut left, mut right) = (sides[0].iter().peekable(), sides[1].iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return Ok(0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(right),
        };
        let (column, indent, line) = match order {
            Ordering::Less => ('1', String::new(), left.next()),
            Ordering::Greater => ('2', tab('1').to_owned(), right.next()),
            Ordering::Equal => {
                right.next();
                ('3', format!("{}{}", tab('1'), tab('2')), left.next())
            }
        };
        if shown(column) {
            io.out.write_all(indent.as_bytes())?;
            io.out.write_all(line.map_or(&[][..], Vec::as_slice))?;
            io.out.write_all(b"\n")?;
        }
    }
}

fn fold(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let width = count(io, parsed.value('w'), 80)?.max(1);
    let mut status = 0;
    for path in inputs(&parsed) {
        let Some(mut input) = open_plain(io, &path) else {
            status = 1;
            continue;
        };
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            fold_line(io, line, width, (parsed.has('b'), parsed.has('s')))?;
        }
    }
    Ok(status)
}

fn fold_line(
    io: &mut Io<'_>,
    line: &[u8],
    width: usize,
    (bytes, spaces): (bool, bool),
) -> Result<(), Stop> {
    let text = String::from_utf8_lossy(line);
    let mut piece = String::new();
    let mut column = 0;
    let step = |column: usize, c: char| match c {
        c if bytes => column + c.len_utf8(),
        '\t' => (column / 8 + 1) * 8,
        '\x08' => column.saturating_sub(1),
        '\r' => 0,
        c => column + super::screen::width(c),
    };
    for c in text.chars() {
        if c != '\n' && step(column, c) > width && !piece.is_empty() {
            let at = match piece.rfind([' ', '\t']) {
                Some(at) if spaces => at + 1,
                _ => piece.len(),
            };
            let rest = piece.split_off(at);
            writeln!(io.out, "{piece}")?;
            column = rest.chars().fold(0, step);
            piece = rest;
        }
        column = step(column, c);
        piece.push(c);
    }
    io.out.write_all(piece.as_bytes())?;
    Ok(())
}

fn expand(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let stop = count(io, parsed.value('t'), 8)?.max(1);
    each_line(io, &inputs(&parsed), |io, line| {
        let text = String::from_utf8_lossy(line);
        let (mut out, mut column, mut leading) = (String::new(), 0, true);
        for c in text.chars() {
            leading &= c == ' ' || c == '\t';
            if c == '\t' && (leading || !parsed.has('i')) {
                let next = (column / stop + 1) * stop;
                out.push_str(&" ".repeat(next - column));
                column = next;
            } else {
                out.push(c);
                column += super::screen::width(c);
            }
        }
        writeln!(io.out, "{out}")?;
        Ok(())
    })
}

fn unexpand(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let stop = count(io, parsed.value('t'), 8)?.max(1);
    let all = (parsed.has('a') || parsed.value('t').is_some()) && !parsed.has('f');
    each_line(io, &inputs(&parsed), |io, line| {
        let text = String::from_utf8_lossy(line);
        let (mut out, mut column, mut blanks, mut leading) = (String::new(), 0, 0, true);
        let fill = |out: &mut String, from: usize, to: usize| {
            let mut at = from;
            while (at / stop + 1) * stop <= to && to - at > usize::from(!at.is_multiple_of(stop)) {
                out.push('\t');
                at = (at / stop + 1) * stop;
            }
            out.push_str(&" ".repeat(to - at));
        };
        for c in text.chars() {
            match c {
                ' ' if leading || all => blanks += 1,
                '\t' if leading || all => blanks = ((column + blanks) / stop + 1) * stop - column,
                c => {
                    leading = false;
                    fill(&mut out, column, column + blanks);
                    column += blanks + super::screen::width(c);
                    blanks = 0;
                    out.push(c);
                }
            }
        }
        fill(&mut out, column, column + blanks);
        writeln!(io.out, "{out}")?;
        Ok(())
    })
}

fn shuf(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let limit = count(io, parsed.value('n'), usize::MAX)?;
    let mut lines: Vec<Vec<u8>> = if parsed.has('e') {
        parsed
            .rest
            .iter()
            .map(|arg| arg.clone().into_bytes())
            .collect()
    } else if let Some(range) = parsed.value('i').map(str::to_owned) {
        let numbers = range
            .split_once('-')
            .and_then(|(low, high)| Some((low.parse::<u64>().ok()?, high.parse::<u64>().ok()?)));
        let Some((low, high)) = numbers.filter(|(low, high)| low <= high) else {
            return Err(io.fail(&format!("bad range '{range}'")));
        };
        (low..=high)
            .map(|number| number.to_string().into_bytes())
            .collect()
    } else {
        let path = parsed.rest.first().map_or("-", String::as_str);
        let Some(bytes) = io.slurp_plain(path) else {
            return Ok(1);
        };
        let mut lines: Vec<Vec<u8>> = bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        lines.pop_if(|last| last.is_empty());
        lines
    };
    for index in (1..lines.len()).rev() {
        let other = super::chance::below(index as u64 + 1);
        lines.swap(index, usize::try_from(other).unwrap_or(0));
    }
    let end = if parsed.has('z') { 0 } else { b'\n' };
    let mut out = Vec::new();
    for line in lines.into_iter().take(limit) {
        out.extend_from_slice(&line);
        out.push(end);
    }
    match parsed.value('o') {
        Some(path) => std::fs::write(path, out)?,
        None => io.out.write_all(&out)?,
    }
    Ok(0)
}

fn split(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let letters = count(io, parsed.value('a'), 2)?.clamp(1, 10);
    let size = match parsed.value('b').map(str::to_owned) {
        Some(text) => Some(super::ends::count(io, &text)?),
        None => None,
    };
    let lines = count(io, parsed.value('l'), 1000)?.max(1);
    let path = parsed.rest.first().map_or("-", String::as_str).to_owned();
    let prefix = parsed.rest.get(1).map_or("x", String::as_str);
    let Some(bytes) = io.slurp(&path) else {
        return Ok(1);
    };
    let parts: Vec<Vec<u8>> = match size {
        Some(size) => {
            let size = usize::try_from(size).unwrap_or(usize::MAX).max(1);
            bytes.chunks(size).map(<[u8]>::to_vec).collect()
        }
        None => {
            let all: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            all.chunks(lines).map(|chunk| chunk.concat()).collect()
        }
    };
    for (index, part) in parts.into_iter().enumerate() {
        let mut suffix = vec![b'a'; letters];
        let mut rest = index;
        for letter in suffix.iter_mut().rev() {
            *letter += (rest % 26).to_le_bytes()[0];
            rest /= 26;
        }
        if rest > 0 {
            return Err(io.fail("suffixes exhausted"));
        }
        let name = format!("{prefix}{}", String::from_utf8_lossy(&suffix));
        std::fs::write(name, part)?;
    }
    Ok(0)
}
