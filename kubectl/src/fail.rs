//! Why a command ends badly, and the words and exit code for it.
//!
//! The words are those of kubectl's own error handler; nothing is printed here.

use serde_json::Value;

use crate::discovery::Resource;
use crate::text::json::{list, text};

/// The end of a command that did not succeed.
#[derive(Debug, Clone)]
pub(crate) enum Fail {
    /// `error: …`.
    Message(String),
    /// Exactly this text.
    Raw(String),
    /// The server was not reached: what people are told, and what the log is told.
    Unreachable(String, String),
    /// What the server answered, a `Status` object; the second is `error when creating "x": `.
    Status(Box<Value>, String),
    /// Everything has been said already.
    Exit(i32),
    /// Several ends, one line each.
    Many(Vec<Self>),
    /// The exit code of a program that ran elsewhere.
    Command(i32),
    /// Exactly this text and this exit code.
    Ended(String, i32),
}

pub(crate) type Outcome<T = ()> = Result<T, Fail>;

impl Fail {
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// A mistake in the arguments, which points to the help of `path`.
    pub(crate) fn usage(path: &str, text: impl AsRef<str>) -> Self {
        Self::Raw(format!(
            "error: {}\nSee 'kubectl {path} -h' for help and examples",
            text.as_ref()
        ))
    }

    pub(crate) fn not_in_lab(what: &str) -> Self {
        Self::Message(format!("{what} is not in this lab yet"))
    }

    /// Whether the server said that there is no such object.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Status(status, _) if text(status, "reason") == "NotFound")
    }

    /// Puts `error when creating "file": ` before what the server said.
    #[must_use]
    pub(crate) fn when(self, doing: &str, source: &str) -> Self {
        match self {
            Self::Status(status, context) => Self::Status(
                status,
                format!("error when {doing} {}: {context}", quoted(source)),
            ),
            Self::Message(message) => {
                Self::Message(format!("error when {doing} {}: {message}", quoted(source)))
            }
            other => other,
        }
    }

    /// Says what was asked for where the server only said that there is nothing of the kind, as
    /// client-go does: `the server could not find the requested resource (get pods x)`.
    #[must_use]
    pub(crate) fn about(self, verb: &str, resource: &Resource, name: &str) -> Self {
        match self {
            Self::Status(mut status, context)
                if text(&status, "message")
                    == "the server could not find the requested resource" =>
            {
                let mut what = resource.plural_group();
                if !name.is_empty() {
                    what = format!("{what} {name}");
                }
                status["message"] = serde_json::json!(format!(
                    "the server could not find the requested resource ({verb} {what})"
                ));
                Self::Status(status, context)
            }
            other => other,
        }
    }

    /// The message alone, as other errors quote it.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Status(status, context) => format!("{context}{}", status_message(status)),
            Self::Message(message) | Self::Raw(message) | Self::Unreachable(message, _) => {
                message.clone()
            }
            Self::Many(fails) => fails.iter().map(Self::plain).collect::<Vec<_>>().join(", "),
            Self::Ended(message, _) => message.clone(),
            Self::Exit(_) | Self::Command(_) => String::new(),
        }
    }

    /// What goes to standard error, without the last newline, and the exit code.
    pub(crate) fn report(&self) -> (String, i32) {
        match self {
            Self::Message(message) => (format!("error: {message}"), 1),
            Self::Raw(message) | Self::Unreachable(message, _) => (message.clone(), 1),
            Self::Status(status, context) => (status_report(status, context), 1),
            Self::Exit(code) => (String::new(), *code),
            Self::Ended(message, code) => (message.clone(), *code),
            Self::Command(code) => (format!("command terminated with exit code {code}"), *code),
            Self::Many(fails) => {
                // Among several a message of kubectl's own stands without its "error: ".
                let lines: Vec<String> = fails
                    .iter()
                    .map(|fail| match fail {
                        Self::Message(message) => message.clone(),
                        other => other.report().0,
                    })
                    .collect();
                (lines.join("\n"), 1)
            }
        }
    }

    /// One end out of several.
    pub(crate) fn collect(mut fails: Vec<Self>) -> Outcome {
        match fails.len() {
            0 => Ok(()),
            1 => Err(fails.remove(0)),
            _ => Err(Self::Many(fails)),
        }
    }
}

/// A string in Go's double quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

fn status_message(status: &Value) -> &str {
    match text(status, "message") {
        "" => "unknown",
        message => message,
    }
}

fn status_report(status: &Value, context: &str) -> String {
    match text(status, "reason") {
        "Invalid" => invalid(status),
        "Unauthorized" => format!(
            "error: You must be logged in to the server ({context}{})",
            status_message(status)
        ),
        "" => format!("Error from server: {context}{}", status_message(status)),
        reason => format!(
            "Error from server ({reason}): {context}{}",
            status_message(status)
        ),
    }
}

fn invalid(status: &Value) -> String {
    let kind = text(status, "details.kind");
    let prefix = match kind {
        "" => "The request is invalid".to_owned(),
        _ => format!(
            "The {kind} {} is invalid",
            quoted(text(status, "details.name"))
        ),
    };
    let mut causes: Vec<String> = Vec::new();
    for cause in list(status, "details.causes") {
        let line = match text(cause, "field") {
            "" => text(cause, "message").to_owned(),
            field => format!("{field}: {}", text(cause, "message")),
        };
        if !causes.contains(&line) {
            causes.push(line);
        }
    }
    match &causes[..] {
        [] if kind.is_empty() => format!("{prefix}: {}", status_message(status)),
        [] => prefix,
        [one] => format!("{prefix}: {one}"),
        many => {
            let bullets: Vec<String> = many.iter().map(|cause| format!("* {cause}")).collect();
            format!("{prefix}: \n{}", bullets.join("\n"))
        }
    }
}
