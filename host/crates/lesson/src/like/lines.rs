//! A sample read as lines, `...` standing for any of them. Never looks ahead further than the
//! next line after a `...`.

use super::{Mismatch, Pattern, collapse, significant};
use crate::template::{Captures, fill_known};

/// Compares line by line, coming back to the latest `...` when the lines after it do not fit.
pub(super) fn check(
    sample: &str,
    output: &str,
    prefix: bool,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let mut wanted: Vec<&str> = significant(sample).map(|(_, line)| line).collect();
    if prefix {
        wanted.push("...");
    }
    let seen: Vec<(usize, &str)> = significant(output).collect();
    let (mut w, mut s) = (0, 0);
    // Where to go on after the latest `...`: the line of the sample, of the output, and what was
    // known then.
    let mut resume: Option<(usize, usize, Captures)> = None;
    let mut furthest: Option<(usize, usize)> = None;
    loop {
        if wanted.get(w) == Some(&"...") {
            w += 1;
            resume = Some((w, s, captures.clone()));
            continue;
        }
        match (wanted.get(w), seen.get(s)) {
            (None, None) => return Ok(()),
            (Some(line), Some((_, text))) if fits(line, text, captures) => {
                w += 1;
                s += 1;
                continue;
            }
            _ => {}
        }
        if furthest.is_none_or(|(best, _)| w > best) {
            furthest = Some((w, s));
        }
        let Some((after, from, known)) = resume.as_mut() else {
            break;
        };
        if *after == wanted.len() {
            return Ok(());
        }
        if *from >= seen.len() {
            break;
        }
        *from += 1;
        captures.clone_from(known);
        (w, s) = (*after, *from);
    }
    let (w, s) = furthest.unwrap_or((w, s));
    let expected = wanted.get(w).map_or_else(
        || "the end of the output".to_owned(),
        |line| fill_known(line, captures),
    );
    // After a `...` the line that was compared last says nothing; the output simply lacks it.
    let searched = w > 0 && wanted[w - 1] == "...";
    let seen = seen.get(s).filter(|_| !searched);
    Err(Mismatch {
        expected,
        seen: seen.map(|(_, text)| collapse(text)),
        line: seen.map_or(0, |(number, _)| *number),
    })
}

fn fits(line: &str, text: &str, captures: &mut Captures) -> bool {
    Pattern::new(line).is_ok_and(|pattern| pattern.check(text, captures))
}
