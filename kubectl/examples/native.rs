//! kubectl on the machine it runs on: `cargo run -p kubectl --example native -- get pods`.
#![allow(
    clippy::disallowed_methods,
    reason = "outside a world, waiting is sleeping"
)]

use std::io::{stderr, stdin, stdout};
use std::time::{SystemTime, UNIX_EPOCH};

use kubectl::{Io, StdFiles, StdPrograms, Tcp};

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let now = || {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    };
    let mut io = Io {
        env: &|name| std::env::var(name).ok(),
        now: &now,
        sleep: &mut std::thread::sleep,
        files: &mut StdFiles,
        programs: &mut StdPrograms,
        connect: &mut Tcp,
        stdin: &mut stdin(),
        stdout: &mut stdout(),
        stderr: &mut stderr(),
        terminal: None,
    };
    let code = kubectl::run(&args, &mut io);
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(1))
}
