//! What was in the cluster before a lesson, so that the lesson's own objects can be taken away.
//!
//! Never deletes anything that was there before.

use super::kubectl::Kubectl;
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Kinds of a namespace that lessons make.
const IN_NAMESPACE: &str = "deployments,statefulsets,daemonsets,jobs,cronjobs,replicasets,pods,\
services,configmaps,secrets,persistentvolumeclaims,ingresses,networkpolicies,serviceaccounts,\
roles,rolebindings,poddisruptionbudgets";
/// Kinds outside namespaces that lessons make.
const OUTSIDE: &str = "namespaces,ingressclasses,clusterroles,clusterrolebindings,priorityclasses";
/// What every namespace has, or has from its cluster.
const ALWAYS: [&str; 4] = [
    "service/kubernetes",
    "configmap/kube-root-ca.crt",
    "serviceaccount/default",
    "secret/default-token-",
];
/// How long the taking away may last.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many names a message tells.
const TOLD: usize = 5;

/// The names of what there is.
pub(super) struct Before {
    inside: BTreeSet<String>,
    outside: BTreeSet<String>,
}

impl Before {
    /// Looks at what there is.
    ///
    /// # Errors
    /// What kubectl complained: the cluster does not answer, or refuses.
    pub(super) fn look(kubectl: &Kubectl) -> Result<Self> {
        let namespace = ["-n", &kubectl.namespace];
        let inside = names(kubectl, IN_NAMESPACE, &namespace)?;
        Ok(Self {
            inside: inside.into_iter().filter(|name| !is_usual(name)).collect(),
            outside: names(kubectl, OUTSIDE, &[])?,
        })
    }

    /// # Errors
    /// What is in the namespace.
    pub(super) fn is_empty(&self) -> Result<()> {
        if self.inside.is_empty() {
            return Ok(());
        }
        let told: Vec<&str> = self.inside.iter().take(TOLD).map(String::as_str).collect();
        let more = match self.inside.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        bail!("there are {}{more}", told.join(", "))
    }

    /// Takes away what was not there before.
    ///
    /// # Errors
    /// What could not be looked at or deleted.
    pub(super) fn restore(&self, kubectl: &Kubectl) -> Result<()> {
        let after = Self::look(kubectl)?;
        let namespace = ["-n", &kubectl.namespace];
        delete(kubectl, after.inside.difference(&self.inside), &namespace)?;
        delete(kubectl, after.outside.difference(&self.outside), &[])
    }
}

fn is_usual(name: &str) -> bool {
    ALWAYS
        .iter()
        .any(|usual| name == *usual || (usual.ends_with('-') && name.starts_with(usual)))
}

fn names(kubectl: &Kubectl, kinds: &str, scope: &[&str]) -> Result<BTreeSet<String>> {
    let mut arguments = vec!["get", kinds, "-o", "name"];
    arguments.extend(scope);
    let answer = kubectl.ask(&arguments);
    if !answer.is_ok() {
        bail!("{}", answer.stderr.trim_end());
    }
    Ok(answer.stdout.lines().map(str::to_owned).collect())
}

fn delete<'a>(
    kubectl: &Kubectl,
    names: impl Iterator<Item = &'a String>,
    scope: &[&str],
) -> Result<()> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut arguments = vec!["delete", "--ignore-not-found", "--now"];
    arguments.extend(&names);
    arguments.extend(scope);
    let ended = kubectl.run(&arguments, None, Instant::now() + PATIENCE);
    if !ended.is_ok() {
        bail!("not everything was taken away: {}", ended.stderr.trim_end());
    }
    Ok(())
}
