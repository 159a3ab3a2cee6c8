//! Errors as `metav1.Status`, in upstream wording. Never decides what is an error.

use super::request::{Body, Response};
use crate::kind::{FieldError, Names};
use serde_json::{Map, Value, json};

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    code: u16,
    reason: &'static str,
    message: String,
    details: Option<Value>,
    /// Where a list that expired may be continued.
    next: Option<String>,
}

impl Failure {
    /// No object of this name.
    #[must_use]
    pub fn not_found(names: &Names, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", names.key);
        Self::about(404, "NotFound", message, names, name)
    }

    /// No such path below a known group.
    #[must_use]
    pub fn unknown_path() -> Self {
        Self {
            code: 404,
            reason: "NotFound",
            message: "the server could not find the requested resource".to_owned(),
            details: Some(json!({})),
            next: None,
        }
    }

    /// An object of this name is there already.
    #[must_use]
    pub fn already_exists(names: &Names, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", names.key);
        Self::about(409, "AlreadyExists", message, names, name)
    }

    /// The object was changed meanwhile, or is not the one meant.
    #[must_use]
    pub fn conflict(names: &Names, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            names.key
        );
        Self::about(409, "Conflict", message, names, name)
    }

    /// As [`Failure::conflict`], where upstream names the kind and not the resource.
    #[must_use]
    pub fn conflict_of_kind(names: &Names, name: &str, why: &str) -> Self {
        let what = match names.group {
            "" => names.kind.to_owned(),
            group => format!("{}.{group}", names.kind),
        };
        Self {
            code: 409,
            reason: "Conflict",
            message: format!("Operation cannot be fulfilled on {what} \"{name}\": {why}"),
            details: Some(details(name, names.group, names.kind).into()),
            next: None,
        }
    }

    /// Others own what an apply would change; `causes` names each field.
    #[must_use]
    pub fn apply_conflict(message: String, causes: Value) -> Self {
        Self {
            code: 409,
            reason: "Conflict",
            message,
            details: Some(json!({ "causes": causes })),
            next: None,
        }
    }

    /// Something went wrong that has no reason of its own.
    #[must_use]
    pub fn unexplained(message: impl Into<String>) -> Self {
        Self {
            code: 500,
            reason: "",
            message: message.into(),
            details: None,
            next: None,
        }
    }

    /// A PodDisruptionBudget is against an eviction; come back after so many seconds.
    #[must_use]
    pub fn over_budget(why: impl Into<String>, retry_seconds: u32) -> Self {
        let cause = json!({"reason": "DisruptionBudget", "message": why.into()});
        let mut details = json!({ "causes": [cause] });
        if retry_seconds > 0 {
            details["retryAfterSeconds"] = retry_seconds.into();
        }
        Self {
            code: 429,
            reason: "TooManyRequests",
            message: "Cannot evict pod as it would violate the pod's disruption budget.".to_owned(),
            details: Some(details),
            next: None,
        }
    }

    /// The body is larger than this server reads.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self {
            code: 413,
            reason: "RequestEntityTooLarge",
            message: format!("Request entity too large: limit is {limit}"),
            details: None,
            next: None,
        }
    }

    /// A JSON patch has too many operations.
    #[must_use]
    pub fn too_many_operations(limit: usize, found: usize) -> Self {
        Self {
            message: format!(
                "The allowed maximum operations in a JSON patch is {limit}, got {found}"
            ),
            ..Self::too_large(limit)
        }
    }

    /// Not allowed, whoever asks.
    #[must_use]
    pub fn forbidden(names: &Names, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", names.key);
        Self::about(403, "Forbidden", message, names, name)
    }

    /// This user may not do this with a resource, which nobody needs to serve.
    #[must_use]
    pub fn forbidden_resource(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let whole = match group {
            "" => resource.to_owned(),
            group => format!("{resource}.{group}"),
        };
        let quoted = match name {
            "" => String::new(),
            name => format!(" \"{name}\""),
        };
        Self {
            code: 403,
            reason: "Forbidden",
            message: format!("{whole}{quoted} is forbidden: {why}"),
            details: Some(details(name, group, resource).into()),
            next: None,
        }
    }

    /// This user may not do this with a path.
    #[must_use]
    pub fn forbidden_path(why: &str) -> Self {
        Self {
            code: 403,
            reason: "Forbidden",
            message: format!("forbidden: {why}"),
            details: Some(json!({})),
            next: None,
        }
    }

    /// The credentials are no good.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self {
            code: 401,
            reason: "Unauthorized",
            message: "Unauthorized".to_owned(),
            details: None,
            next: None,
        }
    }

    /// No object of this name, where no kind is at hand.
    #[must_use]
    pub fn no_such_resource(group: &str, resource: &str, name: &str) -> Self {
        Self {
            code: 404,
            reason: "NotFound",
            message: format!("{resource}.{group} \"{name}\" not found"),
            details: Some(details(name, group, resource).into()),
            next: None,
        }
    }

    /// The request makes no sense.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self {
            code: 400,
            reason: "BadRequest",
            message: message.into(),
            details: None,
            next: None,
        }
    }

    /// The object breaks the rules of its kind.
    #[must_use]
    pub fn invalid(names: &Names, name: &str, found: &[FieldError]) -> Self {
        let mut all: Vec<String> = Vec::new();
        for finding in found {
            let line = format!("{}: {}", finding.field, finding.message);
            if !all.contains(&line) {
                all.push(line);
            }
        }
        let list = if all.len() == 1 {
            all.remove(0)
        } else {
            format!("[{}]", all.join(", "))
        };
        let cause = |finding: &FieldError| json!({"reason": finding.reason, "message": finding.message, "field": finding.field});
        let mut details = details(name, names.group, names.kind);
        details.insert("causes".into(), found.iter().map(cause).collect());
        // The sentence names the kind with its group, unlike what kubectl makes of the details.
        let kind = match names.group {
            "" => names.kind.to_owned(),
            group => format!("{}.{group}", names.kind),
        };
        Self {
            code: 422,
            reason: "Invalid",
            message: format!("{kind} \"{name}\" is invalid: {list}"),
            details: Some(details.into()),
            next: None,
        }
    }

    /// The options of a request break a rule; `kind` names the options, or nothing.
    #[must_use]
    pub fn invalid_options(kind: &str, found: &[FieldError]) -> Self {
        let names = Names {
            key: "",
            plural: "",
            singular: "",
            short: &[],
            kind: "",
            group: "",
            version: "",
            namespaced: false,
            categories: &[],
        };
        let mut failure = Self::invalid(&names, "", found);
        failure.message = format!("{kind}{}", failure.message);
        failure
    }

    /// The body's media type is none that is understood here.
    #[must_use]
    pub fn unsupported_media_type(supported: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            supported.join(", ")
        );
        Self {
            code: 415,
            reason: "UnsupportedMediaType",
            message,
            details: Some(json!({})),
            next: None,
        }
    }

    /// No answer in a form the client accepts.
    #[must_use]
    pub fn not_acceptable() -> Self {
        const FORMS: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
        Self {
            code: 406,
            reason: "NotAcceptable",
            message: format!("406: Not Acceptable\n\nAvailable representations: {FORMS}"),
            details: Some(json!({})),
            next: None,
        }
    }

    /// This cannot be done with this resource.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self {
            code: 405,
            reason: "MethodNotAllowed",
            message: "the server does not allow this method on the requested resource".to_owned(),
            details: Some(json!({})),
            next: None,
        }
    }

    /// A cluster would do it, and this lab does not: `what` it would take.
    #[must_use]
    pub fn not_in_this_lab(what: &str) -> Self {
        Self {
            message: format!("not in this lab: {what}"),
            ..Self::method_not_allowed()
        }
    }

    /// The revision asked for is forgotten.
    #[must_use]
    pub fn expired(message: impl Into<String>) -> Self {
        Self {
            code: 410,
            reason: "Expired",
            message: message.into(),
            details: None,
            next: None,
        }
    }

    /// The same, with the token by which the list may go on.
    #[must_use]
    pub fn with_continue(mut self, token: String) -> Self {
        self.next = Some(token);
        self
    }

    /// A revision is asked for that nobody has made yet.
    #[must_use]
    pub fn too_large_revision(asked: u64, current: u64) -> Self {
        let cause =
            json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        Self {
            code: 504,
            reason: "Timeout",
            message: format!("Timeout: Too large resource version: {asked}, current: {current}"),
            details: Some(json!({"causes": [cause], "retryAfterSeconds": 1})),
            next: None,
        }
    }

    /// The same, with causes added to its details.
    #[must_use]
    pub fn with_causes(mut self, causes: Value) -> Self {
        let details = self.details.get_or_insert_with(|| json!({}));
        details["causes"] = causes;
        self
    }

    /// Something the patch asks for cannot be done.
    #[must_use]
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self {
            code: 422,
            reason: "Invalid",
            message: message.into(),
            details: Some(json!({})),
            next: None,
        }
    }

    /// Something failed on the node's side.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            code: 500,
            reason: "InternalError",
            message: message.into(),
            details: None,
            next: None,
        }
    }

    fn about(code: u16, reason: &'static str, message: String, names: &Names, name: &str) -> Self {
        let details = Some(details(name, names.group, names.plural).into());
        Self {
            code,
            reason,
            message,
            details,
            next: None,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What is said to people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The `Status` object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        status["code"] = self.code.into();
        if let Some(next) = &self.next {
            status["metadata"]["continue"] = next.as_str().into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        let value = failure.to_value();
        let mut response = Self::json(failure.code, &value);
        if let Some(seconds) = value.pointer("/details/retryAfterSeconds") {
            response.headers.push(("retry-after", seconds.to_string()));
        }
        response
    }
}

impl Response {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, value: &Value) -> Self {
        Self::of_type(
            status,
            "application/json",
            format!("{value}\n").into_bytes(),
        )
    }

    /// A plain text.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self::of_type(
            status,
            "text/plain; charset=utf-8",
            text.as_bytes().to_vec(),
        )
    }

    /// Bytes of this content type.
    #[must_use]
    pub fn of_type(status: u16, content_type: &str, bytes: Vec<u8>) -> Self {
        let headers = vec![
            ("cache-control", "no-cache, private".to_owned()),
            ("content-type", content_type.to_owned()),
        ];
        Self {
            status,
            headers,
            body: Body::Bytes(bytes),
        }
    }

    /// Adds a warning, which kubectl prints.
    pub fn warn(&mut self, text: &str) {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        self.headers
            .push(("warning", format!("299 - \"{quoted}\"")));
    }

    /// Breaks a JSON body into indented lines, as for people with curl.
    pub fn prettify(&mut self) {
        let Body::Bytes(bytes) = &mut self.body else {
            return;
        };
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            *bytes = pretty(&value).into_bytes();
        }
    }

    /// The body, when it is not a stream.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Bytes(bytes) => bytes,
            Body::Watch(_) | Body::Stream(_) => &[],
        }
    }
}

/// The fields that stand first in what Go writes, and those of a Status.
const FIRST: [&str; 3] = ["kind", "apiVersion", "metadata"];
const OF_STATUS: [&str; 5] = ["status", "message", "reason", "details", "code"];

/// An object in indented lines, its own fields as Go's types order them.
fn pretty(value: &Value) -> String {
    let Some(fields) = value.as_object() else {
        return format!("{value:#}\n");
    };
    let of_status: &[&str] = match value["kind"] == "Status" {
        true => &OF_STATUS,
        false => &[],
    };
    let known: Vec<&str> = FIRST.iter().chain(of_status).copied().collect();
    let rest = fields.keys().map(String::as_str);
    let rest = rest.filter(|field| !known.contains(field));
    let lines = known.iter().copied().chain(rest).filter_map(|field| {
        let value = format!("{:#}", fields.get(field)?).replace('\n', "\n  ");
        Some(format!("  {field:?}: {value}"))
    });
    let lines: Vec<String> = lines.collect();
    match lines.is_empty() {
        true => "{}\n".to_owned(),
        false => format!("{{\n{}\n}}\n", lines.join(",\n")),
    }
}

/// Says that an object is gone.
pub(super) fn deleted(names: &Names, object: &Value) -> Value {
    let mut details = details(crate::store::name_of(object), names.group, names.plural);
    details.insert("uid".into(), object["metadata"]["uid"].clone());
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    })
}

fn details(name: &str, group: &str, kind: &str) -> Map<String, Value> {
    let mut details = Map::new();
    for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(field.into(), value.into());
        }
    }
    details
}
