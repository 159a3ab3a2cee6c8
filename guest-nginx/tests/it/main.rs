//! The server as a client and an administrator see it: bytes in, replies out, files in a folder of the test's own.
//! What is expected was recorded from nginx 1.22.1 and Apache 2.4.67, the version in names and pages aside.

mod apache;
mod conf;
mod nginx;
mod requests;
mod site;
