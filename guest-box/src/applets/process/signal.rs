//! Signals: names and numbers, and how a command line names one. Never sends any.

use std::io::Write;

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
