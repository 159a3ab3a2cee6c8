//! Reading an answer: its head line by line, and its body by its framing.

use super::{Answer, Transfer};
use crate::args::Auth;
use crate::auth::Challenge;
use crate::body::Decoder;
use crate::coding::Unpacker;
use crate::cookie::Place;
use crate::date;
use crate::failure::Failure;
use crate::head::{Framing, Head, MAX_HEAD};
use crate::link::Link;
use crate::request::{Ask, Body, own};
use crate::url::Scheme;

impl Transfer<'_, '_> {
    /// One line with its end; nothing at the end of the connection.
    pub(super) fn line(&mut self, link: &mut Link) -> Result<Option<Vec<u8>>, Failure> {
        let mut looked = 0;
        loop {
            if let Some(at) = link.unread[looked..].iter().position(|byte| *byte == b'\n') {
                return Ok(Some(link.unread.drain(..=looked + at).collect()));
            }
            looked = link.unread.len();
            if looked > MAX_HEAD {
                return Err(Failure::new(56, "Too large response headers"));
            }
            if self.fill(link)? == 0 {
                return Ok(None);
            }
        }
    }

    /// The head of the final answer, or of a `100 Continue` that was waited for; others with 1xx are told
    /// and passed over.
    pub(super) fn head(
        &mut self,
        link: &mut Link,
        ask: &Ask,
        waiting: bool,
    ) -> Result<Head, Failure> {
        loop {
            let head = self.one_head(link, ask)?;
            if head.status >= 200 || head.status == 101 || (waiting && head.status == 100) {
                return Ok(head);
            }
        }
    }

    fn one_head(&mut self, link: &mut Link, ask: &Ask) -> Result<Head, Failure> {
        let Some(first) = self.first_line(link)? else {
            return Err(Failure::new(52, "Empty reply from server"));
        };
        let text = String::from_utf8_lossy(&first);
        let mut head = Head::begin(text.trim_end_matches(['\r', '\n']))?;
        if head.version == 10 {
            link.old = true;
            self.session.trace.info("HTTP 1.0, assume close after body");
        }
        if head.status >= 200 {
            self.report.status = head.status;
            self.report.version = head.version;
            self.report.headers.clear();
        }
        self.session.trace.head_in(&first);
        self.show_head(&first)?;
        let mut size = first.len();
        loop {
            let Some(line) = self.line(link)? else {
                // What has come of the head counts as all of it, as in curl.
                link.unread.clear();
                head.headers
                    .push(("Content-Length".to_owned(), "0".to_owned()));
                return Ok(head);
            };
            size += line.len();
            if size > MAX_HEAD {
                return Err(Failure::new(56, "Too large response headers"));
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text.is_empty() {
                self.head_ends(&head, ask, &line)?;
                return Ok(head);
            }
            if let Some((name, value)) = head.add(text)? {
                self.header(&head, &name, &value, ask)?;
            }
            self.session.trace.head_in(&line);
            self.show_head(&line)?;
        }
    }

    fn first_line(&mut self, link: &mut Link) -> Result<Option<Vec<u8>>, Failure> {
        let mut first = true;
        loop {
            let start = &link.unread[..link.unread.len().min(5)];
            if !start.is_empty() {
                if std::mem::take(&mut first) && self.report.time_starttransfer.is_zero() {
                    self.report.time_starttransfer = self.deadline.start.elapsed();
                }
                if !b"HTTP/".starts_with(start) {
                    return Err(Failure::new(1, "Received HTTP/0.9 when not allowed"));
                }
                if link.unread.contains(&b'\n') {
                    return self.line(link);
                }
                if link.unread.len() > MAX_HEAD {
                    return Err(Failure::new(56, "Too large response headers"));
                }
            }
            if self.fill(link)? == 0 {
                return Ok(None);
            }
        }
    }

    /// Heads go to `-D`, and with `-i` to the body's place.
    pub(super) fn show_head(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.report.size_header += line.len() as u64;
        if let Some(sink) = &mut self.header_sink {
            sink.write(line)?;
        }
        if self.operation.include || self.operation.head {
            let styled = !self.session.global.unstyled && self.sink.path.is_none();
            let bold = match line.iter().position(|byte| *byte == b':') {
                Some(colon) if styled && std::io::IsTerminal::is_terminal(&std::io::stdout()) => {
                    let (name, rest) = line.split_at(colon);
                    [b"\x1b[1m", name, b"\x1b[0m", rest].concat()
                }
                _ => line.to_vec(),
            };
            self.sink.careless = true;
            self.sink.write(&bold)?;
        }
        Ok(())
    }

    /// What a header means at once, before it is told.
    fn header(&mut self, head: &Head, name: &str, value: &str, ask: &Ask) -> Result<(), Failure> {
        if head.status < 200 {
            return Ok(());
        }
        self.report
            .headers
            .push((name.to_owned(), value.to_owned()));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let length = head.length()?;
                if let (Some(length), Some(most)) = (length, self.operation.max_size)
                    && length > most
                {
                    return Err(Failure::new(63, "Maximum file size exceeded"));
                }
            }
            "content-type" => value.clone_into(&mut self.report.content_type),
            "connection" if head.version == 10 && value.eq_ignore_ascii_case("keep-alive") => {
                self.session
                    .trace
                    .info("HTTP/1.0 connection set to keep alive");
            }
            "set-cookie" => {
                let url = &self.state.url;
                let place = Place {
                    host: &url.host,
                    path: &url.target,
                    secure: url.scheme == Scheme::Https,
                };
                let jar = self.session.jar.as_mut();
                if let Some(told) = jar.and_then(|jar| jar.set(value, place, crate::now())) {
                    self.session.trace.info(&told);
                }
            }
            "location" if self.follows(head.status) && !value.is_empty() => self.rewind(ask),
            "www-authenticate" if head.status == 401 && self.gives_up(value) => {
                self.session
                    .trace
                    .info("Authentication problem. Ignoring this.");
            }
            "content-disposition" if self.operation.content_disposition => {
                if let Some(file) = disposition(value).filter(|_| self.sink.path.is_some()) {
                    let folder = self.operation.output_dir.as_ref();
                    self.sink.path = Some(match folder {
                        Some(folder) => format!("{folder}/{file}"),
                        None => file,
                    });
                    self.sink.opening.fail_if_there = true;
                    let opened = self.sink.open();
                    opened.map_err(|_| Failure::new(23, "Failed writing header"))?;
                }
            }
            "etag" => {
                if let Some(path) = &self.operation.etag_save {
                    // What cannot be saved is not there the next time.
                    let _ = std::fs::write(path, format!("{value}\n"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A body that was sent would have to be read again.
    fn rewind(&mut self, ask: &Ask) {
        let reads = !matches!(ask.body, Body::None);
        if reads && self.state.sent > 0 {
            self.session
                .trace
                .info("Please rewind output before next send");
        }
    }

    pub(super) fn follows(&self, status: u16) -> bool {
        self.operation.location && (300..400).contains(&status)
    }

    /// Whether a login was tried and refused.
    fn gives_up(&self, value: &str) -> bool {
        let state = &self.state;
        if state.login.is_none() {
            return false;
        }
        let kind = value.split(' ').next().unwrap_or_default();
        let digest = kind.eq_ignore_ascii_case("digest");
        let broken = digest && Challenge::parse(value.get(6..).unwrap_or_default()).is_none();
        match self.operation.auth {
            Auth::Basic => kind.eq_ignore_ascii_case("basic"),
            Auth::Digest | Auth::Any => {
                broken
                    || (state.challenge.is_some() && digest)
                    || (state.chose_basic && kind.eq_ignore_ascii_case("basic"))
            }
        }
    }

    /// The empty line has come: what it means is told before it.
    fn head_ends(&mut self, head: &Head, ask: &Ask, line: &[u8]) -> Result<(), Failure> {
        if head.status >= 200 {
            let framing = head.framing(&ask.method, self.operation.ignore_length);
            if framing == Framing::UntilClose && head.keeps_alive() && !self.operation.ignore_length
            {
                self.session
                    .trace
                    .info("no chunk, no close, no size. Assume close to signal end");
            }
            if self.should_fail(head) {
                self.progress.total = head.length()?;
                return Err(self.http_error(head));
            }
        }
        // The empty line of a 1xx is not told, as in curl.
        if head.status >= 200 {
            self.session.trace.head_in(line);
        }
        self.show_head(line)
    }

    fn http_error(&self, head: &Head) -> Failure {
        Failure::new(
            22,
            format!("The requested URL returned error: {}", head.status),
        )
    }

    /// `-f`, except where the answer is not the last word.
    fn should_fail(&self, head: &Head) -> bool {
        let operation = self.operation;
        if !operation.fail || head.status < 400 {
            return false;
        }
        if head.status == 416 && self.state.resume > 0 && operation.data.is_none() {
            return false;
        }
        !(head.status == 401 && self.will_login(head))
    }

    /// The rest of the answer, after its head.
    pub(super) fn answer(
        &mut self,
        link: &mut Link,
        ask: &Ask,
        head: Option<Head>,
    ) -> Result<Answer, Failure> {
        let head = match head {
            Some(head) => head,
            None => self.head(link, ask, false)?,
        };
        let framing = head.framing(&ask.method, self.operation.ignore_length);
        let asked_close = own(&self.operation.headers, "Connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let mut stays = head.keeps_alive() && framing != Framing::UntilClose && !asked_close;
        let followed = (self.follows(head.status)
            && head
                .header("location")
                .is_some_and(|place| !place.is_empty()))
            || (head.status == 401 && self.will_login(&head))
            || self.state.ask_again;
        if framing == Framing::Length(0) {
            if !followed && ask.method == "HEAD" {
                self.progress.total = head.length()?;
            }
        } else if followed {
            self.session.trace.info("Ignoring the response-body");
            if stays || head.keeps_alive() {
                stays &= self.body(link, &head, framing, true)?;
            }
        } else if let Some(skip) = self.skipped(&head)? {
            stays = skip;
        } else {
            stays &= self.body(link, &head, framing, false)?;
        }
        Ok(Answer { head, stays })
    }

    /// Whether the body is not wanted: of a range that is complete, or a document that is not new. What
    /// becomes of the connection then.
    fn skipped(&mut self, head: &Head) -> Result<Option<bool>, Failure> {
        if self.state.resume > 0 && self.operation.data.is_none() && head.status == 416 {
            return Ok(Some(false));
        }
        let upload = matches!(self.state.body, Body::File { .. } | Body::Stdin);
        if self.state.resume > 0
            && !upload
            && head.status < 300
            && head.header("content-range").is_none()
        {
            return Err(Failure::new(
                33,
                "HTTP server doesn't seem to support byte ranges. Cannot resume.",
            ));
        }
        let modified = head.header("last-modified").and_then(date::parse);
        if let (Some(condition), Some(modified)) = (self.operation.condition, modified)
            && self.operation.range.is_none()
        {
            let met = if condition.older {
                modified < condition.unix
            } else {
                modified > condition.unix
            };
            if !met {
                let trace = &mut self.session.trace;
                trace.info(if condition.older {
                    "The requested document is not old enough"
                } else {
                    "The requested document is not new enough"
                });
                trace.info("Simulate an HTTP 304 response");
                self.report.status = 304;
                return Ok(Some(false));
            }
        }
        Ok(None)
    }

    /// The body; whether nothing follows it that nobody asked for.
    fn body(
        &mut self,
        link: &mut Link,
        head: &Head,
        framing: Framing,
        ignored: bool,
    ) -> Result<bool, Failure> {
        if let Framing::Length(length) = framing {
            self.progress.total = Some(length);
        }
        let mut decoder = Decoder::new(framing);
        let plain = !self.operation.compressed || self.operation.raw;
        let codings = head.all("content-encoding").filter(|_| !plain && !ignored);
        let mut unpacker = Unpacker::new(codings);
        while !decoder.is_done() {
            if link.unread.is_empty() && self.fill(link)? == 0 {
                self.ended(framing)?;
                break;
            }
            self.session.trace.data_in(&link.unread);
            let before = link.unread.len();
            let down = self.progress.down;
            let raw = self.operation.raw.then(|| link.unread.clone());
            let taken = decoder.take(&mut link.unread);
            let mut bytes = taken.map_err(|_| {
                Failure::new(
                    56,
                    "Illegal or missing hexadecimal sequence in chunked-encoding",
                )
            })?;
            if let Some(mut raw) = raw {
                raw.truncate(before - link.unread.len());
                bytes = raw;
            }
            self.progress.down += bytes.len() as u64;
            if !ignored {
                self.report.size_download += bytes.len() as u64;
                self.sink.write(&unpacker.take(&bytes)?)?;
            }
            for line in decoder.trailers() {
                self.show_head(&line)?;
            }
            self.meter.tick(&self.progress);
            self.mind_rate(self.progress.down);
            if let (Framing::Length(length), true, excess @ 1..) =
                (framing, decoder.is_done(), link.unread.len())
            {
                self.session.trace.info(&format!(
                    "Excess found in a read: excess = {excess}, size = {length}, maxdownload = {length}, bytecount = {down}"
                ));
            }
        }
        // Bytes after the answer belong to nothing that was asked.
        let clean = link.unread.is_empty();
        link.unread.clear();
        Ok(clean)
    }

    fn ended(&self, framing: Framing) -> Result<(), Failure> {
        match framing {
            Framing::UntilClose => Ok(()),
            Framing::Length(length) => {
                let left = length.saturating_sub(self.progress.down);
                Err(Failure::new(
                    18,
                    format!("transfer closed with {left} bytes remaining to read"),
                ))
            }
            Framing::Chunked => Err(Failure::new(
                18,
                "transfer closed with outstanding read data remaining",
            )),
        }
    }
}

/// The name in `attachment; filename="x"`, without folders.
fn disposition(value: &str) -> Option<String> {
    let start = value.to_ascii_lowercase().find("filename=")? + "filename=".len();
    let rest = value.get(start..)?;
    let name = match rest.strip_prefix('"') {
        Some(inner) => inner.split('"').next(),
        None => rest.split([';', ' ']).next(),
    }?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}
