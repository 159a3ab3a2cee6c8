//! `free`: the memory that the container's processes may have and have. There is no swap, nothing
//! is shared, and files do not live in this memory.

use std::io::Write;

use guest_kit::machine::stats;

use crate::applets::{Applet, Io, Outcome, flag};

pub(super) const FREE: Applet = Applet {
    name: "free",
    operands: "",
    help: "Display free and used memory",
    flags: &[
        flag('b', "", "Bytes"),
        flag('k', "", "Kilobytes (default)"),
        flag('m', "", "Megabytes"),
        flag('g', "", "Gigabytes"),
        flag('h', "", "Human readable"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let size = |bytes: u64| match parsed.last_of("bkmgh") {
        Some('b') => bytes.to_string(),
        Some('m') => (bytes >> 20).to_string(),
        Some('g') => (bytes >> 30).to_string(),
        Some('h') => super::df::human(bytes),
        _ => (bytes >> 10).to_string(),
    };
    let stats = stats();
    let (limit, used) = (
        stats.memory_limit,
        stats.memory_used.min(stats.memory_limit),
    );
    let free = limit - used;
    writeln!(
        io.out,
        "              total        used        free      shared  buff/cache   available"
    )?;
    writeln!(
        io.out,
        "Mem:    {:>11} {:>11} {:>11} {:>11} {:>11} {:>11}",
        size(limit),
        size(used),
        size(free),
        0,
        0,
        size(free)
    )?;
    writeln!(io.out, "Swap:   {:>11} {:>11} {:>11}", 0, 0, 0)?;
    Ok(0)
}
