//! `nginx` and `httpd`: one program with two faces, chosen by the name it is called by.
//! It hands over the command line and does nothing else.

#[path = "program/face.rs"]
mod face;
#[path = "program/httpd.rs"]
mod httpd;
#[path = "program/nginx.rs"]
mod nginx;
#[path = "program/show.rs"]
mod show;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let called = args.first().map_or("nginx", String::as_str);
    let rest = args.get(1..).unwrap_or_default();
    match called.rsplit('/').next() {
        Some("httpd" | "httpd-foreground" | "apachectl" | "apache2") => httpd::main(rest),
        _ => nginx::main(rest),
    }
}
