//! Reading a pattern. It never decides how a match is found.
//!
//! What the C library accepts is accepted: `\+`, `\?`, `\|` in basic expressions, `\w \s \b \< \>`
//! in both, a `)` without its opening in extended ones. Errors are its words.

use super::Syntax;
use super::program::Assert;
use super::set::CharSet;

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Set(CharSet),
    Sequence(Vec<Self>),
    Alternatives(Vec<Self>),
    Group(usize, Box<Self>),
    Repeat(Box<Self>, u32, Option<u32>),
    Assert(Assert),
    Reference(usize),
}

const BRACKET: &str = "Unmatched [, [^, [:, [., or [=";
const PAREN: &str = "Unmatched ( or \\(";
const CLOSE: &str = "Unmatched ) or \\)";
const PRECEDING: &str = "Invalid preceding regular expression";
const CONTENT: &str = "Invalid content of \\{\\}";
const BRACE: &str = "Unmatched \\{";
pub(super) const BIG: &str = "Regular expression too big";
/// How deep groups may be nested, so that reading one cannot exhaust the stack.
const DEPTH: usize = 100;
/// The largest count in braces.
const MOST: u32 = 32_767;

struct Parser {
    chars: Vec<char>,
    at: usize,
    syntax: Syntax,
    /// Groups opened so far, and the number of the first one less one.
    groups: usize,
    base: usize,
    closed: Vec<usize>,
    depth: usize,
}

/// Reads a pattern whose groups are numbered from `base` + 1; how many groups it has.
pub(super) fn parse(
    pattern: &str,
    syntax: Syntax,
    base: usize,
) -> Result<(Node, usize), &'static str> {
    let mut parser = Parser {
        chars: pattern.chars().collect(),
        at: 0,
        syntax,
        groups: 0,
        base,
        closed: Vec::new(),
        depth: 0,
    };
    if syntax.literal {
        let chars = std::mem::take(&mut parser.chars);
        let nodes = chars.into_iter().map(|c| parser.literal(c)).collect();
        return Ok((Node::Sequence(nodes), 0));
    }
    let node = parser.alternatives()?;
    if parser.at < parser.chars.len() {
        return Err(CLOSE);
    }
    Ok((node, parser.groups))
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Whether an operator is next, written as this syntax writes it.
    fn operator(&self, operator: char) -> bool {
        if self.syntax.extended {
            self.peek(0) == Some(operator)
        } else {
            self.peek(0) == Some('\\') && self.peek(1) == Some(operator)
        }
    }

    fn skip_operator(&mut self) {
        self.at += if self.syntax.extended { 1 } else { 2 };
    }

    fn alternatives(&mut self) -> Result<Node, &'static str> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(BIG);
        }
        let mut all = vec![self.sequence()?];
        while self.operator('|') {
            self.skip_operator();
            all.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if all.len() == 1 {
            all.remove(0)
        } else {
            Node::Alternatives(all)
        })
    }

    fn sequence(&mut self) -> Result<Node, &'static str> {
        let mut nodes: Vec<Node> = Vec::new();
        // In basic expressions a star is itself at the beginning, also behind `^`.
        let mut fresh = true;
        while self.at < self.chars.len() && !self.operator('|') {
            if self.operator(')') {
                if self.depth > 1 {
                    break;
                }
                if !self.syntax.extended {
                    return Err(CLOSE);
                }
            }
            let node = self.atom(fresh)?;
            let anchor = matches!(node, Node::Assert(Assert::LineStart | Assert::TextStart));
            let node = if fresh && anchor && !self.syntax.extended {
                node
            } else {
                fresh = false;
                self.repeats(node)?
            };
            nodes.push(node);
        }
        Ok(match nodes.len() {
            1 => nodes.remove(0),
            _ => Node::Sequence(nodes),
        })
    }

    fn atom(&mut self, fresh: bool) -> Result<Node, &'static str> {
        let c = self.chars[self.at];
        let extended = self.syntax.extended;
        if self.operator('(') {
            self.skip_operator();
            return self.group();
        }
        if self.operator('{') && (fresh || extended) && !self.syntax.lenient {
            return Err(PRECEDING);
        }
        self.at += 1;
        match c {
            '*' | '+' | '?' if extended && self.syntax.lenient => Ok(Node::Sequence(Vec::new())),
            '\\' => self.escape(),
            '[' => self.bracket(),
            '.' => Ok(Node::Set(self.tidy(CharSet::default().complement(), true))),
            '*' if extended => Err(PRECEDING),
            '+' | '?' if extended => Err(PRECEDING),
            '^' if extended || fresh => Ok(Node::Assert(self.anchor(true))),
            '$' if extended || self.at_end() => Ok(Node::Assert(self.anchor(false))),
            c => Ok(self.literal(c)),
        }
    }

    /// Whether a `$` just read ends its basic expression.
    fn at_end(&self) -> bool {
        self.at == self.chars.len() || self.operator(')') || self.operator('|')
    }

    fn anchor(&self, start: bool) -> Assert {
        match (start, self.syntax.lines) {
            (true, true) => Assert::LineStart,
            (true, false) => Assert::TextStart,
            (false, true) => Assert::LineEnd,
            (false, false) => Assert::TextEnd,
        }
    }

    fn literal(&self, c: char) -> Node {
        let mut set = CharSet::one(c);
        if self.syntax.fold {
            set.fold();
        }
        Node::Set(set)
    }

    /// A set as this syntax wants it; `open` sets lose the line's end where lines count.
    fn tidy(&self, mut set: CharSet, open: bool) -> CharSet {
        if self.syntax.fold && !open {
            set.fold();
        }
        if self.syntax.lines && open {
            set = set.without_newline();
        }
        set
    }

    fn group(&mut self) -> Result<Node, &'static str> {
        self.groups += 1;
        let number = self.groups;
        let inside = self.alternatives()?;
        if !self.operator(')') {
            return Err(PAREN);
        }
        self.skip_operator();
        self.closed.push(number);
        Ok(Node::Group(self.base + number, Box::new(inside)))
    }

    fn escape(&mut self) -> Result<Node, &'static str> {
        let Some(c) = self.peek(0) else {
            return Err("Trailing backslash");
        };
        self.at += 1;
        let space = || {
            let mut set = CharSet::default();
            set.add_class("space");
            set
        };
        Ok(match c {
            'w' => Node::Set(CharSet::word()),
            'W' => Node::Set(self.tidy(CharSet::word().complement(), true)),
            's' => Node::Set(space()),
            'S' => Node::Set(self.tidy(space().complement(), true)),
            'b' => Node::Assert(Assert::WordEdge),
            'B' => Node::Assert(Assert::NoWordEdge),
            '<' => Node::Assert(Assert::WordStart),
            '>' => Node::Assert(Assert::WordEnd),
            '`' => Node::Assert(Assert::TextStart),
            '\'' => Node::Assert(Assert::TextEnd),
            '1'..='9' => {
                let number = c.to_digit(10).map_or(0, |digit| digit as usize);
                if !self.closed.contains(&number) {
                    return Err("Invalid back reference");
                }
                Node::Reference(self.base + number)
            }
            c => self.literal(c),
        })
    }

    fn repeats(&mut self, mut node: Node) -> Result<Node, &'static str> {
        loop {
            let (low, high) = if self.peek(0) == Some('*') {
                self.at += 1;
                (0, None)
            } else if self.operator('+') {
                self.skip_operator();
                (1, None)
            } else if self.operator('?') {
                self.skip_operator();
                (0, Some(1))
            } else if self.operator('{') {
                let start = self.at;
                self.skip_operator();
                match self.braces() {
                    Err(_) if self.syntax.lenient && self.syntax.extended => {
                        self.at = start + 1;
                        return Ok(Node::Sequence(vec![node, self.literal('{')]));
                    }
                    counts => counts?,
                }
            } else {
                return Ok(node);
            };
            // `a**` is `a*`; other stacks of operators are rare, and bounded.
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(BIG);
            }
            match node {
                Node::Repeat(_, 0, None) if (low, high) == (0, None) => {}
                _ => node = Node::Repeat(Box::new(node), low, high),
            }
            self.depth -= 1;
        }
    }

    fn braces(&mut self) -> Result<(u32, Option<u32>), &'static str> {
        let low = self.number()?;
        let (low, high) = match self.peek(0) {
            Some(',') => {
                self.at += 1;
                (low.unwrap_or(0), self.number()?)
            }
            None => return Err(BRACE),
            _ => {
                let low = low.ok_or(CONTENT)?;
                (low, Some(low))
            }
        };
        if !self.operator('}') {
            return Err(if self.at >= self.chars.len() {
                BRACE
            } else {
                CONTENT
            });
        }
        self.skip_operator();
        match high {
            Some(high) if high < low => Err(CONTENT),
            _ => Ok((low, high)),
        }
    }

    fn number(&mut self) -> Result<Option<u32>, &'static str> {
        let mut value = None;
        while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(10)) {
            value = Some(value.unwrap_or(0) * 10 + digit);
            if value > Some(MOST) {
                return Err(BIG);
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn bracket(&mut self) -> Result<Node, &'static str> {
        let negated = self.peek(0) == Some('^');
        if negated {
            self.at += 1;
        }
        let mut set = CharSet::default();
        let first = self.at;
        loop {
            let c = self.peek(0).ok_or(BRACKET)?;
            if c == ']' && self.at > first {
                self.at += 1;
                break;
            }
            if c == '[' && self.peek(1) == Some(':') {
                let name = self.named(':')?;
                if !set.add_class(&name) {
                    return Err("Invalid character class name");
                }
                if self.syntax.fold && matches!(name.as_str(), "upper" | "lower") {
                    set.add_class("alpha");
                }
                continue;
            }
            let low = self.element()?;
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|next| next != ']') {
                self.at += 1;
                let high = self.element()?;
                if high < low {
                    return Err("Invalid range end");
                }
                set.add(u32::from(low), u32::from(high));
            } else {
                set.add(u32::from(low), u32::from(low));
            }
        }
        let mut set = self.tidy(set, false);
        if negated {
            set = self.tidy(set.complement(), true);
        }
        Ok(Node::Set(set))
    }

    /// One character of a bracket, also as `[.x.]` or `[=x=]`.
    fn element(&mut self) -> Result<char, &'static str> {
        let c = self.peek(0).ok_or(BRACKET)?;
        if c == '[' && matches!(self.peek(1), Some('.' | '=')) {
            let mark = self.peek(1).unwrap_or('.');
            let name = self.named(mark)?;
            let mut chars = name.chars();
            return match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(c),
                _ => Err("Invalid collation character"),
            };
        }
        self.at += 1;
        Ok(c)
    }

    /// The name in `[:name:]`, `[.name.]`, `[=name=]`.
    fn named(&mut self, mark: char) -> Result<String, &'static str> {
        let start = self.at + 2;
        let end = (start..self.chars.len())
            .find(|end| self.chars[*end] == mark && self.chars.get(end + 1) == Some(&']'))
            .ok_or(BRACKET)?;
        self.at = end + 2;
        Ok(self.chars[start..end].iter().collect())
    }
}
