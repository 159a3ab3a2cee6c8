//! The course as a whole: it holds, it proves itself, and it shows what the documents say.

use crate::lab::run;

/// Seeds that no lesson was written under.
const SEEDS: [&str; 3] = ["7", "1009", "65537"];

/// Every lesson of the shelf, as a shell would name them.
fn shelf() -> Vec<String> {
    let folder = crate::lab::root().join("labs");
    let entries = std::fs::read_dir(folder).expect("the shelf is there");
    let names = entries.map(|entry| entry.expect("readable").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(".yaml"))
        .map(|name| format!("labs/{name}"))
        .collect();
    files.sort();
    files
}

fn play(options: &[&str]) -> crate::lab::Ran {
    let files = shelf();
    let mut args = vec!["run", "--format", "json"];
    args.extend(options);
    args.extend(files.iter().map(String::as_str));
    run(&args)
}

#[test]
fn the_whole_course_holds_and_is_the_same_to_the_byte_when_it_is_played_again() {
    let first = play(&[]);
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    let again = play(&["--jobs", "1"]);
    assert!(first.stdout == again.stdout, "two runs differ");
}

#[test]
fn the_whole_course_holds_under_seeds_that_nobody_wrote_it_for() {
    for seed in SEEDS {
        let ran = play(&["--seed", seed]);
        assert_eq!(
            ran.code,
            Some(0),
            "seed {seed}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn the_files_of_the_course_have_no_findings_and_their_usual_form() {
    for args in [&["lint"][..], &["fmt", "--check"]] {
        let ran = run(args);
        assert_eq!(ran.code, Some(0), "{args:?}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn every_statement_and_every_command_line_of_the_documents_is_in_the_course() {
    let ran = run(&["coverage"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    for line in ["claims shown: 190 of 190", "command lines typed: 76 of 76"] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
}

#[test]
fn every_lesson_proves_itself() {
    let ran = run(&["lint", "--prove", "labs"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}
