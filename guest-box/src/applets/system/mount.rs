//! `mount`: lists what is mounted. Never mounts anything: that is what volumes are for. And
//! `dmesg`, which has no kernel to quote.

use std::io::Write;

use guest_kit::machine::mounts;

use super::df::kind;
use crate::applets::{Applet, Io, Outcome};

pub(super) const MOUNT: Applet = Applet {
    name: "mount",
    operands: "",
    help: "List mounted filesystems",
    flags: &[],
    run: mount,
};

pub(super) const DMESG: Applet = Applet {
    name: "dmesg",
    operands: "",
    help: "Print the kernel ring buffer, which containers may not read",
    flags: &[],
    run: dmesg,
};

fn mount(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if !parsed.rest.is_empty() {
        return Err(io.fail("permission denied (are you root?)"));
    }
    for mount in mounts() {
        let kind = kind(&mount);
        let way = if mount.read_only { "ro" } else { "rw" };
        writeln!(
            io.out,
            "{kind} on {} type {kind} ({way},relatime)",
            mount.path
        )?;
    }
    Ok(0)
}

fn dmesg(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    Err(io.fail("klogctl: Operation not permitted"))
}
