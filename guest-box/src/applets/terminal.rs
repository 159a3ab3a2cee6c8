//! Small things about terminals and sessions: `clear`, `reset`, `tty`, `nproc`, `usleep`, `nohup`.
//! They never wait for a key.

use std::io::Write;
use std::time::Duration;

use guest_kit::process::{Command, SpawnError};

use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "clear",
        operands: "",
        help: "Clear screen",
        flags: &[],
        run: clear,
    },
    Applet {
        name: "nohup",
        operands: "PROG ARGS",
        help: "Run PROG immune to hangups, with output to a non-tty",
        flags: &[],
        run: nohup,
    },
    Applet {
        name: "nproc",
        operands: "",
        help: "Print number of available CPUs",
        flags: &[
            flag('\x01', "all", "Number of installed CPUs"),
            value('\x02', "ignore", "N", "Exclude N CPUs"),
        ],
        run: nproc,
    },
    Applet {
        name: "reset",
        operands: "",
        help: "Reset the screen",
        flags: &[],
        run: reset,
    },
    Applet {
        name: "tty",
        operands: "",
        help: "Print file name of stdin's terminal",
        flags: &[flag('s', "", "Print nothing, only return exit status")],
        run: tty,
    },
    Applet {
        name: "usleep",
        operands: "N",
        help: "Pause for N microseconds",
        flags: &[],
        run: usleep,
    },
];

fn clear(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    io.out.write_all(b"\x1b[H\x1b[J")?;
    Ok(0)
}

fn reset(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    guest_kit::terminal::set_raw(false);
    io.out.write_all(b"\x1bc\x1b(B\x1b[m\x1b[J\x1b[?25h")?;
    Ok(0)
}

fn tty(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let there = guest_kit::terminal::size().is_some();
    if !parsed.has('s') {
        let name = if there { "/dev/pts/0" } else { "not a tty" };
        writeln!(io.out, "{name}")?;
    }
    Ok(i32::from(!there))
}

/// A machine of the lab has one.
fn nproc(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    writeln!(io.out, "1")?;
    Ok(0)
}

fn usleep(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [text] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    match text.parse() {
        Ok(micros) => guest_kit::sleep(Duration::from_micros(micros)),
        Err(_) => return Err(io.fail(&format!("invalid number '{text}'"))),
    }
    Ok(0)
}

/// Terminals here do not hang up, so the program simply runs.
fn nohup(io: &mut Io<'_>) -> Outcome {
    let args = io.args[1..].to_vec();
    let Some(name) = args.first().cloned() else {
        return Err(io.usage());
    };
    let mut command = Command::new(name.clone());
    command.argv = args;
    io.out.flush()?;
    match command.spawn() {
        Ok(child) => Ok(child.wait().status()),
        Err(error) => {
            let (status, why) = match error {
                SpawnError::NotFound => (127, "No such file or directory"),
                SpawnError::NotExecutable => (126, "Permission denied"),
                SpawnError::TooMany => (126, "Resource temporarily unavailable"),
            };
            io.complain(&format!("can't execute '{name}': {why}"));
            Ok(status)
        }
    }
}
