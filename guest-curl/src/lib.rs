//! curl for the lab: HTTP and HTTPS over the container's network, with curl's options, words and exit codes.
//! It speaks no other protocol, and says so when asked. Start reading at `run`, then `job` and `transfer`.

pub mod args;
pub mod auth;
pub mod body;
pub mod cookie;
pub mod failure;
pub mod glob;
pub mod head;
pub mod url;

mod bar;
mod chance;
mod coding;
mod date;
mod files;
mod form;
mod job;
mod link;
mod lookup;
mod meter;
mod net;
mod netrc;
mod output;
mod prompt;
mod proxy;
mod request;
mod run;
mod session;
mod trace;
mod transfer;
mod voice;
mod write_out;

pub use failure::Failure;
pub use run::run;
pub use voice::Voice;

use std::time::{SystemTime, UNIX_EPOCH};

/// The version whose manners are kept.
pub const VERSION: &str = "7.88.1";

/// What `--version` and JSON call the library and what it stands on.
fn library() -> String {
    format!("libcurl/{VERSION} rustls/0.23 miniz_oxide/0.8")
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
