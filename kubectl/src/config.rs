//! The kubeconfig: which files, which context, which server and namespace.
//!
//! It reads and writes the file's own shape and never talks to a server.

use serde_json::{Map, Value, json};

use crate::fail::{Fail, Outcome, quoted};
use crate::io::{Io, Tls};
use crate::text::base64;
use crate::text::json::{list, text};
use crate::yaml;

/// The kubeconfig as one merged value, and the files it came from.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) value: Value,
    /// The file that new entries go to.
    pub(crate) path: String,
    /// Every file of the loading order that exists, with its content.
    files: Vec<(String, Value)>,
}

/// The lists of a kubeconfig, each with the name of what its entries hold.
pub(crate) const SECTIONS: [(&str, &str); 3] = [
    ("clusters", "cluster"),
    ("contexts", "context"),
    ("users", "user"),
];

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
    pub(crate) authority: String,
    pub(crate) client_certificate: String,
    pub(crate) client_key: String,
    pub(crate) insecure: Option<bool>,
    pub(crate) tls_server_name: String,
    /// A file that is not there is an empty one.
    pub(crate) lenient: bool,
    /// Whom to be, for this once.
    pub(crate) impersonate: String,
    /// There is more to impersonate than a name.
    pub(crate) impersonates_more: bool,
}

/// Where to talk to and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) server: String,
    pub(crate) namespace: String,
    pub(crate) token: String,
    pub(crate) tls: Tls,
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
        let mut files = Vec::new();
        for path in &paths {
            match io.files.read(path) {
                Ok(content) => files.push((path.clone(), parse(path, &content)?)),
                Err(error) if !overrides.kubeconfig.is_empty() && !overrides.lenient => {
                    let words = reason(&error);
                    return Err(Fail::message(format!("stat {path}: {words}")));
                }
                Err(_) => {}
            }
        }
        let first = files.first().map(|(path, _): &(String, Value)| path);
        let path = first.or(paths.last()).cloned().unwrap_or_default();
        let mut value = empty();
        for (path, content) in &files {
            value = merge(value, &absolute(path, content));
        }
        sort(&mut value);
        Ok(Self { value, path, files })
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
    pub(crate) fn target(&self, io: &mut Io<'_>, overrides: &Overrides) -> Outcome<Target> {
        let current = self.current(overrides);
        let context = self.entry("contexts", current);
        if context.is_none() && !overrides.context.is_empty() {
            return Err(Fail::Raw(format!(
                "Error in configuration: context was not found for specified context: {current}"
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
        if !overrides.cluster.is_empty() && cluster.is_null() {
            let name = quoted(&overrides.cluster);
            return Err(Fail::message(format!("no server found for cluster {name}")));
        }
        if !overrides.user.is_empty() && user.is_null() {
            let name = quoted(&overrides.user);
            return Err(Fail::message(format!("auth info {name} does not exist")));
        }
        if overrides.impersonate.is_empty() && overrides.impersonates_more {
            let name = pick(&overrides.user, "user");
            return Err(Fail::message(format!(
                "requesting uid, groups or user-extra for {name} without impersonating a user"
            )));
        }
        let server = if overrides.server.is_empty() {
            text(cluster, "server")
        } else {
            &overrides.server
        };
        let namespace = pick(&overrides.namespace, "namespace");
        let tls = tls(io, overrides, cluster, user)?;
        let token = token(io, overrides, user)?;
        Ok(Target {
            tls,
            token,
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
        })
    }

    /// The value as `config view` prints it: complete, with secrets left out unless `raw`.
    pub(crate) fn view(&self, raw: bool) -> Value {
        let mut value = complete(self.value.clone());
        if !raw {
            omit_secrets(&mut value);
        }
        value
    }

    /// The entry with a name, made when there is none.
    pub(crate) fn entry_mut(&mut self, section: &str, name: &str) -> &mut Value {
        let inner = section.trim_end_matches('s');
        if !self.value[section].is_array() {
            self.value[section] = json!([]);
        }
        let items = self.value[section].as_array_mut().expect("made above");
        let at = items
            .iter()
            .position(|item| text(item, "name") == name)
            .unwrap_or_else(|| {
                items.push(json!({"name": name, inner: {}}));
                items.len() - 1
            });
        &mut items[at][inner]
    }

    /// Takes an entry out; whether there was one.
    pub(crate) fn remove(&mut self, section: &str, name: &str) -> bool {
        let Some(items) = self.value[section].as_array_mut() else {
            return false;
        };
        let before = items.len();
        items.retain(|item| text(item, "name") != name);
        items.len() != before
    }

    /// Writes what changed: an entry to the file that has it, a new one to the first file.
    pub(crate) fn save(&self, io: &mut Io<'_>) -> Outcome {
        let mut files = self.files.clone();
        if files.is_empty() {
            files.push((self.path.clone(), empty()));
        }
        let current = text(&self.value, "current-context");
        if current != first_context(&files) {
            let at = files
                .iter()
                .position(|(_, file)| !text(file, "current-context").is_empty())
                .unwrap_or(0);
            files[at].1["current-context"] = json!(current);
            if current.is_empty() {
                for (_, file) in &mut files {
                    file["current-context"] = json!("");
                }
            }
        }
        for (section, _) in SECTIONS {
            self.save_section(section, &mut files);
        }
        for (path, file) in files {
            if self.files.contains(&(path.clone(), file.clone())) {
                continue;
            }
            let content = yaml::to_string(&complete(file));
            io.files
                .write(&path, content.as_bytes())
                .map_err(|error| Fail::message(format!("open {path}: {}", reason(&error))))?;
        }
        Ok(())
    }

    fn save_section(&self, section: &str, files: &mut [(String, Value)]) {
        let wanted = list(&self.value, section);
        let mut seen: Vec<String> = Vec::new();
        for (path, file) in files.iter_mut() {
            let folder = absolute(path, file);
            let before = list(file, section).to_vec();
            let mut after = Vec::new();
            for (item, resolved) in before.iter().zip(list(&folder, section)) {
                let name = text(item, "name");
                let new = wanted.iter().find(|new| text(new, "name") == name);
                match new {
                    None => continue,
                    Some(new) if new != resolved && !seen.iter().any(|seen| seen == name) => {
                        after.push(new.clone());
                    }
                    Some(_) => after.push(item.clone()),
                }
                seen.push(name.to_owned());
            }
            if after != before {
                file[section] = json!(after);
            }
        }
        let new: Vec<Value> = wanted
            .iter()
            .filter(|item| !seen.iter().any(|seen| seen == text(item, "name")))
            .cloned()
            .collect();
        if !new.is_empty() {
            let file = &mut files[0].1;
            file[section] = json!([list(file, section), &new].concat());
        }
    }

    /// The value with the files that it names read in.
    pub(crate) fn flatten(&mut self, io: &mut Io<'_>) -> Outcome {
        for (section, inner) in SECTIONS {
            for item in self.value[section].as_array_mut().into_iter().flatten() {
                let Some(fields) = item[inner].as_object_mut() else {
                    continue;
                };
                for name in FILES {
                    let Some(Value::String(path)) = fields.remove(name) else {
                        continue;
                    };
                    let content = io.files.read(&path).map_err(|error| {
                        Fail::message(format!("open {path}: {}", reason(&error)))
                    })?;
                    fields.insert(format!("{name}-data"), json!(base64::encode(&content)));
                }
            }
        }
        Ok(())
    }
}

/// A kubeconfig's PEM: given in the file itself, or the content of a file that it names.
fn pem(
    io: &mut Io<'_>,
    entry: &Value,
    field: &str,
    flag: &str,
    purpose: &str,
) -> Outcome<Option<Vec<u8>>> {
    let (data, path) = (text(entry, &format!("{field}-data")), text(entry, field));
    if flag.is_empty() && !data.is_empty() {
        let bytes = base64::decode(data)
            .ok_or_else(|| Fail::message(format!("illegal base64 data in {field}-data")))?;
        return Ok(Some(bytes));
    }
    let path = if flag.is_empty() { path } else { flag };
    if path.is_empty() {
        return Ok(None);
    }
    io.files.read(path).map(Some).map_err(|error| {
        Fail::message(format!(
            "unable to read {purpose} {path} due to open {path}: {}",
            reason(&error)
        ))
    })
}

fn tls(io: &mut Io<'_>, overrides: &Overrides, cluster: &Value, user: &Value) -> Outcome<Tls> {
    let flags = overrides;
    let authority = pem(
        io,
        cluster,
        "certificate-authority",
        &flags.authority,
        "certificate-authority",
    )?;
    let certificate = pem(
        io,
        user,
        "client-certificate",
        &flags.client_certificate,
        "client-cert",
    )?;
    let key = pem(io, user, "client-key", &flags.client_key, "client-key")?;
    let server_name = if flags.tls_server_name.is_empty() {
        text(cluster, "tls-server-name")
    } else {
        &flags.tls_server_name
    };
    Ok(Tls {
        authority,
        client: certificate.zip(key),
        insecure: flags
            .insecure
            .unwrap_or(cluster["insecure-skip-tls-verify"] == true),
        server_name: (!server_name.is_empty()).then(|| server_name.to_owned()),
    })
}

fn token(io: &mut Io<'_>, overrides: &Overrides, user: &Value) -> Outcome<String> {
    if !overrides.token.is_empty() {
        return Ok(overrides.token.clone());
    }
    let file = text(user, "tokenFile");
    if file.is_empty() {
        return Ok(text(user, "token").to_owned());
    }
    let content = io
        .files
        .read(file)
        .map_err(|error| Fail::message(format!("open {file}: {}", reason(&error))))?;
    Ok(String::from_utf8_lossy(&content).trim().to_owned())
}

/// Fields that name a file, relative to the kubeconfig's own folder.
const FILES: [&str; 3] = ["certificate-authority", "client-certificate", "client-key"];

/// A file's content with the paths in it made independent of where the file is.
fn absolute(path: &str, content: &Value) -> Value {
    let mut content = content.clone();
    let Some((folder, _)) = path.rsplit_once('/') else {
        return content;
    };
    for (section, inner) in SECTIONS {
        for item in content[section].as_array_mut().into_iter().flatten() {
            for name in FILES {
                if let Some(Value::String(file)) = item[inner].get_mut(name)
                    && !file.is_empty()
                    && !file.starts_with('/')
                {
                    *file = format!("{folder}/{file}");
                }
            }
        }
    }
    content
}

fn first_context(files: &[(String, Value)]) -> &str {
    files
        .iter()
        .map(|(_, file)| text(file, "current-context"))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

fn sort(value: &mut Value) {
    for (section, _) in SECTIONS {
        if let Some(items) = value[section].as_array_mut() {
            items.sort_by(|a, b| text(a, "name").cmp(text(b, "name")));
        }
    }
}

/// A kubeconfig with every key that the stock client writes, its lists in order.
fn complete(mut value: Value) -> Value {
    sort(&mut value);
    for (section, _) in SECTIONS {
        if list(&value, section).is_empty() {
            value[section] = Value::Null;
        }
    }
    value["apiVersion"] = json!("v1");
    value["kind"] = json!("Config");
    if value.get("current-context").is_none() {
        value["current-context"] = json!("");
    }
    value
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
