//! Shell arithmetic: 64-bit integers, C's operators, variables by name.
//!
//! Works on text that is already expanded; variables are looked up and set through [`Variables`].

/// Where variables live.
pub(crate) trait Variables {
    fn get(&mut self, name: &str) -> Result<String, String>;
    fn set(&mut self, name: &str, value: i64) -> Result<(), String>;
}

const SYNTAX: &str = "arithmetic syntax error";

/// The value of an expression; otherwise what ash says is wrong with it.
pub(crate) fn evaluate(text: &str, variables: &mut dyn Variables) -> Result<i64, String> {
    let mut reader = Reader {
        rest: text,
        variables,
        depth: 0,
    };
    if reader.rest.trim().is_empty() {
        return Ok(0);
    }
    let value = reader.comma(true)?;
    reader.skip();
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(SYNTAX.into())
    }
}

struct Reader<'a, 'v> {
    rest: &'a str,
    variables: &'v mut dyn Variables,
    depth: usize,
}

/// Operators by precedence, loosest first; longer ones before their prefixes.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

const ASSIGNMENTS: [&str; 11] = [
    "<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "=",
];

impl<'a> Reader<'a, '_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, symbol: &str) -> bool {
        self.skip();
        let found = self.rest.starts_with(symbol);
        if found {
            self.rest = &self.rest[symbol.len()..];
        }
        found
    }

    /// `live` is false where the value must not be computed, only read over.
    fn comma(&mut self, live: bool) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > 64 {
            return Err(SYNTAX.into());
        }
        let mut value = self.assignment(live)?;
        while self.eat(",") {
            value = self.assignment(live)?;
        }
        self.depth -= 1;
        Ok(value)
    }

    fn assignment(&mut self, live: bool) -> Result<i64, String> {
        self.skip();
        let before = self.rest;
        if let Some(name) = self.name() {
            self.skip();
            let operator = ASSIGNMENTS.into_iter().find(|op| {
                self.rest.starts_with(op) && !(*op == "=" && self.rest.starts_with("=="))
            });
            if let Some(operator) = operator {
                self.rest = &self.rest[operator.len()..];
                let right = self.assignment(live)?;
                if !live {
                    return Ok(0);
                }
                let value = match operator.trim_end_matches('=') {
                    "" => right,
                    operator => binary(operator, self.variable(name)?, right)?,
                };
                self.variables.set(name, value)?;
                return Ok(value);
            }
        }
        self.rest = before;
        self.conditional(live)
    }

    fn conditional(&mut self, live: bool) -> Result<i64, String> {
        let condition = self.level(0, live)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.assignment(live && condition != 0)?;
        if !self.eat(":") {
            return Err(SYNTAX.into());
        }
        let no = self.assignment(live && condition == 0)?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn level(&mut self, level: usize, live: bool) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.power(live);
        };
        let mut left = self.level(level + 1, live)?;
        while let Some(operator) = self.operator(operators) {
            let needed = match operator {
                "||" => left == 0,
                "&&" => left != 0,
                _ => true,
            };
            let right = self.level(level + 1, live && needed)?;
            left = if live {
                binary(operator, left, right)?
            } else {
                0
            };
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.skip();
        let found = operators.iter().find(|op| self.rest.starts_with(**op))?;
        let after = &self.rest[found.len()..];
        // `a|b` is not the start of `a||b`, `a<b` not of `a<<b`, and neither of an assignment.
        let longer = match *found {
            "|" | "&" => after.starts_with([found.chars().next()?, '=']),
            "<" | ">" => after.starts_with(*found),
            "+" | "-" | "^" | "/" | "%" | "<<" | ">>" => after.starts_with('='),
            "*" => after.starts_with(['*', '=']),
            _ => false,
        };
        if longer {
            return None;
        }
        self.rest = after;
        Some(found)
    }

    fn power(&mut self, live: bool) -> Result<i64, String> {
        let base = self.unary(live)?;
        if !self.eat("**") {
            return Ok(base);
        }
        let exponent = self.power(live)?;
        let exponent = u32::try_from(exponent).map_err(|_| "exponent less than 0".to_owned())?;
        Ok(base.wrapping_pow(exponent))
    }

    fn unary(&mut self, live: bool) -> Result<i64, String> {
        for (symbol, step) in [("++", 1), ("--", -1)] {
            if self.rest.trim_start().starts_with(symbol) {
                let before = self.rest;
                self.eat(symbol);
                self.skip();
                if let Some(name) = self.name() {
                    return self.step(name, step, live).map(|(_, after)| after);
                }
                self.rest = before;
            }
        }
        if self.eat("!") {
            return Ok(i64::from(self.unary(live)? == 0));
        }
        if self.eat("~") {
            return Ok(!self.unary(live)?);
        }
        if self.eat("-") {
            return Ok(self.unary(live)?.wrapping_neg());
        }
        if self.eat("+") {
            return self.unary(live);
        }
        self.primary(live)
    }

    fn step(&mut self, name: &str, step: i64, live: bool) -> Result<(i64, i64), String> {
        if !live {
            return Ok((0, 0));
        }
        let before = self.variable(name)?;
        let after = before.wrapping_add(step);
        self.variables.set(name, after)?;
        Ok((before, after))
    }

    fn primary(&mut self, live: bool) -> Result<i64, String> {
        if self.eat("(") {
            let value = self.comma(live)?;
            return if self.eat(")") {
                Ok(value)
            } else {
                Err(SYNTAX.into())
            };
        }
        self.skip();
        if let Some(name) = self.name() {
            if self.eat("++") {
                return self.step(name, 1, live).map(|(before, _)| before);
            }
            if self.eat("--") {
                return self.step(name, -1, live).map(|(before, _)| before);
            }
            return if live { self.variable(name) } else { Ok(0) };
        }
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '#')
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        number(digits)
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self
            .rest
            .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !super::parse::is_name(name) {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn variable(&mut self, name: &str) -> Result<i64, String> {
        let value = self.variables.get(name)?;
        let value = value.trim();
        if value.is_empty() {
            return Ok(0);
        }
        if let Ok(number) = number(value) {
            return Ok(number);
        }
        // A variable may hold an expression, as long as it does not lead back to itself.
        self.depth += 1;
        if self.depth > 32 {
            return Err("expression recursion loop detected".into());
        }
        let mut inner = Reader {
            rest: value,
            variables: &mut *self.variables,
            depth: self.depth,
        };
        let result = inner.comma(true)?;
        inner.skip();
        if !inner.rest.is_empty() {
            return Err(SYNTAX.into());
        }
        self.depth -= 1;
        Ok(result)
    }
}

fn number(digits: &str) -> Result<i64, String> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (radix, digits) = if let Some((radix, digits)) = digits.split_once('#') {
        (
            radix
                .parse()
                .ok()
                .filter(|radix| (2..=36).contains(radix))
                .ok_or(SYNTAX)?,
            digits,
        )
    } else if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        (16, hex)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    let value = i64::from_str_radix(digits, radix).map_err(|_| SYNTAX.to_owned())?;
    Ok(sign * value)
}

fn binary(operator: &str, left: i64, right: i64) -> Result<i64, String> {
    let shift = u32::try_from(right & 63).unwrap_or(0);
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(shift),
        ">>" => left.wrapping_shr(shift),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" | "%" if right == 0 => return Err("divide by zero".into()),
        "/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    })
}
