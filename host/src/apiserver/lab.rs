//! What the lab itself is asked beside Kubernetes, below `/lab/`. Never answers for Kubernetes.
//!
//! | path | method | what |
//! |---|---|---|
//! | `/lab/why` | GET | why something is not reached; see `why.rs` |
//! | `/lab/faults` | GET | the faults that last |
//! | `/lab/faults` | POST | break something: `{"name", "kind", "target", "value", "way", "for"}` |
//! | `/lab/faults/NAME` | DELETE | mend it |

use super::body::ApiBody;
use super::http::{plain, refuse};
use crate::shell::{FaultOrder, Shell};
use cluster::{Method, Request};
use serde_json::{Value, json};

type Answer = hyper::Response<ApiBody>;

/// Answers what is the lab's own; `None` for what is Kubernetes'.
pub(super) fn answer(shell: &Shell, request: &Request) -> Option<Answer> {
    let path = request.path.strip_prefix("/lab/")?;
    Some(match (request.method, path) {
        (Method::Get, "faults") => said(&faults(shell)),
        (Method::Post, "faults") => break_down(shell, &request.body),
        (Method::Delete, path) => match path.strip_prefix("faults/") {
            Some(name) => mend(shell, name),
            None => refuse(404, "NotFound", "the lab has no such path"),
        },
        _ => refuse(404, "NotFound", "the lab has no such path"),
    })
}

fn said(value: &Value) -> Answer {
    let headers = [("content-type", "application/json".to_owned())];
    plain(200, &headers, ApiBody::full(value.to_string().into_bytes()))
}

fn faults(shell: &Shell) -> Value {
    let now = shell.now();
    let lasting = shell.look(|world| world.faults().clone());
    let row = |(name, lasting): (String, world::Lasting)| {
        let left = lasting
            .until
            .map(|until| until.saturating_since(now).as_secs_f64());
        json!({ "name": name, "what": lasting.fault.to_string(), "heals_in_seconds": left })
    };
    lasting.into_iter().map(row).collect()
}

fn break_down(shell: &Shell, body: &[u8]) -> Answer {
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(cause) => return refuse(400, "BadRequest", &cause.to_string()),
    };
    let text = |field: &str| body[field].as_str();
    let order = FaultOrder::read(
        text("kind").unwrap_or_default(),
        text("target").unwrap_or_default(),
        text("value"),
        text("way"),
        text("for"),
    );
    let order = match order {
        Ok(order) => order,
        Err(why) => return refuse(400, "BadRequest", &why),
    };
    let name = match text("name") {
        Some(name) => name.to_owned(),
        None => order.name(),
    };
    match shell.break_down(&name, order) {
        Ok(()) => said(&json!({ "name": name })),
        Err(why) => refuse(409, "Conflict", &why),
    }
}

fn mend(shell: &Shell, name: &str) -> Answer {
    let all = || shell.look(|world| world.faults().keys().cloned().collect());
    let names: Vec<String> = match name {
        "all" => all(),
        name => vec![name.to_owned()],
    };
    for name in &names {
        if let Err(why) = shell.mend(name) {
            return refuse(404, "NotFound", &why);
        }
    }
    said(&json!({ "healed": names }))
}
