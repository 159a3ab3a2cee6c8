//! `echo`, `printf`, `test`, `expr`, `seq` and other tools that need nothing but their arguments.
//!
//! The shell runs these in its own process. They read nothing.

use std::io::Write;

use super::escape::unescape;
use super::{Applet, Io, Outcome, Stop, flag, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "[",
        operands: "EXPRESSION ]",
        help: "Check file types, compare values etc. Return a 0/1 exit code",
        flags: &[],
        run: test,
    },
    Applet {
        name: "[[",
        operands: "EXPRESSION ]]",
        help: "Check file types, compare values etc. Return a 0/1 exit code",
        flags: &[],
        run: test,
    },
    Applet {
        name: "basename",
        operands: "FILE [SUFFIX]",
        help: "Strip directory path and SUFFIX from FILE",
        flags: &[
            flag('a', "", "All arguments are FILEs"),
            value('s', "", "SUFFIX", "Remove SUFFIX"),
        ],
        run: basename,
    },
    Applet {
        name: "dirname",
        operands: "FILENAME",
        help: "Strip non-directory suffix from FILENAME",
        flags: &[],
        run: dirname,
    },
    Applet {
        name: "echo",
        operands: "[-neE] [ARG]...",
        help: "Print ARGs to stdout",
        flags: &[],
        run: echo,
    },
    Applet {
        name: "expr",
        operands: "EXPRESSION",
        help: "Print the value of EXPRESSION",
        flags: &[],
        run: expr,
    },
    Applet {
        name: "false",
        operands: "",
        help: "Return an exit code of FALSE (1)",
        flags: &[],
        run: |_| Ok(1),
    },
    Applet {
        name: "printf",
        operands: "FORMAT [ARG]...",
        help: "Format and print ARG(s) according to FORMAT (a-la C printf)",
        flags: &[],
        run: printf,
    },
    Applet {
        name: "seq",
        operands: "[FIRST [INC]] LAST",
        help: "Print numbers from FIRST to LAST, in steps of INC",
        flags: &[],
        run: seq,
    },
    Applet {
        name: "test",
        operands: "EXPRESSION",
        help: "Check file types, compare values etc. Return a 0/1 exit code",
        flags: &[],
        run: test,
    },
    Applet {
        name: "true",
        operands: "",
        help: "Return an exit code of TRUE (0)",
        flags: &[],
        run: |_| Ok(0),
    },
];

fn echo(io: &mut Io<'_>) -> Outcome {
    let (mut newline, mut escapes) = (true, false);
    let mut at = 1;
    while let Some(letters) = io.args.get(at).and_then(|arg| arg.strip_prefix('-')) {
        if letters.is_empty() || !letters.chars().all(|letter| "neE".contains(letter)) {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                letter => escapes = letter == 'e',
            }
        }
        at += 1;
    }
    let text = io.args.get(at..).unwrap_or_default().join(" ");
    if escapes {
        let (bytes, goes_on) = unescape(&text, false);
        io.out.write_all(&bytes)?;
        newline &= goes_on;
    } else {
        io.out.write_all(text.as_bytes())?;
    }
    if newline {
        io.out.write_all(b"\n")?;
    }
    Ok(0)
}

fn printf(io: &mut Io<'_>) -> Outcome {
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

fn basename(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (suffix, names) = match parsed.value('s') {
        Some(suffix) => (suffix.to_owned(), parsed.rest.clone()),
        None if parsed.has('a') => (String::new(), parsed.rest.clone()),
        None => match parsed.rest.as_slice() {
            [name] => (String::new(), vec![name.clone()]),
            [name, suffix] => (suffix.clone(), vec![name.clone()]),
            _ => return Err(io.usage()),
        },
    };
    for name in names {
        let trimmed = name.trim_end_matches('/');
        let base = if trimmed.is_empty() && !name.is_empty() {
            "/"
        } else {
            trimmed.rsplit('/').next().unwrap_or("")
        };
        let base = base
            .strip_suffix(&suffix)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(base);
        writeln!(io.out, "{base}")?;
    }
    Ok(0)
}

fn dirname(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [name] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let trimmed = name.trim_end_matches('/');
    let dir = match trimmed.rfind('/') {
        None if trimmed.is_empty() && !name.is_empty() => "/",
        None => ".",
        Some(at) => match trimmed[..at].trim_end_matches('/') {
            "" => "/",
            dir => dir,
        },
    };
    writeln!(io.out, "{dir}")?;
    Ok(0)
}

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
        write!(io.out, "{value:0width$.places$}")?;
        count += 1.0;
    }
    if count > 0.0 {
        io.out.write_all(b"\n")?;
    }
    Ok(0)
}

fn test(io: &mut Io<'_>) -> Outcome {
    let mut args: Vec<String> = io.args[1..].to_vec();
    if let "[" | "[[" = io.applet.name {
        let closing = if io.applet.name == "[" { "]" } else { "]]" };
        if args.pop().as_deref() != Some(closing) {
            io.complain(&format!("missing {closing}"));
            return Ok(2);
        }
    }
    let patterns = io.applet.name == "[[";
    let mut reader = Test {
        args: &args,
        at: 0,
        patterns,
    };
    if args.is_empty() {
        return Ok(1);
    }
    let result = reader.or().and_then(|value| match args.get(reader.at) {
        None => Ok(value),
        Some(arg) => Err(format!("{arg}: unknown operand")),
    });
    match result {
        Ok(value) => Ok(i32::from(!value)),
        Err(message) => {
            io.complain(&message);
            Ok(2)
        }
    }
}

struct Test<'a> {
    args: &'a [String],
    at: usize,
    patterns: bool,
}

const BINARY: [&str; 15] = [
    "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~",
];

impl Test<'_> {
    fn peek(&self, ahead: usize) -> Option<&str> {
        self.args.get(self.at + ahead).map(String::as_str)
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while matches!(self.peek(0), Some("-o" | "||")) {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while matches!(self.peek(0), Some("-a" | "&&")) {
            self.at += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        let binary = self
            .peek(1)
            .is_some_and(|operator| BINARY.contains(&operator))
            && self.peek(2).is_some();
        if self.peek(0) == Some("!") && self.peek(1).is_some() && !binary {
            self.at += 1;
            return Ok(!self.not()?);
        }
        self.primary(binary)
    }

    fn primary(&mut self, binary: bool) -> Result<bool, String> {
        let Some(first) = self.peek(0).map(str::to_owned) else {
            return Err("argument expected".into());
        };
        if binary {
            return self.binary(&first);
        }
        if first == "(" && self.args.len() > self.at + 1 {
            self.at += 1;
            let value = self.or()?;
            if self.peek(0) != Some(")") {
                return Err("closing paren expected".into());
            }
            self.at += 1;
            return Ok(value);
        }
        let unary = first.len() == 2
            && first.starts_with('-')
            && "bcdefghknprstuwxzLS".contains(&first[1..]);
        if unary && self.peek(1).is_some() {
            let operand = self.peek(1).unwrap_or_default().to_owned();
            self.at += 2;
            return unary_test(&first, &operand);
        }
        if self
            .peek(1)
            .is_some_and(|operator| BINARY.contains(&operator))
        {
            return Err(format!(
                "{}: argument expected",
                self.peek(1).unwrap_or_default()
            ));
        }
        self.at += 1;
        Ok(!first.is_empty())
    }

    fn binary(&mut self, left: &str) -> Result<bool, String> {
        let operator = self.peek(1).unwrap_or_default().to_owned();
        let right = self.peek(2).unwrap_or_default().to_owned();
        self.at += 3;
        let modified = |path: &str| {
            std::fs::metadata(path)
                .and_then(|data| data.modified())
                .ok()
        };
        Ok(match operator.as_str() {
            "=" | "==" if self.patterns => crate::sh::pattern_matches(&right, left),
            "!=" if self.patterns => !crate::sh::pattern_matches(&right, left),
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right.as_str(),
            ">" => left > right.as_str(),
            "-nt" => modified(left) > modified(&right),
            "-ot" => modified(left) < modified(&right),
            "-ef" => std::fs::canonicalize(left).ok() == std::fs::canonicalize(&right).ok(),
            "=~" => {
                let regex = super::grep::compile(&right, true, false)
                    .map_err(|()| "bad regex".to_owned())?;
                regex.is_match(left)
            }
            operator => {
                let number = |text: &str| {
                    text.trim()
                        .parse::<i64>()
                        .map_err(|_| format!("{text}: bad number"))
                };
                let (left, right) = (number(left)?, number(&right)?);
                match operator {
                    "-eq" => left == right,
                    "-ne" => left != right,
                    "-lt" => left < right,
                    "-le" => left <= right,
                    "-gt" => left > right,
                    _ => left >= right,
                }
            }
        })
    }
}

fn unary_test(operator: &str, operand: &str) -> Result<bool, String> {
    let metadata = || std::fs::metadata(operand).ok();
    Ok(match operator {
        "-n" => !operand.is_empty(),
        "-z" => operand.is_empty(),
        "-e" => metadata().is_some(),
        "-f" => metadata().is_some_and(|data| data.is_file()),
        "-d" => metadata().is_some_and(|data| data.is_dir()),
        "-s" => metadata().is_some_and(|data| data.len() > 0),
        // Everybody is root here, and root may; but even root runs only what has the bit.
        "-r" | "-w" => metadata().is_some(),
        "-x" => {
            let bits = guest_kit::files::mode(operand).unwrap_or(0);
            metadata().is_some_and(|data| data.is_dir() || bits & 0o111 != 0)
        }
        "-h" | "-L" => {
            std::fs::symlink_metadata(operand).is_ok_and(|data| data.file_type().is_symlink())
        }
        "-t" => {
            operand
                .parse::<u8>()
                .map_err(|_| format!("{operand}: bad number"))?;
            guest_kit::terminal::size().is_some()
        }
        _ => false,
    })
}

fn expr(io: &mut Io<'_>) -> Outcome {
    let args: Vec<String> = io.args[1..].to_vec();
    if args.is_empty() {
        io.complain("too few arguments");
        return Ok(2);
    }
    let mut reader = Expr { args: &args, at: 0 };
    let result = reader.level(0).and_then(|value| {
        if reader.at == args.len() {
            Ok(value)
        } else {
            Err("syntax error".into())
        }
    });
    match result {
        Ok(value) => {
            writeln!(io.out, "{value}")?;
            Ok(i32::from(value.is_empty() || value == "0"))
        }
        Err(message) => {
            io.complain(&message);
            Ok(2)
        }
    }
}

struct Expr<'a> {
    args: &'a [String],
    at: usize,
}

const EXPR_LEVELS: [&[&str]; 6] = [
    &["|"],
    &["&"],
    &["<", "<=", "=", "==", "!=", ">=", ">"],
    &["+", "-"],
    &["*", "/", "%"],
    &[":"],
];

impl Expr<'_> {
    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.args.get(self.at - 1).cloned()
    }

    fn level(&mut self, level: usize) -> Result<String, String> {
        let Some(operators) = EXPR_LEVELS.get(level) else {
            return self.primary();
        };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self
            .args
            .get(self.at)
            .filter(|arg| operators.contains(&arg.as_str()))
            .cloned()
        {
            self.at += 1;
            let right = self.level(level + 1)?;
            left = combine(&operator, &left, &right)?;
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<String, String> {
        let word = self.next().ok_or("syntax error")?;
        match word.as_str() {
            "(" => {
                let value = self.level(0)?;
                if self.next().as_deref() == Some(")") {
                    Ok(value)
                } else {
                    Err("syntax error".into())
                }
            }
            "length" if self.at < self.args.len() => {
                Ok(self.primary()?.chars().count().to_string())
            }
            "match" if self.at + 1 < self.args.len() => {
                let (text, pattern) = (self.primary()?, self.primary()?);
                combine(":", &text, &pattern)
            }
            "substr" if self.at + 2 < self.args.len() => {
                let (text, start, length) = (self.primary()?, self.primary()?, self.primary()?);
                let number = |text: &str| {
                    text.parse::<usize>()
                        .map_err(|_| "non-numeric argument".to_owned())
                };
                let (start, length) = (number(&start)?, number(&length)?);
                Ok(if start == 0 {
                    String::new()
                } else {
                    text.chars().skip(start - 1).take(length).collect()
                })
            }
            "index" if self.at + 1 < self.args.len() => {
                let (text, set) = (self.primary()?, self.primary()?);
                Ok(text
                    .chars()
                    .position(|c| set.contains(c))
                    .map_or(0, |at| at + 1)
                    .to_string())
            }
            _ => Ok(word),
        }
    }
}

fn combine(operator: &str, left: &str, right: &str) -> Result<String, String> {
    let none = |text: &str| text.is_empty() || text == "0";
    let number = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| "non-numeric argument".to_owned())
    };
    Ok(match operator {
        "|" => if none(left) { right } else { left }.to_owned(),
        "&" => if none(left) || none(right) { "0" } else { left }.to_owned(),
        ":" => {
            let regex =
                super::grep::compile(&format!("^{}", right.trim_start_matches('^')), false, false)
                    .map_err(|()| "bad regex".to_owned())?;
            match regex.captures(left) {
                None if right.contains("\\(") => String::new(),
                None => "0".into(),
                Some(found) => match found.get(1) {
                    Some(group) => group.as_str().to_owned(),
                    None => found
                        .get(0)
                        .map_or(0, |whole| whole.as_str().chars().count())
                        .to_string(),
                },
            }
        }
        "+" => (number(left)?.wrapping_add(number(right)?)).to_string(),
        "-" => (number(left)?.wrapping_sub(number(right)?)).to_string(),
        "*" => (number(left)?.wrapping_mul(number(right)?)).to_string(),
        "/" | "%" => {
            let (left, right) = (number(left)?, number(right)?);
            if right == 0 {
                return Err("division by zero".into());
            }
            if operator == "/" {
                left.wrapping_div(right)
            } else {
                left.wrapping_rem(right)
            }
            .to_string()
        }
        operator => {
            let order = match (left.parse::<i64>(), right.parse::<i64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => left.cmp(right),
            };
            let holds = match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                ">" => order.is_gt(),
                _ => order.is_eq(),
            };
            i32::from(holds).to_string()
        }
    })
}
