//! A node that is cut off from the API server, and its return. Its Pods run on and its kubelet
//! restarts them, but it neither learns of anything new nor is heard, as on a real node whose
//! informers have lost their connection. Never cuts a cable: `world` says who reaches whom.

use super::{Kubelet, Kubelets, next_multiple, node};
use crate::controller::meta::uid;
use crate::store::{Object, Store};
use clock::{Duration, Instant};

/// How long a kubelet that cannot register waits before it tries again.
const RETRY: Duration = Duration::from_secs(7);

impl Kubelet {
    /// Time passes without the API server: what is due is put off.
    pub(super) fn wait_for_api(&mut self, now: Instant) {
        if let Some(at) = &mut self.boot_at
            && *at <= now
        {
            *at = now + RETRY;
        }
        if self.next_lease <= now {
            self.next_lease = next_multiple(now, node::LEASE_PERIOD);
        }
        if self.next_status <= now {
            self.next_status = next_multiple(now, node::STATUS_PERIOD);
        }
    }
}

impl Kubelets {
    /// Whether a node's kubelet is cut off from the API server.
    #[must_use]
    pub fn is_offline(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(|kubelet| kubelet.offline)
    }

    /// A node is cut off from the API server, or reaches it again; then its kubelet learns of
    /// everything at once and tells how its Pods are.
    pub(crate) fn set_online(&mut self, store: &Store, now: Instant, node: &str, online: bool) {
        let Some(kubelet) = self.nodes.get_mut(node) else {
            return;
        };
        if kubelet.offline != online {
            return;
        }
        kubelet.offline = !online;
        if !online || !kubelet.running {
            return;
        }
        kubelet.next_lease = now;
        kubelet.next_status = now;
        // Pods that went while nobody was there to hear of it.
        let known: Vec<String> = kubelet.machines.keys().cloned().collect();
        let stale = known
            .iter()
            .map(|id| (id.clone(), super::Notice::NextRound));
        self.stale.extend(stale);
        self.touched.extend(known);
        let bound: Vec<Object> = store
            .list("pods", None)
            .filter(|pod| pod["spec"]["nodeName"] == node)
            .cloned()
            .collect();
        for pod in bound {
            self.touched.insert(uid(&pod).to_owned());
            self.hear_of(&pod, false);
        }
    }
}
