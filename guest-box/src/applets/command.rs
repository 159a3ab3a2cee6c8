//! Tools that run another program or say what it would get: `env`, `printenv`, `sleep`, `time`,
//! `timeout`, `which`, `xargs`. They never look at processes that they did not start.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use guest_kit::process::{Child, Command, SpawnError};
use guest_kit::signals;

use super::process::signal_number;
use super::{Applet, Io, Outcome, Stop, flag, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "env",
        operands: "[NAME=VALUE]... [PROG ARGS]",
        help: "Print current environment or run PROG after setting up environment",
        flags: &[
            flag('i', "", "Start with empty environment"),
            value('u', "", "NAME", "Unset variable"),
        ],
        run: env,
    },
    Applet {
        name: "printenv",
        operands: "[VARIABLE]...",
        help: "Print environment VARIABLEs.\nIf no VARIABLE specified, print all.",
        flags: &[],
        run: printenv,
    },
    Applet {
        name: "sleep",
        operands: "[N]...",
        help: "Pause for a time equal to the total of the args given, where each arg can have\nan optional suffix of (s)econds, (m)inutes, (h)ours, or (d)ays",
        flags: &[],
        run: sleep,
    },
    Applet {
        name: "time",
        operands: "PROG ARGS",
        help: "Run PROG, display resource usage when it exits",
        flags: &[flag('p', "", "POSIX output format")],
        run: time,
    },
    Applet {
        name: "timeout",
        operands: "SECS PROG ARGS",
        help: "Run PROG. Send SIG to it if it is not gone in SECS seconds.",
        flags: &[
            value('s', "", "SIG", "The signal (default TERM)"),
            value(
                'k',
                "",
                "KILL_SECS",
                "Send KILL after that many more seconds",
            ),
        ],
        run: timeout,
    },
    Applet {
        name: "which",
        operands: "[COMMAND]...",
        help: "Locate COMMAND",
        flags: &[flag('a', "", "Show all matches")],
        run: which,
    },
    Applet {
        name: "xargs",
        operands: "[PROG ARGS]",
        help: "Run PROG on every item given by stdin",
        flags: &[
            flag('0', "", "NUL terminated input"),
            flag('r', "", "Don't run command if input is empty"),
            flag('t', "", "Print the command on stderr before execution"),
            value('n', "", "N", "Pass no more than N args to PROG"),
            value(
                'I',
                "",
                "STR",
                "Replace STR within PROG ARGS with input line",
            ),
            value('P', "", "N", "Run up to N PROGs in parallel"),
        ],
        run: xargs,
    },
];

/// A time with a unit: `1.5`, `2m`, `inf`.
fn duration(text: &str) -> Option<Duration> {
    if matches!(text, "inf" | "infinity") {
        return Some(Duration::MAX);
    }
    let (digits, factor) = match text.chars().last()? {
        's' => (&text[..text.len() - 1], 1.0),
        'm' => (&text[..text.len() - 1], 60.0),
        'h' => (&text[..text.len() - 1], 3600.0),
        'd' => (&text[..text.len() - 1], 86_400.0),
        _ => (text, 1.0),
    };
    let seconds: f64 = digits.parse().ok()?;
    Duration::try_from_secs_f64(seconds * factor).ok()
}

fn sleep(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let mut total = Duration::ZERO;
    for text in &parsed.rest {
        match duration(text) {
            Some(part) => total = total.saturating_add(part),
            None => return Err(io.fail(&format!("invalid number '{text}'"))),
        }
    }
    loop {
        // A sleep of years is many sleeps: clocks count nanoseconds in 64 bits.
        let part = total.min(Duration::from_secs(86_400 * 365));
        guest_kit::sleep(part);
        if total == Duration::MAX {
            continue;
        }
        total -= part;
        if total.is_zero() {
            return Ok(0);
        }
    }
}

/// Starts a program, or says why not and with which code to end.
pub(super) fn start(
    io: &mut Io<'_>,
    argv: Vec<String>,
    env: Option<Vec<(String, String)>>,
) -> Result<Child, Stop> {
    let mut command = Command::new(argv[0].clone());
    if let Some(env) = env {
        command.env = env;
    }
    let name = argv[0].clone();
    command.argv = argv;
    let quoted = if matches!(io.applet.name, "find" | "xargs") {
        name
    } else {
        format!("can't execute '{name}'")
    };
    // What was written so far comes before what the program writes.
    io.out.flush()?;
    command.spawn().map_err(|error| {
        let (status, reason) = match error {
            SpawnError::NotFound => (127, "No such file or directory"),
            SpawnError::NotExecutable => (126, "Permission denied"),
            SpawnError::TooMany => (1, "Resource temporarily unavailable"),
        };
        io.complain(&format!("{quoted}: {reason}"));
        Stop::Status(status)
    })
}

fn env(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    let mut env: Vec<(String, String)> = if parsed.has('i') {
        Vec::new()
    } else {
        std::env::vars().collect()
    };
    env.retain(|(name, _)| !parsed.values('u').any(|unset| unset == name));
    let mut rest = parsed.rest.as_slice();
    while let Some((name, value)) = rest.first().and_then(|word| word.split_once('=')) {
        env.retain(|(known, _)| known != name);
        env.push((name.to_owned(), value.to_owned()));
        rest = &rest[1..];
    }
    if rest.is_empty() {
        for (name, value) in env {
            writeln!(io.out, "{name}={value}")?;
        }
        return Ok(0);
    }
    let mut argv = rest.to_vec();
    if !argv[0].contains('/') && !env.iter().any(|(name, _)| name == "PATH") {
        // Where the C library looks without a PATH.
        let found = ["/bin", "/usr/bin"].map(|dir| format!("{dir}/{}", argv[0]));
        if let Some(path) = found
            .into_iter()
            .find(|path| std::path::Path::new(path).is_file())
        {
            argv[0] = path;
        }
    }
    let child = start(io, argv, Some(env))?;
    Ok(follow(&child))
}

fn printenv(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        for (name, value) in std::env::vars() {
            writeln!(io.out, "{name}={value}")?;
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in &parsed.rest {
        match std::env::var(name) {
            Ok(value) => writeln!(io.out, "{value}")?,
            Err(_) => status = 1,
        }
    }
    Ok(status)
}

/// Waits for a program that has taken this process's place, and passes signals on to it.
fn follow(child: &Child) -> i32 {
    signals::handle(&[1, 2, 3, 10, 12, 15]);
    loop {
        guest_kit::poll(&[child, &signals::source()], None);
        while let Some(signal) = signals::next() {
            child.kill(signal);
        }
        if let Some(exit) = child.try_wait() {
            return exit.status();
        }
    }
}

fn time(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let begin = Instant::now();
    let child = start(io, parsed.rest.clone(), None)?;
    let status = child.wait().status();
    let seconds = begin.elapsed().as_secs_f64();
    if parsed.has('p') {
        writeln!(io.err, "real {seconds:.2}\nuser 0.00\nsys 0.00")?;
    } else {
        let minutes = (seconds / 60.0).floor();
        writeln!(
            io.err,
            "real\t{minutes}m {:.2}s\nuser\t0m 0.00s\nsys\t0m 0.00s",
            seconds - minutes * 60.0
        )?;
    }
    Ok(status)
}

fn timeout(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    let [limit, _, ..] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let Some(limit) = duration(limit) else {
        return Err(io.fail(&format!("invalid number '{}'", parsed.rest[0])));
    };
    let signal = match parsed.value('s').map(str::to_owned) {
        Some(name) => {
            signal_number(&name).ok_or_else(|| io.fail(&format!("unknown signal '{name}'")))?
        }
        None => 15,
    };
    let child = start(io, parsed.rest[1..].to_vec(), None)?;
    guest_kit::poll(&[&child], Some(limit));
    if child.try_wait().is_none() {
        child.kill(signal);
        let grace = parsed.value('k').and_then(duration);
        if let Some(grace) = grace {
            guest_kit::poll(&[&child], Some(grace));
            child.kill(9);
        }
        child.wait();
        return Ok(143);
    }
    Ok(child.wait().status())
}

fn which(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let path = std::env::var("PATH").unwrap_or_else(|_| "/sbin:/usr/sbin:/bin:/usr/bin".into());
    let mut status = 0;
    for name in &parsed.rest {
        let mut found = path
            .split(':')
            .map(|dir| format!("{dir}/{name}"))
            .filter(|path| std::path::Path::new(path).is_file());
        if name.contains('/') && std::path::Path::new(name).is_file() {
            writeln!(io.out, "{name}")?;
            continue;
        }
        match found.next() {
            Some(path) => writeln!(io.out, "{path}")?,
            None => status = 1,
        }
    }
    Ok(status)
}

fn xargs(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    let mut command = parsed.rest.clone();
    if command.is_empty() {
        command.push("echo".into());
    }
    let mut text = String::new();
    let mut bytes = Vec::new();
    io.input.read_to_end(&mut bytes)?;
    text.push_str(&String::from_utf8_lossy(&bytes));
    let replaced = parsed.value('I').map(str::to_owned);
    let items: Vec<String> = if parsed.has('0') {
        text.split_terminator('\0').map(str::to_owned).collect()
    } else if replaced.is_some() {
        text.lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    } else {
        words(&text)
    };
    let limit = match parsed.value('n').map(str::to_owned) {
        Some(count) => count
            .parse::<usize>()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| io.fail(&format!("invalid number '{count}'")))?,
        None => usize::MAX,
    };
    let runs: Vec<Vec<String>> = match &replaced {
        Some(mark) => items
            .iter()
            .map(|item| {
                command
                    .iter()
                    .map(|word| word.replace(mark.as_str(), item))
                    .collect()
            })
            .collect(),
        None if items.is_empty() && parsed.has('r') => Vec::new(),
        None if items.is_empty() => vec![command.clone()],
        None => items
            .chunks(limit.min(items.len()))
            .map(|chunk| command.iter().chain(chunk).cloned().collect())
            .collect(),
    };
    let parallel = parsed
        .value('P')
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(1)
        .max(1);
    let mut status = 0;
    let mut running: Vec<Child> = Vec::new();
    let mut finish = |child: &Child| match child.wait().status() {
        0 => {}
        255 => status = 124,
        126 | 127 => status = status.max(126),
        _ => status = status.max(123),
    };
    for argv in runs {
        if parsed.has('t') {
            writeln!(io.err, "{}", argv.join(" "))?;
        }
        running.push(start(io, argv, None)?);
        if running.len() >= parallel {
            finish(&running.remove(0));
        }
    }
    for child in &running {
        finish(child);
    }
    Ok(status)
}

/// Splits text as xargs does: blanks separate, quotes and backslashes protect.
fn words(text: &str) -> Vec<String> {
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
    words
}
