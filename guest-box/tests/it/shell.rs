//! The shell beside busybox ash: the same scripts, the same words, the same codes.
//!
//! On each side the tools come from the same program as the shell. Never touches the network.

use std::path::Path;

use trial::{Workplace, differential, installed};

const BOX: &str = env!("CARGO_BIN_EXE_guest-box");

/// A place where every applet of a program has its name.
fn place(program: &Path) -> Workplace {
    let list = std::process::Command::new(program)
        .arg("--list")
        .output()
        .expect("the program runs");
    let names = String::from_utf8_lossy(&list.stdout).into_owned();
    Workplace::new(names.lines().map(|name| (name, program)))
}

#[track_caller]
fn check(cases: &str) {
    let real = place(&installed("busybox", "busybox"));
    differential(cases, &real, &place(Path::new(BOX)));
}

#[test]
fn quoting_is_as_in_ash() {
    check(include_str!("../cases/sh_quoting.txt"));
}

#[test]
fn parameters_are_as_in_ash() {
    check(include_str!("../cases/sh_parameters.txt"));
}

#[test]
fn expansion_is_as_in_ash() {
    check(include_str!("../cases/sh_expansion.txt"));
}

#[test]
fn arithmetic_is_as_in_ash() {
    check(include_str!("../cases/sh_arithmetic.txt"));
}

#[test]
fn redirection_is_as_in_ash() {
    check(include_str!("../cases/sh_redirection.txt"));
}

#[test]
fn compound_commands_are_as_in_ash() {
    check(include_str!("../cases/sh_control.txt"));
}

#[test]
fn builtins_are_as_in_ash() {
    check(include_str!("../cases/sh_builtins.txt"));
}

#[test]
fn errors_are_said_as_ash_says_them() {
    check(include_str!("../cases/sh_errors.txt"));
}

#[test]
fn whole_scripts_run_as_in_ash() {
    check(include_str!("../cases/sh_scripts.txt"));
}

/// What dash does otherwise than ash and this shell, by case, with the reason.
const DASH: [(&str, &str); 55] = [
    (
        "double quotes expand dollars and keep blanks",
        "dash's echo knows escapes",
    ),
    ("dollar quotes know their escapes", "dash has no $'…'"),
    ("substrings", "dash has no substrings"),
    ("replacement", "dash has no replacement"),
    (
        "replacement with slashes and quotes",
        "dash has no replacement",
    ),
    ("replacement of nothing found", "dash has no replacement"),
    ("special parameters", "dash does not show c in $-"),
    ("the line number", "this dash has no LINENO"),
    ("RANDOM gives numbers below 32768", "dash has no RANDOM"),
    ("utf-8 counts characters", "dash has no replacement"),
    ("read and backslashes", "dash's echo knows escapes"),
    ("read a few characters", "dash has no read -n"),
    ("read to another delimiter", "dash has no read -d"),
    ("read into REPLY", "dash has no REPLY"),
    ("increments", "dash has no ++"),
    (
        "a variable that holds an expression",
        "dash wants a number in the variable",
    ),
    ("commas", "dash has no comma operator"),
    ("powers", "dash has no **"),
    ("let", "dash has no let"),
    ("a base", "dash has no bases"),
    (
        "a file that is not there",
        "dash gives 2 for redirections that fail",
    ),
    (
        "a directory that is not there",
        "dash gives 2 for redirections that fail",
    ),
    (
        "a redirection without a command",
        "dash gives 2 for redirections that fail",
    ),
    ("noclobber", "dash gives 2 for redirections that fail"),
    (
        "a bad descriptor",
        "dash gives 2 for redirections that fail",
    ),
    ("an ambiguous descriptor", "dash has no >&file"),
    ("both to a file by the short form", "dash has no &>"),
    (
        "a special builtin that cannot redirect ends the shell",
        "dash gives 2 for redirections that fail",
    ),
    (
        "a failed exec redirection ends the shell",
        "dash gives 2 for redirections that fail",
    ),
    (
        "an external command that cannot redirect",
        "dash gives 2 for redirections that fail",
    ),
    (
        "break within a function within a loop",
        "a function's break stays within it in dash",
    ),
    ("functions return", "dash keeps 256 as it is"),
    ("the word function", "dash has no function keyword"),
    (
        "locals keep the outer value until set",
        "dash's local keeps the value",
    ),
    ("pipefail", "dash has no pipefail"),
    (
        "set -e and substitutions",
        "set -e counts within substitutions in dash",
    ),
    ("dot reads a file", "dash gives . no arguments"),
    ("source is dot", "dash has no source"),
    ("export and its list", "dash has no export -n"),
    ("set gives parameters", "dash does not show c in $-"),
    ("set with a plus", "dash does not show c in $-"),
    ("set -o shows options", "a mistake of set ends dash"),
    ("shift", "too great a shift ends dash"),
    ("command -v and -V", "dash says shell function"),
    ("type", "dash says shell function"),
    (
        "echo and its options",
        "dash's echo knows escapes and no -e",
    ),
    (
        "double brackets with patterns and operators",
        "dash has no [[",
    ),
    ("kill and job numbers", "dash loses the job"),
    ("kill lists", "dash lists one signal"),
    ("jobs", "dash forgets the job within a pipeline"),
    ("let and its status", "dash has no let"),
    ("read timeouts and silent", "dash has no read -s"),
    ("read with a bad name", "dash gives 2"),
    ("printf -v is refused", "dash refuses -v"),
    ("options of sh", "dash does not show c in $-"),
];

/// Cases of a file for dash: what POSIX leaves to shells, and words of errors, are left out.
fn for_dash(text: &str) -> String {
    let wanted = |block: &&str| {
        let name = block.lines().next().unwrap_or_default();
        !block.contains("\ndiffers:") && !DASH.iter().any(|(known, _)| *known == name)
    };
    let blocks = text.trim_start_matches("=== ").split("\n=== ");
    let blocks: Vec<String> = blocks
        .filter(wanted)
        .map(|block| {
            format!(
                "=== {}",
                block.replace("compare: stdout, stderr, code\n", "")
            )
        })
        .collect();
    blocks.join("\n")
}

#[test]
fn dash_agrees_where_posix_speaks() {
    let busybox = installed("busybox", "busybox");
    let dash = installed("dash", "dash");
    let list = std::process::Command::new(&busybox)
        .arg("--list")
        .output()
        .expect("the program runs");
    let names = String::from_utf8_lossy(&list.stdout).into_owned();
    let applets = names.lines().map(|name| (name, busybox.as_path()));
    let real = Workplace::new([("sh", dash.as_path())].into_iter().chain(applets));
    let ours = place(Path::new(BOX));
    for text in [
        include_str!("../cases/sh_quoting.txt"),
        include_str!("../cases/sh_parameters.txt"),
        include_str!("../cases/sh_expansion.txt"),
        include_str!("../cases/sh_arithmetic.txt"),
        include_str!("../cases/sh_redirection.txt"),
        include_str!("../cases/sh_control.txt"),
        include_str!("../cases/sh_builtins.txt"),
        include_str!("../cases/sh_scripts.txt"),
    ] {
        differential(&for_dash(text), &real, &ours);
    }
}
