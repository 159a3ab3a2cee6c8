//! Identities and a server for the other tests. Never a claim of its own.

use guest_tls::cert::{AltName, Certificate, Name, SelfSigned};
use guest_tls::key::Key;
use guest_tls::rustls::{ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

/// 2026-01-01.
pub(crate) const NOW: i64 = 1_767_225_600;

pub(crate) fn self_signed(key: &Key, common: &str, names: &[&str]) -> Certificate {
    let alt = |name: &&str| AltName::Dns((*name).to_owned());
    SelfSigned {
        subject: Name::common(common),
        names: names.iter().map(alt).collect(),
        not_before: NOW - 86_400,
        days: 365,
        ca: true,
    }
    .sign(key, &mut guest_tls::chance::fill)
    .expect("the key is large enough")
}

/// Serves one connection: repeats what it reads until the client's goodbye.
pub(crate) fn echo(
    config: Arc<ServerConfig>,
) -> (UnixStream, JoinHandle<Result<(), rustls::Error>>) {
    let (client, mut server) = UnixStream::pair().expect("the machine has socket pairs");
    let thread = std::thread::spawn(move || {
        let mut connection = ServerConnection::new(config)?;
        let mut buffer = [0; 4096];
        loop {
            while connection.wants_write() {
                // A client that has gone ends the reading too.
                if connection.write_tls(&mut server).is_err() {
                    break;
                }
            }
            match connection.read_tls(&mut server) {
                Ok(0) | Err(_) => return Ok(()),
                Ok(_) => {}
            }
            if let Err(error) = connection.process_new_packets() {
                let _ = connection.write_tls(&mut server);
                return Err(error);
            }
            while let Ok(length) = connection.reader().read(&mut buffer) {
                if length == 0 {
                    connection.send_close_notify();
                    break;
                }
                let _ = connection.writer().write_all(&buffer[..length]);
            }
        }
    });
    (client, thread)
}
