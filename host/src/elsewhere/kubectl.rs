//! Questions and orders to the cluster, each one kubectl. Never judges an answer.

use super::desk::Desk;
use super::process::{self, Ended};
use lesson::Place;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Pod, and a container of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) pod: String,
    pub(super) container: Option<String>,
}

/// kubectl at a desk, in the lesson's namespace.
pub(super) struct Kubectl {
    pub(super) desk: Desk,
    pub(super) namespace: String,
}

impl Kubectl {
    pub(super) fn new(desk: Desk, namespace: String) -> Self {
        Self { desk, namespace }
    }

    /// kubectl with these arguments.
    pub(super) fn run(&self, arguments: &[&str], stdin: Option<&str>, until: Instant) -> Ended {
        let mut command = self.desk.command("kubectl");
        command.args(arguments);
        process::run(command, stdin, until)
    }

    /// kubectl with these arguments, given the usual time.
    pub(super) fn ask(&self, arguments: &[&str]) -> Ended {
        self.run(arguments, None, Instant::now() + PATIENCE)
    }

    /// Objects of a kind: all, one by name, or those with these labels. A missing object is no
    /// error.
    ///
    /// # Errors
    /// What kubectl complained.
    pub(super) fn objects(
        &self,
        kind: &str,
        namespace: &str,
        name: Option<&str>,
        selector: Option<&str>,
    ) -> Result<Vec<Value>, String> {
        let mut arguments = vec!["get", kind, "-n", namespace, "-o", "json"];
        match (name, selector) {
            (Some(name), _) => arguments.extend([name, "--ignore-not-found"]),
            (None, Some(selector)) => arguments.extend(["-l", selector]),
            (None, None) => {}
        }
        let answer = self.ask(&arguments);
        if !answer.is_ok() {
            return Err(answer.stderr);
        }
        if answer.stdout.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut value: Value =
            serde_json::from_str(&answer.stdout).map_err(|cause| cause.to_string())?;
        Ok(match value["items"].take() {
            Value::Array(items) => items,
            _ => vec![value],
        })
    }

    /// The Pod that a lesson means by a place.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn target(&self, place: &Place) -> Result<Target, String> {
        let (selector, container) = match place {
            Place::Pod {
                namespace: Some(_), ..
            }
            | Place::Deploy {
                namespace: Some(_), ..
            }
            | Place::Selected {
                namespace: Some(_), ..
            } => return Err(format!("{place} is in a namespace of the lab")),
            Place::Pod {
                name, container, ..
            } => {
                return Ok(Target {
                    pod: name.clone(),
                    container: container.clone(),
                });
            }
            Place::Deploy { name, .. } => {
                return Ok(Target {
                    pod: format!("deploy/{name}"),
                    container: None,
                });
            }
            Place::Selected {
                selector,
                container,
                ..
            } => (selector, container),
            other => return Err(format!("{other} is a machine of the lab")),
        };
        let mut pods = self.objects("pods", &self.namespace, None, Some(selector))?;
        let text = |pod: &Value, pointer: &str| {
            let text = pod.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        pods.retain(|pod| {
            text(pod, "/status/phase") == "Running"
                && pod.pointer("/metadata/deletionTimestamp").is_none()
        });
        pods.sort_by_key(|pod| {
            (
                text(pod, "/metadata/creationTimestamp"),
                text(pod, "/metadata/name"),
            )
        });
        let oldest = pods.first();
        let oldest = oldest.ok_or_else(|| format!("no running Pod has the labels {selector}"))?;
        Ok(Target {
            pod: text(oldest, "/metadata/name"),
            container: container.clone(),
        })
    }

    /// A command in a container.
    pub(super) fn exec(
        &self,
        target: &Target,
        command: &[&str],
        stdin: Option<&str>,
        until: Instant,
    ) -> Ended {
        let mut arguments = vec!["exec", "-n", &self.namespace, &target.pod];
        if let Some(container) = &target.container {
            arguments.extend(["-c", container]);
        }
        if stdin.is_some() {
            arguments.push("-i");
        }
        arguments.push("--");
        arguments.extend(command);
        let mut ended = self.run(&arguments, stdin, until);
        // kubectl's own remark about the code is not the command's.
        let own = |line: &&str| !line.starts_with("command terminated with exit code ");
        ended.stderr = ended.stderr.split_inclusive('\n').filter(own).collect();
        ended
    }
}
