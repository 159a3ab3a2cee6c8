//! Walking the tree of an `awk` program. It never reads input before a rule needs it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;

use super::expression::compile;
use super::record::{Fields, Reader, Separator, fields};
use super::streams::Streams;
use super::tree::{
    ARGC, ARGV, Arithmetic, CONVFMT, Comparison, ENVIRON, Expr, FILENAME, FNR, FS, Kind, NF, NR,
    OFMT, OFS, ORS, Pattern, Place, Program, RLENGTH, RS, RSTART, Redirect, SUBSEP, Source,
    Statement,
};
use super::value::{Array, Value, number_text};
use crate::applets::regex::Regex;
use crate::applets::{Io, Outcome, reason};

/// What a variable holds.
#[derive(Clone, Debug, Default)]
pub(super) enum Cell {
    #[default]
    Empty,
    Scalar(Value),
    Array(Array),
}

/// Why a statement does not go on to the next.
enum Flow {
    Go,
    Next,
    NextFile,
    Exit,
    Break,
    Continue,
    Return(Value),
}

/// What ends a program: a message.
pub(super) type Fatal = String;

/// How deep functions may call each other: the stack of a guest is small.
const DEPTH: usize = 300;
/// The most fields a record may have.
const FIELDS: usize = 1 << 20;
/// How many expressions made at run time are kept.
const CACHE: usize = 200;

pub(super) struct Machine<'p> {
    program: &'p Program,
    globals: Vec<Cell>,
    frames: Vec<Vec<Cell>>,
    record: Rc<str>,
    fields: Vec<Value>,
    /// The fields are those of the record.
    split: bool,
    /// The record must be made of the fields.
    stale: bool,
    /// The separator when the record was read.
    separator: Rc<str>,
    open: Vec<bool>,
    pub(super) streams: Streams,
    input: Option<Reader>,
    argument: usize,
    had_file: bool,
    line: usize,
    code: i32,
    pub(super) seed: (u64, u64),
    cache: BTreeMap<Rc<str>, Rc<Regex>>,
}

impl<'p> Machine<'p> {
    pub(super) fn new(program: &'p Program, args: Vec<String>) -> Self {
        let mut machine = Self {
            program,
            globals: vec![Cell::Empty; program.globals.len()],
            frames: Vec::new(),
            record: "".into(),
            fields: Vec::new(),
            split: true,
            stale: false,
            separator: " ".into(),
            open: vec![false; program.rules.len()],
            streams: Streams::default(),
            input: None,
            argument: 0,
            had_file: false,
            line: 1,
            code: 0,
            seed: (1, 1),
            cache: BTreeMap::new(),
        };
        for (name, text) in [
            ("FS", " "),
            ("OFS", " "),
            ("ORS", "\n"),
            ("RS", "\n"),
            ("SUBSEP", "\x1c"),
            ("CONVFMT", "%.6g"),
            ("OFMT", "%.6g"),
        ] {
            machine.assign(name, text);
        }
        let environment = machine.array(Place::Global(ENVIRON));
        for (name, value) in std::env::vars() {
            environment
                .borrow_mut()
                .insert(name.into(), Value::input(&value));
        }
        let argv = machine.array(Place::Global(ARGV));
        let count = args.len() + 1;
        for (index, arg) in std::iter::once("awk".to_owned()).chain(args).enumerate() {
            argv.borrow_mut()
                .insert(index.to_string().into(), Value::input(&arg));
        }
        machine.globals[ARGC] = Cell::Scalar(number(count));
        for place in [NR, FNR] {
            machine.globals[place] = Cell::Scalar(Value::Number(0.0));
        }
        machine
    }

    /// Sets a variable by its name; one that the program never names does not matter.
    pub(super) fn assign(&mut self, name: &str, text: &str) {
        if let Some(index) = self
            .program
            .globals
            .iter()
            .position(|known| **known == *name)
        {
            // Only scalars are assigned to this way.
            let _ = self.set(Place::Global(index), Value::input(text));
        }
    }

    pub(super) fn main(&mut self, io: &mut Io<'_>) -> Outcome {
        let result = self.all(io);
        self.streams.flush(io);
        self.streams.close_all();
        match result {
            Ok(()) => Ok(self.code & 255),
            Err(message) => {
                let line = self.line;
                Err(io.fail(&format!("cmd. line:{line}: {message}")))
            }
        }
    }

    fn all(&mut self, io: &mut Io<'_>) -> Result<(), Fatal> {
        let program = self.program;
        for body in &program.begin {
            if let Flow::Exit = self.statement(io, body)? {
                return self.ends(io);
            }
        }
        if program.rules.is_empty() && program.end.is_empty() {
            return Ok(());
        }
        while let Some(record) = self.next_record(io)? {
            self.set_record(record);
            if !self.rules(io)? {
                break;
            }
        }
        self.ends(io)
    }

    fn ends(&mut self, io: &mut Io<'_>) -> Result<(), Fatal> {
        for body in &self.program.end {
            if let Flow::Exit = self.statement(io, body)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs the rules on the record; false when the program exits.
    fn rules(&mut self, io: &mut Io<'_>) -> Result<bool, Fatal> {
        for (index, rule) in self.program.rules.iter().enumerate() {
            let chosen = match &rule.pattern {
                Pattern::Always => true,
                Pattern::When(test) => self.test(io, test)?,
                Pattern::Range(first, last) => {
                    let begins = self.open[index] || self.test(io, first)?;
                    if begins {
                        self.open[index] = !self.test(io, last)?;
                    }
                    begins
                }
            };
            if !chosen {
                continue;
            }
            let Some(body) = &rule.body else {
                let mut text = self.record().to_string();
                text.push_str(&self.special(ORS));
                self.out(io, &text)?;
                continue;
            };
            match self.statement(io, body)? {
                Flow::Next => return Ok(true),
                Flow::NextFile => {
                    self.input = None;
                    return Ok(true);
                }
                Flow::Exit => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    fn out(&mut self, io: &mut Io<'_>, text: &str) -> Result<(), Fatal> {
        match io.out.write_all(text.as_bytes()) {
            // Whoever read is gone: an end, not a mistake.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => guest_kit::exit(141),
            Err(error) => Err(reason(&error)),
            Ok(()) => Ok(()),
        }
    }

    // Input.

    fn record_separator(&mut self) -> Result<Separator, Fatal> {
        let text = self.special(RS);
        Ok(match text.as_bytes() {
            [] => Separator::Paragraph,
            [byte] => Separator::Byte(*byte),
            _ => Separator::Regex(self.regex(&text)?),
        })
    }

    /// The next record of the input, through all files.
    fn next_record(&mut self, io: &mut Io<'_>) -> Result<Option<String>, Fatal> {
        let separator = self.record_separator()?;
        loop {
            if self.input.is_none() && !self.next_file(io)? {
                return Ok(None);
            }
            let Some(input) = &mut self.input else {
                return Ok(None);
            };
            let out = &mut io.out;
            // What cannot be read has ended.
            let found = input
                .record(&separator, &mut || drop(out.flush()))
                .unwrap_or(None);
            let Some(text) = found else {
                self.input = None;
                continue;
            };
            for place in [NR, FNR] {
                let count = self.global(place).number() + 1.0;
                self.globals[place] = Cell::Scalar(Value::Number(count));
            }
            return Ok(Some(text));
        }
    }

    fn next_file(&mut self, io: &mut Io<'_>) -> Result<bool, Fatal> {
        loop {
            self.argument += 1;
            let count = self.global(ARGC).number();
            if number(self.argument).number() >= count {
                if self.had_file {
                    return Ok(false);
                }
                self.had_file = true;
                self.globals[FILENAME] = Cell::Scalar(Value::text("-"));
                self.input = Some(Reader::new(Box::new(std::io::stdin())));
                return Ok(true);
            }
            let key = self.argument.to_string();
            let argv = self.array(Place::Global(ARGV));
            let name = argv
                .borrow()
                .get(key.as_str())
                .map(|name| name.string("%.6g"));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                continue;
            };
            if let Some((variable, value)) = name.split_once('=')
                && variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && variable
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_')
            {
                self.assign(variable, &super::lex::unescape(value));
                continue;
            }
            self.had_file = true;
            let opened = match &*name {
                "-" => Ok(Reader::new(Box::new(std::io::stdin()))),
                name => std::fs::File::open(name).map(|file| Reader::new(Box::new(file))),
            };
            match opened {
                Ok(input) => {
                    self.input = Some(input);
                    self.globals[FNR] = Cell::Scalar(Value::Number(0.0));
                    self.globals[FILENAME] = Cell::Scalar(Value::Text(name));
                    return Ok(true);
                }
                Err(error) => {
                    io.complain(&format!("{name}: {}", reason(&error)));
                    self.streams.flush(io);
                    guest_kit::exit(1);
                }
            }
        }
    }

    fn set_record(&mut self, text: impl Into<Rc<str>>) {
        self.record = text.into();
        self.split = false;
        self.stale = false;
        self.separator = self.special(FS);
    }

    pub(super) fn record(&mut self) -> Rc<str> {
        if self.stale {
            let joiner = self.special(OFS);
            let format = self.special(CONVFMT);
            let parts: Vec<Rc<str>> = self
                .fields
                .iter()
                .map(|field| field.string(&format))
                .collect();
            self.record = parts.join(&*joiner).into();
            self.stale = false;
        }
        self.record.clone()
    }

    fn ensure_split(&mut self) -> Result<(), Fatal> {
        if !self.split {
            let separator = self.separator.clone();
            let by = self.field_separator(&separator)?;
            let paragraph = self.special(RS).is_empty();
            self.fields = fields(&self.record, &by, paragraph);
            self.split = true;
        }
        Ok(())
    }

    pub(super) fn field_separator(&mut self, text: &str) -> Result<Fields, Fatal> {
        let mut chars = text.chars();
        Ok(match (chars.next(), chars.next()) {
            (None, _) => Fields::Characters,
            (Some(' '), None) => Fields::Blanks,
            (Some(c), None) => Fields::Char(c),
            _ => Fields::Regex(self.regex(text)?),
        })
    }

    fn field(&mut self, index: f64) -> Result<Value, Fatal> {
        let Some(index) = place_of(index) else {
            return Err("Access to negative field".into());
        };
        if index == 0 {
            return Ok(Value::input(&self.record()));
        }
        self.ensure_split()?;
        Ok(self.fields.get(index - 1).cloned().unwrap_or_default())
    }

    fn set_field(&mut self, index: f64, value: Value) -> Result<(), Fatal> {
        let Some(index) = place_of(index).filter(|index| *index < FIELDS) else {
            return Err("Access to negative field".into());
        };
        if index == 0 {
            let text = self.text(&value);
            self.set_record(text);
            return Ok(());
        }
        self.ensure_split()?;
        if self.fields.len() < index {
            self.fields.resize(index, Value::Nothing);
        }
        let text = self.text(&value);
        self.fields[index - 1] = match value {
            Value::Number(number) => Value::Numeric(text, number),
            other => other,
        };
        self.stale = true;
        Ok(())
    }

    // Variables.

    fn global(&self, index: usize) -> Value {
        match &self.globals[index] {
            Cell::Scalar(value) => value.clone(),
            _ => Value::Nothing,
        }
    }

    /// A special variable as text.
    pub(super) fn special(&self, index: usize) -> Rc<str> {
        self.global(index).string("%.6g")
    }

    /// A value as text.
    pub(super) fn text(&self, value: &Value) -> Rc<str> {
        match value {
            Value::Number(number) if number.fract() != 0.0 => {
                number_text(*number, &self.special(CONVFMT)).into()
            }
            value => value.string("%.6g"),
        }
    }

    fn cell(&mut self, place: Place) -> &mut Cell {
        match place {
            Place::Global(index) => &mut self.globals[index],
            Place::Local(index) => {
                let frame = self
                    .frames
                    .last_mut()
                    .expect("locals are in functions only");
                &mut frame[index]
            }
        }
    }

    fn get(&mut self, place: Place) -> Result<Value, Fatal> {
        if place == Place::Global(NF) {
            self.ensure_split()?;
            return Ok(number(self.fields.len()));
        }
        match self.cell(place) {
            Cell::Scalar(value) => Ok(value.clone()),
            Cell::Empty => Ok(Value::Nothing),
            Cell::Array(_) => Err("Can't use array in scalar context".into()),
        }
    }

    fn set(&mut self, place: Place, value: Value) -> Result<(), Fatal> {
        if place == Place::Global(NF) {
            self.ensure_split()?;
            let count = place_of(value.number())
                .filter(|count| *count < FIELDS)
                .unwrap_or(0);
            self.fields.resize(count, Value::Nothing);
            self.stale = true;
            return Ok(());
        }
        match self.cell(place) {
            Cell::Array(_) => Err("Can't use array in scalar context".into()),
            cell => {
                *cell = Cell::Scalar(value);
                Ok(())
            }
        }
    }

    /// The array at a place, made when nothing is there.
    pub(super) fn array(&mut self, place: Place) -> Array {
        match self.cell(place) {
            Cell::Array(array) => array.clone(),
            cell => {
                let array = Array::default();
                *cell = Cell::Array(array.clone());
                array
            }
        }
    }

    /// The key of an element.
    fn key(&mut self, io: &mut Io<'_>, index: &[Expr]) -> Result<Rc<str>, Fatal> {
        if let [one] = index {
            let value = self.value(io, one)?;
            return Ok(self.text(&value));
        }
        let mut parts = Vec::new();
        for expr in index {
            let value = self.value(io, expr)?;
            parts.push(self.text(&value));
        }
        Ok(parts.join(&*self.special(SUBSEP)).into())
    }

    /// Puts a value where an expression says.
    pub(super) fn store(
        &mut self,
        io: &mut Io<'_>,
        target: &Expr,
        value: Value,
    ) -> Result<(), Fatal> {
        match target {
            Expr::Variable(place) => self.set(*place, value),
            Expr::Field(index) => {
                let index = self.value(io, index)?.number();
                self.set_field(index, value)
            }
            Expr::Element(place, index) => {
                let key = self.key(io, index)?;
                self.array(*place).borrow_mut().insert(key, value);
                Ok(())
            }
            Expr::Group(inner) => self.store(io, inner, value),
            _ => Err("Unexpected token".into()),
        }
    }

    // Statements.

    fn statement(&mut self, io: &mut Io<'_>, statement: &Statement) -> Result<Flow, Fatal> {
        self.line = statement.line;
        match &statement.kind {
            Kind::Expr(expr) => drop(self.value(io, expr)?),
            Kind::Print(args, redirect) => {
                let mut text = String::new();
                if args.is_empty() {
                    text.push_str(&self.record());
                }
                for (index, arg) in args.iter().enumerate() {
                    if index > 0 {
                        text.push_str(&self.special(OFS));
                    }
                    match self.value(io, arg)? {
                        Value::Number(number) => {
                            text.push_str(&number_text(number, &self.special(OFMT)));
                        }
                        value => text.push_str(&self.text(&value)),
                    }
                }
                text.push_str(&self.special(ORS));
                self.print(io, &text, redirect.as_ref())?;
            }
            Kind::Printf(args, redirect) => {
                let mut values = Vec::new();
                for arg in args {
                    values.push(self.value(io, arg)?);
                }
                let text = self.formatted(&values);
                self.print(io, &text, redirect.as_ref())?;
            }
            Kind::Block(statements) => {
                for inner in statements {
                    match self.statement(io, inner)? {
                        Flow::Go => {}
                        flow => return Ok(flow),
                    }
                }
            }
            Kind::If(test, then, otherwise) => {
                if self.test(io, test)? {
                    return self.statement(io, then);
                } else if let Some(otherwise) = otherwise {
                    return self.statement(io, otherwise);
                }
            }
            Kind::While(test, body) => {
                while self.test(io, test)? {
                    match self.statement(io, body)? {
                        Flow::Go | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                }
            }
            Kind::Do(body, test) => loop {
                match self.statement(io, body)? {
                    Flow::Go | Flow::Continue => {}
                    Flow::Break => break,
                    flow => return Ok(flow),
                }
                if !self.test(io, test)? {
                    break;
                }
            },
            Kind::For(first, test, step, body) => {
                if let Some(first) = first {
                    self.statement(io, first)?;
                }
                while test.as_ref().map_or(Ok(true), |test| self.test(io, test))? {
                    match self.statement(io, body)? {
                        Flow::Go | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                    if let Some(step) = step {
                        self.statement(io, step)?;
                    }
                }
            }
            Kind::ForIn(name, array, body) => return self.for_in(io, *name, *array, body),
            Kind::Delete(place, index) => {
                let array = self.array(*place);
                match index {
                    None => array.borrow_mut().clear(),
                    Some(index) => {
                        let key = self.key(io, index)?;
                        array.borrow_mut().remove(&key);
                    }
                }
            }
            Kind::Next => return Ok(Flow::Next),
            Kind::NextFile => return Ok(Flow::NextFile),
            Kind::Exit(code) => {
                if let Some(code) = code {
                    let code = self.value(io, code)?.number();
                    #[expect(clippy::cast_possible_truncation, reason = "codes are small")]
                    {
                        self.code = code as i32;
                    }
                }
                return Ok(Flow::Exit);
            }
            Kind::Return(value) => {
                let value = match value {
                    Some(value) => self.value(io, value)?,
                    None => Value::Nothing,
                };
                return Ok(Flow::Return(value));
            }
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Go)
    }

    fn for_in(
        &mut self,
        io: &mut Io<'_>,
        name: Place,
        array: Place,
        body: &Statement,
    ) -> Result<Flow, Fatal> {
        let array = self.array(array);
        let mut keys: Vec<(Option<i64>, Rc<str>)> = array
            .borrow()
            .keys()
            .map(|key| (key.parse().ok(), key.clone()))
            .collect();
        keys.sort_by(|left, right| match (left.0, right.0) {
            (Some(left), Some(right)) => left.cmp(&right),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => left.1.cmp(&right.1),
        });
        for (_, key) in keys {
            if !array.borrow().contains_key(&key) {
                continue;
            }
            self.set(name, Value::input(&key))?;
            match self.statement(io, body)? {
                Flow::Go | Flow::Continue => {}
                Flow::Break => break,
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Go)
    }

    fn print(
        &mut self,
        io: &mut Io<'_>,
        text: &str,
        redirect: Option<&(Redirect, Expr)>,
    ) -> Result<(), Fatal> {
        let Some((kind, name)) = redirect else {
            return self.out(io, text);
        };
        let name = self.value(io, name)?;
        let name = self.text(&name);
        self.streams.write(io, *kind, &name, text)
    }

    // Expressions.

    fn test(&mut self, io: &mut Io<'_>, expr: &Expr) -> Result<bool, Fatal> {
        Ok(self.value(io, expr)?.is_true())
    }

    /// An expression as text.
    pub(super) fn string(&mut self, io: &mut Io<'_>, expr: &Expr) -> Result<Rc<str>, Fatal> {
        let value = self.value(io, expr)?;
        Ok(self.text(&value))
    }

    /// The matcher that an expression stands for.
    pub(super) fn pattern(&mut self, io: &mut Io<'_>, expr: &Expr) -> Result<Rc<Regex>, Fatal> {
        match expr {
            Expr::Regex(regex) => Ok(regex.clone()),
            Expr::Group(inner) => self.pattern(io, inner),
            expr => {
                let text = self.string(io, expr)?;
                self.regex(&text)
            }
        }
    }

    pub(super) fn regex(&mut self, text: &str) -> Result<Rc<Regex>, Fatal> {
        if let Some(regex) = self.cache.get(text) {
            return Ok(regex.clone());
        }
        let regex = Rc::new(compile(text)?);
        if self.cache.len() >= CACHE {
            self.cache.clear();
        }
        self.cache.insert(text.into(), regex.clone());
        Ok(regex)
    }

    pub(super) fn value(&mut self, io: &mut Io<'_>, expr: &Expr) -> Result<Value, Fatal> {
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Regex(regex) => Value::truth(regex.is_match(self.record().as_bytes())),
            Expr::Variable(place) => self.get(*place)?,
            Expr::Field(index) => {
                let index = self.value(io, index)?.number();
                self.field(index)?
            }
            Expr::Element(place, index) => {
                let key = self.key(io, index)?;
                let array = self.array(*place);
                let mut array = array.borrow_mut();
                match array.get(&key) {
                    Some(value) => value.clone(),
                    // Asking for an element makes it.
                    None => {
                        array.insert(key, Value::Nothing);
                        Value::Nothing
                    }
                }
            }
            Expr::Assign(target, None, right) => {
                let value = self.value(io, right)?;
                self.store(io, target, value.clone())?;
                value
            }
            Expr::Assign(target, Some(operator), right) => {
                let right = self.value(io, right)?.number();
                let left = self.value(io, target)?.number();
                let value = Value::Number(calculate(*operator, left, right)?);
                self.store(io, target, value.clone())?;
                value
            }
            Expr::Choose(test, then, otherwise) => {
                let chosen = if self.test(io, test)? {
                    then
                } else {
                    otherwise
                };
                self.value(io, chosen)?
            }
            Expr::And(left, right) => Value::truth(self.test(io, left)? && self.test(io, right)?),
            Expr::Or(left, right) => Value::truth(self.test(io, left)? || self.test(io, right)?),
            Expr::Not(inner) => Value::truth(!self.test(io, inner)?),
            Expr::Minus(inner) => Value::Number(-self.value(io, inner)?.number()),
            Expr::Plus(inner) => Value::Number(self.value(io, inner)?.number()),
            Expr::Arithmetic(operator, left, right) => {
                let left = self.value(io, left)?.number();
                let right = self.value(io, right)?.number();
                Value::Number(calculate(*operator, left, right)?)
            }
            Expr::Concatenate(left, right) => {
                let left = self.string(io, left)?;
                let right = self.string(io, right)?;
                let mut text = String::with_capacity(left.len() + right.len());
                text.push_str(&left);
                text.push_str(&right);
                Value::text(text)
            }
            Expr::Compare(operator, left, right) => {
                let left = self.value(io, left)?;
                let right = self.value(io, right)?;
                let order = left.compare(&right, &self.special(CONVFMT));
                Value::truth(match operator {
                    Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
                    Comparison::LessEqual => order.is_some_and(std::cmp::Ordering::is_le),
                    Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
                    Comparison::NotEqual => !order.is_some_and(std::cmp::Ordering::is_eq),
                    Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
                    Comparison::GreaterEqual => order.is_some_and(std::cmp::Ordering::is_ge),
                })
            }
            Expr::Match(wanted, text, pattern) => {
                let text = self.string(io, text)?;
                let pattern = self.pattern(io, pattern)?;
                Value::truth(pattern.is_match(text.as_bytes()) == *wanted)
            }
            Expr::In(index, place) => {
                let key = self.key(io, index)?;
                Value::truth(self.array(*place).borrow().contains_key(&key))
            }
            Expr::Step { target, by, before } => {
                let old = self.value(io, target)?.number();
                self.store(io, target, Value::Number(old + by))?;
                Value::Number(if *before { old + by } else { old })
            }
            Expr::Call(function, args) => self.call(io, *function, args)?,
            Expr::Builtin(builtin, args) => self.builtin(io, *builtin, args)?,
            Expr::Getline(target, source) => self.getline(io, target.as_deref(), source)?,
            Expr::List(list) => {
                let key = self.key(io, list)?;
                Value::Text(key)
            }
            Expr::Group(inner) => self.value(io, inner)?,
        })
    }

    fn call(&mut self, io: &mut Io<'_>, index: usize, args: &[Expr]) -> Result<Value, Fatal> {
        let function = &self.program.functions[index];
        if args.len() > function.params.len() {
            return Err("Too many arguments".into());
        }
        if self.frames.len() >= DEPTH {
            return Err("Functions call each other too deep".into());
        }
        let mut frame = Vec::with_capacity(function.params.len());
        for (index, arg) in args.iter().enumerate() {
            frame.push(match arg {
                Expr::Variable(place) if function.arrays[index] => Cell::Array(self.array(*place)),
                Expr::Variable(place) => match self.cell(*place) {
                    Cell::Array(array) => Cell::Array(array.clone()),
                    _ => Cell::Scalar(self.get(*place)?),
                },
                arg => Cell::Scalar(self.value(io, arg)?),
            });
        }
        frame.resize(function.params.len(), Cell::Empty);
        let line = self.line;
        self.frames.push(frame);
        let body = function
            .body
            .as_ref()
            .expect("undefined functions were refused");
        let flow = self.statement(io, body);
        self.frames.pop();
        self.line = line;
        match flow? {
            Flow::Return(value) => Ok(value),
            // An exit or a next in a function ends more than the function.
            Flow::Exit => {
                let code = self.code;
                self.streams.flush(io);
                let program = self.program;
                for body in &program.end {
                    if let Flow::Exit = self.statement(io, body)? {
                        break;
                    }
                }
                self.streams.flush(io);
                self.streams.close_all();
                let code = if self.code == 0 { code } else { self.code };
                guest_kit::exit(code.to_le_bytes()[0])
            }
            Flow::Next | Flow::NextFile => Err("next used in a function".into()),
            _ => Ok(Value::Nothing),
        }
    }

    fn getline(
        &mut self,
        io: &mut Io<'_>,
        target: Option<&Expr>,
        source: &Source,
    ) -> Result<Value, Fatal> {
        let (name, program) = match source {
            Source::Input => {
                let Some(text) = self.next_record(io)? else {
                    return Ok(Value::Number(0.0));
                };
                match target {
                    Some(target) => self.store(io, target, Value::input(&text))?,
                    None => self.set_record(text),
                }
                return Ok(Value::Number(1.0));
            }
            Source::File(name) => (self.string(io, name)?, false),
            Source::Command(name) => (self.string(io, name)?, true),
        };
        let separator = self.record_separator()?;
        let Some(reader) = self.streams.reader(io, &name, program) else {
            return Ok(Value::Number(-1.0));
        };
        let out = &mut io.out;
        let Ok(found) = reader.record(&separator, &mut || drop(out.flush())) else {
            return Ok(Value::Number(-1.0));
        };
        let Some(text) = found else {
            return Ok(Value::Number(0.0));
        };
        if program {
            let count = self.global(NR).number() + 1.0;
            self.globals[NR] = Cell::Scalar(Value::Number(count));
        }
        match target {
            Some(target) => self.store(io, target, Value::input(&text))?,
            None => self.set_record(text),
        }
        Ok(Value::Number(1.0))
    }

    /// Whether a name is that of an array.
    pub(super) fn is_array(&mut self, place: Place) -> bool {
        matches!(self.cell(place), Cell::Array(_))
    }

    /// Notes where `match` found something.
    pub(super) fn found(&mut self, start: f64, length: f64) {
        self.globals[RSTART] = Cell::Scalar(Value::Number(start));
        self.globals[RLENGTH] = Cell::Scalar(Value::Number(length));
    }

    /// Gives an array these values, numbered from 1.
    pub(super) fn fill(array: &RefCell<BTreeMap<Rc<str>, Value>>, values: Vec<Value>) {
        let mut array = array.borrow_mut();
        array.clear();
        for (index, value) in values.into_iter().enumerate() {
            array.insert((index + 1).to_string().into(), value);
        }
    }
}

/// A count as a value.
pub(super) fn number(count: usize) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let number = count as f64;
    Value::Number(number)
}

/// A number as a place; nothing when it is negative.
pub(super) fn place_of(number: f64) -> Option<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion of floats saturates"
    )]
    (number > -1.0).then_some(number as usize)
}

fn calculate(operator: Arithmetic, left: f64, right: f64) -> Result<f64, Fatal> {
    Ok(match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide | Arithmetic::Remainder if right == 0.0 => {
            return Err("Division by zero".into());
        }
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
        Arithmetic::Power => left.powf(right),
    })
}
