//! What is found at a request's place: files and parts of them, folders, redirects.
//! It sends nothing and never leaves what the configuration names.

use std::fs::File;

use super::conf::model::{Host, Matcher};
use super::{Apache, Draft, Spot, pages, text};
use crate::files::{self, Failure, Found, Stamp};
use crate::http::date::{self, Date};
use crate::http::range::{self, Range};
use crate::http::request::{Reject, Request};
use crate::http::uri;
use crate::listing;
use crate::net::system;
use crate::reply::{Body, Client, Part};

/// The type of a list.
const LISTING: &str = "text/html;charset=ISO-8859-1";

/// The methods that a server says it has.
pub(super) fn methods(traces: bool) -> &'static str {
    if traces {
        "GET,POST,OPTIONS,HEAD,TRACE"
    } else {
        "GET,POST,OPTIONS,HEAD"
    }
}

impl Apache {
    /// Where a path leads.
    pub(super) fn spot<'a>(&self, host: &'a Host, path: &str) -> Spot<'a> {
        let aliased = host
            .aliased
            .iter()
            .find_map(|(from, to)| from.moved(path, to));
        let file = aliased.unwrap_or_else(|| format!("{}{path}", host.root));
        Spot {
            settings: host.settings(path, &file),
            host,
            file,
        }
    }

    /// What is answered to a request.
    pub(super) fn draft(&self, request: &Request, spot: &Spot<'_>, client: &Client) -> Draft {
        let method = request.method();
        let allow = methods(spot.host.traces);
        let known = matches!(
            method,
            "GET" | "HEAD" | "POST" | "OPTIONS" | "PUT" | "DELETE" | "PATCH" | "CONNECT" | "TRACE"
        );
        if !known {
            let mut draft = pages::page(501, method).with("Allow", allow);
            draft.close = true;
            return draft;
        }
        // A slash that was written as %2F is none, and nothing else either.
        let written = request.target().split(|byte| *byte == b'?').next();
        let hidden = |part: &[u8]| part.eq_ignore_ascii_case(b"%2f");
        if written.is_some_and(|path| path.windows(3).any(hidden)) {
            return pages::page(404, "");
        }
        if let Some(draft) = moved(request, spot) {
            return draft;
        }
        let user = match self.admitted(request, spot, client) {
            Ok(user) => user,
            Err(draft) => return *draft,
        };
        let mut draft = match method {
            "OPTIONS" => {
                let charset = spot.settings.charset.clone().flatten();
                let charset = charset.map_or(String::new(), |name| format!("; charset={name}"));
                let mut draft = text(200, Vec::new(), Some(format!("text/html{charset}")));
                draft.success = true;
                draft.late = std::mem::take(&mut draft.headers);
                draft.with("Allow", allow)
            }
            "GET" | "HEAD" | "POST" => self.content(request, spot, client),
            _ => pages::page(405, method).with("Allow", allow),
        };
        draft.user = user;
        draft
    }

    fn content(&self, request: &Request, spot: &Spot<'_>, client: &Client) -> Draft {
        let (path, file) = (&request.path, &spot.file);
        if let Some(handler) = &spot.settings.handler {
            return pages::page(501, request.method())
                .noting("core", format!("the handler {handler} is not in this lab"));
        }
        match files::look(file.trim_end_matches('/')) {
            Ok(Found::Folder(_)) if !path.ends_with('/') && self.config.dir => {
                to_folder(request, spot)
            }
            Ok(Found::Folder(_)) => self.folder(request, spot, client),
            Ok(Found::File(_)) if path.ends_with('/') => pages::page(404, ""),
            Ok(Found::File(stamp)) => self.file(request, spot, stamp),
            Err(failure) => self
                .fallback(request, spot)
                .unwrap_or_else(|| failed(file, failure)),
        }
    }

    fn folder(&self, request: &Request, spot: &Spot<'_>, client: &Client) -> Draft {
        let usual = vec!["index.html".to_owned()];
        let names = spot.settings.index.as_ref().unwrap_or(&usual);
        for name in names.iter().filter(|_| self.config.dir) {
            let path = match name.strip_prefix('/') {
                Some(_) => name.clone(),
                None => format!("{}{name}", request.path),
            };
            let inner = self.spot(spot.host, &path);
            if let Ok(Found::File(stamp)) = files::look(&inner.file) {
                return match self.admitted(request, &inner, client) {
                    Ok(_) => self.file(request, &inner, stamp),
                    Err(draft) => *draft,
                };
            }
        }
        if let Some(draft) = self.fallback(request, spot) {
            return draft;
        }
        if !self.config.autoindex {
            return pages::page(404, "");
        }
        if spot.settings.indexes != Some(true) {
            let words = format!(
                "AH01276: Cannot serve directory {}: No matching DirectoryIndex ({}) found, and \
                 server-generated directory index forbidden by Options directive",
                spot.file,
                names.join(",")
            );
            return pages::page(403, "").noting("autoindex", words);
        }
        let Some(page) = listing::apache(&request.path, &spot.file) else {
            return pages::page(404, "");
        };
        let mut draft = text(200, page.into_bytes(), Some(LISTING.to_owned()));
        self.sign(&mut draft, spot, Some(request));
        draft.success = true;
        draft.late = std::mem::take(&mut draft.headers);
        if request.is_head() {
            draft.late.clear();
        }
        draft
    }

    /// The file for what is not there.
    fn fallback(&self, request: &Request, spot: &Spot<'_>) -> Option<Draft> {
        let path = spot.settings.fallback.as_ref()?;
        let inner = self.spot(spot.host, path);
        match files::look(&inner.file) {
            Ok(Found::File(stamp)) => Some(self.file(request, &inner, stamp)),
            _ => None,
        }
    }

    /// A file, or what stands for it when the client has it already or wants a part.
    pub(super) fn file(&self, request: &Request, spot: &Spot<'_>, stamp: Stamp) -> Draft {
        let micros = stamp.seconds * 1_000_000 + u64::from(stamp.nanos / 1000);
        let tag = format!("\"{:x}-{micros:x}\"", stamp.length);
        let about = self.types.of(&spot.file, &spot.settings);
        let mut draft = text(200, Vec::new(), about.kind);
        draft.success = true;
        draft.body = Body::Empty;
        let mut headers = vec![
            ("Last-Modified", Date::of(stamp.seconds).http()),
            ("ETag", tag.clone()),
            ("Accept-Ranges", "bytes".to_owned()),
        ];
        let mut late = Vec::new();
        draft.status = condition(request, &tag, stamp).unwrap_or(200);
        match draft.status {
            304 => draft.kind = None,
            412 => headers.push(("Content-Length", "0".to_owned())),
            _ => {
                let (mut from, mut length) = (0, stamp.length);
                match wanted(request, &tag, stamp) {
                    Range::Parts(parts) if parts.len() == 1 => {
                        let (first, last) = (parts[0].start, parts[0].end - 1);
                        let place = format!("bytes {first}-{last}/{}", stamp.length);
                        late.push(("Content-Range", place));
                        draft.status = 206;
                        (from, length) = (first, last - first + 1);
                    }
                    Range::Unsatisfiable => {
                        // The only page of Apache's own whose length it does not tell.
                        let mut draft = pages::page(416, "");
                        draft.headers.clear();
                        return draft;
                    }
                    Range::Whole | Range::Parts(_) => {}
                }
                headers.push(("Content-Length", length.to_string()));
                if !request.is_head() {
                    draft.body = match File::open(&spot.file) {
                        Ok(opened) => Body::File(opened, vec![Part::Bytes(from, length)]),
                        Err(error) => return failed(&spot.file, Failure::of(&error)),
                    };
                }
            }
        }
        if draft.status != 304 {
            let encoding = about.encoding.map(|value| ("Content-Encoding", value));
            let language = about.language.map(|value| ("Content-Language", value));
            let both = encoding.into_iter().chain(language);
            draft.last = both.map(|(name, value)| (name.to_owned(), value)).collect();
        }
        let own = |(name, value): (&str, String)| (name.to_owned(), value);
        draft.headers = headers.into_iter().map(own).collect();
        draft.late = late.into_iter().map(own).collect();
        draft
    }

    /// What is said to what is no request.
    pub(super) fn refusal(&self, reject: &Reject) -> Draft {
        let mut draft = match reject.status {
            494 => pages::page(400, "Size of a request header field exceeds server limit."),
            405 => {
                let method = reject.line.split(|byte| *byte == b' ').next();
                let method = String::from_utf8_lossy(method.unwrap_or_default());
                pages::page(405, &method).with("Allow", methods(self.config.hosts[0].traces))
            }
            other => pages::page(other, ""),
        };
        draft.close = true;
        draft
    }
}

/// A redirect of the configuration.
fn moved(request: &Request, spot: &Spot<'_>) -> Option<Draft> {
    let redirects = spot.host.redirects.iter().chain(&spot.settings.redirects);
    for redirect in redirects {
        let Some(place) = redirect.from.moved(&request.path, &redirect.to) else {
            continue;
        };
        if redirect.to.is_empty() {
            return Some(pages::page(redirect.status, ""));
        }
        let mut place = match redirect.from {
            // What stood in the pattern was taken from a path that was already decoded.
            Matcher::Path(_) => {
                let rest = place.get(redirect.to.len()..).unwrap_or_default();
                format!("{}{}", redirect.to, uri::escape(rest))
            }
            Matcher::Pattern(_) => place,
        };
        if place.starts_with('/') {
            place = format!("http://{}{place}", called(request, spot));
        }
        if let Some(query) = request.query().filter(|_| !place.contains('?')) {
            place = format!("{place}?{}", String::from_utf8_lossy(query));
        }
        return Some(pages::page(redirect.status, &place).with("Location", place));
    }
    None
}

/// The server as the client called it, or as it calls itself.
fn called<'a>(request: &'a Request, spot: &'a Spot<'_>) -> &'a str {
    let own = if spot.host.name.is_empty() {
        "localhost"
    } else {
        &spot.host.name
    };
    request.header_text("host").unwrap_or(own)
}

fn to_folder(request: &Request, spot: &Spot<'_>) -> Draft {
    let query = request.query().map_or(String::new(), |query| {
        format!("?{}", String::from_utf8_lossy(query))
    });
    let path = uri::escape(&request.path);
    let place = format!("http://{}{path}/{query}", called(request, spot));
    pages::page(301, &place).with("Location", place)
}

fn failed(file: &str, failure: Failure) -> Draft {
    let draft = pages::page(failure.status(), "");
    if failure.number == 13 {
        let words = format!("AH00132: file permissions deny server access: {file}");
        return draft.noting("core", words);
    }
    draft
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
            // A date that is yet to come says nothing.
            .filter(|since| stamp.seconds <= *since && *since <= system::wall().seconds)
            .map(|_| 304),
    }
}

fn wanted(request: &Request, tag: &str, stamp: Stamp) -> Range {
    let valid = request
        .header_text("if-range")
        .is_none_or(|condition| condition == tag || condition == Date::of(stamp.seconds).http());
    match request.header("range") {
        Some(header) if valid => range::range(header, stamp.length, 1),
        _ => Range::Whole,
    }
}
