//! `cat`, `tee` and `yes`: bytes passed on. They never hold back what they have, because
//! somebody may be waiting.

use std::io::{Read, Write};

use super::{Applet, Io, Outcome, Parsed, Stop, flag, inputs, reason};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "cat",
        operands: "[FILE]...",
        help: "Print FILEs to stdout",
        flags: &[
            flag('n', "", "Number output lines"),
            flag('b', "", "Number nonempty lines"),
            flag('v', "", "Show nonprinting characters as ^x or M-x"),
            flag('e', "", "End lines with $"),
            flag('t', "", "Show tabs as ^I"),
            flag('A', "", "Same as -vte"),
            flag('u', "", "Unbuffered, which it always is"),
        ],
        run: cat,
    },
    Applet {
        name: "tee",
        operands: "[FILE]...",
        help: "Copy stdin to each FILE, and also to stdout",
        flags: &[
            flag('a', "", "Append to the given FILEs, don't overwrite"),
            flag('i', "", "Ignore interrupt signals (SIGINT)"),
        ],
        run: tee,
    },
    Applet {
        name: "yes",
        operands: "[STRING]",
        help: "Repeatedly print a line with STRING, or 'y'",
        flags: &[],
        run: yes,
    },
];

fn cat(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    let visible = parsed.has('v') || parsed.has('A') || parsed.has('e') || parsed.has('t');
    let (ends, tabs) = (
        parsed.has('e') || parsed.has('A'),
        parsed.has('t') || parsed.has('A'),
    );
    let plain = !visible && !parsed.has('n') && !parsed.has('b');
    let mut number = 0;
    for path in inputs(&parsed) {
        let Some(mut input) = io.open(&path) else {
            status = 1;
            continue;
        };
        let mut buffer = vec![0; 16 * 1024];
        let mut pending = Vec::new();
        loop {
            let length = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) => {
                    io.complain(&format!("read error: {}", reason(&error)));
                    status = 1;
                    break;
                }
            };
            if plain {
                io.out.write_all(&buffer[..length])?;
            } else {
                pending.extend_from_slice(&buffer[..length]);
                while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = pending.drain(..=end).collect();
                    cat_line(io, &line, &mut number, &parsed, (visible, ends, tabs))?;
                }
            }
            io.out.flush()?;
        }
        if !pending.is_empty() {
            cat_line(io, &pending, &mut number, &parsed, (visible, ends, tabs))?;
        }
    }
    Ok(status)
}

fn cat_line(
    io: &mut Io<'_>,
    line: &[u8],
    number: &mut usize,
    parsed: &Parsed,
    (visible, ends, tabs): (bool, bool, bool),
) -> Result<(), Stop> {
    if parsed.has('n') || (parsed.has('b') && line != b"\n") {
        *number += 1;
        write!(io.out, "{number:6}\t")?;
    }
    if !visible {
        io.out.write_all(line)?;
        return Ok(());
    }
    for &byte in line {
        match byte {
            b'\n' => io.out.write_all(if ends { b"$\n" } else { b"\n" })?,
            b'\t' if !tabs => io.out.write_all(b"\t")?,
            _ => {
                let (meta, low) = (byte >= 128, byte & 127);
                if meta {
                    io.out.write_all(b"M-")?;
                }
                match low {
                    0..=31 => io.out.write_all(&[b'^', low + 64])?,
                    127 => io.out.write_all(b"^?")?,
                    _ => io.out.write_all(&[low])?,
                }
            }
        }
    }
    Ok(())
}

fn tee(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    let mut files = Vec::new();
    for path in &parsed.rest {
        let append = parsed.has('a');
        match std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .append(append)
            .truncate(!append)
            .open(path)
        {
            Ok(file) => files.push(file),
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                status = 1;
            }
        }
    }
    let mut buffer = vec![0; 8192];
    loop {
        let length = io.input.read(&mut buffer)?;
        if length == 0 {
            return Ok(status);
        }
        for file in &mut files {
            file.write_all(&buffer[..length])?;
        }
        io.out.write_all(&buffer[..length])?;
        io.out.flush()?;
    }
}

fn yes(io: &mut Io<'_>) -> Outcome {
    let words = &io.args[1..];
    let line = if words.is_empty() {
        "y".to_owned()
    } else {
        words.join(" ")
    } + "\n";
    let block = line.repeat(4096 / line.len() + 1);
    loop {
        io.out.write_all(block.as_bytes())?;
    }
}
