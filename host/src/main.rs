//! The binary `lab`: a match over what was typed, and exit codes.
//!
//! Never decides anything about the cluster, the network or a lesson: those are the crates beneath.

mod apiserver;
mod authority;
mod cli;
mod cmd;
mod elsewhere;
mod outside;
mod shell;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(typed) => cmd::run::run(&typed),
        Command::Lint(typed) => cmd::lint::lint(&typed),
        Command::Explain(typed) => cmd::explain::explain(&typed),
        Command::Coverage(typed) => cmd::coverage::coverage(&typed),
        Command::Schema(typed) => cmd::schema::schema(&typed),
        Command::New(typed) => cmd::new::new(&typed),
        Command::Fmt(typed) => cmd::fmt::fmt(&typed),
        Command::Export(typed) => cmd::export::export(&typed),
        Command::Lsp => cmd::lsp::lsp(),
        Command::Up(typed) => cmd::up::up(&typed),
        Command::Sh(typed) => cmd::sh::sh(&typed),
        Command::Fault(typed) => Ok(cmd::fault::fault(&typed)),
        Command::Why(typed) => Ok(cmd::why::why(&typed)),
        Command::ApiSurface(typed) => cmd::api_surface::api_surface(&typed),
        Command::Kubectl(typed) => Ok(cmd::kubectl::kubectl(&typed)),
    };
    outcome.unwrap_or_else(|cause| {
        anstream::eprintln!("lab: {cause:#}");
        ExitCode::from(70)
    })
}
