//! What a Pod is given (volumes, variables) and whether it is there, under the names that are used.

use super::super::look::{few, items, kubectl, name, namespace, pod_word, text};
use super::{Found, Walk, seen};
use crate::why::Finding;
use cluster::Object;
use serde_json::Value;

/// A use of a ConfigMap or Secret.
struct Use<'a> {
    /// Where the Pod says it.
    place: String,
    /// `configmaps` or `secrets`.
    kind: &'static str,
    object: &'a str,
    /// The keys that are asked for.
    keys: Vec<&'a str>,
    optional: bool,
}

const REFERENCES: [(&str, &str, &str); 2] = [
    ("configMap", "configmaps", "name"),
    ("secret", "secrets", "secretName"),
];

impl Walk<'_> {
    /// The first thing that the Pod uses and that is not there.
    pub(super) fn config(&self, pod: &Object) -> Option<Found> {
        let uses = volumes(pod).into_iter().chain(variables(pod));
        let missing = uses
            .filter(|one| !one.optional)
            .find_map(|one| self.missing_use(pod, &one));
        missing.or_else(|| self.missing_file(pod))
    }

    fn missing_use(&self, pod: &Object, one: &Use<'_>) -> Option<Found> {
        let (word, flag) = match one.kind {
            "secrets" => ("secret", "secret generic"),
            _ => ("configmap", "configmap"),
        };
        let object = format!("{word}/{}", one.object);
        let kubectl = kubectl(namespace(pod));
        let place = one.place.clone();
        let Some(found) = self.store.get(one.kind, namespace(pod), one.object) else {
            let command = match one.keys.first() {
                Some(key) => format!(
                    "{kubectl} create {flag} {} --from-literal={key}=VALUE",
                    one.object
                ),
                None => format!("{kubectl} create {flag} {} --from-file=FILE", one.object),
            };
            let told = super::super::look::event(self.store, pod, &["FailedMount", "Failed"]);
            let told = told.map(|event| {
                seen(
                    format!("event/{}", name(event)),
                    "message",
                    text(&event["message"]),
                )
            });
            let finding = Finding::ObjectMissing {
                pod: pod_word(pod),
                place,
                object,
                command,
            };
            return Some((finding, told.into_iter().collect()));
        };
        let has = keys(found);
        let key = one
            .keys
            .iter()
            .find(|key| !has.iter().any(|own| own == *key))?;
        let field = seen(object.clone(), "data", has.join(", "));
        let finding = Finding::KeyMissing {
            pod: pod_word(pod),
            place,
            object,
            key: (*key).to_owned(),
            has: few(has),
        };
        Some((finding, vec![field]))
    }

    /// A file that the Pod's own configuration or command reads below a mounted Secret or ConfigMap,
    /// and that no key makes.
    fn missing_file(&self, pod: &Object) -> Option<Found> {
        for container in items(&pod["spec"]["containers"]) {
            let texts = self.texts(pod, container);
            for (path, kind, object) in mounted(pod, container) {
                let Some(found) = self.store.get(kind, namespace(pod), object) else {
                    continue;
                };
                let has = keys(found);
                let read = texts.iter().flat_map(|(reader, text)| {
                    files_below(text, path).map(move |file| (reader, file))
                });
                let missing: Vec<(&String, &str)> = read
                    .filter(|(_, file)| !has.iter().any(|own| own == file))
                    .collect();
                if let Some((reader, file)) = missing.first() {
                    let files = missing.iter().map(|(_, file)| *file).collect();
                    return Some(self.tell_file(
                        pod,
                        (path, kind, object),
                        (reader, file),
                        &has,
                        files,
                    ));
                }
            }
        }
        None
    }

    fn tell_file(
        &self,
        pod: &Object,
        mount: (&str, &str, &str),
        read: (&String, &str),
        has: &[String],
        mut files: Vec<&str>,
    ) -> Found {
        let (path, kind, object) = mount;
        let kubectl = kubectl(namespace(pod));
        files.dedup();
        let end = |file: &str| file.rsplit_once('.').map(|(_, end)| end.to_owned());
        let unused = |own: &&String| !files.contains(&own.as_str());
        let moves: Vec<String> = files
            .iter()
            .filter_map(|file| {
                let from = has
                    .iter()
                    .filter(unused)
                    .find(|own| end(own) == end(file))?;
                Some(format!(
                    r#"{{"op":"move","from":"/data/{from}","path":"/data/{file}"}}"#
                ))
            })
            .collect();
        let word = if kind == "secrets" {
            "secret"
        } else {
            "configmap"
        };
        let command = if moves.len() == files.len() {
            let again = self.restart(pod);
            format!(
                "{kubectl} patch {word} {object} --type=json -p '[{}]' && {again}",
                moves.join(",")
            )
        } else if kind == "secrets" {
            format!("{kubectl} create secret tls {object} --key=tls.key --cert=tls.crt")
        } else {
            format!("{kubectl} create configmap {object} --from-file={}", read.1)
        };
        let object = format!("{word}/{object}");
        let fields = vec![
            seen(object.clone(), "data", has.join(", ")),
            seen(read.0.clone(), "data", format!("{path}/{}", read.1)),
        ];
        let finding = Finding::FileMissing {
            pod: pod_word(pod),
            object,
            path: format!("{path}/{}", read.1),
            reader: read.0.clone(),
            has: few(has.to_vec()),
            command,
        };
        (finding, fields)
    }

    /// Texts in which a container's program reads the paths of its files, with whose they are.
    fn texts(&self, pod: &Object, container: &Value) -> Vec<(String, String)> {
        let maps = mounted(pod, container)
            .into_iter()
            .filter(|(_, kind, _)| *kind == "configmaps");
        let mut texts: Vec<(String, String)> = maps
            .filter_map(|(_, kind, object)| {
                let found = self.store.get(kind, namespace(pod), object)?;
                let all: Vec<&str> = found["data"].as_object()?.values().map(text).collect();
                Some((format!("configmap/{object}"), all.join("\n")))
            })
            .collect();
        let words = ["command", "args"]
            .iter()
            .flat_map(|list| items(&container[*list]));
        let words: Vec<&str> = words.map(text).collect();
        texts.push((pod_word(pod), words.join(" ")));
        texts
    }
}

/// The keys of a ConfigMap or Secret.
fn keys(object: &Value) -> Vec<String> {
    let maps = [&object["data"], &object["binaryData"]];
    let keys = maps
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|map| map.keys().cloned());
    keys.collect()
}

/// The files directly below a path that a text names.
fn files_below<'t>(text: &'t str, path: &str) -> impl Iterator<Item = &'t str> {
    let start = format!("{}/", path.trim_end_matches('/'));
    let words = text.split(|c: char| c.is_whitespace() || ";\"'=,()".contains(c));
    words.filter_map(move |word| {
        let file = word.strip_prefix(start.as_str())?;
        let plain = !file.is_empty() && !file.contains(['/', '*', '$', '{']);
        plain.then_some(file)
    })
}

/// Where a container has Secrets and ConfigMaps mounted as a whole: path, kind, name.
pub(super) fn mounted<'a>(
    pod: &'a Value,
    container: &'a Value,
) -> Vec<(&'a str, &'static str, &'a str)> {
    let mounts = items(&container["volumeMounts"])
        .iter()
        .filter(|mount| mount["subPath"].is_null());
    let found = mounts.filter_map(|mount| {
        let mut all = items(&pod["spec"]["volumes"]).iter();
        let volume = all.find(|volume| volume["name"] == mount["name"])?;
        let (field, kind, at) = REFERENCES
            .iter()
            .find(|(field, ..)| volume[*field].is_object())?;
        // Chosen keys are files of other names.
        let source = Some(&volume[*field]).filter(|source| source["items"].is_null())?;
        Some((text(&mount["mountPath"]), *kind, text(&source[*at])))
    });
    found.collect()
}

fn volumes(pod: &Value) -> Vec<Use<'_>> {
    let volumes = items(&pod["spec"]["volumes"]).iter();
    let uses = volumes.flat_map(|volume| {
        let projected = items(&volume["projected"]["sources"])
            .iter()
            .map(|source| (source, true));
        let sources = std::iter::once((volume, false)).chain(projected);
        sources.flat_map(move |(source, projected)| {
            REFERENCES.iter().filter_map(move |(field, kind, at)| {
                let own = source.get(*field).filter(|own| own.is_object())?;
                Some(Use {
                    place: format!("volume {}", text(&volume["name"])),
                    kind,
                    object: text(&own[if projected { "name" } else { at }]),
                    keys: items(&own["items"])
                        .iter()
                        .map(|item| text(&item["key"]))
                        .collect(),
                    optional: own["optional"] == true,
                })
            })
        })
    });
    uses.collect()
}

fn variables(pod: &Value) -> Vec<Use<'_>> {
    let containers = items(&pod["spec"]["initContainers"])
        .iter()
        .chain(items(&pod["spec"]["containers"]));
    let mut uses = Vec::new();
    for container in containers {
        for variable in items(&container["env"]) {
            for (field, kind) in [
                ("configMapKeyRef", "configmaps"),
                ("secretKeyRef", "secrets"),
            ] {
                let source = &variable["valueFrom"][field];
                if source.is_object() {
                    uses.push(Use {
                        place: format!("env {}", text(&variable["name"])),
                        kind,
                        object: text(&source["name"]),
                        keys: vec![text(&source["key"])],
                        optional: source["optional"] == true,
                    });
                }
            }
        }
        for source in items(&container["envFrom"]) {
            for (field, kind) in [("configMapRef", "configmaps"), ("secretRef", "secrets")] {
                if source[field].is_object() {
                    uses.push(Use {
                        place: "envFrom".to_owned(),
                        kind,
                        object: text(&source[field]["name"]),
                        keys: Vec::new(),
                        optional: source[field]["optional"] == true,
                    });
                }
            }
        }
    }
    uses
}
