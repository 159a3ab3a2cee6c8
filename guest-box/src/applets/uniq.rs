//! `uniq`: neighbours that are alike. It never sorts.

use std::io::{BufRead, BufReader, Write};

use super::sort::field_end;
use super::{Applet, Io, Outcome, Stop, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "uniq",
    operands: "[FILE [OUTFILE]]",
    help: "Discard duplicate lines",
    flags: &[
        flag('c', "", "Prefix lines by the number of occurrences"),
        flag('d', "", "Only print duplicate lines"),
        flag('u', "", "Only print unique lines"),
        flag('i', "", "Ignore case"),
        flag('z', "", "NUL terminated input and output"),
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
}];

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
    let whole = fields == 0 && chars == 0 && width == usize::MAX && !parsed.has('i');
    let same = |line: &str| -> Option<String> {
        if whole {
            return None;
        }
        let mut at = 0;
        for _ in 0..fields {
            at = field_end(line, at);
        }
        let part: String = line[at..].chars().skip(chars).take(width).collect();
        Some(if parsed.has('i') {
            part.to_lowercase()
        } else {
            part
        })
    };
    let mut out = Vec::new();
    // A line, what of it counts unless all does, and how often it came.
    let mut current: Option<(String, Option<String>, usize)> = None;
    let mut bytes = Vec::new();
    let end = if parsed.has('z') { b'\0' } else { b'\n' };
    loop {
        bytes.clear();
        let ended = input.read_until(end, &mut bytes)? == 0;
        let line =
            String::from_utf8_lossy(bytes.strip_suffix(&[end]).unwrap_or(&bytes)).into_owned();
        let this = same(&line);
        match &mut current {
            Some((before, key, count)) if !ended && *key == this && (!whole || *before == line) => {
                *count += 1;
            }
            _ => {
                if let Some((line, _, count)) = current.replace((line, this, 1))
                    && !(parsed.has('d') && count == 1)
                    && !(parsed.has('u') && count > 1)
                {
                    if parsed.has('c') {
                        write!(out, "{count:7} ")?;
                    }
                    write!(out, "{line}{}", char::from(end))?;
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
