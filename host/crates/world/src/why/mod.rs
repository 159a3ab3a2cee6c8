//! Why something is not reached: a question, the probe that belongs to it, and an answer that
//! names the first broken link of the way, what was seen there and what mends it.
//!
//! [`plan`] says which probe to send, [`Prober`] sends it and hears what comes of it, [`answer`]
//! turns the state of the world and the probe's outcome into steps. Everything but the prober is
//! a function of a [`World`] that it only looks at. Never changes an object, never mends anything
//! itself, and judges no lesson. Start reading at [`finding`](Finding), which is everything that
//! can be said, then `walk/`, one file for each part of the way.

mod answer;
mod asker;
mod certificate;
mod entry;
mod finding;
mod look;
mod names;
mod probe;
mod query;
mod question;
mod refusals;
mod target;
mod walk;
mod words;

pub use answer::{Answer, Seen, Step};
pub use asker::At;
pub use finding::Finding;
pub use probe::{Connection, Outcome, PACE, PATIENCE, Passage, Plan, Prober, plan};
pub use query::Said;
pub use question::{Asker, Question, Subject, Unclear};
pub(crate) use refusals::Refusals;
pub use walk::answer;
pub use words::{Lang, Link, Mark, Text};

use crate::World;
use target::Target;

/// The name that the asker would look up, if a name is part of the way.
fn asked_name(world: &World, question: &Question, at: &At, target: &Target) -> Option<String> {
    let pod = at.pod()?;
    match (&question.subject, target) {
        (Subject::Name { name, .. }, _) => Some(name.clone()),
        (
            Subject::Service {
                namespace, name, ..
            },
            Target::Service { .. },
        ) => {
            // Who asks for the Service by its object may be in a world without a DNS.
            target::service(world.cluster().store(), "kube-system", "kube-dns")?;
            let searched = names::asks_cluster(pod);
            Some(match namespace == look::namespace(pod) && searched {
                true => name.clone(),
                false if searched => format!("{name}.{namespace}"),
                false => format!("{name}.{namespace}.svc.{}", cluster::dns::DOMAIN),
            })
        }
        _ => None,
    }
}
