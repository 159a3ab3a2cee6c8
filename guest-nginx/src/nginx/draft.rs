//! An answer before it is bytes, and nginx's order of headers.

use crate::date::Date;
use crate::reply::Body;

use super::pages;

/// What is to be said.
#[derive(Debug)]
pub struct Draft {
    pub status: u16,
    pub content_type: Option<String>,
    pub length: Option<u64>,
    pub last_modified: Option<u64>,
    /// A redirect to a place of this server, made absolute; nginx says it early.
    pub redirect: Option<String>,
    /// Headers after `Connection`, in order.
    pub more: Vec<(String, Vec<u8>)>,
    /// Whether more follows the added headers: `Accept-Ranges` or `Content-Range`.
    pub ranges: Option<(&'static str, String)>,
    pub body: Body,
    /// Whether the connection must close whatever the client wishes.
    pub close: bool,
}

impl Draft {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            length: None,
            last_modified: None,
            redirect: None,
            more: Vec::new(),
            ranges: None,
            body: Body::Empty,
            close: false,
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
        draft.close = matches!(status, 400 | 413 | 414 | 494 | 500 | 501 | 505);
        draft
    }

    /// The status line and the headers.
    pub fn head(
        &self,
        now: u64,
        product: &str,
        keep_alive: bool,
        keep_alive_header: Option<u64>,
    ) -> Vec<u8> {
        let status = if self.status == 494 { 400 } else { self.status };
        let mut head = format!(
            "HTTP/1.1 {status} {}\r\nServer: {product}\r\n",
            pages::reason(status)
        );
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        line("Date", &Date::of(now).http());
        if let Some(kind) = &self.content_type {
            line("Content-Type", kind);
        }
        if let Some(length) = self.length {
            line("Content-Length", &length.to_string());
        }
        if let Some(seconds) = self.last_modified {
            line("Last-Modified", &Date::of(seconds).http());
        }
        if let Some(place) = &self.redirect {
            line("Location", place);
        }
        line(
            "Connection",
            if keep_alive { "keep-alive" } else { "close" },
        );
        if let Some(seconds) = keep_alive_header.filter(|_| keep_alive) {
            line("Keep-Alive", &format!("timeout={seconds}"));
        }
        let mut head = head.into_bytes();
        let ranges = self
            .ranges
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        for (name, value) in self
            .more
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .chain(ranges)
        {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}
