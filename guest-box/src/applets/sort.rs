//! `sort`: lines in order. It never uses a temporary file.

use std::cmp::Ordering;
use std::io::{Read, Write};

use super::{Applet, Io, Outcome, Stop, flag, inputs, open_plain, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "sort",
    operands: "[FILE]...",
    help: "Sort lines of text",
    flags: &[
        value('o', "", "FILE", "Output to FILE"),
        flag('c', "", "Check whether input is sorted"),
        flag('b', "", "Ignore leading blanks"),
        flag('f', "", "Ignore case"),
        flag('n', "", "Sort numbers"),
        flag('g', "", "General numerical sort"),
        flag('M', "", "Sort month"),
        flag('d', "", "Dictionary order (blank or alphanumeric only)"),
        flag('i', "", "Ignore unprintable characters"),
        flag('z', "", "NUL terminated input and output"),
        flag('V', "", "Sort version"),
        flag('h', "", "Sort human readable numbers"),
        value('t', "", "CHAR", "Field separator"),
        value('k', "", "N[,M]", "Sort by Nth field"),
        flag('r', "", "Reverse sort order"),
        flag('s', "", "Stable (don't sort ties alphabetically)"),
        flag('u', "", "Suppress duplicate lines"),
    ],
    run: sort,
}];

/// One key of `sort`.
struct Key {
    start: (usize, usize),
    end: Option<(usize, usize)>,
    /// Its own letters, which take the place of those of the whole.
    way: Option<Way>,
}

/// What the letters say about comparing; asked once, not for each pair.
#[derive(Clone, Copy)]
struct Way {
    blanks: bool,
    known: Option<Known>,
    kind: Kind,
    reverse: bool,
}

/// Which characters count.
#[derive(Clone, Copy)]
enum Known {
    Dictionary,
    Printable,
}

/// What is compared.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    CaselessText,
    Month,
    Number,
    General,
    Human,
    Version,
}

impl Way {
    fn of(letters: &str) -> Self {
        let has = |letter| letters.contains(letter);
        let kinds = [
            ('M', Kind::Month),
            ('g', Kind::General),
            ('h', Kind::Human),
            ('n', Kind::Number),
            ('V', Kind::Version),
            ('f', Kind::CaselessText),
        ];
        let kind = kinds.iter().find(|(letter, _)| has(*letter));
        Self {
            blanks: has('b'),
            known: match (has('d'), has('i')) {
                (true, _) => Some(Known::Dictionary),
                (false, true) => Some(Known::Printable),
                (false, false) => None,
            },
            kind: kind.map_or(Kind::Text, |(_, kind)| *kind),
            reverse: has('r'),
        }
    }
}

fn key(io: &mut Io<'_>, text: &str) -> Result<Key, Stop> {
    let mut place = |part: &str| -> Result<((usize, usize), String), Stop> {
        let letters = part
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(part.len());
        let (numbers, options) = part.split_at(letters);
        let (field, offset) = numbers.split_once('.').unwrap_or((numbers, "0"));
        match (field.parse(), offset.parse()) {
            (Ok(field), Ok(offset)) => Ok(((field, offset), options.to_owned())),
            _ => Err(io.fail(&format!("invalid number '{part}'"))),
        }
    };
    let (first, second) = match text.split_once(',') {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    };
    let (start, mut options) = place(first)?;
    let end = match second {
        Some(second) => {
            let (end, more) = place(second)?;
            options.push_str(&more);
            Some(end)
        }
        None => None,
    };
    if options.contains(|letter| !"nrfgbVhMdi".contains(letter)) {
        io.complain("unknown sort type");
        return Err(Stop::Status(2));
    }
    Ok(Key {
        start,
        end,
        way: (!options.is_empty()).then(|| Way::of(&options)),
    })
}

impl Key {
    fn of<'a>(&self, line: &'a str, separator: Option<char>) -> &'a str {
        let position = |field: usize, offset: usize, end: bool| -> usize {
            let mut at = 0;
            for _ in 1..field {
                at = match separator {
                    Some(separator) => line[at..]
                        .find(separator)
                        .map_or(line.len(), |found| at + found + separator.len_utf8()),
                    None => field_end(line, at),
                };
            }
            if end && offset == 0 {
                return match separator {
                    Some(separator) => line[at..]
                        .find(separator)
                        .map_or(line.len(), |found| at + found),
                    None => field_end(line, at),
                };
            }
            let skip = if end {
                offset
            } else {
                offset.saturating_sub(1)
            };
            line[at..]
                .char_indices()
                .nth(skip)
                .map_or(line.len(), |(index, _)| at + index)
        };
        let start = position(self.start.0.max(1), self.start.1, false);
        let end = self.end.map_or(line.len(), |(field, offset)| {
            position(field.max(1), offset, true)
        });
        line.get(start..end.max(start)).unwrap_or_default()
    }
}

/// The end of the blanks and the field that begin here.
pub(super) fn field_end(line: &str, at: usize) -> usize {
    let rest = &line[at..];
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[blanks..]
        .find([' ', '\t'])
        .map_or(line.len(), |end| at + blanks + end)
}

fn compare(left: &str, right: &str, way: Way) -> Ordering {
    if let Some(known) = way.known {
        let kept = |text: &str| -> String {
            let known = |c: &char| match known {
                Known::Dictionary => c.is_ascii_alphanumeric() || c.is_ascii_whitespace(),
                Known::Printable => !c.is_ascii_control(),
            };
            text.chars().filter(known).collect()
        };
        let way = Way { known: None, ..way };
        return compare(&kept(left), &kept(right), way);
    }
    let (left, right) = match way.blanks {
        true => (left.trim_start(), right.trim_start()),
        false => (left, right),
    };
    let order = match way.kind {
        Kind::Text => left.cmp(right),
        Kind::CaselessText => left.to_uppercase().cmp(&right.to_uppercase()),
        Kind::Month => month(left).cmp(&month(right)),
        Kind::Version => version_parts(left).cmp(&version_parts(right)),
        Kind::Number | Kind::General | Kind::Human => {
            number_of(left, way.kind).total_cmp(&number_of(right, way.kind))
        }
    };
    if way.reverse { order.reverse() } else { order }
}

/// The month that a text begins with; nothing, which is before all, when it is none.
fn month(text: &str) -> Option<usize> {
    let start = text.get(..3)?.to_ascii_lowercase();
    let months = "jan feb mar apr may jun jul aug sep oct nov dec";
    months.split(' ').position(|month| month == start)
}

fn number_of(text: &str, kind: Kind) -> f64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*c == '-' && *at == 0)))
        .map_or(text.len(), |(at, _)| at);
    if matches!(kind, Kind::General) {
        // The longest beginning that is a number, with its exponent.
        let numeric = |c: &char| c.is_ascii_digit() || "+-.eE".contains(*c);
        let length = text.chars().take_while(numeric).count();
        let found = (1..=length).rev().find_map(|end| text[..end].parse().ok());
        return found.unwrap_or(0.0);
    }
    let value: f64 = text[..end].parse().unwrap_or(0.0);
    let human = matches!(kind, Kind::Human);
    let factor = match text[end..].chars().next() {
        Some('K' | 'k') if human => 1024.0,
        Some('M') if human => 1024.0 * 1024.0,
        Some('G') if human => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    value * factor
}

/// A text as words and numbers, which compare as versions do.
pub(super) fn version_parts(text: &str) -> Vec<(bool, u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if digits > 0 {
            parts.push((true, rest[..digits].parse().unwrap_or(0), String::new()));
            rest = &rest[digits..];
        } else {
            let end = rest
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(rest.len());
            parts.push((false, 0, rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    parts
}

fn sort(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut keys = Vec::new();
    for text in parsed.values('k').map(str::to_owned).collect::<Vec<_>>() {
        keys.push(key(io, &text)?);
    }
    let letters: String = "nrfgbVhMdi"
        .chars()
        .filter(|letter| parsed.has(*letter))
        .collect();
    let global = Way::of(&letters);
    let separator = parsed.value('t').and_then(|text| text.chars().next());
    let end = if parsed.has('z') { '\0' } else { '\n' };
    let mut texts: Vec<String> = Vec::new();
    for path in inputs(&parsed) {
        let Some(mut input) = open_plain(io, &path) else {
            return Ok(2);
        };
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes);
        texts.push(text.unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()));
    }
    let mut lines: Vec<&str> = Vec::new();
    for text in &texts {
        lines.extend(text.split_terminator(end));
    }
    let by_keys = |left: &&str, right: &&str| {
        if keys.is_empty() {
            return compare(left, right, global);
        }
        let mut orders = keys.iter().map(|key| {
            let way = key.way.unwrap_or(global);
            compare(key.of(left, separator), key.of(right, separator), way)
        });
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    };
    let (stable, reverse) = (parsed.has('s') || parsed.has('u'), parsed.has('r'));
    let full = |left: &&str, right: &&str| {
        by_keys(left, right).then_with(|| match (stable, reverse) {
            (true, _) => Ordering::Equal,
            (false, true) => right.cmp(left),
            (false, false) => left.cmp(right),
        })
    };
    if parsed.has('c') {
        for (index, pair) in lines.windows(2).enumerate() {
            if full(&pair[0], &pair[1]).is_gt() {
                io.complain(&format!("-:{}: disorder: {}", index + 2, pair[1]));
                return Ok(1);
            }
        }
        return Ok(0);
    }
    lines.sort_by(full);
    if parsed.has('u') {
        lines.dedup_by(|right, left| by_keys(left, right).is_eq());
    }
    let mut text = lines.join(end.to_string().as_str());
    if !lines.is_empty() {
        text.push(end);
    }
    match parsed.value('o') {
        Some(path) => std::fs::write(path, text)?,
        None => io.out.write_all(text.as_bytes())?,
    }
    Ok(0)
}
