//! Runs the recorded commands with several kubectls. Never looks at an answer: `conformance` does.

use crate::{root, stock};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// The oldest client, the newest and our own, or all of them.
pub(crate) fn conformance(words: &[&str]) -> Result<()> {
    let minors: Vec<u8> = stock::minors().collect();
    let (minors, shown) = match words {
        ["all", shown @ ..] => (minors, shown),
        shown => {
            let ends = [minors.first(), minors.last()];
            (ends.into_iter().flatten().copied().collect(), shown)
        }
    };
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["build", "--release", "--workspace", "--bins"]);
    if !command.status().context("cannot start cargo")?.success() {
        bail!("the lab does not build");
    }
    let built = crate::target().join("release");
    let mut command = Command::new(built.join("conformance"));
    command
        .current_dir(root())
        .arg("--lab")
        .arg(built.join("lab"))
        .args(["--client", "own"])
        .arg("--folder")
        .arg(crate::target().join("conformance"));
    for minor in minors {
        let kubectl = stock::kubectl(minor)?;
        command.arg(format!("--client=1.{minor}={}", kubectl.display()));
    }
    for case in shown {
        command.args(["--show", case]);
    }
    let status = command.status().context("cannot start conformance")?;
    if !status.success() {
        bail!("conformance ended with {status}");
    }
    Ok(())
}
