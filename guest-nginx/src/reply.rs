//! What both faces give to the connection: a head, a body, and what to do afterwards.
//! Serialised here, sent elsewhere.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddrV4;
use std::rc::Rc;

use crate::conf::model::{AccessLog, LogTarget, Settings};
use crate::connection::Incoming;

/// Files up to this size are read at once and sent with the head.
const AT_ONCE: u64 = 64 * 1024;

/// A moment of the container's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970.
    pub seconds: u64,
    /// And nanoseconds.
    pub nanos: u32,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The number of the connection.
    pub id: u64,
    /// Its address.
    pub remote: SocketAddrV4,
    /// The address it reached.
    pub local: SocketAddrV4,
    /// How many requests it made before this one.
    pub served: u64,
}

/// The bytes after the head.
#[derive(Debug)]
pub enum Body {
    /// None.
    Empty,
    /// These.
    Bytes(Vec<u8>),
    /// The next so many of a file.
    File(File, u64),
}

impl Body {
    /// A part of a file; a small one is read now.
    pub fn of_file(mut file: File, length: u64) -> std::io::Result<Self> {
        if length > AT_ONCE {
            return Ok(Self::File(file, length));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read(&mut bytes[filled..])? {
                // Shorter than it was a moment ago; what is missing cannot be made up.
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        Ok(Self::Bytes(bytes))
    }
}

/// An answer, ready to be sent.
#[derive(Debug)]
pub struct Reply {
    /// The status that logs tell.
    pub status: u16,
    /// Status line and headers; empty for HTTP/0.9 and for an answer that is none.
    pub head: Vec<u8>,
    /// What follows.
    pub body: Body,
    /// Whether the connection stays for the next request.
    pub keep_alive: bool,
    /// How long it may be idle then, in milliseconds.
    pub idle_ms: u64,
    /// Lines for the error log.
    pub notes: Vec<Vec<u8>>,
    /// What access logs need later.
    pub context: Context,
}

/// What was in force when a request was answered.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where to log, and how.
    pub access_logs: Rc<Vec<AccessLog>>,
    /// The name of the server.
    pub server_name: String,
    /// The path after redirects inside.
    pub path: String,
    /// The folder of documents.
    pub root: String,
}

impl Context {
    /// What the settings of a place say.
    pub fn of(settings: &Settings, server_name: String, path: String) -> Self {
        Self {
            access_logs: Rc::clone(&settings.access_logs),
            server_name,
            path,
            root: settings.root.clone(),
        }
    }
}

/// One of the two servers this program can be.
pub trait Site {
    /// Answers a request or refuses what is none.
    fn answer(&self, client: &Client, now: Now, incoming: &Incoming) -> Reply;
    /// The lines for access logs once `sent` bytes of the body are out.
    fn access_lines(
        &self,
        client: &Client,
        now: Now,
        incoming: &Incoming,
        reply: &Reply,
        sent: u64,
    ) -> Vec<(LogTarget, Vec<u8>)>;
    /// Where the error log goes.
    fn error_target(&self) -> &LogTarget;
    /// A line of the error log about the server itself; nothing when its level is not kept.
    fn notice(&self, now: Now, text: &str) -> Option<Vec<u8>>;
    /// The addresses to listen on.
    fn sockets(&self) -> Vec<SocketAddrV4>;
    /// How long a client may take for its first request, in milliseconds.
    fn first_request_ms(&self) -> u64;
}
