//! What is typed, and what comes of it: options, URLs, patterns, cookies, and whole transfers beside
//! Debian's curl 7.88.1. Servers are threads of the test, on the loopback.

mod cookies;
mod differential;
mod fuzz;
mod glob;
mod options;
mod server;
mod tls;
mod url;
