//! `lab lsp`: what an editor asks about lessons, over the Language Server Protocol.
//!
//! Never decides what is wrong or what could stand somewhere: that is the crate `lesson`. Here
//! are messages, columns in UTF-16 and files beside the one that is open.

mod columns;
mod files;

use crate::cli::spoken;
use anyhow::Result;
use columns::{from_editor, to_editor};
use files::{around, path_of, uri_of};
use lesson::{Completion, CompletionKind, Edit, Finding, Origin, Pos, Severity};
use lsp_server::{Connection, Message, Notification, Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;

use super::shelf::{self, Neighbours};

/// Speaks until the editor says goodbye.
pub(crate) fn lsp() -> Result<ExitCode> {
    let (connection, threads) = Connection::stdio();
    serve(&connection)?;
    drop(connection);
    threads.join()?;
    Ok(ExitCode::SUCCESS)
}

/// Answers an editor.
pub(super) fn serve(connection: &Connection) -> Result<()> {
    connection.initialize(capabilities())?;
    let mut server = Server::default();
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                connection.sender.send(server.answer(request).into())?;
            }
            Message::Notification(said) => {
                for notification in server.hear(said) {
                    connection.sender.send(notification.into())?;
                }
            }
            Message::Response(_) => {}
        }
    }
    Ok(())
}

/// What this server can do.
fn capabilities() -> Value {
    json!({
        "textDocumentSync": 1,
        "completionProvider": { "triggerCharacters": ["(", " ", "[", "{", ","] },
        "hoverProvider": true,
        "definitionProvider": true,
        "codeActionProvider": { "codeActionKinds": ["quickfix"] },
        "documentFormattingProvider": true,
    })
}

/// The files that are open.
#[derive(Default)]
struct Server {
    open: BTreeMap<String, String>,
}

/// Where in which text a request is about.
struct Asked<'a> {
    uri: &'a str,
    text: &'a str,
    at: Pos,
}

impl Server {
    /// Takes note of what the editor did; what is wrong with the file is told at once.
    fn hear(&mut self, said: Notification) -> Vec<Notification> {
        let params = &said.params;
        let uri = params["textDocument"]["uri"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let text = match said.method.as_str() {
            "textDocument/didOpen" => params["textDocument"]["text"].as_str(),
            "textDocument/didChange" => {
                let changes = params["contentChanges"].as_array();
                changes.and_then(|changes| changes.last()?["text"].as_str())
            }
            "textDocument/didClose" => {
                self.open.remove(&uri);
                return vec![told(&uri, json!([]))];
            }
            _ => None,
        };
        let Some(text) = text else { return Vec::new() };
        let findings = findings(&uri, text);
        let diagnostics = findings
            .iter()
            .map(|finding| diagnostic(text, finding))
            .collect();
        self.open.insert(uri.clone(), text.to_owned());
        vec![told(&uri, diagnostics)]
    }

    fn answer(&self, request: Request) -> Response {
        let params = &request.params;
        let result = match request.method.as_str() {
            "textDocument/completion" => self.asked(params).map(completions),
            "textDocument/hover" => self.asked(params).and_then(hover),
            "textDocument/definition" => self.asked(params).and_then(definition),
            "textDocument/codeAction" => self.actions(params),
            "textDocument/formatting" => self.formatting(params),
            other => {
                let message = format!("{other} is not in this lab");
                // MethodNotFound of JSON-RPC.
                return Response::new_err(request.id, -32601, message);
            }
        };
        Response::new_ok(request.id, result.unwrap_or(Value::Null))
    }

    fn document<'a>(&'a self, params: &'a Value) -> Option<(&'a str, &'a str)> {
        let uri = params["textDocument"]["uri"].as_str()?;
        Some((uri, self.open.get(uri)?.as_str()))
    }

    fn asked<'a>(&'a self, params: &'a Value) -> Option<Asked<'a>> {
        let (uri, text) = self.document(params)?;
        Some(Asked {
            uri,
            text,
            at: from_editor(text, &params["position"]),
        })
    }

    /// What can be mended where the cursor is.
    fn actions(&self, params: &Value) -> Option<Value> {
        let (uri, text) = self.document(params)?;
        let start = from_editor(text, &params["range"]["start"]);
        let end = from_editor(text, &params["range"]["end"]);
        let here = |finding: &&Finding| (start.line..=end.line).contains(&finding.at.line);
        let fixable = findings(uri, text);
        let actions = fixable
            .iter()
            .filter(here)
            .filter(|finding| !finding.fix.is_empty());
        Some(actions.map(|finding| action(uri, text, finding)).collect())
    }

    fn formatting(&self, params: &Value) -> Option<Value> {
        let (_, text) = self.document(params)?;
        let usual = lesson::formatted(text)?;
        let end = Pos {
            line: text.lines().count() as u32 + 1,
            column: 1,
        };
        let whole = Edit {
            from: Pos { line: 1, column: 1 },
            to: end,
            text: usual,
        };
        Some(json!([edit(text, &whole)]))
    }
}

fn told(uri: &str, diagnostics: Value) -> Notification {
    let params = json!({ "uri": uri, "diagnostics": diagnostics });
    Notification::new("textDocument/publishDiagnostics".to_owned(), params)
}

fn findings(uri: &str, text: &str) -> Vec<Finding> {
    let path = path_of(uri);
    let mut neighbours = Neighbours::default();
    let known = neighbours.of(&path);
    lesson::lint_text(uri, text, &mut shelf::beside(&path), known).1
}

fn diagnostic(text: &str, finding: &Finding) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    // From the place to the end of what is written there.
    let start = lesson::offset(text, finding.at);
    let rest = text[start..].lines().next().unwrap_or_default();
    let length = rest
        .chars()
        .take_while(|c| !", }]".contains(*c))
        .count()
        .max(1) as u32;
    let end = Pos {
        column: finding.at.column + length,
        ..finding.at
    };
    json!({
        "range": { "start": to_editor(text, finding.at), "end": to_editor(text, end) },
        "severity": if finding.severity == Severity::Error { 1 } else { 2 },
        "code": finding.code,
        "source": "lab",
        "message": message,
    })
}

fn completions(asked: Asked<'_>) -> Value {
    let found = lesson::complete(
        asked.text,
        asked.at,
        &around(&path_of(asked.uri)),
        spoken(None),
    );
    found.iter().map(completion).collect()
}

fn completion(completion: &Completion) -> Value {
    // Kinds and formats by their numbers in the protocol.
    let (kind, format) = match completion.kind {
        CompletionKind::Key => (10, 1),
        CompletionKind::Value => (12, 1),
        CompletionKind::Snippet => (15, 2),
    };
    json!({
        "label": completion.label,
        "kind": kind,
        "insertText": completion.insert,
        "insertTextFormat": format,
        "detail": completion.detail,
        "documentation": completion.doc,
    })
}

fn hover(asked: Asked<'_>) -> Option<Value> {
    let around = around(&path_of(asked.uri));
    let said = lesson::hover(asked.text, asked.at, &around, spoken(None))?;
    Some(json!({ "contents": { "kind": "markdown", "value": said } }))
}

fn definition(asked: Asked<'_>) -> Option<Value> {
    let path = path_of(asked.uri);
    let around = around(&path);
    let (uri, at, text) = match lesson::origin(asked.text, asked.at, &around)? {
        Origin::Here(at) => (asked.uri.to_owned(), at, asked.text.to_owned()),
        Origin::Claim(at) => {
            let file = std::path::PathBuf::from(&around.claims?.source);
            (uri_of(&file), at, std::fs::read_to_string(&file).ok()?)
        }
    };
    let start = to_editor(&text, at);
    Some(json!({ "uri": uri, "range": { "start": start, "end": start } }))
}

fn action(uri: &str, text: &str, finding: &Finding) -> Value {
    let title = match finding.code {
        "LAB020" => "add missing language",
        "LAB004" | "LAB005" | "LAB006" => "quote prose",
        _ => "mend",
    };
    let edits: Vec<Value> = finding
        .fix
        .iter()
        .map(|change| edit(text, change))
        .collect();
    json!({
        "title": title,
        "kind": "quickfix",
        "diagnostics": [diagnostic(text, finding)],
        "edit": { "changes": { uri: edits } },
    })
}

fn edit(text: &str, change: &Edit) -> Value {
    json!({
        "range": { "start": to_editor(text, change.from), "end": to_editor(text, change.to) },
        "newText": change.text,
    })
}

#[cfg(test)]
mod tests;
