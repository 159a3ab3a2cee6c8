//! From a lesson's text to a [`Lab`]. Never guesses: what it does not know is a finding.
//!
//! Read [`reader`] for how one value is read and complained about; the other files follow the
//! blocks of the format.

#[cfg(test)]
mod asked;
mod environment;
mod matcher;
mod quiz;
mod reader;
mod registry;
mod steps;
mod subject;
mod tasks;

use crate::finding::{Finding, Severity};
use crate::format;
use crate::lab::{Defaults, Environment, Lab, Lang, Limits, Metadata, Param, ParamKind};
use crate::lint;
use crate::yaml::{self, Node};
use clock::Duration;
use reader::{Fields, Reader};
use std::collections::BTreeMap;

#[cfg(test)]
pub(crate) use matcher::read_matcher;
pub(crate) use reader::{closest, duration};
pub use registry::Document;

/// The version of the format that this crate reads.
pub const API_VERSION: &str = "lab/v1alpha1";

impl Lab {
    /// Reads a lesson. `source` is the file's name in messages; `resolve` gives the text of a
    /// file beside the lesson. The lab is there unless a finding is an error.
    pub fn parse(
        source: &str,
        text: &str,
        resolve: &mut dyn FnMut(&str) -> Option<String>,
    ) -> (Option<Self>, Vec<Finding>) {
        let mut reader = Reader::new(source, resolve);
        let lab = match yaml::parse(text) {
            Ok(root) => read(&mut reader, &root),
            Err(error) => {
                reader.error(error.at, "LAB001", error.message);
                None
            }
        };
        let mut findings = reader.into_findings();
        if let Some(lab) = &lab {
            findings.extend(lint::lint(lab));
        }
        findings.sort_by_key(|finding| (finding.at, finding.code));
        findings.dedup();
        let broken = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        (lab.filter(|_| !broken), findings)
    }
}

/// `None` when the text is no lesson of a version we read; other mistakes are only noted.
fn read(reader: &mut Reader<'_>, root: &Node) -> Option<Lab> {
    if !is_ours(reader, root) {
        return None;
    }
    let fields = reader.map(root, "a lesson", &format::LAB)?;
    let metadata = match reader.require(&fields, "metadata") {
        Some(node) => metadata(reader, node),
        None => Metadata::default(),
    };
    let environment = match fields.get("environment") {
        Some(node) => environment::read(reader, node),
        None => Environment {
            platform: "plain".into(),
            ..Environment::default()
        },
    };
    let steps = reader
        .require(&fields, "steps")
        .map(|node| steps::read(reader, node))
        .unwrap_or_default();
    Some(Lab {
        source: reader.source().to_owned(),
        metadata,
        params: fields
            .get("params")
            .map(|node| params(reader, node))
            .unwrap_or_default(),
        environment,
        defaults: defaults(reader, fields.get("defaults")),
        limits: limits(reader, fields.get("limits")),
        steps,
        tasks: fields
            .get("tasks")
            .map(|node| tasks::read(reader, node))
            .unwrap_or_default(),
        pass_mark: fields.get("pass_mark").and_then(|node| reader.number(node)),
    })
}

/// Version and kind come first: nothing else can be told about a file of another format.
fn is_ours(reader: &mut Reader<'_>, root: &Node) -> bool {
    if !version_is_ours(reader, root) {
        return false;
    }
    let known = "a file is of kind `Lab`, `Course`, `Claims`, `Commands` or `Glossary`";
    match root.get("kind").map(|node| (node.at, node.to_value())) {
        Some((_, value)) if value.as_str() == Some("Lab") => return true,
        Some((at, value)) if value.as_str() == Some("Grade") => {
            reader.not_yet(at, "files of kind `Grade`");
        }
        Some((at, value)) => {
            let written = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let message = format!("a file of kind `{written}` is not known");
            reader.error_help(at, "LAB002", message, known);
        }
        None => reader.error_help(root.at, "LAB002", "`kind` is missing", known),
    }
    false
}

fn version_is_ours(reader: &mut Reader<'_>, root: &Node) -> bool {
    let Some(node) = root.get("apiVersion") else {
        let help = format!("begin with `apiVersion: {API_VERSION}`");
        reader.error_help(root.at, "LAB002", "`apiVersion` is missing", help);
        return false;
    };
    let value = node.to_value();
    if value.as_str() == Some(API_VERSION) {
        return true;
    }
    let written = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let message = if written.starts_with("lab/") {
        format!("`{written}` is a newer format than this lab reads")
    } else {
        format!("`{written}` is not a lab format")
    };
    reader.error_help(
        node.at,
        "LAB002",
        message,
        format!("this lab reads {API_VERSION}"),
    );
    false
}

fn metadata(reader: &mut Reader<'_>, node: &Node) -> Metadata {
    let Some(fields) = reader.map(node, "metadata", &format::METADATA) else {
        return Metadata::default();
    };
    Metadata {
        id: reader
            .require(&fields, "id")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        title: reader
            .require(&fields, "title")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        summary: fields.get("summary").map(|node| reader.text(node)),
        course: reader.maybe_string(&fields, "course"),
        order: fields.get("order").and_then(|node| reader.integer(node)),
        languages: reader
            .require(&fields, "languages")
            .map(|node| languages(reader, node))
            .unwrap_or_default(),
        minutes: fields.get("minutes").and_then(|node| reader.integer(node)),
        level: reader.word(&fields, "level").map(str::to_owned),
        requires: reader.strings(&fields, "requires"),
        objectives: fields
            .get("objectives")
            .map(|node| reader.texts(node))
            .unwrap_or_default(),
        seeds: reader.strings(&fields, "seeds"),
        license: reader.maybe_string(&fields, "license"),
        authors: reader.strings(&fields, "authors"),
    }
}

fn languages(reader: &mut Reader<'_>, node: &Node) -> Vec<Lang> {
    let known = [("ja", Lang::Ja), ("en", Lang::En)];
    reader
        .list(node)
        .iter()
        .filter_map(|node| reader.one_of(node, &known))
        .collect()
}

fn params(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<String, Param> {
    let mut params = BTreeMap::new();
    for (name, at, node) in reader.entries(node) {
        let Some(fields) = reader.map(node, &format!("params.{name}"), &format::PARAM) else {
            continue;
        };
        let kinds = [("int", 0), ("choice", 1), ("name", 2)];
        reader.require(&fields, "kind");
        let kind = reader.choose(&fields, "kind", &kinds);
        let kind = match kind {
            Some(1) => ParamKind::Choice {
                of: fields
                    .get("of")
                    .map(|node| reader.list(node).iter().map(Node::to_value).collect())
                    .unwrap_or_default(),
            },
            Some(2) => ParamKind::Name {
                prefix: reader.maybe_string(&fields, "prefix"),
            },
            _ => ParamKind::Int {
                range: range(reader, &fields),
            },
        };
        let default = reader
            .require(&fields, "default")
            .map(Node::to_value)
            .unwrap_or_default();
        if crate::like::HoleType::named(&name).is_some() {
            reader.error(
                at,
                "LAB008",
                format!("a parameter cannot be called `{name}`: that is a type of hole"),
            );
        }
        params.insert(name, Param { kind, default });
    }
    params
}

fn range(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<(i64, i64)> {
    let node = fields.get("range")?;
    let bounds: Vec<i64> = reader
        .list(node)
        .iter()
        .filter_map(|node| reader.integer(node))
        .collect();
    match bounds[..] {
        [low, high] if low <= high => Some((low, high)),
        _ => {
            reader.error(node.at, "LAB008", "a range is `[lowest, highest]`");
            None
        }
    }
}

fn defaults(reader: &mut Reader<'_>, node: Option<&Node>) -> Defaults {
    let fields = node.and_then(|node| reader.map(node, "defaults", &format::DEFAULTS));
    let fields = fields.unwrap_or_default();
    Defaults {
        within: reader
            .maybe_duration(&fields, "within")
            .unwrap_or(Duration::from_secs(30)),
        session: reader
            .maybe_string(&fields, "session")
            .unwrap_or_else(|| "workstation".into()),
        namespace: reader
            .maybe_string(&fields, "namespace")
            .unwrap_or_else(|| "default".into()),
    }
}

fn limits(reader: &mut Reader<'_>, node: Option<&Node>) -> Limits {
    let fields = node
        .and_then(|node| reader.map(node, "limits", &format::LIMITS))
        .unwrap_or_default();
    Limits {
        wall: reader.maybe_duration(&fields, "wall"),
        virtual_time: reader
            .maybe_duration(&fields, "virtual")
            .unwrap_or(Duration::from_secs(20 * 60)),
        fuel: fields
            .get("fuel")
            .and_then(|node| reader.integer(node))
            .and_then(|fuel| u64::try_from(fuel).ok()),
        memory: reader.maybe_string(&fields, "memory"),
        output: reader.maybe_string(&fields, "output"),
    }
}
