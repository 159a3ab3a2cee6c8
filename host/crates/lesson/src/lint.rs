//! What is wrong with a file of the format, beyond what the parser must refuse.
//!
//! | file | looks at |
//! |---|---|
//! | `raw` | the text as YAML |
//! | `prose` | prose, in each language and between them |
//! | `walk` | captures, references, times, in the order a lesson runs |
//! | `tasks` | points, mutants, hints, answers |
//! | `literal` | generated values that are written out |
//! | `outside` | what only the registry, the lab and the course know |
//!
//! Never plays a lesson: that is `--prove`.

mod faces;
mod literal;
mod outside;
mod page;
mod prose;
mod raw;
mod rules;
mod tasks;
mod walk;

pub use faces::{findings_json, findings_sarif};
pub use page::rules_page;
pub(crate) use raw::hazards;
pub use rules::{RULES, Rule, Slot};

use crate::finding::{Finding, Severity};
use crate::lab::{Lab, Pos};
use crate::parse::Document;
use crate::registry::Glossary;
use crate::yaml;
use std::collections::BTreeSet;

/// What only others than the file itself know; what is absent is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Ids of the claim registry.
    pub claims: Option<BTreeSet<String>>,
    /// The words of the course.
    pub glossary: Option<Glossary>,
    /// Images the lab has.
    pub images: Option<BTreeSet<String>>,
    /// Ids of the lessons on the shelf.
    pub lessons: Option<BTreeSet<String>>,
}

/// Every finding about a lesson that could be read.
pub(crate) fn lint(lab: &Lab) -> Vec<Finding> {
    walk::lint(lab)
}

/// Every finding about a file: its text, what the parser minds, and what a careful reader would.
pub fn lint_text(
    source: &str,
    text: &str,
    resolve: &mut dyn FnMut(&str) -> Option<String>,
    known: &Known,
) -> (Option<Document>, Vec<Finding>) {
    let root = match yaml::parse(text) {
        Ok(root) => root,
        Err(error) => {
            if let Some(finding) = raw::unreadable(source, text, error.at) {
                return (None, helped(vec![finding]));
            }
            let (document, findings) = Document::parse(source, text, resolve);
            return (document, helped(findings));
        }
    };
    let (document, mut findings) = Document::parse(source, text, resolve);
    let prose = prose::look(source, &root, known.glossary.as_ref());
    // The same finding, with a way to mend it.
    let mended: BTreeSet<Pos> = prose
        .iter()
        .filter(|finding| finding.code == "LAB020")
        .map(|finding| finding.at)
        .collect();
    findings.retain(|finding| finding.code != "LAB020" || !mended.contains(&finding.at));
    findings.extend(prose);
    findings.extend(hazards(source, text));
    findings.extend(outside::look(source, &root, known));
    if let Some(Document::Lab(lab)) = &document {
        findings.extend(tasks::look(lab));
        findings.extend(literal::look(lab));
        findings.extend(walk::unused(lab));
    }
    findings.sort_by_key(|finding| (finding.at, finding.code));
    findings.dedup_by(|a, b| (a.at, a.code, &a.message) == (b.at, b.code, &b.message));
    (document, helped(findings))
}

/// What to do, where the finding itself knows nothing more special.
fn helped(mut findings: Vec<Finding>) -> Vec<Finding> {
    for finding in &mut findings {
        let usual = match finding.code {
            "LAB001" if finding.message.contains("twice") => "keep one of the two",
            "LAB001" if finding.message.contains("not part of") => {
                "write it out where it is needed"
            }
            "LAB001" if finding.message.contains("second document") => "make it a file of its own",
            "LAB001" => {
                "look for a quote, bracket or blank too many or too few, here or just before"
            }
            "LAB007" => "write it; docs/format.md says what may stand in it",
            "LAB009" => "leave it out, or say it another way",
            "LAB014" => "leave one of the two out",
            "LAB015" => "shorten it, or raise `limits.virtual`",
            "LAB021" => "make the commands, names and holes the same in both languages",
            "LAB022" => "write it as the glossary does",
            "LAB031" => "give that `run` or quiz the `id`, or correct the name",
            "LAB033" => "name the `id` of a fault of this lesson",
            "LAB040" => "put the file there, or correct the name",
            "LAB041" => "copy the file into the lesson's folder",
            "LAB042" => "mend the file",
            "LAB050" => "write it beside the check's subject",
            "LAB053" => "name checks of this list, without coming back to the first",
            "LAB055" => "name a check of this task",
            "LAB060" => "say what is right: `correct: true`, or `answer:`",
            "LAB063" => "say in `why` what makes it right or wrong",
            _ => "docs/format.md says what may stand here",
        };
        finding.help.get_or_insert_with(|| usual.to_owned());
    }
    findings
}

/// A finding.
fn at(
    source: &str,
    at: Pos,
    code: &'static str,
    severity: Severity,
    message: String,
    help: Option<&str>,
) -> Finding {
    Finding {
        source: source.to_owned(),
        at,
        code,
        severity,
        message,
        help: help.map(str::to_owned),
        fix: Vec::new(),
    }
}
