//! What is asked: from where, about what. Never looks whether it is there.

use std::net::Ipv4Addr;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Nobody was named: whoever fits is taken.
    Anybody,
    /// A Pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A Pod of a Deployment.
    Deploy {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A node.
    Node(String),
    /// A machine beside the cluster; `workstation` is always the learner's.
    Machine(String),
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A Service.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// A port of it, by number or name.
        port: Option<String>,
    },
    /// A Pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// A port of it.
        port: Option<u16>,
    },
    /// A Deployment.
    Deploy {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A node.
    Node {
        /// Its name.
        name: String,
        /// A port of it.
        port: Option<u16>,
    },
    /// A name, as a program would be given it.
    Name {
        /// The name.
        name: String,
        /// The port.
        port: Option<String>,
    },
    /// An address.
    Addr {
        /// The address.
        addr: Ipv4Addr,
        /// The port.
        port: Option<u16>,
    },
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub asker: Asker,
    /// About what.
    pub subject: Subject,
    /// The namespace of names that say none.
    pub namespace: String,
}

/// Why something is no question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// Nothing was asked about.
    #[error(
        "nothing to ask about\n\nhint: lab why svc/NAME, lab why pod/NAME or lab why --from pod/A --to svc/B:80"
    )]
    Nothing,
    /// Both a subject and `--to`.
    #[error("a subject and --to at once\n\nhint: lab why --from pod/A --to svc/B:80")]
    Twice,
    /// A kind that has no explanation.
    #[error(
        "no explanations of {0:?}\n\nhint: svc/NAME, pod/NAME, deploy/NAME, node/NAME, NAME[:PORT] or ADDRESS:PORT"
    )]
    Kind(String),
    /// A place that is none.
    #[error(
        "no place {0:?}\n\nhint: pod/NAME, deploy/NAME, node/NAME, host/NAME, workstation, laptop or internet"
    )]
    Place(String),
    /// A port that is none.
    #[error("no port {0:?}\n\nhint: a number from 1 to 65535, or the name of a Service's port")]
    Port(String),
}

impl Question {
    /// Reads a question as it is typed.
    ///
    /// # Errors
    /// What cannot be understood.
    pub fn parse(
        subject: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
        namespace: &str,
    ) -> Result<Self, Unclear> {
        let about = match (
            subject.filter(|s| !s.is_empty()),
            to.filter(|s| !s.is_empty()),
        ) {
            (Some(_), Some(_)) => return Err(Unclear::Twice),
            (None, None) => return Err(Unclear::Nothing),
            (Some(about), None) | (None, Some(about)) => about,
        };
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        let asker = from.filter(|from| !from.is_empty());
        Ok(Self {
            asker: asker.map_or(Ok(Asker::Anybody), |from| place(from, namespace))?,
            subject: about_what(about, namespace)?,
            namespace: namespace.to_owned(),
        })
    }
}

fn place(text: &str, namespace: &str) -> Result<Asker, Unclear> {
    let unclear = || Unclear::Place(text.to_owned());
    let Some((kind, name)) = text.split_once('/') else {
        return match text {
            "workstation" | "laptop" | "internet" => Ok(Asker::Machine(text.to_owned())),
            _ => Err(unclear()),
        };
    };
    let (namespace, name) = (namespace.to_owned(), name.to_owned());
    match kind {
        _ if name.is_empty() => Err(unclear()),
        "pod" | "pods" | "po" => Ok(Asker::Pod { namespace, name }),
        "deploy" | "deployment" | "deployments" => Ok(Asker::Deploy { namespace, name }),
        "node" | "nodes" | "no" => Ok(Asker::Node(name)),
        "host" | "machine" => Ok(Asker::Machine(name)),
        _ => Err(unclear()),
    }
}

fn about_what(text: &str, namespace: &str) -> Result<Subject, Unclear> {
    let unclear = || Unclear::Kind(text.to_owned());
    let (target, port) = match text.rsplit_once(':') {
        Some((target, port)) => (target, Some(port.to_owned())),
        None => (text, None),
    };
    let number = |port: &Option<String>| {
        let parse = |port: &String| match port.parse::<u16>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(Unclear::Port(port.clone())),
        };
        port.as_ref().map(parse).transpose()
    };
    if port.as_ref().is_some_and(String::is_empty) || target.is_empty() {
        return Err(Unclear::Port(text.to_owned()));
    }
    let Some((kind, name)) = target.split_once('/') else {
        return Ok(match target.parse::<Ipv4Addr>() {
            Ok(addr) => Subject::Addr {
                addr,
                port: number(&port)?,
            },
            Err(_) => Subject::Name {
                name: target.trim_end_matches('.').to_owned(),
                port,
            },
        });
    };
    let (namespace, name) = (namespace.to_owned(), name.to_owned());
    match kind {
        _ if name.is_empty() => Err(unclear()),
        "svc" | "service" | "services" => {
            // A Service's name has no dots: what follows one is its namespace.
            let (name, namespace) = match name.split_once('.') {
                Some((name, space)) => (name.to_owned(), space.trim_end_matches(".svc").to_owned()),
                None => (name, namespace),
            };
            Ok(Subject::Service {
                namespace,
                name,
                port,
            })
        }
        "pod" | "pods" | "po" => Ok(Subject::Pod {
            namespace,
            name,
            port: number(&port)?,
        }),
        "deploy" | "deployment" | "deployments" => Ok(Subject::Deploy { namespace, name }),
        "node" | "nodes" | "no" => Ok(Subject::Node {
            name,
            port: number(&port)?,
        }),
        _ => Err(unclear()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_a_question() {
        let ask = |subject, from, to| Question::parse(subject, from, to, "");
        let service = |name: &str, namespace: &str, port: Option<&str>| Subject::Service {
            namespace: namespace.into(),
            name: name.into(),
            port: port.map(str::to_owned),
        };
        let question = ask(Some("svc/web"), None, None).expect("a question");
        assert_eq!(question.subject, service("web", "default", None));
        let question = ask(None, Some("pod/a"), Some("svc/b.shop:http")).expect("a question");
        assert_eq!(question.subject, service("b", "shop", Some("http")));
        let question = ask(None, Some("laptop"), Some("10.0.0.1:80")).expect("a question");
        let addr = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(
            question.subject,
            Subject::Addr {
                addr,
                port: Some(80)
            }
        );
        assert_eq!(question.asker, Asker::Machine("laptop".into()));
        for (subject, from, to) in [
            (None, None, None),
            (Some("svc/a"), None, Some("svc/b")),
            (Some("secret/a"), None, None),
            (Some("svc/"), None, None),
            (Some("pod/a:http"), None, None),
            (None, Some("moon"), Some("a")),
            (None, Some("pod/"), Some("a:")),
        ] {
            assert!(
                ask(subject, from, to).is_err(),
                "{subject:?} {from:?} {to:?}"
            );
        }
    }
}
