//! Reading questions for the learner. Never answers them.

use super::matcher;
use super::reader::Reader;
use crate::format;
use crate::lab::{Choice, Quiz, QuizKind};
use crate::yaml::Node;

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Vec<Quiz> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| quiz(reader, i, node))
        .collect()
}

fn quiz(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Quiz> {
    let kinds = [
        ("single", QuizKind::Single),
        ("multi", QuizKind::Multi),
        ("number", QuizKind::Number),
        ("short", QuizKind::Short),
        ("order", QuizKind::Order),
        ("predict", QuizKind::Predict),
    ];
    let fields = reader.map(node, &format!("quiz[{i}]"), &format::QUIZ)?;
    let quiz = Quiz {
        id: reader
            .require(&fields, "id")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        at: node.at,
        kind: {
            reader.require(&fields, "kind");
            reader.choose(&fields, "kind", &kinds)?
        },
        prompt: reader
            .require(&fields, "prompt")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        choices: fields
            .get("choices")
            .map(|node| choices(reader, node))
            .unwrap_or_default(),
        answer: fields.get("answer").map(|node| matcher::read(reader, node)),
        points: fields.get("points").and_then(|node| reader.number(node)),
        reveal: reader.word(&fields, "reveal").map(str::to_owned),
        covers: reader.strings(&fields, "covers"),
    };
    key(reader, &quiz);
    Some(quiz)
}

fn choices(reader: &mut Reader<'_>, node: &Node) -> Vec<Choice> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    let mut choices = Vec::new();
    for (i, node) in items.into_iter().enumerate() {
        let what = format!("choices[{i}]");
        let Some(fields) = reader.map(node, &what, &format::CHOICE) else {
            continue;
        };
        if fields.get("why").is_none() {
            reader.warning(node.at, "LAB063", "a choice without `why` teaches nothing");
        }
        choices.push(Choice {
            id: reader
                .require(&fields, "id")
                .and_then(|node| reader.id(node))
                .unwrap_or_default(),
            text: reader
                .require(&fields, "text")
                .map(|node| reader.text(node))
                .unwrap_or_default(),
            correct: reader.boolean(&fields, "correct", false),
            why: fields.get("why").map(|node| reader.text(node)),
        });
    }
    choices
}

/// Whether the question can be answered.
fn key(reader: &mut Reader<'_>, quiz: &Quiz) {
    let right = quiz.choices.iter().filter(|choice| choice.correct).count();
    match quiz.kind {
        QuizKind::Single | QuizKind::Predict | QuizKind::Multi if right == 0 => {
            reader.error_help(
                quiz.at,
                "LAB060",
                "no choice is right",
                "mark one with `correct: true`",
            );
        }
        QuizKind::Single | QuizKind::Predict if right > 1 => {
            reader.error_help(
                quiz.at,
                "LAB061",
                format!("{right} choices are right"),
                "make it `kind: multi`",
            );
        }
        QuizKind::Number | QuizKind::Short if quiz.answer.is_none() => {
            reader.error(quiz.at, "LAB060", "`answer` is missing here");
        }
        QuizKind::Order if quiz.choices.len() < 2 => {
            reader.error(quiz.at, "LAB060", "there is nothing to put in order");
        }
        _ => {}
    }
}
