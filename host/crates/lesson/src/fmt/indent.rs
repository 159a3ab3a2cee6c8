//! Two blanks for each level, lists one level in. Texts and whatever stands in `{ }` move along
//! with the line they begin on.

use super::order::last_line;
use crate::yaml::{self, Kind, Node};

/// What becomes of a line.
#[derive(Clone, Copy, Debug)]
enum Shift {
    /// It begins something: from this column to that one, and the gap behind a dash.
    Begins { from: usize, to: usize, gap: usize },
    /// It goes on with something: so far to the right.
    GoesOn(isize),
}

/// The text with its levels at even columns; `None` when it cannot be read.
pub(super) fn indented(text: &str) -> Option<String> {
    let root = yaml::parse(text).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let mut shifts = vec![None; lines.len()];
    Levels {
        lines: &lines,
        shifts: &mut shifts,
    }
    .node(&root, 0)?;
    let mut done = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        done.push(match shifts[n] {
            Some(Shift::Begins { to, gap, .. }) => begun(line, to, gap),
            Some(Shift::GoesOn(by)) => shifted(line, by),
            // A comment goes with what it stands above.
            None => shifted(line, above(&shifts[n..])).trim_end().to_owned(),
        });
    }
    while done.last().is_some_and(String::is_empty) {
        done.pop();
    }
    Some(done.join("\n") + "\n")
}

/// How far the next line that begins something moves.
fn above(shifts: &[Option<Shift>]) -> isize {
    let next = shifts.iter().flatten().next();
    match next {
        Some(Shift::Begins { from, to, .. }) => *to as isize - *from as isize,
        _ => 0,
    }
}

fn begun(line: &str, to: usize, gap: usize) -> String {
    let body = line.trim_start();
    let body = if gap > 1 {
        let rest = body[1..].trim_start();
        format!("- {rest}")
    } else {
        body.to_owned()
    };
    format!("{}{}", " ".repeat(to), body.trim_end())
}

fn shifted(line: &str, by: isize) -> String {
    if line.trim().is_empty() {
        return line.to_owned();
    }
    let blank = line.len() - line.trim_start_matches(' ').len();
    let wanted = (blank as isize + by).max(0) as usize;
    format!("{}{}", " ".repeat(wanted), &line[blank..])
}

struct Levels<'a> {
    lines: &'a [&'a str],
    shifts: &'a mut [Option<Shift>],
}

impl Levels<'_> {
    /// Columns from zero. `None` for forms that are left alone.
    fn node(&mut self, node: &Node, to: usize) -> Option<()> {
        match &node.kind {
            Kind::Map(entries) if !node.flow => {
                for (key, value) in entries {
                    let (line, from) = (key.at.line as usize - 1, key.at.column as usize - 1);
                    if self.first(line) == from {
                        self.begins(line, from, to, 1);
                    }
                    self.value(value, line, to as isize - from as isize, to + 2)?;
                }
            }
            Kind::Seq(items) if !node.flow => {
                for item in items {
                    // A text below its dash begins on a later line than the dash.
                    let line = match item.block {
                        true => self.dash_above(item.at.line as usize - 1)?,
                        false => item.at.line as usize - 1,
                    };
                    let dash = self.first(line);
                    if !self.lines[line][dash..].starts_with('-') {
                        return None;
                    }
                    // A list right in a list, or a dash alone on its line.
                    let column = item.at.column as usize - 1;
                    let nested = matches!(&item.kind, Kind::Seq(_) if !item.flow);
                    if nested || self.shifts[line].is_some() || !item.block && column < dash + 2 {
                        return None;
                    }
                    if item.block {
                        self.begins(line, dash, to, 1);
                        self.value(item, line, to as isize - dash as isize, to + 2)?;
                    } else {
                        self.begins(line, dash, to, column - dash - 1);
                        self.value(item, line, (to + 2) as isize - column as isize, to + 2)?;
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    /// What a key or a dash on `line`, which moves `by`, introduces.
    fn value(&mut self, node: &Node, line: usize, by: isize, to: usize) -> Option<()> {
        let block = !node.flow && !matches!(node.kind, Kind::Scalar(..));
        if block {
            return self.node(node, to);
        }
        for n in line + 1..=last_line(node, line, self.lines) {
            self.shifts[n] = Some(Shift::GoesOn(by));
        }
        Some(())
    }

    /// The line of the dash whose text begins on this line.
    fn dash_above(&self, line: usize) -> Option<usize> {
        (0..line)
            .rev()
            .find(|n| self.lines[*n].trim_start().starts_with("- "))
    }

    fn first(&self, line: usize) -> usize {
        let text = self.lines[line];
        text.len() - text.trim_start_matches(' ').len()
    }

    fn begins(&mut self, line: usize, from: usize, to: usize, gap: usize) {
        self.shifts[line] = Some(Shift::Begins { from, to, gap });
    }
}
