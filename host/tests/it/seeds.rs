//! Every command line of the five documents that the course is made of, typed at a terminal of
//! the lab as it stands there. Never knows what a command does: the transcripts in `seeds/` say
//! what a learner sees.
//!
//! ```text
//! args: what `lab sh` is started with
//! type: a line that is typed
//! seed: the command as the document has it, when names of Pods and addresses had to be put in
//! see: text that appears after what was seen before, `*` being anything within a line
//! ```

use super::sh::{plain, sh};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A transcript: what is typed and what is seen, in order.
struct Transcript {
    args: Vec<String>,
    steps: Vec<Step>,
}

enum Step {
    Type(String),
    See(String),
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds")
}

fn read(name: &str) -> Transcript {
    let path = folder().join(name);
    let text = fs::read_to_string(&path).expect("the transcript is there");
    let mut transcript = Transcript {
        args: Vec::new(),
        steps: Vec::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line
            .split_once(": ")
            .unwrap_or((line.trim_end_matches(':'), ""))
        {
            ("args", rest) => transcript.args = rest.split(' ').map(str::to_owned).collect(),
            ("type", rest) => transcript.steps.push(Step::Type(rest.to_owned())),
            ("see", rest) => transcript.steps.push(Step::See(rest.to_owned())),
            ("seed" | "", _) => {}
            _ => panic!("{name}: what is {line:?}?"),
        }
    }
    transcript
}

#[track_caller]
fn play(name: &str) {
    let transcript = read(name);
    let typed = transcript.steps.iter().filter_map(|step| match step {
        Step::Type(line) => Some(format!("{line}\n")),
        Step::See(_) => None,
    });
    let mut args: Vec<&str> = transcript.args.iter().map(String::as_str).collect();
    args.push("--keys");
    let ran = sh(&args, &typed.collect::<String>());
    let screen = plain(&ran.stdout);
    let mut rest = screen.as_str();
    let mut last = "the beginning";
    for step in &transcript.steps {
        let Step::See(text) = step else { continue };
        let Some(at) = find(rest, text) else {
            panic!(
                "{name}: after {last:?} there is no {text:?} in\n{rest}\n{}",
                ran.stderr
            );
        };
        rest = &rest[at..];
        last = text;
    }
}

/// Where the first line that holds the parts of `pattern` in order goes on after them.
fn find(text: &str, pattern: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        let all = pattern.split('*').all(|part| {
            let found = line[at..].find(part);
            at += found.map_or(0, |found| found + part.len());
            found.is_some()
        });
        if all {
            return Some(start + at);
        }
        start += line.len();
    }
    None
}

#[test]
fn connecting_applications_over_http() {
    play("service.txt");
}

#[test]
fn connecting_applications_over_https_with_make() {
    play("https-make.txt");
}

#[test]
fn connecting_applications_over_https_by_hand() {
    play("https-openssl.txt");
}

#[test]
fn exposing_to_the_internet() {
    play("cloud.txt");
}

#[test]
fn the_workshop_on_eks() {
    play("eks.txt");
}

#[test]
fn the_course_on_minikube() {
    play("minikube.txt");
}

#[test]
fn the_course_on_docker_desktop() {
    play("docker-desktop.txt");
}

#[test]
fn every_command_of_the_documents_is_typed_somewhere() {
    let commands = fs::read_to_string(folder().join("commands.lst")).expect("it is there");
    let wanted: BTreeSet<&str> = commands
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(wanted.len() > 70, "the list has become short");
    let mut typed = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("it is there") {
        let path = entry.expect("readable").path();
        if path.extension().is_some_and(|end| end == "txt") {
            let text = fs::read_to_string(&path).expect("readable");
            for line in text.lines() {
                let command = line.strip_prefix("seed: ").or(line.strip_prefix("type: "));
                typed.extend(command.map(str::to_owned));
            }
        }
    }
    let missing: Vec<_> = wanted
        .iter()
        .filter(|command| !typed.contains(**command))
        .collect();
    assert!(missing.is_empty(), "nobody types {missing:#?}");
}
