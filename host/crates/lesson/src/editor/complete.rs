//! What could stand where the cursor is. Never says what should.

use super::Around;
use super::place::{Place, Slot};
use crate::format::{self, Block, Field, Type, value};
use crate::lab::{Lang, Pos};
use crate::like::HoleType;
use regex::Regex;
use std::collections::BTreeSet;

/// Something that could be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown.
    pub label: String,
    /// What is typed; a snippet may have `${1:…}`.
    pub insert: String,
    /// In a few words.
    pub detail: String,
    /// In sentences.
    pub doc: String,
    /// What it is.
    pub kind: CompletionKind,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A key of the format.
    Key,
    /// A word or name.
    Value,
    /// A whole piece of text with places to fill in.
    Snippet,
}

/// Everything that could stand at a place of a text, most likely first.
#[must_use]
pub fn complete(text: &str, at: Pos, around: &Around, lang: Lang) -> Vec<Completion> {
    if let Some(typed) = hole(text, at) {
        return holes(text, &typed);
    }
    let place = Place::of(text, at);
    let Some(slot) = place.slot(text) else {
        return if text.contains("apiVersion: lab/") {
            Vec::new()
        } else {
            manifest(&place)
        };
    };
    let mut found = match slot {
        Slot::Key(blocks) => keys(&blocks, &place, lang),
        Slot::Value(ty) => values(&ty, text, at, &place, around),
    };
    let typed = place.typed.trim_start_matches(['"', '\'']);
    found.retain(|completion| completion.label.starts_with(typed));
    found
}

/// What has been typed behind `@(`, if the cursor stands there.
fn hole(text: &str, at: Pos) -> Option<String> {
    let line = text.lines().nth(at.line as usize - 1)?;
    let before: String = line.chars().take(at.column as usize - 1).collect();
    let start = before.rfind("@(")?;
    let typed = &before[start + 2..];
    (!typed.contains(')')).then(|| typed.to_owned())
}

fn word(label: &str, detail: &str) -> Completion {
    Completion {
        label: label.to_owned(),
        insert: label.to_owned(),
        detail: detail.to_owned(),
        doc: String::new(),
        kind: CompletionKind::Value,
    }
}

/// Captures and parameters of the text, and types of holes.
fn holes(text: &str, typed: &str) -> Vec<Completion> {
    let names = names(text, r"@\([a-z*]+ as ([A-Za-z][A-Za-z0-9_]*)\)");
    let params = names_below(text, "params");
    let mut found: Vec<Completion> = names.iter().map(|name| word(name, "a capture")).collect();
    found.extend(params.iter().map(|name| word(name, "a parameter")));
    found.extend(
        HoleType::ALL
            .iter()
            .map(|(name, _)| word(name, "a type of hole")),
    );
    found.retain(|completion| completion.label.starts_with(typed.trim_start()));
    found
}

/// What a pattern's first group finds, each once, in the order of the text.
pub(super) fn names(text: &str, pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).expect("a fixed pattern");
    let mut seen = BTreeSet::new();
    let found = pattern
        .captures_iter(text)
        .filter_map(|hit| Some(hit.get(1)?.as_str().to_owned()));
    found.filter(|name| seen.insert(name.clone())).collect()
}

/// The keys right below a key at the top.
fn names_below(text: &str, key: &str) -> Vec<String> {
    let mut below = text
        .lines()
        .skip_while(|line| line.trim_end() != format!("{key}:"));
    below.next();
    let block = below.take_while(|line| line.starts_with(' ') || line.is_empty());
    let keys = block.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    keys.filter_map(|line| Some(line.trim().split_once(':')?.0.to_owned()))
        .collect()
}

fn keys(blocks: &[&'static Block], place: &Place, lang: Lang) -> Vec<Completion> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for block in blocks {
        // Once there is a subject or a mode, there is none to choose any more.
        let taken: Vec<&str> = block
            .exactly_one
            .iter()
            .chain(block.at_most_one)
            .map(|names| names())
            .filter(|names| {
                names
                    .iter()
                    .any(|name| place.beside.iter().any(|key| key == name))
            })
            .flatten()
            .collect();
        for field in block.fields() {
            let here =
                place.beside.iter().any(|key| key == field.name) || taken.contains(&field.name);
            if !here && seen.insert(field.name) {
                found.push(key(field, lang));
            }
        }
    }
    // What must be there comes first.
    found.sort_by_key(|(required, _)| !required);
    found
        .into_iter()
        .map(|(_, completion)| completion)
        .collect()
}

fn key(field: &Field, lang: Lang) -> (bool, Completion) {
    let completion = Completion {
        label: field.name.to_owned(),
        insert: format!("{}: ", field.name),
        detail: value(&field.ty).replace('`', ""),
        doc: field.doc(lang).to_owned(),
        kind: CompletionKind::Key,
    };
    (field.required, completion)
}

fn values(ty: &Type, text: &str, at: Pos, place: &Place, around: &Around) -> Vec<Completion> {
    let words = |names: Vec<String>, detail: &str| {
        names
            .iter()
            .map(|name| word(name, detail))
            .collect::<Vec<_>>()
    };
    match ty {
        Type::List(item) | Type::Some(item) => values(item, text, at, place, around),
        Type::Words(_) | Type::Names(_) | Type::Const(_) | Type::Bool | Type::True => {
            ty.words().into_iter().map(|name| word(name, "")).collect()
        }
        Type::Claim => around
            .claims
            .iter()
            .flat_map(|registry| &registry.claims)
            .map(claim)
            .collect(),
        Type::Image => around
            .images
            .iter()
            .map(|image| word(image, "an image"))
            .collect(),
        Type::Beside => around
            .files
            .iter()
            .map(|file| word(file, "a file beside the lesson"))
            .collect(),
        Type::File => words(
            names(text, r"\bpath: *([^\s,}]+)"),
            "a file of the environment",
        ),
        Type::Check => words(ids_around(text, at), "a check"),
        Type::Duration => ["30s", "1m", "5m", "1h"]
            .map(|text| word(text, "virtual time"))
            .into(),
        Type::Place => places(text),
        Type::Id if place.value_of.as_deref() == Some("of") => words(
            names(
                text,
                r"\bid: *([a-z][a-z0-9-]*),? *(?:\n *(?:in: .*\n *)?)?run:",
            ),
            "a command",
        ),
        Type::Id if place.value_of.as_deref() == Some("heal") => words(
            names(text, r"fault: *\{ *id: *([a-z][a-z0-9-]*)"),
            "a fault",
        ),
        Type::Id
            if matches!(
                place.value_of.as_deref(),
                Some("requires" | "lessons" | "continue_from")
            ) =>
        {
            around
                .lessons
                .iter()
                .map(|lesson| word(lesson, "a lesson"))
                .collect()
        }
        Type::Matcher => keys(&[&format::OPERATORS], &Place::default(), Lang::En)
            .into_iter()
            .map(|key| Completion {
                insert: format!("{{ {}}}", key.insert),
                ..key
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn claim(claim: &crate::registry::Claim) -> Completion {
    Completion {
        doc: claim.shown.clone().unwrap_or_default(),
        ..word(&claim.id, &claim.statement)
    }
}

fn places(text: &str) -> Vec<Completion> {
    let mut found: Vec<Completion> = ["workstation", "control-plane", "internet"]
        .map(|name| word(name, "a place"))
        .into();
    let nodes = names(text, r"\{ *name: *([a-z][a-z0-9-]*)");
    found.extend(
        nodes
            .iter()
            .map(|node| word(&format!("node/{node}"), "a node")),
    );
    let pods = names(text, r"\b((?:pod|deploy|host|node)/[A-Za-z0-9=./-]+)");
    found.extend(pods.iter().map(|pod| word(pod, "a place of this lesson")));
    found.dedup();
    found
}

/// The ids of the list of checks or assertions around a place: those of the same task, or step.
fn ids_around(text: &str, at: Pos) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let row = (at.line as usize - 1).min(lines.len().saturating_sub(1));
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    // Tasks and steps begin at the first level of lists.
    let begins = |line: &str| line.starts_with("  - ") || line.starts_with("- ");
    let from = lines[..=row]
        .iter()
        .rposition(|line| begins(line))
        .unwrap_or(0);
    let to = lines
        .iter()
        .skip(row + 1)
        .position(|line| begins(line) || !line.is_empty() && indent(line) == 0);
    let to = to.map_or(lines.len(), |n| row + 1 + n);
    let mut wanted = false;
    let mut level = 0;
    let mut body = String::new();
    for line in &lines[from..to] {
        let text = line.trim_start().trim_start_matches("- ");
        if text.starts_with("then:") || text.starts_with("checks:") {
            wanted = true;
            level = indent(line);
        } else if wanted
            && indent(line) <= level
            && !line.trim().is_empty()
            && !line.trim_start().starts_with('-')
        {
            wanted = false;
        }
        if wanted {
            body.push_str(line);
            body.push('\n');
        }
    }
    names(&body, r"(?:^|[-{] *)id: *([a-z][a-z0-9-]*)")
}

/// Pieces of manifests, for files of Kubernetes' own.
fn manifest(place: &Place) -> Vec<Completion> {
    if !place.path.is_empty()
        || place.value_of.is_some()
        || !"service".starts_with(place.typed.trim())
    {
        return Vec::new();
    }
    vec![Completion {
        label: "service".into(),
        insert: SERVICE.into(),
        detail: "a Service".into(),
        doc: String::new(),
        kind: CompletionKind::Snippet,
    }]
}

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: ${1:name}
spec:
  selector:
    app: ${2:app}
  ports:
  - port: ${3:80}
    targetPort: ${4:80}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Claim, Claims};

    /// What is offered where `|` stands in a text.
    fn offered(text: &str) -> Vec<String> {
        let i = text.find('|').expect("a cursor");
        let before = &text[..i];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count() as u32
            + 1;
        let around = Around {
            claims: Some(Claims {
                claims: ["K23", "K24"]
                    .map(|id| Claim {
                        id: id.into(),
                        ..Claim::default()
                    })
                    .into(),
                ..Claims::default()
            }),
            images: ["nginx", "busybox"].map(str::to_owned).into(),
            files: ["files/web.yml"].map(str::to_owned).into(),
            lessons: ["pods"].map(str::to_owned).into(),
        };
        let text = text.replacen('|', "", 1);
        let found = complete(&text, Pos { line, column }, &around, Lang::En);
        found
            .into_iter()
            .map(|completion| completion.label)
            .collect()
    }

    const HEAD: &str = "apiVersion: lab/v1alpha1\nkind: Lab\n";

    #[test]
    fn keys_are_offered_where_the_text_is_not_yaml_yet() {
        let metadata = offered(&format!(
            "{HEAD}metadata:\n  id: t\n  ti|\nsteps:\n  - id: [\n"
        ));
        assert_eq!(metadata, ["title"]);
        let top = offered(&format!("{HEAD}|"));
        assert_eq!(top[..2], ["metadata", "steps"]);
        let item = offered(&format!(
            "{HEAD}steps:\n  - id: a\n    do:\n      - run: x\n        |"
        ));
        assert!(
            item.contains(&"like".to_owned()) && !item.contains(&"write".to_owned()),
            "{item:?}"
        );
        let verbs = offered(&format!("{HEAD}steps:\n  - id: a\n    do:\n      - |"));
        assert!(
            verbs.contains(&"run".to_owned()) && verbs.contains(&"heal".to_owned()),
            "{verbs:?}"
        );
    }

    #[test]
    fn values_are_offered_by_their_type_in_blocks_and_in_braces() {
        let then = format!("{HEAD}steps:\n  - id: a\n    then:\n      - ");
        assert_eq!(
            offered(&format!("{then}tcp: {{ from: workstation, is: |")),
            ["open", "refused", "timeout", "unreachable"]
        );
        assert_eq!(
            offered(&format!("{then}tcp: {{ from: workstation, |")),
            ["to", "is"]
        );
        assert_eq!(
            offered(&format!("{HEAD}environment:\n  images: [nginx, b|")),
            ["busybox"]
        );
        assert_eq!(
            offered(&format!("{HEAD}environment:\n  platform: mini|")),
            ["minikube-docker", "minikube-hyperkit"]
        );
        assert_eq!(
            offered(&format!(
                "{HEAD}environment:\n  files:\n    - {{ path: x, from: |"
            )),
            ["files/web.yml"]
        );
        assert_eq!(
            offered(&format!("{HEAD}steps:\n  - id: a\n    covers: [K24, K2|")),
            ["K23", "K24"]
        );
        assert_eq!(
            offered(&format!("{HEAD}metadata:\n  requires: [|]\n")),
            ["pods"]
        );
    }

    #[test]
    fn one_subject_and_one_mode_are_enough() {
        let text = format!(
            "{HEAD}steps:\n  - id: a\n    then:\n      - tcp: {{}}\n        never: 3s\n        |"
        );
        let found = offered(&text);
        assert!(found.contains(&"else".to_owned()), "{found:?}");
        for taken in ["tcp", "http", "never", "always"] {
            assert!(!found.contains(&taken.to_owned()), "{taken}: {found:?}");
        }
    }

    #[test]
    fn needs_offers_the_checks_of_the_same_task_and_a_hole_what_is_captured() {
        let text = format!(
            "{HEAD}params:\n  port: {{ kind: int, default: 1 }}\nsteps:\n  - id: a\n    do:\n      - run: x\n        like: |2\n          @(ip as podIP)\ntasks:\n  - id: one\n    checks:\n      - id: there\n        resource: {{ ref: pod }}\n      - {{ id: answers, needs: [^] }}\n  - id: two\n    checks:\n      - id: other\n"
        );
        let text = text.replace("|2", ">");
        assert_eq!(offered(&text.replace('^', "|")), ["there", "answers"]);
        assert_eq!(
            offered(&text.replace("ref: pod", "ref: pod/@(p|").replace('^', "")),
            ["podIP", "port", "port"]
        );
    }

    #[test]
    fn a_manifest_begins_with_the_service_snippet() {
        assert_eq!(offered("serv|"), ["service"]);
        assert!(SERVICE.contains("kind: Service"));
        assert_eq!(
            offered("apiVersion: v1\nkind: Pod\nspec:\n  serv|"),
            Vec::<String>::new()
        );
    }
}
