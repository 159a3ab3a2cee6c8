//! HTTP/1 heads: requests as curl writes them, answers as it reads them. No bytes move here.

use crate::VERSION;
use crate::options::Options;
use crate::url::Url;

/// The longest head that is understood.
pub(crate) const MAX_HEAD: usize = 300 * 1024;

/// What is asked this time; redirects change it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) user: Option<String>,
}

/// The head of a request.
pub(crate) fn request(ask: &Ask, options: &Options) -> String {
    let mut head = format!(
        "{} {} HTTP/1.{}\r\n",
        ask.method,
        ask.url.target,
        u8::from(!options.http10)
    );
    let custom = |name: &str| {
        options
            .headers
            .iter()
            .any(|header| header_name(header).eq_ignore_ascii_case(name))
    };
    let mut line = |name: &str, value: &str| {
        if !custom(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    // A Host of one's own keeps the place of curl's.
    let own_host = options
        .headers
        .iter()
        .find(|header| header_name(header).eq_ignore_ascii_case("Host"));
    line("Host", &ask.url.authority());
    if let Some((_, value)) = own_host
        .and_then(|header| header.split_once(':'))
        .filter(|(_, v)| !v.trim().is_empty())
    {
        head.push_str(&format!("Host: {}\r\n", value.trim()));
    }
    let mut line = |name: &str, value: &str| {
        if !custom(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    if let Some(user) = &ask.user {
        line(
            "Authorization",
            &format!("Basic {}", base64(user.as_bytes())),
        );
    }
    if let Some(range) = &options.range {
        line("Range", &format!("bytes={range}"));
    }
    match options.agent.as_deref() {
        Some("") => {}
        agent => line("User-Agent", agent.unwrap_or(&format!("curl/{VERSION}"))),
    }
    if options.json {
        line("Content-Type", "application/json");
        line("Accept", "application/json");
    } else {
        line("Accept", "*/*");
    }
    if let Some(referrer) = options
        .referrer
        .as_ref()
        .filter(|referrer| !referrer.is_empty())
    {
        line("Referer", referrer);
    }
    if let Some(cookie) = &options.cookie {
        line("Cookie", cookie);
    }
    for header in options
        .headers
        .iter()
        .filter(|header| !header_name(header).eq_ignore_ascii_case("Host"))
    {
        match (header.split_once(':'), header.strip_suffix(';')) {
            (Some((name, value)), _) if !value.trim().is_empty() => {
                head.push_str(&format!("{name}:{value}\r\n"))
            }
            (None, Some(name)) => head.push_str(&format!("{name}:\r\n")),
            _ => {}
        }
    }
    if let Some(body) = &ask.body {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        if !custom("Content-Type") && !options.json {
            head.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
    }
    head.push_str("\r\n");
    head
}

fn header_name(header: &str) -> &str {
    header.split([':', ';']).next().unwrap_or_default()
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) version: String,
    /// The lines as they came, without their ends, status line first.
    pub(crate) lines: Vec<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// How the body ends.
    pub(crate) fn framing(&self, method: &str) -> Framing {
        if method == "HEAD" || self.status == 204 || self.status == 304 || self.status < 200 {
            return Framing::Length(0);
        }
        if self
            .header("transfer-encoding")
            .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
        {
            return Framing::Chunked;
        }
        match self
            .header("content-length")
            .and_then(|length| length.trim().parse().ok())
        {
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        }
    }

    /// Whether the connection may serve another request.
    pub(crate) fn keeps_alive(&self) -> bool {
        let connection = self
            .header("connection")
            .unwrap_or_default()
            .to_ascii_lowercase();
        if self.version == "1.0" {
            connection.contains("keep-alive")
        } else {
            !connection.contains("close")
        }
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// A head, if it is complete, and how long it is; `Err` when this is no HTTP/1.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, ()> {
    let start = &bytes[..bytes.len().min(5)];
    if !b"HTTP/".starts_with(start) && !start.starts_with(b"HTTP/") {
        return Err(());
    }
    let (mut lines, mut at) = (Vec::new(), 0);
    loop {
        let Some(end) = bytes[at..].iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let line = &bytes[at..at + end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        at += end + 1;
        if line.is_empty() {
            break;
        }
        lines.push(String::from_utf8_lossy(line).into_owned());
    }
    let mut words = lines.first().ok_or(())?.splitn(3, ' ');
    let version = words
        .next()
        .and_then(|word| word.strip_prefix("HTTP/"))
        .ok_or(())?
        .to_owned();
    let status = words
        .next()
        .and_then(|word| word.parse().ok())
        .filter(|status| (100..1000).contains(status))
        .ok_or(())?;
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers = headers
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    Ok(Some((
        Head {
            status,
            version,
            lines,
            headers,
        },
        at,
    )))
}

/// Base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| usize::from(*group.get(at).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * at) & 63];
            text.push(if at <= group.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_to_groups_of_four() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("user:pass", "dXNlcjpwYXNz"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_head_is_nothing_until_its_empty_line() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None));
        assert_eq!(parse(b"HT"), Ok(None));
        assert_eq!(parse(b"SSH-2.0"), Err(()));
        let (head, used) = parse(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody")
            .expect("http")
            .expect("complete");
        assert_eq!((head.status, head.header("a"), used), (200, Some("b"), 25));
    }
}
