//! What the API server refused lately, for whoever asks later why something is not there.
//!
//! Bounded: the oldest refusal is forgotten. Never keeps what was sent.

use cluster::{Body, Method, Request, Response};
use serde_json::Value;
use std::collections::VecDeque;

/// How many refusals are remembered.
const REMEMBERED: usize = 64;

/// One refused write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    namespace: String,
    plural: String,
    name: String,
    /// In the API server's words.
    pub(crate) message: String,
}

/// The refused writes, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Refusals(VecDeque<Refusal>);

/// Where a write goes to, kept until it is answered.
#[derive(Debug)]
pub(crate) struct Write(String);

impl Refusals {
    /// What must be known of a request before it is answered; nothing of one that only reads.
    pub(crate) fn watch(request: &Request) -> Option<Write> {
        let writes = matches!(request.method, Method::Post | Method::Put | Method::Patch);
        writes.then(|| Write(request.path.clone()))
    }

    /// Remembers a refusal, and forgets those of an object that is taken after all.
    pub(crate) fn note(&mut self, write: &Write, response: &Response) {
        let parts: Vec<&str> = write.0.split('/').collect();
        let Some(at) = parts.iter().position(|part| *part == "namespaces") else {
            return;
        };
        let [namespace, plural, rest @ ..] = &parts[at + 1..] else {
            return;
        };
        let refused = response.status >= 400;
        let is_here = |one: &Refusal| one.namespace == *namespace && one.plural == *plural;
        // Most writes are taken, and nobody reads their answers here.
        if !refused && !self.0.iter().any(is_here) {
            return;
        }
        let Body::Bytes(bytes) = &response.body else {
            return;
        };
        let Ok(said) = serde_json::from_slice::<Value>(bytes) else {
            return;
        };
        let named = match refused {
            true => said["details"]["name"].as_str(),
            false => said["metadata"]["name"].as_str(),
        };
        let Some(name) = named.or(rest.first().copied()) else {
            return;
        };
        if !refused {
            return self.0.retain(|one| !(is_here(one) && one.name == name));
        }
        let Some(message) = said["message"].as_str() else {
            return;
        };
        self.0.push_back(Refusal {
            namespace: (*namespace).to_owned(),
            plural: (*plural).to_owned(),
            name: name.to_owned(),
            message: message.to_owned(),
        });
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    /// The newest refusal of this object.
    pub(crate) fn of(&self, plural: &str, namespace: &str, name: &str) -> Option<&Refusal> {
        self.0.iter().rev().find(|refusal| {
            refusal.plural == plural && refusal.namespace == namespace && refusal.name == name
        })
    }
}
