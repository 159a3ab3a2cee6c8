//! The applets beside Debian's busybox, and beside coreutils where Debian's busybox lacks one.
//! Never compares usage texts: ours are made from the table.

use std::path::{Path, PathBuf};
use std::process::Command;

use trial::{Workplace, installed};

/// All names that a multi-call program has.
fn names(program: &Path) -> Vec<String> {
    let list = Command::new(program)
        .arg("--list")
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

fn place(program: &Path, first: &[(&str, PathBuf)]) -> Workplace {
    let names = names(program);
    let first = first.iter().map(|(name, path)| (*name, path.as_path()));
    Workplace::new(first.chain(names.iter().map(|name| (name.as_str(), program))))
}

#[track_caller]
fn like_busybox(cases: &str) {
    let real = place(&installed("busybox", "busybox"), &[]);
    let ours = place(Path::new(super::BOX), &[]);
    trial::differential(cases, &real, &ours);
}

macro_rules! beside_busybox {
    ($($name:ident: $file:literal;)*) => {
        $(
            #[test]
            fn $name() {
                like_busybox(include_str!(concat!("../cases/applet-", $file, ".txt")));
            }
        )*
    };
}

beside_busybox! {
    files_are_compared_as_by_busybox: "diff";
    archives_are_packed_as_by_busybox: "archive";
    bytes_are_shown_as_by_busybox: "dump";
    lines_are_printed_as_by_busybox: "lines";
    files_are_treated_as_by_busybox: "disk";
    trees_are_searched_as_by_busybox: "find";
    copies_are_made_as_by_busybox: "copy";
    lists_of_items_are_run_as_by_busybox: "xargs";
    lines_are_ordered_and_cut_as_by_busybox: "order";
    directories_are_listed_as_by_busybox: "ls";
    awk_answers_as_busybox: "awk";
    grep_answers_as_busybox: "grep";
    sed_answers_as_busybox: "sed";
}

#[test]
fn what_debians_busybox_lacks_answers_as_coreutils() {
    let first = ["comm", "split"].map(|name| (name, installed(name, "coreutils")));
    let real = place(&installed("busybox", "busybox"), &first);
    let ours = place(Path::new(super::BOX), &[]);
    trial::differential(include_str!("../cases/applet-coreutils.txt"), &real, &ours);
}
