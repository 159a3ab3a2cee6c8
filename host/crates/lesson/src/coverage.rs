//! What the lessons show of what documents say: the registry against what was played, both ways.
//! Never plays a lesson and never reads a file.

mod print;
mod typed;

use crate::lab::Lab;
use crate::registry::{Claims, Commands};
use crate::report::Report;
use serde::Serialize;
use std::collections::BTreeMap;

/// A lesson and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Played<'a> {
    /// The lesson.
    pub lab: &'a Lab,
    /// Its report; that of an engine that never began, if it was not played.
    pub report: &'a Report,
    /// Whether it was played.
    pub played: bool,
}

/// How far a claim or a command line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Something that shows it ran and passed.
    Shown,
    /// A lesson says that it shows it, but did not pass there.
    Failed,
    /// A lesson says that it shows it, and was not played.
    Unplayed,
    /// No lesson has it.
    Orphan,
}

/// One row: a claim or a command line.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// What kind of claim; `command-line` for a line.
    pub kind: String,
    /// The documents.
    pub seeds: Vec<String>,
    /// The statement, or the line.
    pub text: String,
    /// The lessons that are to show it.
    pub planned: Vec<String>,
    /// How far it has come.
    pub state: State,
    /// What shows it: `03-service: expose/get-svc`; what passed comes first.
    pub by: Vec<String>,
    /// How many lines of the documents come to it; 1 for claims.
    pub spellings: u32,
}

/// A `covers` that names no claim.
#[derive(Clone, Debug, Serialize)]
pub struct Unknown {
    /// What is named.
    pub id: String,
    /// Where.
    pub by: Vec<String>,
}

/// The registry against the lessons.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// Every claim.
    pub claims: Vec<Row>,
    /// Every command line.
    pub commands: Vec<Row>,
    /// What is covered but not registered.
    pub unknown: Vec<Unknown>,
}

impl Coverage {
    /// Holds the registry against lessons.
    #[must_use]
    pub fn of(claims: &Claims, commands: &Commands, lessons: &[Played<'_>]) -> Self {
        let mut found: BTreeMap<String, Vec<(State, String)>> = BTreeMap::new();
        for lesson in lessons {
            let name = stem(&lesson.lab.source);
            for (claim, things) in lesson.report.shown() {
                let entry = found.entry(claim).or_default();
                entry.extend(
                    things.into_iter().map(|thing| {
                        (state(lesson, thing.passed), format!("{name}: {}", thing.by))
                    }),
                );
            }
        }
        let rows: Vec<Row> = claims
            .claims
            .iter()
            .map(|claim| {
                let (state, by) = best(found.remove(&claim.id).unwrap_or_default());
                Row {
                    id: claim.id.clone(),
                    kind: claim.kind.clone(),
                    seeds: claim.seeds.clone(),
                    text: claim.statement.clone(),
                    planned: claim.lessons.clone(),
                    state,
                    by,
                    spellings: 1,
                }
            })
            .collect();
        Self {
            claims: rows,
            commands: typed::rows(commands, lessons),
            unknown: found
                .into_iter()
                .map(|(id, things)| Unknown {
                    id,
                    by: best(things).1,
                })
                .collect(),
        }
    }

    /// Whether every claim is shown, every line typed, and nothing unknown covered.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let rows = self.claims.iter().chain(&self.commands);
        self.unknown.is_empty() && rows.into_iter().all(|row| row.state == State::Shown)
    }
}

fn state(lesson: &Played<'_>, passed: bool) -> State {
    match (lesson.played, passed) {
        (true, true) => State::Shown,
        (true, false) => State::Failed,
        (false, _) => State::Unplayed,
    }
}

/// The best state that something came to, and who brought it there, the best first.
fn best(mut things: Vec<(State, String)>) -> (State, Vec<String>) {
    things.sort();
    things.dedup();
    let state = things.first().map_or(State::Orphan, |(state, _)| *state);
    (state, things.into_iter().map(|(_, by)| by).collect())
}

/// `03-service` of `labs/03-service.yaml`.
fn stem(source: &str) -> &str {
    let name = source.rsplit('/').next().unwrap_or(source);
    name.strip_suffix(".yaml").unwrap_or(name)
}
