//! The httpd face: Apache's manners over the same files and requests.
//! `conf` says what is served, `access` who is let in, `content` what is found, `dress` what is said when
//! something went wrong, `head` how an answer begins, `log` what is written down. It opens no socket.

mod access;
pub mod conf;
mod content;
mod dress;
mod head;
mod log;
mod mime;
mod pages;

use std::net::SocketAddrV4;

use self::conf::Config;
use self::conf::model::{Host, Settings};
use crate::conf::model::LogTarget;
use crate::http::date::{Date, Now};
use crate::http::request::{Limits, Reject, Request};
use crate::net;
use crate::reply::{Body, Client, Reply};

/// What it calls itself.
pub const PRODUCT: &str = "Apache/2.4.67 (Unix)";

/// Apache httpd with its configuration.
#[derive(Debug)]
pub struct Apache {
    config: Config,
    types: mime::Types,
}

/// Where a request falls to.
struct Spot<'a> {
    host: &'a Host,
    settings: Settings,
    file: String,
}

/// An answer before it is bytes.
struct Draft {
    status: u16,
    /// Headers between `Server` and `Connection`, in Apache's order.
    headers: Vec<(String, String)>,
    /// Those that are known only after the configuration's own were added.
    late: Vec<(String, String)>,
    /// Those that follow the type.
    last: Vec<(String, String)>,
    kind: Option<String>,
    body: Body,
    close: bool,
    /// Whether it is a page's own answer and not one about a mistake.
    success: bool,
    /// What the error log is told: the module, and the words.
    note: Option<(&'static str, String)>,
    /// Who has shown a password.
    user: Option<String>,
}

impl Draft {
    /// The same with one more header.
    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(0, (name.to_owned(), value.into()));
        self
    }

    /// The same with a line for the error log.
    fn noting(mut self, module: &'static str, words: String) -> Self {
        self.note = Some((module, words));
        self
    }
}

/// A body with its length and type.
fn text(status: u16, body: Vec<u8>, kind: Option<String>) -> Draft {
    Draft {
        status,
        headers: vec![("Content-Length".to_owned(), body.len().to_string())],
        late: Vec::new(),
        last: Vec::new(),
        kind,
        body: Body::Bytes(body),
        close: false,
        success: false,
        note: None,
        user: None,
    }
}

/// An answer with what the logs are told.
#[derive(Debug)]
pub struct Said {
    /// What is sent.
    pub reply: Reply,
    note: Option<(&'static str, String)>,
    user: Option<String>,
    file: String,
    /// The headers, for logs that repeat one of them.
    head: Vec<u8>,
    began_ns: u64,
}

impl Apache {
    /// A server by a configuration.
    ///
    /// # Errors
    /// That the file of types cannot be read, in Apache's words.
    pub fn with(config: Config) -> Result<Self, String> {
        let types = mime::Types::read(config.types_file.as_deref())?;
        Ok(Self { config, types })
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The host a request is for: the best address first, then the name, then the first of them.
    fn host(&self, client: &Client, name: &str) -> &Host {
        let (address, port) = (*client.local.ip(), client.local.port());
        let fits = |host: &&Host, exact: bool| {
            host.addresses.iter().any(|(own, at)| {
                at.is_none_or(|at| at == port)
                    && match own {
                        Some(own) => *own == address,
                        None => !exact,
                    }
            })
        };
        let hosts = &self.config.hosts[1..];
        let mut own: Vec<&Host> = hosts.iter().filter(|host| fits(host, true)).collect();
        if own.is_empty() {
            own = hosts.iter().filter(|host| fits(host, false)).collect();
        }
        let called = |host: &&&Host| host.is_called(name);
        let found = own.iter().find(called).or(own.first());
        found.copied().unwrap_or(&self.config.hosts[0])
    }

    /// How large heads may be, and how long the first may take.
    pub fn manners(&self) -> (Limits, u64) {
        let limits = Limits {
            line: 8190,
            head: 100 * 8190,
            underscores: true,
            ..Limits::default()
        };
        (limits, self.config.hosts[0].timeout_ms)
    }

    /// Answers a request, or refuses what is none.
    pub fn answer(
        &self,
        client: &Client,
        now: Now,
        request: Option<&Request>,
        reject: Option<&Reject>,
    ) -> Said {
        let host = self.host(client, request.map_or("", |request| request.host.as_str()));
        let spot = self.spot(host, request.map_or("/", |request| request.path.as_str()));
        let draft = match (request, reject) {
            (Some(request), _) => self.draft(request, &spot, client),
            (None, Some(reject)) => self.refusal(reject),
            (None, None) => pages::page(400, ""),
        };
        let mut draft = self.dress(draft, &spot, request);
        let (note, user) = (draft.note.take(), draft.user.take());
        let reply = self.reply(draft, &spot, client, now, request);
        Said {
            note,
            user,
            head: reply.head.clone(),
            reply,
            file: spot.file,
            began_ns: net::now_ns(),
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
        let host = self.host(client, request.map_or("", |request| request.host.as_str()));
        if let Some((module, words)) = said.note.as_ref().filter(|_| host.level >= 3) {
            let at = Date::of(now.seconds).apache(now.nanos / 1000);
            let line = format!(
                "[{at}] [{module}:error] [pid 1:tid 1] [client {}] {words}\n",
                client.remote
            );
            lines.push((host.error_log.clone(), line.into_bytes()));
        }
        let asked = match (request, reject) {
            (Some(request), _) => request.line(),
            (None, Some(reject)) => &reject.line,
            (None, None) => b"",
        };
        let seen = log::Seen {
            client,
            now,
            request,
            line: asked,
            said,
            sent,
            name: &host.name,
            took_ns: net::now_ns().saturating_sub(said.began_ns),
        };
        for (target, format) in &host.logs {
            lines.push((target.clone(), log::line(format, &seen)));
        }
        lines
    }

    /// Where the error log goes.
    pub fn error_target(&self) -> &LogTarget {
        &self.config.hosts[0].error_log
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
        self.config.listens.clone()
    }
}
