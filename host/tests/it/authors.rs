//! What authors of lessons use: lint, new, fmt, export, coverage. What exactly is found is
//! `lesson`'s to test.

use crate::lab::{folder, lessons, run};
use std::fs;
use std::path::Path;

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_new_lesson_proves_itself_and_a_wrong_mutant_does_not() {
    let shelf = folder("new-lesson");
    let made = run(&["new", "my-lesson", "--dir", text(&shelf)]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let again = run(&["new", "my-lesson", "--dir", text(&shelf)]);
    assert!(again.stderr.contains("there already"), "{}", again.stderr);
    let file = shelf.join("my-lesson.yaml");
    let proved = run(&["lint", "--prove", text(&file)]);
    assert_eq!(proved.code, Some(0), "{}{}", proved.stdout, proved.stderr);
    let lesson = fs::read_to_string(&file).expect("just written");
    let wrong = lesson.replace("{app: wep}", "{app: web}");
    fs::write(&file, wrong).expect("writable");
    let refuted = run(&["lint", "--prove", "--lang", "en", text(&file)]);
    assert_eq!(refuted.code, Some(1), "{}", refuted.stdout);
    assert!(
        refuted.stdout.contains("LAB090") && refuted.stdout.contains("wrong-label"),
        "{}",
        refuted.stdout
    );
}

#[test]
fn findings_come_with_a_code_to_exit_by_and_in_every_format() {
    let shelf = lessons("lint-formats");
    let file = shelf.join("03-service.yaml");
    let good = fs::read_to_string(&file).expect("shipped");
    fs::write(
        &file,
        good.replace("gate: then", "gaet: then")
            .replace("  level: core\n", "  levle: core\n"),
    )
    .expect("writable");
    let human = run(&["lint", "--lang", "en", text(&file)]);
    assert_eq!(human.code, Some(1), "{}", human.stderr);
    assert!(
        human.stdout.contains("did you mean `level`?"),
        "{}",
        human.stdout
    );
    let json = run(&["lint", "--format", "json", text(&file)]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["code"], "LAB003");
    let sarif = run(&["lint", "--format", "sarif", text(&file)]).stdout;
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "LAB003");
    let index = result["ruleIndex"].as_u64().expect("an index") as usize;
    assert_eq!(
        sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"],
        "LAB003"
    );
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert!(region["startLine"].as_u64() > Some(1), "{region}");
    let github = run(&["lint", "--format", "github", text(&file)]).stdout;
    assert!(github.starts_with("::error file="), "{github}");
    assert_eq!(run(&["lint", "no-such-file.yaml"]).code, Some(2));
}

#[test]
fn fix_mends_what_it_can_and_keeps_comments() {
    let shelf = folder("fix");
    run(&["new", "my-lesson", "--dir", text(&shelf)]);
    let file = shelf.join("my-lesson.yaml");
    let good = fs::read_to_string(&file).expect("just written");
    let bad = good
        .replace("ja: \"新しい教材\"", "ja: 新しい教材")
        .replace("  minutes: 10\n", "");
    let bad = bad.replace("  level: intro\n", "  level: intro # easy\n  minutes: 10\n");
    fs::write(&file, bad).expect("writable");
    let fixed = run(&["lint", "--fix", text(&file)]);
    assert_eq!(fixed.code, Some(0), "{}", fixed.stdout);
    let text = fs::read_to_string(&file).expect("still there");
    assert_eq!(
        text,
        good.replace("  level: intro\n", "  level: intro # easy\n")
    );
}

#[test]
fn a_handout_shows_what_a_run_printed_and_needs_no_other_file() {
    let page = run(&[
        "export",
        "--handout",
        "html",
        "--lang",
        "both",
        "labs/06-names.yaml",
    ]);
    assert_eq!(page.code, Some(0), "{}", page.stderr);
    for part in [
        "<main lang=\"ja\">",
        "<main lang=\"en\">",
        "service/web created",
        "@media print",
    ] {
        assert!(page.stdout.contains(part), "{part}");
    }
    for outside in ["<script", "<link", "src=\"http", "@import"] {
        assert!(!page.stdout.contains(outside), "{outside}");
    }
}

#[test]
fn coverage_counts_what_was_played_and_tells_what_was_not() {
    let args = ["coverage", "--format", "json", "labs/06-names.yaml"];
    let played = run(&args);
    assert_eq!(played.code, Some(1), "one lesson does not show everything");
    let value: serde_json::Value = serde_json::from_str(&played.stdout).expect("JSON");
    let state = |value: &serde_json::Value, id: &str| {
        let rows = value["claims"].as_array().expect("claims").iter();
        let row = rows
            .chain(value["commands"].as_array().expect("lines"))
            .find(|row| row["id"] == id);
        row.expect("registered")["state"].clone()
    };
    assert_eq!(state(&value, "U10"), "shown");
    assert_eq!(state(&value, "K23"), "orphan");
    let read = run(&[
        "coverage",
        "--no-play",
        "--format",
        "json",
        "labs/06-names.yaml",
    ]);
    let value: serde_json::Value = serde_json::from_str(&read.stdout).expect("JSON");
    assert_eq!(state(&value, "U10"), "unplayed");
}

#[test]
fn a_rule_is_explained_in_both_languages() {
    let english = run(&["explain", "lab012", "--lang", "en"]);
    let japanese = run(&["explain", "LAB012", "--lang", "ja"]);
    assert!(
        english.stdout.contains("two subjects"),
        "{}",
        english.stdout
    );
    assert!(japanese.stdout.contains("対象"), "{}", japanese.stdout);
    assert!(run(&["explain", "LAB999"]).stderr.contains("hint:"));
}
