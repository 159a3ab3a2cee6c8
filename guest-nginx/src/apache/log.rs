//! Lines of Apache's access logs, by their formats.

use crate::http::date::{Date, Now};
use crate::http::request::{Request, Version};
use crate::reply::Client;

use super::{Said, pages};

/// What a line tells of.
pub(super) struct Seen<'a> {
    pub(super) client: &'a Client,
    pub(super) now: Now,
    pub(super) request: Option<&'a Request>,
    /// The request line, even of what was none.
    pub(super) line: &'a [u8],
    pub(super) said: &'a Said,
    pub(super) sent: u64,
    pub(super) name: &'a str,
    pub(super) took_ns: u64,
}

/// One piece of a format: a text, or a letter with what stood in braces.
enum Piece<'a> {
    Text(&'a str),
    Field(char, &'a str),
}

fn pieces(format: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), format);
    while let Some((text, after)) = rest.split_once('%') {
        pieces.push(Piece::Text(text));
        let after = after.trim_start_matches(['<', '>']);
        let (inside, after) = match after.strip_prefix('{') {
            Some(after) => after.split_once('}').unwrap_or((after, "")),
            None => ("", after),
        };
        let mut chars = after.chars();
        pieces.push(Piece::Field(chars.next().unwrap_or('\0'), inside));
        rest = chars.as_str();
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Whether every field of a format is known.
///
/// # Errors
/// The first that is not, in Apache's words.
pub(super) fn check(format: &str) -> Result<(), String> {
    for piece in pieces(format) {
        match piece {
            Piece::Field('i' | 'o', name) if !name.is_empty() => {}
            Piece::Field('e' | 'C' | 'n' | 'P' | 't', name) if !name.is_empty() => {
                let letter = format.rsplit(name).next().unwrap_or_default();
                let letter = letter.trim_start_matches('}').chars().next().unwrap_or(' ');
                return Err(format!(
                    "%{{{name}}}{letter} of LogFormat is not in this lab"
                ));
            }
            Piece::Field('T', "s" | "ms" | "us") => {}
            Piece::Field(letter, "") if "halutrsbBUqmHvVpADTfIOPkX%".contains(letter) => {}
            Piece::Field(letter @ ('L' | 'R' | 'S'), _) => {
                return Err(format!("%{letter} of LogFormat is not in this lab"));
            }
            Piece::Field(letter, _) => {
                return Err(format!("Unrecognized LogFormat directive %{letter}"));
            }
            Piece::Text(_) => {}
        }
    }
    Ok(())
}

/// A line with its end.
pub(super) fn line(format: &str, seen: &Seen<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let sent = seen.sent.to_string();
    let request = seen.request;
    for piece in pieces(format) {
        let (letter, inside) = match piece {
            Piece::Text(text) => {
                let text = text.replace("\\n", "\n").replace("\\t", "\t");
                out.extend_from_slice(text.as_bytes());
                continue;
            }
            Piece::Field(letter, inside) => (letter, inside),
        };
        let when;
        let value: &[u8] = match letter {
            'h' | 'a' => {
                when = seen.client.remote.ip().to_string();
                when.as_bytes()
            }
            't' => {
                when = format!("[{}]", Date::of(seen.now.seconds).clf());
                when.as_bytes()
            }
            'r' => seen.line,
            's' => {
                when = seen.said.reply.status.to_string();
                when.as_bytes()
            }
            'b' if seen.sent == 0 => b"-",
            'b' | 'B' => sent.as_bytes(),
            'i' => request
                .and_then(|request| request.header(inside))
                .unwrap_or(b"-"),
            'o' => header(&seen.said.head, inside).unwrap_or(b"-"),
            'u' => seen.said.user.as_deref().unwrap_or("-").as_bytes(),
            'f' => seen.said.file.as_bytes(),
            'D' => {
                when = (seen.took_ns / 1_000).to_string();
                when.as_bytes()
            }
            'T' => {
                let unit = match inside {
                    "ms" => 1_000_000,
                    "us" => 1_000,
                    _ => 1_000_000_000,
                };
                when = (seen.took_ns / unit).to_string();
                when.as_bytes()
            }
            'O' => {
                when = (seen.sent + seen.said.head.len() as u64).to_string();
                when.as_bytes()
            }
            'I' => {
                let size = request.map_or(0, |request| request.size as u64);
                when = (size + request.and_then(Request::length).unwrap_or(0)).to_string();
                when.as_bytes()
            }
            'k' => {
                when = seen.client.served.to_string();
                when.as_bytes()
            }
            'X' if seen.said.reply.keep_alive => b"+",
            'P' => b"1",
            'A' => {
                when = seen.client.local.ip().to_string();
                when.as_bytes()
            }
            'U' => request.map_or(b"-".as_slice(), |request| request.path.as_bytes()),
            'q' => match request.and_then(Request::query) {
                Some(query) => {
                    when = format!("?{}", String::from_utf8_lossy(query));
                    when.as_bytes()
                }
                None => b"",
            },
            'm' => request.map_or(b"-".as_slice(), |request| request.method().as_bytes()),
            'H' => match request.map(|request| request.version) {
                Some(Version::Http09) => b"HTTP/0.9",
                Some(Version::Http10) => b"HTTP/1.0",
                _ => b"HTTP/1.1",
            },
            'v' | 'V' => seen.name.as_bytes(),
            'p' => {
                when = seen.client.local.port().to_string();
                when.as_bytes()
            }
            '%' => b"%",
            _ => b"-",
        };
        pages::escape(value, &mut out);
    }
    out.push(b'\n');
    out
}

/// The value of a header in an answer's head.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = line.trim_ascii_end();
        let at = line.iter().position(|byte| *byte == b':')?;
        let fits = line[..at].eq_ignore_ascii_case(name.as_bytes());
        fits.then(|| line[at + 1..].trim_ascii())
    })
}
