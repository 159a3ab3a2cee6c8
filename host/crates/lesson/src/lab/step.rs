//! What is told and done. Never runs it.

use super::{Assertion, FaultSpec, Matcher, Pos, Quiz, Text};
use crate::action::Key;
use crate::template::{Captures, fill};
use clock::Duration;
use serde::Serialize;
use serde_json::Value;

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its title.
    pub title: Text,
    /// What is told.
    pub text: Text,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
    /// What the learner does.
    pub items: Vec<Item>,
    /// What must then hold.
    pub then: Vec<Assertion>,
    /// What is asked.
    pub quiz: Vec<Quiz>,
    /// What the screen points at.
    pub focus: Option<Focus>,
    /// Corrections of the document it follows.
    pub errata: Vec<Text>,
    /// What must be done before the next step.
    pub gate: Gate,
}

/// What must be done before the next step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Nothing.
    None,
    /// The assertions.
    #[default]
    Then,
    /// The quiz.
    Quiz,
}

/// What the screen points at.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Focus {
    /// A pane.
    pub pane: Option<String>,
    /// Objects, as `service/my-nginx`.
    pub highlight: Vec<String>,
    /// Speed of time.
    pub speed: Option<f64>,
}

/// One thing the learner does.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its short name.
    pub id: Option<String>,
    /// Where it is written.
    pub at: Pos,
    /// A remark beside it.
    pub note: Option<Text>,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
    /// What it is.
    pub what: ItemKind,
}

/// What the learner does.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// Types a command.
    Run(Box<Run>),
    /// Looks at a file in the editor.
    Open {
        /// The file.
        path: String,
        /// The text to select.
        select: Option<String>,
    },
    /// Writes a file.
    Write {
        /// The file.
        path: String,
        /// Its content.
        content: String,
        /// Add to the end.
        append: bool,
    },
    /// Edits an object as `kubectl edit` would.
    Edit {
        /// Kind and name.
        object: String,
        /// A JSON Patch.
        patch: Vec<PatchOp>,
    },
    /// Opens a page in the browser pane.
    Browse {
        /// The address.
        url: String,
        /// From which machine.
        from: Option<String>,
    },
    /// Presses a key.
    Key {
        /// Which.
        key: Key,
        /// In which terminal.
        session: Option<String>,
    },
    /// Breaks something.
    Fault(FaultSpec),
    /// Mends it.
    Heal(String),
    /// Lets time pass.
    Advance(Duration),
}

impl ItemKind {
    /// What it is, in one line, captures not yet filled in.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Run(run) => format!("$ {}", run.command),
            Self::Open { path, .. } => format!("open {path}"),
            Self::Write { path, .. } => format!("write {path}"),
            Self::Edit { object, .. } => format!("edit {object}"),
            Self::Browse { url, .. } => format!("browse {url}"),
            Self::Key { key, .. } => format!("key {key:?}"),
            Self::Fault(fault) => format!("fault {} {}", fault.kind, fault.target),
            Self::Heal(name) => format!("heal {name}"),
            Self::Advance(by) => format!("advance {}s", by.as_secs_f64()),
        }
    }
}

/// One operation of a JSON Patch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatchOp {
    /// `add`, `replace` or `remove`.
    pub op: String,
    /// A JSON Pointer.
    pub path: String,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl PatchOp {
    /// With captures in place of their names, or the first name nobody captured.
    pub(crate) fn filled(&self, captures: &Captures) -> Result<Self, String> {
        Ok(Self {
            op: self.op.clone(),
            path: fill(&self.path, captures)?,
            value: self
                .value
                .as_ref()
                .map(|value| filled(value, captures))
                .transpose()?,
        })
    }
}

fn filled(value: &Value, captures: &Captures) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, captures)?),
        Value::Array(items) => {
            let items = items.iter().map(|item| filled(item, captures));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), filled(value, captures)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// A command.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What is typed.
    pub command: String,
    /// Where; the workstation when absent.
    pub place: Option<String>,
    /// In which terminal.
    pub session: Option<String>,
    /// What it reads.
    pub stdin: Option<String>,
    /// Needs a terminal.
    pub interactive: bool,
    /// Keeps running.
    pub background: bool,
    /// What its output looks like.
    pub like: Option<Like>,
    /// Its exit code; zero when absent.
    pub exit: Option<Matcher>,
    /// What it complains.
    pub stderr: Option<Matcher>,
    /// Do not wait for the world to come to rest before it.
    pub no_settle: bool,
    /// How long it may take.
    pub within: Option<Duration>,
    /// The time it was usual.
    pub era: Option<String>,
    /// May fail.
    pub optional: bool,
    /// Is shown to be copied, not run.
    pub copy_only: bool,
}

/// A sample of output and the way it is compared.
#[derive(Clone, Debug, Default)]
pub struct Like {
    /// The sample as written.
    pub text: String,
    /// Where it is written.
    pub at: Pos,
    /// Rows in any order.
    pub unordered: bool,
}
