//! The tables as a page to read: `docs/format.md`. Never read back.

use super::schema::blocks;
use super::{Block, Field, Type};
use std::fmt::Write as _;

/// The reference page, in both languages.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(HEAD);
    for block in blocks() {
        one(&mut page, block);
    }
    page
}

const HEAD: &str = "\
# The lab format / 教材の書式

Made from the tables in `host/crates/lesson/src/format` by `lab schema format --out docs`; do not edit.
`host/crates/lesson/src/format` の表から作ったページです。直接は書き換えません。

- **`*`** the field must be there / 必須のキー
- A duration is a number and a unit of virtual time: `500ms`, `30s`, `6m`, `2h`, `1d`. / 時間は仮想時間で、数と単位で書きます。
- A place is `workstation`, `control-plane`, `node/NAME`, `pod/NAME`, `pod/label=value`, `deploy/NAME`, `host/NAME` or `internet`. / 場所の書き方です。
- Prose is `{ ja: \"…\", en: \"…\" }`, or one text for both languages. / 文章は2言語で書くか、共通の1つで書きます。
- Unknown fields are errors. / 知らないキーは誤りです。
";

fn one(page: &mut String, block: &Block) {
    let _ = write!(
        page,
        "\n## {}\n\n{}  \n{}\n\n",
        block.name, block.en, block.ja
    );
    for names in block.exactly_one {
        let _ = writeln!(
            page,
            "Exactly one of / どれか1つだけ: {}\n",
            listed(&names())
        );
    }
    for names in block.at_most_one {
        let _ = writeln!(page, "At most one of / 多くても1つ: {}\n", listed(&names()));
    }
    page.push_str("| Field | Value | Meaning | 意味 |\n|---|---|---|---|\n");
    for field in block.fields() {
        let _ = writeln!(
            page,
            "| `{}`{} | {} | {}{} | {} |",
            field.name,
            if field.required { " **\\***" } else { "" },
            value(&field.ty),
            field.en,
            more(field),
            field.ja,
        );
    }
}

fn more(field: &Field) -> String {
    let default = field.default.map(|text| format!(" Default: `{text}`."));
    let example = field
        .example
        .map(|text| format!(" Such as `{}`.", text.replace('|', "\\|")));
    default.into_iter().chain(example).collect()
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A type in a few words.
pub(crate) fn value(ty: &Type) -> String {
    match ty {
        Type::Prose => "prose".into(),
        Type::String => "text".into(),
        Type::Id => "id".into(),
        Type::Int => "whole number".into(),
        Type::Number(low, high) => match (low, high) {
            (Some(low), Some(high)) => format!("number, {low} to {high}"),
            (Some(low), None) => format!("number, at least {low}"),
            _ => "number".into(),
        },
        Type::Bool => "`true` or `false`".into(),
        Type::True => "`true`".into(),
        Type::Duration => "duration".into(),
        Type::Place => "place".into(),
        Type::File => "file of the environment".into(),
        Type::Beside => "file beside the lesson".into(),
        Type::Claim => "claim id".into(),
        Type::Check => "id of a check".into(),
        Type::Image => "image".into(),
        Type::Like => "sample output".into(),
        Type::Matcher => "shape ([Operators](#operators))".into(),
        Type::Cel => "CEL expression".into(),
        Type::JsonPath => "JSONPath".into(),
        Type::Const(word) => format!("`{word}`"),
        Type::Words(_) | Type::Names(_) => listed(&ty.words()),
        Type::List(item) => format!("list of {}", value(item)),
        Type::Some(item) => format!("list, not empty, of {}", value(item)),
        Type::Map(item) => format!("map by name to {}", value(item)),
        Type::Block(block) => linked(block),
        Type::OneOf(blocks) => {
            let links: Vec<String> = blocks.iter().map(|block| linked(block)).collect();
            links.join(" or ")
        }
        Type::NumberOr(word) => format!("whole number or `{word}`"),
        Type::Any => "any value".into(),
    }
}

fn linked(block: &Block) -> String {
    format!("[{}](#{})", block.name, block.name.to_lowercase())
}
