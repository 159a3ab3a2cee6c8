//! The shell and the applets as people use them: scripts with what busybox 1.35 said to them.
//!
//! `snippets.txt` was recorded from busybox ash and its applets; cases where this program means to
//! differ are not in it. Every script runs natively, in a directory of its own, with nothing in
//! `PATH` but this program under its many names.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const BOX: &str = env!("CARGO_BIN_EXE_guest-box");

/// A directory of programs and an empty one to work in; both go when this does.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("guest-box-{}-{name}", std::process::id()));
        fs::create_dir_all(root.join("bin")).expect("the temporary directory is writable");
        fs::create_dir_all(root.join("work")).expect("the temporary directory is writable");
        let list = Command::new(BOX)
            .arg("--list")
            .output()
            .expect("the program runs");
        for applet in String::from_utf8_lossy(&list.stdout).lines() {
            symlink(BOX, root.join("bin").join(applet)).expect("a new directory has no such name");
        }
        Self(root)
    }

    fn run(&self, script: &str) -> Output {
        let work = self.0.join("work");
        fs::remove_dir_all(&work).expect("the directory was made here");
        fs::create_dir_all(&work).expect("the directory was made here");
        Command::new(self.0.join("bin/sh"))
            .arg0("sh")
            .args(["-c", script])
            .env_clear()
            .env("PATH", self.0.join("bin"))
            .env("HOME", "/root")
            .current_dir(&work)
            .stdin(Stdio::null())
            .output()
            .expect("the shell runs")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn check(place: &Place, script: &str, out: &str) {
    let output = place.run(script);
    assert_eq!(String::from_utf8_lossy(&output.stdout), out, "{script}");
}

/// One recorded case.
struct Case<'a> {
    script: &'a str,
    out: &'a str,
    err: &'a str,
    exit: i32,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    text.split("### script\n")
        .skip(1)
        .map(|block| {
            let (script, rest) = block
                .split_once("\n### out\n")
                .expect("a script has output");
            let (out, rest) = rest
                .split_once("\n### err\n")
                .expect("output has errors behind it");
            let (err, exit) = rest
                .split_once("\n### exit ")
                .expect("a case ends with its code");
            let exit = exit.trim().parse().expect("a code is a number");
            Case {
                script,
                out,
                err,
                exit,
            }
        })
        .collect()
}

#[test]
fn scripts_behave_as_recorded_from_busybox() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snippets.txt");
    let text = fs::read_to_string(path).expect("the recordings are beside this file");
    let place = Place::new("recorded");
    let cases = cases(&text);
    assert!(cases.len() >= 120, "only {} cases were read", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let output = place.run(case.script);
        let out = String::from_utf8_lossy(&output.stdout);
        let err = String::from_utf8_lossy(&output.stderr);
        let exit = output.status.code().unwrap_or(-1);
        if out != case.out || err != case.err || exit != case.exit {
            wrong.push(format!(
                "{}\n  expected {:?} {:?} {}\n  got      {out:?} {err:?} {exit}",
                case.script, case.out, case.err, case.exit
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_script_on_standard_input_leaves_the_rest_to_read() {
    // busybox reads ahead here and loses the line; POSIX does not.
    let script = r#"printf 'read x\nthe line\necho "got $x"\n' | sh"#;
    check(&Place::new("stdin"), script, "got the line\n");
}

#[test]
fn two_loops_in_one_pipeline_run_beside_each_other() {
    // More than a pipe holds: it would never end if the stages ran one after another.
    let script = "for i in $(seq 1 20000); do echo line $i; done | while read a b; do [ $b = 20000 ] && echo $b; done";
    check(&Place::new("loops"), script, "20000\n");
}

#[test]
fn a_part_of_the_shell_in_the_background_knows_its_functions_and_variables() {
    let script = "x='a  b'; f() { echo \"$1 $x\"; }; { f here; } & wait; cat <<E & wait\n$x\nE";
    check(&Place::new("background"), script, "here a  b\na  b\n");
}

#[test]
fn a_substitution_takes_more_than_a_pipe_holds() {
    check(
        &Place::new("capture"),
        "x=$(seq 1 30000); echo ${#x}",
        "168893\n",
    );
}

#[test]
fn unknown_options_are_refused_with_the_usage() {
    let place = Place::new("usage");
    let output = place.run("ls --nope");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        err.starts_with("ls: unrecognized option '--nope'\nBusyBox v1.35.0"),
        "{err}"
    );
    assert!(err.contains("\nUsage: ls "), "{err}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_applet_explains_itself() {
    let place = Place::new("help");
    let list = Command::new(BOX)
        .arg("--list")
        .output()
        .expect("the program runs");
    let own_help = [
        "[", "[[", "test", "echo", "true", "false", "printf", "expr", "kill", "sh", "ash",
        "busybox", "kubectl",
    ];
    for applet in String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|name| !own_help.contains(name))
    {
        let output = place.run(&format!("env {applet} --help"));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains(&format!("Usage: {applet}")),
            "{applet}: {text}"
        );
        assert_eq!(output.status.code(), Some(0), "{applet}");
    }
}

mod applets;
mod net;
mod shell;
mod web;
mod wget;
