//! One command's dealings with the world: its output, its server, and what it has learned of the server so far.
//!
//! Connects late and keeps one connection. What a command means is in `cmd`.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::config::{Config, Overrides, Target};
use crate::discovery::Discovery;
use crate::fail::{Fail, Outcome};
use crate::http::{self, Address, Connection, Head, LOOK_AGAIN, Request};
use crate::io::Io;
use crate::text::time;

pub(crate) const JSON: &str = "application/json";
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// The state of one run.
pub(crate) struct Session<'a, 'io> {
    pub(crate) io: &'a mut Io<'io>,
    pub(crate) overrides: Overrides,
    /// `kubectl get`, for the server's log.
    pub(crate) command: String,
    /// YAML documents printed so far, for the `---` between them.
    pub(crate) printed_documents: usize,
    /// What is printed was made here, so that its fields stand in the order of Go's structs.
    pub(crate) typed: bool,
    target: Option<Target>,
    connection: Option<Connection>,
    discovery: Option<Rc<Discovery>>,
    warned: BTreeSet<String>,
    /// `-v`.
    pub(crate) verbosity: i64,
    /// Headers of every request.
    pub(crate) headers: Vec<(String, String)>,
    /// How long a request may take, in nanoseconds.
    pub(crate) timeout: Option<u64>,
}

impl<'a, 'io> Session<'a, 'io> {
    pub(crate) fn new(io: &'a mut Io<'io>, overrides: Overrides, command: String) -> Self {
        Self {
            io,
            overrides,
            command,
            printed_documents: 0,
            typed: false,
            target: None,
            connection: None,
            discovery: None,
            warned: BTreeSet::new(),
            verbosity: 0,
            headers: Vec::new(),
            timeout: None,
        }
    }

    /// Writes to standard output; a reader that went away ends the command quietly.
    pub(crate) fn out(&mut self, text: &str) -> Outcome {
        self.io
            .stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.io.stdout.flush())
            .map_err(|_| Fail::Exit(1))
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> String {
        (self.io.env)("HOME").unwrap_or_default()
    }

    /// Writes to standard error.
    pub(crate) fn err(&mut self, text: &str) {
        // Nobody is left to be told.
        drop(
            self.io
                .stderr
                .write_all(text.as_bytes())
                .and_then(|()| self.io.stderr.flush()),
        );
    }

    /// A warning in kubectl's form, once per text.
    pub(crate) fn warn(&mut self, text: &str) {
        if self.warned.insert(text.to_owned()) {
            self.err(&format!("Warning: {text}\n"));
        }
    }

    /// How many warnings there were.
    pub(crate) fn warnings(&self) -> usize {
        self.warned.len()
    }

    /// Seconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        ((self.io.now)() / 1_000_000_000) as i64
    }

    /// Nanoseconds since the epoch.
    pub(crate) fn now_nanos(&self) -> u64 {
        (self.io.now)()
    }

    /// An environment variable.
    pub(crate) fn config(&mut self) -> Outcome<Config> {
        Config::load(self.io, &self.overrides)
    }

    pub(crate) fn target(&mut self) -> Outcome<&Target> {
        if self.target.is_none() {
            let target = self.config()?.target(self.io, &self.overrides)?;
            self.target = Some(target);
        }
        Ok(self.target.as_ref().expect("set above"))
    }

    /// The namespace that commands work in.
    pub(crate) fn namespace(&mut self) -> Outcome<String> {
        Ok(self.target()?.namespace.clone())
    }

    fn address(&mut self) -> Outcome<Address> {
        let server = self.target()?.server.clone();
        Address::parse(&server)
            .ok_or_else(|| Fail::message(format!("parse {server:?}: invalid server address")))
    }

    fn prepare(
        &mut self,
        method: &'static str,
        path: String,
        accept: &str,
        content: &str,
        body: Vec<u8>,
    ) -> Outcome<Request> {
        let mut headers = vec![
            (
                "User-Agent".into(),
                "kubectl/v1.36.3 (linux/amd64) kubernetes/0f29094".to_owned(),
            ),
            ("Accept".into(), accept.to_owned()),
            ("Kubectl-Command".into(), self.command.clone()),
        ];
        if !content.is_empty() {
            headers.push(("Content-Type".into(), content.to_owned()));
        }
        for (name, value) in &self.headers {
            headers.push((name.clone().into(), value.clone()));
        }
        let mut path = path;
        if let Some(timeout) = self.timeout {
            // The server is told, and gives up by itself.
            let mark = if path.contains('?') { '&' } else { '?' };
            path.push_str(&format!("{mark}timeout={}ms", timeout / 1_000_000));
        }
        let token = &self.target()?.token;
        if !token.is_empty() {
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        Ok(Request {
            method,
            path,
            headers,
            body,
        })
    }

    /// Sends a request over the kept connection, or over a fresh one if that has gone stale.
    fn send(&mut self, request: &Request) -> Outcome<(Connection, Head)> {
        let address = self.address()?;
        let tls = self.target()?.tls.clone();
        let asked = self.now_nanos();
        if let Some(mut connection) = self.connection.take()
            && let Ok(head) = connection.send(&address, request)
        {
            self.log(&address, request, &head, asked);
            self.show_warnings(&head);
            return Ok((connection, head));
        }
        let opened =
            Connection::open(self.io.connect, &address, &tls).and_then(|mut connection| {
                connection
                    .send(&address, request)
                    .map(|head| (connection, head))
            });
        let (connection, head) = opened.map_err(|error| unreachable(&address, &error))?;
        self.log(&address, request, &head, asked);
        self.show_warnings(&head);
        Ok((connection, head))
    }

    /// `1121 15:04:05.000000       1`, with which klog's lines begin.
    pub(crate) fn stamp(&self) -> String {
        let micros = self.now_nanos() % 1_000_000_000 / 1000;
        let day = time::rfc3339(self.now());
        format!(
            "{}{} {}.{micros:06}       1",
            &day[5..7],
            &day[8..10],
            &day[11..19]
        )
    }

    /// With `-v=6` and above every request is told, in the form of the stock client's log.
    fn log(&mut self, address: &Address, request: &Request, head: &Head, asked: u64) {
        if self.verbosity < 6 {
            return;
        }
        let now = self.now_nanos();
        let reason = http::reason(head.status);
        self.err(&format!(
            "I{} round_trippers.go:632] \"Response\" verb=\"{}\" url=\"{}://{}{}\" status=\"{} {reason}\" milliseconds={}\n",
            self.stamp(),
            request.method,
            if address.tls { "https" } else { "http" },
            address.authority(),
            request.path,
            head.status,
            now.saturating_sub(asked) / 1_000_000
        ));
    }

    /// The stock client asks five times what the server has, and logs it.
    fn log_unreachable(&mut self, why: &str) -> Outcome {
        let url = format!("{}/api?timeout=32s", self.server()?);
        for _ in 0..5 {
            let line =
                format!("couldn't get current server API group list: Get \\\"{url}\\\": {why}");
            self.err(&format!(
                "E{} memcache.go:265] \"Unhandled Error\" err=\"{line}\"\n",
                self.stamp()
            ));
        }
        Ok(())
    }

    fn show_warnings(&mut self, head: &Head) {
        for value in head.all("warning").map(str::to_owned).collect::<Vec<_>>() {
            // `299 - "text"`, with quotes and backslashes escaped.
            let Some(text) = value
                .split_once('"')
                .and_then(|(_, rest)| rest.rsplit_once('"'))
            else {
                continue;
            };
            self.warn(&text.0.replace("\\\"", "\"").replace("\\\\", "\\"));
        }
    }

    /// One request and its whole answer, whatever its status.
    pub(crate) fn exchange(
        &mut self,
        method: &'static str,
        path: &str,
        accept: &str,
        content: &str,
        body: Vec<u8>,
    ) -> Outcome<(u16, Vec<u8>)> {
        let request = self.prepare(method, path.to_owned(), accept, content, body)?;
        let (mut connection, head) = self.send(&request)?;
        let address = self.address()?;
        let body = connection
            .read_all()
            .map_err(|error| unreachable(&address, &error))?;
        if connection.keeps() {
            self.connection = Some(connection);
        }
        Ok((head.status, body))
    }

    fn call(
        &mut self,
        method: &'static str,
        path: &str,
        accept: &str,
        content: &str,
        body: Vec<u8>,
    ) -> Outcome<Value> {
        let (status, body) = self.exchange(method, path, accept, content, body)?;
        if status >= 400 {
            return Err(refused(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| {
            Fail::message(format!("unable to decode the server's answer: {error}"))
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> Outcome<Value> {
        self.call("GET", path, JSON, "", Vec::new())
    }

    pub(crate) fn get_table(&mut self, path: &str) -> Outcome<Value> {
        self.call("GET", path, TABLE, "", Vec::new())
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        self.call("POST", path, JSON, JSON, body.to_string().into_bytes())
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        self.call("PUT", path, JSON, JSON, body.to_string().into_bytes())
    }

    pub(crate) fn patch(&mut self, path: &str, kind: &str, body: Vec<u8>) -> Outcome<Value> {
        self.call("PATCH", path, JSON, kind, body)
    }

    pub(crate) fn delete(&mut self, path: &str, options: &Value) -> Outcome<Value> {
        self.call("DELETE", path, JSON, JSON, options.to_string().into_bytes())
    }

    /// A request whose answer is text.
    pub(crate) fn get_text(&mut self, path: &str) -> Outcome<Vec<u8>> {
        let (status, body) = self.exchange("GET", path, "application/json, */*", "", Vec::new())?;
        if status >= 400 {
            Err(refused(status, &body))
        } else {
            Ok(body)
        }
    }

    /// A request whose answer goes on: a watch, a log that is followed.
    pub(crate) fn stream(&mut self, path: &str, accept: &str) -> Outcome<Streaming> {
        let request = self.prepare("GET", path.to_owned(), accept, "", Vec::new())?;
        let (mut connection, head) = self.send(&request)?;
        if head.status >= 400 {
            let body = connection.read_all().unwrap_or_default();
            return Err(refused(head.status, &body));
        }
        Ok(Streaming {
            connection,
            pending: Vec::new(),
            end: self.timeout.map(|timeout| self.now_nanos() + timeout),
        })
    }

    /// Asks for a WebSocket; the answer's head says whether the server agreed.
    pub(crate) fn upgrade(&mut self, path: &str, protocol: &str) -> Outcome<(Connection, Head)> {
        let mut request = self.prepare("GET", path.to_owned(), "*/*", "", Vec::new())?;
        let key = self.now_nanos().to_be_bytes();
        let key = crate::text::base64::encode(&[key, key.map(|byte| !byte)].concat());
        request.headers.retain(|(name, _)| name != "Accept");
        request.headers.extend([
            ("Connection".into(), "Upgrade".to_owned()),
            ("Upgrade".into(), "websocket".to_owned()),
            ("Sec-WebSocket-Version".into(), "13".to_owned()),
            ("Sec-WebSocket-Key".into(), key),
            ("Sec-WebSocket-Protocol".into(), protocol.to_owned()),
        ]);
        self.connection = None;
        self.send(&request)
    }

    pub(crate) fn discovery(&mut self) -> Outcome<Rc<Discovery>> {
        if self.discovery.is_none() {
            let discovery = Discovery::load(self);
            if let Err(Fail::Unreachable(_, why)) = &discovery {
                self.log_unreachable(why)?;
            }
            let discovery = discovery?;
            self.discovery = Some(Rc::new(discovery));
        }
        Ok(Rc::clone(self.discovery.as_ref().expect("set above")))
    }

    /// Runs another program with kubectl's own terminal and streams; its exit code.
    pub(crate) fn program(&mut self, program: &str, args: &[String]) -> std::io::Result<i32> {
        // What was said before must stand before what the program says.
        drop(self.io.stdout.flush());
        drop(self.io.stderr.flush());
        self.io.programs.run(program, args)
    }

    /// An environment variable, unless it is empty.
    pub(crate) fn env(&self, name: &str) -> Option<String> {
        (self.io.env)(name).filter(|value| !value.is_empty())
    }

    /// `host:port` or the whole URL of the server, for people.
    pub(crate) fn server(&mut self) -> Outcome<String> {
        Ok(self.target()?.server.clone())
    }
}

/// A body that goes on.
pub(crate) struct Streaming {
    connection: Connection,
    pending: Vec<u8>,
    /// When the request's own time is up.
    end: Option<u64>,
}

/// What came of waiting for a body.
pub(crate) enum Next<T> {
    Some(T),
    End,
    TimedOut,
}

impl Streaming {
    /// The next piece; `deadline` is in nanoseconds since the epoch.
    pub(crate) fn piece(
        &mut self,
        session: &mut Session<'_, '_>,
        deadline: Option<u64>,
    ) -> Next<Vec<u8>> {
        let own = self
            .end
            .filter(|end| deadline.is_none_or(|deadline| *end < deadline));
        let deadline = own.or(deadline);
        let nonblocking = deadline.is_some() && self.connection.set_nonblocking(true).is_ok();
        let next = loop {
            match self.connection.read_body() {
                Ok(piece) if piece.is_empty() => break Next::End,
                Ok(piece) => break Next::Some(piece),
                Err(error) if nonblocking && error.kind() == ErrorKind::WouldBlock => {
                    if deadline.is_some_and(|deadline| session.now_nanos() >= deadline) {
                        break if own.is_some() {
                            Next::End
                        } else {
                            Next::TimedOut
                        };
                    }
                    (session.io.sleep)(LOOK_AGAIN);
                }
                Err(_) => break Next::End,
            }
        };
        if nonblocking {
            // The stream worked a moment ago; a failure shows at the next read.
            drop(self.connection.set_nonblocking(false));
        }
        next
    }

    /// The next line as JSON, as watches send it.
    pub(crate) fn event(
        &mut self,
        session: &mut Session<'_, '_>,
        deadline: Option<u64>,
    ) -> Next<Value> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                match serde_json::from_slice(&line) {
                    Ok(event) => return Next::Some(event),
                    Err(_) => continue,
                }
            }
            match self.piece(session, deadline) {
                Next::Some(piece) => self.pending.extend_from_slice(&piece),
                Next::End => return Next::End,
                Next::TimedOut => return Next::TimedOut,
            }
        }
    }
}

/// A failed answer as a `Status`, made up where the server sent none.
pub(crate) fn refused(status: u16, body: &[u8]) -> Fail {
    if let Ok(value) = serde_json::from_slice::<Value>(body)
        && value["kind"] == "Status"
    {
        return Fail::Status(Box::new(value), String::new());
    }
    let text = String::from_utf8_lossy(body);
    let (reason, message) = match status {
        400 => (
            "BadRequest",
            format!(
                "the server rejected our request for an unknown reason: {}",
                text.trim()
            ),
        ),
        401 => (
            "Unauthorized",
            "the server has asked for the client to provide credentials".to_owned(),
        ),
        403 => ("Forbidden", text.trim().to_owned()),
        404 => (
            "NotFound",
            "the server could not find the requested resource".to_owned(),
        ),
        405 => (
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource".to_owned(),
        ),
        500.. => (
            "InternalError",
            format!(
                "an error on the server ({:?}) has prevented the request from succeeding",
                text.trim()
            ),
        ),
        _ => (
            "",
            format!(
                "the server responded with the status code {status} but did not return more information"
            ),
        ),
    };
    Fail::Status(
        Box::new(json!({"kind": "Status", "reason": reason, "message": message, "code": status})),
        String::new(),
    )
}

fn unreachable(address: &Address, error: &std::io::Error) -> Fail {
    let authority = address.authority();
    let why = match error.kind() {
        ErrorKind::ConnectionRefused => {
            let ip = authority.replace("localhost:", "127.0.0.1:");
            return Fail::Unreachable(
                format!(
                    "The connection to the server {authority} was refused - did you specify the right host or port?"
                ),
                format!("dial tcp {ip}: connect: connection refused"),
            );
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => format!("dial tcp {authority}: i/o timeout"),
        ErrorKind::HostUnreachable => format!("dial tcp {authority}: connect: no route to host"),
        ErrorKind::NetworkUnreachable => {
            format!("dial tcp {authority}: connect: network is unreachable")
        }
        ErrorKind::ConnectionReset => {
            format!("read tcp {authority}: read: connection reset by peer")
        }
        ErrorKind::UnexpectedEof => "EOF".to_owned(),
        ErrorKind::Unsupported | ErrorKind::InvalidData => error.to_string(),
        _ if address.host.parse::<std::net::IpAddr>().is_err() => {
            format!("dial tcp: lookup {}: no such host", address.host)
        }
        _ => format!("dial tcp {authority}: {error}"),
    };
    Fail::Unreachable(format!("Unable to connect to the server: {why}"), why)
}

/// A request path with its query.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    format!("{path}{}", http::query(pairs))
}
