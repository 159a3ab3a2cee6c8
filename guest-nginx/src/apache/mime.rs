//! What the endings of a file's name say: type, character set, language, encoding.
//! It never looks into a file.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::conf::model::Settings;

/// The types of the file that `TypesConfig` names.
#[derive(Clone, Debug, Default)]
pub(super) struct Types(BTreeMap<String, Rc<str>>);

/// What is known about a file.
#[derive(Debug, Default)]
pub(super) struct About {
    /// `Content-Type`, with its character set.
    pub(super) kind: Option<String>,
    /// `Content-Language`.
    pub(super) language: Option<String>,
    /// `Content-Encoding`.
    pub(super) encoding: Option<String>,
}

impl Types {
    /// Reads a list of types, each with its endings; none without a file.
    ///
    /// # Errors
    /// That it cannot be read, in Apache's words.
    pub(super) fn read(path: Option<&str>) -> Result<Self, String> {
        let mut types = BTreeMap::new();
        let Some(path) = path else {
            return Ok(Self(types));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|_| format!("AH01597: could not open mime types config file {path}."))?;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let kind: Rc<str> = Rc::from(words.next().unwrap_or_default());
            types.extend(words.map(|ending| (ending.to_owned(), Rc::clone(&kind))));
        }
        Ok(Self(types))
    }

    /// What the endings of a path say, each for itself, the last one that says something first.
    pub(super) fn of(&self, file: &str, settings: &Settings) -> About {
        let name = file.rsplit('/').next().unwrap_or_default();
        let (mut kind, mut charset) = (None, None);
        let (mut languages, mut encodings) = (Vec::new(), Vec::new());
        let endings = name.trim_start_matches('.').split('.').skip(1);
        for ending in endings.map(str::to_ascii_lowercase) {
            let said = match settings.types.get(&ending) {
                Some(None) => None,
                Some(said) => said.clone(),
                None => self.0.get(&ending).cloned(),
            };
            if said.is_some() {
                kind = said;
            }
            if let Some(said) = settings.charsets.get(&ending) {
                charset = Some(said.to_ascii_lowercase());
            }
            languages.extend(settings.languages.get(&ending).cloned());
            encodings.extend(settings.encodings.get(&ending).cloned());
        }
        let kind = settings.forced.clone().or(kind).map(|kind| {
            let text = matches!(&*kind, "text/plain" | "text/html");
            let usual = settings.charset.clone().flatten().filter(|_| text);
            match charset.or(usual) {
                Some(charset) if !kind.contains("charset=") => format!("{kind}; charset={charset}"),
                _ => kind.to_string(),
            }
        });
        let joined = |all: Vec<String>| (!all.is_empty()).then(|| all.join(", "));
        About {
            kind,
            language: joined(languages),
            encoding: joined(encodings),
        }
    }
}
