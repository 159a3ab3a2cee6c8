//! What comes in and what goes out, as plain values. Never parses HTTP.

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create, or connect.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
    /// Read without a body.
    Head,
    /// Anything else.
    Other,
}

/// What somebody shows who asks; whether it is good is found out when the request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// What only the administrator has, such as a client certificate that TLS has checked; its
    /// name, `X509SHA256=` and a digest, if it has one.
    Administrator(Option<String>),
    /// A bearer token.
    Token(String),
    /// Nothing.
    Nothing,
}

/// Whom somebody wants to be instead: the `Impersonate-` headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonation {
    /// `Impersonate-User`; empty when absent.
    pub user: String,
    /// `Impersonate-Uid`; empty when absent.
    pub uid: String,
    /// `Impersonate-Group`, in order.
    pub groups: Vec<String>,
    /// `Impersonate-Extra-KEY`: the key in small letters, and the value.
    pub extra: Vec<(String, String)>,
}

/// One request to the API server, already taken out of HTTP.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// The path, percent-decoded, without the query.
    pub path: String,
    /// The query's pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The `Accept` header, empty when absent.
    pub accept: String,
    /// The `Content-Type` header, empty when absent.
    pub content_type: String,
    /// The `If-None-Match` header.
    pub if_none_match: Option<String>,
    /// The `User-Agent` header, empty when absent; its first word names who manages fields.
    pub user_agent: String,
    /// The body.
    pub body: Vec<u8>,
    /// What the asker shows.
    pub credential: Credential,
    /// Whom the asker wants to be instead.
    pub impersonate: Impersonation,
}

impl Request {
    /// A GET of `path`, which may carry a query (`/api/v1/pods?limit=5`), for JSON; the
    /// administrator asks.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new(Method::Get, path, "", Vec::new())
    }

    /// A request with a body of this content type, for JSON; the administrator asks.
    #[must_use]
    pub fn new(method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let split = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(name), percent_decode(value))
        };
        Self {
            method,
            path: path.to_owned(),
            query: pairs.map(split).collect(),
            accept: "application/json".to_owned(),
            content_type: content_type.to_owned(),
            if_none_match: None,
            user_agent: String::new(),
            body,
            credential: Credential::Administrator(None),
            impersonate: Impersonation::default(),
        }
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the server answers.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers in order; `Warning` may come several times.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// Lines that come while objects change: ask [`crate::Cluster::poll_watch`].
    Watch(WatchId),
    /// A conversation with a container, which the shell has to carry on.
    Stream(StreamRequest),
}

/// A running watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub(crate) u64);

/// What a watch has to say now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchPoll {
    /// JSON events, one per line.
    Lines(Vec<u8>),
    /// Nothing new.
    Pending,
    /// Nothing more will come.
    Closed,
}

/// A conversation with a container. Already validated: the pod exists and the container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamRequest {
    /// Run a command in a container.
    Exec {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container, never empty.
        container: String,
        /// The program and its arguments.
        command: Vec<String>,
        /// Whether the client sends input.
        stdin: bool,
        /// Whether the client wants output.
        stdout: bool,
        /// Whether the client wants errors.
        stderr: bool,
        /// Whether there is a terminal.
        tty: bool,
    },
    /// Join a container's first process.
    Attach {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container, never empty.
        container: String,
        /// Whether the client sends input.
        stdin: bool,
        /// Whether the client wants output.
        stdout: bool,
        /// Whether the client wants errors.
        stderr: bool,
        /// Whether there is a terminal.
        tty: bool,
    },
    /// Read what a container wrote.
    Log {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container, never empty.
        container: String,
        /// Whether to go on as more is written.
        follow: bool,
        /// Whether the container before the last restart is meant.
        previous: bool,
        /// How many last lines.
        tail: Option<u64>,
        /// How far back, in seconds.
        since_seconds: Option<u64>,
        /// The instant before which nothing is wanted, in nanoseconds of Unix time.
        since_time: Option<i128>,
        /// Whether every line begins with its time.
        timestamps: bool,
        /// How many bytes at most.
        limit_bytes: Option<u64>,
    },
    /// Connect to a port inside a pod.
    PortForward {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The ports named in the request; a WebSocket client names them, an SPDY client does not.
        ports: Vec<u16>,
    },
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
