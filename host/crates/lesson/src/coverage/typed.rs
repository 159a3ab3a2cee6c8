//! Which command lines of the documents a learner types, word for word. Never whether that was
//! wise.

use super::{Played, Row, State, best, state, stem};
use crate::lab::ItemKind;
use crate::registry::{Command, Commands};
use crate::template::{Part, parts};
use regex::Regex;

/// Every line of the registry and who types it.
pub(super) fn rows(commands: &Commands, lessons: &[Played<'_>]) -> Vec<Row> {
    let typed: Vec<(State, String, Vec<String>)> = lessons.iter().flat_map(lines).collect();
    let row = |command: &Command| {
        let pattern = pattern(&command.line);
        let by = typed
            .iter()
            .filter(|(.., lines)| lines.iter().any(|line| pattern.is_match(line)));
        let (state, by) = best(by.map(|(state, by, _)| (*state, by.clone())).collect());
        Row {
            id: command.id.clone(),
            kind: "command-line".into(),
            seeds: command.seeds.clone(),
            text: command.line.clone(),
            planned: Vec::new(),
            state,
            by,
            spellings: command.spellings,
        }
    };
    commands.commands.iter().map(row).collect()
}

/// What the steps of a lesson type: how that went, where, and the lines of it.
fn lines(lesson: &Played<'_>) -> Vec<(State, String, Vec<String>)> {
    let name = stem(&lesson.lab.source);
    let mut typed = Vec::new();
    for (step, report) in lesson.lab.steps.iter().zip(&lesson.report.steps) {
        for (n, (item, went)) in step.items.iter().zip(&report.items).enumerate() {
            let ItemKind::Run(run) = &item.what else {
                continue;
            };
            // What is only shown is not typed.
            if run.copy_only {
                continue;
            }
            let id = item.id.clone().unwrap_or_else(|| format!("do[{n}]"));
            let texts = [Some(&run.command), run.stdin.as_ref()];
            let mut lines = Vec::new();
            for text in texts.into_iter().flatten() {
                lines.push(trimmed(text));
                lines.extend(text.lines().map(|line| line.trim().to_owned()));
            }
            let passed = went.status.is_passed();
            typed.push((
                state(lesson, passed),
                format!("{name}: {}/{id}", step.id),
                lines,
            ));
        }
    }
    typed
}

/// A text without the white space around its lines.
fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    lines.join("\n")
}

/// A registered line as a pattern: a hole stands for a name, a number or an address, or for a
/// hole of the lesson.
fn pattern(line: &str) -> Regex {
    let trimmed = trimmed(line);
    let mut pattern = String::from(r"\A");
    for part in parts(&trimmed) {
        match part {
            Part::Text(text) => pattern.push_str(&regex::escape(text)),
            Part::Hole(_) => pattern.push_str(r"(?:@\([^)]*\)|[A-Za-z0-9.-])+"),
        }
    }
    pattern.push_str(r"\z");
    Regex::new(&pattern).expect("made of escaped texts and one fixed piece")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_takes_a_generated_name_or_a_hole_of_the_lesson_and_no_more() {
        let line = "kubectl exec @(pod) -- printenv | grep SERVICE";
        for (typed, is) in [
            (
                "kubectl exec my-nginx-3800858182-jr4a2 -- printenv | grep SERVICE",
                true,
            ),
            ("kubectl exec @(before) -- printenv | grep SERVICE", true),
            (
                "kubectl exec my-nginx-@(suffix) -- printenv | grep SERVICE",
                true,
            ),
            ("kubectl exec a b -- printenv | grep SERVICE", false),
            (
                "kubectl exec deploy/my-nginx -- printenv | grep SERVICE",
                false,
            ),
            ("kubectl exec @(before) -- printenv | grep SERVICES", false),
        ] {
            assert_eq!(pattern(line).is_match(typed), is, "{typed}");
        }
        let colon = pattern("curl https://@(ip):@(port) -k");
        assert!(colon.is_match("curl https://@(nodeIP):@(nodePort) -k"));
        assert!(!colon.is_match("curl https://@(nodeIP) -k"));
    }

    #[test]
    fn indentation_does_not_make_another_line() {
        assert!(pattern("if x; then\n  y\nfi").is_match(&trimmed("if x; then\n    y\nfi\n")));
    }
}
