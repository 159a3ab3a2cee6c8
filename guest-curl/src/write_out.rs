//! `-w`: what is told after a transfer. It knows names and forms; the numbers come from the transfer.

use std::io::{self, Write};
use std::time::Duration;

/// What a transfer can tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) status: u16,
    pub(crate) version: String,
    pub(crate) url_effective: String,
    pub(crate) url: String,
    pub(crate) redirects: u64,
    pub(crate) redirect_url: String,
    pub(crate) method: String,
    pub(crate) content_type: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) remote: Option<std::net::SocketAddr>,
    pub(crate) local: Option<std::net::SocketAddr>,
    pub(crate) connects: u64,
    pub(crate) size_download: u64,
    pub(crate) size_upload: u64,
    pub(crate) size_header: u64,
    pub(crate) size_request: u64,
    pub(crate) time_lookup: Duration,
    pub(crate) time_connect: Duration,
    pub(crate) time_pretransfer: Duration,
    pub(crate) time_starttransfer: Duration,
    pub(crate) time_redirect: Duration,
    pub(crate) time_total: Duration,
    pub(crate) file: String,
    pub(crate) number: usize,
    pub(crate) exit: u8,
    pub(crate) error: String,
}

impl Report {
    fn value(&self, name: &str) -> Option<String> {
        let seconds = |time: Duration| format!("{}.{:06}", time.as_secs(), time.subsec_micros());
        let speed = |bytes: u64| {
            let micros = self.time_total.as_micros().max(1);
            (u128::from(bytes) * 1_000_000 / micros).to_string()
        };
        let address = |socket: Option<std::net::SocketAddr>| {
            socket.map_or(String::new(), |s| s.ip().to_string())
        };
        let port =
            |socket: Option<std::net::SocketAddr>| socket.map_or(0, |s| s.port()).to_string();
        Some(match name {
            "http_code" | "response_code" => format!("{:03}", self.status),
            "http_connect" => "000".to_owned(),
            "http_version" if self.version.is_empty() => "0".to_owned(),
            "http_version" => self.version.clone(),
            "url_effective" => self.url_effective.clone(),
            "url" => self.url.clone(),
            "urlnum" => self.number.to_string(),
            "num_redirects" => self.redirects.to_string(),
            "redirect_url" => self.redirect_url.clone(),
            "method" => self.method.clone(),
            "content_type" => self.content_type.clone(),
            "num_headers" => self.headers.len().to_string(),
            "remote_ip" => address(self.remote),
            "remote_port" => port(self.remote),
            "local_ip" => address(self.local),
            "local_port" => port(self.local),
            "num_connects" => self.connects.to_string(),
            "size_download" => self.size_download.to_string(),
            "size_upload" => self.size_upload.to_string(),
            "size_header" => self.size_header.to_string(),
            "size_request" => self.size_request.to_string(),
            "speed_download" => speed(self.size_download),
            "speed_upload" => speed(self.size_upload),
            "scheme" => "HTTP".to_owned(),
            "ssl_verify_result" | "proxy_ssl_verify_result" => "0".to_owned(),
            "time_namelookup" => seconds(self.time_lookup),
            "time_connect" => seconds(self.time_connect),
            "time_appconnect" => seconds(Duration::ZERO),
            "time_pretransfer" => seconds(self.time_pretransfer),
            "time_starttransfer" => seconds(self.time_starttransfer),
            "time_redirect" => seconds(self.time_redirect),
            "time_total" => seconds(self.time_total),
            "filename_effective" => self.file.clone(),
            "exitcode" => self.exit.to_string(),
            "errormsg" => self.error.clone(),
            _ => return None,
        })
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

/// Writes the format with the report's values in it.
pub(crate) fn write(format: &str, report: &Report) -> io::Result<()> {
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let mut to_stderr = false;
    for piece in pieces(format) {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Header(name) => report.header(&name).to_owned(),
            Piece::Variable(name) => match (name.as_str(), report.value(&name)) {
                (_, Some(value)) => value,
                ("stdout" | "stderr", None) => {
                    to_stderr = name == "stderr";
                    continue;
                }
                ("onerror", None) if report.exit == 0 => break,
                ("onerror", None) => continue,
                ("json" | "header_json" | "certs", None) => {
                    writeln!(
                        stderr,
                        "curl: --write-out variable '{name}' is not in this lab yet"
                    )?;
                    continue;
                }
                (_, None) => {
                    writeln!(stderr, "curl: unknown --write-out variable: '{name}'")?;
                    continue;
                }
            },
        };
        if to_stderr {
            stderr.write_all(text.as_bytes())?
        } else {
            stdout.write_all(text.as_bytes())?
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
    fn no_answer_is_told_as_three_zeros() {
        assert_eq!(Report::default().value("http_code").as_deref(), Some("000"));
        assert_eq!(
            Report::default().value("time_total").as_deref(),
            Some("0.000000")
        );
    }
}
