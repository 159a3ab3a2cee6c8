//! `seq`: numbers in a row.

use std::io::Write;

use super::{Applet, Io, Outcome, Stop};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "seq",
    operands: "[FIRST [INC]] LAST",
    help: "Print numbers from FIRST to LAST, in steps of INC",
    flags: &[],
    run: seq,
}];

fn seq(io: &mut Io<'_>) -> Outcome {
    let (mut wide, mut separator) = (false, "\n".to_owned());
    let mut numbers = Vec::new();
    let mut args = io.args[1..].iter().cloned();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-w" if numbers.is_empty() => wide = true,
            "-s" if numbers.is_empty() => separator = args.next().ok_or(Stop::Status(1))?,
            attached if numbers.is_empty() && attached.starts_with("-s") => {
                attached[2..].clone_into(&mut separator);
            }
            _ => numbers.push(arg),
        }
    }
    if numbers.is_empty() || numbers.len() > 3 {
        return Err(io.usage());
    }
    let mut values = Vec::new();
    let mut places = 0;
    for text in &numbers {
        let Ok(value) = text.parse::<f64>() else {
            return Err(io.fail(&format!("invalid number '{text}'")));
        };
        places = places.max(
            text.split_once('.')
                .map_or(0, |(_, fraction)| fraction.len()),
        );
        values.push(value);
    }
    let (first, step, last) = match values.as_slice() {
        [last] => (1.0, 1.0, *last),
        [first, last] => (*first, 1.0, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return Ok(1),
    };
    if step == 0.0 {
        return Err(io.fail("increment is 0"));
    }
    let width = if wide {
        numbers.iter().map(String::len).max().unwrap_or(0)
    } else {
        0
    };
    let mut count = 0.0;
    loop {
        let value = first + step * count;
        if (step > 0.0 && value > last + 1e-9) || (step < 0.0 && value < last - 1e-9) {
            break;
        }
        if count > 0.0 {
            io.out.write_all(separator.as_bytes())?;
        }
        // Whole numbers are most of them, and written ten times as fast as such.
        if places == 0 && width == 0 && value.abs() < 1e15 && value.fract() == 0.0 && value != 0.0 {
            write!(io.out, "{}", value as i64)?;
        } else {
            write!(io.out, "{value:0width$.places$}")?;
        }
        count += 1.0;
    }
    if count > 0.0 {
        io.out.write_all(b"\n")?;
    }
    Ok(0)
}
