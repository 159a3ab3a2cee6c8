//! `diff`: unified differences and nothing else, as busybox. It never writes `ed` scripts.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::{Applet, Io, Outcome, Parsed, Stop, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "diff",
    operands: "FILE1 FILE2",
    help: "Compare files line by line and output the differences between them.\nThis implementation supports unified diffs only.",
    flags: &[
        flag('a', "", "Treat all files as text"),
        flag('b', "", "Ignore changes in the amount of whitespace"),
        flag('B', "", "Ignore changes whose lines are all blank"),
        flag(
            'd',
            "",
            "Try hard to find a smaller set of changes, as always",
        ),
        flag('i', "", "Ignore case differences"),
        value(
            'L',
            "label",
            "LABEL",
            "Use LABEL instead of the filename in the unified header",
        ),
        flag('N', "", "Treat absent files as empty"),
        flag('q', "", "Output only whether files differ"),
        flag('r', "", "Recurse"),
        value(
            'S',
            "",
            "FILE",
            "Start with FILE when comparing directories",
        ),
        flag(
            'T',
            "",
            "Make tabs line up by prefixing a tab when necessary",
        ),
        flag('s', "", "Report when two files are the same"),
        flag('t', "", "Expand tabs to spaces in output"),
        value('U', "", "LINES", "Output LINES lines of context"),
        flag('u', "", "Unified, as always"),
        flag('w', "", "Ignore all whitespace"),
    ],
    run: diff,
}];

/// How many steps a comparison may take before it settles for less than the smallest difference.
const STEPS: usize = 40_000_000;

fn diff(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [first, second] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let (mut first, mut second) = (first.clone(), second.clone());
    for path in [&first, &second] {
        if path != "-" && fs::metadata(path).is_err() && !parsed.has('N') {
            io.complain(&format!("can't stat '{path}': No such file or directory"));
            return Ok(2);
        }
    }
    if first == second && first != "-" {
        return Ok(0);
    }
    match (Path::new(&first).is_dir(), Path::new(&second).is_dir()) {
        (true, true) => return folders(io, &parsed, &first, &second, true),
        // A file is compared with the one of its name in the folder.
        (true, false) => first = inside(&first, &second),
        (false, true) => second = inside(&second, &first),
        (false, false) => {}
    }
    files(io, &parsed, &first, &second)
}

fn inside(dir: &str, file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    format!("{}/{name}", dir.trim_end_matches('/'))
}

fn folders(io: &mut Io<'_>, parsed: &Parsed, first: &str, second: &str, top: bool) -> Outcome {
    if !top && !parsed.has('r') {
        writeln!(io.out, "Common subdirectories: {first} and {second}")?;
        return Ok(0);
    }
    let mut names: Vec<String> = Vec::new();
    for dir in [first, second] {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        names.extend(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    }
    names.sort();
    names.dedup();
    if let Some(start) = parsed.value('S') {
        names.retain(|name| name.as_str() >= start);
    }
    let mut status = 0;
    for name in names {
        let (left, right) = (inside(first, &name), inside(second, &name));
        let (left_there, right_there) = (
            fs::symlink_metadata(&left).is_ok(),
            fs::symlink_metadata(&right).is_ok(),
        );
        let one_dir = Path::new(&left).is_dir() || Path::new(&right).is_dir();
        if !(left_there && right_there) && (!parsed.has('N') || one_dir) {
            let dir = if left_there { first } else { second };
            writeln!(io.out, "Only in {}: {name}", dir.trim_end_matches('/'))?;
            status = status.max(1);
            continue;
        }
        let more = match (Path::new(&left).is_dir(), Path::new(&right).is_dir()) {
            (true, true) => folders(io, parsed, &left, &right, false)?,
            (false, false) => files(io, parsed, &left, &right)?,
            (one, _) => {
                let kind = |dir: bool| if dir { "directory" } else { "regular file" };
                writeln!(
                    io.out,
                    "File {left} is a {} while file {right} is a {}",
                    kind(one),
                    kind(!one)
                )?;
                1
            }
        };
        status = status.max(more);
    }
    Ok(status)
}

fn load(io: &mut Io<'_>, parsed: &Parsed, path: &str) -> Option<Vec<u8>> {
    if path != "-" && parsed.has('N') && fs::metadata(path).is_err() {
        return Some(Vec::new());
    }
    io.slurp_plain(path)
}

fn files(io: &mut Io<'_>, parsed: &Parsed, first: &str, second: &str) -> Outcome {
    let Some(left) = load(io, parsed, first) else {
        return Ok(2);
    };
    let Some(right) = load(io, parsed, second) else {
        return Ok(2);
    };
    let lines = |bytes: &'_ [u8]| -> Vec<Vec<u8>> {
        bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (old, new) = (lines(&left), lines(&right));
    let key = |line: &Vec<u8>| alike(line, parsed);
    let keys: (Vec<Vec<u8>>, Vec<Vec<u8>>) =
        (old.iter().map(key).collect(), new.iter().map(key).collect());
    let mut changes = compare(&keys.0, &keys.1);
    if parsed.has('B') {
        let blank = |lines: &[Vec<u8>]| {
            lines
                .iter()
                .all(|line| line.iter().all(u8::is_ascii_whitespace))
        };
        changes
            .retain(|change| !(blank(&old[change.0..change.1]) && blank(&new[change.2..change.3])));
    }
    if changes.is_empty() {
        if parsed.has('s') {
            writeln!(io.out, "Files {first} and {second} are identical")?;
        }
        return Ok(0);
    }
    let binary = |bytes: &[u8]| bytes.iter().take(8192).any(|byte| *byte == 0);
    if parsed.has('q') || !parsed.has('a') && (binary(&left) || binary(&right)) {
        writeln!(io.out, "Files {first} and {second} differ")?;
        return Ok(1);
    }
    let context = super::lines::count(io, parsed.value('U'), 3)?;
    let labels: Vec<&str> = parsed.values('L').collect();
    for (mark, path, index) in [("---", first, 0), ("+++", second, 1)] {
        match labels.get(index) {
            Some(label) => writeln!(io.out, "{mark} {label}")?,
            // busybox prints no time.
            None if fs::metadata(path).is_err() && path != "-" => {
                writeln!(io.out, "{mark} /dev/null")?;
            }
            None => writeln!(io.out, "{mark} {path}")?,
        }
    }
    for hunk in hunks(&changes, context) {
        print(io, parsed, (&old, &new), hunk, context)?;
    }
    Ok(1)
}

/// What of a line counts.
fn alike(line: &[u8], parsed: &Parsed) -> Vec<u8> {
    if !parsed.has('b') && !parsed.has('w') && !parsed.has('i') {
        return line.to_vec();
    }
    let mut out = Vec::new();
    let mut blank = false;
    for byte in line {
        let byte = if parsed.has('i') {
            byte.to_ascii_lowercase()
        } else {
            *byte
        };
        if byte.is_ascii_whitespace() && (parsed.has('b') || parsed.has('w')) {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && !parsed.has('w') {
            out.push(b' ');
        }
        out.push(byte);
    }
    out
}

/// Lines of the first that became lines of the second: both as ranges.
type Change = (usize, usize, usize, usize);

/// The smallest set of changes, by Myers' algorithm; when it takes too long, one for all.
fn compare(old: &[Vec<u8>], new: &[Vec<u8>]) -> Vec<Change> {
    let before = old
        .iter()
        .zip(new)
        .take_while(|(left, right)| left == right)
        .count();
    let (rest_old, rest_new) = (&old[before..], &new[before..]);
    let after = rest_old
        .iter()
        .rev()
        .zip(rest_new.iter().rev())
        .take_while(|(l, r)| l == r)
        .count();
    let (middle_old, middle_new) = (
        &rest_old[..rest_old.len() - after],
        &rest_new[..rest_new.len() - after],
    );
    if middle_old.is_empty() && middle_new.is_empty() {
        return Vec::new();
    }
    let pairs = common(middle_old, middle_new);
    let mut changes = Vec::new();
    let (mut left, mut right) = (0, 0);
    for (one, other) in pairs
        .into_iter()
        .chain([(middle_old.len(), middle_new.len())])
    {
        if left < one || right < other {
            changes.push((before + left, before + one, before + right, before + other));
        }
        (left, right) = (one + 1, other + 1);
    }
    changes
}

/// Pairs of lines that stay.
fn common(old: &[Vec<u8>], new: &[Vec<u8>]) -> Vec<(usize, usize)> {
    let most = old.len() + new.len();
    let offset = most + 1;
    let mut furthest = vec![0_usize; 2 * most + 3];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    let mut kept = 0;
    for depth in 0..=most {
        let low = offset - depth;
        trace.push(furthest[low - 1..=offset + depth + 1].to_vec());
        kept += 2 * depth + 3;
        if kept > STEPS / 8 {
            // Too far apart: nothing stays.
            return Vec::new();
        }
        for diagonal in (low..=offset + depth).step_by(2) {
            let down = diagonal == low
                || diagonal != offset + depth && furthest[diagonal - 1] < furthest[diagonal + 1];
            let mut x = if down {
                furthest[diagonal + 1]
            } else {
                furthest[diagonal - 1] + 1
            };
            let mut y = (x + offset).saturating_sub(diagonal);
            while x < old.len() && y < new.len() && old[x] == new[y] {
                x += 1;
                y += 1;
            }
            furthest[diagonal] = x;
            if x >= old.len() && y >= new.len() {
                return back(&trace, offset, (old.len(), new.len()));
            }
        }
    }
    Vec::new()
}

/// Goes the way back and notes the diagonals.
fn back(
    trace: &[Vec<usize>],
    offset: usize,
    (mut x, mut y): (usize, usize),
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (depth, furthest) in trace.iter().enumerate().rev() {
        let low = offset - depth;
        let at = |diagonal: usize| furthest[diagonal + 1 - low];
        let diagonal = x + offset - y;
        let down =
            diagonal == low || diagonal != offset + depth && at(diagonal - 1) < at(diagonal + 1);
        let (before_x, before_diagonal) = match (depth, down) {
            (0, _) => (0, offset),
            (_, true) => (at(diagonal + 1), diagonal + 1),
            (_, false) => (at(diagonal - 1), diagonal - 1),
        };
        let before_y = (before_x + offset).saturating_sub(before_diagonal);
        let (start_x, start_y) = match (depth, down) {
            (0, _) => (0, 0),
            (_, true) => (before_x, before_y + 1),
            (_, false) => (before_x + 1, before_y),
        };
        while x > start_x && y > start_y {
            x -= 1;
            y -= 1;
            pairs.push((x, y));
        }
        (x, y) = (before_x, before_y);
    }
    pairs.reverse();
    pairs
}

/// Changes that stand so near that their contexts touch.
fn hunks(changes: &[Change], context: usize) -> Vec<Vec<Change>> {
    let mut hunks: Vec<Vec<Change>> = Vec::new();
    for change in changes {
        match hunks.last_mut() {
            Some(hunk)
                if hunk
                    .last()
                    .is_some_and(|last| change.0 - last.1 <= 2 * context) =>
            {
                hunk.push(*change);
            }
            _ => hunks.push(vec![*change]),
        }
    }
    hunks
}

fn print(
    io: &mut Io<'_>,
    parsed: &Parsed,
    (old, new): (&[Vec<u8>], &[Vec<u8>]),
    hunk: Vec<Change>,
    context: usize,
) -> Result<(), Stop> {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
        return Ok(());
    };
    let lead = context.min(first.0).min(first.2);
    let (start_old, start_new) = (first.0 - lead, first.2 - lead);
    let (end_old, end_new) = (
        (last.1 + context).min(old.len()),
        (last.3 + context).min(new.len()),
    );
    let range = |start: usize, end: usize| match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    };
    writeln!(
        io.out,
        "@@ -{} +{} @@",
        range(start_old, end_old),
        range(start_new, end_new)
    )?;
    let mut at = start_old;
    for change in hunk
        .iter()
        .copied()
        .chain([(end_old, end_old, end_new, end_new)])
    {
        for line in &old[at..change.0] {
            show(io, parsed, ' ', line)?;
        }
        for line in &old[change.0..change.1] {
            show(io, parsed, '-', line)?;
        }
        for line in &new[change.2..change.3] {
            show(io, parsed, '+', line)?;
        }
        at = change.1;
    }
    Ok(())
}

fn show(io: &mut Io<'_>, parsed: &Parsed, mark: char, line: &[u8]) -> Result<(), Stop> {
    write!(io.out, "{mark}{}", if parsed.has('T') { "\t" } else { "" })?;
    let body = line.strip_suffix(b"\n").unwrap_or(line);
    if parsed.has('t') {
        let text = String::from_utf8_lossy(body);
        let mut column = 0;
        for c in text.chars() {
            let wide = if c == '\t' { 8 - column % 8 } else { 1 };
            column += wide;
            if c == '\t' {
                write!(io.out, "{:wide$}", "")?
            } else {
                write!(io.out, "{c}")?
            }
        }
    } else {
        io.out.write_all(body)?;
    }
    io.out.write_all(if body.len() == line.len() {
        b"\n\\ No newline at end of file\n"
    } else {
        b"\n"
    })?;
    Ok(())
}
