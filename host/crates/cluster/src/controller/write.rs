//! What a controller wants written, as plain data. Never writes by itself.

use super::meta;
use crate::store::Key;
use clock::Duration;
use serde_json::{Value, json};

/// One wish of a controller, applied in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Create an object; when that succeeds record the note, with the object's name in it.
    Create {
        /// The kind as the store names it.
        kind: &'static str,
        /// The object, without what the registry stamps.
        value: Value,
        /// What to record about it; the name of the new object is appended to a message that ends
        /// with a space. When it may not be made, that is recorded instead.
        announce: Option<Note>,
    },
    /// Replace everything but the status.
    Update {
        /// The kind as the store names it.
        kind: &'static str,
        /// The whole object.
        value: Value,
    },
    /// Replace the status.
    UpdateStatus {
        /// The kind as the store names it.
        kind: &'static str,
        /// The whole object, of which the status counts.
        value: Value,
    },
    /// Give a pod its node.
    Bind {
        /// The pod.
        key: Key,
        /// The node's name.
        node: String,
    },
    /// Delete an object, gracefully if it is a pod that runs.
    Delete {
        /// The object.
        key: Key,
        /// Only if it is still this one; empty for whichever has the name.
        uid: String,
        /// Seconds instead of the pod's own; zero removes it now.
        grace_seconds: Option<i64>,
        /// What to record when it is deleted.
        announce: Option<Note>,
    },
    /// Record an Event.
    Record(Note),
    /// Look at the key again after this long.
    RequeueAfter(Duration),
}

/// Whether an Event is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// `Normal`.
    Normal,
    /// `Warning`.
    Warning,
}

/// An Event before it is counted and stamped.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The object it is about, as an `ObjectReference`.
    pub regarding: Value,
    /// Normal or Warning.
    pub tone: Tone,
    /// One word for programs.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
    /// Who says it.
    pub component: &'static str,
    /// On which node, when a node says it.
    pub host: String,
}

impl Note {
    /// A note about `object`.
    #[must_use]
    pub fn about(
        object: &Value,
        tone: Tone,
        reason: &'static str,
        message: impl Into<String>,
        component: &'static str,
    ) -> Self {
        let regarding = json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "namespace": object["metadata"]["namespace"],
            "name": object["metadata"]["name"],
            "uid": object["metadata"]["uid"],
            "resourceVersion": object["metadata"]["resourceVersion"],
        });
        Self {
            regarding: meta::without_nulls(regarding),
            tone,
            reason,
            message: message.into(),
            component,
            host: String::new(),
        }
    }

    /// The note once the object it is about to tell of is made: a sentence that ends with a space
    /// gets the new object's name.
    pub(crate) fn of_new(mut self, name: &str) -> Self {
        if self.message.ends_with(' ') {
            self.message.push_str(name);
        }
        self
    }

    /// The note when it could not be made.
    pub(crate) fn of_refused(mut self, why: &str) -> Self {
        self.message = match self.message.strip_suffix(" successful") {
            Some(begun) => format!("{begun} failed error: {why}"),
            None => format!("Error creating: {why}"),
        };
        self.tone = Tone::Warning;
        self.reason = "FailedCreate";
        self
    }

    /// The same note, said on a node.
    #[must_use]
    pub fn on(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The same note about a part of the object, such as one container.
    #[must_use]
    pub fn at(mut self, field_path: &str) -> Self {
        self.regarding["fieldPath"] = field_path.into();
        self
    }
}
