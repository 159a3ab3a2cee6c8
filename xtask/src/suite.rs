//! Runs the test suite as CI does. Never decides what a test means: it counts what runners print.

use crate::{clients, conformance, real, root, stock, tidy};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The crates below the waterline, which must build where no operating system is.
const PURE: [&str; 5] = ["clock", "vnet", "cluster", "lesson", "world"];

/// Everything CI runs. Everything is built in one profile, so that wasmtime is compiled once.
pub(crate) fn test() -> Result<()> {
    say("format");
    cargo(&["fmt", "--all", "--check"])?;
    say("tidy");
    tidy::tidy()?;
    say("the stock kubectl");
    stock::kubectl(stock::USUAL)?;
    say("the real programs");
    real::programs()?;
    say("all tests");
    let passed = tests(&[
        "test",
        "--release",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
    ])?;
    say("conformance");
    conformance::conformance(&[])?;
    say("clients that nobody here wrote");
    clients::clients(false)?;
    say("the pure crates build for a machine without an operating system");
    pure()?;
    say("lints");
    cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    println!("\n{passed} passed, 0 failed");
    Ok(())
}

/// Checks the pure crates for a target that has no clock, no files and no chance.
fn pure() -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["check", "--release", "--target", "wasm32-unknown-unknown"])
        // Feature unification brings the property tests' randomness along; here it can only fail.
        .env("RUSTFLAGS", "--cfg getrandom_backend=\"unsupported\"");
    for name in PURE {
        command.args(["--package", name]);
    }
    run(command)
}

/// Many seeds of the whole-world simulation, or one of them with its trace.
pub(crate) fn sim(seed: Option<u64>) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["test", "--release", "--workspace", "--test", "it", "sim::"]);
    match seed {
        Some(seed) => command
            .args(["--", "--nocapture"])
            .env("LAB_SIM_SEED", seed.to_string()),
        None => command.env("LAB_SIM_SEEDS", "10000"),
    };
    run(command)
}

fn say(what: &str) {
    println!("\n== {what}");
}

fn cargo(args: &[&str]) -> Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(args);
    run(command)
}

fn run(mut command: Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Runs `cargo test` and adds up what its runners counted.
fn tests(args: &[&str]) -> Result<u64> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(args)
        .arg("--no-fail-fast")
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let stdout = child
        .stdout
        .take()
        .context("the runner's output was asked for")?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        if let Some(counts) = line.strip_prefix("test result: ") {
            passed += count(counts, " passed");
            failed += count(counts, " failed");
        }
    }
    let status = child.wait()?;
    if !status.success() || failed > 0 || passed == 0 {
        println!("\n{passed} passed, {failed} failed");
        bail!("the tests ended with {status}");
    }
    Ok(passed)
}

/// The number before `word` in `ok. 12 passed; 0 failed; …`.
fn count(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().unwrap_or_default();
    before
        .rsplit([' ', ';'])
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
