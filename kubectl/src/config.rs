//! The kubeconfig: which files, which context, which server and namespace.
//!
//! It reads and writes the file's own shape and never talks to a server.

use serde_json::{Map, Value, json};

use crate::fail::{Fail, Outcome, quoted};
use crate::io::Io;
use crate::text::json::{list, text};
use crate::yaml;

/// The kubeconfig as one merged value.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) value: Value,
    /// The file that changes go to.
    pub(crate) path: String,
}

/// What the flags say about the cluster.
#[derive(Debug, Default, Clone)]
pub(crate) struct Overrides {
    pub(crate) kubeconfig: String,
    pub(crate) context: String,
    pub(crate) cluster: String,
    pub(crate) user: String,
    pub(crate) server: String,
    pub(crate) token: String,
    pub(crate) namespace: String,
}

/// Where to talk to and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) server: String,
    pub(crate) namespace: String,
    pub(crate) token: String,
    /// Nothing was configured and the address is kubectl's guess.
    pub(crate) guessed: bool,
}

impl Config {
    /// Loads `--kubeconfig`, else every file of `KUBECONFIG`, else `~/.kube/config`.
    pub(crate) fn load(io: &mut Io<'_>, overrides: &Overrides) -> Outcome<Self> {
        let paths: Vec<String> = if !overrides.kubeconfig.is_empty() {
            vec![overrides.kubeconfig.clone()]
        } else if let Some(paths) = (io.env)("KUBECONFIG").filter(|paths| !paths.is_empty()) {
            paths
                .split(':')
                .filter(|path| !path.is_empty())
                .map(str::to_owned)
                .collect()
        } else {
            let home = (io.env)("HOME").unwrap_or_default();
            vec![format!("{}/.kube/config", home.trim_end_matches('/'))]
        };
        let mut merged: Option<Value> = None;
        for path in &paths {
            match io.files.read(path) {
                Ok(content) => {
                    let value = parse(path, &content)?;
                    merged = Some(merged.map_or_else(|| value.clone(), |base| merge(base, &value)));
                }
                Err(error) if !overrides.kubeconfig.is_empty() => {
                    let words = reason(&error);
                    return Err(Fail::message(format!("stat {path}: {words}")));
                }
                Err(_) => {}
            }
        }
        let path = paths.into_iter().next().unwrap_or_default();
        Ok(Self {
            value: merged.unwrap_or_else(empty),
            path,
        })
    }

    /// The entry of `clusters`, `contexts` or `users` with a name.
    pub(crate) fn entry(&self, section: &str, name: &str) -> Option<&Value> {
        let inner = section.trim_end_matches('s');
        list(&self.value, section)
            .iter()
            .find(|item| text(item, "name") == name)
            .map(|item| &item[inner])
    }

    pub(crate) fn current<'c>(&'c self, overrides: &'c Overrides) -> &'c str {
        if overrides.context.is_empty() {
            text(&self.value, "current-context")
        } else {
            &overrides.context
        }
    }

    /// Resolves context, cluster, user and flags.
    pub(crate) fn target(&self, overrides: &Overrides) -> Outcome<Target> {
        let current = self.current(overrides);
        let context = self.entry("contexts", current);
        if context.is_none() && !overrides.context.is_empty() {
            return Err(Fail::message(format!(
                "context {} does not exist",
                quoted(current)
            )));
        }
        let null = Value::Null;
        let context = context.unwrap_or(&null);
        let pick = |flag: &str, key: &str| {
            if flag.is_empty() {
                text(context, key).to_owned()
            } else {
                flag.to_owned()
            }
        };
        let cluster = self
            .entry("clusters", &pick(&overrides.cluster, "cluster"))
            .unwrap_or(&null);
        let user = self
            .entry("users", &pick(&overrides.user, "user"))
            .unwrap_or(&null);
        let server = if overrides.server.is_empty() {
            text(cluster, "server")
        } else {
            &overrides.server
        };
        let namespace = pick(&overrides.namespace, "namespace");
        Ok(Target {
            guessed: server.is_empty(),
            server: if server.is_empty() {
                "http://localhost:8080".to_owned()
            } else {
                server.to_owned()
            },
            namespace: if namespace.is_empty() {
                "default".to_owned()
            } else {
                namespace
            },
            token: if overrides.token.is_empty() {
                text(user, "token").to_owned()
            } else {
                overrides.token.clone()
            },
        })
    }

    /// The value as `config view` prints it: complete, with secrets left out unless `raw`.
    pub(crate) fn view(&self, raw: bool) -> Value {
        let mut value = self.value.clone();
        for key in ["clusters", "contexts", "users"] {
            if value.get(key).is_none() {
                value[key] = Value::Null;
            }
        }
        for key in ["apiVersion", "kind"] {
            value[key] = json!(if key == "kind" { "Config" } else { "v1" });
        }
        if value.get("current-context").is_none() {
            value["current-context"] = json!("");
        }
        if !raw {
            omit_secrets(&mut value);
        }
        value
    }

    pub(crate) fn save(&self, io: &mut Io<'_>) -> Outcome {
        let content = yaml::to_string(&self.view(true));
        io.files
            .write(&self.path, content.as_bytes())
            .map_err(|error| Fail::message(format!("open {}: {}", self.path, reason(&error))))
    }
}

fn empty() -> Value {
    json!({"apiVersion": "v1", "kind": "Config", "clusters": null, "contexts": null, "users": null, "current-context": ""})
}

fn parse(path: &str, content: &[u8]) -> Outcome<Value> {
    let text = String::from_utf8_lossy(content);
    match yaml::documents(&text) {
        Ok(documents) => Ok(documents.into_iter().next().unwrap_or_else(empty)),
        Err(error) => Err(Fail::message(format!(
            "error loading config file {}: couldn't get version/kind; json parse error: error converting YAML to JSON: {}",
            quoted(path),
            error.0
        ))),
    }
}

fn merge(mut base: Value, next: &Value) -> Value {
    for section in ["clusters", "contexts", "users"] {
        let mut items = list(&base, section).to_vec();
        for item in list(next, section) {
            if !items
                .iter()
                .any(|old| text(old, "name") == text(item, "name"))
            {
                items.push(item.clone());
            }
        }
        base[section] = Value::Array(items);
    }
    if text(&base, "current-context").is_empty() {
        base["current-context"] = json!(text(next, "current-context"));
    }
    base
}

fn omit_secrets(value: &mut Value) {
    const DATA: [&str; 3] = [
        "certificate-authority-data",
        "client-certificate-data",
        "client-key-data",
    ];
    for (section, inner) in [("clusters", "cluster"), ("users", "user")] {
        let Some(items) = value[section].as_array_mut() else {
            continue;
        };
        for item in items {
            let Some(fields) = item[inner].as_object_mut() else {
                continue;
            };
            hide(fields, &DATA, "DATA+OMITTED");
            hide(fields, &["token", "password"], "REDACTED");
        }
    }
}

fn hide(fields: &mut Map<String, Value>, names: &[&str], by: &str) {
    for name in names {
        if let Some(field) = fields.get_mut(*name) {
            *field = json!(by);
        }
    }
}

/// An I/O error in Linux' words.
pub(crate) fn reason(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory",
        std::io::ErrorKind::PermissionDenied => "permission denied",
        std::io::ErrorKind::IsADirectory => "is a directory",
        std::io::ErrorKind::NotADirectory => "not a directory",
        std::io::ErrorKind::ReadOnlyFilesystem => "read-only file system",
        _ => "input/output error",
    }
}
