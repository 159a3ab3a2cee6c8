//! A file that was handed in against what a lesson expects of it. Never reads one.

use super::{Judgement, mismatch_words, shape, unexpected};
use crate::action::ProbeOutcome;
use crate::lab::FileSubject;
use crate::template::Captures;
use crate::yaml;
use serde_json::Value;

pub(in crate::engine) fn file(
    wanted: &FileSubject,
    outcome: &ProbeOutcome,
    captures: &Captures,
) -> Judgement {
    let content = match outcome {
        ProbeOutcome::File(content) => content,
        other => return unexpected(other),
    };
    let path = &wanted.path;
    let Some(text) = content else {
        let there = wanted.exists != Some(false);
        return Judgement::truth(
            !there,
            format!("{path} はありません"),
            format!("there is no {path}"),
        );
    };
    if wanted.exists == Some(false) {
        return Judgement::no(format!("{path} があります"), format!("{path} is there"));
    }
    if let Some(wrong) = shape(wanted.text.as_ref(), path, text.as_str(), captures) {
        return wrong;
    }
    if wanted.yaml.is_none() && wanted.docs.is_none() {
        return Judgement::yes(format!("{path} があります"), format!("{path} is there"));
    }
    match yaml::parse_documents(text) {
        Err(error) => Judgement::no(
            format!(
                "{path} {}行目: YAMLとして読めません: {}",
                error.at.line, error.message
            ),
            format!(
                "{path} line {} is not YAML: {}",
                error.at.line, error.message
            ),
        ),
        Ok(documents) => of_documents(wanted, documents, captures),
    }
}

/// One document is the value itself, several are a list of them.
fn of_documents(wanted: &FileSubject, documents: Vec<Value>, captures: &Captures) -> Judgement {
    let (path, count) = (&wanted.path, documents.len());
    if let Some(docs) = wanted.docs.filter(|docs| i64::try_from(count) != Ok(*docs)) {
        return Judgement::no(
            format!("{path} の文書は{count}個です({docs}個のはず)"),
            format!("{path} holds {count} documents, expected {docs}"),
        );
    }
    let mut documents = documents;
    let value = match documents.len() {
        1 => documents.remove(0),
        _ => Value::Array(documents),
    };
    let wrong = wanted
        .yaml
        .as_ref()
        .and_then(|shape| shape.check(Some(&value), captures).err());
    match wrong {
        Some(wrong) => mismatch_words(path, &wrong),
        None => Judgement::yes(
            format!("{path} は期待どおりです"),
            format!("{path} is as expected"),
        ),
    }
}
