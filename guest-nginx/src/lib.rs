//! The web server guest: nginx's and Apache httpd's manners over files, upstreams and TLS.
//! Start reading at `serve`, which accepts; then `nginx`, which answers; then `conf`, which says how.
//! It reads no command line: that is the program around it (`main.rs`).

pub mod net;
pub mod serve;

pub mod apache;
pub mod nginx;
pub mod reply;

pub mod conf;
pub mod vars;

pub mod files;
pub mod http;
pub mod listing;

pub mod options;
