//! Secrets: bytes for programs, base64 in transit. Never encrypts them.

use super::column::SECRETS;
use super::look::{flag, map, text};
use super::{Column, Fields, Findings, Kind, Names, age, set_default, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct Secrets;

impl Kind for Secrets {
    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let tells = new["type"] == "kubernetes.io/service-account-token" && old.is_none();
        let warning =
            "not in this lab: tokens in Secrets; `kubectl create token` makes one without";
        tells.then(|| warning.to_owned()).into_iter().collect()
    }

    fn names(&self) -> &'static Names {
        &Names {
            key: "secrets",
            plural: "secrets",
            singular: "secret",
            short: &[],
            kind: "Secret",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Secret>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields::HONOURED
    }

    fn columns(&self) -> &'static [Column] {
        SECRETS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/type").into(),
            map(object, "/data").map_or(0, serde_json::Map::len).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "type", "Opaque");
        let Some(plain) = object
            .as_object_mut()
            .and_then(|map| map.remove("stringData"))
        else {
            return;
        };
        set_default(object, "data", json!({}));
        for (key, value) in plain.as_object().into_iter().flatten() {
            let bytes = value.as_str().unwrap_or_default().as_bytes();
            object["data"][key] = crate::api::base64::encode(bytes).into();
        }
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let mut size = 0;
        for (key, value) in map(object, "/data").into_iter().flatten() {
            let path = format!("data[{key}]");
            found.all_invalid(&path, &key.as_str().into(), words::config_key(key));
            size += value.as_str().map_or(0, decoded_len);
        }
        if size > super::configmap::MAX_BYTES {
            found.too_long("data", super::configmap::MAX_BYTES);
        }
        validate_type(object, found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        if new["type"] != old["type"] {
            found.invalid("type", &new["type"], "field is immutable");
        }
        if !flag(old, "/immutable") {
            return;
        }
        if !flag(new, "/immutable") {
            found.forbidden("immutable", "field is immutable when `immutable` is set");
        }
        if new.get("data") != old.get("data") {
            found.forbidden("data", "field is immutable when `immutable` is set");
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["type"]
    }
}

/// How many bytes a text in base64 stands for.
pub(super) fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

fn validate_type(object: &Value, found: &mut Findings) {
    let data = &object["data"];
    let has = |key: &str| data.get(key).is_some();
    let field = |key: &str| format!("data[{key}]");
    match text(object, "/type") {
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            if object["metadata"]["annotations"][key]
                .as_str()
                .is_none_or(str::is_empty)
            {
                found.required(format!("metadata.annotations[{key}]"), "");
            }
        }
        "kubernetes.io/dockercfg" => validate_json(data, ".dockercfg", found),
        "kubernetes.io/dockerconfigjson" => validate_json(data, ".dockerconfigjson", found),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            found.required(field("username"), "");
            found.required(field("password"), "");
        }
        "kubernetes.io/ssh-auth" => {
            let key = "ssh-privatekey";
            if data[key].as_str().is_none_or(str::is_empty) {
                found.required(field(key), "");
            }
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"] {
                if !has(key) {
                    found.required(field(key), "");
                }
            }
        }
        _ => {}
    }
}

/// What should be a JSON object, told in the words of Go's reader.
fn validate_json(data: &Value, key: &str, found: &mut Findings) {
    let field = format!("data[{key}]");
    let Some(text) = data[key].as_str() else {
        return found.required(field, "");
    };
    let bytes = crate::api::base64::decode(text).unwrap_or_default();
    if let Err(why) = crate::api::object_in(&bytes) {
        found.invalid(field, &"<secret contents redacted>".into(), why);
    }
}
