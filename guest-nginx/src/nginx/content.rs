//! Who answers in the end: an upstream, the status page, or files with their indexes and lists.

use std::rc::Rc;

use crate::conf::model::{Handler, Level};
use crate::conf::settings::{GzipStatic, Since};
use crate::files::{self, Content, Failure, Found, Stamp};
use crate::http::date;
use crate::http::range::{self, Range};
use crate::http::request::Version;
use crate::http::types;
use crate::listing;
use crate::reply::{Body, Part};

use super::draft::Draft;
use super::turn::{Step, Turn};

impl Turn<'_> {
    /// Where a path leads in the file system.
    pub(super) fn file_path(&self, path: &str) -> String {
        let root = &self.settings.root;
        let folder = self.render_text(&root.path);
        if !root.alias {
            return format!("{folder}{path}");
        }
        if matches!(self.location.modifier, crate::conf::Modifier::Regex(_)) {
            return folder;
        }
        let pattern = self.location.pattern.as_str();
        format!("{folder}{}", path.strip_prefix(pattern).unwrap_or_default())
    }

    pub(super) fn try_files(&mut self) -> Step {
        let location = self.location;
        let Some((last, tried)) = location.try_files.split_last() else {
            return Step::Next;
        };
        let alias = self.settings.root.alias;
        for template in tried {
            let mut name = self.render_text(template);
            let folder = name.ends_with('/') && name.len() > 1;
            if folder {
                name.pop();
            }
            let path = match name.starts_with('/') || alias {
                true => name,
                false => format!("/{name}"),
            };
            let file = if alias {
                let inner = path.strip_prefix(location.pattern.as_str());
                let root = self.render_text(&self.settings.root.path);
                format!("{root}{}", inner.unwrap_or(&path))
            } else {
                self.file_path(&path)
            };
            match files::look(&file) {
                Ok(Found::Folder(_)) if folder => {}
                Ok(Found::File(_)) if !folder => {}
                _ => continue,
            }
            self.path = if folder { format!("{path}/") } else { path };
            return Step::Next;
        }
        let text = self.render_text(last);
        match text.strip_prefix('=').and_then(|code| code.parse().ok()) {
            Some(status) => Step::Fail(status),
            None => Step::Go(text),
        }
    }

    pub(super) fn content(&mut self) -> Step {
        match self.handler.clone() {
            Some(Handler::Proxy(pass)) => return Step::Proxy(pass),
            Some(Handler::Status) => return self.status_page(),
            None => {}
        }
        if !matches!(self.method, "GET" | "HEAD" | "POST") {
            return Step::Fail(405);
        }
        if self.path.ends_with('/') {
            self.folder()
        } else {
            self.file()
        }
    }

    fn status_page(&self) -> Step {
        if !matches!(self.method, "GET" | "HEAD") {
            return Step::Fail(405);
        }
        let house = self.house;
        let (accepted, active) = (house.accepted.get(), house.active.get());
        let (reading, writing) = (house.reading.get(), house.writing.get().max(1));
        let text = format!(
            "Active connections: {active} \nserver accepts handled requests\n {accepted} {accepted} {} \n\
             Reading: {reading} Writing: {writing} Waiting: {} \n",
            house.requests.get(),
            active.saturating_sub(reading + writing)
        );
        Step::Say(Box::new(Draft::text(200, "text/plain", text.into_bytes())))
    }

    fn folder(&mut self) -> Step {
        let folder = self.file_path(&self.path);
        let settings = Rc::clone(&self.settings);
        for name in settings.index.iter() {
            let name = self.render_text(name);
            if name.starts_with('/') {
                return Step::Go(name);
            }
            match files::look(&format!("{folder}{name}")) {
                Ok(Found::File(_)) => {
                    let args = match self.args.as_slice() {
                        [] => String::new(),
                        args => format!("?{}", String::from_utf8_lossy(args)),
                    };
                    return Step::Go(format!("{}{name}{args}", self.path));
                }
                Ok(Found::Folder(_)) | Err(Failure { number: 2, .. }) => {}
                Err(failure) => return self.index_failed(&folder, &name, failure),
            }
        }
        match files::look(folder.trim_end_matches('/')) {
            Err(failure) if !folder.trim_matches('/').is_empty() => {
                let name = settings.index.first();
                let name = name.map(|name| self.render_text(name)).unwrap_or_default();
                self.index_failed(&folder, &name, failure)
            }
            _ if settings.autoindex && self.method != "POST" => self.list(&folder),
            _ => {
                let message = format!("directory index of \"{folder}\" is forbidden");
                self.note(Level::Error, message);
                Step::Fail(403)
            }
        }
    }

    fn list(&self, folder: &str) -> Step {
        let (json, exact) = (
            self.settings.autoindex_json,
            self.settings.autoindex_exact_size,
        );
        let page = if json {
            listing::json(folder)
        } else {
            listing::nginx(&self.path, folder, exact)
        };
        let kind = if json {
            "application/json"
        } else {
            "text/html"
        };
        match page {
            Some(page) => {
                let mut draft = Draft::text(200, kind, page.into_bytes());
                // nginx does not count before it sends.
                draft.length = None;
                Step::Say(Box::new(draft))
            }
            None => Step::Fail(403),
        }
    }

    fn index_failed(&mut self, folder: &str, name: &str, failure: Failure) -> Step {
        let Failure { number, words } = failure;
        let what = if failure.status() == 403 {
            "is forbidden"
        } else {
            "is not found"
        };
        if failure.status() != 404 || self.settings.log_not_found {
            self.note(
                Level::Error,
                format!("\"{folder}{name}\" {what} ({number}: {words})"),
            );
        }
        Step::Fail(failure.status())
    }

    fn file(&mut self) -> Step {
        let file = self.file_path(&self.path);
        let gzip = self.settings.gzip_static;
        if gzip != GzipStatic::Off && (gzip == GzipStatic::Always || self.takes_gzip()) {
            let twin = format!("{file}.gz");
            if let Ok(Found::File(stamp)) = files::look(&twin)
                && let Ok(step) = self.serve(&twin, stamp, true)
            {
                return step;
            }
        }
        let stamp = match files::look(&file) {
            Ok(Found::Folder(_)) => return self.to_folder(),
            Ok(Found::File(stamp)) => stamp,
            Err(failure) => return self.open_failed(&file, failure),
        };
        if self.method == "POST" {
            return Step::Fail(405);
        }
        match self.serve(&file, stamp, false) {
            Ok(step) => step,
            Err(error) => self.open_failed(&file, Failure::of(&error)),
        }
    }

    fn open_failed(&mut self, file: &str, failure: Failure) -> Step {
        if failure.status() != 404 || self.settings.log_not_found {
            let Failure { number, words } = failure;
            self.note(
                Level::Error,
                format!("open() \"{file}\" failed ({number}: {words})"),
            );
        }
        Step::Fail(failure.status())
    }

    fn to_folder(&self) -> Step {
        let mut place = format!("{}/", crate::http::uri::escape(&self.path));
        if !self.args.is_empty() {
            place = format!("{place}?{}", String::from_utf8_lossy(&self.args));
        }
        Step::Say(Box::new(self.redirect(301, place)))
    }

    /// The type of the path.
    pub(super) fn kind(&self) -> String {
        let settings = &self.settings;
        let known = types::extension(&self.path).and_then(|ending| settings.types.get(&ending));
        known.unwrap_or(&settings.default_type).to_string()
    }

    fn serve(&mut self, file: &str, stamp: Stamp, encoded: bool) -> std::io::Result<Step> {
        let tag = format!("\"{:x}-{:x}\"", stamp.seconds, stamp.length);
        let mut draft = Draft::new(self.error.unwrap_or(200));
        draft.encoded = encoded;
        draft.last_modified = Some(stamp.seconds);
        if self.settings.etag {
            draft
                .more
                .push(("ETag".to_owned(), tag.clone().into_bytes()));
        }
        if encoded {
            let gzip = ("Content-Encoding".to_owned(), b"gzip".to_vec());
            draft.more.push(gzip);
        }
        let content = self.house.contents.of(file, stamp)?;
        let mut parts = None;
        if draft.status == 200 {
            match self.condition(&tag, stamp) {
                Some(412) => return Ok(Step::Fail(412)),
                Some(status) => {
                    draft.status = status;
                    return Ok(Step::Say(Box::new(draft)));
                }
                None => {}
            }
            // What is compressed has no parts that anybody could name before.
            let compressed = !encoded
                && self.compressible(&self.kind(), Some(stamp.length))
                && self.takes_gzip();
            let range = if compressed {
                Range::Whole
            } else {
                self.range(&tag, stamp)
            };
            match range {
                Range::Whole if self.settings.max_ranges == 0 => {}
                Range::Whole => draft.ranges = Some(("Accept-Ranges", "bytes".to_owned())),
                Range::Parts(ranges) => parts = Some(ranges),
                Range::Unsatisfiable => {
                    let mut draft = Draft::page(416, self.product());
                    draft.ranges = Some(("Content-Range", format!("bytes */{}", stamp.length)));
                    return Ok(Step::Say(Box::new(draft)));
                }
            }
        } else {
            // The date of a page says nothing about what is missing.
            draft.last_modified = None;
        }
        let kind = self.kind();
        draft.content_type = Some(kind.clone());
        draft.length = Some(stamp.length);
        let pieces = match parts.as_deref() {
            None => vec![Part::Bytes(0, stamp.length)],
            Some([one]) => {
                draft.status = 206;
                let (first, last) = (one.start, one.end - 1);
                let text = format!("bytes {first}-{last}/{}", stamp.length);
                draft.ranges = Some(("Content-Range", text));
                draft.length = Some(one.end - one.start);
                vec![Part::Bytes(one.start, one.end - one.start)]
            }
            Some(many) => self.multipart(&mut draft, many, &kind, stamp.length),
        };
        let all = parts.is_none();
        draft.body = match content {
            Content::Bytes(bytes) if all => Body::Shared(bytes),
            Content::Bytes(bytes) => Body::Bytes(cut(&bytes, &pieces)),
            Content::Open(file) => Body::File(file, pieces),
        };
        Ok(Step::Say(Box::new(draft)))
    }

    /// Several ranges as one body of parts.
    fn multipart(
        &self,
        draft: &mut Draft,
        ranges: &[std::ops::Range<u64>],
        kind: &str,
        length: u64,
    ) -> Vec<Part> {
        let boundary = format!("{:020}", self.house.number() % 100_000_000);
        let kind = match &self.settings.charset {
            Some(charset) if self.settings.charset_types.contains(kind) => {
                format!("{kind}; charset={charset}")
            }
            _ => kind.to_owned(),
        };
        let mut parts = Vec::new();
        let mut total = 0;
        for range in ranges {
            let (first, last) = (range.start, range.end - 1);
            let text = format!(
                "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {first}-{last}/{length}\r\n\r\n"
            );
            total += text.len() as u64 + (range.end - range.start);
            parts.push(Part::Text(text.into_bytes()));
            parts.push(Part::Bytes(range.start, range.end - range.start));
        }
        let end = format!("\r\n--{boundary}--\r\n");
        total += end.len() as u64;
        parts.push(Part::Text(end.into_bytes()));
        draft.status = 206;
        draft.length = Some(total);
        draft.content_type = Some(format!("multipart/byteranges; boundary={boundary}"));
        parts
    }

    /// 412 or 304 when the request's conditions say so.
    fn condition(&self, tag: &str, stamp: Stamp) -> Option<u16> {
        let header = |name| self.request.header_text(name);
        let tag = if self.settings.etag { tag } else { "" };
        if header("if-unmodified-since")
            .is_some_and(|since| date::parse_http(since).is_some_and(|s| stamp.seconds > s))
        {
            return Some(412);
        }
        if header("if-match").is_some_and(|list| !range::lists_tag(list, tag, true)) {
            return Some(412);
        }
        let matches = header("if-none-match").map(|list| range::lists_tag(list, tag, false));
        let since =
            header("if-modified-since").map(|since| match self.settings.if_modified_since {
                Since::Off => false,
                Since::Exact => date::parse_http(since) == Some(stamp.seconds),
                Since::Before => {
                    date::parse_http(since).is_some_and(|since| stamp.seconds <= since)
                }
            });
        match (matches, since) {
            (None, None) | (Some(false), _) => None,
            (None, Some(same)) => same.then_some(304),
            (Some(true), None | Some(true)) => Some(304),
            (Some(true), Some(false)) => None,
        }
    }

    fn range(&self, tag: &str, stamp: Stamp) -> Range {
        let valid = self
            .request
            .header_text("if-range")
            .is_none_or(|condition| {
                if condition.ends_with('"') {
                    condition == tag
                } else {
                    date::parse_http(condition) == Some(stamp.seconds)
                }
            });
        match self.request.header("range") {
            Some(header) if valid && self.request.version > Version::Http09 => {
                range::range(header, stamp.length, self.settings.max_ranges)
            }
            _ => Range::Whole,
        }
    }
}

/// The pieces of a body that is at hand.
fn cut(bytes: &[u8], parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text),
            Part::Bytes(from, count) => {
                let from = usize::try_from(*from)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                let end = from.saturating_add(count).min(bytes.len());
                out.extend_from_slice(&bytes[from..end]);
            }
        }
    }
    out
}
