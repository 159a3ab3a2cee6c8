//! Keys in the order of the tables, one block at a time, by moving its lines. Never inside `{ }`:
//! what stands on one line is its author's.

use crate::format::{Block, SCHEMAS, Type};
use crate::yaml::{self, Key, Kind, Node};

/// Questions stand before or after what is done, as the author tells it.
const FREE: &str = "quiz";

/// The text with one block put in order; `Some(None)` when every block is.
#[expect(clippy::option_option, reason = "unreadable, or nothing to do")]
pub(super) fn next(text: &str) -> Option<Option<String>> {
    let root = yaml::parse(text).ok()?;
    let kind = root.get("kind").map(Node::to_value);
    let kind = kind
        .as_ref()
        .and_then(|kind| kind.as_str())
        .unwrap_or_default()
        .to_lowercase();
    let Some((_, top)) = SCHEMAS.iter().find(|(name, _)| *name == kind) else {
        return Some(None);
    };
    Some(in_block(&root, top, text))
}

fn in_block(node: &Node, block: &'static Block, text: &str) -> Option<String> {
    let Kind::Map(entries) = &node.kind else {
        return None;
    };
    if !node.flow
        && let Some(better) = ordered(entries, block, text)
    {
        return Some(better);
    }
    entries
        .iter()
        .find_map(|(key, node)| in_type(node, &block.field(&key.text)?.ty, text))
}

fn in_type(node: &Node, ty: &Type, text: &str) -> Option<String> {
    match (ty, &node.kind) {
        (Type::Block(block), _) => in_block(node, block, text),
        (Type::OneOf(blocks), _) => {
            let own = blocks
                .iter()
                .find(|block| block.verb().is_some_and(|verb| node.get(verb).is_some()));
            in_block(node, own?, text)
        }
        (Type::List(item) | Type::Some(item), Kind::Seq(items)) => {
            items.iter().find_map(|node| in_type(node, item, text))
        }
        (Type::Map(item), Kind::Map(entries)) => entries
            .iter()
            .find_map(|(_, node)| in_type(node, item, text)),
        _ => None,
    }
}

/// The text with the entries of one block in order, if they are not.
fn ordered(entries: &[(Key, Node)], block: &Block, text: &str) -> Option<String> {
    let keys = block.keys();
    let ranks: Option<Vec<usize>> = entries
        .iter()
        .map(|(key, _)| keys.iter().position(|name| *name == key.text))
        .collect();
    let ranks = ranks?;
    let fixed: Vec<usize> = entries
        .iter()
        .zip(&ranks)
        .filter(|((key, _), _)| key.text != FREE)
        .map(|(_, rank)| *rank)
        .collect();
    if fixed.is_sorted() {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let first = entries.first()?.0.at.line as usize - 1;
    let column = entries.first()?.0.at.column as usize - 1;
    let before: String = lines[first].chars().take(column).collect();
    let mut chunks: Vec<(usize, Vec<String>)> = Vec::new();
    let mut start = first;
    for ((key, node), rank) in entries.iter().zip(ranks) {
        let (line, end) = (
            key.at.line as usize - 1,
            last_line(node, key.at.line as usize - 1, &lines),
        );
        // Two entries on one line cannot be parted by lines.
        if line < start || end < line {
            return None;
        }
        let mut chunk: Vec<String> = lines[start..=end]
            .iter()
            .map(|line| (*line).to_owned())
            .collect();
        if start == first {
            let rest: String = chunk[0].chars().skip(column).collect();
            chunk[0] = format!("{}{rest}", " ".repeat(column));
        }
        chunks.push((rank, chunk));
        start = end + 1;
    }
    chunks.sort_by_key(|(rank, _)| *rank);
    let mut moved: Vec<String> = lines[..first]
        .iter()
        .map(|line| (*line).to_owned())
        .collect();
    let mut dash = Some(before);
    for line in chunks.into_iter().flat_map(|(_, chunk)| chunk) {
        let is_key = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        match dash.take_if(|_| is_key) {
            Some(before) => {
                let rest: String = line.chars().skip(column).collect();
                moved.push(format!("{before}{rest}"));
            }
            None => moved.push(line),
        }
    }
    moved.extend(lines[start..].iter().map(|line| (*line).to_owned()));
    Some(moved.join("\n") + "\n")
}

/// The last line with something of a value on it, counted from zero; its key stands on `start`.
pub(super) fn last_line(node: &Node, start: usize, lines: &[&str]) -> usize {
    let begins = |node: &Node| node.at.line as usize - 1;
    match &node.kind {
        Kind::Map(entries) if !node.flow => entries.last().map_or(start, |(key, node)| {
            last_line(node, key.at.line as usize - 1, lines)
        }),
        Kind::Seq(items) if !node.flow => items
            .last()
            .map_or(start, |node| last_line(node, begins(node), lines)),
        Kind::Scalar(..) if node.block => last_of_block(start, begins(node), lines),
        _ => (node.end.line as usize)
            .min(lines.len())
            .saturating_sub(1)
            .max(start),
    }
}

/// The last line of a text below `|`, blank ones at its end left out. A comment that stands
/// further left does not belong to it.
fn last_of_block(start: usize, first: usize, lines: &[&str]) -> usize {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let Some(least) = lines
        .get(first)
        .map(|line| indent(line))
        .filter(|_| first > start)
    else {
        return start;
    };
    let mut last = start;
    for (n, line) in lines.iter().enumerate().skip(start + 1) {
        if line.trim().is_empty() {
            continue;
        }
        if indent(line) < least {
            break;
        }
        last = n;
    }
    last
}
