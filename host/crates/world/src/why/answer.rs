//! What is told: step by step what holds, the first link that is broken, what was seen, what mends
//! it. Never looks at a world.

use super::finding::Finding;
use super::words::{Lang, Link, Mark, Text};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// One field of one object, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The object, as kubectl calls it.
    pub object: String,
    /// The field.
    pub field: String,
    /// What is in it.
    pub value: String,
}

/// A link of the way that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was found.
    pub finding: Finding,
    /// In what.
    pub seen: Vec<Seen>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What was looked at, in the order of the way.
    pub steps: Vec<Step>,
    /// What was not, because the way ends before.
    pub skipped: Vec<Link>,
}

impl Answer {
    /// The first link that is broken.
    #[must_use]
    pub fn broken(&self) -> Option<&Step> {
        let mut steps = self.steps.iter();
        steps.find(|step| step.finding.mark() == Mark::Broken)
    }

    /// Whether nothing is broken.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.broken().is_none()
    }

    /// The broken link in one line; nothing when all is well.
    #[must_use]
    pub fn line(&self) -> Option<Text> {
        let finding = &self.broken()?.finding;
        let (text, mend) = (finding.text(), finding.mend()?);
        Some(Text {
            ja: format!("{} → {}", text.ja, mend.ja),
            en: format!("{}; to mend it: {}", text.en, mend.en),
        })
    }

    /// The whole of it for people.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let mut out = String::new();
        for step in &self.steps {
            let sign = match step.finding.mark() {
                Mark::Good => '✔',
                Mark::Broken => '✘',
                Mark::Note => '!',
            };
            let word = step.finding.link().word();
            let _ = writeln!(out, "{sign} {word:<10} {}", step.finding.text().get(lang));
            if step.finding.mark() == Mark::Broken {
                for seen in &step.seen {
                    let Seen {
                        object,
                        field,
                        value,
                    } = seen;
                    let _ = writeln!(out, "             {object}  {field}: {value}");
                }
            }
        }
        for link in &self.skipped {
            let _ = writeln!(out, "– {}", link.word());
        }
        let (well, mends) = match lang {
            Lang::Ja => ("異常はありません。", "直すには"),
            Lang::En => ("All is well.", "To mend it"),
        };
        out.push('\n');
        match self.broken().and_then(|step| step.finding.mend()) {
            Some(mend) => {
                let _ = writeln!(out, "{mends}:\n  {}", mend.get(lang));
            }
            None => {
                let _ = writeln!(out, "{well}");
            }
        }
        out
    }

    /// The whole of it for programs, in both languages.
    #[must_use]
    pub fn json(&self) -> Value {
        let text = |text: &Text| json!({ "ja": text.ja, "en": text.en });
        let step = |step: &Step| {
            let finding = &step.finding;
            let facts: serde_json::Map<String, Value> = finding
                .facts()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            let seen = step.seen.iter().map(
                |seen| json!({ "object": seen.object, "field": seen.field, "value": seen.value }),
            );
            json!({
                "link": finding.link().word(),
                "mark": match finding.mark() {
                    Mark::Good => "good",
                    Mark::Broken => "broken",
                    Mark::Note => "note",
                },
                "finding": finding.name(),
                "text": text(&finding.text()),
                "facts": facts,
                "seen": seen.collect::<Vec<_>>(),
                "mend": finding.mend().as_ref().map(text),
            })
        };
        json!({
            "well": self.is_well(),
            "broken": self.broken().map(|step| step.finding.link().word()),
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
            "skipped": self.skipped.iter().map(|link| link.word()).collect::<Vec<_>>(),
        })
    }
}
