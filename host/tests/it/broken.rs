//! Bad input of every kind: a place, a cause, an exit code, and nothing else lost.

use crate::lab::{folder, lessons, run};

/// Writes a lesson and plays it.
fn play(name: &str, text: &str) -> crate::lab::Ran {
    let file = folder(name).join("lesson.yaml");
    std::fs::write(&file, text).expect("writable");
    run(&["run", file.to_str().expect("a plain path")])
}

#[test]
fn a_lesson_that_is_no_yaml_is_invalid_at_a_line() {
    let ran = play("no-yaml", "apiVersion: lab/v1alpha1\nkind: [Lab\n");
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("lesson.yaml:"), "{}", ran.stderr);
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let folder = lessons("unknown-field");
    let file = folder.join("06-names.yaml");
    let lesson = std::fs::read_to_string(&file).expect("shipped");
    std::fs::write(&file, lesson.replacen("\nsteps:", "\nstepz: []\nsteps:", 1)).expect("writable");
    let ran = run(&["run", file.to_str().expect("a plain path")]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("stepz") && ran.stderr.contains("06-names.yaml:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_missing_lesson_is_invalid_and_the_others_are_still_played() {
    let ran = run(&["run", "labs/none.yaml", "labs/06-names.yaml"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("labs/none.yaml"), "{}", ran.stderr);
}

#[test]
fn a_broken_manifest_fails_the_lesson_in_kubectls_words() {
    let folder = lessons("broken-manifest");
    let file = folder.join("files/run-my-nginx.yaml");
    std::fs::write(&file, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: my-nginx\nspec:\n  replicaz: 2\n").expect("writable");
    let lesson = folder.join("03-service.yaml");
    let ran = run(&["run", lesson.to_str().expect("a plain path")]);
    assert!(
        matches!(ran.code, Some(1 | 3)),
        "{:?}\n{}{}",
        ran.code,
        ran.stdout,
        ran.stderr
    );
    assert!(
        ran.stdout.contains("replicaz") || ran.stderr.contains("replicaz"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}
