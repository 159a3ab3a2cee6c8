//! Volumes whose objects changed: what running containers see is brought up to date.
//!
//! As the page on ConfigMaps has it, mounts follow after the kubelet's next round, environments and
//! `subPath` mounts never do. Never asks by itself whether something changed: [`super::Machine`] is
//! told when to look.

use super::super::command::{Command, Environment, FileContent, FilesUpdate, Mount};
use super::super::{token, volume};
use super::{Machine, Sandbox, Turn};
use crate::controller::Tone;
use crate::controller::meta::{items, text};
use clock::{Duration, Instant};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

impl Machine {
    /// Has its volumes looked at again, at this time at the latest.
    pub(crate) fn refresh_by(&mut self, at: Instant) {
        self.refresh_at = Some(self.refresh_at.map_or(at, |other| other.min(at)));
    }

    /// Has its volumes looked at again when a token is due.
    pub(super) fn refresh_for_tokens(&mut self, turn: &Turn<'_>) {
        let now = turn.unix();
        if let Some(due) = token::renewal(&self.pod, now) {
            let wait = Duration::from_secs((due - now).unsigned_abs());
            self.refresh_by(turn.now + wait);
        }
    }

    pub(super) fn refresh_if_due(&mut self, turn: &mut Turn<'_>) {
        if self.sandbox != Sandbox::Ready || self.refresh_at.is_none_or(|at| at > turn.now) {
            return;
        }
        self.refresh_at = None;
        self.refresh_for_tokens(turn);
        let errors = volume::check(turn.store, &self.downward(turn));
        let stays = |volume: &str| {
            errors.iter().any(|error| error.volume == volume) || self.is_frozen(volume)
        };
        let stays: Vec<String> = items(&self.pod["spec"]["volumes"])
            .iter()
            .map(|volume| text(&volume["name"]))
            .filter(|volume| stays(volume))
            .map(str::to_owned)
            .collect();
        for at in 0..self.containers.len() {
            self.refresh(at, &stays, turn);
        }
        for error in errors {
            turn.note(&self.pod, Tone::Warning, "FailedMount", error.message);
        }
    }

    fn refresh(&mut self, at: usize, stays: &[String], turn: &mut Turn<'_>) {
        if !self.containers[at].alive() || self.containers[at].mounted.is_empty() {
            return;
        }
        let spec = self.spec_of(&self.containers[at]);
        let mounts = volume::mounts(
            turn.store,
            &self.downward(turn),
            &spec,
            &Environment::default(),
        );
        for mount in mounts.unwrap_or_default() {
            let container = &mut self.containers[at];
            let Some(known) = container.mounted.get_mut(&mount.path) else {
                continue;
            };
            let print = fingerprint(&mount.files);
            if *known == print || stays.contains(&mount.volume) {
                continue;
            }
            *known = print;
            turn.commands.push_back(Command::UpdateFiles(FilesUpdate {
                pod: self.reference.clone(),
                container: container.name.clone(),
                attempt: container.attempt,
                path: mount.path,
                files: mount.files,
            }));
        }
    }

    /// Whether a volume is made of an immutable object that is gone.
    fn is_frozen(&self, name: &str) -> bool {
        let volumes = items(&self.pod["spec"]["volumes"]);
        let volume = volumes.iter().find(|volume| volume["name"] == name);
        volume.is_some_and(|volume| {
            volume::sources_of(volume)
                .iter()
                .any(|(kind, name)| self.frozen.contains(&(*kind, (*name).to_owned())))
        })
    }
}

/// What each mount that is kept up to date holds; those with a `subPath` are not.
pub(super) fn fingerprints(container: &Value, mounts: &[Mount]) -> BTreeMap<String, u64> {
    let whole = |path: &str| {
        items(&container["volumeMounts"]).iter().any(|mount| {
            mount["mountPath"] == path
                && text(&mount["subPath"]).is_empty()
                && text(&mount["subPathExpr"]).is_empty()
        })
    };
    let kept = mounts
        .iter()
        .filter(|mount| !mount.shared && whole(&mount.path));
    kept.map(|mount| (mount.path.clone(), fingerprint(&mount.files)))
        .collect()
}

/// The same files give the same number, in every run.
fn fingerprint(files: &BTreeMap<String, FileContent>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (path, file) in files {
        (path, &file.bytes, file.mode).hash(&mut hasher);
    }
    hasher.finish()
}
