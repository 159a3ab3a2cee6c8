//! The ingress controllers that run: their nginx gets the configuration that Ingresses ask for, and
//! is told when it changes. Never writes a line of it: `cluster::ingress` does.

use crate::Output;
use cluster::ingress::{FOLDER, files, is_controller};
use cluster::kubelet::{FileContent, FilesUpdate, Mount, PodRef, StartContainer};
use cluster::{Cluster, Store};
use std::collections::{BTreeMap, VecDeque};

/// Tells nginx to read its configuration again.
const SIGHUP: u8 = 1;

type Files = BTreeMap<String, Vec<u8>>;

/// The controllers that run, and what they were last given.
#[derive(Debug, Default)]
pub(crate) struct Controllers {
    running: Vec<Running>,
    given: Files,
}

#[derive(Debug)]
struct Running {
    pod: PodRef,
    container: String,
    attempt: u32,
}

impl Controllers {
    /// Whether a change of objects of this kind may change the configuration.
    pub(crate) fn minds(&self, kind: &str) -> bool {
        const MADE_OF: [&str; 5] = [
            "ingresses.networking.k8s.io",
            "ingressclasses.networking.k8s.io",
            "services",
            "endpointslices.discovery.k8s.io",
            "secrets",
        ];
        !self.running.is_empty() && MADE_OF.contains(&kind)
    }

    /// A container is about to start: a controller gets its files.
    pub(crate) fn start(&mut self, cluster: &Cluster, order: &mut StartContainer) {
        if !is_controller(&order.image) {
            return;
        }
        self.given = files(cluster.store(), &cluster.service_rules());
        order.mounts.push(Mount {
            volume: "ingress".to_owned(),
            path: FOLDER.to_owned(),
            files: contents(&self.given),
            ..Mount::default()
        });
        self.running
            .retain(|one| one.pod != order.pod || one.container != order.container);
        self.running.push(Running {
            pod: order.pod.clone(),
            container: order.container.clone(),
            attempt: order.attempt,
        });
    }

    /// A Pod's machine is gone.
    pub(crate) fn stop(&mut self, pod: &PodRef) {
        self.running.retain(|one| one.pod != *pod);
    }

    /// Only Pods that still have their object are told anything.
    fn forget_missing(&mut self, store: &Store) {
        self.running.retain(|one| {
            let pod = store.get("pods", &one.pod.namespace, &one.pod.name);
            pod.is_some_and(|pod| pod["metadata"]["uid"] == *one.pod.uid)
        });
    }

    /// Gives the configuration that follows from the objects to every controller, if it changed.
    pub(crate) fn wire(&mut self, cluster: &Cluster, outputs: &mut VecDeque<Output>) {
        self.forget_missing(cluster.store());
        let files = files(cluster.store(), &cluster.service_rules());
        if self.running.is_empty() || files == self.given {
            return;
        }
        for one in &self.running {
            outputs.push_back(Output::UpdateFiles(FilesUpdate {
                pod: one.pod.clone(),
                container: one.container.clone(),
                attempt: one.attempt,
                path: FOLDER.to_owned(),
                files: contents(&files),
            }));
            outputs.push_back(Output::Signal {
                pod: one.pod.clone(),
                container: one.container.clone(),
                attempt: one.attempt,
                signal: SIGHUP,
            });
        }
        self.given = files;
    }
}

fn contents(files: &Files) -> BTreeMap<String, FileContent> {
    let content = |(path, bytes): (&String, &Vec<u8>)| {
        let content = FileContent {
            bytes: bytes.clone(),
            mode: 0o600,
        };
        (path.clone(), content)
    };
    files.iter().map(content).collect()
}
