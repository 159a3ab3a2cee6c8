//! Types a list of recordings from top to bottom. Never skips one.

use crate::client::{Client, RECORDED};
use crate::lab::Workplace;
use crate::recording::Step;
use crate::rules::Rules;
use crate::verdict::{Outcome, compare};
use anyhow::Result;

/// What became of every recording, in order.
pub(crate) fn play(
    workplace: &Workplace,
    steps: &[Step],
    client: &Client,
    rules: &Rules,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for step in steps {
        match step {
            Step::Setup(command) => {
                workplace.say(command)?;
            }
            Step::Case {
                name,
                command,
                said,
            } => {
                let now = workplace.say(command)?;
                let other = (client.version() != RECORDED).then(|| client.version());
                outcomes.push(compare(name, command, said, &now, rules, other));
            }
        }
    }
    Ok(outcomes)
}
