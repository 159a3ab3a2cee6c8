//! `cut`: parts of lines. It never joins lines.

use std::io::{BufRead, BufReader, Write};

use super::{Applet, Io, Outcome, Stop, flag, inputs, open_plain, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "cut",
    operands: "[FILE]...",
    help: "Print selected fields from FILEs to stdout",
    flags: &[
        value('b', "", "LIST", "Output only bytes from LIST"),
        value('c', "", "LIST", "Output only characters from LIST"),
        value('d', "", "SEP", "Field delimiter (default -f TAB)"),
        value('f', "", "LIST", "Print only these fields"),
        flag('D', "", "Keep the order of LIST"),
        flag('s', "", "Output only lines containing delimiter"),
        flag('n', "", "Ignored"),
        value('O', "output-delimiter", "SEP", "Output field delimiter"),
    ],
    run: cut,
}];

/// What is listed, in the order of the text unless it is to be kept.
fn ranges(io: &mut Io<'_>, list: &str, keep: bool) -> Result<Vec<(usize, usize)>, Stop> {
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
    if !keep {
        ranges.sort_unstable();
    }
    Ok(ranges)
}

fn cut(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(kind) = parsed.last_of("bcf") else {
        return Err(io.fail("expected a list of bytes, characters, or fields"));
    };
    let list = parsed.value(kind).unwrap_or_default().to_owned();
    let ranges = ranges(io, &list, parsed.has('D'))?;
    let repeats = kind == 'f' && parsed.has('D');
    // The places in a line of so many parts, in the order they are printed.
    let chosen = |parts: usize| -> Vec<usize> {
        let mut places = Vec::new();
        let mut seen = vec![false; parts];
        for (low, high) in &ranges {
            for place in *low..=(*high).min(parts) {
                if !std::mem::replace(&mut seen[place - 1], true) || repeats {
                    places.push(place - 1);
                }
            }
        }
        places
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
                    let fields: Vec<&str> = line.split(delimiter.as_str()).collect();
                    let places = chosen(fields.len()).into_iter();
                    places
                        .map(|at| fields[at])
                        .collect::<Vec<_>>()
                        .join(&joiner)
                }
            } else {
                let chars: Vec<char> = line.chars().collect();
                let places = chosen(chars.len()).into_iter();
                places.map(|at| chars[at]).collect()
            };
            writeln!(io.out, "{text}")?;
        }
    }
    Ok(status)
}
