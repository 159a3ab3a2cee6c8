//! What a lesson's files may say: every block and field, its type, whether it must be there and
//! what it means, in both languages. The parser's known fields, the JSON Schemas, completion,
//! hover and `docs/format.md` are made from these tables.
//!
//! Never reads a lesson: that is `parse`, which may only ask for fields that stand here.

mod environment;
mod lesson;
mod matcher;
mod page;
mod registry;
mod schema;
mod steps;
mod subject;
mod tasks;

pub(crate) use environment::*;
pub(crate) use lesson::*;
pub(crate) use matcher::*;
pub use page::page;
pub(crate) use page::value;
pub(crate) use registry::*;
#[cfg(test)]
pub(crate) use schema::lesson_blocks;
pub use schema::{SCHEMAS, schema};
pub(crate) use steps::*;
pub(crate) use subject::*;
pub(crate) use tasks::*;

use crate::Lang;

/// A map of the format.
#[derive(Debug)]
pub struct Block {
    /// Its name among the schema's definitions.
    pub name: &'static str,
    /// What it is, in Japanese.
    pub ja: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// Its fields, in the order they are written.
    pub groups: &'static [&'static [Field]],
    /// Exactly one of each of these sets stands in it.
    pub exactly_one: &'static [fn() -> Vec<&'static str>],
    /// At most one of each of these sets stands in it.
    pub at_most_one: &'static [fn() -> Vec<&'static str>],
}

/// One field of a [`Block`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What may stand there.
    pub ty: Type,
    /// Whether it must stand there.
    pub required: bool,
    /// What holds when it is not there.
    pub default: Option<&'static str>,
    /// What it means, in English.
    pub en: &'static str,
    /// What it means, in Japanese.
    pub ja: &'static str,
    /// Something that may stand there, as YAML on one line.
    pub example: Option<&'static str>,
}

/// What may stand in a field.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// Prose in every language of the lesson, or one text for all.
    Prose,
    /// A text. Numbers and the like are taken as they are written.
    String,
    /// A lower-case name.
    Id,
    /// A whole number.
    Int,
    /// A number from the first to the last, if they are given.
    Number(Option<f64>, Option<f64>),
    /// `true` or `false`.
    Bool,
    /// Only ever `true`.
    True,
    /// A number and a unit of virtual time.
    Duration,
    /// Where traffic starts or a command runs.
    Place,
    /// A file of the environment.
    File,
    /// A file beside the lesson.
    Beside,
    /// An id of the claim registry.
    Claim,
    /// The id of another check or assertion of the same list.
    Check,
    /// An image of the lab.
    Image,
    /// A sample of output.
    Like,
    /// A shape.
    Matcher,
    /// An expression in CEL.
    Cel,
    /// A JSONPath.
    JsonPath,
    /// Exactly this word.
    Const(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// One of the words of another table.
    Names(fn() -> Vec<&'static str>),
    /// A list.
    List(&'static Self),
    /// A list with at least one item.
    Some(&'static Self),
    /// A map with free keys.
    Map(&'static Self),
    /// A map with these fields.
    Block(&'static Block),
    /// A map that is one of these.
    OneOf(&'static [&'static Block]),
    /// A number, or the word.
    NumberOr(&'static str),
    /// Any value.
    Any,
}

impl Block {
    /// Every field, in the order they are written.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.groups.iter().copied().flatten()
    }

    /// One field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }

    /// The field by which an item is known: the first that it must have.
    #[must_use]
    pub fn verb(&self) -> Option<&'static str> {
        self.fields()
            .find(|field| field.required)
            .map(|field| field.name)
    }

    /// The keys that may stand in it.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        self.fields().map(|field| field.name).collect()
    }

    /// What it is, in one language.
    #[must_use]
    pub fn doc(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.ja,
            Lang::En => self.en,
        }
    }
}

impl Field {
    /// What it means, in one language.
    #[must_use]
    pub fn doc(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.ja,
            Lang::En => self.en,
        }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn example(mut self, text: &'static str) -> Self {
        self.example = Some(text);
        self
    }
}

impl Type {
    /// The words that may stand there, if it is about words.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Words(words) => words.to_vec(),
            Self::Names(names) => names(),
            Self::Const(word) => vec![word],
            Self::Bool => vec!["true", "false"],
            Self::True => vec!["true"],
            _ => Vec::new(),
        }
    }
}

/// A field, by name, type and what it means in English and Japanese.
const fn field(name: &'static str, ty: Type, en: &'static str, ja: &'static str) -> Field {
    Field {
        name,
        ty,
        required: false,
        default: None,
        en,
        ja,
        example: None,
    }
}

/// A block without rules between its fields.
const fn block(
    name: &'static str,
    en: &'static str,
    ja: &'static str,
    groups: &'static [&'static [Field]],
) -> Block {
    Block {
        name,
        ja,
        en,
        groups,
        exactly_one: &[],
        at_most_one: &[],
    }
}

/// The names of some fields.
fn names(fields: &[Field]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}
