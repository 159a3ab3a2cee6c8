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
    /// A Pod by name: `pod/probe`, `pod/probe/container`, `pod/probe@namespace`.
    Pod {
        /// The Pod's name.
        name: String,
        /// Its namespace; the lesson's when absent.
        namespace: Option<String>,
        /// The container; the first when absent.
        container: Option<String>,
    },
    /// The oldest running Pod that a label selector matches: `pod/app=shell`.
    Selected {
        /// A label selector as kubectl's `-l` takes it.
        selector: String,
        /// Its namespace; the lesson's when absent.
        namespace: Option<String>,
        /// The container; the first when absent.
        container: Option<String>,
    },
    /// The oldest running Pod of a Deployment: `deploy/shell`.
    Deploy {
        /// The Deployment's name.
        name: String,
        /// Its namespace; the lesson's when absent.
        namespace: Option<String>,
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
    /// A Pod's or a Deployment's name may end with `@NAMESPACE`, a Pod's then with `/CONTAINER`.
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
        let inside = matches!(kind, "pod" | "deploy" | "deployment");
        let (name, namespace) = match name.split_once('@').filter(|_| inside) {
            Some((_, "")) | Some(("", _)) => return None,
            Some((name, namespace)) => (name.to_owned(), Some(namespace.to_owned())),
            None => (name, None),
        };
        match kind {
            "pod" if name.contains(['=', ' ', ',']) => Some(Self::Selected {
                selector: name,
                namespace,
                container,
            }),
            "pod" => Some(Self::Pod {
                name,
                namespace,
                container,
            }),
            "node" if container.is_none() => Some(Self::Node { name }),
            "deploy" | "deployment" if container.is_none() => {
                Some(Self::Deploy { name, namespace })
            }
            "host" if container.is_none() => Some(Self::Host { name }),
            _ => None,
        }
    }

    /// The same place, in this namespace if it names none.
    #[must_use]
    pub fn within(mut self, usual: &str) -> Self {
        if let Self::Pod { namespace, .. }
        | Self::Selected { namespace, .. }
        | Self::Deploy { namespace, .. } = &mut self
            && usual != "default"
        {
            namespace.get_or_insert_with(|| usual.to_owned());
        }
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workstation => f.write_str("workstation"),
            Self::ControlPlane => f.write_str("control-plane"),
            Self::Internet => f.write_str("internet"),
            Self::Node { name } => write!(f, "node/{name}"),
            Self::Host { name } => write!(f, "host/{name}"),
            Self::Deploy { name, namespace } => {
                write!(f, "deploy/{name}")?;
                tail(f, '@', namespace.as_ref())
            }
            Self::Pod {
                name,
                namespace,
                container,
            }
            | Self::Selected {
                selector: name,
                namespace,
                container,
            } => {
                write!(f, "pod/{name}")?;
                tail(f, '@', namespace.as_ref())?;
                tail(f, '/', container.as_ref())
            }
        }
    }
}

fn tail(f: &mut fmt::Formatter<'_>, mark: char, text: Option<&String>) -> fmt::Result {
    text.map_or(Ok(()), |text| write!(f, "{mark}{text}"))
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
            "pod/app=shell@shop",
            "pod/probe@shop/sh",
            "deploy/shell",
            "deploy/shell@shop",
            "host/laptop",
        ] {
            assert_eq!(
                Place::parse(text).map(|place| place.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "",
            "node",
            "node/",
            "moon/base",
            "node/a/b",
            "pod/@x",
            "pod/a@",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
