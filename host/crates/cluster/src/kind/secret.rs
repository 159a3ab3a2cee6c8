//! Secrets: bytes for programs, base64 in transit. Never encrypts them.

use super::column::SECRETS;
use super::look::{flag, map, text};
use super::{Column, Fields, Findings, Kind, Names, age, set_default, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct Secrets;

impl Kind for Secrets {
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
        for key in map(object, "/data")
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            let path = format!("data[{key}]");
            found.all_invalid(&path, &key.as_str().into(), words::config_key(key));
        }
        for key in required_keys(text(object, "/type")) {
            if object["data"].get(key).is_none() {
                found.required(format!("data[{key}]"), "");
            }
        }
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

fn required_keys(type_: &str) -> &'static [&'static str] {
    match type_ {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    }
}
