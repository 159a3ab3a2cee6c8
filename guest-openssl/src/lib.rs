//! `openssl`, as much of version 3.0 as making, reading and checking keys and certificates and
//! talking TLS needs; and `ssl_client`, through which busybox' wget speaks https.
//!
//! Never a key with a pass phrase, and never an option that is accepted and ignored: what is not
//! here is refused with OpenSSL's words for what it does not know.
//!
//! Start with [`run`] and the table in `commands.rs`.

mod ask;
mod commands;
mod conf;
mod digests;
mod files;
mod keys;
mod options;
mod pipe;
mod req;
mod s_client;
mod show;
mod small;
mod ssl_client;
mod store;
mod subject;
mod verify;
mod x509;

/// Runs the program with these arguments, its own name first; its exit code.
pub fn run(args: &[String]) -> i32 {
    let name = args.first().map_or("openssl", String::as_str);
    match name.rsplit('/').next() {
        Some("ssl_client") => ssl_client::run(args.get(1..).unwrap_or_default()),
        _ => commands::run(args.get(1..).unwrap_or_default()),
    }
}
