//! The report for programs. Never depends on the order in which anything was inserted.

use super::{Expectation, Failure, ItemReport, Report, Status, TaskReport};
use crate::lab::Text;
use clock::Instant;
use serde_json::{Map, Value, json};

pub(super) fn text(value: &Value) -> String {
    let mut out = serde_json::to_string_pretty(&sorted(value.clone())).unwrap_or_default();
    out.push('\n');
    out
}

/// Sorted explicitly: whether a map keeps insertion order is decided by a feature of serde_json
/// that any crate of the program may switch on.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

pub(super) fn value(report: &Report) -> Value {
    let (earned, all) = report.points();
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|step| {
            let quiz: Vec<Value> = step
                .quiz
                .iter()
                .map(|quiz| json!({"id": quiz.id, "right": quiz.right}))
                .collect();
            json!({
                "id": step.id,
                "title": step.title,
                "began": step.began.map(seconds),
                "quiz": quiz,
                "items": step.items.iter().map(item).collect::<Vec<_>>(),
                "then": step.then.iter().map(expectation).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "format": "lab.run/v1",
        "lab": report.lab,
        "title": report.title,
        "source": report.source,
        "seed": report.seed,
        "outcome": report.outcome,
        "exit": report.outcome.code(),
        "trouble": report.trouble,
        "steps": steps,
        "tasks": report.tasks.iter().map(task).collect::<Vec<_>>(),
        "points": {"earned": earned, "of": all},
        "virtual_seconds": report.took.as_secs_f64(),
    })
}

fn task(task: &TaskReport) -> Value {
    let (earned, all) = task.points();
    json!({
        "id": task.id,
        "title": task.title,
        "began": task.began.map(seconds),
        "items": task.items.iter().map(item).collect::<Vec<_>>(),
        "checks": task.checks.iter().map(expectation).collect::<Vec<_>>(),
        "points": {"earned": earned, "of": all},
    })
}

fn item(item: &ItemReport) -> Value {
    let mut value = json!({
        "id": item.id,
        "what": item.what,
        "place": item.place,
        "stdout": item.stdout,
        "stderr": item.stderr,
        "exit": item.exit,
        "began": item.time.map(|(began, _)| seconds(began)),
        "ended": item.time.map(|(_, ended)| seconds(ended)),
    });
    add_status(&mut value, &item.status);
    value
}

fn expectation(then: &Expectation) -> Value {
    let mut value = json!({
        "id": then.id,
        "title": then.title,
        "points": then.points,
        "at": then.at.map(seconds),
    });
    if let Some(share) = then.share {
        value["share"] = share.into();
    }
    add_status(&mut value, &then.status);
    value
}

fn add_status(value: &mut Value, status: &Status) {
    value["status"] = status.word().into();
    match status {
        Status::Failed(failure) => value["failure"] = self::failure(failure),
        Status::NotReached(Some(why)) => value["why"] = json!(why),
        Status::NotReached(None) | Status::Passed => {}
    }
}

fn failure(failure: &Failure) -> Value {
    let advice: &[Text] = &failure.advice;
    json!({
        "asked": failure.asked,
        "seen": failure.seen,
        "since": seconds(failure.since),
        "at": seconds(failure.at),
        "line": failure.pos.line,
        "column": failure.pos.column,
        "advice": advice,
    })
}

fn seconds(at: Instant) -> f64 {
    at.since_start().as_secs_f64()
}
