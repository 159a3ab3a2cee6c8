//! When a world has come to rest: nothing is on its way to another state.
//!
//! Heartbeats never stop, so rest is not silence. A world is at rest when for a while nothing but
//! heartbeats was written and no Pod is between two states. Never changes anything.

use super::driver::Shell;
use clock::{Duration, Instant};
use cluster::{Event, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use world::{SiteId, World};

/// How long nothing may have been written; longer than any single step of a kubelet.
const QUIET: Duration = Duration::from_secs(2);

/// Reasons of waiting that do not end by themselves.
const STUCK: [&str; 6] = [
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "RunContainerError",
];

/// Watches a world's clusters for rest.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    revisions: BTreeMap<SiteId, u64>,
    since: Instant,
}

impl Rest {
    /// Looks at what was written since the last look; true when the world is at rest.
    pub(crate) fn look(&mut self, now: Instant, world: &World) -> bool {
        for site in world.sites() {
            let store = world.cluster_of(site).store();
            let known = self.revisions.insert(site, store.revision());
            let moved = match store.events_since(known.unwrap_or_default()) {
                Ok(mut events) => events.any(matters),
                Err(_) => true,
            };
            if moved {
                self.since = now;
            }
        }
        let moving = |site: SiteId| {
            let store = world.cluster_of(site).store();
            store.list("pods", None).any(|pod| is_moving(store, pod))
        };
        now.saturating_since(self.since) >= QUIET && !world.sites().any(moving)
    }

    /// When to look again if nothing happens before.
    pub(crate) fn poll_at(&self) -> Instant {
        self.since + QUIET
    }
}

/// Lets time pass until the world is at rest; false when that takes longer than `within`.
pub(crate) fn come_to_rest(shell: &Rc<Shell>, within: Duration) -> bool {
    let deadline = shell.now() + within;
    let mut rest = Rest::default();
    loop {
        if shell.turn() {
            continue;
        }
        let now = shell.now();
        if shell.look(|world| rest.look(now, world)) {
            return true;
        }
        let looks = Some(rest.poll_at()).filter(|at| *at > now);
        match shell.poll_at().into_iter().chain(looks).min() {
            Some(at) if at <= deadline => shell.jump(at),
            _ => return false,
        }
    }
}

fn matters(event: &Event) -> bool {
    // A node writes its lease every ten seconds and its status now and then, whatever happens.
    !matches!(event.kind, "leases.coordination.k8s.io" | "nodes")
}

/// Whether a Pod is on its way: being started, being ended, by a kubelet that is there to do it.
fn is_moving(store: &Store, pod: &Value) -> bool {
    let Some(node) = pod["spec"]["nodeName"].as_str() else {
        return false;
    };
    let node_is_ready = store.get("nodes", "", node).is_some_and(|node| {
        let conditions = node["status"]["conditions"].as_array();
        conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    if !node_is_ready {
        return false;
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        return true;
    }
    if pod["status"]["phase"] != "Pending" {
        return false;
    }
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let waiting = statuses
        .iter()
        .flat_map(|key| pod["status"][*key].as_array().into_iter().flatten());
    let reasons = waiting.filter_map(|status| status["state"]["waiting"]["reason"].as_str());
    !reasons.into_iter().any(|reason| STUCK.contains(&reason))
}
