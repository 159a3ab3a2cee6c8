//! Reading a program of `awk`: rules, functions, statements. [`super::expression`] reads
//! expressions. It never runs anything.

use std::rc::Rc;

use super::lex::{self, Keyword, Token};
use super::tree::{
    Expr, Function, Kind, Pattern, Place, Program, Redirect, Rule, SPECIAL, Statement,
};

/// What is wrong, with the line.
pub(super) type Wrong = (usize, String);

pub(super) struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    pub(super) program: Program,
    /// The parameters of the function being read.
    locals: Vec<Rc<str>>,
    depth: usize,
    /// `>` writes to a file here.
    pub(super) printing: bool,
}

/// How deep a program may be nested.
const DEPTH: usize = 150;

/// Reads a whole program.
pub(super) fn parse(text: &str) -> Result<Program, Wrong> {
    let mut parser = Parser {
        tokens: lex::read(text)?,
        at: 0,
        program: Program {
            globals: SPECIAL.iter().map(|name| Rc::from(*name)).collect(),
            ..Program::default()
        },
        locals: Vec::new(),
        depth: 0,
        printing: false,
    };
    parser.items()?;
    let mut program = parser.program;
    if let Some(function) = program
        .functions
        .iter()
        .find(|function| function.body.is_none())
    {
        let _ = function;
        return Err((1, "Call to undefined function".into()));
    }
    super::arrays::infer(&mut program);
    Ok(program)
}

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].0
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &Token {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].0
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    pub(super) fn line(&self) -> usize {
        self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(known) if *known == sign)
    }

    pub(super) fn accept(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.accept(sign) {
            Ok(())
        } else {
            self.wrong()
        }
    }

    fn keyword(&mut self, keyword: Keyword) -> bool {
        let found = *self.peek() == Token::Keyword(keyword);
        self.at += usize::from(found);
        found
    }

    pub(super) fn wrong<T>(&self) -> Result<T, Wrong> {
        let what = match self.peek() {
            Token::End => "Unexpected end of program",
            _ => "Unexpected token",
        };
        Err((self.line(), what.into()))
    }

    pub(super) fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    /// Runs `inner` one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Wrong>,
    ) -> Result<T, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err((self.line(), "Too deep".into()));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// The place of a name: a parameter, or a global that is made when it is new.
    pub(super) fn place(&mut self, name: &str) -> Place {
        if let Some(index) = self.locals.iter().position(|local| **local == *name) {
            return Place::Local(index);
        }
        let globals = &mut self.program.globals;
        let known = globals.iter().position(|global| **global == *name);
        Place::Global(known.unwrap_or_else(|| {
            globals.push(name.into());
            globals.len() - 1
        }))
    }

    /// The number of a function, which may be defined later.
    pub(super) fn function(&mut self, name: &str) -> usize {
        let functions = &mut self.program.functions;
        let known = functions
            .iter()
            .position(|function| *function.name == *name);
        known.unwrap_or_else(|| {
            functions.push(Function {
                name: name.into(),
                ..Function::default()
            });
            functions.len() - 1
        })
    }

    fn items(&mut self) -> Result<(), Wrong> {
        loop {
            while *self.peek() == Token::Newline || self.is(";") {
                self.at += 1;
            }
            match self.peek() {
                Token::End => return Ok(()),
                Token::Keyword(Keyword::Begin) => {
                    self.at += 1;
                    let body = self.block()?;
                    self.program.begin.push(body);
                }
                Token::Keyword(Keyword::EndRule) => {
                    self.at += 1;
                    let body = self.block()?;
                    self.program.end.push(body);
                }
                Token::Keyword(Keyword::Function) => {
                    self.at += 1;
                    self.define()?;
                }
                _ => self.rule()?,
            }
        }
    }

    fn rule(&mut self) -> Result<(), Wrong> {
        let pattern = if self.is("{") {
            Pattern::Always
        } else {
            let first = self.expression()?;
            if self.accept(",") {
                self.newlines();
                Pattern::Range(first, self.expression()?)
            } else {
                Pattern::When(first)
            }
        };
        let body = if self.is("{") {
            Some(self.block()?)
        } else {
            None
        };
        if body.is_none() && !(matches!(self.peek(), Token::Newline | Token::End) || self.is(";")) {
            return self.wrong();
        }
        self.program.rules.push(Rule { pattern, body });
        Ok(())
    }

    fn define(&mut self) -> Result<(), Wrong> {
        let (Token::Name(name) | Token::Called(name)) = self.take() else {
            self.at -= 1;
            return self.wrong();
        };
        self.expect("(")?;
        let mut params: Vec<Rc<str>> = Vec::new();
        while !self.accept(")") {
            let Token::Name(param) = self.take() else {
                self.at -= 1;
                return self.wrong();
            };
            params.push(param);
            if self.accept(",") {
                self.newlines();
            } else if !self.is(")") {
                return self.wrong();
            }
        }
        self.newlines();
        let index = self.function(&name);
        if self.program.functions[index].body.is_some() {
            return Err((self.line(), "Duplicate function".into()));
        }
        self.program.functions[index].arrays = vec![false; params.len()];
        self.program.functions[index].params.clone_from(&params);
        self.locals = params;
        let body = self.block()?;
        self.locals.clear();
        self.program.functions[index].body = Some(body);
        Ok(())
    }

    fn block(&mut self) -> Result<Statement, Wrong> {
        let line = self.line();
        self.newlines();
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            while *self.peek() == Token::Newline || self.is(";") {
                self.at += 1;
            }
            if self.accept("}") {
                return Ok(Statement {
                    line,
                    kind: Kind::Block(statements),
                });
            }
            statements.push(self.deeper(Self::statement)?);
        }
    }

    /// The end of a simple statement.
    fn ended(&mut self) -> Result<(), Wrong> {
        if self.is("}") || *self.peek() == Token::End {
            return Ok(());
        }
        if *self.peek() == Token::Newline || self.is(";") {
            self.at += 1;
            return Ok(());
        }
        self.wrong()
    }

    fn statement(&mut self) -> Result<Statement, Wrong> {
        let line = self.line();
        let at = |kind| Ok(Statement { line, kind });
        if self.is("{") {
            return self.block();
        }
        if self.accept(";") {
            return at(Kind::Block(Vec::new()));
        }
        if self.keyword(Keyword::If) {
            self.expect("(")?;
            let test = self.expression()?;
            self.expect(")")?;
            let then = self.body()?;
            // An `else` may stand behind newlines and one semicolon.
            let mark = self.at;
            while *self.peek() == Token::Newline || self.is(";") {
                self.at += 1;
            }
            let otherwise = if self.keyword(Keyword::Else) {
                Some(Box::new(self.body()?))
            } else {
                self.at = mark;
                None
            };
            return at(Kind::If(test, Box::new(then), otherwise));
        }
        if self.keyword(Keyword::While) {
            self.expect("(")?;
            let test = self.expression()?;
            self.expect(")")?;
            if self.accept(";") {
                let empty = Statement {
                    line,
                    kind: Kind::Block(Vec::new()),
                };
                return at(Kind::While(test, Box::new(empty)));
            }
            let body = self.body()?;
            return at(Kind::While(test, Box::new(body)));
        }
        if self.keyword(Keyword::Do) {
            let body = self.body()?;
            while *self.peek() == Token::Newline || self.is(";") {
                self.at += 1;
            }
            if !self.keyword(Keyword::While) {
                return self.wrong();
            }
            self.expect("(")?;
            let test = self.expression()?;
            self.expect(")")?;
            self.ended()?;
            return at(Kind::Do(Box::new(body), test));
        }
        if self.keyword(Keyword::For) {
            let kind = self.for_loop()?;
            return at(kind);
        }
        let kind = self.simple()?;
        self.ended()?;
        at(kind)
    }

    fn body(&mut self) -> Result<Statement, Wrong> {
        self.newlines();
        self.deeper(Self::statement)
    }

    fn for_loop(&mut self) -> Result<Kind, Wrong> {
        self.expect("(")?;
        if let (Token::Name(name), Token::Keyword(Keyword::In), Token::Name(array)) = (
            self.peek().clone(),
            self.peek_at(1).clone(),
            self.peek_at(2).clone(),
        ) && *self.peek_at(3) == Token::Sign(")")
        {
            self.at += 4;
            let (name, array) = (self.place(&name), self.place(&array));
            let body = self.body()?;
            return Ok(Kind::ForIn(name, array, Box::new(body)));
        }
        let simple = |parser: &mut Self| -> Result<Box<Statement>, Wrong> {
            let line = parser.line();
            let kind = parser.simple()?;
            Ok(Box::new(Statement { line, kind }))
        };
        let first = if self.is(";") {
            None
        } else {
            Some(simple(self)?)
        };
        self.expect(";")?;
        self.newlines();
        let test = if self.is(";") {
            None
        } else {
            Some(self.expression()?)
        };
        self.expect(";")?;
        self.newlines();
        let step = if self.is(")") {
            None
        } else {
            Some(simple(self)?)
        };
        self.expect(")")?;
        let body = if self.accept(";") {
            Statement {
                line: self.line(),
                kind: Kind::Block(Vec::new()),
            }
        } else {
            self.body()?
        };
        Ok(Kind::For(first, test, step, Box::new(body)))
    }

    fn at_end(&self) -> bool {
        matches!(self.peek(), Token::Newline | Token::End) || self.is(";") || self.is("}")
    }

    fn simple(&mut self) -> Result<Kind, Wrong> {
        let Token::Keyword(keyword) = self.peek().clone() else {
            return Ok(Kind::Expr(self.expression()?));
        };
        let optional = |parser: &mut Self| -> Result<Option<Expr>, Wrong> {
            parser.at += 1;
            if parser.at_end() {
                Ok(None)
            } else {
                parser.expression().map(Some)
            }
        };
        Ok(match keyword {
            Keyword::Print | Keyword::Printf => return self.print(keyword == Keyword::Printf),
            Keyword::Exit => Kind::Exit(optional(self)?),
            Keyword::Return => Kind::Return(optional(self)?),
            Keyword::Delete => {
                self.at += 1;
                let (Token::Name(name) | Token::Called(name)) = self.take() else {
                    self.at -= 1;
                    return self.wrong();
                };
                let place = self.place(&name);
                let index = if self.accept("[") {
                    let index = self.list("]")?;
                    Some(index)
                } else {
                    None
                };
                Kind::Delete(place, index)
            }
            Keyword::Next => self.word(Kind::Next),
            Keyword::NextFile => self.word(Kind::NextFile),
            Keyword::Break => self.word(Kind::Break),
            Keyword::Continue => self.word(Kind::Continue),
            _ => Kind::Expr(self.expression()?),
        })
    }

    fn word(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    fn print(&mut self, formatted: bool) -> Result<Kind, Wrong> {
        self.at += 1;
        let mut args = Vec::new();
        self.printing = true;
        if !self.at_end() && !self.is(">") && !self.is(">>") && !self.is("|") {
            args.push(self.expression()?);
            while self.accept(",") {
                self.newlines();
                args.push(self.expression()?);
            }
        }
        self.printing = false;
        if let [Expr::List(_)] = args.as_slice()
            && let Some(Expr::List(list)) = args.pop()
        {
            args = list;
        }
        let redirect = match self.peek() {
            Token::Sign(">") => Some(Redirect::Truncate),
            Token::Sign(">>") => Some(Redirect::Append),
            Token::Sign("|") => Some(Redirect::Pipe),
            _ => None,
        };
        let redirect = match redirect {
            None => None,
            Some(kind) => {
                self.at += 1;
                Some((kind, self.concatenation_without_in()?))
            }
        };
        if formatted && args.is_empty() {
            return self.wrong();
        }
        Ok(if formatted {
            Kind::Printf(args, redirect)
        } else {
            Kind::Print(args, redirect)
        })
    }

    /// Expressions up to a closing sign.
    pub(super) fn list(&mut self, close: &str) -> Result<Vec<Expr>, Wrong> {
        let printing = std::mem::replace(&mut self.printing, false);
        let mut list = Vec::new();
        self.newlines();
        while !self.accept(close) {
            list.push(self.expression()?);
            self.newlines();
            if self.accept(",") {
                self.newlines();
            } else if !self.is(close) {
                return self.wrong();
            }
        }
        self.printing = printing;
        Ok(list)
    }
}
