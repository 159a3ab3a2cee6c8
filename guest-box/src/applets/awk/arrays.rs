//! Which parameters of functions are arrays: those that are used as one, or handed to one.
//! It never looks at values.

use super::lex::Builtin;
use super::tree::{Expr, Kind, Place, Program, Source, Statement};

/// Marks the parameters, again until nothing changes.
pub(super) fn infer(program: &mut Program) {
    loop {
        let mut marks: Vec<Vec<bool>> = program
            .functions
            .iter()
            .map(|function| function.arrays.clone())
            .collect();
        for (index, function) in program.functions.iter().enumerate() {
            let mut finder = Finder {
                program,
                found: std::mem::take(&mut marks[index]),
            };
            if let Some(body) = &function.body {
                finder.statement(body);
            }
            marks[index] = finder.found;
        }
        let mut changed = false;
        for (function, marks) in program.functions.iter_mut().zip(marks) {
            changed |= function.arrays != marks;
            function.arrays = marks;
        }
        if !changed {
            return;
        }
    }
}

struct Finder<'p> {
    program: &'p Program,
    found: Vec<bool>,
}

impl Finder<'_> {
    fn mark(&mut self, place: Place) {
        if let Place::Local(index) = place
            && let Some(found) = self.found.get_mut(index)
        {
            *found = true;
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            Kind::Expr(expr) => self.expr(expr),
            Kind::Print(args, redirect) | Kind::Printf(args, redirect) => {
                args.iter().for_each(|arg| self.expr(arg));
                if let Some((_, to)) = redirect {
                    self.expr(to);
                }
            }
            Kind::Block(statements) => statements.iter().for_each(|inner| self.statement(inner)),
            Kind::If(test, then, otherwise) => {
                self.expr(test);
                self.statement(then);
                otherwise.iter().for_each(|inner| self.statement(inner));
            }
            Kind::While(test, body) | Kind::Do(body, test) => {
                self.expr(test);
                self.statement(body);
            }
            Kind::For(first, test, step, body) => {
                first
                    .iter()
                    .chain(step)
                    .for_each(|inner| self.statement(inner));
                test.iter().for_each(|inner| self.expr(inner));
                self.statement(body);
            }
            Kind::ForIn(_, array, body) => {
                self.mark(*array);
                self.statement(body);
            }
            Kind::Delete(place, index) => {
                self.mark(*place);
                index.iter().flatten().for_each(|inner| self.expr(inner));
            }
            Kind::Exit(value) | Kind::Return(value) => {
                value.iter().for_each(|inner| self.expr(inner));
            }
            Kind::Next | Kind::NextFile | Kind::Break | Kind::Continue => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Number(_) | Expr::Text(_) | Expr::Regex(_) | Expr::Variable(_) => {}
            Expr::Field(inner)
            | Expr::Not(inner)
            | Expr::Minus(inner)
            | Expr::Plus(inner)
            | Expr::Group(inner) => self.expr(inner),
            Expr::Step { target, .. } => self.expr(target),
            Expr::Element(place, index) | Expr::In(index, place) => {
                self.mark(*place);
                index.iter().for_each(|inner| self.expr(inner));
            }
            Expr::Assign(left, _, right)
            | Expr::And(left, right)
            | Expr::Or(left, right)
            | Expr::Arithmetic(_, left, right)
            | Expr::Concatenate(left, right)
            | Expr::Compare(_, left, right)
            | Expr::Match(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            Expr::Choose(test, then, otherwise) => {
                self.expr(test);
                self.expr(then);
                self.expr(otherwise);
            }
            Expr::List(list) => list.iter().for_each(|inner| self.expr(inner)),
            Expr::Call(function, args) => {
                let arrays = &self.program.functions[*function].arrays;
                for (index, arg) in args.iter().enumerate() {
                    match arg {
                        Expr::Variable(place) if arrays.get(index) == Some(&true) => {
                            self.mark(*place);
                        }
                        arg => self.expr(arg),
                    }
                }
            }
            Expr::Builtin(builtin, args) => {
                if *builtin == Builtin::Split
                    && let Some(Expr::Variable(place)) = args.get(1)
                {
                    self.mark(*place);
                }
                args.iter().for_each(|arg| self.expr(arg));
            }
            Expr::Getline(target, source) => {
                target.iter().for_each(|inner| self.expr(inner));
                if let Source::File(inner) | Source::Command(inner) = source {
                    self.expr(inner);
                }
            }
        }
    }
}
