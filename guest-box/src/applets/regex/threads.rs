//! All ways through a pattern side by side, in order of preference. Never tries one way twice at
//! the same place, so the time is bounded by program times text.

use std::rc::Rc;

use super::Groups;
use super::program::{Inst, Program};

/// One way: the instruction it waits at, and what it carries along.
struct Thread<T> {
    pc: usize,
    carried: T,
}

/// Follows everything that needs no byte, preferred ways first.
fn follow<T: Clone>(
    program: &Program,
    start: Thread<T>,
    (before, after): (Option<u8>, Option<u8>),
    seen: &mut [bool],
    save: impl Fn(T, usize) -> T,
    out: &mut Vec<Thread<T>>,
) {
    let mut stack = vec![start];
    while let Some(Thread { pc, carried }) = stack.pop() {
        if std::mem::replace(&mut seen[pc], true) {
            continue;
        }
        match &program.insts[pc] {
            Inst::Split(left, right) => {
                let other = carried.clone();
                stack.push(Thread {
                    pc: *right,
                    carried: other,
                });
                stack.push(Thread { pc: *left, carried });
            }
            Inst::Jump(to) => stack.push(Thread { pc: *to, carried }),
            Inst::Save(slot) => stack.push(Thread {
                pc: pc + 1,
                carried: save(carried, *slot),
            }),
            Inst::Assert(assert) if assert.holds(before, after) => {
                stack.push(Thread {
                    pc: pc + 1,
                    carried,
                });
            }
            Inst::Assert(_) | Inst::Reference(_) => {}
            Inst::Match | Inst::Set(_) | Inst::Range(..) => out.push(Thread { pc, carried }),
        }
    }
}

fn around(text: &[u8], at: usize) -> (Option<u8>, Option<u8>) {
    (at.checked_sub(1).map(|at| text[at]), text.get(at).copied())
}

/// The groups of the match that is known to begin and end here.
pub(super) fn groups(program: &Program, text: &[u8], start: usize, end: usize) -> Groups {
    let slots: Rc<[usize]> = vec![usize::MAX; 2 * program.groups + 2].into();
    let mut seen = vec![false; program.insts.len()];
    let mut current = vec![Thread {
        pc: 0,
        carried: slots,
    }];
    for at in start..=end {
        let mut ready = Vec::new();
        seen.fill(false);
        for thread in current.drain(..) {
            let save = |mut slots: Rc<[usize]>, slot: usize| {
                Rc::make_mut(&mut slots)[slot] = at;
                slots
            };
            follow(
                program,
                thread,
                around(text, at),
                &mut seen,
                save,
                &mut ready,
            );
        }
        if at == end {
            let found = ready
                .iter()
                .find(|thread| matches!(program.insts[thread.pc], Inst::Match));
            let mut groups = vec![Some((start, end))];
            if let Some(thread) = found {
                let places = thread.carried[2..].chunks(2);
                groups.extend(places.map(|pair| {
                    (pair[0] <= pair[1] && pair[1] != usize::MAX).then_some((pair[0], pair[1]))
                }));
            }
            return groups;
        }
        current = advance(program, ready, text[at]);
    }
    vec![Some((start, end))]
}

fn advance<T>(program: &Program, ready: Vec<Thread<T>>, byte: u8) -> Vec<Thread<T>> {
    ready
        .into_iter()
        .filter(|thread| program.passes(&program.insts[thread.pc], byte))
        .map(|thread| Thread {
            pc: thread.pc + 1,
            carried: thread.carried,
        })
        .collect()
}

/// The leftmost and longest match from here on, in one pass: ways carry where they began, and the
/// earlier ones come first.
pub(super) fn leftmost(program: &Program, text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut seen = vec![false; program.insts.len()];
    let mut current: Vec<Thread<usize>> = Vec::new();
    let mut best: Option<(usize, usize)> = None;
    for at in from..=text.len() {
        if best.is_none() {
            current.push(Thread { pc: 0, carried: at });
        }
        let mut ready = Vec::new();
        seen.fill(false);
        for thread in current.drain(..) {
            follow(
                program,
                thread,
                around(text, at),
                &mut seen,
                |start, _| start,
                &mut ready,
            );
        }
        for thread in &ready {
            if matches!(program.insts[thread.pc], Inst::Match)
                && best.is_none_or(|(start, _)| thread.carried <= start)
            {
                best = Some((thread.carried, at));
            }
        }
        if let Some((start, _)) = best {
            ready.retain(|thread| thread.carried <= start);
        }
        let Some(byte) = text.get(at) else { break };
        current = advance(program, ready, *byte);
        if current.is_empty() && best.is_some() {
            break;
        }
    }
    best
}
