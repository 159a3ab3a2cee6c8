//! The httpd face: Apache's manners over the same files and requests.
//! It has no configuration beyond the image's: one folder of documents, port 80, indexes on.

mod pages;

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use crate::conf::model::LogTarget;
use crate::connection::Incoming;
use crate::date::{self, Date};
use crate::nginx::log;
use crate::reply::{Body, Client, Context, Now, Reply, Site};
use crate::request::{Reject, Request, Version};
use crate::resource::{self, Failure, Found, Range, Stamp};
use crate::{listing, types, uri};

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
    types: std::collections::BTreeMap<String, String>,
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
            types: types::standard(),
        }
    }

    fn draft(&self, request: &Request) -> Draft {
        let head = request.method == "HEAD";
        match request.method.as_str() {
            "OPTIONS" => {
                let mut draft = text(200, Vec::new(), Some("text/html".to_owned()));
                draft.headers.insert(0, ("Allow", METHODS.to_owned()));
                draft
            }
            "GET" | "HEAD" | "POST" => self.content(request, head),
            "PUT" | "DELETE" | "PATCH" | "CONNECT" | "TRACE" => {
                let mut draft = pages::page(405, &request.method);
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
            match resource::look(&format!("{file}index.html")) {
                Ok(Found::File(stamp)) => {
                    self.file(request, &format!("{file}index.html"), stamp, head)
                }
                _ => return self.index(path, &file),
            }
        } else {
            match resource::look(&file) {
                Ok(Found::Folder) => return self.to_folder(request),
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
        let query = request
            .query
            .as_ref()
            .map_or(String::new(), |query| format!("?{query}"));
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
        let micros = stamp.seconds * 1_000_000 + u64::from(stamp.micros);
        let tag = format!("\"{:x}-{micros:x}\"", stamp.length);
        let kind = types::extension(file)
            .and_then(|ending| self.types.get(&ending))
            .cloned();
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
        let mut opened = File::open(file)?;
        let mut length = stamp.length;
        match range(request, &tag, stamp) {
            Range::Part(first, last) => {
                draft.status = 206;
                length = last - first + 1;
                draft.headers.push(("Content-Length", length.to_string()));
                draft.headers.push((
                    "Content-Range",
                    format!("bytes {first}-{last}/{}", stamp.length),
                ));
                opened.seek(SeekFrom::Start(first))?;
            }
            Range::Unsatisfiable => return Ok(pages::page(416, "")),
            Range::Whole | Range::Malformed => {
                draft.headers.push(("Content-Length", length.to_string()))
            }
        }
        if !head {
            draft.body = Body::of_file(opened, length)?;
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
    if header("if-match").is_some_and(|list| !resource::lists_tag(list, tag)) {
        return Some(412);
    }
    let since = |name| header(name).and_then(date::parse_http);
    if header("if-match").is_none()
        && since("if-unmodified-since").is_some_and(|since| stamp.seconds > since)
    {
        return Some(412);
    }
    match header("if-none-match") {
        Some(list) => resource::lists_tag(list, tag).then_some(304),
        None => since("if-modified-since")
            .filter(|since| stamp.seconds <= *since)
            .map(|_| 304),
    }
}

fn range(request: &Request, tag: &str, stamp: Stamp) -> Range {
    let valid = request
        .header_text("if-range")
        .is_none_or(|condition| condition == tag || condition == Date::of(stamp.seconds).http());
    match request.header_text("range") {
        Some(header) if valid => resource::range(header, stamp.length),
        _ => Range::Whole,
    }
}

impl Site for Apache {
    fn answer(&self, client: &Client, now: Now, incoming: &Incoming) -> Reply {
        let (draft, request) = match incoming {
            Incoming::Request(request) => (self.draft(request), Some(request)),
            Incoming::Reject(reject) => (self.refusal(reject), None),
            Incoming::Garbage => unreachable!("garbage after an answer is not answered"),
        };
        let stays = !draft.close
            && request.is_some_and(|request| request.keep_alive)
            && client.served + 1 < MAX_REQUESTS;
        let old = request.is_some_and(|request| request.version == Version::Http10);
        let is_head = request.is_some_and(|request| request.method == "HEAD");
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
                head.push_str("Keep-Alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n")
            }
            (true, false) => {}
            (false, _) => head.push_str("Connection: close\r\n"),
        }
        if let Some(kind) = &draft.kind {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        head.push_str("\r\n");
        let wordless = request.is_some_and(|request| request.version == Version::Http09);
        let note = draft.note.map(|note| {
            let at = Date::of(now.seconds).apache(now.nanos / 1000);
            format!(
                "[{at}] [core:error] [pid 1:tid 1] [client {}] {note}\n",
                client.remote
            )
            .into_bytes()
        });
        Reply {
            status: draft.status,
            head: if wordless {
                Vec::new()
            } else {
                head.into_bytes()
            },
            body: if is_head { Body::Empty } else { draft.body },
            keep_alive: stays,
            idle_ms: KEEP_ALIVE_MS,
            notes: note.into_iter().collect(),
            context: Context {
                access_logs: Rc::default(),
                server_name: String::new(),
                path: String::new(),
                root: self.root.clone(),
            },
        }
    }

    fn access_lines(
        &self,
        client: &Client,
        now: Now,
        incoming: &Incoming,
        reply: &Reply,
        sent: u64,
    ) -> Vec<(LogTarget, Vec<u8>)> {
        let mut line = format!(
            "{} - - [{}] \"",
            client.remote.ip(),
            Date::of(now.seconds).clf()
        )
        .into_bytes();
        pages::escape(log::line_of(incoming), &mut line);
        let sent = if sent == 0 {
            "-".to_owned()
        } else {
            sent.to_string()
        };
        line.extend_from_slice(format!("\" {} {sent}\n", reply.status).as_bytes());
        vec![(LogTarget::Stdout, line)]
    }

    fn error_target(&self) -> &LogTarget {
        &LogTarget::Stderr
    }

    fn notice(&self, now: Now, text: &str) -> Option<Vec<u8>> {
        let at = Date::of(now.seconds).apache(now.nanos / 1000);
        let module = if text.starts_with("AH00094") {
            "core"
        } else {
            "mpm_event"
        };
        Some(format!("[{at}] [{module}:notice] [pid 1:tid 1] {text}\n").into_bytes())
    }

    fn sockets(&self) -> Vec<SocketAddrV4> {
        vec![SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, self.port)]
    }

    fn first_request_ms(&self) -> u64 {
        20_000
    }
}
