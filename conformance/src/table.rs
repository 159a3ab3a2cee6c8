//! The table that a person reads. Never runs anything.

use crate::client::Client;
use crate::explained::{Explained, Known};
use crate::verdict::Outcome;
use std::fmt::Write;

/// The share of applicable recordings that must be identical.
const GOAL_PCT: f64 = 98.0;

/// What one client's recordings came to.
#[derive(Debug)]
struct Column {
    client: String,
    identical: usize,
    alike: usize,
    not_applicable: usize,
    explained: Vec<(Outcome, String)>,
    unexplained: Vec<Outcome>,
    healed: Vec<String>,
}

/// All clients' results.
#[derive(Debug)]
pub(crate) struct Table(Vec<Column>);

impl Table {
    /// Sorts outcomes by what is known about them.
    pub(crate) fn new(
        clients: &[Client],
        outcomes: Vec<Vec<Outcome>>,
        explained: &Explained,
    ) -> Self {
        let columns = clients.iter().zip(outcomes);
        Self(
            columns
                .map(|(client, outcomes)| Column::new(client, outcomes, explained))
                .collect(),
        )
    }

    /// Whether every client reached the goal and no difference is without a reason.
    pub(crate) fn is_good(&self) -> bool {
        self.0
            .iter()
            .all(|column| column.unexplained.is_empty() && column.share() >= GOAL_PCT)
    }

    /// The table, then what differs; with whole differences for the cases in `show`.
    pub(crate) fn text(&self, show: &[String]) -> String {
        let mut text = format!(
            "{:<8} {:>9} {:>9} {:>7} {:>14} {:>10}\n",
            "kubectl", "identical", "alike", "differs", "not applicable", "share"
        );
        for column in &self.0 {
            let differs = column.explained.len() + column.unexplained.len();
            let _ = writeln!(
                text,
                "{:<8} {:>9} {:>9} {:>7} {:>14} {:>8.1} %",
                column.client,
                column.identical,
                column.alike,
                differs,
                column.not_applicable,
                column.share()
            );
        }
        for column in &self.0 {
            column.describe(show, &mut text);
        }
        text
    }
}

impl Column {
    fn new(client: &Client, outcomes: Vec<Outcome>, explained: &Explained) -> Self {
        let mut column = Self {
            client: client.name.clone(),
            identical: 0,
            alike: 0,
            not_applicable: 0,
            explained: Vec::new(),
            unexplained: Vec::new(),
            healed: Vec::new(),
        };
        for outcome in outcomes {
            match explained.find(&outcome.name, &client.name) {
                Some((Known::NotApplicable, _)) => column.not_applicable += 1,
                Some((Known::Differs, _)) if outcome.identical => {
                    column.identical += 1;
                    column.healed.push(outcome.name);
                }
                _ if outcome.identical => column.identical += 1,
                Some((Known::Alike, _)) if outcome.alike => column.alike += 1,
                Some((Known::Differs, reason)) => {
                    column.explained.push((outcome, reason.to_owned()));
                }
                _ => column.unexplained.push(outcome),
            }
        }
        column
    }

    /// The share of applicable recordings that are identical, or alike where nothing is stable.
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are hundreds of recordings, not trillions"
    )]
    fn share(&self) -> f64 {
        let good = self.identical + self.alike;
        let all = good + self.explained.len() + self.unexplained.len();
        100.0 * good as f64 / all.max(1) as f64
    }

    fn describe(&self, show: &[String], text: &mut String) {
        let is_shown = |name: &str| show.iter().any(|shown| shown == name || shown == "all");
        for (outcome, reason) in &self.explained {
            let _ = writeln!(text, "\n{} {}: {reason}", self.client, outcome.name);
            if is_shown(&outcome.name) {
                text.push_str(&outcome.diff);
            }
        }
        for outcome in &self.unexplained {
            let _ = writeln!(
                text,
                "\n{} {}: NOT EXPLAINED\n  $ {}\n{}",
                self.client, outcome.name, outcome.command, outcome.diff
            );
        }
        for name in &self.healed {
            let _ = writeln!(
                text,
                "\n{} {name}: identical now; differences.txt may forget it",
                self.client
            );
        }
    }
}
