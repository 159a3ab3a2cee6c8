//! POSIX regular expressions, basic and extended, for `grep`, `sed`, `awk`, `expr`, `less`, `vi`.
//!
//! The leftmost match wins, and of those the longest. Without back-references the time is linear in
//! the text, whatever the pattern; with them it is bounded by [`backtrack::STEPS`], after which a
//! search says "no match". Text is UTF-8: `.` is a character, and a byte that belongs to none
//! matches nothing but itself. There are no collating elements and no locales.
//!
//! [`parse`] reads a pattern, [`program`] makes instructions of it, [`automaton`] finds where a
//! match is, [`threads`] finds where its groups are, [`backtrack`] does both for back-references.

mod automaton;
mod backtrack;
mod parse;
mod program;
mod set;
mod threads;

use std::cell::RefCell;

use automaton::Automaton;
use parse::Node;
use program::{Assert, Program};

/// How a pattern is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Syntax {
    /// Extended rather than basic.
    pub(crate) extended: bool,
    /// Letters match their other case too.
    pub(crate) fold: bool,
    /// `^` and `$` match at every line, and nothing but `\n` matches a line's end.
    pub(crate) lines: bool,
    /// The text is taken as it is.
    pub(crate) literal: bool,
    /// What makes no sense is taken as it is, as GNU's `grep` does, rather than refused.
    pub(crate) lenient: bool,
}

/// What must be around a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    Anything,
    /// No part of a word.
    NoWord,
    /// The ends of the line.
    Nothing,
}

/// Where each group is; the whole match first.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Regex {
    program: Program,
    /// Finds whether there is a match.
    somewhere: RefCell<Automaton>,
    /// Finds how long the match from here is.
    here: RefCell<Automaton>,
    /// Whether a match may begin with this byte; all when it may be empty.
    first: Box<[bool; 256]>,
}

impl Regex {
    /// Compiles a pattern; the error is the C library's words.
    pub(crate) fn new(pattern: &str, syntax: Syntax) -> Result<Self, &'static str> {
        Self::any_of(&[pattern], syntax, Around::Anything)
    }

    /// An expression that matches what one of several matches.
    pub(crate) fn any_of<S: AsRef<str>>(
        patterns: &[S],
        syntax: Syntax,
        around: Around,
    ) -> Result<Self, &'static str> {
        let mut nodes = Vec::new();
        let mut groups = 0;
        for pattern in patterns {
            let (node, more) = parse::parse(pattern.as_ref(), syntax, groups)?;
            nodes.push(node);
            groups += more;
        }
        let node = match nodes.len() {
            1 => nodes.remove(0),
            _ => Node::Alternatives(nodes),
        };
        let node = match around {
            Around::Anything => node,
            Around::NoWord => Node::Sequence(vec![
                Node::Assert(Assert::NoWordBefore),
                node,
                Node::Assert(Assert::NoWordAfter),
            ]),
            Around::Nothing => Node::Sequence(vec![
                Node::Assert(Assert::TextStart),
                node,
                Node::Assert(Assert::TextEnd),
            ]),
        };
        let mut program = Program::new(&node, groups, syntax)?;
        let first = Box::new(program.first_bytes());
        Ok(Self {
            program,
            somewhere: RefCell::new(Automaton::new(true)),
            here: RefCell::new(Automaton::new(false)),
            first,
        })
    }

    /// How many groups the pattern has.
    pub(crate) fn groups(&self) -> usize {
        self.program.groups
    }

    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        if self.program.references {
            return self.find_at(text, 0).is_some();
        }
        self.somewhere.borrow_mut().finds(&self.program, text)
    }

    /// The first match that begins at `from` or later; what is before `from` is context.
    pub(crate) fn find_at(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        if self.program.references {
            let groups = self.captures_at(text, from)?;
            return groups[0];
        }
        // Each start costs what its attempt reads; when that is too much, one pass over all starts.
        let mut budget = 8 * (text.len() - from.min(text.len())) + 4096;
        let mut here = self.here.borrow_mut();
        for start in from..=text.len() {
            if !text
                .get(start)
                .map_or(self.program.empty, |byte| self.first[usize::from(*byte)])
            {
                continue;
            }
            let (end, steps) = here.longest(&self.program, text, start);
            if let Some(end) = end {
                return Some((start, end));
            }
            budget = match budget.checked_sub(steps) {
                Some(left) => left,
                None => return threads::leftmost(&self.program, text, start + 1),
            };
        }
        None
    }

    /// The same, with where the groups are.
    pub(crate) fn captures_at(&self, text: &[u8], from: usize) -> Option<Groups> {
        if self.program.references {
            return (from..=text.len())
                .filter(|start| {
                    text.get(*start)
                        .is_none_or(|byte| self.first[usize::from(*byte)])
                })
                .scan(backtrack::STEPS, |steps, start| {
                    (*steps > 0).then(|| backtrack::longest(&self.program, text, start, steps))
                })
                .flatten()
                .next();
        }
        let (start, end) = self.find_at(text, from)?;
        if self.program.groups == 0 {
            return Some(vec![Some((start, end))]);
        }
        Some(threads::groups(&self.program, text, start, end))
    }
}

#[cfg(test)]
mod tests;
