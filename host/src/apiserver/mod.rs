//! The API server's transport: HTTP/1.1 over any byte stream, bytes in, bytes out.
//!
//! The same server answers inside the world (kubectl on the workstation, a pod asking for
//! `kubernetes`) and outside it (a kubectl on the host, after TLS). Never gives a request a
//! meaning: that is `cluster::api`.

mod body;
mod exec;
mod http;
mod log;

pub(crate) use http::serve;
