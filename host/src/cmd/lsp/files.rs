//! The file behind a URI, and the files around it. Never reads the one that is open: its text is
//! the editor's.

use super::shelf;
use lesson::Around;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The path of a `file:` URI; whatever else it is, a name.
pub(super) fn path_of(uri: &str) -> PathBuf {
    let Some(path) = uri.strip_prefix("file://") else {
        return PathBuf::from(uri);
    };
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

/// The URI of a path.
pub(super) fn uri_of(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let text: String = path
        .to_string_lossy()
        .bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    format!("file://{text}")
}

/// What a file stands among.
pub(super) fn around(file: &Path) -> Around {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut neighbours = shelf::Neighbours::default();
    Around {
        claims: shelf::claims_of(&folder.join("../claims/seeds.yaml")).ok(),
        images: crate::shell::image_names(),
        files: beside(folder, "files"),
        lessons: neighbours.of(file).lessons.clone().unwrap_or_default(),
    }
}

/// The files of a folder below the lessons', as lessons name them.
fn beside(folder: &Path, below: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder.join(below))
        .into_iter()
        .flatten()
        .flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|entry| format!("{below}/{}", entry.file_name().to_string_lossy()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_its_uri() {
        assert_eq!(
            path_of("file:///a%20b/%E3%83%A9.yaml"),
            Path::new("/a b/ラ.yaml")
        );
        assert_eq!(uri_of(Path::new("/nowhere/a b")), "file:///nowhere/a%20b");
    }
}
