//! Lessons that are broken in one way each: one finding tells it, with its place and a remedy.

use lesson::{Glossary, Known, Term, lint_text};
use std::fmt::Write as _;

/// The broken lessons by their file's name.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own files; each is named by itself"
)]
fn broken() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken");
    let entries = std::fs::read_dir(folder).expect("the folder of broken lessons");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read_to_string(&path).expect("readable"))
        })
        .collect();
    files.sort();
    files
}

fn known() -> Known {
    let set = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    let pod = Term {
        en: "Pod".into(),
        ja: "Pod".into(),
        not_ja: vec!["ポッド".into()],
        ..Term::default()
    };
    Known {
        claims: set(&["K23", "K24"]),
        images: set(&["nginx", "busybox"]),
        lessons: set(&["broken"]),
        glossary: Some(Glossary {
            terms: vec![pod],
            ..Glossary::default()
        }),
    }
}

#[test]
fn each_broken_lesson_gives_one_finding_with_its_place_and_a_remedy() {
    let files = broken();
    assert!(files.len() >= 60, "{} broken lessons", files.len());
    let manifest = include_str!("../../src/scaffold/web.yaml");
    let mut told = String::new();
    let mut wrong = Vec::new();
    for (name, text) in &files {
        let mut beside = |path: &str| path.starts_with("files/").then(|| manifest.to_owned());
        let found = lint_text(name, text, &mut beside, &known()).1;
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# expect: "));
        let right = found.len() == 1 && Some(found[0].code) == expected && found[0].help.is_some();
        if !right {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{name} {expected:?}\n{}", lines.join("\n")));
        }
        for finding in found {
            let _ = writeln!(told, "{finding}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    insta::assert_snapshot!(told);
}
