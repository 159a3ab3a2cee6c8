//! Whether and how far a pattern matches: a deterministic automaton made while it runs.
//!
//! A state is the set of instructions that wait for a byte, and what the byte before was. Assertions
//! are decided on the next byte, so a match is noticed one byte late, by the transition.
//! Never knows where groups are.

use std::collections::BTreeMap;

use super::program::{Inst, Program};

/// A transition: which state comes, and whether a match ended before the byte.
#[derive(Clone, Copy, Debug)]
struct Step {
    state: u32,
    matched: bool,
}

const UNKNOWN: u32 = u32::MAX;
/// The state that nothing leads out of.
const DEAD: u32 = u32::MAX - 1;
/// How many states are kept before all are forgotten.
const STATES: usize = 1000;
/// The place of the text's end among the bytes.
const END: usize = 256;

/// What the byte before was, as far as assertions ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    Nothing,
    Newline,
    Word,
    Other,
}

impl Before {
    fn of(byte: Option<u8>) -> Self {
        match byte {
            None => Self::Nothing,
            Some(b'\n') => Self::Newline,
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => {
                Self::Word
            }
            Some(_) => Self::Other,
        }
    }

    /// A byte that is like it.
    fn byte(self) -> Option<u8> {
        match self {
            Self::Nothing => None,
            Self::Newline => Some(b'\n'),
            Self::Word => Some(b'a'),
            Self::Other => Some(b' '),
        }
    }
}

type Key = (Before, Vec<u32>);

#[derive(Debug)]
pub(super) struct Automaton {
    /// A match may begin anywhere.
    anywhere: bool,
    steps: Vec<[Step; 257]>,
    keys: Vec<Key>,
    known: BTreeMap<Key, u32>,
}

impl Automaton {
    pub(super) fn new(anywhere: bool) -> Self {
        Self {
            anywhere,
            steps: Vec::new(),
            keys: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    /// Whether the text has a match.
    pub(super) fn finds(&mut self, program: &Program, text: &[u8]) -> bool {
        let mut state = self.state((Before::Nothing, vec![0]));
        for byte in text {
            let step = self.step(program, state, usize::from(*byte));
            if step.matched {
                return true;
            }
            state = step.state;
            if state == DEAD {
                return false;
            }
        }
        self.step(program, state, END).matched
    }

    /// The end of the longest match that begins here, and how many bytes were looked at.
    pub(super) fn longest(
        &mut self,
        program: &Program,
        text: &[u8],
        start: usize,
    ) -> (Option<usize>, usize) {
        let before = start.checked_sub(1).map(|at| text[at]);
        let mut state = self.state((Before::of(before), vec![0]));
        let mut end = None;
        for (at, byte) in text.iter().enumerate().skip(start) {
            let step = self.step(program, state, usize::from(*byte));
            if step.matched {
                end = Some(at);
            }
            state = step.state;
            if state == DEAD {
                return (end, at - start + 1);
            }
        }
        if self.step(program, state, END).matched {
            end = Some(text.len());
        }
        (end, text.len() - start + 1)
    }

    fn state(&mut self, key: Key) -> u32 {
        if let Some(state) = self.known.get(&key) {
            return *state;
        }
        let state = u32::try_from(self.steps.len()).unwrap_or(0);
        let unknown = Step {
            state: UNKNOWN,
            matched: false,
        };
        self.steps.push([unknown; 257]);
        self.keys.push(key.clone());
        self.known.insert(key, state);
        state
    }

    fn step(&mut self, program: &Program, state: u32, byte: usize) -> Step {
        let step = self.steps[state as usize][byte];
        if step.state != UNKNOWN {
            return step;
        }
        self.make(program, state, byte)
    }

    /// Computes a transition that was not needed before.
    fn make(&mut self, program: &Program, state: u32, byte: usize) -> Step {
        let (before, waiting) = self.keys[state as usize].clone();
        let after = u8::try_from(byte).ok();
        let (ready, matched) = closure(program, &waiting, before.byte(), after);
        let mut next: Vec<u32> = match after {
            None => Vec::new(),
            Some(byte) => ready
                .into_iter()
                .filter(|pc| program.passes(&program.insts[*pc as usize], byte))
                .map(|pc| pc + 1)
                .collect(),
        };
        if self.anywhere && after.is_some() {
            next.push(0);
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            let step = Step {
                state: DEAD,
                matched,
            };
            self.steps[state as usize][byte] = step;
            return step;
        }
        let full = self.steps.len() >= STATES;
        if full {
            self.steps.clear();
            self.keys.clear();
            self.known.clear();
        }
        let step = Step {
            state: self.state((Before::of(after), next)),
            matched,
        };
        if !full {
            self.steps[state as usize][byte] = step;
        }
        step
    }
}

/// The instructions that wait for a byte, and whether a match ends here.
fn closure(
    program: &Program,
    waiting: &[u32],
    before: Option<u8>,
    after: Option<u8>,
) -> (Vec<u32>, bool) {
    let mut seen = vec![false; program.insts.len()];
    let mut ready = Vec::new();
    let mut matched = false;
    let mut stack: Vec<usize> = waiting.iter().map(|pc| *pc as usize).collect();
    while let Some(pc) = stack.pop() {
        if std::mem::replace(&mut seen[pc], true) {
            continue;
        }
        match &program.insts[pc] {
            Inst::Split(left, right) => stack.extend([*left, *right]),
            Inst::Jump(to) => stack.push(*to),
            Inst::Save(_) => stack.push(pc + 1),
            Inst::Assert(assert) if assert.holds(before, after) => stack.push(pc + 1),
            Inst::Assert(_) | Inst::Reference(_) => {}
            Inst::Match => matched = true,
            Inst::Set(_) | Inst::Range(..) => ready.extend(u32::try_from(pc)),
        }
    }
    (ready, matched)
}
