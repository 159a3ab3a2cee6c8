//! `expr`: arithmetic and text of its arguments.

use std::io::Write;

use super::regex::{Regex, Syntax};
use super::{Applet, Io, Outcome};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "expr",
    operands: "EXPRESSION",
    help: "Print the value of EXPRESSION",
    flags: &[],
    run: expr,
}];

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
            let regex = Regex::new(
                &format!("^{}", right.trim_start_matches('^')),
                Syntax::default(),
            )
            .map_err(|reason| format!("bad regex '{right}': {reason}"))?;
            let found = regex.captures_at(left.as_bytes(), 0);
            match found {
                None if regex.groups() > 0 => String::new(),
                None => "0".into(),
                Some(groups) => match groups.get(1) {
                    Some(group) => {
                        let (start, end) = group.unwrap_or((0, 0));
                        left.get(start..end).unwrap_or_default().to_owned()
                    }
                    None => {
                        let (start, end) = groups[0].unwrap_or((0, 0));
                        left.get(start..end)
                            .map_or(0, |text| text.chars().count())
                            .to_string()
                    }
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
