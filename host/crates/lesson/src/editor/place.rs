//! Where in the format a place of an unfinished text is, told by columns, braces and colons
//! alone. Never needs the text to be YAML.

use crate::format::{Block, OPERATORS, PROSE, SCHEMAS, Type};
use crate::lab::Pos;

/// Where a cursor stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The keys that lead there, from the top; lists are not told.
    pub(super) path: Vec<String>,
    /// The key whose value is being written; none while a key is.
    pub(super) value_of: Option<String>,
    /// What has been typed of the key or value.
    pub(super) typed: String,
    /// Keys that stand beside it in the same map.
    pub(super) beside: Vec<String>,
}

/// What may stand at a place.
pub(super) enum Slot {
    /// A key of one of these blocks.
    Key(Vec<&'static Block>),
    /// A value.
    Value(Type),
}

/// A line without its blanks and dashes: the column of its text, counted from zero, whether a
/// dash came before, and the text.
fn bare(line: &str) -> (usize, bool, &str) {
    let mut rest = line.trim_start_matches(' ');
    let mut dash = false;
    while let Some(after) = rest
        .strip_prefix("- ")
        .or(if rest == "-" { Some("") } else { None })
    {
        rest = after.trim_start_matches(' ');
        dash = true;
    }
    (line.chars().count() - rest.chars().count(), dash, rest)
}

/// The key that a line begins with.
fn key_of(text: &str) -> Option<&str> {
    let (key, rest) = text.split_once(':')?;
    let plain = key
        .chars()
        .all(|c| c.is_alphanumeric() || "_-$./".contains(c));
    (plain && !key.is_empty() && (rest.is_empty() || rest.starts_with(' '))).then_some(key)
}

impl Place {
    /// The place of a cursor.
    pub(super) fn of(text: &str, at: Pos) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let row = at.line as usize - 1;
        let line = lines.get(row).copied().unwrap_or_default();
        let before: String = line.chars().take(at.column as usize - 1).collect();
        let (column, _, body) = bare(&before);
        let mut place = Self {
            path: parents(&lines, row, column),
            ..Self::default()
        };
        place.beside = siblings(&lines, row, column);
        place.inline(body);
        place
    }

    /// Reads the line up to the cursor: keys, braces, commas.
    fn inline(&mut self, body: &str) {
        let mut open: Vec<(char, Option<String>, Vec<String>)> = Vec::new();
        let mut key: Option<String> = None;
        let mut word = String::new();
        let mut quote = None;
        let chars: Vec<char> = body.chars().collect();
        for (i, c) in chars.iter().copied().enumerate() {
            if let Some(end) = quote {
                if c == end {
                    quote = None;
                }
                word.push(c);
                continue;
            }
            match c {
                '"' | '\'' if word.trim().is_empty() => {
                    quote = Some(c);
                    word.push(c);
                }
                '{' | '[' if word.trim().is_empty() => {
                    open.push((c, key.take(), Vec::new()));
                    word.clear();
                }
                '}' | ']' if !open.is_empty() => {
                    if let Some((_, outer, _)) = open.pop() {
                        key = outer;
                    }
                    word.clear();
                }
                ',' if !open.is_empty() => {
                    if let Some((_, _, beside)) = open.last_mut() {
                        beside.extend(key.take());
                    }
                    word.clear();
                }
                ':' if key.is_none() && chars.get(i + 1).is_none_or(|next| *next == ' ') => {
                    key = Some(word.trim().to_owned());
                    word.clear();
                }
                _ => word.push(c),
            }
        }
        let in_list = matches!(open.last(), Some(('[', ..)));
        for (sign, outer, beside) in open {
            if let Some(outer) = outer {
                self.path.push(outer);
            }
            if sign == '{' {
                self.beside = beside;
            }
        }
        self.typed = word.trim_start().to_owned();
        self.value_of = key;
        if in_list && self.value_of.is_none() {
            self.value_of = self.path.pop();
        }
    }

    /// What may stand here, by the tables. `None` outside of the format.
    pub(super) fn slot(&self, text: &str) -> Option<Slot> {
        let mut blocks = vec![top(text)?];
        for key in &self.path {
            let ty = blocks
                .iter()
                .find_map(|block| block.field(key))
                .map(|field| field.ty);
            blocks = match ty {
                Some(ty) => inner(&ty)?,
                // Below a shape every key is free.
                None if blocks.iter().any(|block| block.name == OPERATORS.name) => vec![&OPERATORS],
                // Below a map with free keys.
                None => blocks,
            };
        }
        let Some(key) = &self.value_of else {
            let named = |block: &&&'static Block| {
                block
                    .verb()
                    .is_some_and(|verb| self.beside.iter().any(|key| key == verb))
            };
            let chosen: Vec<&'static Block> = blocks.iter().filter(named).copied().collect();
            let several = blocks.len() > 1 && !chosen.is_empty();
            return Some(Slot::Key(if several { chosen } else { blocks }));
        };
        let field = blocks.iter().find_map(|block| block.field(key))?;
        Some(Slot::Value(field.ty))
    }
}

/// The block of a whole file.
fn top(text: &str) -> Option<&'static Block> {
    let kind = text
        .lines()
        .find_map(|line| line.strip_prefix("kind:"))
        .map(str::trim);
    let ours = text
        .lines()
        .any(|line| line.starts_with("apiVersion: lab/"));
    let kind = kind.unwrap_or("Lab").to_lowercase();
    let found = SCHEMAS.iter().find(|(name, _)| *name == kind);
    found.filter(|_| ours).map(|(_, block)| *block)
}

/// The blocks that may stand inside a value of a type.
fn inner(ty: &Type) -> Option<Vec<&'static Block>> {
    match ty {
        Type::Block(block) => Some(vec![block]),
        Type::OneOf(blocks) => Some(blocks.to_vec()),
        Type::List(item) | Type::Some(item) | Type::Map(item) => inner(item),
        Type::Matcher => Some(vec![&OPERATORS]),
        Type::Prose => Some(vec![&PROSE]),
        _ => None,
    }
}

/// The keys above a line that it stands in, from the top.
fn parents(lines: &[&str], row: usize, column: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut column = column;
    // A dash of its own line belongs to the list above.
    if let Some((own, true, _)) = lines.get(row).map(|line| bare(line))
        && own == column
    {
        column = lines[row].len() - lines[row].trim_start_matches(' ').len() + 1;
    }
    for line in lines[..row.min(lines.len())].iter().rev() {
        let (at, dash, body) = bare(line);
        if body.is_empty() && !dash || body.starts_with('#') || at >= column {
            continue;
        }
        if let Some(key) = key_of(body) {
            path.push(key.to_owned());
        }
        // The first key of an item stands behind its dash; its list stands further left.
        let blank = line.len() - line.trim_start_matches(' ').len();
        column = if dash { blank + 1 } else { at };
        if column == 0 {
            break;
        }
    }
    path.reverse();
    path
}

/// The keys of the same map on other lines.
fn siblings(lines: &[&str], row: usize, column: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let own_dash = lines.get(row).is_some_and(|line| bare(line).1);
    let mut up = lines[..row.min(lines.len())].iter().rev();
    while let Some(line) = up.next().filter(|_| !own_dash) {
        let (at, dash, body) = bare(line);
        if body.is_empty() || at > column {
            continue;
        }
        if at < column {
            break;
        }
        keys.extend(key_of(body).map(str::to_owned));
        if dash {
            break;
        }
    }
    for line in lines.iter().skip(row + 1) {
        let (at, dash, body) = bare(line);
        if body.is_empty() || at > column {
            continue;
        }
        if at < column || dash {
            break;
        }
        keys.extend(key_of(body).map(str::to_owned));
    }
    keys
}
