//! What is odd about prose: other words than the glossary's, lists that differ, images without
//! words, colours as the only sign, headings that skip a level. Never what it teaches.

use super::at;
use crate::finding::{Edit, Finding, Severity};
use crate::lab::{Lang, Pos};
use crate::registry::Glossary;
use crate::yaml::{Kind, Node};
use regex::Regex;

/// What stands where a language is still to be written.
pub(crate) const STUBS: [(Lang, &str, &str); 2] = [
    (Lang::Ja, "ja", "(ここに日本語を書く)"),
    (Lang::En, "en", "(to be written in English)"),
];

/// Looks at all prose below a node.
pub(super) fn look(source: &str, root: &Node, glossary: Option<&Glossary>) -> Vec<Finding> {
    // The glossary itself writes what is not to be written.
    if root
        .get("kind")
        .is_some_and(|kind| kind.to_value() == "Glossary")
    {
        return Vec::new();
    }
    let mut look = Look {
        source,
        glossary,
        findings: Vec::new(),
        rules: Patterns::new(),
    };
    look.node(root);
    look.findings
}

struct Look<'a> {
    source: &'a str,
    glossary: Option<&'a Glossary>,
    findings: Vec<Finding>,
    rules: Patterns,
}

struct Patterns {
    image: Regex,
    colour_en: Regex,
    colour_ja: Regex,
    item: Regex,
    said: Regex,
}

impl Patterns {
    fn new() -> Self {
        let fixed = |pattern| Regex::new(pattern).expect("a fixed pattern");
        Self {
            image: fixed(r"!\[\s*\]\("),
            colour_en: fixed(
                r"\b([Cc]lick|[Pp]ress|[Ss]elect|[Cc]hoose|[Ll]ook at)\b[^.\n]*\b(red|green|blue|yellow|orange)\b",
            ),
            colour_ja: fixed("(赤|緑|青|黄|橙)(い|色の?)[^。\n]*(クリック|押|選|見て)"),
            said: fixed("\"[^\"]*\"|「[ -~…]+」"),
            item: fixed(r"^\s*([-*+]|[0-9]+[.)])\s+\S"),
        }
    }
}

impl Look<'_> {
    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar(..) => {}
            Kind::Seq(items) => items.iter().for_each(|item| self.node(item)),
            Kind::Map(entries) => {
                let side = |key: &str| entries.iter().find(|(k, _)| k.text == key);
                let (ja, en) = (side("ja"), side("en"));
                let text = |side: Option<&(crate::yaml::Key, Node)>| match side {
                    Some((
                        _,
                        Node {
                            kind: Kind::Scalar(text, _),
                            ..
                        },
                    )) => Some(text.clone()),
                    _ => None,
                };
                if let (Some(ja_text), Some(en_text)) = (text(ja), text(en)) {
                    self.lists(node.at, &ja_text, &en_text);
                }
                for (lang, side) in [(Lang::Ja, ja), (Lang::En, en)] {
                    if let Some((
                        _,
                        node @ Node {
                            kind: Kind::Scalar(text, _),
                            ..
                        },
                    )) = side
                    {
                        self.side(lang, node.at, text);
                    }
                }
                self.missing(node.at, ja, en);
                entries.iter().for_each(|(_, node)| self.node(node));
            }
        }
    }

    /// How a language that is not there is put there: a stub before the one that is.
    fn missing(
        &mut self,
        place: Pos,
        ja: Option<&(crate::yaml::Key, Node)>,
        en: Option<&(crate::yaml::Key, Node)>,
    ) {
        let (there, absent) = match (ja, en) {
            (Some((key, _)), None) => (key, STUBS[1]),
            (None, Some((key, _))) => (key, STUBS[0]),
            _ => return,
        };
        let (_, name, stub) = absent;
        let message = format!("`{name}` is missing here");
        let help = "write it, or let `--fix` put a stub";
        let mut finding = at(
            self.source,
            place,
            "LAB020",
            Severity::Error,
            message,
            Some(help),
        );
        // In `{ }` the map begins before its first key; in a block both are one place.
        let text = if place == there.at {
            let indent = " ".repeat(there.at.column.saturating_sub(1) as usize);
            format!("{name}: \"{stub}\"\n{indent}")
        } else {
            format!("{name}: \"{stub}\", ")
        };
        finding.fix.push(Edit {
            from: there.at,
            to: there.at,
            text,
        });
        self.findings.push(finding);
    }

    fn warn(&mut self, place: Pos, code: &'static str, message: String, help: &str) {
        self.findings.push(at(
            self.source,
            place,
            code,
            Severity::Warning,
            message,
            Some(help),
        ));
    }

    fn lists(&mut self, place: Pos, ja: &str, en: &str) {
        let count = |text: &str| {
            let body = without_code(text);
            body.lines()
                .filter(|line| self.rules.item.is_match(line))
                .count()
        };
        let (ja, en) = (count(ja), count(en));
        if ja != en {
            let message = format!("the list has {ja} points in ja and {en} in en");
            self.warn(place, "LAB023", message, "make them the same points");
        }
    }

    fn side(&mut self, lang: Lang, place: Pos, text: &str) {
        if let Some((.., name, _)) = STUBS.iter().find(|(.., stub)| *stub == text.trim()) {
            let message = format!("`{name}` is still to be written");
            self.findings.push(at(
                self.source,
                place,
                "LAB020",
                Severity::Error,
                message,
                Some("write it"),
            ));
            return;
        }
        let body = without_code(text);
        let mut level = 1;
        for (n, line) in body.lines().enumerate() {
            let here = within(place, text, n);
            if self.rules.image.is_match(line) {
                let help = "say what it shows: `![two Pods](a.svg)`";
                self.warn(here, "LAB080", "an image without words".into(), help);
            }
            let colour = match lang {
                Lang::Ja => &self.rules.colour_ja,
                Lang::En => &self.rules.colour_en,
            };
            if let Some(found) = colour.find(line) {
                let message = format!("only a colour tells what is meant: {}", found.as_str());
                self.warn(here, "LAB081", message, "name the thing");
            }
            let hashes = line.chars().take_while(|c| *c == '#').count();
            if hashes > 0 && line[hashes..].starts_with(' ') {
                if hashes > level + 1 {
                    let message = format!("a heading of level {hashes} comes after level {level}");
                    let help = "go down one level at a time, beginning with `##`";
                    self.warn(here, "LAB082", message, help);
                }
                level = hashes;
            }
            self.words(lang, here, line);
        }
    }

    fn words(&mut self, lang: Lang, here: Pos, line: &str) {
        let Some(glossary) = self.glossary else {
            return;
        };
        for term in &glossary.terms {
            let (right, wrong) = term.written(lang);
            // What somebody or something says is left as it was said.
            let mut line = self.rules.said.replace_all(line, " ").into_owned();
            for phrase in term.except_ja.iter().filter(|_| lang == Lang::Ja) {
                line = line.replace(phrase, " ");
            }
            for word in wrong.iter().filter(|word| stands(&line, word)) {
                let message = format!("the glossary writes `{right}`, not `{word}`");
                self.findings.push(at(
                    self.source,
                    here,
                    "LAB022",
                    Severity::Warning,
                    message,
                    None,
                ));
            }
        }
    }
}

/// Whether a word stands in a line: letters of the same script do not touch it, so that
/// `pod` is not found in `podIP` nor `サービス` in a longer katakana word.
fn stands(line: &str, word: &str) -> bool {
    let kind = |c: char| match c {
        'ァ'..='ヿ' => 1,
        c if c.is_ascii_alphanumeric() || c == '-' || c == '/' || c == '.' => 2,
        _ => 0,
    };
    let touches = |edge: Option<char>, beside: Option<char>| {
        edge.zip(beside)
            .is_some_and(|(edge, beside)| kind(edge) != 0 && kind(edge) == kind(beside))
    };
    line.match_indices(word).any(|(i, found)| {
        let before = line[..i].chars().next_back();
        let mut behind = line[i + found.len()..].chars();
        let mut after = behind.next();
        // A full stop that ends a sentence does not belong to the word.
        if after == Some('.') && behind.next().is_none_or(|c| c == ' ') {
            after = None;
        }
        !touches(found.chars().next(), before) && !touches(found.chars().next_back(), after)
    })
}

/// The place of a line of a prose that begins somewhere.
fn within(place: Pos, text: &str, n: usize) -> Pos {
    // Only a block scalar has several lines; its text begins below its sign.
    if text.contains('\n') {
        Pos {
            line: place.line + 1 + n as u32,
            column: 1,
        }
    } else {
        place
    }
}

/// Prose with everything blank that is code, a hole or an address.
fn without_code(text: &str) -> String {
    let mut body = String::new();
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence || fenced {
            fenced ^= is_fence;
            body.push('\n');
            continue;
        }
        let mut code = false;
        let mut hole = false;
        let mut address = false;
        let mut last = ' ';
        for c in line.chars() {
            match c {
                '`' => code = !code,
                '(' if last == '@' => hole = true,
                '(' if last == ']' => address = true,
                ')' if hole || address => (hole, address) = (false, false),
                _ => {}
            }
            let hidden = (code || hole || c == '`') && c != '\n' || address && c != '(';
            body.push(if hidden { ' ' } else { c });
            last = c;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_only_where_it_stands_alone() {
        for (line, word, is) in [
            ("ポッドの一覧", "ポッド", true),
            ("スマートポッドキャスト", "ポッド", false),
            ("the pod runs", "pod", true),
            ("see pod.", "pod", true),
            ("podIP", "pod", false),
            ("pod/web", "pod", false),
            ("このサービスは", "サービス", true),
        ] {
            assert_eq!(stands(line, word), is, "{line}");
        }
    }

    #[test]
    fn code_and_holes_are_not_prose() {
        assert_eq!(
            without_code("a `pod` b @(pod) c").trim_end(),
            "a       b @    ) c"
        );
        assert_eq!(without_code("```\npod\n```\nx"), "\n\n\nx");
    }
}
