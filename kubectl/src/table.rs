//! The server's tables on paper: columns, kinds before names, labels, sorting.
//!
//! The server decides the cells; nothing here knows a pod from a node.

use serde_json::Value;

use crate::jsonpath::Template;
use crate::text::json::{bare, entries, list, text};
use crate::text::quantity;
use crate::text::sort;

/// What is printed besides the server's own columns.
#[derive(Debug, Default, Clone)]
pub(crate) struct Options {
    pub(crate) wide: bool,
    pub(crate) namespace: bool,
    pub(crate) headers: bool,
    pub(crate) show_labels: bool,
    pub(crate) label_columns: Vec<String>,
    /// `deployment.apps`, to stand before every name.
    pub(crate) kind: Option<String>,
}

/// The table as lines of tab-separated cells.
pub(crate) fn lines(table: &Value, options: &Options) -> String {
    let columns = list(table, "columnDefinitions");
    let kept: Vec<usize> = (0..columns.len())
        .filter(|index| options.wide || columns[*index]["priority"].as_i64().unwrap_or(0) == 0)
        .collect();
    let mut out = String::new();
    if options.headers {
        let mut cells: Vec<String> = Vec::new();
        if options.namespace {
            cells.push("NAMESPACE".to_owned());
        }
        cells.extend(
            kept.iter()
                .map(|index| text(&columns[*index], "name").to_uppercase()),
        );
        cells.extend(
            options
                .label_columns
                .iter()
                .map(|label| label.rsplit('/').next().unwrap_or(label).to_uppercase()),
        );
        if options.show_labels {
            cells.push("LABELS".to_owned());
        }
        push_line(&mut out, &cells);
    }
    for row in list(table, "rows") {
        push_line(&mut out, &row_cells(row, columns, &kept, options));
    }
    out
}

fn row_cells(row: &Value, columns: &[Value], kept: &[usize], options: &Options) -> Vec<String> {
    let mut cells = Vec::new();
    if options.namespace {
        cells.push(text(row, "object.metadata.namespace").to_owned());
    }
    let values = list(row, "cells");
    for index in kept {
        let cell = values.get(*index).map(cell_text).unwrap_or_default();
        let names = columns[*index]["format"] == "name" && columns[*index]["type"] == "string";
        match &options.kind {
            Some(kind) if names => cells.push(format!("{kind}/{cell}")),
            _ => cells.push(cell),
        }
    }
    let labels = entries(row, "object.metadata.labels");
    for label in &options.label_columns {
        let value = labels.iter().find(|(key, _)| key == label);
        cells.push(value.map(|(_, value)| bare(value)).unwrap_or_default());
    }
    if options.show_labels {
        let pairs: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={}", bare(value)))
            .collect();
        cells.push(if pairs.is_empty() {
            "<none>".to_owned()
        } else {
            pairs.join(",")
        });
    }
    cells
}

/// The first line of a cell; more is shown by dots.
fn cell_text(cell: &Value) -> String {
    let whole = bare(cell);
    match whole.find(['\n', '\r', '\x0c']) {
        Some(end) => format!("{}...", &whole[..end]),
        None => whole.replace('\t', " "),
    }
}

fn push_line(out: &mut String, cells: &[String]) {
    out.push_str(&cells.join("\t"));
    out.push('\n');
}

/// Sorts the rows by a field of their objects; rows none of which has the field are dropped, as kubectl drops them.
pub(crate) fn sort(table: &mut Value, template: &Template) -> Result<(), String> {
    let Some(rows) = table.get_mut("rows").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    let mut keyed = Vec::new();
    for row in rows.drain(..) {
        let found = template.find(&row["object"])?;
        keyed.push((found.into_iter().next(), row));
    }
    if keyed.iter().all(|(key, _)| key.is_none()) {
        return Ok(());
    }
    sort::like_go(&mut keyed, |(a, _), (b, _)| before(a.as_ref(), b.as_ref()));
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// Whether a row stands before another; one without the field stands before any, itself included.
pub(crate) fn before(a: Option<&Value>, b: Option<&Value>) -> bool {
    a.is_none() || compare(a, b).is_lt()
}

/// The order of two field values: missing first, numbers and quantities by size, text naturally.
pub(crate) fn compare(a: Option<&Value>, b: Option<&Value>) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(Value::String(a)), Some(Value::String(b))) => {
            let number = |text: &str| {
                text.starts_with(|c: char| c.is_ascii_digit())
                    && !text.contains([':', '-'])
                    && text.matches('.').count() < 2
            };
            if number(a) && number(b) {
                return quantity::parse(a).milli.cmp(&quantity::parse(b).milli);
            }
            natural(a, b)
        }
        (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => bare(a).cmp(&bare(b)),
        },
    }
}

/// `a2` before `a10`.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len());
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let run = |text: &str| {
                text.find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(text.len())
            };
            let (m, n) = (run(left), run(right));
            let (p, q) = (
                left[..m].trim_start_matches('0'),
                right[..n].trim_start_matches('0'),
            );
            let order = p
                .len()
                .cmp(&q.len())
                .then_with(|| p.cmp(q))
                .then_with(|| m.cmp(&n));
            if order.is_ne() {
                return order;
            }
            (left, right) = (&left[m..], &right[n..]);
        } else if x == y {
            (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
        } else {
            return x.cmp(&y);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_wide_tables_have_the_less_important_columns() {
        let table = json!({
            "columnDefinitions": [{"name": "Name", "type": "string", "format": "name", "priority": 0}, {"name": "IP", "type": "string", "priority": 1}],
            "rows": [{"cells": ["a", "10.0.0.1"], "object": {"metadata": {"namespace": "n", "labels": {"x": "y"}}}}],
        });
        let options = Options {
            headers: true,
            ..Options::default()
        };
        assert_eq!(lines(&table, &options), "NAME\na\n");
        let options = Options {
            headers: true,
            wide: true,
            namespace: true,
            show_labels: true,
            kind: Some("pod".to_owned()),
            ..Options::default()
        };
        assert_eq!(
            lines(&table, &options),
            "NAMESPACE\tNAME\tIP\tLABELS\nn\tpod/a\t10.0.0.1\tx=y\n"
        );
    }

    #[test]
    fn numbers_in_names_sort_by_value() {
        let mut names = ["a10", "a9", "b", "a"];
        names.sort_by(|a, b| compare(Some(&json!(a)), Some(&json!(b))));
        assert_eq!(names, ["a", "a9", "a10", "b"]);
    }
}
