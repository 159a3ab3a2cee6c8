//! Where a command runs or traffic starts. Never resolves a name: the shell knows the machines.

use serde::Serialize;
use std::fmt;

/// A machine, a Pod or the outside, as a lesson names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Place {
    /// The learner's own machine, where `kubectl` is: `workstation`.
    Workstation,
    /// The machine of the API server: `control-plane`.
    ControlPlane,
    /// A node by name: `node/node-a`.
    Node {
        /// The node's name.
        name: String,
    },
    /// A Pod by name: `pod/probe`, `pod/probe/container`.
    Pod {
        /// The Pod's name.
        name: String,
        /// The container; the first when absent.
        container: Option<String>,
    },
    /// The oldest running Pod that a label selector matches: `pod/app=shell`.
    Selected {
        /// A label selector as kubectl's `-l` takes it.
        selector: String,
        /// The container; the first when absent.
        container: Option<String>,
    },
    /// The oldest running Pod of a Deployment: `deploy/shell`.
    Deploy {
        /// The Deployment's name.
        name: String,
    },
    /// A machine outside the cluster: `host/laptop`.
    Host {
        /// The machine's name.
        name: String,
    },
    /// Anywhere on the internet: `internet`.
    Internet,
}

impl Place {
    /// Reads `workstation`, `node/NAME`, `pod/NAME`, `pod/label=value`, `deploy/NAME`, `host/NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((kind, rest)) = text.split_once('/') else {
            return match text {
                "workstation" => Some(Self::Workstation),
                "control-plane" => Some(Self::ControlPlane),
                "internet" => Some(Self::Internet),
                _ => None,
            };
        };
        if rest.is_empty() {
            return None;
        }
        let (name, container) = match rest.split_once('/') {
            Some((name, container)) => (name.to_owned(), Some(container.to_owned())),
            None => (rest.to_owned(), None),
        };
        match kind {
            "pod" if name.contains(['=', ' ', ',']) => Some(Self::Selected {
                selector: name,
                container,
            }),
            "pod" => Some(Self::Pod { name, container }),
            "node" if container.is_none() => Some(Self::Node { name }),
            "deploy" | "deployment" if container.is_none() => Some(Self::Deploy { name }),
            "host" if container.is_none() => Some(Self::Host { name }),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workstation => f.write_str("workstation"),
            Self::ControlPlane => f.write_str("control-plane"),
            Self::Internet => f.write_str("internet"),
            Self::Node { name } => write!(f, "node/{name}"),
            Self::Deploy { name } => write!(f, "deploy/{name}"),
            Self::Host { name } => write!(f, "host/{name}"),
            Self::Pod { name, container }
            | Self::Selected {
                selector: name,
                container,
            } => {
                write!(f, "pod/{name}")?;
                container
                    .as_ref()
                    .map_or(Ok(()), |container| write!(f, "/{container}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_prints_as_it_was_written() {
        for text in [
            "workstation",
            "control-plane",
            "internet",
            "node/node-a",
            "pod/probe",
            "pod/probe/sh",
            "pod/app=shell",
            "deploy/shell",
            "host/laptop",
        ] {
            assert_eq!(
                Place::parse(text).map(|place| place.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in ["", "node", "node/", "moon/base", "node/a/b"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
