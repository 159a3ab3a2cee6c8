//! What a file names that stands elsewhere: claims, images, lessons. Never looks there itself.

use super::{Known, at};
use crate::finding::{Finding, Severity};
use crate::parse::closest;
use crate::yaml::{Kind, Node};
use std::collections::BTreeSet;

/// Looks at every name below a node.
pub(super) fn look(source: &str, root: &Node, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kind = root.get("kind").map(Node::to_value);
    match kind.as_ref().and_then(serde_json::Value::as_str) {
        Some("Lab") => {
            if let Some(claims) = &known.claims {
                below(root, &mut |key, node| {
                    if key == "covers" {
                        names(source, node, claims, "LAB070", "claim", &mut findings);
                    }
                });
            }
            let environment = root.get("environment");
            if let (Some(images), Some(node)) = (
                &known.images,
                environment.and_then(|node| node.get("images")),
            ) {
                names(source, node, images, "LAB044", "image", &mut findings);
            }
            let before = root.get("metadata").and_then(|node| node.get("requires"));
            if let (Some(lessons), Some(node)) = (&known.lessons, before) {
                names(source, node, lessons, "LAB071", "lesson", &mut findings);
            }
        }
        Some("Course") => {
            if let Some(lessons) = &known.lessons {
                below(root, &mut |key, node| {
                    if key == "lessons" {
                        names(source, node, lessons, "LAB071", "lesson", &mut findings);
                    }
                });
            }
        }
        _ => {}
    }
    findings
}

/// Every key below a node with its value.
fn below(node: &Node, see: &mut dyn FnMut(&str, &Node)) {
    match &node.kind {
        Kind::Scalar(..) => {}
        Kind::Seq(items) => items.iter().for_each(|item| below(item, see)),
        Kind::Map(entries) => {
            for (key, node) in entries {
                see(&key.text, node);
                below(node, see);
            }
        }
    }
}

fn names(
    source: &str,
    node: &Node,
    known: &BTreeSet<String>,
    code: &'static str,
    what: &str,
    findings: &mut Vec<Finding>,
) {
    let Kind::Seq(items) = &node.kind else { return };
    for item in items {
        let Kind::Scalar(name, _) = &item.kind else {
            continue;
        };
        // A component is a file beside the lesson.
        if known.contains(name) || name.ends_with(".wasm") {
            continue;
        }
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = closest(name, &words).map_or_else(
            || match code {
                "LAB070" => "the registry is claims/seeds.yaml".to_owned(),
                "LAB071" => "a lesson is named by its `metadata.id`".to_owned(),
                _ => format!("there are {}", words.join(", ")),
            },
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("no {what} is called `{name}`");
        findings.push(at(
            source,
            item.at,
            code,
            Severity::Error,
            message,
            Some(&help),
        ));
    }
}
