//! The web server guest without its sockets: nginx's and Apache httpd's manners over files.
//! Bytes go in and replies come out; the program around it (`main.rs`) accepts, waits and sends.
//! It never connects to anything. Start reading at `connection`, then `nginx`.

pub mod connection;
pub mod request;
pub mod uri;

pub mod apache;
pub mod nginx;
pub mod reply;

pub mod date;
pub mod listing;
pub mod resource;
pub mod types;

pub mod conf;
pub mod options;
pub mod template;
