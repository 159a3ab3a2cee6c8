//! Words to a tree. Never evaluates.

use std::collections::BTreeMap;

use super::Template;
use super::functions;
use super::lex::{Kind, Piece, Word, pieces, wrong};

/// What a template is made of.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Show(Pipe),
    If(Pipe, Vec<Self>, Vec<Self>),
    With(Pipe, Vec<Self>, Vec<Self>),
    Range(Pipe, Vec<Self>, Vec<Self>),
    Template(String, Option<Pipe>),
    Break,
    Continue,
}

/// `$a, $b := one | two`.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    pub(super) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Call>,
}

/// One command of a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) arguments: Vec<Term>,
}

/// An operand.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) base: Base,
    /// The fields taken of it, in order.
    pub(super) fields: Vec<String>,
    /// Line and column, as errors name them.
    pub(super) place: (usize, usize),
    pub(super) source: String,
}

#[derive(Debug, Clone)]
pub(super) enum Base {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Variable(String),
    Function(String),
    Pipe(Box<Pipe>),
}

pub(super) fn parse(source: &str) -> Result<Template, String> {
    let mut parser = Parser {
        source,
        pieces: pieces(source)?.into_iter(),
        variables: vec!["$".to_owned()],
        loops: 0,
        defined: BTreeMap::new(),
    };
    let (body, end) = parser.nodes()?;
    if let Some((end, at)) = end {
        return Err(wrong(
            source,
            at,
            &format!("unexpected {{{{{}}}}}", end.word()),
        ));
    }
    Ok(Template {
        body,
        defined: parser.defined,
    })
}

struct Parser<'s> {
    source: &'s str,
    pieces: std::vec::IntoIter<Piece>,
    variables: Vec<String>,
    loops: usize,
    defined: BTreeMap<String, Vec<Node>>,
}

/// What ended a list of nodes.
enum End {
    End,
    Else(Vec<Word>),
}

impl End {
    fn word(&self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Else(_) => "else",
        }
    }
}

type Nodes = (Vec<Node>, Option<(End, usize)>);

impl Parser<'_> {
    fn wrong<T>(&self, at: usize, words: &str) -> Result<T, String> {
        Err(wrong(self.source, at, words))
    }

    fn nodes(&mut self) -> Result<Nodes, String> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (words, at) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(words, at) => (words, at),
            };
            let words = trim(words);
            let keyword = match words.first().map(|word| &word.kind) {
                Some(Kind::Name(name)) => name.clone(),
                _ => String::new(),
            };
            let rest = || trim(words[1..].to_vec());
            match keyword.as_str() {
                "end" => return Ok((nodes, Some((End::End, at)))),
                "else" => return Ok((nodes, Some((End::Else(rest()), at)))),
                "if" | "with" | "range" => nodes.push(self.block(&keyword, rest(), at)?),
                "define" | "block" => {
                    let node = self.define(&keyword, rest(), at)?;
                    nodes.extend(node);
                }
                "template" => nodes.push(self.template(rest(), at)?),
                "break" | "continue" if self.loops == 0 => {
                    return self.wrong(at, &format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
                }
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                _ => nodes.push(Node::Show(self.pipe(&words, at, "command")?)),
            }
        }
        Ok((nodes, None))
    }

    fn block(&mut self, keyword: &str, words: Vec<Word>, at: usize) -> Result<Node, String> {
        let known = self.variables.len();
        let pipe = self.pipe(&words, at, keyword)?;
        self.loops += usize::from(keyword == "range");
        let (body, end) = self.nodes()?;
        self.loops -= usize::from(keyword == "range");
        let otherwise = match end {
            None => return self.wrong(self.source.len(), "unexpected EOF"),
            Some((End::End, _)) => Vec::new(),
            Some((End::Else(words), at)) => self.otherwise(words, at)?,
        };
        self.variables.truncate(known);
        Ok(match keyword {
            "if" => Node::If(pipe, body, otherwise),
            "with" => Node::With(pipe, body, otherwise),
            _ => Node::Range(pipe, body, otherwise),
        })
    }

    /// What stands between `else` and `end`; `else if` is an `if` of its own without an `end`.
    fn otherwise(&mut self, words: Vec<Word>, at: usize) -> Result<Vec<Node>, String> {
        if let Some(Kind::Name(name)) = words.first().map(|word| word.kind.clone())
            && (name == "if" || name == "with")
        {
            return Ok(vec![self.block(&name, trim(words[1..].to_vec()), at)?]);
        }
        let (nodes, end) = self.nodes()?;
        match end {
            Some((End::End, _)) => Ok(nodes),
            Some((End::Else(_), at)) => self.wrong(at, "expected end; found {{else}}"),
            None => self.wrong(self.source.len(), "unexpected EOF"),
        }
    }

    fn define(
        &mut self,
        keyword: &str,
        words: Vec<Word>,
        at: usize,
    ) -> Result<Option<Node>, String> {
        let Some(Kind::Text(name)) = words.first().map(|word| word.kind.clone()) else {
            return self.wrong(at, &format!("unexpected token in {keyword} clause"));
        };
        let pipe = if keyword == "block" {
            Some(self.pipe(&trim(words[1..].to_vec()), at, "block clause")?)
        } else {
            None
        };
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let (body, end) = self.nodes()?;
        self.variables = outer;
        if end.is_none() {
            return self.wrong(self.source.len(), "unexpected EOF");
        }
        self.defined.insert(name.clone(), body);
        Ok(pipe.map(|pipe| Node::Template(name, Some(pipe))))
    }

    fn template(&mut self, words: Vec<Word>, at: usize) -> Result<Node, String> {
        let Some(Kind::Text(name)) = words.first().map(|word| word.kind.clone()) else {
            return self.wrong(at, "unexpected token in template clause");
        };
        let rest = trim(words[1..].to_vec());
        let pipe = if rest.is_empty() {
            None
        } else {
            Some(self.pipe(&rest, at, "template clause")?)
        };
        Ok(Node::Template(name, pipe))
    }

    fn pipe(&mut self, words: &[Word], at: usize, context: &str) -> Result<Pipe, String> {
        let (variables, assigns, rest) = self.declared(words, context == "range");
        for name in &variables {
            if assigns && !self.variables.contains(name) {
                return self.wrong(at, &format!("undefined variable {name:?}"));
            }
        }
        let mut commands = Vec::new();
        for part in split(rest) {
            let part = trim(part.to_vec());
            if part.is_empty() {
                return self.wrong(at, &format!("missing value for {context}"));
            }
            commands.push(self.call(&part)?);
        }
        if let Some(later) = commands
            .iter()
            .skip(1)
            .find(|call| !is_callable(&call.arguments[0]))
        {
            let stage = commands
                .iter()
                .position(|call| std::ptr::eq(call, later))
                .unwrap_or(0)
                + 1;
            return self.wrong(
                at,
                &format!("non executable command in pipeline stage {stage}"),
            );
        }
        if !assigns {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe {
            variables,
            assigns,
            commands,
        })
    }

    /// `$x :=`, `$x =` or `$i, $x :=` at the beginning of a pipeline.
    fn declared<'w>(&self, words: &'w [Word], range: bool) -> (Vec<String>, bool, &'w [Word]) {
        let mut names = Vec::new();
        for (index, word) in words.iter().enumerate() {
            match &word.kind {
                Kind::Space => {}
                Kind::Comma if range && names.len() == 1 => {}
                Kind::Variable(name) if names.len() < 1 + usize::from(range) => {
                    names.push(name.clone());
                }
                Kind::Declare if !names.is_empty() => return (names, false, &words[index + 1..]),
                Kind::Assign if !names.is_empty() => return (names, true, &words[index + 1..]),
                _ => break,
            }
        }
        (Vec::new(), false, words)
    }

    fn call(&mut self, words: &[Word]) -> Result<Call, String> {
        let mut arguments: Vec<Term> = Vec::new();
        let mut index = 0;
        let (mut apart, mut chained) = (true, false);
        while index < words.len() {
            let word = &words[index];
            match (&word.kind, arguments.last_mut()) {
                (Kind::Space, _) => {
                    apart = true;
                    index += 1;
                }
                (Kind::Field(name), Some(last)) if !apart && !name.is_empty() => {
                    if !matches!(last.base, Base::Dot | Base::Variable(_) | Base::Pipe(_)) {
                        return self.wrong(
                            word.at,
                            &format!("unexpected . after term {:?}", last.source),
                        );
                    }
                    // Go points at the second word of a chain.
                    if !chained {
                        last.place = place(self.source, word.at);
                    }
                    chained = true;
                    last.fields.push(name.clone());
                    last.source.push_str(&format!(".{name}"));
                    index += 1;
                }
                _ => {
                    let (term, used) = self.term(&words[index..])?;
                    arguments.push(term);
                    index += used;
                    (apart, chained) = (false, false);
                }
            }
        }
        Ok(Call { arguments })
    }

    fn term(&mut self, words: &[Word]) -> Result<(Term, usize), String> {
        let word = &words[0];
        let mut fields = Vec::new();
        let mut used = 1;
        let (base, source) = match &word.kind {
            Kind::Field(name) if name.is_empty() => (Base::Dot, ".".to_owned()),
            Kind::Field(name) => {
                fields.push(name.clone());
                (Base::Dot, format!(".{name}"))
            }
            Kind::Variable(name) if self.variables.contains(name) => {
                (Base::Variable(name.clone()), name.clone())
            }
            Kind::Variable(name) => {
                return self.wrong(word.at, &format!("undefined variable {name:?}"));
            }
            Kind::Text(text) => (Base::Text(text.clone()), crate::fail::quoted(text)),
            Kind::Int(number) | Kind::Char(number) => (Base::Int(*number), number.to_string()),
            Kind::Float(number) => (Base::Float(*number), number.to_string()),
            Kind::Name(name) => match name.as_str() {
                "true" | "false" => (Base::Bool(name == "true"), name.clone()),
                "nil" => (Base::Nil, name.clone()),
                _ if functions::exist(name) => (Base::Function(name.clone()), name.clone()),
                _ => {
                    return self.wrong(word.at, &format!("function {name:?} not defined"));
                }
            },
            Kind::Open => {
                let end = closing(words);
                let pipe = self.pipe(&words[1..end], word.at, "parenthesized pipeline")?;
                used = end + 1;
                let inner = &self.source[word.at..=words[end].at];
                (Base::Pipe(Box::new(pipe)), inner.to_owned())
            }
            other => {
                let shown = match other {
                    Kind::Pipe => "|",
                    Kind::Declare => ":=",
                    Kind::Assign => "=",
                    Kind::Comma => ",",
                    _ => ")",
                };
                return self.wrong(word.at, &format!("unexpected {shown:?} in operand"));
            }
        };
        let place = place(self.source, word.at);
        Ok((
            Term {
                base,
                fields,
                place,
                source,
            },
            used,
        ))
    }
}

fn is_callable(term: &Term) -> bool {
    matches!(term.base, Base::Function(_)) || !term.fields.is_empty()
}

fn closing(words: &[Word]) -> usize {
    let mut depth = 0;
    for (index, word) in words.iter().enumerate() {
        match word.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 1 => return index,
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    words.len() - 1
}

fn split(words: &[Word]) -> Vec<&[Word]> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (index, word) in words.iter().enumerate() {
        match word.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            Kind::Pipe if depth == 0 => {
                parts.push(&words[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&words[start..]);
    parts
}

fn trim(mut words: Vec<Word>) -> Vec<Word> {
    while words.last().is_some_and(|word| word.kind == Kind::Space) {
        words.pop();
    }
    let start = words.iter().position(|word| word.kind != Kind::Space);
    words.split_off(start.unwrap_or(words.len()))
}

fn place(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..at];
    let line = before.matches('\n').count() + 1;
    let column = at - before.rfind('\n').map_or(0, |end| end + 1);
    (line, column)
}
