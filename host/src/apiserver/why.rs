//! `GET /lab/why`: why something in this lab is not reached. Never explains by itself.
//!
//! Parameters: `subject` (`svc/NAME`, `pod/NAME`, `deploy/NAME`, `node/NAME`) or `to` (besides those
//! `NAME[:PORT]` and `ADDRESS:PORT`), `from` (`pod/NAME`, `deploy/NAME`, `node/NAME`, `host/NAME`,
//! `workstation`, `laptop`, `internet`) and `namespace`. The answer is JSON with every sentence in
//! both languages, and the whole as people read it under `text`.

use super::body::ApiBody;
use super::http::{plain, refuse};
use crate::shell::Shell;
use cluster::{Method, Request};
use serde_json::json;
use std::rc::Rc;
use world::why::{Lang, Question};

/// Where it is asked.
const PATH: &str = "/lab/why";

/// What a further cluster of a lab answers.
pub(super) const ELSEWHERE: &str =
    "not in this lab: explanations of a second cluster; ask with the first one's context";

/// Whether a request is this question.
pub(super) fn is_asked(request: &Request) -> bool {
    request.path == PATH && request.method == Method::Get
}

/// Answers it; 400 for what is no question.
pub(super) async fn answer(shell: &Rc<Shell>, request: &Request) -> hyper::Response<ApiBody> {
    let namespace = request.param("namespace").unwrap_or_default();
    let (subject, from, to) = (
        request.param("subject"),
        request.param("from"),
        request.param("to"),
    );
    let question = match Question::parse(subject, from, to, namespace) {
        Ok(question) => question,
        Err(unclear) => return refuse(400, "BadRequest", &unclear.to_string()),
    };
    let answer = shell.explain(&question).await;
    let mut body = answer.json();
    body["text"] = json!({ "ja": answer.text(Lang::Ja), "en": answer.text(Lang::En) });
    let headers = [("content-type", "application/json".to_owned())];
    plain(200, &headers, ApiBody::full(body.to_string().into_bytes()))
}
