//! Reading expressions of `awk`, weakest operators first:
//! `= ?: || && in ~ < concatenation + * unary ^ ++ $ ()`.

use std::rc::Rc;

use super::lex::{Builtin, Keyword, Token};
use super::parse::{Parser, Wrong};
use super::tree::{Arithmetic, Comparison, Expr, Source};
use crate::applets::regex::{Regex, Syntax};

/// An expression of `awk`, whose escapes are C's too.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let mut text = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('f') => text.push('\x0c'),
            Some('v') => text.push('\x0b'),
            Some('a') => text.push('\x07'),
            Some('"') => text.push('"'),
            Some('/') => text.push('/'),
            // Letters and digits mean nothing here but in busybox' matcher.
            other => text.extend(['\\'].into_iter().chain(other)),
        }
    }
    let syntax = Syntax {
        extended: true,
        ..Syntax::default()
    };
    Regex::new(&text, syntax).map_err(|reason| format!("bad regex '{pattern}': {reason}"))
}

fn boxed(left: Expr, right: Expr) -> (Box<Expr>, Box<Expr>) {
    (Box::new(left), Box::new(right))
}

/// Puts an operand back into what it was taken from.
type Wrap = Box<dyn FnOnce(Box<Expr>) -> Expr>;

fn is_target(expr: &Expr) -> bool {
    matches!(expr, Expr::Variable(_) | Expr::Field(_) | Expr::Element(..))
}

impl Parser {
    pub(super) fn expression(&mut self) -> Result<Expr, Wrong> {
        self.deeper(Self::assignment)
    }

    fn assignment(&mut self) -> Result<Expr, Wrong> {
        let left = self.choice()?;
        let operator = match self.peek() {
            Token::Sign("=") => None,
            Token::Sign("+=") => Some(Arithmetic::Add),
            Token::Sign("-=") => Some(Arithmetic::Subtract),
            Token::Sign("*=") => Some(Arithmetic::Multiply),
            Token::Sign("/=") => Some(Arithmetic::Divide),
            Token::Sign("%=") => Some(Arithmetic::Remainder),
            Token::Sign("^=") => Some(Arithmetic::Power),
            _ => return Ok(left),
        };
        if !is_target(&left) {
            // `1 == x = 2` and its like: the target is the last operand.
            return self.assign_inside(left, operator);
        }
        self.skip();
        self.newlines();
        let (left, right) = boxed(left, self.expression()?);
        Ok(Expr::Assign(left, operator, right))
    }

    /// `!x = y` and `a && b = c` assign to the last operand, as in every awk.
    fn assign_inside(&mut self, left: Expr, operator: Option<Arithmetic>) -> Result<Expr, Wrong> {
        let (rebuild, target): (Wrap, Expr) = match left {
            Expr::Not(inner) => (Box::new(Expr::Not), *inner),
            Expr::And(first, last) => (Box::new(move |last| Expr::And(first, last)), *last),
            Expr::Or(first, last) => (Box::new(move |last| Expr::Or(first, last)), *last),
            Expr::Minus(inner) => (Box::new(Expr::Minus), *inner),
            _ => return self.wrong(),
        };
        if !is_target(&target) {
            return self.wrong();
        }
        self.skip();
        self.newlines();
        let (target, right) = boxed(target, self.expression()?);
        Ok(rebuild(Box::new(Expr::Assign(target, operator, right))))
    }

    fn choice(&mut self) -> Result<Expr, Wrong> {
        let test = self.or()?;
        if !self.accept("?") {
            return Ok(test);
        }
        self.newlines();
        let then = self.expression()?;
        self.newlines();
        self.expect(":")?;
        self.newlines();
        let (then, otherwise) = boxed(then, self.expression()?);
        Ok(Expr::Choose(Box::new(test), then, otherwise))
    }

    fn or(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.and()?;
        while self.accept("||") {
            self.newlines();
            let (first, second) = boxed(left, self.and()?);
            left = Expr::Or(first, second);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.membership()?;
        while self.accept("&&") {
            self.newlines();
            let (first, second) = boxed(left, self.membership()?);
            left = Expr::And(first, second);
        }
        Ok(left)
    }

    fn membership(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.matching()?;
        while *self.peek() == Token::Keyword(Keyword::In) {
            self.skip();
            let Token::Name(name) = self.take() else {
                return self.wrong();
            };
            let index = match left {
                Expr::List(list) => list,
                one => vec![one],
            };
            left = Expr::In(index, self.place(&name));
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.comparison()?;
        loop {
            let wanted = if self.accept("~") {
                true
            } else if self.accept("!~") {
                false
            } else {
                return Ok(left);
            };
            let (text, pattern) = boxed(left, self.comparison()?);
            left = Expr::Match(wanted, text, pattern);
        }
    }

    fn comparison(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.piped()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("<") => Comparison::Less,
                Token::Sign("<=") => Comparison::LessEqual,
                Token::Sign("==") => Comparison::Equal,
                Token::Sign("!=") => Comparison::NotEqual,
                Token::Sign(">") if !self.printing => Comparison::Greater,
                Token::Sign(">=") => Comparison::GreaterEqual,
                _ => return Ok(left),
            };
            self.skip();
            let (first, second) = boxed(left, self.piped()?);
            left = Expr::Compare(operator, first, second);
        }
    }

    /// `command | getline`.
    fn piped(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.concatenation()?;
        while self.is("|") && *self.peek_at(1) == Token::Keyword(Keyword::Getline) {
            self.skip();
            self.skip();
            let target = self.getline_target()?;
            left = Expr::Getline(target, Source::Command(Box::new(left)));
        }
        Ok(left)
    }

    pub(super) fn concatenation_without_in(&mut self) -> Result<Expr, Wrong> {
        self.concatenation()
    }

    fn concatenation(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.sum()?;
        while self.begins_operand() {
            let (first, second) = boxed(left, self.sum()?);
            left = Expr::Concatenate(first, second);
        }
        Ok(left)
    }

    /// Whether what follows can only be another operand.
    fn begins_operand(&self) -> bool {
        match self.peek() {
            Token::Number(_)
            | Token::Text(_)
            | Token::Regex(_)
            | Token::Name(_)
            | Token::Called(_)
            | Token::Builtin(_) => true,
            Token::Sign(sign) => matches!(*sign, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
            _ => false,
        }
    }

    fn sum(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("+") => Arithmetic::Add,
                Token::Sign("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.skip();
            let (first, second) = boxed(left, self.product()?);
            left = Expr::Arithmetic(operator, first, second);
        }
    }

    fn product(&mut self) -> Result<Expr, Wrong> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("*") => Arithmetic::Multiply,
                Token::Sign("/") => Arithmetic::Divide,
                Token::Sign("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.skip();
            let (first, second) = boxed(left, self.unary()?);
            left = Expr::Arithmetic(operator, first, second);
        }
    }

    fn unary(&mut self) -> Result<Expr, Wrong> {
        let wrap: fn(Box<Expr>) -> Expr = match self.peek() {
            Token::Sign("!") => Expr::Not,
            Token::Sign("-") => Expr::Minus,
            Token::Sign("+") => Expr::Plus,
            _ => return self.power(),
        };
        self.skip();
        let inner = self.deeper(Self::unary)?;
        Ok(wrap(Box::new(inner)))
    }

    fn power(&mut self) -> Result<Expr, Wrong> {
        let left = self.postfix()?;
        if !self.accept("^") {
            return Ok(left);
        }
        // To the right, and a sign may follow.
        let right = match self.peek() {
            Token::Sign("-" | "+" | "!") => self.deeper(Self::unary)?,
            _ => self.deeper(Self::power)?,
        };
        let (left, right) = boxed(left, right);
        Ok(Expr::Arithmetic(Arithmetic::Power, left, right))
    }

    fn postfix(&mut self) -> Result<Expr, Wrong> {
        for (sign, by) in [("++", 1.0), ("--", -1.0)] {
            if self.accept(sign) {
                let target = self.deeper(Self::postfix)?;
                if !is_target(&target) {
                    return self.wrong();
                }
                return Ok(Expr::Step {
                    target: Box::new(target),
                    by,
                    before: true,
                });
            }
        }
        let target = self.primary()?;
        if is_target(&target) {
            for (sign, by) in [("++", 1.0), ("--", -1.0)] {
                if self.accept(sign) {
                    return Ok(Expr::Step {
                        target: Box::new(target),
                        by,
                        before: false,
                    });
                }
            }
        }
        Ok(target)
    }

    fn primary(&mut self) -> Result<Expr, Wrong> {
        let line = self.line();
        Ok(match self.take() {
            Token::Number(number) => Expr::Number(number),
            Token::Text(text) => Expr::Text(text),
            Token::Regex(text) => {
                Expr::Regex(Rc::new(compile(&text).map_err(|error| (line, error))?))
            }
            Token::Name(name) => {
                let place = self.place(&name);
                if self.accept("[") {
                    Expr::Element(place, self.list("]")?)
                } else {
                    Expr::Variable(place)
                }
            }
            Token::Called(name) => {
                self.expect("(")?;
                let args = self.list(")")?;
                Expr::Call(self.function(&name), args)
            }
            Token::Builtin(builtin) => self.builtin(builtin)?,
            Token::Keyword(Keyword::Getline) => {
                let target = self.getline_target()?;
                if self.accept("<") {
                    let file = self.deeper(Self::postfix)?;
                    Expr::Getline(target, Source::File(Box::new(file)))
                } else {
                    Expr::Getline(target, Source::Input)
                }
            }
            Token::Sign("$") => {
                let index = match self.peek() {
                    Token::Sign("++" | "--") => self.deeper(Self::postfix)?,
                    Token::Sign("-" | "+") => self.deeper(Self::unary)?,
                    _ => self.deeper(Self::primary)?,
                };
                Expr::Field(Box::new(index))
            }
            Token::Sign("(") => {
                let mut list = self.deeper(|parser| parser.list(")"))?;
                match list.len() {
                    0 => return self.wrong(),
                    1 => Expr::Group(Box::new(list.remove(0))),
                    _ => Expr::List(list),
                }
            }
            Token::Sign(sign @ ("!" | "-" | "+")) => {
                let inner = Box::new(self.deeper(Self::unary)?);
                match sign {
                    "!" => Expr::Not(inner),
                    "-" => Expr::Minus(inner),
                    _ => Expr::Plus(inner),
                }
            }
            _ => return Err((line, "Unexpected token".into())),
        })
    }

    fn builtin(&mut self, builtin: Builtin) -> Result<Expr, Wrong> {
        let line = self.line();
        let args = if self.accept("(") {
            self.deeper(|parser| parser.list(")"))?
        } else if builtin == Builtin::Length {
            Vec::new()
        } else {
            return self.wrong();
        };
        let (least, most) = match builtin {
            Builtin::Rand | Builtin::Systime => (0, 0),
            Builtin::Length | Builtin::Srand | Builtin::Fflush => (0, 1),
            Builtin::Strftime => (0, 3),
            Builtin::Atan2 | Builtin::Index | Builtin::Match => (2, 2),
            Builtin::Lshift | Builtin::Rshift => (2, 2),
            Builtin::And | Builtin::Or | Builtin::Xor => (2, 2),
            Builtin::Sub | Builtin::Gsub | Builtin::Substr => (2, 3),
            Builtin::Split => (2, 4),
            Builtin::Gensub => (3, 4),
            Builtin::Sprintf => (1, usize::MAX),
            _ => (1, 1),
        };
        if args.len() < least {
            return Err((line, "Too few arguments".into()));
        }
        if args.len() > most {
            return Err((line, "Too many arguments".into()));
        }
        Ok(Expr::Builtin(builtin, args))
    }

    fn getline_target(&mut self) -> Result<Option<Box<Expr>>, Wrong> {
        let begins = matches!(self.peek(), Token::Name(_)) || self.is("$");
        if !begins {
            return Ok(None);
        }
        let target = self.primary()?;
        if is_target(&target) {
            Ok(Some(Box::new(target)))
        } else {
            self.wrong()
        }
    }
}
