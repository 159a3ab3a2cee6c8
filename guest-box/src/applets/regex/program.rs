//! A pattern as instructions over bytes. It never runs them.

use super::Syntax;
use super::parse::{BIG, Node};

/// What must hold between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assert {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordStart,
    WordEnd,
    WordEdge,
    NoWordEdge,
    NoWordBefore,
    NoWordAfter,
}

impl Assert {
    /// Whether it holds between what is before and what follows; nothing at the ends of the text.
    pub(super) fn holds(self, before: Option<u8>, after: Option<u8>) -> bool {
        let word = |byte: Option<u8>| byte.is_some_and(is_word);
        match self {
            Self::TextStart => before.is_none(),
            Self::TextEnd => after.is_none(),
            Self::LineStart => matches!(before, None | Some(b'\n')),
            Self::LineEnd => matches!(after, None | Some(b'\n')),
            Self::WordStart => !word(before) && word(after),
            Self::WordEnd => word(before) && !word(after),
            Self::WordEdge => word(before) != word(after),
            Self::NoWordEdge => word(before) == word(after),
            Self::NoWordBefore => !word(before),
            Self::NoWordAfter => !word(after),
        }
    }
}

/// Bytes of characters beyond ASCII count as parts of words.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// One instruction; where it says nothing else, the next one follows.
#[derive(Clone, Debug)]
pub(super) enum Inst {
    /// A byte of this set.
    Set(usize),
    /// A byte of this range.
    Range(u8, u8),
    /// Both, the first preferred.
    Split(usize, usize),
    Jump(usize),
    /// Notes the place.
    Save(usize),
    Assert(Assert),
    /// What the group matched, again.
    Reference(usize),
    Match,
}

#[derive(Debug)]
pub(super) struct Program {
    pub(super) insts: Vec<Inst>,
    pub(super) sets: Vec<[bool; 256]>,
    pub(super) groups: usize,
    /// Whether there are back-references.
    pub(super) references: bool,
    /// Whether letters of a back-reference match their other case.
    pub(super) fold: bool,
    /// Whether it may match nothing.
    pub(super) empty: bool,
}

/// How many instructions there may be.
const LIMIT: usize = 60_000;

impl Program {
    pub(super) fn new(node: &Node, groups: usize, syntax: Syntax) -> Result<Self, &'static str> {
        let mut program = Self {
            insts: Vec::new(),
            sets: Vec::new(),
            groups,
            references: false,
            fold: syntax.fold,
            empty: false,
        };
        program.emit(node)?;
        program.push(Inst::Match)?;
        Ok(program)
    }

    fn push(&mut self, inst: Inst) -> Result<usize, &'static str> {
        if self.insts.len() >= LIMIT {
            return Err(BIG);
        }
        self.insts.push(inst);
        Ok(self.insts.len() - 1)
    }

    fn emit(&mut self, node: &Node) -> Result<(), &'static str> {
        match node {
            Node::Set(set) => self.emit_set(&set.ascii(), &set.sequences())?,
            Node::Sequence(nodes) => nodes.iter().try_for_each(|node| self.emit(node))?,
            Node::Alternatives(nodes) => {
                let mut jumps = Vec::new();
                for (index, node) in nodes.iter().enumerate() {
                    let split = if index + 1 < nodes.len() {
                        Some(self.push(Inst::Split(0, 0))?)
                    } else {
                        None
                    };
                    self.emit(node)?;
                    if let Some(split) = split {
                        jumps.push(self.push(Inst::Jump(0))?);
                        self.insts[split] = Inst::Split(split + 1, self.insts.len());
                    }
                }
                let end = self.insts.len();
                jumps
                    .into_iter()
                    .for_each(|at| self.insts[at] = Inst::Jump(end));
            }
            Node::Group(number, node) => {
                self.push(Inst::Save(2 * number))?;
                self.emit(node)?;
                self.push(Inst::Save(2 * number + 1))?;
            }
            Node::Repeat(node, low, high) => self.emit_repeat(node, *low, *high)?,
            Node::Assert(assert) => drop(self.push(Inst::Assert(*assert))?),
            Node::Reference(number) => {
                self.references = true;
                self.push(Inst::Reference(*number))?;
            }
        }
        Ok(())
    }

    fn emit_set(
        &mut self,
        ascii: &[bool; 256],
        sequences: &[Vec<(u8, u8)>],
    ) -> Result<(), &'static str> {
        let mut jumps = Vec::new();
        let single = ascii.contains(&true) || sequences.is_empty();
        if single {
            let split = match sequences.is_empty() {
                true => None,
                false => Some(self.push(Inst::Split(0, 0))?),
            };
            let known = self.sets.iter().position(|set| set == ascii);
            let index = known.unwrap_or_else(|| {
                self.sets.push(*ascii);
                self.sets.len() - 1
            });
            self.push(Inst::Set(index))?;
            if let Some(split) = split {
                jumps.push(self.push(Inst::Jump(0))?);
                self.insts[split] = Inst::Split(split + 1, self.insts.len());
            }
        }
        for (index, sequence) in sequences.iter().enumerate() {
            let split = match index + 1 < sequences.len() {
                true => Some(self.push(Inst::Split(0, 0))?),
                false => None,
            };
            for (low, high) in sequence {
                self.push(Inst::Range(*low, *high))?;
            }
            if let Some(split) = split {
                jumps.push(self.push(Inst::Jump(0))?);
                self.insts[split] = Inst::Split(split + 1, self.insts.len());
            }
        }
        let end = self.insts.len();
        jumps
            .into_iter()
            .for_each(|at| self.insts[at] = Inst::Jump(end));
        Ok(())
    }

    fn emit_repeat(
        &mut self,
        node: &Node,
        low: u32,
        high: Option<u32>,
    ) -> Result<(), &'static str> {
        let mut last = self.insts.len();
        for _ in 0..low {
            last = self.insts.len();
            self.emit(node)?;
        }
        match high {
            None if low > 0 => {
                let split = self.push(Inst::Split(last, 0))?;
                self.insts[split] = Inst::Split(last, split + 1);
            }
            None => {
                let split = self.push(Inst::Split(0, 0))?;
                self.emit(node)?;
                self.push(Inst::Jump(split))?;
                self.insts[split] = Inst::Split(split + 1, self.insts.len());
            }
            Some(high) => {
                let mut splits = Vec::new();
                for _ in low..high {
                    splits.push(self.push(Inst::Split(0, 0))?);
                    self.emit(node)?;
                }
                let end = self.insts.len();
                for split in splits {
                    self.insts[split] = Inst::Split(split + 1, end);
                }
            }
        }
        Ok(())
    }

    /// Whether a byte passes an instruction.
    pub(super) fn passes(&self, inst: &Inst, byte: u8) -> bool {
        match inst {
            Inst::Set(set) => self.sets[*set][usize::from(byte)],
            Inst::Range(low, high) => (*low..=*high).contains(&byte),
            _ => false,
        }
    }

    /// The bytes a match may begin with; sets `empty` by the way.
    pub(super) fn first_bytes(&mut self) -> [bool; 256] {
        let mut bytes = [false; 256];
        let mut seen = vec![false; self.insts.len()];
        let mut stack = vec![0];
        while let Some(pc) = stack.pop() {
            if std::mem::replace(&mut seen[pc], true) {
                continue;
            }
            match &self.insts[pc] {
                Inst::Split(left, right) => stack.extend([*left, *right]),
                Inst::Jump(to) => stack.push(*to),
                Inst::Save(_) | Inst::Assert(_) => stack.push(pc + 1),
                Inst::Match | Inst::Reference(_) => self.empty = true,
                inst => {
                    for byte in 0..=255 {
                        bytes[usize::from(byte)] |= self.passes(inst, byte);
                    }
                }
            }
        }
        if self.empty { [true; 256] } else { bytes }
    }
}
