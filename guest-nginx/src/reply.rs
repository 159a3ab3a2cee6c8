//! What both faces give to the connection: who asks, what is sent, and what happens afterwards.
//! Made elsewhere, sent elsewhere.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use guest_tls::cert::Certificate;
use guest_tls::verify::VerifyError;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Client {
    /// The number of the connection.
    pub id: u64,
    /// Its address.
    pub remote: SocketAddrV4,
    /// The address it reached.
    pub local: SocketAddrV4,
    /// How many requests it made before this one.
    pub served: u64,
    /// What was agreed on, when it speaks TLS.
    pub tls: Option<TlsFacts>,
}

impl Default for Client {
    fn default() -> Self {
        let nobody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        Self {
            id: 0,
            remote: nobody,
            local: nobody,
            served: 0,
            tls: None,
        }
    }
}

/// What was agreed on in a handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`
    pub protocol: String,
    /// In OpenSSL's spelling.
    pub cipher: String,
    /// The name asked for by SNI.
    pub server_name: String,
    /// The certificate the client sent, and what is wrong with it.
    pub shown: Option<Rc<Shown>>,
}

/// A client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The certificate itself.
    pub certificate: Certificate,
    /// Whether it is believed.
    pub verdict: Result<(), VerifyError>,
}

/// The bytes after the head.
#[derive(Debug, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// These.
    Bytes(Vec<u8>),
    /// These, which others send too.
    Shared(Rc<[u8]>),
    /// Parts of a file with texts between them.
    File(File, Vec<Part>),
}

/// A piece of a body made of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A text.
    Text(Vec<u8>),
    /// Bytes of the file: from where, and how many.
    Bytes(u64, u64),
}

/// An answer, ready to be sent.
#[derive(Debug, Default)]
pub struct Reply {
    /// The status that logs tell.
    pub status: u16,
    /// Status line and headers; empty for HTTP/0.9 and for an answer that is none.
    pub head: Vec<u8>,
    /// What follows.
    pub body: Body,
    /// Whether the body goes in chunks.
    pub chunked: bool,
    /// How hard the body is compressed on its way.
    pub gzip: Option<u32>,
    /// Whether the connection stays for the next request.
    pub keep_alive: bool,
    /// How long it may be idle then, in milliseconds.
    pub idle_ms: u64,
    /// Bytes per second; any when zero.
    pub rate: u64,
    /// After how many bytes.
    pub rate_after: u64,
    /// How long between two writes, in milliseconds.
    pub send_ms: u64,
}
