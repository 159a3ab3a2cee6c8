//! What the machine is and who is using it: `id`, `whoami`, `uname`. Everybody is root.

use std::io::Write;

use crate::applets::{Applet, Io, Outcome, flag};

pub(super) const ID: Applet = Applet {
    name: "id",
    operands: "",
    help: "Print information about the user",
    flags: &[
        flag('u', "", "User ID"),
        flag('g', "", "Group ID"),
        flag('n', "", "Print names instead of numbers"),
        flag('G', "", "Supplementary group IDs"),
    ],
    run: id,
};

pub(super) const UNAME: Applet = Applet {
    name: "uname",
    operands: "",
    help: "Print system information",
    flags: &[
        flag('a', "", "Print all"),
        flag('m', "", "Machine (hardware) type"),
        flag('n', "", "Hostname"),
        flag('r', "", "Kernel release"),
        flag('s', "", "Kernel name (default)"),
        flag('p', "", "Processor type"),
        flag('v', "", "Kernel version"),
    ],
    run: uname,
};

pub(super) const WHOAMI: Applet = Applet {
    name: "whoami",
    operands: "",
    help: "Print the user name associated with the current effective user id",
    flags: &[],
    run: whoami,
};

fn id(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let text = match (
        parsed.has('u') || parsed.has('g') || parsed.has('G'),
        parsed.has('n'),
    ) {
        (true, true) => "root",
        (true, false) => "0",
        _ => "uid=0(root) gid=0(root)",
    };
    writeln!(io.out, "{text}")?;
    Ok(0)
}

fn whoami(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    writeln!(io.out, "root")?;
    Ok(0)
}

fn uname(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let host = guest_kit::machine::hostname();
    let parts = [
        ('s', "Linux"),
        ('n', host.as_str()),
        ('r', "6.1.0-lab"),
        ('v', "#1 lab"),
        ('m', "wasm32"),
    ];
    let chosen: Vec<&str> = parts
        .iter()
        .filter(|(letter, _)| parsed.has('a') || parsed.has(*letter))
        .map(|(_, text)| *text)
        .collect();
    let mut text = if chosen.is_empty() {
        "Linux".to_owned()
    } else {
        chosen.join(" ")
    };
    if parsed.has('a') {
        text.push_str(" GNU/Linux");
    }
    writeln!(io.out, "{text}")?;
    Ok(0)
}
