//! Generated names, addresses and ports that are written out where a capture belongs. Never
//! minds what a manifest of the lesson fixes.

use super::at;
use crate::finding::{Finding, Severity};
use crate::lab::{ItemKind, Lab, Pos};
use crate::template::{Part, parts};
use regex::Regex;

const HELP: &str = "capture it in an earlier `like` with `@(type as name)` and write `@(name)`";

pub(super) fn look(lab: &Lab) -> Vec<Finding> {
    let rules = Rules::new(lab);
    let mut findings = Vec::new();
    let mut see = |place: Pos, text: &str| {
        for part in parts(text) {
            let Part::Text(text) = part else { continue };
            for (what, found) in rules.found(text) {
                let message = format!("{what} is written out: {found}");
                findings.push(at(
                    &lab.source,
                    place,
                    "LAB017",
                    Severity::Warning,
                    message,
                    Some(HELP),
                ));
            }
        }
    };
    for item in lab.steps.iter().flat_map(|step| &step.items) {
        let ItemKind::Run(run) = &item.what else {
            continue;
        };
        // What is shown of another time or place is not run.
        if run.copy_only {
            continue;
        }
        see(item.at, &run.command);
        if let Some(like) = &run.like {
            see(like.at, &like.text);
        }
    }
    findings
}

struct Rules {
    pod: Regex,
    address: Regex,
    port: Regex,
    /// Everything the lesson itself writes down.
    written: String,
}

impl Rules {
    fn new(lab: &Lab) -> Self {
        let fixed = |pattern: &str| Regex::new(pattern).expect("a fixed pattern");
        let cidr = lab
            .environment
            .network
            .pod_cidr
            .as_deref()
            .unwrap_or("10.244.0.0/16");
        let prefix = cidr.split('.').take(2).collect::<Vec<_>>().join(r"\.");
        let files = lab
            .environment
            .files
            .iter()
            .map(|file| file.content.as_str());
        let writes = lab
            .steps
            .iter()
            .flat_map(|step| &step.items)
            .filter_map(|item| match &item.what {
                ItemKind::Write { content, .. } => Some(content.as_str()),
                _ => None,
            });
        let answers = lab
            .tasks
            .iter()
            .flat_map(|task| task.solution.files.values().map(String::as_str));
        let written: Vec<&str> = files.chain(writes).chain(answers).collect();
        Self {
            pod: fixed(r"\b[a-z][a-z0-9-]*-[0-9a-f]{8,10}-[a-z0-9]{5}\b"),
            address: fixed(&format!(
                r"\b{}\.[0-9]{{1,3}}\.[0-9]{{1,3}}\b",
                if prefix.is_empty() {
                    r"10\.244"
                } else {
                    &prefix
                }
            )),
            port: fixed(r":(3[0-2][0-9]{3})\b"),
            written: written.join("\n"),
        }
    }

    fn found<'t>(&self, text: &'t str) -> Vec<(&'static str, &'t str)> {
        let each = [
            ("a Pod's name", &self.pod),
            ("a Pod's address", &self.address),
            ("a node port", &self.port),
        ];
        let mut found = Vec::new();
        for (what, rule) in each {
            let hits = rule
                .captures_iter(text)
                .filter_map(|hit| hit.iter().flatten().last());
            let hits = hits
                .map(|hit| hit.as_str())
                .filter(|hit| !self.written.contains(*hit));
            // The network's own address is no Pod's.
            let hits = hits.filter(|hit| !hit.ends_with(".0"));
            found.extend(hits.map(|hit| (what, hit)));
        }
        found
    }
}
