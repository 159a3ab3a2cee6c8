//! One transfer: redirects, the connection it uses, a request, an answer.
//! The order of what is told is curl's; what is sent and understood is `http`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::body::Decoder;
use crate::failure::Failure;
use crate::http::{self, Ask, Framing, Head, MAX_HEAD};
use crate::meter::{Meter, Progress};
use crate::net::{self, Deadline, Link, Stop};
use crate::options::Options;
use crate::output::{Sink, Verbose};
use crate::url::Url;
use crate::write_out::Report;

/// How many redirects are followed unless said otherwise.
const MAX_REDIRECTS: u64 = 50;

/// What transfers share: the connection that is left over, and words.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) options: &'a Options,
    pub(crate) verbose: Verbose,
    pub(crate) link: Option<Link>,
    pub(crate) opened: usize,
    /// Names that were looked up, with their addresses.
    pub(crate) names: Vec<(String, Vec<IpAddr>)>,
}

/// One transfer under way.
pub(crate) struct Transfer<'a, 'b> {
    pub(crate) session: &'b mut Session<'a>,
    pub(crate) sink: &'b mut Sink,
    pub(crate) header_sink: Option<&'b mut Sink>,
    pub(crate) meter: &'b mut Meter,
    pub(crate) report: &'b mut Report,
    pub(crate) deadline: Deadline,
    pub(crate) progress: Progress,
}

impl Transfer<'_, '_> {
    /// Asks, and asks again where redirects lead.
    pub(crate) fn run(&mut self, url: &str) -> Result<(), Failure> {
        let outcome = self.follow(url);
        self.report.time_total = self.deadline.start.elapsed();
        // An unknown name leaves the first row as it stands, without an end of line, as in curl.
        if !matches!(outcome, Err(Failure { code: 6, .. })) {
            self.meter.finish(&self.progress);
        }
        outcome
    }

    fn follow(&mut self, url: &str) -> Result<(), Failure> {
        let options = self.session.options;
        let mut ask = first_ask(url, options)?;
        let host = (ask.url.host.clone(), ask.url.port());
        url_of(&ask.url).clone_into(&mut self.report.url_effective);
        loop {
            self.report.method.clone_from(&ask.method);
            let head = self.exchange(&ask)?;
            let Some(place) = head
                .header("location")
                .filter(|_| (300..400).contains(&head.status))
            else {
                return Ok(());
            };
            let place = ask.url.join(place)?;
            if !options.location {
                self.report.redirect_url = place;
                return Ok(());
            }
            let most = options.max_redirects.unwrap_or(MAX_REDIRECTS);
            if self.report.redirects >= most {
                let message = format!("Maximum ({most}) redirects followed");
                self.session.verbose.info(&message);
                return Err(Failure::new(47, message));
            }
            self.report.redirects += 1;
            self.report.time_redirect = self.deadline.start.elapsed();
            self.session
                .verbose
                .info(&format!("Issue another request to this URL: '{place}'"));
            ask.url = Url::parse(&place)?;
            place.clone_into(&mut self.report.url_effective);
            if (ask.url.host.clone(), ask.url.port()) != host {
                // Who one is, is told to nobody else.
                ask.user = None;
            }
            let turns = match head.status {
                301 | 302 => ask.method == "POST",
                303 => ask.method != "HEAD",
                _ => false,
            };
            if turns && ask.body.is_some() {
                ask.body = None;
                if options.method.is_none() {
                    self.session.verbose.info("Switch to GET");
                    "GET".clone_into(&mut ask.method);
                }
            }
        }
    }

    /// One request and its answer.
    fn exchange(&mut self, ask: &Ask) -> Result<Head, Failure> {
        let mut link = self.link(&ask.url)?;
        self.report.remote = Some(link.remote);
        self.report.local = link.stream.local_addr().ok();
        let outcome = match self.talk(&mut link, ask) {
            // A kept connection that the other side has closed meanwhile is no failure: a fresh one is.
            Err(failure) if link.used && matches!(failure.code, 52 | 56 | 55) => {
                self.session
                    .verbose
                    .info("Connection died, retrying a fresh connect (retry count: 1)");
                self.closing(&link);
                link = self.connect(&ask.url)?;
                self.talk(&mut link, ask)
            }
            other => other,
        };
        match outcome {
            Ok((head, true)) => {
                let name = link.key.0.clone();
                self.session.verbose.info(&format!(
                    "Connection #{} to host {name} left intact",
                    link.number
                ));
                link.used = true;
                self.session.link = Some(link);
                Ok(head)
            }
            Ok((head, false)) => {
                self.closing(&link);
                Ok(head)
            }
            Err(failure) => {
                self.session.verbose.info(&failure.message);
                self.closing(&link);
                Err(failure)
            }
        }
    }

    fn closing(&mut self, link: &Link) {
        self.session
            .verbose
            .info(&format!("Closing connection {}", link.number));
    }

    /// The connection that is left over if it leads to the same place, or a new one.
    fn link(&mut self, url: &Url) -> Result<Link, Failure> {
        let key = (url.host.clone(), url.port());
        if let Some(link) = self.session.link.take() {
            if link.key == key {
                let text = format!(
                    "Re-using existing connection #{} with host {}",
                    link.number, link.key.0
                );
                self.session.verbose.info(&text);
                let now = self.deadline.start.elapsed();
                self.report.time_connect = now;
                self.report.time_pretransfer = now;
                return Ok(link);
            }
            self.closing(&link);
        }
        self.connect(url)
    }

    fn connect(&mut self, url: &Url) -> Result<Link, Failure> {
        let number = self.session.opened;
        self.session.opened += 1;
        let outcome = self.try_connect(url, number);
        if let Err(failure) = &outcome {
            self.session.verbose.info(&failure.message);
            self.session
                .verbose
                .info(&format!("Closing connection {number}"));
        }
        outcome
    }

    fn try_connect(&mut self, url: &Url, number: usize) -> Result<Link, Failure> {
        let options = self.session.options;
        let (mut host, mut port) = (url.host.clone(), url.port());
        if let Some((to_host, to_port)) = connect_to(options, &host, port) {
            if to_host != host {
                self.session
                    .verbose
                    .info(&format!("Connecting to hostname: {to_host}"));
            }
            if to_port != port {
                self.session
                    .verbose
                    .info(&format!("Connecting to port: {to_port}"));
            }
            (host, port) = (to_host, to_port);
        }
        let addresses = self.addresses(&host, port)?;
        self.report.time_lookup = self.deadline.start.elapsed();
        let verbose = &mut self.session.verbose;
        let (stream, remote) =
            net::connect(&host, port, &addresses, &self.deadline, &mut |text| {
                verbose.info(text)
            })?;
        self.report.connects += 1;
        self.report.time_connect = self.deadline.start.elapsed();
        self.report.time_pretransfer = self.report.time_connect;
        let text = format!(
            "Connected to {host} ({}) port {port} (#{number})",
            remote.ip()
        );
        self.session.verbose.info(&text);
        Ok(Link {
            stream,
            number,
            key: (url.host.clone(), url.port()),
            remote,
            unread: Vec::new(),
            used: false,
        })
    }

    fn addresses(&mut self, host: &str, port: u16) -> Result<Vec<IpAddr>, Failure> {
        let seen = || {
            self.session
                .names
                .iter()
                .find(|(name, _)| name == host)
                .map(|(_, found)| found.clone())
        };
        if let Some(addresses) = resolved(self.session.options, host, port).or_else(seen) {
            self.session
                .verbose
                .info(&format!("Hostname {host} was found in DNS cache"));
            return Ok(addresses);
        }
        let addresses = net::resolve(host, &self.deadline)?;
        self.session
            .names
            .push((host.to_owned(), addresses.clone()));
        Ok(addresses)
    }

    /// Sends the request and reads the answer; whether the connection may be used again.
    fn talk(&mut self, link: &mut Link, ask: &Ask) -> Result<(Head, bool), Failure> {
        let options = self.session.options;
        if let Some(name) = ask.user.as_ref().and_then(|user| user.split(':').next()) {
            self.session
                .verbose
                .info(&format!("Server auth using Basic with user '{name}'"));
        }
        let request = http::request(ask, options);
        for line in request.split_terminator("\r\n") {
            self.session.verbose.line('>', line);
        }
        let mut bytes = request.into_bytes();
        self.report.size_request += bytes.len() as u64;
        let body = ask.body.as_deref().unwrap_or_default();
        bytes.extend_from_slice(body);
        link.send(&bytes, &self.deadline)
            .map_err(|stop| self.stopped(stop, "Send failure"))?;
        self.session.verbose.data('}', body.len());
        self.report.size_upload += body.len() as u64;
        self.progress = Progress {
            total: None,
            down: 0,
            up: self.progress.up + body.len() as u64,
            up_total: self.progress.up_total + body.len() as u64,
        };
        let head = self.head(link)?;
        if options.fail && head.status >= 400 && !options.fail_with_body {
            self.progress.total = head
                .header("content-length")
                .and_then(|length| length.parse().ok());
            return Err(Failure::new(
                22,
                format!("The requested URL returned error: {}", head.status),
            ));
        }
        let framing = head.framing(&ask.method);
        let custom_close = options
            .headers
            .iter()
            .any(|header| header.to_ascii_lowercase().replace(' ', "") == "connection:close");
        let stays = head.keeps_alive() && framing != Framing::UntilClose && !custom_close;
        self.body(link, ask, &head, framing)?;
        if options.fail_with_body && head.status >= 400 {
            return Err(Failure::new(
                22,
                format!("The requested URL returned error: {}", head.status),
            ));
        }
        Ok((head, stays))
    }

    fn stopped(&self, stop: Stop, doing: &str) -> Failure {
        match stop {
            Stop::Late => {
                let total = self
                    .progress
                    .total
                    .map_or(String::new(), |total| format!(" out of {total}"));
                let (after, down) = (self.deadline.elapsed_ms(), self.progress.down);
                let message = format!(
                    "Operation timed out after {after} milliseconds with {down}{total} bytes received"
                );
                Failure::new(28, message)
            }
            Stop::Reset if doing == "Send failure" => Failure::new(55, "Send failure: Broken pipe"),
            Stop::Reset => Failure::new(56, format!("{doing}: Connection reset by peer")),
            Stop::Broken => Failure::new(56, format!("{doing}: Input/output error")),
        }
    }

    fn fill(&mut self, link: &mut Link) -> Result<usize, Failure> {
        let tick = self.meter.is_shown().then_some(Duration::from_secs(1));
        loop {
            match link.fill(&self.deadline, tick) {
                Ok(Some(count)) => return Ok(count),
                Ok(None) => self.meter.tick(&self.progress),
                Err(stop) => return Err(self.stopped(stop, "Recv failure")),
            }
        }
    }

    /// The head of the final answer; those with 1xx are told and passed over.
    fn head(&mut self, link: &mut Link) -> Result<Head, Failure> {
        let mut first = true;
        loop {
            match http::parse(&link.unread) {
                Err(()) => return Err(Failure::new(1, "Received HTTP/0.9 when not allowed")),
                Ok(Some((head, used))) => {
                    let raw: Vec<u8> = link.unread.drain(..used).collect();
                    self.head_arrived(&head, &raw)?;
                    if head.status >= 200 {
                        return Ok(head);
                    }
                }
                Ok(None) if link.unread.len() > MAX_HEAD => {
                    return Err(Failure::new(56, "Too large response headers"));
                }
                Ok(None) => {
                    let count = self.fill(link)?;
                    if std::mem::take(&mut first) {
                        self.report.time_starttransfer = self.deadline.start.elapsed();
                    }
                    if count == 0 && link.unread.is_empty() {
                        return Err(Failure::new(52, "Empty reply from server"));
                    }
                    if count == 0 {
                        return Err(Failure::new(
                            56,
                            "Recv failure: Connection closed inside of headers",
                        ));
                    }
                }
            }
        }
    }

    fn head_arrived(&mut self, head: &Head, raw: &[u8]) -> Result<(), Failure> {
        let options = self.session.options;
        let fails = options.fail && head.status >= 400;
        for line in &head.lines {
            self.session.verbose.line('<', line);
        }
        let endless =
            head.status >= 200 && head.framing("GET") == Framing::UntilClose && head.keeps_alive();
        if endless && self.report.method != "HEAD" {
            self.session
                .verbose
                .info("no chunk, no close, no size. Assume close to signal end");
        }
        if head.status >= 200 && !fails {
            self.session.verbose.line('<', "");
        }
        self.report.size_header += raw.len() as u64;
        if head.status >= 200 {
            self.report.status = head.status;
            self.report.version.clone_from(&head.version);
            self.report.headers.clone_from(&head.headers);
            head.header("content-type")
                .unwrap_or_default()
                .clone_into(&mut self.report.content_type);
        }
        if let Some(sink) = &mut self.header_sink {
            sink.write(raw, options.silent)?;
        }
        if options.include || options.head {
            self.sink.write(raw, options.silent)?;
        }
        Ok(())
    }

    fn body(
        &mut self,
        link: &mut Link,
        ask: &Ask,
        head: &Head,
        framing: Framing,
    ) -> Result<(), Failure> {
        let options = self.session.options;
        let moves = (300..400).contains(&head.status) && head.header("location").is_some();
        let ignored = options.location && moves;
        if let Framing::Length(length) = framing {
            let told = head
                .header("content-length")
                .and_then(|length| length.parse().ok());
            self.progress.total = if ask.method == "HEAD" {
                told
            } else {
                Some(length)
            };
        }
        if ignored && framing != Framing::Length(0) {
            self.session.verbose.info("Ignoring the response-body");
        }
        let mut decoder = Decoder::new(framing);
        while !decoder.is_done() {
            if link.unread.is_empty() {
                let count = self.fill(link)?;
                if count == 0 {
                    return self.ended(framing);
                }
            }
            self.session.verbose.data('{', link.unread.len());
            let bytes = decoder.take(&mut link.unread).map_err(|_| {
                Failure::new(
                    56,
                    "Illegal or missing hexadecimal sequence in chunked-encoding",
                )
            })?;
            self.progress.down += bytes.len() as u64;
            if !ignored {
                self.report.size_download += bytes.len() as u64;
                self.sink.write(&bytes, options.silent)?;
            }
            self.meter.tick(&self.progress);
        }
        if !link.unread.is_empty() {
            // Bytes after the answer belong to nothing that was asked.
            link.unread.clear();
        }
        Ok(())
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

fn url_of(url: &Url) -> String {
    format!("http://{}{}", url.authority(), url.target)
}

fn first_ask(url: &str, options: &Options) -> Result<Ask, Failure> {
    let mut url = Url::parse(url)?;
    let mut body = options.data.clone();
    if options.get
        && let Some(data) = body.take()
    {
        let data = String::from_utf8_lossy(&data).into_owned();
        if data.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(Failure::url());
        }
        let sign = if url.target.contains('?') { '&' } else { '?' };
        url.target = format!("{}{sign}{data}", url.target);
    }
    let natural = match (options.head, &body) {
        (true, _) => "HEAD",
        (false, Some(_)) => "POST",
        (false, None) => "GET",
    };
    let method = options.method.clone().unwrap_or_else(|| natural.to_owned());
    let user = options.user.clone().or_else(|| {
        url.user.clone().map(|user| {
            if user.contains(':') {
                user
            } else {
                format!("{user}:")
            }
        })
    });
    Ok(Ask {
        method,
        url,
        body,
        user,
    })
}

/// `--resolve host:port:address[,address]`, with a star for any host.
fn resolved(options: &Options, host: &str, port: u16) -> Option<Vec<IpAddr>> {
    options.resolve.iter().find_map(|entry| {
        let mut parts = entry.trim_start_matches('+').splitn(3, ':');
        let (name, number, addresses) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = (name == "*" || name.eq_ignore_ascii_case(host)) && number.parse() == Ok(port);
        let addresses = addresses
            .split(',')
            .map(|address| address.trim_matches(['[', ']']).parse().ok());
        if fits { addresses.collect() } else { None }
    })
}

/// `--connect-to host:port:to-host:to-port`, each part empty for any or the same.
fn connect_to(options: &Options, host: &str, port: u16) -> Option<(String, u16)> {
    options.connect_to.iter().find_map(|entry| {
        let parts: Vec<&str> = entry.split(':').collect();
        let [from_host, from_port, to_host, to_port] = parts[..] else {
            return None;
        };
        let fits = (from_host.is_empty() || from_host.eq_ignore_ascii_case(host))
            && (from_port.is_empty() || from_port.parse() == Ok(port));
        let to_host = if to_host.is_empty() { host } else { to_host };
        let to_port = if to_port.is_empty() {
            port
        } else {
            to_port.parse().ok()?
        };
        fits.then(|| (to_host.to_owned(), to_port))
    })
}

/// The limits of a transfer that begins now.
pub(crate) fn deadline(options: &Options) -> Deadline {
    Deadline {
        start: Instant::now(),
        whole: options.max_time,
        connect: options.connect_timeout,
    }
}
