//! One request on its way through nginx's phases, redirects inside included.

use std::fs::File;

use crate::conf::model::{Level, Location, Server, Settings};
use crate::connection::Incoming;
use crate::date::{self, Date};
use crate::reply::{Body, Client, Context, Now, Reply};
use crate::request::{Framing, Request, Version};
use crate::resource::{self, Failure, Found, Range, Stamp};
use crate::template::Template;
use crate::{types, uri};

use super::draft::Draft;
use super::log::{self, Scope};
use super::{Nginx, pages};

/// How often a request may be redirected inside, as in nginx.
const MAX_REDIRECTS: usize = 10;

enum Step {
    Say(Draft),
    /// Close without a word.
    Silence,
    /// Begin again with this path.
    Go(String),
    Fail(u16),
}

pub(super) struct Turn<'a> {
    nginx: &'a Nginx,
    client: &'a Client,
    now: Now,
    incoming: &'a Incoming,
    request: &'a Request,
    server: &'a Server,
    location: Option<&'a Location>,
    path: String,
    /// The status an error page is given under.
    error: Option<u16>,
    in_error_page: bool,
    redirected: bool,
    /// The index that was just found, so that it is not looked for twice.
    seen: Option<(String, Stamp)>,
    notes: Vec<Vec<u8>>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        nginx: &'a Nginx,
        client: &'a Client,
        now: Now,
        incoming: &'a Incoming,
        request: &'a Request,
    ) -> Self {
        let server = nginx.config.choose(client.local, &request.host);
        Turn {
            nginx,
            client,
            now,
            incoming,
            request,
            server,
            location: None,
            path: request.path.clone(),
            error: None,
            in_error_page: false,
            redirected: false,
            seen: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Reply {
        for _ in 0..=MAX_REDIRECTS {
            let mut step = self.phases();
            while let Step::Fail(status) = step {
                step = self.fail(status);
            }
            match step {
                Step::Say(draft) => return self.reply(draft),
                Step::Silence => return self.silence(),
                Step::Go(target) => {
                    let (path, _) = uri::split_query(&target);
                    path.clone_into(&mut self.path);
                    self.redirected = true;
                }
                Step::Fail(_) => unreachable!("failures have become steps"),
            }
        }
        self.note("rewrite or internal redirection cycle");
        let draft = Draft::page(500, self.product());
        self.reply(draft)
    }

    fn settings(&self) -> &'a Settings {
        self.location
            .map_or(&self.server.settings, |location| &location.settings)
    }

    fn product(&self) -> &'static str {
        if self.settings().server_tokens {
            pages::PRODUCT
        } else {
            "nginx"
        }
    }

    fn server_name(&self) -> String {
        self.server.names.first().cloned().unwrap_or_default()
    }

    fn note(&mut self, what: &str) {
        if self.nginx.config.log_level >= Level::Error {
            let name = self.server_name();
            self.notes.push(log::error_line(
                "error",
                self.client,
                self.now,
                self.incoming,
                &name,
                what,
            ));
        }
    }

    fn phases(&mut self) -> Step {
        if let (Some(returns), false) = (&self.server.settings.returns, self.redirected) {
            return self.returned(returns);
        }
        self.location = self.server.locate(&self.path);
        let settings = self.settings();
        if settings.internal && !self.redirected {
            return Step::Fail(404);
        }
        if let Framing::Length(length) = self.request.framing
            && settings.client_max_body_size > 0
            && length > settings.client_max_body_size
            && !self.redirected
        {
            self.note(&format!(
                "client intended to send too large body: {length} bytes"
            ));
            return Step::Fail(413);
        }
        if let Some(returns) = self
            .location
            .and_then(|location| location.settings.returns.as_ref())
        {
            return self.returned(returns);
        }
        match self.try_files() {
            Some(step) => step,
            None => self.content(),
        }
    }

    fn returned(&self, returns: &(u16, Option<Template>)) -> Step {
        let (status, text) = returns;
        match (status, text) {
            (444, _) => Step::Silence,
            (301 | 302 | 303 | 307 | 308, Some(place)) => {
                let place = String::from_utf8_lossy(&self.render(place)).into_owned();
                Step::Say(self.redirect(*status, place))
            }
            (204, _) => Step::Say(Draft::new(204)),
            (_, Some(text)) => Step::Say(Draft::text(*status, &self.kind(), self.render(text))),
            (0..=299, None) => Step::Say(Draft::text(*status, &self.kind(), Vec::new())),
            (_, None) => Step::Fail(*status),
        }
    }

    fn render(&self, template: &Template) -> Vec<u8> {
        let context = self.context();
        let hostname = &self.nginx.hostname;
        let Self {
            client,
            now,
            incoming,
            ..
        } = *self;
        let scope = Scope {
            client,
            now,
            incoming,
            context: &context,
            status: 0,
            sent: 0,
            hostname,
        };
        template.render(&mut |name, out| scope.value(name, out))
    }

    fn context(&self) -> Context {
        Context::of(self.settings(), self.server_name(), self.path.clone())
    }

    /// A redirect: to a place of this server with its address before it, elsewhere as it is.
    fn redirect(&self, status: u16, place: String) -> Draft {
        let mut draft = Draft::page(status, self.product());
        if place.starts_with('/') {
            let host = match (self.request.host.as_str(), self.server.names.first()) {
                ("", Some(name)) => name.clone(),
                ("", None) => self.client.local.ip().to_string(),
                (host, _) => host.to_owned(),
            };
            let port = match self.client.local.port() {
                80 => String::new(),
                port => format!(":{port}"),
            };
            draft.redirect = Some(format!("http://{host}{port}{place}"));
        } else {
            draft.more.push(("Location".to_owned(), place.into_bytes()));
        }
        draft
    }

    /// What stands at the error's place: a page of the configuration, or nginx's own.
    fn fail(&mut self, status: u16) -> Step {
        let settings = self.settings();
        let page = settings
            .error_pages
            .iter()
            .find(|page| page.statuses.contains(&status));
        let Some(page) = page.filter(|_| !self.in_error_page) else {
            return Step::Say(Draft::page(status, self.product()));
        };
        self.in_error_page = true;
        if page.uri.starts_with('/') {
            self.error = match page.status {
                None => Some(status),
                Some(0) => None,
                Some(other) => Some(other),
            };
            return Step::Go(page.uri.clone());
        }
        let moved = page
            .status
            .filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308))
            .unwrap_or(302);
        Step::Say(self.redirect(moved, page.uri.clone()))
    }

    fn file_path(&self, path: &str) -> String {
        match self.location {
            Some(Location {
                pattern,
                settings: Settings {
                    alias: Some(alias), ..
                },
                ..
            }) => {
                format!(
                    "{alias}{}",
                    path.strip_prefix(pattern.as_str()).unwrap_or_default()
                )
            }
            _ => format!("{}{path}", self.settings().root),
        }
    }

    fn try_files(&mut self) -> Option<Step> {
        let settings = self.settings();
        let (last, tried) = settings.try_files.split_last()?;
        for template in tried {
            let mut path = String::from_utf8_lossy(&self.render(template)).into_owned();
            if !path.starts_with('/') {
                path.insert(0, '/');
            }
            let folder = path.ends_with('/');
            let file = self.file_path(&path);
            match resource::look(file.trim_end_matches('/')) {
                Ok(Found::Folder) if folder => {}
                Ok(Found::File(_)) if !folder => {}
                _ => continue,
            }
            self.path = path;
            return None;
        }
        let text = String::from_utf8_lossy(&self.render(last)).into_owned();
        Some(
            match text.strip_prefix('=').and_then(|code| code.parse().ok()) {
                Some(status) => Step::Fail(status),
                None => Step::Go(text),
            },
        )
    }

    fn content(&mut self) -> Step {
        if !matches!(self.request.method.as_str(), "GET" | "HEAD" | "POST") && self.error.is_none()
        {
            return Step::Fail(405);
        }
        if self.path.ends_with('/') {
            self.folder()
        } else {
            self.file()
        }
    }

    fn folder(&mut self) -> Step {
        let folder = self.file_path(&self.path);
        let settings = self.settings();
        for name in &settings.index {
            if name.starts_with('/') {
                return Step::Go(name.clone());
            }
            match resource::look(&format!("{folder}{name}")) {
                Ok(Found::File(stamp)) => {
                    self.seen = Some((format!("{folder}{name}"), stamp));
                    return Step::Go(format!("{}{name}", self.path));
                }
                Ok(Found::Folder) | Err(Failure { number: 2, .. }) => {}
                Err(failure) => return self.index_failed(&folder, name, failure),
            }
        }
        match resource::look(folder.trim_end_matches('/')) {
            Err(failure) if !folder.trim_matches('/').is_empty() => {
                let name = settings.index.first().cloned().unwrap_or_default();
                self.index_failed(&folder, &name, failure)
            }
            _ if settings.autoindex => super::super::listing::nginx(&self.path, &folder)
                .map_or(Step::Fail(403), |page| {
                    Step::Say(Draft::text(200, "text/html", page.into_bytes()))
                }),
            _ => {
                self.note(&format!("directory index of \"{folder}\" is forbidden"));
                Step::Fail(403)
            }
        }
    }

    fn index_failed(&mut self, folder: &str, name: &str, failure: Failure) -> Step {
        let Failure { number, words } = failure;
        let what = if failure.status() == 403 {
            "is forbidden"
        } else {
            "is not found"
        };
        self.note(&format!("\"{folder}{name}\" {what} ({number}: {words})"));
        Step::Fail(failure.status())
    }

    fn file(&mut self) -> Step {
        let file = self.file_path(&self.path);
        let seen = self.seen.take().filter(|(path, _)| *path == file);
        let found = seen.map_or_else(
            || resource::look(&file),
            |(_, stamp)| Ok(Found::File(stamp)),
        );
        let stamp = match found {
            Ok(Found::Folder) => return Step::Say(self.to_folder()),
            Ok(Found::File(stamp)) => stamp,
            Err(failure) => return self.open_failed(&file, failure),
        };
        if self.request.method == "POST" && self.error.is_none() {
            return Step::Fail(405);
        }
        match self.serve(&file, stamp) {
            Ok(step) => step,
            Err(error) => self.open_failed(&file, Failure::of(&error)),
        }
    }

    fn open_failed(&mut self, file: &str, failure: Failure) -> Step {
        self.note(&format!(
            "open() \"{file}\" failed ({}: {})",
            failure.number, failure.words
        ));
        Step::Fail(failure.status())
    }

    fn to_folder(&self) -> Draft {
        let mut place = format!("{}/", uri::escape(&self.path));
        if let Some(query) = &self.request.query {
            place = format!("{place}?{query}");
        }
        self.redirect(301, place)
    }

    fn kind(&self) -> String {
        let settings = self.settings();
        let known = types::extension(&self.path).and_then(|ending| settings.types.get(&ending));
        known.unwrap_or(&settings.default_type).clone()
    }

    fn serve(&mut self, file: &str, stamp: Stamp) -> std::io::Result<Step> {
        let tag = format!("\"{:x}-{:x}\"", stamp.seconds, stamp.length);
        let mut draft = Draft::new(self.error.unwrap_or(200));
        draft
            .more
            .push(("ETag".to_owned(), tag.clone().into_bytes()));
        let opened = File::open(file)?;
        let mut part = (0, stamp.length);
        if draft.status == 200 {
            draft.last_modified = Some(stamp.seconds);
            match self.condition(&tag, stamp) {
                Some(412) => return Ok(Step::Fail(412)),
                Some(status) => {
                    draft.status = status;
                    return Ok(Step::Say(draft));
                }
                None => {}
            }
            match self.range(&tag, stamp) {
                Range::Whole => draft.ranges = Some(("Accept-Ranges", "bytes".to_owned())),
                Range::Part(first, last) => {
                    draft.status = 206;
                    draft.ranges = Some((
                        "Content-Range",
                        format!("bytes {first}-{last}/{}", stamp.length),
                    ));
                    part = (first, last - first + 1);
                }
                Range::Unsatisfiable | Range::Malformed => {
                    let mut draft = Draft::page(416, self.product());
                    draft.ranges = Some(("Content-Range", format!("bytes */{}", stamp.length)));
                    return Ok(Step::Say(draft));
                }
            }
        }
        draft.content_type = Some(self.kind());
        draft.length = Some(part.1);
        if self.request.method != "HEAD" {
            let mut opened = opened;
            if part.0 > 0 {
                std::io::Seek::seek(&mut opened, std::io::SeekFrom::Start(part.0))?;
            }
            draft.body = Body::of_file(opened, part.1)?;
        }
        Ok(Step::Say(draft))
    }

    /// 412 or 304 when the request's conditions say so.
    fn condition(&self, tag: &str, stamp: Stamp) -> Option<u16> {
        let header = |name| self.request.header_text(name);
        if header("if-unmodified-since")
            .is_some_and(|since| date::parse_http(since).is_none_or(|s| stamp.seconds > s))
        {
            return Some(412);
        }
        if header("if-match").is_some_and(|list| !resource::lists_tag(list, tag)) {
            return Some(412);
        }
        match (header("if-none-match"), header("if-modified-since")) {
            (Some(list), _) if resource::lists_tag(list, tag) => Some(304),
            (Some(_), _) => None,
            // `if_modified_since exact` is nginx's default.
            (None, Some(since)) => (since == Date::of(stamp.seconds).http()).then_some(304),
            (None, None) => None,
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
                    condition == Date::of(stamp.seconds).http()
                }
            });
        match self.request.header_text("range") {
            Some(header) if valid && self.request.version > Version::Http09 => {
                resource::range(header, stamp.length)
            }
            _ => Range::Whole,
        }
    }

    fn reply(mut self, mut draft: Draft) -> Reply {
        let settings = self.settings();
        if self.error.is_some() && draft.status == 200 {
            draft.status = self.error.unwrap_or(200);
        }
        self.add_headers(&mut draft);
        let stays = self.request.keep_alive
            && !draft.close
            && settings.keepalive_timeout_ms > 0
            && self.client.served + 1 < settings.keepalive_requests;
        let mut head = draft.head(
            self.now.seconds,
            self.product(),
            stays,
            settings.keepalive_header,
        );
        if self.expects_continue(draft.status) {
            head.splice(0..0, *b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        Reply {
            status: draft.status,
            head,
            body: draft.body,
            keep_alive: stays,
            idle_ms: settings.keepalive_timeout_ms,
            notes: std::mem::take(&mut self.notes),
            context: self.context(),
        }
    }

    /// nginx invites the body it is going to pass over, except before an error.
    fn expects_continue(&self, status: u16) -> bool {
        let expects = self
            .request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
        expects && status < 300 && self.request.version == Version::Http11
    }

    fn add_headers(&self, draft: &mut Draft) {
        for header in self.settings().add_headers.iter() {
            let success = matches!(
                draft.status,
                200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308
            );
            let value = self.render(&header.value);
            if (header.always || success) && !value.is_empty() {
                draft.more.push((header.name.clone(), value));
            }
        }
    }

    fn silence(self) -> Reply {
        let context = self.context();
        Reply {
            status: 444,
            head: Vec::new(),
            body: Body::Empty,
            keep_alive: false,
            idle_ms: 0,
            notes: self.notes,
            context,
        }
    }
}
