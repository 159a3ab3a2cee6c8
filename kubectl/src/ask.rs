//! One request to the server of a kubeconfig, for programs beside kubectl that know the server's
//! own paths. Never a command of kubectl's.

use crate::config::Overrides;
use crate::fail::Fail;
use crate::io::Io;
use crate::session::{JSON, Session, refused};
use serde_json::Value;

/// What is asked, and by which kubeconfig.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The kubeconfig; empty for what kubectl would take.
    pub kubeconfig: &'a str,
    /// The context; empty for the current one.
    pub context: &'a str,
    /// `GET`, `POST`, `DELETE`.
    pub method: &'static str,
    /// The path with its query.
    pub path: &'a str,
    /// A JSON body, or nothing.
    pub body: Option<&'a Value>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no such path: this is another server.
    NotFound,
    /// The server refuses, in its own words.
    Refused(String),
    /// It was not reached, or has nothing to reach it by; what kubectl would print.
    Failed(String),
}

/// Asks; the answer's body.
///
/// # Errors
/// When the server was not reached, refused, or does not know the path.
pub fn ask(io: &mut Io<'_>, ask: Ask<'_>) -> Result<Vec<u8>, NoAnswer> {
    let overrides = Overrides {
        kubeconfig: ask.kubeconfig.to_owned(),
        context: ask.context.to_owned(),
        ..Overrides::default()
    };
    let failed = |fail: Fail| NoAnswer::Failed(fail.report().0);
    let mut session = Session::new(io, overrides, "lab".to_owned());
    let (content, body) = match ask.body {
        Some(body) => (JSON, body.to_string().into_bytes()),
        None => ("", Vec::new()),
    };
    let (status, body) = session
        .exchange(ask.method, ask.path, JSON, content, body)
        .map_err(failed)?;
    if status < 400 {
        return Ok(body);
    }
    // A Kubernetes server says 404 in plain text about paths it does not know.
    let said = serde_json::from_slice::<Value>(&body).ok();
    let message = said.filter(|said| said["kind"] == "Status");
    match message.as_ref().and_then(|said| said["message"].as_str()) {
        Some(message) => Err(NoAnswer::Refused(message.to_owned())),
        None if status == 404 => Err(NoAnswer::NotFound),
        None => Err(failed(refused(status, &body))),
    }
}
