//! Reading what the learner solves. Never solves it.

use super::reader::{Fields, Reader};
use super::subject;
use crate::format;
use crate::lab::{Alternative, Check, Hint, Mutant, Solution, Submit, Task, Visibility};
use crate::yaml::Node;
use std::collections::BTreeMap;

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Vec<Task> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| task(reader, i, node))
        .collect()
}

fn task(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Task> {
    let fields = reader.map(node, &format!("tasks[{i}]"), &format::TASK)?;
    Some(Task {
        id: reader
            .require(&fields, "id")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        at: node.at,
        title: reader
            .require(&fields, "title")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        text: reader
            .require(&fields, "text")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        submit: each(reader, &fields, "submit", submit),
        checks: {
            reader.require(&fields, "checks");
            each(reader, &fields, "checks", check)
        },
        hints: each(reader, &fields, "hints", hint),
        solution: reader
            .require(&fields, "solution")
            .and_then(|node| solution(reader, node))
            .unwrap_or_default(),
        alternatives: each(reader, &fields, "alternatives", alternative),
        mutants: each(reader, &fields, "mutants", mutant),
    })
}

fn each<T>(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &str,
    read: fn(&mut Reader<'_>, usize, &Node) -> Option<T>,
) -> Vec<T> {
    let Some(node) = fields.get(key) else {
        return Vec::new();
    };
    let items: Vec<&Node> = reader.list(node).iter().collect();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| read(reader, i, node))
        .collect()
}

fn submit(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Submit> {
    let fields = reader.map(node, &format!("submit[{i}]"), &format::SUBMIT)?;
    let from = fields.get("from").and_then(|node| reader.beside(node));
    Some(Submit {
        path: reader.required_string(&fields, "path"),
        starter: reader.maybe_string(&fields, "starter").or(from),
        schema: reader.word(&fields, "schema").map(str::to_owned),
        max_bytes: fields
            .get("max_bytes")
            .and_then(|node| reader.integer(node))
            .and_then(|n| u64::try_from(n).ok()),
    })
}

fn check(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Check> {
    let what = format!("checks[{i}]");
    let assertion = subject::assertion(reader, &what, node, &format::CHECK);
    for key in ["id", "title", "points"] {
        if node.get(key).is_none() {
            reader.error(
                node.at,
                "LAB050",
                format!("`{what}` has no `{key}`; a check shows what it is worth"),
            );
        }
    }
    let assertion = assertion?;
    // Unknown fields were told by the assertion.
    let fields = Fields::of(node, &format::CHECK)?;
    let views = [
        ("public", Visibility::Public),
        ("hidden", Visibility::Hidden),
        ("after-deadline", Visibility::AfterDeadline),
    ];
    let visibility = reader
        .choose(&fields, "visibility", &views)
        .unwrap_or_default();
    if visibility != Visibility::Public {
        let help = "put it into the lesson's `.grade.yaml`";
        reader.error_help(
            fields.key_at("visibility"),
            "LAB052",
            "a hidden check stands in the learner's file",
            help,
        );
    }
    let partials = [("none", false), ("fraction", true)];
    let points = fields
        .get("points")
        .and_then(|node| reader.number(node))
        .unwrap_or(0.0);
    if points < 0.0 {
        reader.error(
            fields.key_at("points"),
            "LAB050",
            "points are never negative",
        );
    }
    Some(Check {
        points,
        visibility,
        partial: reader
            .choose(&fields, "partial", &partials)
            .unwrap_or(false),
        required: reader.boolean(&fields, "required", false),
        assertion,
    })
}

fn hint(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Hint> {
    let fields = reader.map(node, &format!("hints[{i}]"), &format::HINT)?;
    let when = fields
        .get("when")
        .and_then(|node| reader.map(node, "when", &format::WHEN));
    let when = when.unwrap_or_default();
    Some(Hint {
        text: reader
            .require(&fields, "text")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        after_failures: count(reader, &when, "after_failures"),
        failing: reader.strings(&when, "failing"),
        cost: fields.get("cost").and_then(|node| reader.number(node)),
    })
}

fn count(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<u32> {
    fields
        .get(key)
        .and_then(|node| reader.integer(node))
        .and_then(|n| u32::try_from(n).ok())
}

fn solution(reader: &mut Reader<'_>, node: &Node) -> Option<Solution> {
    let fields = reader.map(node, "solution", &format::SOLUTION)?;
    let reveal = fields
        .get("reveal")
        .and_then(|node| reader.map(node, "reveal", &format::REVEAL));
    let reveal = reveal.unwrap_or_default();
    Some(Solution {
        files: files(reader, &fields),
        run: reader.strings(&fields, "run"),
        explain: fields.get("explain").map(|node| reader.text(node)),
        reveal_after: count(reader, &reveal, "after_failures"),
        reveal_never: reader.boolean(&reveal, "never", false),
    })
}

fn files(reader: &mut Reader<'_>, fields: &Fields<'_>) -> BTreeMap<String, String> {
    let entries = fields
        .get("files")
        .map(|node| reader.entries(node))
        .unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|(path, _, node)| Some((path, reader.string(node)?)))
        .collect()
}

fn alternative(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Alternative> {
    let what = format!("alternatives[{i}]");
    let fields = reader.map(node, &what, &format::ALTERNATIVE)?;
    Some(Alternative {
        name: reader
            .require(&fields, "name")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        at: node.at,
        files: files(reader, &fields),
        run: reader.strings(&fields, "run"),
    })
}

fn mutant(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Mutant> {
    let fields = reader.map(node, &format!("mutants[{i}]"), &format::MUTANT)?;
    reader.require(&fields, "fails");
    Some(Mutant {
        name: reader
            .require(&fields, "name")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        files: files(reader, &fields),
        run: reader.strings(&fields, "run"),
        fails: reader.strings(&fields, "fails"),
        score: fields.get("score").and_then(|node| reader.number(node)),
    })
}
