//! From what was observed to whether a subject holds, in words. Never asks for anything.

mod command;
mod file;
mod objects;
mod traffic;

pub(crate) use command::Ended;
pub(super) use command::{Wanted, ended, exec};
pub(super) use file::file;
pub(super) use objects::{endpoints, resource};
pub(super) use traffic::{distribution, dns, flow, http, packet, path, tcp};

use crate::action::ProbeOutcome;
use crate::lab::{Matcher, Text};
use crate::matcher;
use crate::template::Captures;
use serde_json::Value;

/// Whether a subject holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    /// It cannot be told yet; never a verdict by itself.
    NotYet,
}

/// Whether a subject holds, and what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) truth: Truth,
    pub(crate) seen: Text,
    /// What was captured on the way.
    pub(crate) captures: Captures,
}

impl Judgement {
    pub(crate) fn new(truth: Truth, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            truth,
            seen: text(ja, en),
            captures: Captures::new(),
        }
    }

    fn yes(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Truth::Yes, ja, en)
    }

    fn no(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Truth::No, ja, en)
    }

    fn not_yet(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Truth::NotYet, ja, en)
    }

    fn truth(held: bool, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(if held { Truth::Yes } else { Truth::No }, ja, en)
    }
}

/// Prose in both languages.
pub(crate) fn text(ja: impl Into<String>, en: impl Into<String>) -> Text {
    Text {
        ja: ja.into(),
        en: en.into(),
    }
}

fn mismatch_words(subject: &str, wrong: &matcher::Mismatch) -> Judgement {
    let matcher::Mismatch {
        path,
        expected,
        seen,
    } = wrong;
    let place = [subject, path]
        .iter()
        .filter(|part| !part.is_empty())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    match seen {
        Some(seen) => Judgement::no(
            format!("{place} は {seen} です(期待: {expected})"),
            format!("{place} is {seen}, expected {expected}"),
        ),
        None => Judgement::no(
            format!("{place} がありません(期待: {expected})"),
            format!("{place} is not there, expected {expected}"),
        ),
    }
}

fn listed<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<&str> = items.into_iter().map(String::as_str).collect();
    if items.is_empty() {
        "<none>".to_owned()
    } else {
        items.join(", ")
    }
}

fn shape(
    shape: Option<&Matcher>,
    subject: &str,
    value: impl Into<Value>,
    captures: &Captures,
) -> Option<Judgement> {
    let wrong = shape?.check(Some(&value.into()), captures).err()?;
    Some(mismatch_words(subject, &wrong))
}

fn unexpected(outcome: &ProbeOutcome) -> Judgement {
    Judgement::not_yet(
        format!("思わぬ返事です: {outcome:?}"),
        format!("an answer of another kind: {outcome:?}"),
    )
}
