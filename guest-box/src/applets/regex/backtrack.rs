//! Patterns with back-references, way after way. What may take for ever is given up after
//! [`STEPS`] instructions; then what was found so far counts.

use super::Groups;
use super::program::{Inst, Program};

/// How many instructions one search may take: about a second.
pub(super) const STEPS: usize = 20_000_000;

/// A way not yet tried, or a slot to put back.
enum Work {
    Try(usize, usize),
    Restore(usize, usize),
}

/// The longest match that begins here, as far as the steps last.
pub(super) fn longest(
    program: &Program,
    text: &[u8],
    start: usize,
    steps: &mut usize,
) -> Option<Groups> {
    let mut slots = vec![usize::MAX; 2 * program.groups + 2];
    let mut best: Option<(usize, Vec<usize>)> = None;
    let mut work = vec![Work::Try(0, start)];
    while let Some(next) = work.pop() {
        match next {
            Work::Restore(slot, value) => slots[slot] = value,
            Work::Try(pc, at) => {
                if let Some(end) = follow(program, text, (pc, at), &mut slots, &mut work, steps)
                    && best.as_ref().is_none_or(|(longest, _)| end > *longest)
                {
                    best = Some((end, slots.clone()));
                    if end == text.len() {
                        break;
                    }
                }
            }
        }
        // Work that is left grows only with loops over nothing.
        if *steps == 0 || work.len() > 1_000_000 {
            break;
        }
    }
    let (end, slots) = best?;
    let mut groups = vec![Some((start, end))];
    groups.extend(
        slots[2..].chunks(2).map(|pair| {
            (pair[0] <= pair[1] && pair[1] != usize::MAX).then_some((pair[0], pair[1]))
        }),
    );
    Some(groups)
}

/// Goes one way until it ends; where the match ended if it is one.
fn follow(
    program: &Program,
    text: &[u8],
    (mut pc, mut at): (usize, usize),
    slots: &mut [usize],
    work: &mut Vec<Work>,
    steps: &mut usize,
) -> Option<usize> {
    // Loops over nothing come back to the same place without having moved.
    let mut idle = 0;
    loop {
        *steps = steps.checked_sub(1)?;
        match &program.insts[pc] {
            Inst::Match => return Some(at),
            Inst::Split(left, right) => {
                idle += 1;
                if idle > program.insts.len() {
                    return None;
                }
                work.push(Work::Try(*right, at));
                pc = *left;
            }
            Inst::Jump(to) => pc = *to,
            Inst::Save(slot) => {
                work.push(Work::Restore(*slot, slots[*slot]));
                slots[*slot] = at;
                pc += 1;
            }
            Inst::Assert(assert) => {
                let before = at.checked_sub(1).map(|at| text[at]);
                if !assert.holds(before, text.get(at).copied()) {
                    return None;
                }
                pc += 1;
            }
            Inst::Reference(number) => {
                let (start, end) = (slots[2 * number], slots[2 * number + 1]);
                if end == usize::MAX || start > end {
                    return None;
                }
                let part = &text[start..end];
                let same = text.get(at..at + part.len()).is_some_and(|here| {
                    here == part || program.fold && here.eq_ignore_ascii_case(part)
                });
                if !same {
                    return None;
                }
                at += part.len();
                pc += 1;
            }
            inst => {
                if !text.get(at).is_some_and(|byte| program.passes(inst, *byte)) {
                    return None;
                }
                idle = 0;
                at += 1;
                pc += 1;
            }
        }
    }
}
