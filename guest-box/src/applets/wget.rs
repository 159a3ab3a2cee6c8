//! `wget` as busybox 1.35 speaks it, over HTTP, and over HTTPS by `ssl_client`.
//!
//! One connection for each request, `Connection: close`, at most twenty redirections. It never
//! checks a certificate, and says so, as busybox does.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use guest_kit::process::{Child, Command, Input, Output, Pipe, Stdio};

use super::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "wget",
    operands: "URL...",
    help: "Retrieve files via HTTP",
    flags: &[
        flag(
            '\x05',
            "spider",
            "Only check URL existence: $? is 0 if exists",
        ),
        value(
            '\x01',
            "header",
            "STR",
            "Add STR (of form 'header: value') to headers",
        ),
        value('\x02', "post-data", "STR", "Send STR using POST method"),
        value('\x03', "post-file", "FILE", "Send FILE using POST method"),
        flag(
            '\x04',
            "no-check-certificate",
            "Don't validate the server's certificate",
        ),
        flag('c', "continue", "Continue retrieval of aborted transfer"),
        flag('q', "quiet", "Quiet"),
        value('P', "directory-prefix", "DIR", "Save to DIR (default .)"),
        flag('S', "server-response", "Show server response"),
        value('T', "timeout", "SEC", "Network read timeout is SEC seconds"),
        value('t', "tries", "N", "Accepted: there is one try"),
        value(
            'O',
            "output-document",
            "FILE",
            "Save to FILE ('-' for stdout)",
        ),
        value('o', "output-file", "LOGFILE", "Log messages to FILE"),
        value('U', "user-agent", "STR", "Use STR for User-Agent header"),
        value('Y', "proxy", "on/off", "Use proxy"),
    ],
    run: wget,
}];

const REDIRECTIONS: usize = 20;

struct Url {
    tls: bool,
    host: String,
    port: u16,
    path: String,
    login: Option<String>,
}

/// What an answer comes through.
enum Stream {
    Tcp(TcpStream),
    /// The pipes of an `ssl_client`, which ends when they do.
    Tls(Input, Output, Child),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Tls(from, ..) => from.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Tls(_, to, _) => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Tls(_, to, _) => to.flush(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The helper may still wait for the other side.
        if let Self::Tls(_, _, child) = self {
            child.kill(15);
            child.wait();
        }
    }
}

struct Request<'a> {
    unchecked: bool,
    /// Words go to a file, which gets no progress.
    logged: bool,
    /// Go on where the file ends.
    resume: bool,
    proxy: Option<Url>,
    spider: bool,
    quiet: bool,
    show: bool,
    timeout: Duration,
    agent: &'a str,
    headers: Vec<&'a str>,
    body: Option<Vec<u8>>,
    output: Option<&'a str>,
    directory: Option<&'a str>,
}

fn wget(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let body = match (
        parsed.value('\x02'),
        parsed.value('\x03').map(str::to_owned),
    ) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, Some(path)) => Some(io.slurp(&path).ok_or(Stop::Status(1))?),
        (None, None) => None,
    };
    let timeout = match parsed.value('T').map(str::to_owned) {
        Some(text) => text
            .parse()
            .map_err(|_| io.fail(&format!("invalid number '{text}'")))?,
        None => 900,
    };
    if let Some(path) = parsed.value('o') {
        let log = File::create(path);
        let log =
            log.map_err(|error| io.fail(&format!("can't open '{path}': {}", reason(&error))))?;
        io.err = Box::new(log);
    }
    let proxy = std::env::var("http_proxy")
        .ok()
        .filter(|text| !text.is_empty());
    let proxy = match proxy.filter(|_| parsed.value('Y') != Some("off")) {
        Some(text) => Some(parse_url(io, &text)?),
        None => None,
    };
    let request = Request {
        unchecked: parsed.has('\x04'),
        logged: parsed.value('o').is_some(),
        resume: parsed.has('c'),
        proxy,
        spider: parsed.has('\x05'),
        quiet: parsed.has('q'),
        show: parsed.has('S'),
        timeout: Duration::from_secs(timeout.max(1)),
        agent: parsed.value('U').unwrap_or("Wget"),
        headers: parsed.values('\x01').collect(),
        body,
        output: parsed.value('O'),
        directory: parsed.value('P'),
    };
    for url in &parsed.rest {
        request.fetch(io, url)?;
    }
    Ok(0)
}

fn parse_url(io: &mut Io<'_>, text: &str) -> Result<Url, Stop> {
    let (tls, rest) = match text.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some(("ftp", _)) => return Err(io.fail(&format!("not in this lab: {text}"))),
        Some(_) => return Err(io.fail(&format!("not an http or ftp url: {text}"))),
        None => (false, text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, authority) = match authority.rsplit_once('@') {
        Some((login, authority)) => (Some(login.to_owned()), authority),
        None => (None, authority),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => return Err(io.fail(&format!("bad port spec '{authority}'"))),
        },
        None => (authority, if tls { 443 } else { 80 }),
    };
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok(Url {
        tls,
        host: host.to_owned(),
        port,
        path,
        login,
    })
}

impl Request<'_> {
    fn fetch(&self, io: &mut Io<'_>, text: &str) -> Result<(), Stop> {
        let mut url = parse_url(io, text)?;
        let mut said = String::new();
        for _ in 0..REDIRECTIONS {
            let near = self.proxy.as_ref().filter(|_| !url.tls).unwrap_or(&url);
            let address = resolve(io, near)?;
            let server = format!("{} ({address})", authority(near));
            if !self.quiet && said != server {
                writeln!(io.err, "Connecting to {server}")?;
            }
            said = server;
            match self.once(io, &url, address)? {
                None => return Ok(()),
                Some(location) if location.starts_with('/') => url.path = location,
                Some(location) => url = parse_url(io, &location)?,
            }
        }
        Err(io.fail("too many redirections"))
    }

    /// One request; where it leads, when it is redirected.
    fn once(
        &self,
        io: &mut Io<'_>,
        url: &Url,
        address: SocketAddr,
    ) -> Result<Option<String>, Stop> {
        let mut stream = self.open(io, url, address)?;
        let from = self.length_so_far(url);
        let mut request = self.head(url, from);
        request.extend(self.body.iter().flatten());
        let sent = stream.write_all(&request).and_then(|()| stream.flush());
        if let Err(error) = sent {
            return Err(io.fail(&format!("error getting response: {}", reason(&error))));
        }
        let mut reader = BufReader::new(stream);
        let mut status_line = read_line(io, &mut reader)?;
        let mut status = status_of(&status_line);
        while status == Some(100) {
            while !read_line(io, &mut reader)?.is_empty() {}
            status_line = read_line(io, &mut reader)?;
            status = status_of(&status_line);
        }
        let Some(status) = status else {
            return Err(io.fail("error getting response"));
        };
        let (mut length, mut chunked, mut location) = (None, false, None);
        if self.show {
            writeln!(io.err, "  {status_line}")?;
        }
        // A status that fails is told before the rest of the head is read.
        if !matches!(status, 200..=206 | 300..=303 | 307 | 308) {
            return Err(io.fail(&format!("server returned error: {status_line}")));
        }
        loop {
            let line = read_line(io, &mut reader)?;
            if self.show {
                writeln!(io.err, "  {line}")?;
            }
            if line.is_empty() {
                break;
            }
            let Some((name, content)) = line.split_once(':') else {
                continue;
            };
            let content = content.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = content.parse::<u64>().ok(),
                "transfer-encoding" => chunked = content.eq_ignore_ascii_case("chunked"),
                "location" => location = Some(content.to_owned()),
                _ => {}
            }
        }
        match (status, location) {
            (300..=303 | 307 | 308, Some(location)) => return Ok(Some(location)),
            (200..=206, _) => {}
            _ => return Err(io.fail(&format!("server returned error: {status_line}"))),
        }
        if from > 0 && status != 206 {
            writeln!(io.err, "wget: restart failed")?;
        }
        let append = from > 0 && status == 206;
        if status == 204 {
            length = Some(0);
        }
        if self.spider {
            if !self.quiet {
                writeln!(io.err, "remote file exists")?;
            }
            return Ok(None);
        }
        self.save(
            io,
            url,
            reader,
            length.filter(|_| !chunked),
            chunked,
            append,
        )?;
        Ok(None)
    }

    /// A connection to the server, by `ssl_client` when it is to be encrypted.
    fn open(&self, io: &mut Io<'_>, url: &Url, address: SocketAddr) -> Result<Stream, Stop> {
        if url.tls {
            if !self.unchecked {
                let note = "wget: note: TLS certificate validation not implemented";
                writeln!(io.err, "{note}")?;
            }
            let (up, down) = (Pipe::new(), Pipe::new());
            let mut command = Command::new("ssl_client")
                .arg("-h")
                .arg(&url.host)
                .arg("-p")
                .arg(url.port.to_string())
                .arg("--insecure");
            command.stdin = Stdio::Stream(up.reader());
            command.stdout = Stdio::Stream(down.writer());
            let (from, to) = (down.reader(), up.writer());
            let child = command
                .spawn()
                .map_err(|_| io.fail("can't execute 'ssl_client': No such file or directory"))?;
            return Ok(Stream::Tls(from, to, child));
        }
        let stream = match guest_kit::connect(&address, self.timeout) {
            Ok(stream) => stream,
            Err(error) if timed_out(&error) => return Err(io.fail("download timed out")),
            Err(error) => {
                return Err(io.fail(&format!(
                    "can't connect to remote host ({}): {}",
                    address.ip(),
                    reason(&error)
                )));
            }
        };
        // Where the system cannot limit reads, they are not limited.
        let _ = stream.set_read_timeout(Some(self.timeout));
        Ok(Stream::Tcp(stream))
    }

    /// How much of the file is there already, when it is to be gone on with.
    fn length_so_far(&self, url: &Url) -> u64 {
        if !self.resume {
            return 0;
        }
        std::fs::metadata(self.file_name(url)).map_or(0, |found| found.len())
    }

    fn file_name(&self, url: &Url) -> String {
        if let Some(name) = self.output {
            return name.to_owned();
        }
        // The query is a part of the name, as in busybox.
        let path = url.path.split('#').next().unwrap_or("/");
        let base = path.rsplit('/').next().unwrap_or_default();
        let base = if base.is_empty() { "index.html" } else { base };
        match self.directory {
            Some(directory) => format!("{}/{base}", directory.trim_end_matches('/')),
            None => base.to_owned(),
        }
    }

    fn head(&self, url: &Url, from: u64) -> Vec<u8> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let own = |name: &str| {
            self.headers
                .iter()
                .any(|header| header.to_ascii_lowercase().starts_with(&format!("{name}:")))
        };
        let mut head = match &self.proxy {
            Some(_) if !url.tls => {
                format!(
                    "{method} http://{}{} HTTP/1.1\r\n",
                    authority(url),
                    url.path
                )
            }
            _ => format!("{method} {} HTTP/1.1\r\n", url.path),
        };
        if !own("host") {
            head.push_str(&format!("Host: {}\r\n", authority(url)));
        }
        if !own("user-agent") {
            head.push_str(&format!("User-Agent: {}\r\n", self.agent));
        }
        head.push_str("Connection: close\r\n");
        if let Some(login) = &url.login {
            head.push_str(&format!(
                "Authorization: Basic {}\r\n",
                super::data::base64(login.as_bytes())
            ));
        }
        if from > 0 {
            head.push_str(&format!("Range: bytes={from}-\r\n"));
        }
        for header in &self.headers {
            head.push_str(&format!("{header}\r\n"));
        }
        if let Some(body) = &self.body {
            if !own("content-type") {
                head.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            }
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    fn save(
        &self,
        io: &mut Io<'_>,
        url: &Url,
        mut reader: impl BufRead,
        length: Option<u64>,
        chunked: bool,
        append: bool,
    ) -> Result<(), Stop> {
        let name = self.file_name(url);
        let mut file = if name == "-" {
            None
        } else {
            Some(self.create(io, &name, append)?)
        };
        if !self.quiet {
            match &file {
                None => writeln!(io.err, "writing to stdout")?,
                Some(_) => writeln!(io.err, "saving to '{name}'")?,
            }
        }
        let mut total = 0;
        let mut write = |io: &mut Io<'_>, bytes: &[u8]| -> Result<(), Stop> {
            total += bytes.len() as u64;
            match &mut file {
                Some(file) => file.write_all(bytes)?,
                None => {
                    io.out.write_all(bytes)?;
                    io.out.flush()?;
                }
            }
            Ok(())
        };
        if chunked {
            loop {
                let line = read_line(io, &mut reader)?;
                let digits = line.split(';').next().unwrap_or_default().trim();
                let Ok(size) = u64::from_str_radix(digits, 16) else {
                    return Err(io.fail("connection closed prematurely"));
                };
                if size == 0 {
                    break;
                }
                copy(io, &mut reader, Some(size), &mut write)?;
                read_line(io, &mut reader)?;
            }
        } else {
            copy(io, &mut reader, length, &mut write)?;
        }
        if self.quiet {
            return Ok(());
        }
        if total > 0 && !self.logged {
            let shown: String = name
                .rsplit('/')
                .next()
                .unwrap_or(&name)
                .chars()
                .take(20)
                .collect();
            let start = if guest_kit::terminal::size().is_some() {
                "\r"
            } else {
                ""
            };
            let amount = amount(total);
            writeln!(
                io.err,
                "{start}{shown:<20} 100% |{}| {amount}  0:00:00 ETA",
                "*".repeat(32)
            )?;
        }
        match file {
            None => writeln!(io.err, "written to stdout")?,
            Some(_) => writeln!(io.err, "'{name}' saved")?,
        }
        Ok(())
    }

    fn create(&self, io: &mut Io<'_>, name: &str, append: bool) -> Result<File, Stop> {
        let mut options = File::options();
        options.write(true);
        // Only a name that was asked for may be overwritten.
        if append {
            options.append(true);
        } else if self.output.is_some() || self.resume {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        options
            .open(name)
            .map_err(|error| io.fail(&format!("can't open '{name}': {}", reason(&error))))
    }
}

/// Copies this many bytes, or all of them.
fn copy(
    io: &mut Io<'_>,
    reader: &mut impl Read,
    length: Option<u64>,
    write: &mut impl FnMut(&mut Io<'_>, &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut left = length;
    let mut buffer = [0; 8192];
    while left != Some(0) {
        let most = left.map_or(buffer.len(), |left| {
            usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(buffer.len())
        });
        match reader.read(&mut buffer[..most]) {
            Ok(0) if left.is_some() => return Err(io.fail("connection closed prematurely")),
            Ok(0) => return Ok(()),
            Ok(count) => {
                write(io, &buffer[..count])?;
                left = left.map(|left| left - count as u64);
            }
            Err(error) if timed_out(&error) => return Err(io.fail("download timed out")),
            Err(error) => {
                return Err(io.fail(&format!("error getting response: {}", reason(&error))));
            }
        }
    }
    Ok(())
}

/// Six columns of bytes, or of larger units.
fn amount(total: u64) -> String {
    if total < 100_000 {
        format!("{total:5}")
    } else if total < 100_000 * 1024 {
        format!("{:4}k", total / 1024)
    } else {
        format!("{:4}M", total / (1024 * 1024))
    }
}

fn timed_out(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

fn authority(url: &Url) -> String {
    if url.port == if url.tls { 443 } else { 80 } {
        url.host.clone()
    } else {
        format!("{}:{}", url.host, url.port)
    }
}

fn resolve(io: &mut Io<'_>, url: &Url) -> Result<SocketAddr, Stop> {
    let found = (url.host.as_str(), url.port).to_socket_addrs().ok();
    let found = found.and_then(|found| found.into_iter().find(SocketAddr::is_ipv4));
    found.ok_or_else(|| io.fail(&format!("bad address '{}'", url.host)))
}

fn read_line(io: &mut Io<'_>, reader: &mut impl BufRead) -> Result<String, Stop> {
    let mut line = Vec::new();
    match reader.take(64 * 1024).read_until(b'\n', &mut line) {
        Ok(0) => Err(io.fail("error getting response")),
        Ok(_) => Ok(String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned()),
        Err(error) if timed_out(&error) => Err(io.fail("download timed out")),
        Err(error) => Err(io.fail(&format!("error getting response: {}", reason(&error)))),
    }
}

fn status_of(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/")?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
