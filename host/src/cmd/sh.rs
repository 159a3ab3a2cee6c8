//! `lab sh`: a shell on a machine of a bare lab. Never more than the loop around it.
//!
//! At a terminal it is live: keys go in, the screen comes out, virtual time follows the wall
//! clock. Otherwise it is headless: the script on standard input (or `--command`) runs in virtual
//! time and its exit code is ours. `--keys` types the lines at a terminal instead, each when
//! everything before it has come to rest.

mod keyboard;
mod typist;

use super::up::spec;
use crate::cli::Sh;
use crate::shell::{Ends, Shell, Spot, come_to_rest};
use anyhow::{Context, Result, anyhow, bail};
use clock::Duration;
use lesson::Place;
use runtime::{PipeReader, TerminalSize};
use std::cell::Cell;
use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

/// Virtual time that a headless shell may take.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// How long the cluster may take to start.
const START: Duration = Duration::from_secs(600);
/// The terminal of a shell that has no real one.
const SIZE: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};
/// The exit code when a limit was reached.
const LIMIT_REACHED: u8 = 4;

/// Runs until the shell ends; its exit code.
pub(crate) fn sh(typed: &Sh) -> Result<ExitCode> {
    let live = std::io::stdin().is_terminal() && typed.command.is_none() && !typed.keys;
    let place = Place::parse(&typed.on).with_context(|| {
        format!(
            "--on {}: not a place; try workstation, node/NAME, pod/NAME, deploy/NAME or host/NAME",
            typed.on
        )
    })?;
    let shell = Shell::new(spec(&typed.cluster, live)?, &[])?;
    if !come_to_rest(&shell, START) {
        bail!("the cluster does not come to rest");
    }
    let spot = shell
        .spot(&place)
        .map_err(|cause| anyhow!("--on {}: {cause}", typed.on))?;
    if let Some(folder) = &typed.files {
        bring(&shell, folder)?;
    }
    let code = if live {
        keyboard::live(&shell, &spot)?
    } else if typed.keys {
        typist::type_lines(&shell, &spot, &standard_input()?)?
    } else {
        script(&shell, &spot, typed.command.as_deref())?
    };
    Ok(ExitCode::from(code))
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("standard input")?;
    Ok(text)
}

/// Copies the files of a folder of the host to the workstation's home.
fn bring(shell: &Shell, folder: &Path) -> Result<()> {
    let place = || folder.display().to_string();
    for entry in fs::read_dir(folder).with_context(place)? {
        let path = entry.with_context(place)?.path();
        if !path.is_file() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        shell.put_home(&name, &bytes)?;
    }
    Ok(())
}

/// Runs a command, or the script on standard input, without a terminal.
fn script(shell: &Rc<Shell>, spot: &Spot, command: Option<&str>) -> Result<u8> {
    let (argv, input) = match command {
        Some(command) => (vec!["sh", "-c", command], String::new()),
        None => (vec!["sh"], standard_input()?),
    };
    let argv = argv.into_iter().map(String::from).collect();
    let talk = spot.exec(shell.runtime(), argv, true, None)?;
    let done = Rc::new(Cell::new(None));
    if let Ends::Pipes {
        stdin,
        stdout,
        stderr,
    } = talk.ends
    {
        let writer = stdin.context("the shell has an input")?;
        shell.runtime().spawn_native(async move {
            // A shell that ends before its script does reads no more of it.
            let _ = writer.write_all(input.as_bytes()).await;
        });
        let ended = done.clone();
        shell.runtime().spawn_native(async move {
            let both = futures_util::future::join(
                copy(stdout, std::io::stdout()),
                copy(stderr, std::io::stderr()),
            );
            both.await;
            ended.set(Some(talk.exit.status().await));
        });
    }
    headless(shell, || done.get())
}

async fn copy(from: PipeReader, mut to: impl Write) {
    while let Some(data) = from.read(64 * 1024).await {
        // Nobody looks at our output any more: the shell goes on until it ends.
        let _ = to.write_all(&data).and_then(|()| to.flush());
    }
}

/// Lets time pass as fast as it can until `done` says how it ended.
fn headless(shell: &Rc<Shell>, mut done: impl FnMut() -> Option<u8>) -> Result<u8> {
    loop {
        let busy = shell.turn();
        if let Some(code) = done() {
            return Ok(code);
        }
        if busy {
            continue;
        }
        match shell.poll_at() {
            Some(at) if at.since_start() > LIMIT => {
                anstream::eprintln!(
                    "lab: the limit of {} virtual hours is reached",
                    LIMIT.as_secs() / 3600
                );
                return Ok(LIMIT_REACHED);
            }
            Some(at) => shell.jump(at),
            None => bail!("nothing will ever happen again"),
        }
    }
}
