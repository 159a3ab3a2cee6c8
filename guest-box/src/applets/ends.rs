//! `head` and `tail`: one end of a file. Only `tail -f` ever waits.

use std::io::{BufRead, BufReader, Read, Write};

use super::{Applet, Io, Outcome, Parsed, Stop, flag, inputs, open_plain, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "head",
        operands: "[FILE]...",
        help: "Print first 10 lines of FILEs (or stdin).\nWith more than one FILE, precede each with a filename header.",
        flags: HEAD,
        run: head,
    },
    Applet {
        name: "tail",
        operands: "[FILE]...",
        help: "Print last 10 lines of FILEs (or stdin) to.\nWith more than one FILE, precede each with a filename header.",
        flags: &[
            value('n', "", "[+]N", "Print last N lines, or from the Nth"),
            value('c', "", "[+]N", "Print last N bytes, or from the Nth"),
            flag('f', "", "Print data as file grows"),
            flag('F', "", "Same as -f, but keep retrying"),
            value('s', "", "SECONDS", "Wait SECONDS between reads with -f"),
            flag('q', "", "Never print headers"),
            flag('v', "", "Always print headers"),
        ],
        run: tail,
    },
];

const HEAD: &[super::Flag] = &[
    value('n', "", "N", "Print first N lines"),
    value('c', "", "N", "Print first N bytes"),
    flag('q', "", "Never print headers"),
    flag('v', "", "Always print headers"),
];

/// A count with the suffixes b, k and m.
pub(super) fn count(io: &mut Io<'_>, text: &str) -> Result<u64, Stop> {
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
    let pause = match parsed.value('s').map(str::to_owned) {
        Some(text) => match text.parse() {
            Ok(seconds) => seconds,
            Err(_) => return Err(io.fail(&format!("invalid number '{text}'"))),
        },
        None => 1,
    };
    let mut last = None;
    for path in &paths {
        let Some(mut input) = io.open(path) else {
            status = 1;
            if parsed.has('F') {
                follow.push((path.clone(), 0));
            }
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
            last = Some(path.clone());
        }
    }
    if status != 0 && follow.is_empty() {
        io.complain("no files");
        return Ok(1);
    }
    while (parsed.has('f') || parsed.has('F')) && !follow.is_empty() {
        io.out.flush()?;
        guest_kit::sleep(std::time::Duration::from_secs(pause));
        for (path, offset) in &mut follow {
            if parsed.has('F') && std::fs::metadata(&*path).is_ok_and(|found| found.len() < *offset)
            {
                // Another file has taken its place.
                *offset = 0;
            }
            let mut more = Vec::new();
            if let Ok(mut input) = guest_kit::process::Input::open_at(&*path, *offset)
                && input.read_to_end(&mut more).is_ok()
                && !more.is_empty()
            {
                *offset += more.len() as u64;
                if last.as_ref() != Some(path) {
                    header(io, &parsed, path, paths.len() > 1, &mut first)?;
                    last = Some(path.clone());
                }
                io.out.write_all(&more)?;
            }
        }
    }
    Ok(status)
}
