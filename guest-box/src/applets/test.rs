//! `test` and its brackets. They never change anything and never write but to complain.

use super::regex::{Regex, Syntax};
use super::{Applet, Io, Outcome};

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
        name: "test",
        operands: "EXPRESSION",
        help: "Check file types, compare values etc. Return a 0/1 exit code",
        flags: &[],
        run: test,
    },
];

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
                let syntax = Syntax {
                    extended: true,
                    ..Syntax::default()
                };
                let regex = Regex::new(&right, syntax).map_err(|_| "bad regex".to_owned())?;
                regex.is_match(left.as_bytes())
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
