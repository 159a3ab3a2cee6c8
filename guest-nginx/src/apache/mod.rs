//! The httpd face: Apache's manners over the same files and requests.
//! It has no configuration beyond the image's: one folder of documents, port 80, indexes on.

mod pages;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use crate::conf::model::LogTarget;
use crate::files::{self, Failure, Found, Stamp};
use crate::http::date::{self, Date, Now};
use crate::http::range::{self, Range};
use crate::http::request::{Limits, Reject, Request, Version};
use crate::http::{types, uri};
use crate::listing;
use crate::reply::{Body, Client, Part, Reply};

/// What it calls itself.
pub const PRODUCT: &str = "Apache/2.4.67 (Unix)";
/// `KeepAliveTimeout` and `MaxKeepAliveRequests` of a fresh installation.
const KEEP_ALIVE_MS: u64 = 5_000;
const MAX_REQUESTS: u64 = 100;
const METHODS: &str = "HEAD,GET,POST,OPTIONS,TRACE";

/// Apache httpd serving one folder.
#[derive(Debug)]
pub struct Apache {
    root: String,
    port: u16,
    types: BTreeMap<String, Rc<str>>,
}

/// An answer before it is bytes.
struct Draft {
    status: u16,
    /// Headers between `Server` and `Connection`, in Apache's order.
    headers: Vec<(&'static str, String)>,
    kind: Option<String>,
    body: Body,
    close: bool,
    note: Option<String>,
}

impl Apache {
    /// A server for the documents in `root`.
    pub fn new(root: String, port: u16) -> Self {
        Self {
            root,
            port,
            types: types::usual(),
        }
    }

    fn draft(&self, request: &Request) -> Draft {
        let head = request.is_head();
        match request.method() {
            "OPTIONS" => {
                let mut draft = text(200, Vec::new(), Some("text/html".to_owned()));
                draft.headers.insert(0, ("Allow", METHODS.to_owned()));
                draft
            }
            "GET" | "HEAD" | "POST" => self.content(request, head),
            "PUT" | "DELETE" | "PATCH" | "CONNECT" | "TRACE" => {
                let mut draft = pages::page(405, request.method());
                draft.headers.insert(0, ("Allow", METHODS.to_owned()));
                draft
            }
            method => {
                let mut draft = pages::page(501, method);
                draft.headers.insert(0, ("Allow", METHODS.to_owned()));
                draft.close = true;
                draft
            }
        }
    }

    fn content(&self, request: &Request, head: bool) -> Draft {
        let path = &request.path;
        let file = format!("{}{path}", self.root);
        if path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with(".ht"))
        {
            return pages::page(403, "");
        }
        let outcome = if path.ends_with('/') {
            match files::look(&format!("{file}index.html")) {
                Ok(Found::File(stamp)) => {
                    self.file(request, &format!("{file}index.html"), stamp, head)
                }
                _ => return self.index(path, &file),
            }
        } else {
            match files::look(&file) {
                Ok(Found::Folder(_)) => return self.to_folder(request),
                Ok(Found::File(stamp)) => self.file(request, &file, stamp, head),
                Err(failure) => return self.failed(&file, failure),
            }
        };
        outcome.unwrap_or_else(|error| self.failed(&file, Failure::of(&error)))
    }

    fn index(&self, path: &str, folder: &str) -> Draft {
        match listing::apache(path, folder) {
            Some(page) => text(
                200,
                page.into_bytes(),
                Some("text/html;charset=ISO-8859-1".to_owned()),
            ),
            None => pages::page(404, ""),
        }
    }

    fn failed(&self, file: &str, failure: Failure) -> Draft {
        let mut draft = pages::page(failure.status(), "");
        if failure.number == 13 {
            draft.note = Some(format!(
                "AH00132: file permissions deny server access: {file}"
            ));
        }
        draft
    }

    fn to_folder(&self, request: &Request) -> Draft {
        let host = request.header_text("host").unwrap_or("localhost");
        let query = request.query().map_or(String::new(), |query| {
            format!("?{}", String::from_utf8_lossy(query))
        });
        let place = format!("http://{host}{}/{query}", uri::escape(&request.path));
        let mut draft = pages::page(301, &place);
        draft.headers.insert(0, ("Location", place));
        draft
    }

    fn file(
        &self,
        request: &Request,
        file: &str,
        stamp: Stamp,
        head: bool,
    ) -> std::io::Result<Draft> {
        let micros = stamp.seconds * 1_000_000 + u64::from(stamp.nanos / 1000);
        let tag = format!("\"{:x}-{micros:x}\"", stamp.length);
        let kind = types::extension(file)
            .and_then(|ending| self.types.get(&ending))
            .map(|kind| kind.to_string());
        let mut draft = Draft {
            status: 200,
            headers: vec![
                ("Last-Modified", Date::of(stamp.seconds).http()),
                ("ETag", tag.clone()),
                ("Accept-Ranges", "bytes".to_owned()),
            ],
            kind,
            body: Body::Empty,
            close: false,
            note: None,
        };
        match condition(request, &tag, stamp) {
            Some(304) => {
                return Ok(Draft {
                    status: 304,
                    kind: None,
                    ..draft
                });
            }
            Some(status) => {
                draft.headers.push(("Content-Length", "0".to_owned()));
                return Ok(Draft { status, ..draft });
            }
            None => {}
        }
        let opened = File::open(file)?;
        let (mut from, mut length) = (0, stamp.length);
        match range(request, &tag, stamp) {
            Range::Parts(parts) if parts.len() == 1 => {
                let (first, last) = (parts[0].start, parts[0].end - 1);
                draft.status = 206;
                length = last - first + 1;
                draft.headers.push(("Content-Length", length.to_string()));
                draft.headers.push((
                    "Content-Range",
                    format!("bytes {first}-{last}/{}", stamp.length),
                ));
                from = first;
            }
            Range::Unsatisfiable => return Ok(pages::page(416, "")),
            Range::Whole | Range::Parts(_) => {
                draft.headers.push(("Content-Length", length.to_string()))
            }
        }
        if !head {
            draft.body = Body::File(opened, vec![Part::Bytes(from, length)]);
        }
        Ok(draft)
    }

    fn refusal(&self, reject: &Reject) -> Draft {
        let mut draft = match reject.status {
            494 => pages::page(400, "Size of a request header field exceeds server limit."),
            405 => {
                let method = reject
                    .line
                    .split(|byte| *byte == b' ')
                    .next()
                    .unwrap_or_default();
                let mut draft = pages::page(405, &String::from_utf8_lossy(method));
                draft.headers.insert(0, ("Allow", METHODS.to_owned()));
                draft
            }
            other => pages::page(other, ""),
        };
        draft.close = true;
        draft
    }
}

/// A body with its length and type.
fn text(status: u16, body: Vec<u8>, kind: Option<String>) -> Draft {
    let headers = vec![("Content-Length", body.len().to_string())];
    Draft {
        status,
        headers,
        kind,
        body: Body::Bytes(body),
        close: false,
        note: None,
    }
}

fn condition(request: &Request, tag: &str, stamp: Stamp) -> Option<u16> {
    let header = |name| request.header_text(name);
    if header("if-match").is_some_and(|list| !range::lists_tag(list, tag, false)) {
        return Some(412);
    }
    let since = |name| header(name).and_then(date::parse_http);
    if header("if-match").is_none()
        && since("if-unmodified-since").is_some_and(|since| stamp.seconds > since)
    {
        return Some(412);
    }
    match header("if-none-match") {
        Some(list) => range::lists_tag(list, tag, false).then_some(304),
        None => since("if-modified-since")
            .filter(|since| stamp.seconds <= *since)
            .map(|_| 304),
    }
}

fn range(request: &Request, tag: &str, stamp: Stamp) -> Range {
    let valid = request
        .header_text("if-range")
        .is_none_or(|condition| condition == tag || condition == Date::of(stamp.seconds).http());
    match request.header("range") {
        Some(header) if valid => range::range(header, stamp.length, 1),
        _ => Range::Whole,
    }
}

/// An answer with what the error log is told.
#[derive(Debug)]
pub struct Said {
    /// What is sent.
    pub reply: Reply,
    note: Option<String>,
}

impl Apache {
    /// How large heads may be, and how long the first may take.
    pub fn manners(&self) -> (Limits, u64) {
        let limits = Limits {
            line: 8190,
            head: 100 * 8190,
            underscores: true,
            ..Limits::default()
        };
        (limits, 60_000)
    }

    /// Answers a request, or refuses what is none.
    pub fn answer(
        &self,
        client: &Client,
        now: Now,
        request: Option<&Request>,
        reject: Option<&Reject>,
    ) -> Said {
        let draft = match (request, reject) {
            (Some(request), _) => self.draft(request),
            (None, Some(reject)) => self.refusal(reject),
            (None, None) => pages::page(400, ""),
        };
        let stays = !draft.close
            && request.is_some_and(|request| request.keep_alive)
            && client.served + 1 < MAX_REQUESTS;
        let old = request.is_some_and(|request| request.version == Version::Http10);
        let is_head = request.is_some_and(Request::is_head);
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nServer: {PRODUCT}\r\n",
            draft.status,
            pages::reason(draft.status),
            Date::of(now.seconds).http()
        );
        for (name, value) in &draft.headers {
            if !(is_head && draft.status >= 400 && *name == "Content-Length") {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        match (stays, old) {
            (true, true) => {
                head.push_str("Keep-Alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n");
            }
            (true, false) => {}
            (false, _) => head.push_str("Connection: close\r\n"),
        }
        if let Some(kind) = &draft.kind {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        head.push_str("\r\n");
        let wordless = request.is_some_and(|request| request.version == Version::Http09);
        let reply = Reply {
            status: draft.status,
            head: if wordless {
                Vec::new()
            } else {
                head.into_bytes()
            },
            body: if is_head { Body::Empty } else { draft.body },
            keep_alive: stays,
            idle_ms: KEEP_ALIVE_MS,
            ..Reply::default()
        };
        Said {
            reply,
            note: draft.note,
        }
    }

    /// The lines for both logs once `sent` bytes of the body are out.
    pub fn lines(
        &self,
        client: &Client,
        now: Now,
        request: Option<&Request>,
        reject: Option<&Reject>,
        said: &Said,
        sent: u64,
    ) -> Vec<(LogTarget, Vec<u8>)> {
        let mut lines = Vec::new();
        if let Some(note) = &said.note {
            let at = Date::of(now.seconds).apache(now.nanos / 1000);
            let line = format!(
                "[{at}] [core:error] [pid 1:tid 1] [client {}] {note}\n",
                client.remote
            );
            lines.push((LogTarget::Stderr, line.into_bytes()));
        }
        let when = Date::of(now.seconds).clf();
        let mut line = format!("{} - - [{when}] \"", client.remote.ip()).into_bytes();
        let asked = match (request, reject) {
            (Some(request), _) => request.line(),
            (None, Some(reject)) => &reject.line,
            (None, None) => b"",
        };
        pages::escape(asked, &mut line);
        let sent = if sent == 0 {
            "-".to_owned()
        } else {
            sent.to_string()
        };
        line.extend_from_slice(format!("\" {} {sent}\n", said.reply.status).as_bytes());
        lines.push((LogTarget::Stdout, line));
        lines
    }

    /// Where the error log goes.
    pub fn error_target(&self) -> &LogTarget {
        &LogTarget::Stderr
    }

    /// A line of the error log about the server itself.
    pub fn notice(&self, now: Now, pid: u32, text: &str) -> Vec<u8> {
        let at = Date::of(now.seconds).apache(now.nanos / 1000);
        let module = if text.starts_with("AH00094") {
            "core"
        } else {
            "mpm_event"
        };
        format!("[{at}] [{module}:notice] [pid {pid}:tid 1] {text}\n").into_bytes()
    }

    /// The addresses to listen on.
    pub fn sockets(&self) -> Vec<SocketAddrV4> {
        vec![SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, self.port)]
    }
}
