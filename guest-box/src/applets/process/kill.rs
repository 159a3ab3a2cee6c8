//! `kill`, and the tools that find whom to kill by name: `killall`, `pkill`, `pgrep`, `pidof`.
//!
//! `pkill` and `pgrep` match a part of the name, as a fixed text and `^`, `$`: their expressions are
//! not in this lab beyond that.

use std::io::Write;

use guest_kit::process::{self, ProcessInfo};

use super::signal::{list_signals, signal_argument};
use crate::applets::{Applet, Io, Outcome, flag, value};

pub(super) const KILL: Applet = Applet {
    name: "kill",
    operands: "[-l] [-SIG] PID...",
    help: "Send a signal (default: TERM) to given PIDs",
    flags: &[],
    run: kill,
};

pub(super) const KILLALL: Applet = Applet {
    name: "killall",
    operands: "[-lq] [-SIG] PROCESS_NAME...",
    help: "Send a signal (default: TERM) to given processes",
    flags: &[],
    run: killall,
};

pub(super) const PIDOF: Applet = Applet {
    name: "pidof",
    operands: "[NAME]...",
    help: "List PIDs of all processes with names that match NAMEs",
    flags: &[
        flag('s', "", "Show only one PID"),
        value(
            'o',
            "",
            "PID",
            "Omit given pid, %PPID to omit pid of pidof's parent",
        ),
    ],
    run: pidof,
};

pub(super) const PGREP: Applet = Applet {
    name: "pgrep",
    operands: "[-flnovx] PATTERN",
    help: "Display process(es) selected by PATTERN\n\n\
           \t-l\tShow command name too\n\t-a\tShow command line too\n\
           \t-f\tMatch against entire command line\n\t-n\tShow the newest process only\n\
           \t-o\tShow the oldest process only\n\t-v\tNegate the match\n\
           \t-x\tMatch whole name (not substring)",
    flags: &[],
    run: pgrep,
};

pub(super) const PKILL: Applet = Applet {
    name: "pkill",
    operands: "[-l|-SIGNAL] [-fnovx] PATTERN",
    help: "Send signal to processes selected by PATTERN",
    flags: &[],
    run: pkill,
};

/// A program's name without its folder.
pub(super) fn name(info: &ProcessInfo) -> &str {
    let first = info.argv.first().map_or("", String::as_str);
    first.rsplit('/').next().unwrap_or(first)
}

fn kill(io: &mut Io<'_>) -> Outcome {
    let args: Vec<String> = io.args[1..].to_vec();
    if args.first().is_some_and(|arg| arg == "-l") {
        list_signals(&args[1..], &mut *io.out);
        return Ok(0);
    }
    let (signal, targets) = signal_argument(&args).map_err(|message| io.fail(&message))?;
    if targets.is_empty() {
        return Err(io.fail("you need to specify whom to kill"));
    }
    let mut status = 0;
    for target in targets {
        match target.parse() {
            Ok(pid) if process::kill(pid, signal) => {}
            Ok(pid) => {
                io.complain(&format!("can't kill pid {pid}: No such process"));
                status = 1;
            }
            Err(_) => {
                io.complain(&format!("invalid number '{target}'"));
                status = 1;
            }
        }
    }
    Ok(status)
}

/// Everybody but this process.
fn others() -> Vec<ProcessInfo> {
    let me = process::pid();
    let mut list = process::processes();
    list.retain(|info| info.pid != me);
    list
}

/// Whether a process goes by this name: its program's, or the script's that it runs.
fn is_called(info: &ProcessInfo, wanted: &str) -> bool {
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let first = info.argv.first().map_or("", String::as_str);
    if wanted.contains('/') {
        return first == wanted;
    }
    let script = info.argv.get(1).filter(|word| !word.starts_with('-'));
    name(info) == wanted
        || script.is_some_and(|script| script.contains('/') && last(script) == wanted)
}

fn killall(io: &mut Io<'_>) -> Outcome {
    let mut args: Vec<String> = io.args[1..].to_vec();
    if args.first().is_some_and(|arg| arg == "-l") {
        list_signals(&args[1..], &mut *io.out);
        return Ok(0);
    }
    let quiet = args.first().is_some_and(|arg| arg == "-q");
    if quiet {
        args.remove(0);
    }
    let (signal, names) = signal_argument(&args).map_err(|message| io.fail(&message))?;
    if names.is_empty() {
        return Err(io.fail("you need to specify whom to kill"));
    }
    let mut status = 0;
    for wanted in names {
        let found: Vec<u32> = others()
            .iter()
            .filter(|info| is_called(info, wanted))
            .map(|info| info.pid)
            .collect();
        if found.is_empty() {
            status = 1;
            if !quiet {
                io.complain(&format!("{wanted}: no process killed"));
            }
        }
        for pid in found {
            process::kill(pid, signal);
        }
    }
    Ok(status)
}

fn pidof(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let all = process::processes();
    let me = process::pid();
    let parent = all.iter().find(|info| info.pid == me).map(|info| info.ppid);
    let mut omitted = Vec::new();
    for text in parsed.values('o') {
        match (text, text.parse::<u32>()) {
            ("%PPID", _) => omitted.extend(parent),
            (_, Ok(pid)) => omitted.push(pid),
            (_, Err(_)) => {
                let message = format!("invalid number '{text}'");
                return Err(io.fail(&message));
            }
        }
    }
    let mut found: Vec<String> = Vec::new();
    for wanted in &parsed.rest {
        // The youngest first.
        let mut pids: Vec<u32> = others()
            .iter()
            .filter(|info| is_called(info, wanted) && !omitted.contains(&info.pid))
            .map(|info| info.pid)
            .collect();
        pids.reverse();
        if parsed.has('s') {
            pids.truncate(1);
        }
        found.extend(pids.iter().map(u32::to_string));
    }
    if !found.is_empty() {
        writeln!(io.out, "{}", found.join(" "))?;
    }
    Ok(i32::from(found.is_empty()))
}

/// What `pgrep` and `pkill` look for.
#[derive(Debug, Default)]
struct Search {
    letters: String,
    pattern: String,
}

impl Search {
    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }

    fn read(io: &mut Io<'_>, args: &[String], known: &str) -> Result<Self, super::super::Stop> {
        let mut search = Self::default();
        let mut patterns = Vec::new();
        for arg in args {
            match arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                Some(letters) => {
                    if let Some(bad) = letters.chars().find(|letter| !known.contains(*letter)) {
                        io.complain(&format!("invalid option -- '{bad}'"));
                        return Err(io.usage());
                    }
                    search.letters.push_str(letters);
                }
                None => patterns.push(arg.clone()),
            }
        }
        let [pattern] = patterns.as_slice() else {
            return Err(io.usage());
        };
        search.pattern.clone_from(pattern);
        if let Some(special) = pattern.chars().find(|c| "*+?[](){}|\\".contains(*c)) {
            return Err(io.fail(&format!("'{special}' in a pattern is not in this lab")));
        }
        Ok(search)
    }

    fn matches(&self, info: &ProcessInfo) -> bool {
        let whole = info.argv.join(" ");
        let text = if self.has('f') {
            whole.as_str()
        } else {
            name(info)
        };
        let (from_start, inner) = match self.pattern.strip_prefix('^') {
            Some(inner) => (true, inner),
            None => (false, self.pattern.as_str()),
        };
        let (to_end, inner) = match inner.strip_suffix('$') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let found = match (from_start || self.has('x'), to_end || self.has('x')) {
            (true, true) => text == inner,
            (true, false) => text.starts_with(inner),
            (false, true) => text.ends_with(inner),
            (false, false) => text.contains(inner),
        };
        found != self.has('v')
    }

    fn found(&self) -> Vec<ProcessInfo> {
        let mut list = others();
        list.retain(|info| self.matches(info));
        let chosen = if self.has('n') {
            list.pop()
        } else if self.has('o') {
            list.drain(..).next()
        } else {
            return list;
        };
        chosen.into_iter().collect()
    }
}

fn pgrep(io: &mut Io<'_>) -> Outcome {
    let args: Vec<String> = std::mem::take(&mut io.args);
    let search = Search::read(io, &args[1..], "flnovxa")?;
    let found = search.found();
    for info in &found {
        if search.has('a') {
            writeln!(io.out, "{} {}", info.pid, info.argv.join(" "))?;
        } else if search.has('l') {
            writeln!(io.out, "{} {}", info.pid, name(info))?;
        } else {
            writeln!(io.out, "{}", info.pid)?;
        }
    }
    Ok(i32::from(found.is_empty()))
}

fn pkill(io: &mut Io<'_>) -> Outcome {
    let args: Vec<String> = io.args[1..].to_vec();
    if args.first().is_some_and(|arg| arg == "-l") {
        list_signals(&args[1..], &mut *io.out);
        return Ok(0);
    }
    let first = args.first().and_then(|arg| arg.strip_prefix('-'));
    let names_signal = first.is_some_and(|first| super::signal::signal_number(first).is_some());
    let (signal, rest) = if names_signal {
        signal_argument(&args).map_err(|message| io.fail(&message))?
    } else {
        (15, args.as_slice())
    };
    let found = Search::read(io, rest, "fnovx")?.found();
    for info in &found {
        process::kill(info.pid, signal);
    }
    Ok(i32::from(found.is_empty()))
}
