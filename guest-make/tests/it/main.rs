//! Our make beside Debian's: the same makefiles, the same words, the same codes.
//!
//! Both run recipes with the same shell and the same tools. Never touches the network.

use std::path::{Path, PathBuf};

use trial::{Workplace, differential, installed};

mod fuzzed;

const MAKE: &str = env!("CARGO_BIN_EXE_guest-make");

/// The tools that recipes use.
const TOOLS: [&str; 14] = [
    "cat", "cp", "echo", "false", "head", "ls", "mkdir", "printf", "rm", "sed", "sleep", "touch",
    "tr", "true",
];

fn place(make: &Path) -> Workplace {
    let busybox = installed("busybox", "busybox");
    let programs: Vec<(&str, PathBuf)> = [("sh", installed("dash", "dash")), ("make", make.into())]
        .into_iter()
        .chain(TOOLS.map(|tool| (tool, busybox.clone())))
        .chain([
            ("openssl", installed("openssl", "openssl")),
            ("timeout", installed("timeout", "coreutils")),
        ])
        .collect();
    Workplace::new(programs.iter().map(|(name, path)| (*name, path.as_path())))
}

#[track_caller]
fn check(cases: &str) {
    let real = place(&installed("make", "make"));
    differential(cases, &real, &place(Path::new(MAKE)));
}

#[test]
fn rules_are_followed_as_gnu_make_follows_them() {
    check(include_str!("../cases/rules.txt"));
}

#[test]
fn variables_and_functions_are_as_in_gnu_make() {
    check(include_str!("../cases/variables.txt"));
}

#[test]
fn errors_are_said_as_gnu_make_says_them() {
    check(include_str!("../cases/errors.txt"));
}

#[test]
fn makefiles_of_the_kind_that_examples_have_work() {
    check(include_str!("../cases/examples.txt"));
}
