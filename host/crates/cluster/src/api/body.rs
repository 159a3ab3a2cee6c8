//! Reads request bodies: JSON, YAML and protobuf. Never looks at what they mean.

use super::status::Failure;
use super::{go_json, protobuf};
use serde_json::Value;

const TYPES: [&str; 3] = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];

/// The object in a body of this content type.
pub(super) fn object(content_type: &str, body: &[u8]) -> Result<Value, Failure> {
    match media_type(content_type) {
        "" | "application/json" => json(body),
        "application/yaml" => yaml(body),
        "application/vnd.kubernetes.protobuf" => protobuf::object(body),
        _ => Err(Failure::unsupported_media_type(&TYPES)),
    }
}

/// The type without its parameters.
pub(super) fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// A JSON text.
pub(super) fn json(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|_| Failure::bad_request(go_json::syntax_error(body)))
}

/// A YAML text; when a key comes twice, the last one counts.
pub(super) fn yaml(body: &[u8]) -> Result<Value, Failure> {
    let text =
        std::str::from_utf8(body).map_err(|_| Failure::bad_request("yaml: invalid UTF-8"))?;
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Failure::bad_request(format!("error converting YAML to JSON: {error}")))
}
