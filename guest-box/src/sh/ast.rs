//! What a shell program is once it is read.
//!
//! A tree of plain data that never runs anything. Commands keep their place in the source, so that
//! one of them can be handed to another shell as text.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// The text a tree was read from.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Nothing until the line has been read to its end.
    pub(crate) text: OnceCell<String>,
    /// Here-documents: where the operator stands and where the body lies, delimiter included.
    pub(crate) bodies: RefCell<Vec<(usize, Range<usize>)>>,
}

impl Source {
    /// The text of one command as it would stand alone: bodies of its own here-documents behind
    /// it, other commands' bodies cut out.
    pub(crate) fn excerpt(&self, span: &Range<usize>) -> String {
        let Some(source) = self.text.get() else {
            return String::new();
        };
        let mut text = String::new();
        let mut behind = String::new();
        let mut at = span.start;
        for (operator, body) in self.bodies.borrow().iter() {
            if span.contains(operator) {
                if body.start >= span.end {
                    behind.push_str(&source[body.clone()]);
                }
            } else if body.start >= at && body.end <= span.end {
                text.push_str(&source[at..body.start]);
                at = body.end;
            }
        }
        text.push_str(&source[at..span.end]);
        if !behind.is_empty() {
            text.push('\n');
            text.push_str(&behind);
        }
        text
    }
}

/// Commands one after another.
#[derive(Debug, Default)]
pub(crate) struct List(pub(crate) Vec<Item>);

/// One element of a list.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Connective, Pipeline)>,
    pub(crate) background: bool,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
}

/// Where something stands in the source.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) source: Rc<Source>,
    pub(crate) span: Range<usize>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text is no part of what a tree means.
        f.write_str("…")
    }
}

impl Place {
    pub(crate) fn text(&self) -> String {
        self.source.excerpt(&self.span)
    }
}

#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) negated: bool,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) kind: Kind,
    pub(crate) redirects: Vec<Redirect>,
    pub(crate) line: usize,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Simple {
        assignments: Vec<(String, Word)>,
        words: Vec<Word>,
    },
    Group(List),
    Subshell(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    While {
        until: bool,
        condition: List,
        body: List,
    },
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    Function {
        name: String,
        body: Rc<Command>,
    },
}

#[derive(Debug)]
pub(crate) struct Redirect {
    pub(crate) fd: usize,
    pub(crate) to: Target,
}

#[derive(Debug)]
pub(crate) enum Target {
    Read(Word),
    /// The flag says that the file may be there already, whatever `set -C` says.
    Write(Word, bool),
    Append(Word),
    ReadWrite(Word),
    /// `>&` and `<&`: a number, `-` to close.
    Duplicate(Word),
    /// `&>`: standard output and error to one file.
    Both(Word),
    /// Filled in when the line has been read to its end.
    Here(Rc<OnceCell<Word>>),
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word(pub(crate) Vec<Part>);

impl Word {
    /// The text, when nothing in it needs expansion and nothing is quoted.
    pub(crate) fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Unquoted literal text: patterns in it count.
    Text(String),
    /// Literal text that was quoted.
    Quoted(String),
    /// What stands between double quotes.
    Double(Vec<Self>),
    Tilde(String),
    Parameter(Box<Parameter>),
    Substitution(Rc<List>),
    Arithmetic(Word),
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Plain,
    Length,
    /// `-`: this instead of nothing; the flag says that the empty string is nothing too (`:-`).
    Default(bool, Word),
    Assign(bool, Word),
    Complain(bool, Word),
    Alternative(bool, Word),
    /// `#` and `##`: the flag asks for the longest match.
    TrimStart(bool, Word),
    TrimEnd(bool, Word),
    /// `/` and `//`: the flag asks for all matches.
    Replace(bool, Word, Word),
    Slice(Word, Option<Word>),
}
