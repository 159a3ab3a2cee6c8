//! `-w`: what is told after a transfer. It knows names and forms; the numbers come from the transfer.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use crate::voice::Voice;

/// What a transfer can tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) status: u16,
    pub(crate) status_connect: u16,
    /// 10, 11 or 20; zero before an answer.
    pub(crate) version: u8,
    pub(crate) scheme: &'static str,
    pub(crate) url_effective: String,
    pub(crate) url: String,
    pub(crate) redirects: u64,
    pub(crate) redirect_url: String,
    pub(crate) referrer: String,
    pub(crate) method: String,
    pub(crate) content_type: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) connects: u64,
    pub(crate) verify: i32,
    pub(crate) size_download: u64,
    pub(crate) size_upload: u64,
    pub(crate) size_header: u64,
    pub(crate) size_request: u64,
    pub(crate) time_lookup: Duration,
    pub(crate) time_connect: Duration,
    pub(crate) time_appconnect: Duration,
    pub(crate) time_pretransfer: Duration,
    pub(crate) time_starttransfer: Duration,
    pub(crate) time_redirect: Duration,
    pub(crate) time_total: Duration,
    pub(crate) file: String,
    pub(crate) number: usize,
    pub(crate) exit: u8,
    pub(crate) error: String,
}

/// A value, and how JSON writes it.
enum Value {
    Text(String),
    /// A text that JSON calls null when it is empty.
    Maybe(String),
    Number(String),
    /// Three digits in a text, a number in JSON.
    Status(u16),
}

/// All variables that are values, in the order of JSON.
const NAMES: &[&str] = &[
    "certs",
    "content_type",
    "errormsg",
    "exitcode",
    "filename_effective",
    "ftp_entry_path",
    "http_code",
    "http_connect",
    "http_version",
    "local_ip",
    "local_port",
    "method",
    "num_certs",
    "num_connects",
    "num_headers",
    "num_redirects",
    "proxy_ssl_verify_result",
    "redirect_url",
    "referer",
    "remote_ip",
    "remote_port",
    "response_code",
    "scheme",
    "size_download",
    "size_header",
    "size_request",
    "size_upload",
    "speed_download",
    "speed_upload",
    "ssl_verify_result",
    "time_appconnect",
    "time_connect",
    "time_namelookup",
    "time_pretransfer",
    "time_redirect",
    "time_starttransfer",
    "time_total",
    "url",
    "url_effective",
    "urlnum",
];

impl Report {
    fn value(&self, name: &str) -> Option<Value> {
        use Value::{Maybe, Number, Status, Text};
        let seconds =
            |time: Duration| Number(format!("{}.{:06}", time.as_secs(), time.subsec_micros()));
        let count = |number: u64| Number(number.to_string());
        let speed = |bytes: u64| {
            let micros = self.time_total.as_micros().max(1);
            Number((u128::from(bytes) * 1_000_000 / micros).to_string())
        };
        let address =
            |socket: Option<SocketAddr>| Text(socket.map_or(String::new(), |s| s.ip().to_string()));
        let port = |socket: Option<SocketAddr>| count(socket.map_or(0, |s| s.port()).into());
        Some(match name {
            "certs" => Text(String::new()),
            "content_type" => Maybe(self.content_type.clone()),
            "errormsg" => Maybe(self.error.clone()),
            "exitcode" => count(self.exit.into()),
            "filename_effective" => Maybe(self.file.clone()),
            "ftp_entry_path" => Maybe(String::new()),
            "http_code" | "response_code" => Status(self.status),
            "http_connect" => Status(self.status_connect),
            "http_version" => Text(match self.version {
                0 => "0".to_owned(),
                20 => "2".to_owned(),
                version => format!("{}.{}", version / 10, version % 10),
            }),
            "local_ip" => address(self.local),
            "local_port" => port(self.local),
            "method" => Text(self.method.clone()),
            "num_certs" => count(0),
            "num_connects" => count(self.connects),
            "num_headers" => count(self.headers.len() as u64),
            "num_redirects" => count(self.redirects),
            "proxy_ssl_verify_result" => count(0),
            "redirect_url" => Maybe(self.redirect_url.clone()),
            "referer" => Maybe(self.referrer.clone()),
            "remote_ip" => address(self.remote),
            "remote_port" => port(self.remote),
            "scheme" => Text(self.scheme.to_owned()),
            "size_download" => count(self.size_download),
            "size_header" => count(self.size_header),
            "size_request" => count(self.size_request),
            "size_upload" => count(self.size_upload),
            "speed_download" => speed(self.size_download),
            "speed_upload" => speed(self.size_upload),
            "ssl_verify_result" => Number(self.verify.to_string()),
            "time_appconnect" => seconds(self.time_appconnect),
            "time_connect" => seconds(self.time_connect),
            "time_namelookup" => seconds(self.time_lookup),
            "time_pretransfer" => seconds(self.time_pretransfer),
            "time_redirect" => seconds(self.time_redirect),
            "time_starttransfer" => seconds(self.time_starttransfer),
            "time_total" => seconds(self.time_total),
            "url" => Text(self.url.clone()),
            "url_effective" => Text(self.url_effective.clone()),
            "urlnum" => count(self.number as u64),
            _ => return None,
        })
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    fn json(&self) -> String {
        let mut fields: Vec<String> = NAMES
            .iter()
            .filter_map(|name| {
                let value = match self.value(name)? {
                    Value::Maybe(text) if text.is_empty() => "null".to_owned(),
                    Value::Text(text) | Value::Maybe(text) => quoted(&text),
                    Value::Number(number) => number,
                    Value::Status(status) => status.to_string(),
                };
                Some(format!("\"{name}\":{value}"))
            })
            .collect();
        fields.push(format!("\"curl_version\":{}", quoted(&crate::library())));
        format!("{{{}}}", fields.join(","))
    }

    /// Every header with its values, in the order they came.
    fn header_json(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in &self.headers {
            let name = name.to_ascii_lowercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let rows: Vec<String> = names
            .iter()
            .map(|name| {
                let values = self
                    .headers
                    .iter()
                    .filter(|(n, _)| n.eq_ignore_ascii_case(name));
                let values: Vec<String> = values.map(|(_, value)| quoted(value)).collect();
                format!("{}:[{}]", quoted(name), values.join(","))
            })
            .collect();
        format!("{{{}\n}}", rows.join(",\n"))
    }
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 32 => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Writes the format with the report's values in it.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn write(format: &str, report: &Report, voice: &Voice) -> io::Result<()> {
    let mut stdout = io::stdout();
    let mut to_stderr = false;
    for piece in pieces(format) {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Header(name) => report.header(&name).to_owned(),
            Piece::Variable(name) => match (name.as_str(), report.value(&name)) {
                (_, Some(Value::Text(text) | Value::Maybe(text) | Value::Number(text))) => text,
                (_, Some(Value::Status(status))) => format!("{status:03}"),
                ("json", None) => report.json(),
                ("header_json", None) => report.header_json(),
                ("stdout" | "stderr", None) => {
                    to_stderr = name == "stderr";
                    continue;
                }
                ("onerror", None) if report.exit == 0 => break,
                ("onerror", None) => continue,
                (_, None) => {
                    voice.tell(&format!("curl: unknown --write-out variable: '{name}'"));
                    continue;
                }
            },
        };
        if to_stderr {
            io::stderr().write_all(text.as_bytes())?;
        } else {
            stdout.write_all(text.as_bytes())?;
        }
    }
    stdout.flush()
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
    Header(String),
}

fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some(char) = rest.chars().next() {
        let named = |start: &str| -> Option<(String, usize)> {
            let inner = rest.strip_prefix(start)?;
            let end = inner.find('}')?;
            Some((inner[..end].to_owned(), start.len() + end + 1))
        };
        let (found, used) = if let Some((name, used)) = named("%{") {
            (Some(Piece::Variable(name)), used)
        } else if let Some((name, used)) = named("%header{") {
            (Some(Piece::Header(name)), used)
        } else {
            let (plain, used) = match (char, rest[char.len_utf8()..].chars().next()) {
                ('%', Some('%')) => ("%".to_owned(), 2),
                ('%', Some(other)) if other != '{' => (format!("%{other}"), 1 + other.len_utf8()),
                ('\\', Some('n')) => ("\n".to_owned(), 2),
                ('\\', Some('r')) => ("\r".to_owned(), 2),
                ('\\', Some('t')) => ("\t".to_owned(), 2),
                ('\\', Some(other)) => (format!("\\{other}"), 1 + other.len_utf8()),
                (other, _) => (other.to_string(), other.len_utf8()),
            };
            text.push_str(&plain);
            (None, used)
        };
        if let Some(piece) = found {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(piece);
        }
        rest = &rest[used..];
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_headers_and_escapes_are_told_apart() {
        let expect = vec![
            Piece::Text("a\t%".to_owned()),
            Piece::Variable("http_code".to_owned()),
            Piece::Header("etag".to_owned()),
            Piece::Text("\n%{open".to_owned()),
        ];
        assert_eq!(pieces("a\\t%%%{http_code}%header{etag}\\n%{open"), expect);
    }

    #[test]
    fn json_says_null_where_there_is_nothing() {
        let json = Report::default().json();
        assert!(json.contains("\"content_type\":null,\"errormsg\":null,\"exitcode\":0"));
        assert!(json.contains("\"http_code\":0,"));
        assert!(json.contains("\"time_total\":0.000000,"));
    }
}
