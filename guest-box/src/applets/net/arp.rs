//! `arp`: shows the neighbours this machine has spoken to. Never changes them.

use std::io::Write;

use guest_kit::network::neighbours;

use super::addresses::{address, mac};
use crate::applets::{Applet, Io, Outcome, flag, value};

pub(super) const ARP: Applet = Applet {
    name: "arp",
    operands: "[HOSTNAME]",
    help: "Show the ARP cache",
    flags: &[
        flag('a', "", "Display (all) hosts"),
        flag('n', "", "Don't resolve names"),
        flag('v', "", "Verbose"),
        value('i', "", "IF", "Network interface"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let wanted = match parsed.rest.first() {
        Some(host) => Some(address(io, host)?),
        None => None,
    };
    let (mut shown, mut seen) = (0, 0);
    for neighbour in neighbours() {
        seen += 1;
        let other_link = parsed.value('i').is_some_and(|link| link != neighbour.link);
        if other_link || wanted.is_some_and(|wanted| wanted != neighbour.address) {
            continue;
        }
        shown += 1;
        let hardware = match neighbour.mac {
            Some(address) => format!("{} [ether]", mac(address)),
            None => "<incomplete>".to_owned(),
        };
        let (address, link) = (neighbour.address, neighbour.link);
        writeln!(io.out, "? ({address}) at {hardware}  on {link}")?;
    }
    if parsed.has('v') {
        writeln!(
            io.out,
            "Entries: {seen}\tSkipped: {}\tFound: {shown}",
            seen - shown
        )?;
    }
    if wanted.is_some() && shown == 0 {
        writeln!(io.out, "No match found in {seen} entries")?;
    }
    Ok(0)
}
