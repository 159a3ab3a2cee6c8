//! What both programs do around serving: listen, retry, follow signals, end.

use std::io::{self, Write};
use std::net::SocketAddrV4;
use std::process::ExitCode;
use std::rc::Rc;

use guest_nginx::net::system::{self, Errno};
use guest_nginx::nginx::House;
use guest_nginx::serve::{Face, Reload, Server, signal};

/// Says something on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to hear that standard error is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The house of this process.
pub(crate) fn house() -> House {
    let now = system::wall();
    let seed = now.seconds ^ u64::from(now.nanos) << 32;
    House {
        hostname: guest_kit::machine::hostname(),
        pid: guest_kit::process::pid(),
        chance: std::cell::Cell::new(seed),
        ..House::default()
    }
}

/// Listens, serves, and comes back when a signal said so. `cannot` tells of an address that cannot be had,
/// the tries that are left with it.
pub(crate) fn serve(
    face: Face,
    tries: u32,
    cannot: impl Fn(SocketAddrV4, Errno, u32),
    started: impl Fn(),
    reload: Reload,
) -> ExitCode {
    system::handle_signals(&[
        signal::HUP,
        signal::INT,
        signal::QUIT,
        signal::USR1,
        signal::TERM,
        signal::WINCH,
    ]);
    let server = Server::new(face, house());
    let listening = guest_nginx::net::block_on(async {
        let mut left = tries;
        loop {
            match server.listen().await {
                Ok(()) => break,
                Err((address, error)) => {
                    left -= 1;
                    cannot(address, error, left);
                    if left == 0 {
                        return false;
                    }
                    guest_nginx::net::sleep(500).await;
                }
            }
        }
        started();
        server.started();
        Rc::clone(&server).run(reload).await;
        true
    });
    if listening {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
