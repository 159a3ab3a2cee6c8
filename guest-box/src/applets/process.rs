//! Seeing and ending processes: `kill`, `ps`.

use std::io::Write;

use guest_kit::process;

use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "kill",
        operands: "[-l] [-SIG] PID...",
        help: "Send a signal (default: TERM) to given PIDs",
        flags: &[],
        run: kill,
    },
    Applet {
        name: "ps",
        operands: "",
        help: "Show list of processes",
        flags: &[
            value('o', "", "COL1,COL2", "Select columns for display"),
            flag('w', "", "Wide output"),
        ],
        run: ps,
    },
];

/// Signals by number, from 1.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
];

/// The number of a signal given by number or name; `EXIT` is 0.
pub(crate) fn signal_number(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 64).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if name == "EXIT" {
        return Some(0);
    }
    let index = SIGNALS.iter().position(|known| *known == name)?;
    u8::try_from(index + 1).ok()
}

pub(crate) fn signal_name(number: u8) -> &'static str {
    match number.checked_sub(1) {
        None => "EXIT",
        Some(index) => SIGNALS.get(usize::from(index)).copied().unwrap_or("RTMIN"),
    }
}

/// The signal `kill` is asked to send, and the rest of its arguments.
pub(crate) fn signal_argument(args: &[String]) -> Result<(u8, &[String]), String> {
    let Some(first) = args.first().and_then(|arg| arg.strip_prefix('-')) else {
        return Ok((15, args));
    };
    let (name, rest) = match first {
        "s" | "n" => (
            args.get(1).map_or("", String::as_str),
            args.get(2..).unwrap_or_default(),
        ),
        "-" => return Ok((15, &args[1..])),
        name => (name, &args[1..]),
    };
    let signal = signal_number(name).ok_or_else(|| format!("bad signal name '{name}'"))?;
    Ok((signal, rest))
}

/// `kill -l`.
pub(crate) fn list_signals(args: &[String], out: &mut dyn Write) {
    for (index, name) in SIGNALS.iter().enumerate().filter(|_| args.is_empty()) {
        // The caller's writer keeps the error until it is flushed.
        let _ = writeln!(out, "{:2}) {name}", index + 1);
    }
    for arg in args {
        let number = arg
            .parse::<u8>()
            .ok()
            .map(|number| if number > 128 { number - 128 } else { number });
        let _ = match number {
            Some(number) => writeln!(out, "{}", signal_name(number)),
            None => writeln!(out, "{}", signal_number(arg).unwrap_or(0)),
        };
    }
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

fn ps(io: &mut Io<'_>) -> Outcome {
    // `ps aux` and `ps ax` mean all processes, which is what there is.
    io.args
        .retain(|arg| !matches!(arg.as_str(), "aux" | "ax" | "-ef" | "-e" | "-A"));
    let parsed = io.parse()?;
    let columns: Vec<String> = match parsed.value('o') {
        Some(columns) => columns.split(',').map(str::to_owned).collect(),
        None => vec!["pid".into(), "user".into(), "args".into()],
    };
    let mut heading = Vec::new();
    for column in &columns {
        heading.push(match column.as_str() {
            "pid" => "PID  ".to_owned(),
            "ppid" => "PPID ".to_owned(),
            "user" => "USER    ".to_owned(),
            "comm" => "COMMAND         ".to_owned(),
            "args" => "COMMAND".to_owned(),
            other => {
                return Err(io.fail(&format!(
                    "bad -o argument '{other}', supported arguments: user,comm,args,pid,ppid"
                )));
            }
        });
    }
    writeln!(io.out, "{}", heading.join(" ").trim_end())?;
    for info in process::processes() {
        let line: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "pid" => format!("{:5}", info.pid),
                "ppid" => format!("{:5}", info.ppid),
                "user" => format!("{:<8}", "root"),
                "comm" => format!(
                    "{:<16}",
                    info.argv
                        .first()
                        .map_or("", |name| name.rsplit('/').next().unwrap_or(name))
                ),
                _ => info.argv.join(" "),
            })
            .collect();
        writeln!(io.out, "{}", line.join(" ").trim_end())?;
    }
    Ok(0)
}
