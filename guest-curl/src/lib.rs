//! curl for the lab: HTTP over the container's network, with curl's options, words and exit codes.
//! It speaks no TLS and no other protocol, and says so when asked. Start reading at `run`.

pub mod failure;
pub mod glob;
pub mod options;
pub mod url;

mod body;
mod http;
mod meter;
mod net;
mod output;
mod run;
mod transfer;
mod write_out;

pub use run::run;

/// The version whose manners are kept.
pub const VERSION: &str = "7.88.1";
