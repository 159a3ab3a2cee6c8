//! What the thing under the cursor means, and where it comes from. Never changes it.

use super::Around;
use super::place::{Place, Slot};
use crate::format::value;
use crate::lab::{Lang, Pos};
use crate::lint::Rule;
use std::fmt::Write as _;

/// Where something comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A claim, in the registry.
    Claim(Pos),
    /// A place of the same text.
    Here(Pos),
}

/// The word at a place: its first column, counted from zero, and its text.
fn word(line: &str, column: usize) -> Option<(usize, String)> {
    let chars: Vec<char> = line.chars().collect();
    let belongs = |c: &char| c.is_alphanumeric() || "_-$".contains(*c);
    let mut start = column.min(chars.len());
    while start > 0 && belongs(&chars[start - 1]) {
        start -= 1;
    }
    let word: String = chars[start..].iter().take_while(|c| belongs(c)).collect();
    (!word.is_empty()).then_some((start, word))
}

/// What stands at a place, in Markdown.
#[must_use]
pub fn hover(text: &str, at: Pos, around: &Around, lang: Lang) -> Option<String> {
    let line = text.lines().nth(at.line as usize - 1)?;
    let (start, word) = word(line, at.column as usize - 1)?;
    if let Some(rule) = Rule::find(&word) {
        return Some(rule.card(lang));
    }
    let mut claims = around.claims.iter().flat_map(|registry| &registry.claims);
    if let Some(claim) = claims.find(|claim| claim.id == word) {
        let mut said = format!(
            "**{}** ({}, {})\n\n{}",
            claim.id,
            claim.kind,
            claim.seeds.join(", "),
            claim.statement
        );
        if let Some(shown) = &claim.shown {
            let _ = write!(said, "\n\n{shown}");
        }
        return Some(said);
    }
    let behind: String = line
        .chars()
        .skip(start + word.chars().count())
        .take(1)
        .collect();
    if behind != ":" {
        return None;
    }
    let place = Place::of(
        text,
        Pos {
            line: at.line,
            column: start as u32 + 1,
        },
    );
    let Some(Slot::Key(blocks)) = place.slot(text) else {
        return None;
    };
    let field = blocks.iter().find_map(|block| block.field(&word))?;
    let mut said = format!(
        "**{}**: {}\n\n{}",
        field.name,
        value(&field.ty),
        field.doc(lang)
    );
    for (what, text) in [("default", field.default), ("example", field.example)] {
        if let Some(text) = text {
            let _ = write!(said, "\n\n{what}: `{text}`");
        }
    }
    Some(said)
}

/// Where what stands at a place comes from: a claim, the capture of a hole, the id of a check.
#[must_use]
pub fn origin(text: &str, at: Pos, around: &Around) -> Option<Origin> {
    let line = text.lines().nth(at.line as usize - 1)?;
    let (_, word) = word(line, at.column as usize - 1)?;
    let mut claims = around.claims.iter().flat_map(|registry| &registry.claims);
    if let Some(claim) = claims.find(|claim| claim.id == word) {
        return Some(Origin::Claim(claim.at));
    }
    let here = |needle: &str| {
        let (n, line) = text
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(needle))?;
        let before = &line[..line.find(needle)?];
        Some(Pos {
            line: n as u32 + 1,
            column: before.chars().count() as u32 + 1,
        })
    };
    here(&format!("as {word})"))
        .or_else(|| here(&format!("id: {word}")))
        .filter(|origin| origin.line != at.line)
        .map(Origin::Here)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "apiVersion: lab/v1alpha1\nkind: Lab\nsteps:\n  - id: a\n    then:\n      - tcp: { from: workstation, is: open }\n        never: 30s\n        needs: [other]\n      - id: other\n";

    #[test]
    fn a_key_says_what_it_means_wherever_it_stands() {
        let around = Around::default();
        let at = |line, column| hover(TEXT, Pos { line, column }, &around, Lang::En);
        assert!(at(7, 11).expect("a key").contains("At no state"));
        assert!(at(6, 35).expect("a key").contains("What becomes of it"));
        assert_eq!(at(6, 24), None);
    }

    #[test]
    fn a_need_leads_to_its_check() {
        let found = origin(
            TEXT,
            Pos {
                line: 8,
                column: 18,
            },
            &Around::default(),
        );
        assert_eq!(found, Some(Origin::Here(Pos { line: 9, column: 9 })));
    }
}
