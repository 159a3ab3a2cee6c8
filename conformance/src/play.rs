//! Types a list of recordings from top to bottom. Never skips one.

use crate::client::{Client, RECORDED};
use crate::lab::Workplace;
use crate::recording::Step;
use crate::rules::Rules;
use crate::verdict::{Outcome, compare};
use anyhow::Result;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A port of this machine, which only one client at a time can have.
static PORTS: Mutex<()> = Mutex::new(());

/// Waits until no other client has a port that this command wants.
fn alone(command: &str) -> Option<MutexGuard<'static, ()>> {
    let wants = command.contains("port-forward");
    wants.then(|| PORTS.lock().unwrap_or_else(PoisonError::into_inner))
}

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
                let now = {
                    let _alone = alone(command);
                    workplace.say(command)?
                };
                let other = (client.version() != RECORDED).then(|| client.version());
                outcomes.push(compare(name, command, said, &now, rules, other));
            }
        }
    }
    Ok(outcomes)
}
