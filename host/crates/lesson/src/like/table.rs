//! A sample read as a table, as `kubectl get` prints it. Never minds further columns.
//!
//! Cells of the sample are two blanks or more apart; cells of the output stand below their
//! headings, so a cell may be empty there.

use super::{Mismatch, Pattern, collapse, significant};
use crate::lab::Like;
use crate::template::{Captures, fill_known};

/// Trying rows in other orders ends after this many comparisons.
const MAX_COMPARISONS: usize = 10_000;

/// Whether a line is a heading: two columns or more, no lower-case letter.
pub(super) fn is_header(line: &str) -> bool {
    let cells = cells(line);
    let heading = |cell: &&str| {
        cell.starts_with(|c: char| c.is_ascii_uppercase())
            && cell
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || " -_()/%.:".contains(c))
    };
    cells.len() >= 2 && cells.iter().all(heading)
}

/// Two blanks or a tab part cells; holes may hold single blanks.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ")
        .flat_map(|part| part.split('\t'))
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

struct Wanted<'a> {
    columns: Vec<&'a str>,
    /// `None` is `...`.
    rows: Vec<Option<Vec<&'a str>>>,
}

struct Seen<'a> {
    columns: Vec<(usize, &'a str)>,
    rows: Vec<(usize, &'a str)>,
}

impl Seen<'_> {
    /// The cell of a row below a heading.
    fn cell(&self, row: &str, column: &str) -> Option<String> {
        let i = self.columns.iter().position(|(_, name)| *name == column)?;
        let end = self
            .columns
            .get(i + 1)
            .map_or(usize::MAX, |(start, _)| *start);
        let start = self.columns[i].0;
        Some(
            row.chars()
                .skip(start)
                .take(end - start)
                .collect::<String>()
                .trim()
                .to_owned(),
        )
    }
}

fn wanted(sample: &str) -> Vec<Wanted<'_>> {
    let mut tables: Vec<Wanted<'_>> = Vec::new();
    for (_, line) in significant(sample) {
        if is_header(line) {
            tables.push(Wanted {
                columns: cells(line),
                rows: Vec::new(),
            });
        } else if let Some(table) = tables.last_mut() {
            table.rows.push((line != "...").then(|| cells(line)));
        }
    }
    tables
}

fn seen(output: &str) -> Vec<Seen<'_>> {
    let mut tables: Vec<Seen<'_>> = Vec::new();
    for (i, line) in output
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        if is_header(line.trim()) {
            tables.push(Seen {
                columns: headings(line),
                rows: Vec::new(),
            });
        } else if let Some(table) = tables.last_mut() {
            table.rows.push((i + 1, line));
        }
    }
    tables
}

/// Headings with the column of their first character.
fn headings(line: &str) -> Vec<(usize, &str)> {
    let mut from = 0;
    cells(line)
        .into_iter()
        .map(|cell| {
            let start = line[from..].find(cell).map_or(from, |at| from + at);
            from = start + cell.len();
            (line[..start].chars().count(), cell)
        })
        .collect()
}

/// What is wrong with the sample itself.
pub(super) fn problems(sample: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for table in wanted(sample) {
        for row in table
            .rows
            .iter()
            .flatten()
            .filter(|row| row.len() != table.columns.len())
        {
            problems.push(format!(
                "the row `{}` has {} cells below {} headings (cells are two blanks apart)",
                row.join("  "),
                row.len(),
                table.columns.len()
            ));
        }
    }
    problems
}

/// Compares the tables one after another.
pub(super) fn check(like: &Like, output: &str, captures: &mut Captures) -> Result<(), Mismatch> {
    let seen = seen(output);
    for (i, table) in wanted(&like.text).iter().enumerate() {
        let Some(seen) = seen.get(i) else {
            let first = significant(output).next();
            return Err(Mismatch {
                expected: table.columns.join("  "),
                seen: first.map(|(_, line)| collapse(line)),
                line: first.map_or(0, |(number, _)| number),
            });
        };
        check_table(table, seen, like.unordered, captures)?;
    }
    Ok(())
}

fn check_table(
    wanted: &Wanted<'_>,
    seen: &Seen<'_>,
    unordered: bool,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    if let Some(missing) = wanted
        .columns
        .iter()
        .find(|name| !seen.columns.iter().any(|(_, other)| other == *name))
    {
        return Err(Mismatch {
            expected: format!("a column {missing}"),
            seen: Some(
                seen.columns
                    .iter()
                    .map(|(_, name)| *name)
                    .collect::<Vec<_>>()
                    .join("  "),
            ),
            line: 0,
        });
    }
    let open = wanted.rows.iter().any(Option::is_none);
    let rows: Vec<&Vec<&str>> = wanted.rows.iter().flatten().collect();
    if unordered {
        let mut budget = MAX_COMPARISONS;
        let mut used = vec![false; seen.rows.len()];
        if (open || rows.len() == seen.rows.len())
            && assign(wanted, seen, &rows, &mut used, &mut budget, captures)
        {
            return Ok(());
        }
        return Err(lonely(wanted, seen, &rows, captures));
    }
    in_order(wanted, seen, captures)
}

/// Finds a row of the output for each row of the sample.
fn assign(
    wanted: &Wanted<'_>,
    seen: &Seen<'_>,
    rows: &[&Vec<&str>],
    used: &mut [bool],
    budget: &mut usize,
    captures: &mut Captures,
) -> bool {
    let Some((row, others)) = rows.split_first() else {
        return true;
    };
    for i in 0..used.len() {
        if used[i] || *budget == 0 {
            continue;
        }
        *budget -= 1;
        let mut tried = captures.clone();
        if !fits(wanted, seen, row, seen.rows[i].1, &mut tried) {
            continue;
        }
        used[i] = true;
        if assign(wanted, seen, others, used, budget, &mut tried) {
            *captures = tried;
            return true;
        }
        used[i] = false;
    }
    false
}

/// The first row of the sample that no row of the output fits, or the first row too many.
fn lonely(
    wanted: &Wanted<'_>,
    seen: &Seen<'_>,
    rows: &[&Vec<&str>],
    captures: &Captures,
) -> Mismatch {
    let alone = rows.iter().find(|row| {
        !seen
            .rows
            .iter()
            .any(|(_, text)| fits(wanted, seen, row, text, &mut captures.clone()))
    });
    match alone {
        Some(row) => Mismatch {
            expected: told(row, captures),
            seen: nearest(seen),
            line: 0,
        },
        None => Mismatch {
            expected: format!("{} rows", rows.len()),
            seen: Some(format!("{} rows", seen.rows.len())),
            line: 0,
        },
    }
}

fn nearest(seen: &Seen<'_>) -> Option<String> {
    let rows: Vec<String> = seen
        .rows
        .iter()
        .take(5)
        .map(|(_, row)| collapse(row))
        .collect();
    (!rows.is_empty()).then(|| rows.join(" / "))
}

fn in_order(wanted: &Wanted<'_>, seen: &Seen<'_>, captures: &mut Captures) -> Result<(), Mismatch> {
    let mut at = 0;
    let mut skipping = false;
    for row in &wanted.rows {
        let Some(row) = row else {
            skipping = true;
            continue;
        };
        let found = (at..seen.rows.len())
            .take(if skipping { usize::MAX } else { 1 })
            .find(|i| fits(wanted, seen, row, seen.rows[*i].1, captures));
        let Some(found) = found else {
            let other = seen.rows.get(at).filter(|_| !skipping);
            return Err(Mismatch {
                expected: told(row, captures),
                seen: other.map(|(_, text)| collapse(text)),
                line: other.map_or(0, |(number, _)| *number),
            });
        };
        at = found + 1;
        skipping = false;
    }
    match seen.rows.get(at) {
        Some((number, text)) if !skipping => Err(Mismatch {
            expected: "the end of the table".to_owned(),
            seen: Some(collapse(text)),
            line: *number,
        }),
        _ => Ok(()),
    }
}

fn told(row: &[&str], captures: &Captures) -> String {
    fill_known(&row.join("  "), captures)
}

fn fits(
    wanted: &Wanted<'_>,
    seen: &Seen<'_>,
    row: &[&str],
    text: &str,
    captures: &mut Captures,
) -> bool {
    let mut tried = captures.clone();
    let holds = wanted.columns.iter().zip(row).all(|(column, cell)| {
        let seen = seen.cell(text, column);
        seen.is_some_and(|seen| {
            Pattern::new(cell).is_ok_and(|pattern| pattern.check(&seen, &mut tried))
        })
    });
    if holds {
        *captures = tried;
    }
    holds
}
