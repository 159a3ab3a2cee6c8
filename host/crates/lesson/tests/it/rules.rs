//! The table of rules is true: every bad example breaks its own rule and no other, every good
//! one breaks none, and the page is that of the table.

use lesson::{Glossary, Known, RULES, Rule, Slot, Term, lint_text};
use std::collections::BTreeSet;

/// A lesson in which one place is left to the example.
fn lesson(slot: Slot, example: &str) -> String {
    let at = |wanted: Slot, usual: &str, indent: usize| {
        let text = if slot == wanted { example } else { usual };
        let blank = " ".repeat(indent);
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| format!("{blank}{line}\n"))
            .collect::<String>()
    };
    let under = |key: &str, text: String| {
        if text.is_empty() {
            text
        } else {
            format!("{key}:\n{text}")
        }
    };
    let mut steps = String::from("  - id: look\n");
    let usual = "title: { ja: \"一覧\", en: \"The list\" }\ntext: { ja: \"動いています。\", en: \"They run.\" }";
    steps.push_str(&at(Slot::Step, usual, 4));
    steps.push_str(&under(
        "    do",
        at(Slot::Do, "- { id: look, run: kubectl get pods }", 6),
    ));
    steps.push_str(&under("    then", at(Slot::Then, "", 6)));
    steps.push_str(&under("    quiz", at(Slot::Quiz, "", 6)));
    format!(
        "{}metadata: {{ id: t, title: {{ ja: \"題\", en: \"Title\" }}, languages: [ja, en] }}\n{}environment:\n{}steps:\n{steps}{}",
        at(Slot::Head, "apiVersion: lab/v1alpha1\nkind: Lab", 0),
        at(Slot::Top, "", 0),
        at(
            Slot::Environment,
            "files: [{ path: web.yml, from: files/web.yml }]",
            2
        ),
        under("tasks", at(Slot::Tasks, "", 2)),
    )
}

fn known() -> Known {
    let set = |words: &[&str]| {
        Some(
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<BTreeSet<_>>(),
        )
    };
    Known {
        claims: set(&["K01", "K02"]),
        images: set(&["nginx", "busybox"]),
        lessons: set(&["t"]),
        glossary: Some(Glossary {
            terms: vec![Term {
                en: "Pod".into(),
                ja: "Pod".into(),
                not_ja: vec!["ポッド".into()],
                ..Term::default()
            }],
            ..Glossary::default()
        }),
    }
}

fn findings(text: &str) -> Vec<lesson::Finding> {
    let mut beside = |path: &str| {
        path.starts_with("files/")
            .then(|| "kind: Service\n".to_owned())
    };
    lint_text("t.yaml", text, &mut beside, &known()).1
}

#[test]
fn every_bad_example_breaks_its_own_rule_alone_and_every_good_one_none() {
    let mut wrong = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.slot != Slot::Nowhere) {
        let bad = findings(&lesson(rule.slot, rule.bad));
        let own = |finding: &lesson::Finding| {
            (finding.code, finding.severity) == (rule.code, rule.severity)
        };
        if bad.is_empty() || !bad.iter().all(own) {
            wrong.push(format!("{} bad: {bad:#?}", rule.code));
        }
        let good = findings(&lesson(rule.slot, rule.good));
        if !good.is_empty() {
            wrong.push(format!("{} good: {good:#?}", rule.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_fix_promises_it_does() {
    for rule in RULES.iter().filter(|rule| rule.fixes) {
        let text = lesson(rule.slot, rule.bad);
        let found = findings(&text);
        assert!(
            found.iter().all(|finding| !finding.fix.is_empty()),
            "{}: {found:#?}",
            rule.code
        );
        let edits: Vec<_> = found.into_iter().flat_map(|finding| finding.fix).collect();
        let mended = lesson::apply_edits(&text, &edits);
        let left = findings(&mended);
        // A stub is not prose yet: it is found until somebody writes it.
        let expected = usize::from(rule.code == "LAB020");
        let same = left
            .iter()
            .filter(|finding| finding.code == rule.code)
            .count();
        assert_eq!(same, expected, "{}: {left:#?}\n{mended}", rule.code);
    }
}

#[test]
fn codes_are_unique_and_in_order_and_explained_in_both_languages() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    for rule in RULES {
        assert!(
            !rule.en.is_empty() && rule.why_en.ends_with('.'),
            "{}",
            rule.code
        );
        assert!(rule.why_ja.ends_with('。'), "{}", rule.code);
        assert_eq!(
            rule.slot == Slot::Nowhere,
            rule.bad.is_empty(),
            "{}",
            rule.code
        );
    }
    assert_eq!(Rule::find("lab012").map(|rule| rule.code), Some("LAB012"));
    insta::assert_snapshot!(Rule::find("LAB012").expect("a rule").card(lesson::Lang::Ja));
}

#[test]
fn the_page_of_rules_is_that_of_the_table() {
    let page = include_str!("../../../../../docs/lint.md");
    assert!(
        page == lesson::rules_page(),
        "docs/lint.md is old: run `lab explain --page`"
    );
}

#[test]
fn every_finding_of_the_crate_has_a_rule() {
    let sources = [
        include_str!("../../src/parse.rs"),
        include_str!("../../src/parse/environment.rs"),
        include_str!("../../src/parse/matcher.rs"),
        include_str!("../../src/parse/quiz.rs"),
        include_str!("../../src/parse/reader.rs"),
        include_str!("../../src/parse/registry.rs"),
        include_str!("../../src/parse/steps.rs"),
        include_str!("../../src/parse/subject.rs"),
        include_str!("../../src/parse/tasks.rs"),
        include_str!("../../src/lint/walk.rs"),
        include_str!("../../src/lint/raw.rs"),
        include_str!("../../src/lint/prose.rs"),
    ];
    for source in sources {
        for (i, _) in source.match_indices("\"LAB") {
            let code = &source[i + 1..i + 7];
            assert!(Rule::find(code).is_some(), "{code}");
        }
    }
}
