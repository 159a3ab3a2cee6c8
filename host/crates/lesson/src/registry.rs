//! The files beside the lessons as values: claims, command lines, the glossary, the course.
//! Never a lesson, and never what lessons make of them: that is `coverage.rs` and `lint`.

use crate::lab::{Lang, Pos, Text};
use std::collections::BTreeMap;

/// What documents say, show and get wrong.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The file it was read from.
    pub source: String,
    /// The documents by their short names.
    pub documents: BTreeMap<String, Text>,
    /// The claims in their order.
    pub claims: Vec<Claim>,
}

/// One claim of a document.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Its short name, such as `K23`.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// `claim`, `command`, `manifest`, `output`, `failure`, `typo` or `link`.
    pub kind: String,
    /// The documents that say it.
    pub seeds: Vec<String>,
    /// The lessons that are to show it.
    pub lessons: Vec<String>,
    /// What is said.
    pub statement: String,
    /// How a lesson shows it.
    pub shown: Option<String>,
}

/// Command lines of documents.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    /// The file it was read from.
    pub source: String,
    /// The lines.
    pub commands: Vec<Command>,
}

/// One command line of a document.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// Its short name, such as `C01`.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// The documents that type it.
    pub seeds: Vec<String>,
    /// The line, with holes for generated parts.
    pub line: String,
    /// How many lines of the documents come to it.
    pub spellings: u32,
}

/// Words and how they are written.
#[derive(Clone, Debug, Default)]
pub struct Glossary {
    /// The file it was read from.
    pub source: String,
    /// The words.
    pub terms: Vec<Term>,
}

/// One word of the course.
#[derive(Clone, Debug, Default)]
pub struct Term {
    /// Where it is written.
    pub at: Pos,
    /// How English prose writes it.
    pub en: String,
    /// How Japanese prose writes it.
    pub ja: String,
    /// What Japanese prose does not write.
    pub not_ja: Vec<String>,
    /// Phrases in which Japanese prose may write it all the same.
    pub except_ja: Vec<String>,
    /// What English prose does not write.
    pub not_en: Vec<String>,
    /// What it means.
    pub about: Option<Text>,
}

impl Term {
    /// How it is written in one language, and what is not written.
    #[must_use]
    pub fn written(&self, lang: Lang) -> (&str, &[String]) {
        match lang {
            Lang::Ja => (&self.ja, &self.not_ja),
            Lang::En => (&self.en, &self.not_en),
        }
    }
}

/// A course: its lessons in order.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The file it was read from.
    pub source: String,
    /// Its short name.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// One sentence about it.
    pub summary: Option<Text>,
    /// The languages it is written in.
    pub languages: Vec<Lang>,
    /// Licence of its text.
    pub license: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A part of a course.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its title.
    pub title: Text,
    /// One sentence about it.
    pub summary: Option<Text>,
    /// Ids of its lessons, in order, and where they are written.
    pub lessons: Vec<(String, Pos)>,
}
