//! The difference of two texts as Go's difflib prints it, which Kubernetes puts into a message.
//!
//! Never finds the shortest difference: it matches the longest runs first and leaves out lines that
//! are too common, so that the hunks are the same as the original's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Lines around a difference.
const CONTEXT: usize = 3;
/// From this many lines on, those that come too often start no match.
const MANY: usize = 200;

/// A run of equal lines: where in the one, where in the other, how long.
type Run = (usize, usize, usize);

/// The hunks of a unified difference, without a header.
pub(super) fn unified(one: &str, other: &str) -> String {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let mut text = String::new();
    for hunk in hunks(&edits(&one, &other)) {
        let (first, last) = (hunk[0], hunk[hunk.len() - 1]);
        let _ = writeln!(
            text,
            "@@ -{} +{} @@",
            range(first.one.0, last.one.1),
            range(first.other.0, last.other.1)
        );
        for edit in hunk {
            let (old, new) = (
                &one[edit.one.0..edit.one.1],
                &other[edit.other.0..edit.other.1],
            );
            let signs = if edit.equal { [" ", ""] } else { ["-", "+"] };
            for (sign, lines) in signs.into_iter().zip([old, new]) {
                for line in lines.iter().filter(|_| !sign.is_empty()) {
                    let _ = writeln!(text, "{sign}{line}");
                }
            }
        }
    }
    text
}

fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => (start + 1).to_string(),
        length => format!("{},{length}", start + 1),
    }
}

/// Lines of both that are equal, or differ.
#[derive(Clone, Copy)]
struct Edit {
    equal: bool,
    one: (usize, usize),
    other: (usize, usize),
}

fn edits(one: &[&str], other: &[&str]) -> Vec<Edit> {
    let mut runs = Vec::new();
    let places = places(other);
    // What is still to be matched: from and to in both.
    let mut open = vec![(0, one.len(), 0, other.len())];
    while let Some((from, to, other_from, other_to)) = open.pop() {
        let run = longest(one, other, &places, (from, to), (other_from, other_to));
        let (at, other_at, length) = run;
        if length > 0 {
            runs.push(run);
            open.push((from, at, other_from, other_at));
            open.push((at + length, to, other_at + length, other_to));
        }
    }
    runs.sort_unstable();
    runs.push((one.len(), other.len(), 0));
    let (mut edits, mut done, mut other_done) = (Vec::new(), 0, 0);
    for (at, other_at, length) in runs {
        if done < at || other_done < other_at {
            edits.push(Edit {
                equal: false,
                one: (done, at),
                other: (other_done, other_at),
            });
        }
        (done, other_done) = (at + length, other_at + length);
        if length > 0 {
            edits.push(Edit {
                equal: true,
                one: (at, done),
                other: (other_at, other_done),
            });
        }
    }
    merge(edits)
}

/// Runs that touch are one.
fn merge(edits: Vec<Edit>) -> Vec<Edit> {
    let mut merged: Vec<Edit> = Vec::new();
    for edit in edits {
        match merged.last_mut() {
            Some(last) if last.equal == edit.equal => {
                (last.one.1, last.other.1) = (edit.one.1, edit.other.1);
            }
            _ => merged.push(edit),
        }
    }
    merged
}

/// Where each line stands, without those that come too often.
fn places<'a>(lines: &[&'a str]) -> BTreeMap<&'a str, Vec<usize>> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if lines.len() >= MANY {
        let most = lines.len() / 100 + 1;
        places.retain(|_, at| at.len() <= most);
    }
    places
}

/// The first of the longest runs that begin with a line that is not too common.
fn longest(
    one: &[&str],
    other: &[&str],
    places: &BTreeMap<&str, Vec<usize>>,
    (from, to): (usize, usize),
    (other_from, other_to): (usize, usize),
) -> Run {
    let mut best = (from, other_from, 0);
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, line) in one.iter().enumerate().take(to).skip(from) {
        let mut next = BTreeMap::new();
        for &other_at in places.get(line).into_iter().flatten() {
            if other_at < other_from || other_at >= other_to {
                continue;
            }
            let before = other_at
                .checked_sub(1)
                .and_then(|before| lengths.get(&before));
            let length = before.copied().unwrap_or(0) + 1;
            next.insert(other_at, length);
            if length > best.2 {
                best = (at + 1 - length, other_at + 1 - length, length);
            }
        }
        lengths = next;
    }
    let (mut at, mut other_at, mut length) = best;
    while at > from && other_at > other_from && one[at - 1] == other[other_at - 1] {
        (at, other_at, length) = (at - 1, other_at - 1, length + 1);
    }
    while at + length < to
        && other_at + length < other_to
        && one[at + length] == other[other_at + length]
    {
        length += 1;
    }
    (at, other_at, length)
}

/// Edits in groups with a little of what is equal around them.
fn hunks(edits: &[Edit]) -> Vec<Vec<Edit>> {
    let mut hunks = Vec::new();
    let mut hunk: Vec<Edit> = Vec::new();
    let last = edits.len().saturating_sub(1);
    for (index, edit) in edits.iter().enumerate() {
        let mut edit = *edit;
        if edit.equal {
            let length = edit.one.1 - edit.one.0;
            if index == 0 {
                let skip = length.saturating_sub(CONTEXT);
                (edit.one.0, edit.other.0) = (edit.one.0 + skip, edit.other.0 + skip);
            } else if index == last {
                let skip = length.saturating_sub(CONTEXT);
                (edit.one.1, edit.other.1) = (edit.one.1 - skip, edit.other.1 - skip);
            } else if length > 2 * CONTEXT {
                let end = (edit.one.0 + CONTEXT, edit.other.0 + CONTEXT);
                hunk.push(Edit {
                    one: (edit.one.0, end.0),
                    other: (edit.other.0, end.1),
                    ..edit
                });
                hunks.push(std::mem::take(&mut hunk));
                (edit.one.0, edit.other.0) = (edit.one.1 - CONTEXT, edit.other.1 - CONTEXT);
            }
        }
        hunk.push(edit);
    }
    let changes: BTreeSet<bool> = hunk.iter().map(|edit| edit.equal).collect();
    if changes.contains(&false) {
        hunks.push(hunk);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_line_that_comes_and_one_that_goes_stand_between_three_others() {
        let one = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let other = "a\nb\nc\nd\nE\nf\ng\nh\n";
        let expected = "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n";
        assert_eq!(unified(one, other), expected);
        assert_eq!(unified(one, one), "");
    }
}
