//! Tools that run another program or say what it would get: `env`, `printenv`, `sleep`, `time`,
//! `timeout`, `which`. They never look at processes that they did not start.

use std::io::Write;
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
            flag('0', "", "NUL terminated output"),
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
            let end = if parsed.has('0') { '\0' } else { '\n' };
            write!(io.out, "{name}={value}{end}")?;
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
