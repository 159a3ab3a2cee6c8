//! `conntrack`: shows which conversations this machine remembers. Never forgets one for it.

use std::io::Write;

use guest_kit::network::conversations;

use crate::applets::{Applet, Io, Outcome, flag, value};

pub(super) const CONNTRACK: Applet = Applet {
    name: "conntrack",
    operands: "",
    help: "Show the connection tracking table",
    flags: &[
        flag('L', "dump", "List the table"),
        flag('C', "count", "Count its entries"),
        value('p', "proto", "PROTO", "Of this protocol (tcp, udp, icmp)"),
        value('s', "src", "ADDR", "From this source, as first sent"),
        value('d', "dst", "ADDR", "To this destination, as first sent"),
        value('r', "reply-src", "ADDR", "Answered from this source"),
        value('q', "reply-dst", "ADDR", "Answered to this destination"),
        value('\x01', "sport", "PORT", "From this port, as first sent"),
        value('\x02', "dport", "PORT", "To this port, as first sent"),
        value('\x03', "state", "STATE", "In this state of TCP"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let all = conversations();
    if parsed.has('C') {
        writeln!(io.out, "{}", all.len())?;
        return Ok(0);
    }
    if !parsed.has('L') {
        return Err(io.usage());
    }
    let wanted = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Each name comes twice: in the direction of the question, then in that of the answer.
        let is = |option: char, name: &str, nth: usize| {
            parsed.value(option).is_none_or(|wanted| {
                let mut values = words.iter().filter_map(|word| word.strip_prefix(name));
                values.nth(nth) == Some(wanted)
            })
        };
        let word = |option: char, at: usize| {
            let value = parsed.value(option);
            value.is_none_or(|wanted| words.get(at).is_some_and(|word| *word == wanted))
        };
        word('p', 0)
            && word('\x03', 3)
            && is('s', "src=", 0)
            && is('d', "dst=", 0)
            && is('r', "src=", 1)
            && is('q', "dst=", 1)
            && is('\x01', "sport=", 0)
            && is('\x02', "dport=", 0)
    };
    let mut shown = 0;
    for line in all.iter().filter(|line| wanted(line)) {
        writeln!(io.out, "{line}")?;
        shown += 1;
    }
    io.out.flush()?;
    writeln!(
        io.err,
        "conntrack v1.4.8 (conntrack-tools): {shown} flow entries have been shown."
    )?;
    Ok(0)
}
