//! Requests for another view of a kind: turned into requests for the kept kind, and the answers
//! back. Never reads the store: the kept kind answers.

use super::body;
use super::request::{Body, Method, Request, Response, WatchPoll};
use super::status::Failure;
use crate::kind::Names;
use crate::kind::view::View;
use serde_json::{Value, json};

/// The same request, of the kept kind.
///
/// # Errors
/// A body that cannot be read, or that is of another version than the path.
pub(super) fn of_kept(view: &View, request: &Request) -> Result<Request, Failure> {
    let (own, kept) = (view.kind().names(), view.kept().names());
    let path = request.path.replacen(&prefix(own), &prefix(kept), 1);
    let mut request = Request {
        path,
        ..request.clone()
    };
    for (name, value) in &mut request.query {
        if name == "fieldSelector" {
            *value = value
                .replace("regarding.", "involvedObject.")
                .replace("reportingController", "reportingComponent");
        }
    }
    let type_ = body::media_type(&request.content_type).to_owned();
    let mut object = match (request.method, type_.as_str()) {
        (Method::Post | Method::Put, _) => body::object(&request.content_type, &request.body)?,
        (Method::Patch, "application/json-patch+json") => {
            return Err(Failure::bad_request(format!(
                "not in this lab: JSON patches of {}; patch {}",
                own.api_version(),
                kept.api_version()
            )));
        }
        (Method::Patch, _) => body::yaml(&request.body)?,
        _ => return Ok(request),
    };
    if !object.is_object() {
        return Err(Failure::bad_request("the body is not an object"));
    }
    let version = object["apiVersion"].as_str().unwrap_or_default();
    if !version.is_empty() && version != own.api_version() {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            own.api_version()
        )));
    }
    view.to_kept(&mut object);
    request.body = object.to_string().into_bytes();
    if request.method != Method::Patch {
        request.content_type = "application/json".to_owned();
    }
    Ok(request)
}

fn prefix(names: &Names) -> String {
    match names.group {
        "" => format!("/api/{}/", names.version),
        group => format!("/apis/{group}/{}/", names.version),
    }
}

/// The kept kind's answer, as the view's.
pub(super) fn from_kept(view: &View, mut response: Response) -> Response {
    if let Body::Bytes(bytes) = &mut response.body
        && let Ok(mut value) = serde_json::from_slice::<Value>(bytes)
    {
        answer(view, &mut value);
        *bytes = format!("{value}\n").into_bytes();
    }
    response
}

/// What a watch of the kept kind says, as the view's.
pub(super) fn lines_from_kept(view: &View, poll: WatchPoll) -> WatchPoll {
    let WatchPoll::Lines(lines) = poll else {
        return poll;
    };
    let mut out = Vec::with_capacity(lines.len());
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice::<Value>(line) {
            Ok(mut event) => {
                answer(view, &mut event["object"]);
                out.extend(event.to_string().into_bytes());
            }
            Err(_) => out.extend(line),
        }
        out.push(b'\n');
    }
    WatchPoll::Lines(out)
}

fn answer(view: &View, value: &mut Value) {
    let (own, kept) = (view.kind().names(), view.kept().names());
    let kind = value["kind"].as_str().unwrap_or_default().to_owned();
    if kind == kept.kind {
        view.from_kept(value);
    } else if kind == format!("{}List", kept.kind) {
        value["apiVersion"] = own.api_version().into();
        for item in crate::kind::items_mut(value, "items") {
            view.from_kept(item);
        }
    } else if kind == "Table" {
        for row in crate::kind::items_mut(value, "rows") {
            if row["object"]["kind"] == kept.kind {
                view.from_kept(&mut row["object"]);
            }
        }
    } else if kind == "Status" {
        if let Some(message) = value["message"].as_str() {
            let mut message = message.to_owned();
            if let Some(rest) = message.strip_prefix(&format!("{} ", kept.key)) {
                message = format!("{} {rest}", own.key);
            }
            value["message"] = message.into();
        }
        if value["details"].get("kind").is_some() {
            value["details"]["group"] = json!(own.group);
        }
    }
}
