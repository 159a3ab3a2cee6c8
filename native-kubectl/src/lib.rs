//! kubectl on the machine it runs on: gives the library of that name this process's environment,
//! files, streams, terminal and connections. Never knows a command: those are the library's.

mod terminal;
mod tls;

use std::io::{stderr, stdout};
use std::time::{SystemTime, UNIX_EPOCH};

use kubectl::{Io, StdFiles, StdPrograms};

pub use kubectl::{Ask, NoAnswer};

/// Runs kubectl with these arguments, without its own name; its exit code.
pub fn run(args: &[String]) -> u8 {
    let code = with_io(|io| kubectl::run(args, io));
    u8::try_from(code.rem_euclid(256)).unwrap_or(1)
}

/// Asks the server of a kubeconfig something that is no command of kubectl's.
///
/// # Errors
/// When it was not reached, refused, or does not know the path.
pub fn ask(ask: Ask<'_>) -> Result<Vec<u8>, NoAnswer> {
    with_io(|io| kubectl::ask(io, ask))
}

/// Lends this process's own environment, files, streams, terminal and connections.
#[allow(
    clippy::disallowed_methods,
    reason = "outside a world, waiting is sleeping"
)]
fn with_io<R>(act: impl FnOnce(&mut Io<'_>) -> R) -> R {
    let now = || {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    };
    let mut own = terminal::Own::default();
    let has_terminal = terminal::present();
    act(&mut Io {
        env: &|name| std::env::var(name).ok(),
        now: &now,
        sleep: &mut std::thread::sleep,
        files: &mut StdFiles,
        programs: &mut StdPrograms,
        connect: &mut tls::Sockets,
        stdin: &mut terminal::Stdin,
        stdout: &mut stdout(),
        stderr: &mut stderr(),
        terminal: has_terminal.then_some(&mut own as &mut dyn kubectl::Terminal),
    })
}
