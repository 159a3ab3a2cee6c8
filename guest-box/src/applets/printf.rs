//! `printf`: C's formats for a shell's words. It never reads anything but its arguments.

use std::io::Write;

use super::escape::unescape;
use super::format::Spec;
use super::{Applet, Io, Outcome, Stop};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "printf",
    operands: "FORMAT [ARG]...",
    help: "Format and print ARG(s) according to FORMAT (a-la C printf)",
    flags: &[],
    run: printf,
}];

fn printf(io: &mut Io<'_>) -> Outcome {
    if io.args.get(1).is_some_and(|arg| arg == "--") {
        io.args.remove(1);
    }
    let Some(format) = io.args.get(1).cloned() else {
        return Err(io.usage());
    };
    let args: Vec<String> = io.args[2..].to_vec();
    let mut next = 0;
    let mut status = 0;
    loop {
        let before = next;
        if !print_once(io, &format, &args, &mut next, &mut status)?
            || next >= args.len()
            || next == before
        {
            return Ok(status);
        }
    }
}

/// Goes through the format once; false when `\c` ended all output.
fn print_once(
    io: &mut Io<'_>,
    format: &str,
    args: &[String],
    next: &mut usize,
    status: &mut i32,
) -> Result<bool, Stop> {
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        let (bytes, goes_on) = unescape(&rest[..percent], true);
        io.out.write_all(&bytes)?;
        if !goes_on {
            return Ok(false);
        }
        rest = &rest[percent + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            io.out.write_all(b"%")?;
            rest = after;
            continue;
        }
        let mut take = || {
            *next += 1;
            args.get(*next - 1).cloned()
        };
        let mut spec = Spec::default();
        rest = spec.read(rest, &mut || {
            take().and_then(|text| text.parse().ok()).unwrap_or(0)
        });
        let Some(kind) = rest.chars().next() else {
            return Err(io.fail("%: invalid format"));
        };
        rest = &rest[kind.len_utf8()..];
        let arg = take();
        let text = match kind {
            's' => arg.unwrap_or_default(),
            'c' => arg.unwrap_or_default().chars().take(1).collect(),
            'b' => {
                let (bytes, goes_on) = unescape(&arg.unwrap_or_default(), false);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                io.out.write_all(spec.text(&text).as_bytes())?;
                if !goes_on {
                    return Ok(false);
                }
                continue;
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
                let number = integer(io, arg.as_deref(), status);
                io.out.write_all(spec.integer(kind, number).as_bytes())?;
                continue;
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let number = match arg.as_deref().unwrap_or("0").trim().parse::<f64>() {
                    Ok(number) => number,
                    Err(_) => {
                        io.complain(&format!("invalid number '{}'", arg.unwrap_or_default()));
                        *status = 1;
                        0.0
                    }
                };
                io.out.write_all(spec.float(kind, number).as_bytes())?;
                continue;
            }
            other => return Err(io.fail(&format!("%{other}: invalid format"))),
        };
        io.out.write_all(spec.text(&text).as_bytes())?;
    }
    let (bytes, goes_on) = unescape(rest, true);
    io.out.write_all(&bytes)?;
    Ok(goes_on)
}

fn integer(io: &mut Io<'_>, arg: Option<&str>, status: &mut i32) -> i64 {
    let text = arg.unwrap_or("0").trim();
    if let Some(quoted) = text.strip_prefix(['\'', '"']) {
        return quoted.chars().next().map_or(0, |c| i64::from(u32::from(c)));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let parsed = if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    match parsed {
        Ok(number) if negative => -number,
        Ok(number) => number,
        Err(_) => {
            io.complain(&format!("invalid number '{text}'"));
            *status = 1;
            0
        }
    }
}
