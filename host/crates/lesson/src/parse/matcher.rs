//! Reading a shape. Never evaluates it.

use super::reader::Reader;
use crate::format;
use crate::lab::{Is, Matcher, Op};
use crate::yaml::{Kind, Node};
use regex::Regex;

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Matcher {
    match &node.kind {
        Kind::Scalar(..) => Matcher::Equals(node.to_value()),
        Kind::Seq(items) => Matcher::List(items.iter().map(|item| read(reader, item)).collect()),
        Kind::Map(entries) => {
            let operators = entries
                .iter()
                .filter(|(key, _)| key.text.starts_with('$'))
                .count();
            if operators == 0 {
                return Matcher::Map(
                    entries
                        .iter()
                        .map(|(key, node)| (key.text.clone(), read(reader, node)))
                        .collect(),
                );
            }
            if operators < entries.len() {
                reader.error(
                    node.at,
                    "LAB008",
                    "operators and fields cannot stand side by side; use one or the other",
                );
            }
            let Some(fields) = reader.map(node, "a matcher", &format::OPERATORS) else {
                return Matcher::Ops(Vec::new());
            };
            let operators = format::OPERATORS.keys();
            let present = fields.present(&operators);
            Matcher::Ops(
                present
                    .iter()
                    .filter_map(|name| operator(reader, name, fields.get(name)?))
                    .collect(),
            )
        }
    }
}

fn operator(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Op> {
    let boxed = |reader: &mut Reader<'_>| Box::new(read(reader, node));
    let shapes = |reader: &mut Reader<'_>| {
        reader
            .list(node)
            .iter()
            .map(|node| read(reader, node))
            .collect::<Vec<_>>()
    };
    Some(match name {
        "$contains" => Op::Contains(boxed(reader)),
        "$not_contains" => Op::NotContains(boxed(reader)),
        "$matches" => Op::Matches(regex(reader, node)?),
        "$one_of" => Op::OneOf(shapes(reader)),
        "$gte" => Op::Gte(node.to_value()),
        "$lte" => Op::Lte(node.to_value()),
        "$between" => match reader.list(node) {
            [low, high] => Op::Between(low.to_value(), high.to_value()),
            _ => {
                reader.error(node.at, "LAB008", "`$between` takes `[lowest, highest]`");
                return None;
            }
        },
        "$is" => Op::Is(reader.one_of(node, &Is::ALL)?),
        "$in_cidr" => Op::InCidr(reader.string(node)?),
        "$count" => Op::Count(boxed(reader)),
        "$each" => Op::Each(boxed(reader)),
        "$any" => Op::Any(boxed(reader)),
        "$set" => Op::Set(shapes(reader)),
        "$absent" => {
            if node.to_value().as_bool() != Some(true) {
                reader.error(
                    node.at,
                    "LAB008",
                    "`$absent` is only ever `true`; the opposite is `$not: { $absent: true }`",
                );
            }
            Op::Absent
        }
        "$not" => Op::Not(boxed(reader)),
        _ => Op::Cel(cel(reader, node)?),
    })
}

fn regex(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.string(node)?;
    // Captured values come later; any word stands for them here.
    let probe = text.replace("@(", "(");
    if let Err(error) = Regex::new(&probe) {
        let last = error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned();
        reader.error(
            node.at,
            "LAB008",
            format!("`{text}` is not a regular expression: {last}"),
        );
    }
    Some(text)
}

/// An expression in CEL.
pub(super) fn cel(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let source = reader.string(node)?;
    if let Some(problem) = crate::expression::problem(&source) {
        reader.error(
            node.at,
            "LAB008",
            format!("`{source}` is not a CEL expression: {problem}"),
        );
    }
    Some(source)
}

/// A shape from a text, for tests.
#[cfg(test)]
pub(crate) fn read_matcher(text: &str) -> Result<Matcher, Vec<crate::Finding>> {
    let mut resolve = |_: &str| None;
    let mut reader = Reader::new("matcher", &mut resolve);
    let node = crate::yaml::parse(text).expect("the test's shape is YAML");
    let matcher = read(&mut reader, &node);
    let findings = reader.into_findings();
    if findings.is_empty() {
        Ok(matcher)
    } else {
        Err(findings)
    }
}
