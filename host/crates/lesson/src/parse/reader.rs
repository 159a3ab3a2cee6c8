//! Reading one value, and complaining about it. Never stops: a wrong value becomes a finding
//! and a stand-in, so that one run tells everything that is wrong.

use crate::finding::{Finding, Severity};
use crate::format::{self, Block, Type};
use crate::lab::{LabFile, Lang, Pos, Text};
use crate::yaml::{Key, Kind, Node};
use clock::Duration;

/// Gives the text of a file beside the lesson.
pub(super) type Resolve<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

pub(super) struct Reader<'a> {
    source: &'a str,
    resolve: Resolve<'a>,
    findings: Vec<Finding>,
    /// The files of the environment, once read.
    pub(super) files: Vec<LabFile>,
    /// The lesson begins where another has ended.
    pub(super) continues: bool,
}

/// The entries of a map and the table they were read by. Only what the table has can be asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'n> {
    pub(super) at: Pos,
    entries: &'n [(Key, Node)],
    /// None for a map that is not there.
    block: Option<&'static Block>,
}

impl<'n> Fields<'n> {
    /// The entries of a map whose keys were looked at elsewhere.
    pub(super) fn of(node: &'n Node, block: &'static Block) -> Option<Self> {
        match &node.kind {
            Kind::Map(entries) => Some(Self {
                at: node.at,
                entries,
                block: Some(block),
            }),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.asked(key);
        self.entries
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, node)| node)
    }

    /// The format's table has every field that is asked for, and tests see that all are.
    fn asked(&self, key: &str) {
        if let Some(block) = self.block {
            debug_assert!(block.field(key).is_some(), "{} has no {key}", block.name);
            #[cfg(test)]
            super::asked::note(block.name, key);
        }
    }

    /// What the table says may stand in a field.
    fn ty(&self, key: &str) -> Option<Type> {
        Some(self.block?.field(key)?.ty)
    }

    /// Every key as it is written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'n str> {
        self.entries.iter().map(|(key, _)| key.text.as_str())
    }

    /// Where a key stands.
    pub(super) fn key_at(&self, key: &str) -> Pos {
        self.entries
            .iter()
            .find(|(k, _)| k.text == key)
            .map_or(self.at, |(k, _)| k.at)
    }

    /// Those of `keys` that stand here, in the order written.
    pub(super) fn present<'k>(&self, keys: &[&'k str]) -> Vec<&'k str> {
        self.entries
            .iter()
            .filter_map(|(key, _)| keys.iter().find(|k| **k == key.text).copied())
            .collect()
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str, resolve: Resolve<'a>) -> Self {
        Self {
            source,
            resolve,
            findings: Vec::new(),
            files: Vec::new(),
            continues: false,
        }
    }

    pub(super) fn source(&self) -> &str {
        self.source
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    // Complaints.

    pub(super) fn error(&mut self, at: Pos, code: &'static str, message: impl Into<String>) {
        self.find(at, code, Severity::Error, message.into(), None);
    }

    pub(super) fn error_help(
        &mut self,
        at: Pos,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.find(at, code, Severity::Error, message.into(), Some(help.into()));
    }

    pub(super) fn warning(&mut self, at: Pos, code: &'static str, message: impl Into<String>) {
        self.find(at, code, Severity::Warning, message.into(), None);
    }

    /// The format has it, this version of the lab does not.
    pub(super) fn not_yet(&mut self, at: Pos, what: &str) {
        self.error(at, "LAB009", format!("not in this lab yet: {what}"));
    }

    fn find(
        &mut self,
        at: Pos,
        code: &'static str,
        severity: Severity,
        message: String,
        help: Option<String>,
    ) {
        self.findings.push(Finding {
            source: self.source.to_owned(),
            at,
            code,
            severity,
            message,
            help,
            fix: Vec::new(),
        });
    }

    fn wrong(&mut self, node: &Node, expected: &str) {
        self.error(
            node.at,
            "LAB008",
            format!("{expected} was expected here, not {}", node.type_name()),
        );
    }

    // Maps and lists.

    /// The entries of a map; keys that its table does not have are findings.
    pub(super) fn map<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        block: &'static Block,
    ) -> Option<Fields<'n>> {
        self.known(node, what, &block.keys())?;
        Fields::of(node, block)
    }

    /// Complains about keys of a map that are not known.
    pub(super) fn known(&mut self, node: &Node, what: &str, known: &[&str]) -> Option<()> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong(node, "a map");
            return None;
        };
        for (key, _) in entries
            .iter()
            .filter(|(key, _)| !known.contains(&key.text.as_str()))
        {
            let message = format!("{what} has no field `{}`", key.text);
            match closest(&key.text, known) {
                Some(near) => {
                    self.error_help(key.at, "LAB003", message, format!("did you mean `{near}`?"))
                }
                None => self.error_help(
                    key.at,
                    "LAB003",
                    message,
                    format!("it has {}", known.join(", ")),
                ),
            }
        }
        Some(())
    }

    /// The entries of a map with free keys.
    pub(super) fn entries<'n>(&mut self, node: &'n Node) -> Vec<(String, Pos, &'n Node)> {
        match &node.kind {
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, node)| (key.text.clone(), key.at, node))
                .collect(),
            _ => {
                self.wrong(node, "a map");
                Vec::new()
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.kind {
            Kind::Seq(items) => items,
            _ => {
                self.wrong(node, "a list");
                &[]
            }
        }
    }

    /// A field that must be there.
    pub(super) fn require<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Node> {
        let found = fields.get(key);
        if found.is_none() {
            self.error(fields.at, "LAB007", format!("`{key}` is missing here"));
        }
        found
    }

    // Scalars.

    /// A text; numbers and the like are taken as they are written.
    pub(super) fn string(&mut self, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Scalar(text, plain) if !(*plain && node.to_value().is_null()) => {
                Some(text.clone())
            }
            _ => {
                self.wrong(node, "a text");
                None
            }
        }
    }

    pub(super) fn maybe_string(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        fields.get(key).and_then(|node| self.string(node))
    }

    pub(super) fn required_string(&mut self, fields: &Fields<'_>, key: &str) -> String {
        self.require(fields, key)
            .and_then(|node| self.string(node))
            .unwrap_or_default()
    }

    /// A list of texts; empty when absent.
    pub(super) fn strings(&mut self, fields: &Fields<'_>, key: &str) -> Vec<String> {
        let Some(node) = fields.get(key) else {
            return Vec::new();
        };
        self.list(node)
            .iter()
            .filter_map(|node| self.string(node))
            .collect()
    }

    pub(super) fn boolean(&mut self, fields: &Fields<'_>, key: &str, default: bool) -> bool {
        let Some(node) = fields.get(key) else {
            return default;
        };
        node.to_value().as_bool().unwrap_or_else(|| {
            self.wrong(node, "true or false");
            default
        })
    }

    pub(super) fn integer(&mut self, node: &Node) -> Option<i64> {
        let value = node.to_value().as_i64();
        if value.is_none() {
            self.wrong(node, "a whole number");
        }
        value
    }

    pub(super) fn number(&mut self, node: &Node) -> Option<f64> {
        let value = node.to_value().as_f64();
        if value.is_none() {
            self.wrong(node, "a number");
        }
        value
    }

    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let text = match &node.kind {
            Kind::Scalar(text, _) => text.as_str(),
            _ => "",
        };
        let value = duration(text);
        if value.is_none() {
            let help = "write a number and a unit: 500ms, 30s, 6m, 2h, 1d";
            self.error_help(
                node.at,
                "LAB008",
                format!("`{text}` is not a duration"),
                help,
            );
        }
        value
    }

    pub(super) fn maybe_duration(&mut self, fields: &Fields<'_>, key: &str) -> Option<Duration> {
        fields.get(key).and_then(|node| self.duration(node))
    }

    /// A short name: lower-case letters, digits and hyphens.
    pub(super) fn id(&mut self, node: &Node) -> Option<String> {
        let id = self.string(node)?;
        let fits = id.len() <= 63
            && id.starts_with(|c: char| c.is_ascii_lowercase())
            && id
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !fits {
            let help =
                "an id begins with a lower-case letter; lower-case letters, digits and `-` follow";
            self.error_help(node.at, "LAB008", format!("`{id}` is not an id"), help);
        }
        Some(id)
    }

    pub(super) fn maybe_id(&mut self, fields: &Fields<'_>) -> Option<String> {
        fields.get("id").and_then(|node| self.id(node))
    }

    /// One of some words.
    pub(super) fn one_of<T: Copy>(&mut self, node: &Node, known: &[(&str, T)]) -> Option<T> {
        let word = self.string(node)?;
        let found = known
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let help = closest(&word, &names).map_or_else(
                || format!("there are {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.error_help(
                node.at,
                "LAB008",
                format!("`{word}` is not known here"),
                help,
            );
        }
        found
    }

    /// One of the words that the table has for a field, and what each means.
    pub(super) fn choose<T: Copy>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        debug_assert!(
            fields
                .ty(key)
                .is_none_or(|ty| ty.words().iter().eq(known.iter().map(|(name, _)| name))),
            "the table has other words for {key}"
        );
        fields.get(key).and_then(|node| self.one_of(node, known))
    }

    /// One of the words that the table has for a field.
    pub(super) fn word(&mut self, fields: &Fields<'_>, key: &str) -> Option<&'static str> {
        let words = fields.ty(key).map(|ty| ty.words()).unwrap_or_default();
        let known: Vec<_> = words.into_iter().map(|word| (word, word)).collect();
        fields.get(key).and_then(|node| self.one_of(node, &known))
    }

    // Prose.

    pub(super) fn text(&mut self, node: &Node) -> Text {
        if matches!(node.kind, Kind::Scalar(..)) {
            return Text::neutral(self.string(node).unwrap_or_default());
        }
        let Some(fields) = self.map(node, "prose", &format::PROSE) else {
            return Text::default();
        };
        for (lang, _) in [("ja", Lang::Ja), ("en", Lang::En)] {
            if fields.get(lang).is_none() {
                self.error(node.at, "LAB020", format!("`{lang}` is missing here"));
            }
        }
        let text = Text {
            ja: self.maybe_string(&fields, "ja").unwrap_or_default(),
            en: self.maybe_string(&fields, "en").unwrap_or_default(),
        };
        if !text.ja.is_empty() && !text.en.is_empty() && spans(&text.ja) != spans(&text.en) {
            self.warning(
                node.at,
                "LAB021",
                "the code spans and placeholders of ja and en differ",
            );
        }
        text
    }

    pub(super) fn texts(&mut self, node: &Node) -> Vec<Text> {
        self.list(node).iter().map(|node| self.text(node)).collect()
    }

    // Files.

    /// The text of a file of the environment, or of one beside the lesson under `files/`.
    pub(super) fn file(&mut self, node: &Node) -> Option<(String, String)> {
        let path = self.string(node)?;
        if let Some(file) = self.files.iter().find(|file| file.path == path) {
            return Some((path, file.content.clone()));
        }
        let message = format!("there is no file `{path}`");
        let known: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let help = closest(&path, &known).map_or_else(
            || "list it under `environment.files`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.error_help(node.at, "LAB040", message, help);
        None
    }

    /// The text of a file beside the lesson.
    pub(super) fn beside(&mut self, node: &Node) -> Option<String> {
        let path = self.string(node)?;
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            self.error(
                node.at,
                "LAB041",
                format!("`{path}` is outside the lesson's folder"),
            );
            return None;
        }
        let text = (self.resolve)(&path);
        if text.is_none() {
            self.error(
                node.at,
                "LAB040",
                format!("there is no file `{path}` beside the lesson"),
            );
        }
        text
    }
}

/// A number and a unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    if !number.starts_with(|c: char| c.is_ascii_digit())
        || !number.ends_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let seconds = number.parse::<f64>().ok()? * seconds;
    (seconds <= 1e9).then(|| Duration::from_nanos((seconds * 1e9).round() as u64))
}

/// Code spans and placeholders, sorted.
fn spans(text: &str) -> Vec<&str> {
    let mut spans: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|span| !span.is_empty())
        .collect();
    spans.extend(crate::template::holes(text));
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// The known word nearest to `word`, if near enough to be meant.
pub(crate) fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known
        .iter()
        .map(|known| (distance(word, known), *known))
        .min()?;
    (near.0 <= 1 + word.chars().count() / 4).then_some(near.1)
}

/// Edits that turn one word into the other; neighbours may swap.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let plain = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped {
                    plain.min(rows[i - 2][j - 2] + 1)
                } else {
                    plain
                }
            };
        }
    }
    rows[a.len()][b.len()]
}
