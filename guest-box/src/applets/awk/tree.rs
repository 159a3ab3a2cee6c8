//! What a program of `awk` is once it is read. Names are places here.

use std::rc::Rc;

use super::lex::Builtin;
use crate::applets::regex::Regex;

/// A variable's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Global(usize),
    Local(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
}

#[derive(Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(Rc<str>),
    /// Alone it asks whether the record matches.
    Regex(Rc<Regex>),
    Variable(Place),
    Field(Box<Self>),
    Element(Place, Vec<Self>),
    Assign(Box<Self>, Option<Arithmetic>, Box<Self>),
    Choose(Box<Self>, Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Minus(Box<Self>),
    Plus(Box<Self>),
    Arithmetic(Arithmetic, Box<Self>, Box<Self>),
    Concatenate(Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    /// Whether it matches, or does not.
    Match(bool, Box<Self>, Box<Self>),
    In(Vec<Self>, Place),
    /// Adds this before or after its value is taken.
    Step {
        target: Box<Self>,
        by: f64,
        before: bool,
    },
    Call(usize, Vec<Self>),
    Builtin(Builtin, Vec<Self>),
    Getline(Option<Box<Self>>, Source),
    /// Several in parentheses.
    List(Vec<Self>),
    /// One in parentheses.
    Group(Box<Self>),
}

/// Where `getline` reads.
#[derive(Debug)]
pub(super) enum Source {
    Input,
    File(Box<Expr>),
    Command(Box<Expr>),
}

/// Where `print` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    Truncate,
    Append,
    Pipe,
}

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Expr(Expr),
    Print(Vec<Expr>, Option<(Redirect, Expr)>),
    Printf(Vec<Expr>, Option<(Redirect, Expr)>),
    Block(Vec<Statement>),
    If(Expr, Box<Statement>, Option<Box<Statement>>),
    While(Expr, Box<Statement>),
    Do(Box<Statement>, Expr),
    For(
        Option<Box<Statement>>,
        Option<Expr>,
        Option<Box<Statement>>,
        Box<Statement>,
    ),
    ForIn(Place, Place, Box<Statement>),
    Delete(Place, Option<Vec<Expr>>),
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Break,
    Continue,
}

#[derive(Debug)]
pub(super) enum Pattern {
    Always,
    When(Expr),
    Range(Expr, Expr),
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    /// Nothing stands for printing the record.
    pub(super) body: Option<Statement>,
}

#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) name: Rc<str>,
    pub(super) params: Vec<Rc<str>>,
    /// Which of them are used as arrays.
    pub(super) arrays: Vec<bool>,
    pub(super) body: Option<Statement>,
}

#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) begin: Vec<Statement>,
    pub(super) rules: Vec<Rule>,
    pub(super) end: Vec<Statement>,
    pub(super) functions: Vec<Function>,
    pub(super) globals: Vec<Rc<str>>,
}

/// The special variables, at the first places among the globals.
pub(super) const SPECIAL: [&str; 16] = [
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH",
    "CONVFMT", "OFMT", "ENVIRON", "ARGC", "ARGV",
];
pub(super) const NF: usize = 0;
pub(super) const NR: usize = 1;
pub(super) const FNR: usize = 2;
pub(super) const FS: usize = 3;
pub(super) const OFS: usize = 4;
pub(super) const ORS: usize = 5;
pub(super) const RS: usize = 6;
pub(super) const FILENAME: usize = 7;
pub(super) const SUBSEP: usize = 8;
pub(super) const RSTART: usize = 9;
pub(super) const RLENGTH: usize = 10;
pub(super) const CONVFMT: usize = 11;
pub(super) const OFMT: usize = 12;
pub(super) const ENVIRON: usize = 13;
pub(super) const ARGC: usize = 14;
pub(super) const ARGV: usize = 15;
