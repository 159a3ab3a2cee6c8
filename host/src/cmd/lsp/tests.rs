//! An editor that is not there, speaking the protocol in memory.

use super::*;
use std::path::Path;

/// An editor and the thread that answers it.
struct Editor {
    connection: Connection,
    server: Option<std::thread::JoinHandle<()>>,
    last: i32,
    uri: String,
}

impl Editor {
    fn new() -> Self {
        let (ours, theirs) = Connection::memory();
        let server = std::thread::spawn(move || serve(&ours).expect("the editor says goodbye"));
        let lesson = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/99-unsaved.yaml");
        let folder = lesson
            .parent()
            .expect("a folder")
            .canonicalize()
            .expect("the shelf");
        let uri = format!("file://{}/99-unsaved.yaml", folder.display());
        let mut editor = Self {
            connection: theirs,
            server: Some(server),
            last: 0,
            uri,
        };
        let said = editor.ask("initialize", json!({ "capabilities": {} }));
        assert_eq!(said["capabilities"]["hoverProvider"], true);
        editor.say("initialized", json!({}));
        editor
    }

    fn say(&self, method: &str, params: Value) {
        let said = Notification::new(method.to_owned(), params);
        self.connection
            .sender
            .send(said.into())
            .expect("somebody listens");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let request = Request::new(self.last.into(), method.to_owned(), params);
        self.connection
            .sender
            .send(request.into())
            .expect("somebody listens");
        loop {
            match self.connection.receiver.recv().expect("an answer") {
                Message::Response(response) => {
                    return serde_json::to_value(response).expect("JSON")["result"].clone();
                }
                _ => continue,
            }
        }
    }

    /// Opens a text; what is wrong with it.
    fn open(&self, text: &str) -> Value {
        let document = json!({ "uri": self.uri, "languageId": "yaml", "version": 1, "text": text });
        self.say("textDocument/didOpen", json!({ "textDocument": document }));
        match self.connection.receiver.recv().expect("diagnostics") {
            Message::Notification(said) => said.params["diagnostics"].clone(),
            other => panic!("{other:?}"),
        }
    }

    fn at(&self, line: u32, character: u32) -> Value {
        json!({
            "textDocument": { "uri": self.uri },
            "position": { "line": line, "character": character },
        })
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.ask("shutdown", Value::Null);
        self.say("exit", Value::Null);
        if let Some(server) = self.server.take() {
            server.join().expect("it ends");
        }
    }
}

const LESSON: &str = "\
apiVersion: lab/v1alpha1
kind: Lab
metadata:
  id: t
  title: { ja: 題です, en: \"Title\" }
  languages: [ja, en]
steps:
  - id: a
    title: { en: \"A step\" }
    text: { ja: \"文\", en: \"text\" }
    covers: [K23, K999]
";

#[test]
fn an_editor_is_told_what_is_wrong_and_how_to_mend_it() {
    let mut editor = Editor::new();
    let told = editor.open(LESSON);
    let codes: Vec<&str> = told
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|d| d["code"].as_str())
        .collect();
    assert_eq!(codes, ["LAB005", "LAB020", "LAB070"]);
    for (line, title, text) in [
        (4, "quote prose", "\"題です\""),
        (8, "add missing language", "ja: "),
    ] {
        let place = json!({ "line": line, "character": 10 });
        let actions = editor.ask(
            "textDocument/codeAction",
            json!({
                "textDocument": { "uri": editor.uri },
                "range": { "start": place, "end": place },
                "context": { "diagnostics": [] },
            }),
        );
        assert_eq!(actions[0]["title"], title);
        let edits = &actions[0]["edit"]["changes"][&editor.uri];
        assert!(
            edits[0]["newText"]
                .as_str()
                .expect("a text")
                .starts_with(text),
            "{edits}"
        );
    }
}

#[test]
fn an_editor_is_offered_what_could_stand_and_told_what_stands() {
    let mut editor = Editor::new();
    editor.open(LESSON);
    let found = editor.ask("textDocument/completion", editor.at(10, 15));
    let labels: Vec<&str> = found
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["label"].as_str())
        .collect();
    assert!(labels.contains(&"K23"), "{labels:?}");
    let said = editor.ask("textDocument/hover", editor.at(10, 14));
    assert!(
        said["contents"]["value"]
            .as_str()
            .expect("a text")
            .contains("what if a node dies")
    );
    let origin = editor.ask("textDocument/definition", editor.at(10, 14));
    assert!(
        origin["uri"]
            .as_str()
            .expect("a URI")
            .ends_with("/claims/seeds.yaml"),
        "{origin}"
    );
    assert!(origin["range"]["start"]["line"].as_u64() > Some(100));
}

#[test]
fn what_an_editor_asks_in_vain_is_refused_by_name() {
    let mut editor = Editor::new();
    let request = Request::new(7.into(), "textDocument/rename".to_owned(), json!({}));
    editor
        .connection
        .sender
        .send(request.into())
        .expect("somebody listens");
    let Message::Response(response) = editor.connection.receiver.recv().expect("an answer") else {
        panic!("an answer was expected");
    };
    let response = serde_json::to_value(response).expect("JSON");
    assert_eq!(response["error"]["code"], -32601);
    assert!(
        response["error"]["message"]
            .as_str()
            .expect("a text")
            .contains("not in this lab")
    );
    let formatted = editor.ask(
        "textDocument/formatting",
        json!({ "textDocument": { "uri": editor.uri } }),
    );
    assert_eq!(formatted, Value::Null);
}
