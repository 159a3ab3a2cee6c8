//! Chores of the project: `cargo xtask test`, `tidy`, `sim`, `conformance`, `clients`, `bench`.
//!
//! Never part of the product: nothing here is linked into `lab`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to whoever started it"
)]

mod bench;
mod claims;
mod clients;
mod conformance;
mod objects;
mod programs;
mod real;
mod stock;
mod suite;
mod tidy;

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <chore>

  test           everything CI runs: format, tidy, lints, the pure crates on wasm, all tests
  tidy           the map and the walls: module docs, arrows between crates, clippy bans
  sim [SEED]     the whole-world simulation: 10,000 seeds, or one seed with its trace
  conformance    the recorded commands of a real cluster, with the oldest, the newest and our own
                 kubectl; `conformance all` with every one, more words show those cases' differences
  clients        programs with three client libraries that nobody here wrote, as the tests run
                 them; `clients all` with an interactive tool too (minutes to build, once)
  kubectl        fetches the stock kubectl that the tests use; prints where it is
  bench [NAME]   one table of figures, each beside a reference from the same run";

fn main() -> ExitCode {
    match chore() {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("xtask: {cause:#}");
            ExitCode::FAILURE
        }
    }
}

fn chore() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => suite::test(),
        ["tidy"] => tidy::tidy(),
        ["sim"] => suite::sim(None),
        ["sim", seed] => suite::sim(Some(seed.parse()?)),
        ["kubectl"] => stock::kubectl(stock::USUAL).map(|path| println!("{}", path.display())),
        ["conformance", words @ ..] => conformance::conformance(words),
        ["clients"] => clients::clients(false),
        ["clients", "all"] => clients::clients(true),
        ["bench"] => bench::bench(None),
        ["bench", name] => bench::bench(Some(name)),
        _ => bail!("{USAGE}"),
    }
}

/// The root of the checkout.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("xtask lives in the checkout")
}

/// Where Cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
