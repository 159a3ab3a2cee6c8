//! Types recorded commands of a real Kubernetes at a fresh `lab up` and prints one table.
//!
//! Never decides what is right: the recordings are. Start at [`play::play`], then [`verdict`].

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is for whoever started it"
)]

mod client;
mod explained;
mod lab;
mod play;
mod recording;
mod rules;
mod table;
mod verdict;

use anyhow::{Context, Result, bail};
use clap::Parser;
use client::Client;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Table;

/// Types the recorded commands of a real Kubernetes at a fresh `lab up`.
///
/// The exit code is 1 when a client's difference is not explained in differences.txt, or fewer
/// than 98 % of the applicable recordings are identical.
#[derive(Debug, Parser)]
#[command(name = "conformance")]
struct Args {
    /// The lab's binary.
    #[arg(long, value_name = "FILE")]
    lab: PathBuf,
    /// A client and where it is: `1.34=FILE`, or `own` for `lab kubectl`.
    #[arg(long = "client", value_name = "VERSION=FILE", required = true)]
    clients: Vec<Client>,
    /// Print the differences of these cases, explained or not (`all` for every one).
    #[arg(long, value_name = "CASE")]
    show: Vec<String>,
    /// Where each client works; kept afterwards, to be looked at.
    #[arg(long, value_name = "DIR", default_value = "target/conformance")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    match conformance(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(cause) => {
            eprintln!("conformance: {cause:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder with the recordings, the manifests and the rules.
fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Plays every client's recordings, each at a cluster of its own, and says whether all is well.
fn conformance(args: &Args) -> Result<bool> {
    let rules = rules::Rules::read(&home().join("rules.txt"))?;
    let explained = explained::Explained::read(&home().join("differences.txt"))?;
    let lab = args
        .lab
        .canonicalize()
        .with_context(|| format!("there is no {}", args.lab.display()))?;
    std::fs::create_dir_all(&args.folder)?;
    let folder = args.folder.canonicalize()?;
    let results = std::thread::scope(|scope| {
        let started: Vec<_> = args
            .clients
            .iter()
            .map(|client| scope.spawn(|| run(client, &lab, &folder, &rules)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("a player does not panic"))
            .collect::<Result<Vec<_>>>()
    })?;
    let table = Table::new(&args.clients, results, &explained);
    print!("{}", table.text(&args.show));
    Ok(table.is_good())
}

fn run(
    client: &Client,
    lab: &Path,
    folder: &Path,
    rules: &rules::Rules,
) -> Result<Vec<verdict::Outcome>> {
    let workplace = lab::Workplace::new(client, lab, folder, &home().join("manifests"))?;
    let steps = client.recordings(&home().join("recorded"))?;
    let outcomes = play::play(&workplace, &steps, client, rules)
        .with_context(|| format!("kubectl {}", client.name))?;
    if outcomes.is_empty() {
        bail!("kubectl {}: no recording was played", client.name);
    }
    Ok(outcomes)
}
