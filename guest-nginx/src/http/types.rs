//! The types of files by their extension, for a configuration that includes no list of its own.

use std::collections::BTreeMap;
use std::rc::Rc;

const TYPES: &[(&str, &str)] = &[
    ("avif", "image/avif"),
    ("bin", "application/octet-stream"),
    ("css", "text/css"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "application/javascript"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("rss", "application/rss+xml"),
    ("shtml", "text/html"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

/// The types that nginx knows without any configuration.
pub fn standard() -> BTreeMap<String, Rc<str>> {
    let known = [
        ("html", "text/html"),
        ("gif", "image/gif"),
        ("jpg", "image/jpeg"),
    ];
    known
        .into_iter()
        .map(|(ending, kind)| (ending.to_owned(), Rc::from(kind)))
        .collect()
}

/// The types that httpd's own list has, as far as a lab meets them.
pub fn usual() -> BTreeMap<String, Rc<str>> {
    TYPES
        .iter()
        .map(|(ending, kind)| ((*ending).to_owned(), Rc::from(*kind)))
        .collect()
}

/// The extension of a path's last part, in lower case.
pub fn extension(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (_, ending) = name.rsplit_once('.')?;
    (!ending.is_empty()).then(|| ending.to_ascii_lowercase())
}
