//! Other bounds for containers that run: at once, after a restart where the pod asks for one, later
//! when the node has no room yet, or never when it is too small.
//!
//! As the page on resizing containers has it. Never changes the pod's spec.

use super::super::command::Command;
use super::super::container::State;
use super::{Machine, Sandbox, Turn, starting};
use crate::controller::meta::{items, text};
use crate::scheduler::Squeeze;
use clock::Duration;
use serde_json::Value;

/// How often a kubelet asks again for room that was not there.
const RETRY: Duration = Duration::from_secs(60);

impl Machine {
    /// Acts on resources that were changed since their containers were started.
    pub(super) fn resize_if_asked(&mut self, turn: &mut Turn<'_>) {
        let asked = (0..self.containers.len()).any(|at| self.differs(at));
        if self.sandbox != Sandbox::Ready || self.ending.is_some() || self.finished || !asked {
            self.squeeze = None;
            self.resize_at = None;
            return;
        }
        if self.resize_at.is_some_and(|at| at > turn.now) && self.asked_for == self.pod["spec"] {
            return;
        }
        self.asked_for = self.pod["spec"].clone();
        self.squeeze = crate::scheduler::squeeze(turn.store, &turn.node.name, &self.pod);
        match &self.squeeze {
            None => self.resize_all(turn),
            Some(_) => self.resize_at = Some(turn.now + RETRY),
        }
    }

    fn differs(&self, at: usize) -> bool {
        let container = &self.containers[at];
        let spec = &self.pod["spec"][container.role.list()][container.at]["resources"];
        let empty = |resources: &Value| resources.as_object().is_none_or(|map| map.is_empty());
        let same = container.resources == *spec || (empty(&container.resources) && empty(spec));
        matches!(container.state, State::Running { .. }) && !same
    }

    fn resize_all(&mut self, turn: &mut Turn<'_>) {
        self.resize_at = None;
        for at in 0..self.containers.len() {
            if self.differs(at) {
                self.resize(at, turn);
            }
        }
    }

    fn resize(&mut self, at: usize, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let container = &mut self.containers[at];
        let before = std::mem::replace(&mut container.resources, spec["resources"].clone());
        let changed = |resource: &str| {
            ["limits", "requests"]
                .iter()
                .any(|part| before[*part][resource] != spec["resources"][*part][resource])
        };
        let restarts = items(&spec["resizePolicy"]).iter().any(|rule| {
            rule["restartPolicy"] == "RestartContainer" && changed(text(&rule["resourceName"]))
        });
        if restarts {
            let sentence = format!("Container {} resize requires restart", container.name);
            let kill_at = turn.now + self.grace();
            self.stop(at, kill_at, Some(sentence), turn);
            return;
        }
        let (memory, cpu_millis) = starting::limits(&spec["resources"]);
        turn.commands.push_back(Command::SetLimits {
            pod: self.reference.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            memory,
            cpu_millis,
        });
    }
}

/// The condition of a pod whose new bounds are not in force.
pub(crate) fn reason(squeeze: &Squeeze) -> (&'static str, &str) {
    match squeeze {
        Squeeze::Infeasible(why) => ("Infeasible", why),
        Squeeze::Deferred(why) => ("Deferred", why),
    }
}
