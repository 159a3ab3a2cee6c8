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
