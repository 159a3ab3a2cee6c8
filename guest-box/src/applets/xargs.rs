//! `xargs`: a program run on what standard input lists. It never asks whether to run (`-p`), since
//! there is no terminal to ask on beside its input.

use std::io::{Read, Write};

use guest_kit::process::Child;

use super::command::start;
use super::{Applet, Io, Outcome, Parsed, Stop, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "xargs",
    operands: "[PROG ARGS]",
    help: "Run PROG on every item given by stdin",
    flags: &[
        flag('0', "", "NUL terminated input"),
        value('a', "", "FILE", "Read from FILE instead of stdin"),
        flag('r', "", "Don't run command if input is empty"),
        flag('t', "", "Print the command on stderr before execution"),
        value('E', "", "STR", "STR stops input processing"),
        value('e', "", "[STR]", "STR stops input processing"),
        value(
            'I',
            "",
            "STR",
            "Replace STR within PROG ARGS with input line",
        ),
        value('n', "", "N", "Pass no more than N args to PROG"),
        value('s', "", "N", "Pass command line of no more than N bytes"),
        value('P', "", "N", "Run up to N PROGs in parallel"),
        flag('x', "", "Exit if size is exceeded"),
    ],
    run: xargs,
}];

/// How long a command line gets when nobody says.
const LONGEST: usize = 32 * 1024;

fn xargs(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    let mut command = parsed.rest.clone();
    if command.is_empty() {
        command.push("echo".into());
    }
    let most = limit(io, &parsed, 'n', 1)?.unwrap_or(usize::MAX);
    let longest = limit(io, &parsed, 's', 1)?.unwrap_or(LONGEST);
    let parallel = limit(io, &parsed, 'P', 0)?.unwrap_or(1);
    let bytes = match parsed.value('a').map(str::to_owned) {
        Some(path) => match io.slurp(&path) {
            Some(bytes) => bytes,
            None => return Ok(1),
        },
        None => {
            let mut bytes = Vec::new();
            io.input.read_to_end(&mut bytes)?;
            bytes
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let replaced = parsed.value('I').map(str::to_owned);
    let mut items: Vec<String> = if parsed.has('0') {
        text.split_terminator('\0').map(str::to_owned).collect()
    } else if replaced.is_some() {
        let lines = text.lines().map(|line| line.trim_start().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    } else {
        words(&text).map_err(|quote| io.fail(&format!("unmatched {quote} quote")))?
    };
    let end = parsed.in_order("Ee").last().map(|(_, end)| end.to_owned());
    if let Some(end) = end.filter(|end| !end.is_empty() && !parsed.has('0'))
        && let Some(at) = items.iter().position(|item| *item == end)
    {
        items.truncate(at);
    }
    if let Some(mark) = replaced {
        let runs = items.iter().map(|item| {
            let words = command.iter().map(|word| word.replace(&mark, item));
            words.collect()
        });
        return run_all(io, &parsed, runs, parallel);
    }
    if items.is_empty() && !parsed.has('r') {
        return run_all(io, &parsed, std::iter::once(command), parallel);
    }
    let fixed: usize = command.iter().map(|word| word.len() + 1).sum();
    let mut runs: Vec<Vec<String>> = Vec::new();
    let (mut length, mut count) = (0, 0);
    let mut too_long = false;
    for item in items {
        let more = item.len() + 1;
        if fixed + more > longest {
            too_long = true;
            break;
        }
        if runs.is_empty() || count == most || length + more > longest {
            runs.push(command.clone());
            (length, count) = (fixed, 0);
        }
        if let Some(run) = runs.last_mut() {
            run.push(item);
        }
        (length, count) = (length + more, count + 1);
    }
    let status = run_all(io, &parsed, runs.into_iter(), parallel)?;
    if too_long {
        return Err(io.fail("argument line too long"));
    }
    Ok(status)
}

fn limit(
    io: &mut Io<'_>,
    parsed: &Parsed,
    letter: char,
    least: usize,
) -> Result<Option<usize>, Stop> {
    let Some(text) = parsed.value(letter).map(str::to_owned) else {
        return Ok(None);
    };
    match text.parse::<usize>() {
        Ok(number) if number < least => {
            Err(io.fail(&format!("number {text} is not in 1..2147483647 range")))
        }
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(io.fail(&format!("invalid number '{text}'"))),
    }
}

/// Runs the commands, so many at once; 0 is as many as there are.
fn run_all(
    io: &mut Io<'_>,
    parsed: &Parsed,
    runs: impl Iterator<Item = Vec<String>>,
    parallel: usize,
) -> Outcome {
    let parallel = if parallel == 0 { usize::MAX } else { parallel };
    let mut status = 0;
    let mut running: Vec<(String, Child)> = Vec::new();
    for argv in runs {
        if parsed.has('t') {
            writeln!(io.err, "{}", argv.join(" "))?;
        }
        running.push((argv[0].clone(), start(io, argv, None)?));
        if running.len() >= parallel {
            let (name, child) = running.remove(0);
            status = finish(io, &name, &child, status);
            if status == 124 {
                break;
            }
        }
    }
    for (name, child) in &running {
        status = finish(io, name, child, status);
    }
    Ok(status)
}

/// Waits for a program; what xargs ends with after it.
fn finish(io: &mut Io<'_>, name: &str, child: &Child, status: i32) -> i32 {
    match child.wait().status() {
        0 => status,
        255 => {
            io.complain(&format!("{name}: exited with status 255; aborting"));
            124
        }
        _ => status.max(123),
    }
}

/// Splits text as xargs does: blanks separate, quotes and backslashes protect. The error is the
/// kind of a quote that is not closed.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some('"') => Err("double"),
        Some(_) => Err("single"),
        None => Ok(words),
    }
}
