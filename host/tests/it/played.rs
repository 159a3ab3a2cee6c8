//! Small lessons, each for some forms of the format, played in a whole world.

use crate::lab::{Ran, folder, root, run};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder with these lessons and the files of the repository's lessons.
fn written(name: &str, lessons: &[(&str, &str)]) -> PathBuf {
    let folder = folder(name);
    let files = folder.join("files");
    fs::create_dir_all(&files).expect("writable");
    for entry in fs::read_dir(root().join("labs/files")).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            let target = files.join(path.file_name().expect("named"));
            fs::copy(&path, target).expect("writable");
        }
    }
    for (file, text) in lessons {
        fs::write(folder.join(file), text).expect("writable");
    }
    folder
}

fn play(folder: &Path, file: &str, more: &[&str]) -> Ran {
    let path = folder.join(file);
    let mut args = vec!["run", path.to_str().expect("a plain path")];
    args.extend(more);
    run(&args)
}

/// Plays a lesson that must hold, twice, and gives what it printed.
#[track_caller]
fn holds(name: &str, text: &str) -> String {
    let folder = written(name, &[("lesson.yaml", text)]);
    let first = play(&folder, "lesson.yaml", &[]);
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    let second = play(&folder, "lesson.yaml", &[]);
    assert_eq!(first.stdout, second.stdout, "two runs differ");
    first.stdout
}

#[test]
fn commands_of_a_machine_share_a_shell_and_terminals_are_shells_of_their_own() {
    holds("sessions", include_str!("played/sessions.yaml"));
}

#[test]
fn a_program_that_was_started_to_be_talked_to_takes_what_is_typed_until_it_ends() {
    holds("inside", include_str!("played/inside.yaml"));
}

#[test]
fn a_command_in_the_background_serves_until_a_key_ends_it() {
    let said = holds("background", include_str!("played/background.yaml"));
    assert!(said.contains("200 Welcome to nginx!"), "{said}");
}

#[test]
fn an_object_is_edited_by_kubectl_and_files_are_judged_where_they_lie() {
    let said = holds("edit", include_str!("played/edit.yaml"));
    assert!(said.contains("$ kubectl edit svc my-nginx"), "{said}");
}

#[test]
fn checks_over_https_judge_the_certificate_as_curl_does() {
    holds("https", include_str!("played/https.yaml"));
}

#[test]
fn a_lesson_begins_where_another_has_ended() {
    let folder = written(
        "continue",
        &[
            ("first.yaml", include_str!("played/first.yaml")),
            ("second.yaml", include_str!("played/second.yaml")),
        ],
    );
    let ran = play(&folder, "second.yaml", &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("before this one"), "{}", ran.stdout);
}

#[test]
fn a_lesson_that_would_begin_where_it_ends_is_refused() {
    let second = include_str!("played/second.yaml");
    let looped = include_str!("played/first.yaml")
        .replace("environment: {", "environment: { continue_from: second,");
    let folder = written("cycle", &[("first.yaml", &looped), ("second.yaml", second)]);
    let ran = play(&folder, "second.yaml", &[]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("would begin where it ends"),
        "{}",
        ran.stderr
    );
    let alone = written("alone", &[("second.yaml", second)]);
    let ran = play(&alone, "second.yaml", &[]);
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.stderr.contains("LAB040") && ran.stderr.contains("no lesson `first`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn each_student_has_a_port_of_their_own() {
    let folder = written(
        "student",
        &[("lesson.yaml", include_str!("played/first.yaml"))],
    );
    fs::write(folder.join("key"), "a course\n").expect("writable");
    let key = folder.join("key");
    let of = |student: &str| {
        let key = key.to_str().expect("a plain path");
        let ran = play(
            &folder,
            "lesson.yaml",
            &["--student", student, "--course-key-file", key],
        );
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let anna = of("anna");
    assert_eq!(anna, of("anna"));
    assert_ne!(anna, of("boris"));
}

#[test]
fn reports_come_in_the_order_of_the_files_whoever_is_done_first() {
    let folder = written(
        "jobs",
        &[
            ("a.yaml", include_str!("played/sessions.yaml")),
            ("b.yaml", include_str!("played/first.yaml")),
        ],
    );
    let path = |file: &str| folder.join(file).to_str().expect("a plain path").to_owned();
    let (a, b) = (path("a.yaml"), path("b.yaml"));
    let one = run(&["run", "--jobs", "1", &a, &b, &a]);
    let many = run(&["run", "--jobs", "3", &a, &b, &a]);
    assert_eq!(one.code, Some(0), "{}{}", one.stdout, one.stderr);
    assert_eq!(one.stdout, many.stdout);
}

#[test]
fn what_a_platform_cannot_be_is_refused_by_name() {
    for (environment, words) in [
        (
            "{ hosts: [ { name: mars } ] }",
            "mars is not on the platform plain",
        ),
        (
            "{ platform: docker-hosts, hosts: [ { name: host-a, tools: [telepathy] } ] }",
            "there is no telepathy on host-a",
        ),
        (
            "{ network: { node_cidr: 10.0.0.0/24 } }",
            "node_cidr: 10.0.0.0/24 is not in this lab",
        ),
        (
            "{ network: { node_port_range: 1-2 } }",
            "node_port_range: 1-2 is not in this lab",
        ),
        (
            "{ platform: gke, network: { load_balancer: none } }",
            "none is not in this lab on gke, which has ip",
        ),
        (
            "{ nodes: [ { name: a, cpu: \"64\" } ] }",
            "cpu of a is not in this lab",
        ),
    ] {
        let text = format!(
            "apiVersion: lab/v1alpha1\nkind: Lab\nmetadata: {{ id: t, title: t, languages: [ja, en] }}\nenvironment: {environment}\nsteps: [ {{ id: s, title: s, text: s }} ]\n"
        );
        let folder = written("refused", &[("lesson.yaml", &text)]);
        let ran = play(&folder, "lesson.yaml", &[]);
        assert_eq!(
            ran.code,
            Some(3),
            "{environment}: {}{}",
            ran.stdout,
            ran.stderr
        );
        assert!(ran.stderr.contains(words), "{environment}: {}", ran.stderr);
    }
}
