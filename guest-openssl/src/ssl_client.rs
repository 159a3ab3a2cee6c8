//! `ssl_client -h SERVERNAME [-p PORT] [--insecure] [--cacert FILE]`: wget's way to https.
//!
//! Connects by itself, pipes standard input into the connection and what comes back to standard
//! output until the server ends. Never speaks HTTP, and never says anything but errors.

use crate::files::{now, reason, warn};
use crate::pipe::{Manners, converse};
use crate::store;
use guest_tls::client::{Check, Options, Trust, connect};
use std::net::TcpStream;

const USAGE: &str = "Usage: ssl_client -h SERVERNAME [-p PORT] [--insecure] [--cacert FILE]";

struct Asked {
    host: String,
    port: u16,
    insecure: bool,
    cacert: Option<String>,
}

/// Runs it with the arguments after its name.
pub(crate) fn run(args: &[String]) -> i32 {
    let Some(asked) = read(args) else {
        warn(USAGE);
        return 1;
    };
    match talk(&asked) {
        Ok(()) => 0,
        Err(text) => {
            warn(&format!("ssl_client: {text}"));
            1
        }
    }
}

fn read(args: &[String]) -> Option<Asked> {
    let (mut host, mut port, mut insecure, mut cacert) = (None, 443, false, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" => host = Some(args.next()?.clone()),
            "-p" => port = args.next()?.parse().ok()?,
            "--insecure" => insecure = true,
            "--cacert" => cacert = Some(args.next()?.clone()),
            _ => return None,
        }
    }
    Some(Asked {
        host: host?,
        port,
        insecure,
        cacert,
    })
}

fn talk(asked: &Asked) -> Result<(), String> {
    let certificates = match &asked.cacert {
        Some(file) => store::trusted(file).map_err(|failure| failure.text)?,
        None => store::machine_trust(),
    };
    let mut options = Options::new(&asked.host, Trust { certificates });
    if asked.insecure {
        options.check = Check::Nothing;
    }
    let bare = asked.host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((bare, asked.port))
        .map_err(|error| format!("can't connect to {}: {}", asked.host, reason(&error)))?;
    let mut tls =
        connect(options, stream, now()).map_err(|error| format!("{}: {error}", asked.host))?;
    converse(&mut tls, Manners::default())?;
    // The server may have gone already.
    let _ = tls.close_notify();
    Ok(())
}
