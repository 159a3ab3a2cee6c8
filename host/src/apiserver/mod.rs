//! The API server's transport: HTTP/1.1 over any byte stream, bytes in, bytes out.
//!
//! The same server answers inside the world (kubectl on the workstation, a pod asking for
//! `kubernetes`; the door is `entry.rs`) and outside it (a kubectl on the host, after TLS). Never gives a request a
//! meaning: that is `cluster::api`.

mod body;
mod caller;
mod channels;
mod dress;
mod entry;
mod exec;
mod forward;
mod hands;
mod http;
mod lab;
mod log;
mod outcome;
mod spdy;
#[cfg(test)]
mod tests;
mod upgrade;
mod why;

pub(crate) use caller::{Caller, HostClock, Visit};
pub(crate) use entry::{Keys, Seeded, listen};
pub(crate) use http::serve;
