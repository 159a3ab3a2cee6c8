//! Reading the files beside the lessons. Never a lesson.

use super::reader::{Fields, Reader};
use super::{languages, version_is_ours};
use crate::finding::{Finding, Severity};
use crate::format::{self, Block};
use crate::lab::{Lab, Pos};
use crate::registry::{Claim, Claims, Command, Commands, Course, Glossary, Section, Term};
use crate::yaml::{self, Node};
use std::collections::BTreeMap;

/// A file of the format, whatever its kind.
#[derive(Debug)]
pub enum Document {
    /// A lesson.
    Lab(Box<Lab>),
    /// A course.
    Course(Course),
    /// A registry of claims.
    Claims(Claims),
    /// A registry of command lines.
    Commands(Commands),
    /// A glossary.
    Glossary(Glossary),
}

impl Document {
    /// Reads a file by its `kind`, as [`Lab::parse`] reads a lesson.
    pub fn parse(
        source: &str,
        text: &str,
        resolve: &mut dyn FnMut(&str) -> Option<String>,
    ) -> (Option<Self>, Vec<Finding>) {
        let root = yaml::parse(text).ok();
        let kind = root.as_ref().and_then(|root| root.get("kind"));
        let kind = kind.and_then(|kind| kind.to_value().as_str().map(str::to_owned));
        let read: Option<Read> = match kind.as_deref() {
            Some("Course") => Some(|reader, node| Some(Self::Course(course(reader, node)?))),
            Some("Claims") => Some(|reader, node| Some(Self::Claims(claims(reader, node)?))),
            Some("Commands") => Some(|reader, node| Some(Self::Commands(commands(reader, node)?))),
            Some("Glossary") => Some(|reader, node| Some(Self::Glossary(glossary(reader, node)?))),
            _ => None,
        };
        let (Some(read), Some(root)) = (read, root) else {
            let (lab, findings) = Lab::parse(source, text, resolve);
            return (lab.map(|lab| Self::Lab(Box::new(lab))), findings);
        };
        let mut reader = Reader::new(source, resolve);
        let document = if version_is_ours(&mut reader, &root) {
            read(&mut reader, &root)
        } else {
            None
        };
        let mut findings = reader.into_findings();
        findings.sort_by_key(|finding| (finding.at, finding.code));
        findings.dedup();
        let broken = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        (document.filter(|_| !broken), findings)
    }
}

type Read = fn(&mut Reader<'_>, &Node) -> Option<Document>;

/// The items of a list, each a block.
fn each<T>(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &str,
    block: &'static Block,
    read: fn(&mut Reader<'_>, &Fields<'_>) -> T,
) -> Vec<T> {
    let Some(node) = reader.require(fields, key) else {
        return Vec::new();
    };
    let items = reader.list(node);
    if items.is_empty() {
        reader.error(node.at, "LAB007", format!("`{key}` is empty"));
    }
    let mut read_items = Vec::new();
    for (i, node) in items.iter().enumerate() {
        if let Some(fields) = reader.map(node, &format!("{key}[{i}]"), block) {
            read_items.push(read(reader, &fields));
        }
    }
    read_items
}

/// Complains about a name that stands twice.
fn unique<'i>(reader: &mut Reader<'_>, ids: impl Iterator<Item = (&'i str, Pos)>) {
    let mut seen = BTreeMap::new();
    for (id, at) in ids {
        if let Some(first) = seen.insert(id, at) {
            let first: Pos = first;
            let message = format!("`{id}` is taken by line {}", first.line);
            reader.error_help(at, "LAB008", message, "choose another name");
        }
    }
}

fn claims(reader: &mut Reader<'_>, node: &Node) -> Option<Claims> {
    let fields = reader.map(node, "a registry", &format::CLAIMS)?;
    let mut documents = BTreeMap::new();
    if let Some(node) = reader.require(&fields, "documents") {
        for (name, _, node) in reader.entries(node) {
            documents.insert(name, reader.text(node));
        }
    }
    let claims = each(
        reader,
        &fields,
        "claims",
        &format::CLAIM,
        |reader, fields| {
            reader.require(fields, "kind");
            reader.require(fields, "seeds");
            Claim {
                id: reader.required_string(fields, "id"),
                at: fields.at,
                kind: reader.word(fields, "kind").unwrap_or_default().to_owned(),
                seeds: reader.strings(fields, "seeds"),
                lessons: reader.strings(fields, "lessons"),
                statement: reader.required_string(fields, "statement"),
                shown: reader.maybe_string(fields, "shown"),
            }
        },
    );
    unique(
        reader,
        claims.iter().map(|claim| (claim.id.as_str(), claim.at)),
    );
    for claim in &claims {
        for seed in claim
            .seeds
            .iter()
            .filter(|seed| !documents.contains_key(*seed))
        {
            let known: Vec<&str> = documents.keys().map(String::as_str).collect();
            let help = format!("there are {}", known.join(", "));
            reader.error_help(
                claim.at,
                "LAB008",
                format!("no document is called `{seed}`"),
                help,
            );
        }
    }
    Some(Claims {
        source: reader.source().to_owned(),
        documents,
        claims,
    })
}

fn commands(reader: &mut Reader<'_>, node: &Node) -> Option<Commands> {
    let fields = reader.map(node, "a registry", &format::COMMANDS)?;
    let commands = each(
        reader,
        &fields,
        "commands",
        &format::COMMAND,
        |reader, fields| {
            reader.require(fields, "seeds");
            Command {
                id: reader.required_string(fields, "id"),
                at: fields.at,
                seeds: reader.strings(fields, "seeds"),
                line: reader.required_string(fields, "line"),
                spellings: fields
                    .get("spellings")
                    .and_then(|node| reader.integer(node))
                    .and_then(|n| u32::try_from(n).ok())
                    .unwrap_or(1),
            }
        },
    );
    unique(
        reader,
        commands
            .iter()
            .map(|command| (command.id.as_str(), command.at)),
    );
    unique(
        reader,
        commands
            .iter()
            .map(|command| (command.line.as_str(), command.at)),
    );
    Some(Commands {
        source: reader.source().to_owned(),
        commands,
    })
}

fn glossary(reader: &mut Reader<'_>, node: &Node) -> Option<Glossary> {
    let fields = reader.map(node, "a glossary", &format::GLOSSARY)?;
    let terms = each(reader, &fields, "terms", &format::TERM, |reader, fields| {
        Term {
            at: fields.at,
            en: reader.required_string(fields, "en"),
            ja: reader.required_string(fields, "ja"),
            not_ja: reader.strings(fields, "not_ja"),
            except_ja: reader.strings(fields, "except_ja"),
            not_en: reader.strings(fields, "not_en"),
            about: fields.get("about").map(|node| reader.text(node)),
        }
    });
    unique(reader, terms.iter().map(|term| (term.en.as_str(), term.at)));
    Some(Glossary {
        source: reader.source().to_owned(),
        terms,
    })
}

fn course(reader: &mut Reader<'_>, node: &Node) -> Option<Course> {
    let fields = reader.map(node, "a course", &format::COURSE)?;
    let about = reader
        .require(&fields, "metadata")
        .and_then(|node| reader.map(node, "metadata", &format::COURSE_METADATA))
        .unwrap_or_default();
    let sections = each(
        reader,
        &fields,
        "sections",
        &format::SECTION,
        |reader, fields| {
            let lessons = reader
                .require(fields, "lessons")
                .map(|node| reader.list(node));
            let lessons = lessons.unwrap_or_default();
            Section {
                id: reader
                    .require(fields, "id")
                    .and_then(|node| reader.id(node))
                    .unwrap_or_default(),
                at: fields.at,
                title: reader
                    .require(fields, "title")
                    .map(|node| reader.text(node))
                    .unwrap_or_default(),
                summary: fields.get("summary").map(|node| reader.text(node)),
                lessons: lessons
                    .iter()
                    .filter_map(|node| Some((reader.id(node)?, node.at)))
                    .collect(),
            }
        },
    );
    unique(
        reader,
        sections
            .iter()
            .map(|section| (section.id.as_str(), section.at)),
    );
    let lessons = sections.iter().flat_map(|section| &section.lessons);
    unique(reader, lessons.map(|(id, at)| (id.as_str(), *at)));
    Some(Course {
        source: reader.source().to_owned(),
        id: reader
            .require(&about, "id")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        title: reader
            .require(&about, "title")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        summary: about.get("summary").map(|node| reader.text(node)),
        languages: reader
            .require(&about, "languages")
            .map(|node| languages(reader, node))
            .unwrap_or_default(),
        license: reader.maybe_string(&about, "license"),
        authors: reader.strings(&about, "authors"),
        sections,
    })
}
