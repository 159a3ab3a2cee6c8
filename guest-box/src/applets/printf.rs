//! `printf`: C's formats for a shell's words. It never reads anything but its arguments.

use std::io::Write;

use super::escape::unescape;
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
        rest = spec.read(rest, &mut take);
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
                io.out.write_all(spec.pad(text, false).as_bytes())?;
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
        let text = match spec.precision {
            Some(limit) => text.chars().take(limit).collect(),
            None => text,
        };
        io.out.write_all(spec.pad(text, false).as_bytes())?;
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

/// Flags, width and precision of one conversion.
#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternative: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn read<'a>(
        &mut self,
        mut rest: &'a str,
        take: &mut impl FnMut() -> Option<String>,
    ) -> &'a str {
        loop {
            match rest.bytes().next() {
                Some(b'-') => self.left = true,
                Some(b'0') => self.zero = true,
                Some(b'+') => self.plus = true,
                Some(b' ') => self.space = true,
                Some(b'#') => self.alternative = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let mut number = |rest: &'a str, negative: &mut bool| -> (usize, &'a str) {
            if let Some(rest) = rest.strip_prefix('*') {
                let value: i64 = take().and_then(|text| text.parse().ok()).unwrap_or(0);
                *negative = value < 0;
                return (
                    usize::try_from(value.unsigned_abs()).unwrap_or(0).min(4096),
                    rest,
                );
            }
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            (rest[..end].parse().unwrap_or(0).min(4096), &rest[end..])
        };
        let mut negative = false;
        (self.width, rest) = number(rest, &mut negative);
        self.left |= negative;
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = number(after, &mut negative);
            self.precision = Some(precision);
            rest = after;
        }
        rest.trim_start_matches(['l', 'h', 'q', 'z', 'j'])
    }

    fn pad(&self, text: String, number: bool) -> String {
        let length = text.chars().count();
        let gap = self.width.saturating_sub(length);
        if self.left {
            format!("{text}{}", " ".repeat(gap))
        } else if number && self.zero {
            let sign = usize::from(text.starts_with(['-', '+', ' ']));
            format!("{}{}{}", &text[..sign], "0".repeat(gap), &text[sign..])
        } else {
            format!("{}{text}", " ".repeat(gap))
        }
    }

    fn integer(&self, kind: char, number: i64) -> String {
        let mut digits = match kind {
            'o' => format!("{number:o}"),
            'x' => format!("{number:x}"),
            'X' => format!("{number:X}"),
            'u' => number.cast_unsigned().to_string(),
            _ => number.unsigned_abs().to_string(),
        };
        if let Some(precision) = self.precision {
            digits = format!("{digits:0>precision$}");
        }
        if self.alternative && number != 0 {
            let prefix = match kind {
                'x' => "0x",
                'X' => "0X",
                'o' => "0",
                _ => "",
            };
            digits.insert_str(0, prefix);
        }
        let sign = match kind {
            'd' | 'i' if number < 0 => "-",
            'd' | 'i' if self.plus => "+",
            'd' | 'i' if self.space => " ",
            _ => "",
        };
        self.pad(format!("{sign}{digits}"), self.precision.is_none())
    }

    fn float(&self, kind: char, number: f64) -> String {
        let precision = self.precision.unwrap_or(6);
        let text = match kind {
            'e' | 'E' => {
                let text = format!("{number:.precision$e}");
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let exponent: i32 = exponent.parse().unwrap_or(0);
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{mantissa}e{sign}{:02}", exponent.abs())
            }
            'g' | 'G' => format!("{number}"),
            _ => format!("{number:.precision$}"),
        };
        let text = if self.plus && number >= 0.0 {
            format!("+{text}")
        } else {
            text
        };
        self.pad(text, true)
    }
}
