//! Lines of nginx's logs, and the values of variables.

use crate::connection::Incoming;
use crate::date::Date;
use crate::reply::{Client, Context, Now};
use crate::request::Request;

use super::pages::PRODUCT;

/// What variables can speak of.
#[derive(Debug)]
pub struct Scope<'a> {
    pub client: &'a Client,
    pub now: Now,
    pub incoming: &'a Incoming,
    pub context: &'a Context,
    pub status: u16,
    pub sent: u64,
    pub hostname: &'a str,
}

impl Scope<'_> {
    fn request(&self) -> Option<&Request> {
        match self.incoming {
            Incoming::Request(request) => Some(request),
            Incoming::Reject(_) | Incoming::Garbage => None,
        }
    }

    /// Writes what a variable stands for; nothing when it has no value.
    pub fn value(&self, name: &str, out: &mut Vec<u8>) {
        let Client {
            id, remote, local, ..
        } = self.client;
        let date = Date::of(self.now.seconds);
        let text = match name {
            "remote_addr" => remote.ip().to_string(),
            "remote_port" => remote.port().to_string(),
            "server_addr" => local.ip().to_string(),
            "server_port" => local.port().to_string(),
            "connection" => id.to_string(),
            "time_local" => date.clf(),
            "time_iso8601" => date.iso(),
            "msec" => format!("{}.{:03}", self.now.seconds, self.now.nanos / 1_000_000),
            "request_time" => "0.000".to_owned(),
            "request" => return out.extend_from_slice(line_of(self.incoming)),
            "status" => self.status.to_string(),
            "body_bytes_sent" => self.sent.to_string(),
            "scheme" => "http".to_owned(),
            "server_name" => self.context.server_name.clone(),
            "nginx_version" => PRODUCT.trim_start_matches("nginx/").to_owned(),
            "pid" => "1".to_owned(),
            "hostname" => self.hostname.to_owned(),
            "uri" | "document_uri" => self.context.path.clone(),
            "document_root" => self.context.root.clone(),
            "request_filename" => format!("{}{}", self.context.root, self.context.path),
            _ => return self.request_value(name, out),
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn request_value(&self, name: &str, out: &mut Vec<u8>) {
        let Some(request) = self.request() else {
            return;
        };
        let query = request.query.as_deref().unwrap_or_default();
        let text = match name {
            "request_method" => &request.method,
            "request_uri" => &request.target,
            "args" | "query_string" => query,
            "is_args" if query.is_empty() => "",
            "is_args" => "?",
            "host" if request.host.is_empty() => &self.context.server_name,
            "host" => &request.host,
            "server_protocol" => match request.version {
                crate::request::Version::Http09 => "HTTP/0.9",
                crate::request::Version::Http10 => "HTTP/1.0",
                crate::request::Version::Http11 => "HTTP/1.1",
            },
            "content_length" | "content_type" => request
                .header_text(&name.replace('_', "-"))
                .unwrap_or_default(),
            _ => match (name.strip_prefix("http_"), name.strip_prefix("arg_")) {
                (Some(header), _) => {
                    let value = request.header(&header.to_ascii_lowercase().replace('_', "-"));
                    return out.extend_from_slice(value.unwrap_or_default());
                }
                (_, Some(argument)) => {
                    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                    pairs
                        .filter(|(key, _)| key.eq_ignore_ascii_case(argument))
                        .map(|(_, v)| v)
                        .next()
                        .unwrap_or_default()
                }
                _ => "",
            },
        };
        out.extend_from_slice(text.as_bytes());
    }

    /// The same for a log: escaped, and a dash when there is nothing.
    pub fn logged(&self, name: &str, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        self.value(name, &mut value);
        if value.is_empty() && name != "request" {
            out.push(b'-');
        }
        escape(&value, out);
    }
}

/// The request line, as far as there was one.
pub fn line_of(incoming: &Incoming) -> &[u8] {
    match incoming {
        Incoming::Request(request) => &request.line,
        Incoming::Reject(reject) => &reject.line,
        Incoming::Garbage => &[],
    }
}

/// Writes bytes so that they cannot be taken for something else in a log.
pub fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f..=0xff => {
                out.extend(format!("\\x{byte:02X}").into_bytes())
            }
            plain => out.push(*plain),
        }
    }
}

/// A line of the error log about a connection.
pub fn error_line(
    level: &str,
    client: &Client,
    now: Now,
    incoming: &Incoming,
    server: &str,
    what: &str,
) -> Vec<u8> {
    let mut line = format!(
        "{} [{level}] 1#1: *{} {what}, client: {}, server: {server}",
        Date::of(now.seconds).nginx(),
        client.id,
        client.remote.ip()
    )
    .into_bytes();
    let mut quoted = |label: &str, bytes: &[u8]| {
        line.extend_from_slice(format!(", {label}: \"").as_bytes());
        line.extend(
            bytes
                .iter()
                .map(|byte| if byte.is_ascii_control() { b'?' } else { *byte }),
        );
        line.push(b'"');
    };
    quoted("request", line_of(incoming));
    if let Incoming::Request(request) = incoming {
        if let Some(host) = request.header("host") {
            quoted("host", host);
        }
        if let Some(referrer) = request.header("referer") {
            quoted("referrer", referrer);
        }
    }
    line.push(b'\n');
    line
}
