//! The types of files by their extension, for a configuration that includes no list of its own.

use std::collections::BTreeMap;
use std::rc::Rc;

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

/// The extension of a path's last part, in lower case.
pub fn extension(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (_, ending) = name.rsplit_once('.')?;
    (!ending.is_empty()).then(|| ending.to_ascii_lowercase())
}
