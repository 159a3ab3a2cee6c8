//! ConfigMaps: texts and bytes for programs. Never mounts them.

use super::column::CONFIG_MAPS;
use super::look::{flag, map, text};
use super::{Column, Fields, Findings, Kind, Names, age, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct ConfigMaps;

pub(super) const MAX_BYTES: usize = 1024 * 1024;

impl Kind for ConfigMaps {
    fn names(&self) -> &'static Names {
        &Names {
            key: "configmaps",
            plural: "configmaps",
            singular: "configmap",
            short: &["cm"],
            kind: "ConfigMap",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::ConfigMap>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields::HONOURED
    }

    fn columns(&self) -> &'static [Column] {
        CONFIG_MAPS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let count = |at| map(object, at).map_or(0, serde_json::Map::len);
        vec![
            text(object, "/metadata/name").into(),
            (count("/data") + count("/binaryData")).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let mut size = 0;
        for field in ["data", "binaryData"] {
            for (key, value) in object[field].as_object().into_iter().flatten() {
                let path = format!("{field}[{key}]");
                found.all_invalid(&path, &key.as_str().into(), words::config_key(key));
                if field == "data" && object["binaryData"].get(key).is_some() {
                    found.invalid(
                        &path,
                        &key.as_str().into(),
                        "duplicate of key present in binaryData",
                    );
                }
                let text = value.as_str().unwrap_or_default();
                size += match field {
                    "data" => text.len(),
                    _ => super::secret::decoded_len(text),
                };
            }
        }
        if size > MAX_BYTES {
            found.too_long("", MAX_BYTES);
        }
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        if !flag(old, "/immutable") {
            return;
        }
        if !flag(new, "/immutable") {
            found.forbidden("immutable", "field is immutable when `immutable` is set");
        }
        for field in ["data", "binaryData"] {
            if new.get(field) != old.get(field) {
                found.forbidden(field, "field is immutable when `immutable` is set");
            }
        }
    }
}
