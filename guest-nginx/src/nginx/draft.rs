//! An answer before it is bytes, and nginx's order of headers.

use crate::http::date::Date;
use crate::reply::Body;

use super::pages;

/// What is to be said.
#[derive(Debug, Default)]
pub struct Draft {
    pub status: u16,
    /// What stands behind the status, when an upstream said it.
    pub reason: Option<String>,
    pub content_type: Option<String>,
    /// How long the body is; nothing when that is not known.
    pub length: Option<u64>,
    pub last_modified: Option<u64>,
    /// The same as text, as an upstream wrote it.
    pub last_modified_text: Option<String>,
    /// A redirect to a place of this server, made absolute; nginx says it early.
    pub redirect: Option<String>,
    /// Headers after `Connection`, in order.
    pub more: Vec<(String, Vec<u8>)>,
    /// What follows the added headers: `Accept-Ranges` or `Content-Range`.
    pub ranges: Option<(&'static str, String)>,
    pub body: Body,
    /// Whether the connection must close whatever the client wishes.
    pub close: bool,
    /// Whether this is a page that nginx made up for an error or a redirect.
    pub made_up: bool,
    /// Whether the body has a coding already.
    pub encoded: bool,
    /// What the connection becomes: the word of an `Upgrade`.
    pub upgrade: bool,
}

impl Draft {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// A text of a type.
    pub fn text(status: u16, content_type: &str, text: Vec<u8>) -> Self {
        Self {
            content_type: Some(content_type.to_owned()),
            length: Some(text.len() as u64),
            body: Body::Bytes(text),
            ..Self::new(status)
        }
    }

    /// The page nginx makes up for a status.
    pub fn page(status: u16, product: &str) -> Self {
        let mut draft = match pages::page(status, product) {
            Some(page) => Self::text(status, "text/html", page.into_bytes()),
            None => Self {
                length: Some(0),
                ..Self::new(status)
            },
        };
        draft.made_up = true;
        draft.close = matches!(status, 400 | 413 | 414 | 494..=497 | 500 | 501 | 505);
        draft
    }
}

/// What the head says about the connection.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    pub product: &'a str,
    pub keep_alive: bool,
    pub keep_alive_header: Option<u64>,
    pub chunked: bool,
    pub vary: bool,
}

impl Draft {
    /// The status line and the headers.
    pub fn head(&self, now: u64, manner: Manner<'_>) -> Vec<u8> {
        let status = match self.status {
            494..=497 => 400,
            status => status,
        };
        let mut head = Vec::with_capacity(512);
        let mut digits = [0_u8; 20];
        let own;
        let reason = match &self.reason {
            Some(reason) => reason.as_str(),
            None => {
                own = pages::reason(status);
                own
            }
        };
        head.extend_from_slice(b"HTTP/1.1 ");
        head.extend_from_slice(decimal(u64::from(status), &mut digits));
        head.push(b' ');
        head.extend_from_slice(reason.as_bytes());
        head.extend_from_slice(b"\r\n");
        let mut line = |name: &str, value: &[u8]| {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        };
        line("Server", manner.product.as_bytes());
        line("Date", Date::of(now).http().as_bytes());
        if let Some(kind) = &self.content_type {
            line("Content-Type", kind.as_bytes());
        }
        if let Some(length) = self.length.filter(|_| !manner.chunked) {
            line("Content-Length", decimal(length, &mut digits));
        }
        match (&self.last_modified_text, self.last_modified) {
            (Some(text), _) => line("Last-Modified", text.as_bytes()),
            (None, Some(seconds)) => line("Last-Modified", Date::of(seconds).http().as_bytes()),
            (None, None) => {}
        }
        if let Some(place) = &self.redirect {
            line("Location", place.as_bytes());
        }
        if manner.chunked {
            line("Transfer-Encoding", b"chunked");
        }
        let connection: &[u8] = match (self.upgrade, manner.keep_alive) {
            (true, _) => b"upgrade",
            (_, true) => b"keep-alive",
            (_, false) => b"close",
        };
        line("Connection", connection);
        if let Some(seconds) = manner.keep_alive_header.filter(|_| manner.keep_alive) {
            line("Keep-Alive", format!("timeout={seconds}").as_bytes());
        }
        if manner.vary {
            line("Vary", b"Accept-Encoding");
        }
        for (name, value) in &self.more {
            line(name, value);
        }
        if let Some((name, value)) = &self.ranges {
            line(name, value.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

/// A number in digits, without an allocation.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}
