//! What a get, list or watch asks for besides its selectors: revisions, pieces, time.
//!
//! The rules and texts are those of apimachinery's `ValidateListOptions` and apiserver's storage.
//! Never reads objects.

use super::base64;
use super::request::Request;
use super::status::Failure;
use crate::kind::Findings;
use crate::store::{name_of, namespace_of};
use serde_json::{Value, json};

/// How a revision is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// Exactly this one.
    Exact,
    /// This one or a newer one.
    NotOlderThan,
}

/// The options of a list or watch.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// `resourceVersion` as it was sent.
    pub(super) version: String,
    /// `resourceVersionMatch`.
    pub(super) matching: Option<Match>,
    /// How many objects at most.
    pub(super) limit: Option<usize>,
    /// How long a watch may last, in seconds.
    pub(super) timeout: Option<u64>,
    /// Whether a watch begins with the objects there are.
    pub(super) initial_events: Option<bool>,
    /// Whether a watch is told revisions from time to time.
    pub(super) bookmarks: bool,
}

impl Options {
    /// Reads the query.
    ///
    /// # Errors
    /// What cannot be read, and what does not go together.
    pub(super) fn parse(request: &Request, watches: bool) -> Result<Self, Failure> {
        let text = |name| request.param(name).unwrap_or_default();
        let matching = match text("resourceVersionMatch") {
            "Exact" => Some(Match::Exact),
            "NotOlderThan" => Some(Match::NotOlderThan),
            _ => None,
        };
        let limit = number(request, "limit")?;
        let timeout = number(request, "timeoutSeconds")?;
        let options = Self {
            version: text("resourceVersion").to_owned(),
            matching,
            limit: limit
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| *limit > 0),
            timeout: timeout
                .and_then(|timeout| u64::try_from(timeout).ok())
                .filter(|t| *t > 0),
            initial_events: flag(request, "sendInitialEvents")?,
            bookmarks: flag(request, "allowWatchBookmarks")? == Some(true),
        };
        let mut found = Findings::default();
        let asked = text("resourceVersionMatch");
        match watches {
            true => options.check_watch(asked, text("continue"), &mut found),
            false => options.check_list(asked, text("continue"), &mut found),
        }
        match found.0.is_empty() {
            true => Ok(options),
            false => Err(Failure::invalid_options(
                "ListOptions.meta.k8s.io",
                &found.0,
            )),
        }
    }

    fn check_list(&self, asked: &str, token: &str, found: &mut Findings) {
        const FIELD: &str = "resourceVersionMatch";
        if !asked.is_empty() {
            if self.version.is_empty() {
                found.forbidden(
                    FIELD,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                );
            }
            if !token.is_empty() {
                found.forbidden(
                    FIELD,
                    "resourceVersionMatch is forbidden when continue is provided",
                );
            }
            if self.matching.is_none() {
                found.unsupported(FIELD, asked, &["", "Exact", "NotOlderThan"]);
            }
            if self.matching == Some(Match::Exact) && self.version == "0" {
                found.forbidden(
                    FIELD,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                );
            }
        }
        if self.initial_events.is_some() {
            found.forbidden(
                "sendInitialEvents",
                "sendInitialEvents is forbidden for list",
            );
        }
    }

    fn check_watch(&self, asked: &str, token: &str, found: &mut Findings) {
        const FIELD: &str = "resourceVersionMatch";
        let newer = self.matching == Some(Match::NotOlderThan);
        if self.initial_events.is_some() && !newer {
            found.forbidden(
                FIELD,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            );
        }
        if asked.is_empty() {
            return;
        }
        if self.initial_events.is_none() {
            found.forbidden(
                FIELD,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            );
        }
        if !newer {
            found.unsupported(FIELD, asked, &["NotOlderThan"]);
        }
        if !token.is_empty() {
            found.forbidden(
                FIELD,
                "resourceVersionMatch is forbidden when continue is provided",
            );
        }
    }

    /// The revision asked for; `None` when any will do.
    ///
    /// # Errors
    /// The text is no revision, in Go's words.
    pub(super) fn revision(&self) -> Result<Option<u64>, String> {
        revision(&self.version)
    }
}

/// Reads a revision; empty and `0` are none.
///
/// # Errors
/// The text is no revision, in Go's words.
pub(super) fn revision(text: &str) -> Result<Option<u64>, String> {
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let why = if digits {
        "value out of range"
    } else {
        "invalid syntax"
    };
    let quoted = Value::from(text);
    let parsed = text.parse().map(Some);
    parsed.map_err(|_| format!("strconv.ParseUint: parsing {quoted}: {why}"))
}

fn number(request: &Request, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = request.param(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let quoted = Value::from(text);
        Failure::bad_request(format!(
            "strconv.ParseInt: parsing {quoted}: invalid syntax"
        ))
    })
}

/// Go's reading of a flag in a query: anything but `false` and `0` is true.
fn flag(request: &Request, name: &str) -> Result<Option<bool>, Failure> {
    Ok(request
        .param(name)
        .map(|text| !matches!(text.to_lowercase().as_str(), "false" | "0")))
}

/// Where the next piece of a list begins, as the `continue` token says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The revision of the whole list; `None` when the pieces no longer belong together.
    pub(super) revision: Option<u64>,
    pub(super) after: (String, String),
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// It was not made here.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let broken = |why: &str| Failure::bad_request(format!("continue key is not valid: {why}"));
        let bytes = base64::decode_url(text)
            .ok_or_else(|| broken("illegal base64 data at input byte 0"))?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|_| broken("invalid continue token"))?;
        if value["v"] != "meta.k8s.io/v1" {
            return Err(broken(
                "server does not recognize this encoded version \"\"",
            ));
        }
        let start = value["start"].as_str().and_then(|start| {
            let (namespace, name) = start.split_once('/')?;
            Some((namespace.to_owned(), name.trim_end_matches('\0').to_owned()))
        });
        let revision = value["rv"].as_i64().filter(|revision| *revision != 0);
        let revision = revision.ok_or_else(|| {
            broken("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        })?;
        Ok(Self {
            revision: u64::try_from(revision).ok(),
            after: start.ok_or_else(|| broken("encoded start key is not valid"))?,
        })
    }

    /// The token for what comes after `object` in a list of this revision.
    pub(super) fn after(revision: Option<u64>, object: &Value) -> Self {
        Self {
            revision,
            after: (namespace_of(object).to_owned(), name_of(object).to_owned()),
        }
    }

    /// Whether an object belongs to the rest of the list.
    pub(super) fn is_before(&self, object: &Value) -> bool {
        (self.after.0.as_str(), self.after.1.as_str()) < (namespace_of(object), name_of(object))
    }

    /// The token as clients carry it.
    pub(super) fn written(&self) -> String {
        let revision = self
            .revision
            .map_or_else(|| json!(-1), |revision| json!(revision));
        let start = format!("{}/{}\0", self.after.0, self.after.1);
        let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start});
        base64::encode_url(token.to_string().as_bytes())
    }
}
