//! The guests' own cases once more, inside the lab: what the real program answers on Debian, ours
//! answers as a component in a container. Never repeats why a case differs; the guests' tests do.

use super::sh::sh;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use trial::{Case, Outcome, Workplace, cases, installed};

/// Cases whose answer depends on the machine: they hold natively, where both sides share one.
const OF_THE_MACHINE: &[(&str, &str)] = &[];

#[test]
fn the_shell_answers_inside_the_lab_as_busybox_does_on_debian() {
    check(&files("sh"));
}

#[test]
fn the_applets_answer_inside_the_lab_as_busybox_does_on_debian() {
    check(&files("applet"));
}

/// The case files of guest-box whose names begin with this.
fn files(prefix: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-box/tests/cases");
    let entries = fs::read_dir(folder).expect("the cases are there");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let wanted = |path: &&std::path::PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
    };
    let texts = paths.iter().filter(wanted);
    texts
        .map(|path| fs::read_to_string(path).expect("readable"))
        .collect()
}

#[track_caller]
fn check(files: &[String]) {
    let busybox = installed("busybox", "busybox");
    let list = std::process::Command::new(&busybox)
        .arg("--list")
        .output()
        .expect("busybox starts");
    let names = String::from_utf8_lossy(&list.stdout).into_owned();
    // What Debian leaves out of its busybox.
    let others = ["comm", "split"].map(|name| (name, installed(name, "coreutils")));
    let others = others.iter().map(|(name, path)| (*name, path.as_path()));
    let names = names.lines().map(|name| (name, busybox.as_path()));
    let real = Workplace::new(others.chain(names));
    let all: Vec<Case> = files.iter().flat_map(|text| cases(text)).collect();
    let all: Vec<Case> = all
        .into_iter()
        .filter(|case| case.differs.is_none())
        .filter(|case| OF_THE_MACHINE.iter().all(|(name, _)| *name != case.name))
        .collect();
    let mut findings = Vec::new();
    for (case, got) in all.iter().zip(inside(&all)) {
        let expected = real.run(&case.script);
        if !trial::same(case, &expected, &got) {
            findings.push(format!(
                "{}:\n{}--- on Debian: {expected:#?}\n--- in the lab: {got:#?}",
                case.name, case.script
            ));
        }
    }
    assert!(
        findings.is_empty(),
        "{} of {} cases:\n\n{}",
        findings.len(),
        all.len(),
        findings.join("\n\n")
    );
}

/// Runs every case in one lab, each in an empty `/work`.
fn inside(cases: &[Case]) -> Vec<Outcome> {
    let mut script = String::new();
    for case in cases {
        write!(
            script,
            "rm -rf /work; mkdir /work; cd /work; cat > /tmp/case <<'@@CASE'\n{}@@CASE\n\
             case=$(cat /tmp/case; printf .)\n\
             timeout 10 env -i PATH=/bin HOME=/root LC_ALL=C sh -c \"${{case%.}}\" </dev/null >/tmp/out 2>/tmp/err\n\
             code=$?; echo @@OUT; cat /tmp/out; echo @@ERR; cat /tmp/err; echo @@CODE $code\n",
            case.script
        )
        .expect("text grows");
    }
    let ran = sh(&[], &script);
    let outcomes: Vec<Outcome> = ran.stdout.split("@@OUT\n").skip(1).map(outcome).collect();
    assert_eq!(outcomes.len(), cases.len(), "{}", ran.stderr);
    outcomes
}

fn outcome(block: &str) -> Outcome {
    let (stdout, rest) = block.split_once("@@ERR\n").expect("the errors follow");
    let (stderr, code) = rest.split_once("@@CODE ").expect("the code follows");
    Outcome {
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        code: code.trim().parse().expect("a number"),
    }
}
