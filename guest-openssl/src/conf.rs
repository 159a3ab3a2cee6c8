//! OpenSSL's configuration: sections of `name = value`.
//!
//! Never follows variables of the environment and never includes another file.

use crate::files::{Failure, complain, read, reason};
use std::collections::BTreeMap;

/// Sections by name, each with its lines in their order; before the first is `default`.
#[derive(Debug, Default)]
pub(crate) struct Conf {
    sections: BTreeMap<String, Vec<(String, String)>>,
}

impl Conf {
    pub(crate) fn load(file: &str) -> Result<Self, Failure> {
        let bytes = read(Some(file)).map_err(|error| {
            complain(format!("Can't open config file {file}: {}", reason(&error)))
        })?;
        Self::parse(&String::from_utf8_lossy(&bytes)).map_err(|line| {
            complain(format!(
                "Error on line {line} of config file \"{file}\"\nerror:07000065:configuration file routines::missing equal sign:line {line}"
            ))
        })
    }

    /// Reads a text; the number of the line that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, usize> {
        let mut conf = Self::default();
        let mut section = "default".to_owned();
        let mut kept = String::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(start) = line.strip_suffix('\\') {
                kept.push_str(start);
                continue;
            }
            let line = format!("{}{line}", std::mem::take(&mut kept));
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').trim().to_owned();
                conf.sections.entry(section.clone()).or_default();
            } else if let Some((name, value)) = line.split_once('=') {
                let value = value.trim().trim_matches('"').to_owned();
                let entry = conf.sections.entry(section.clone()).or_default();
                entry.push((name.trim().to_owned(), value));
            } else if !line.is_empty() {
                return Err(at + 1);
            }
        }
        Ok(conf)
    }

    pub(crate) fn section(&self, name: &str) -> Option<&[(String, String)]> {
        self.sections.get(name).map(Vec::as_slice)
    }

    /// The last value of a name in a section.
    pub(crate) fn value(&self, section: &str, name: &str) -> Option<&str> {
        let lines = self.section(section)?;
        let mut all = lines.iter().rev().filter(|(own, _)| own == name);
        all.next().map(|(_, value)| value.as_str())
    }

    /// A section's extensions, with `@section` written out (`subjectAltName = @names`).
    pub(crate) fn extensions(&self, section: &str) -> Option<Vec<(String, String)>> {
        let lines = self.section(section)?.iter();
        let resolve = |(name, value): &(String, String)| {
            let words = value.strip_prefix('@').and_then(|section| {
                let names = self.section(section.trim())?.iter();
                let words: Vec<String> =
                    names.map(|(kind, name)| format!("{kind}:{name}")).collect();
                Some(words.join(","))
            });
            (name.clone(), words.unwrap_or_else(|| value.clone()))
        };
        Some(lines.map(resolve).collect())
    }
}
