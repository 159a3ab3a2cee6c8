//! `wc`: how much there is. It never prints what it reads.

use std::io::{Read, Write};

use super::{Applet, Io, Outcome, Stop, flag, inputs, open_plain, reason};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "wc",
    operands: "[FILE]...",
    help: "Count lines, words, and bytes for FILEs (or stdin)",
    flags: &[
        flag('c', "", "Count bytes"),
        flag('m', "", "Count characters"),
        flag('l', "", "Count newlines"),
        flag('w', "", "Count words"),
        flag('L', "", "Print longest line length"),
    ],
    run: wc,
}];

fn wc(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let chosen: Vec<usize> = "lwmcL"
        .chars()
        .enumerate()
        .filter(|(_, letter)| parsed.has(*letter))
        .map(|(index, _)| index)
        .collect();
    let chosen = if chosen.is_empty() {
        vec![0, 1, 3]
    } else {
        chosen
    };
    let paths = inputs(&parsed);
    let mut totals = [0_usize; 5];
    let mut status = 0;
    let print = |io: &mut Io<'_>, counts: &[usize; 5], name: &str| -> Result<(), Stop> {
        let numbers: Vec<String> = match chosen.as_slice() {
            [one] if paths.len() == 1 => vec![counts[*one].to_string()],
            many => many
                .iter()
                .map(|index| format!("{:9}", counts[*index]))
                .collect(),
        };
        let text = numbers.join(" ");
        if name == "-" {
            writeln!(io.out, "{text}")?
        } else {
            writeln!(io.out, "{text} {name}")?
        }
        Ok(())
    };
    for path in &paths {
        let Some(mut input) = open_plain(io, path) else {
            status = 1;
            continue;
        };
        let mut bytes = Vec::new();
        if let Err(error) = input.read_to_end(&mut bytes) {
            io.complain(&format!("{path}: {}", reason(&error)));
            status = 1;
        }
        let text = String::from_utf8_lossy(&bytes);
        let counts = [
            bytes.iter().filter(|byte| **byte == b'\n').count(),
            text.split_whitespace().count(),
            text.chars().count(),
            bytes.len(),
            text.lines()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0),
        ];
        for index in 0..4 {
            totals[index] += counts[index];
        }
        totals[4] = totals[4].max(counts[4]);
        print(io, &counts, path)?;
    }
    if paths.len() > 1 {
        print(io, &totals, "total")?;
    }
    Ok(status)
}
