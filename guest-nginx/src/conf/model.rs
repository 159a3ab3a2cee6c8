//! What a configuration means: servers, locations, and the settings in force in each.
//! Plain data with questions; it opens nothing and decides no answer.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use crate::template::Template;

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    /// The servers in reading order.
    pub servers: Vec<Server>,
    /// The least important line that the error log keeps.
    pub log_level: Level,
    /// Where the error log goes.
    pub error_log: LogTarget,
    /// Things said at the start, such as names two servers share.
    pub warnings: Vec<String>,
}

/// How important a line of the error log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing works.
    Emerg,
    /// Somebody must act.
    Alert,
    /// A critical condition.
    Crit,
    /// A request failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something is worth knowing.
    Notice,
    /// Something happened.
    Info,
    /// Everything.
    Debug,
}

impl Level {
    /// Its name in nginx.conf and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Emerg,
            Self::Alert,
            Self::Crit,
            Self::Error,
            Self::Warn,
            Self::Notice,
            Self::Info,
            Self::Debug,
        ];
        all.into_iter().find(|level| level.name() == name)
    }
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file of the container, appended to.
    File(String),
}

/// One address a server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address; all of the container's when it is 0.0.0.0.
    pub address: SocketAddrV4,
    /// Whether requests for unknown names come here.
    pub default: bool,
}

/// One `server` block.
#[derive(Debug)]
pub struct Server {
    /// Its addresses.
    pub listens: Vec<Listen>,
    /// Its names as written; the first stands in the error log.
    pub names: Vec<String>,
    /// What holds outside of its locations.
    pub settings: Settings,
    /// Its locations in reading order.
    pub locations: Vec<Location>,
}

/// How a location's pattern is compared.
#[derive(Clone, Debug)]
pub enum Modifier {
    /// No modifier: the longest prefix wins unless an expression fits.
    Prefix,
    /// `^~`: the longest prefix wins, and no expression is asked.
    Final,
    /// `=`: the whole path.
    Exact,
    /// `~` and `~*`: the first expression that fits.
    Regex(regex_lite::Regex),
}

/// One `location` block.
#[derive(Debug)]
pub struct Location {
    /// How `pattern` is compared.
    pub modifier: Modifier,
    /// The path or expression as written.
    pub pattern: String,
    /// What holds inside.
    pub settings: Settings,
}

/// One `error_page` directive.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// The statuses it stands in for.
    pub statuses: Vec<u16>,
    /// `=code`: the status to say instead; `Some(0)` is the bare `=`.
    pub status: Option<u16>,
    /// Where the page is.
    pub uri: String,
}

/// One `add_header` directive.
#[derive(Clone, Debug)]
pub struct AddHeader {
    /// The header's name.
    pub name: String,
    /// Its value.
    pub value: Template,
    /// Whether it is added to errors too.
    pub always: bool,
}

/// One `access_log` directive.
#[derive(Clone, Debug)]
pub struct AccessLog {
    /// Where the line goes.
    pub target: LogTarget,
    /// How it looks.
    pub format: Template,
}

/// What holds at one level: inherited from outside unless said again.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder that paths are looked up in.
    pub root: String,
    /// `alias`: the folder that replaces the location's pattern.
    pub alias: Option<String>,
    /// Names tried for a folder.
    pub index: Vec<String>,
    /// The type of files whose extension says nothing.
    pub default_type: String,
    /// Types by extension.
    pub types: Rc<BTreeMap<String, String>>,
    /// Where requests are logged.
    pub access_logs: Rc<Vec<AccessLog>>,
    /// Pages for errors.
    pub error_pages: Rc<Vec<ErrorPage>>,
    /// Headers added to answers.
    pub add_headers: Rc<Vec<AddHeader>>,
    /// How long an idle connection stays, in milliseconds; zero closes after one answer.
    pub keepalive_timeout_ms: u64,
    /// What the `Keep-Alive` header says, in seconds.
    pub keepalive_header: Option<u64>,
    /// How many requests one connection may bring.
    pub keepalive_requests: u64,
    /// The largest request body, in bytes; zero is any.
    pub client_max_body_size: u64,
    /// Whether a folder without an index is listed.
    pub autoindex: bool,
    /// Whether the version is told.
    pub server_tokens: bool,
    /// `internal`: only redirects from inside come here.
    pub internal: bool,
    /// `return`: the status and the text or address.
    pub returns: Option<(u16, Option<Template>)>,
    /// `try_files`: files to try, and what to do in the end.
    pub try_files: Vec<Template>,
}

impl Config {
    /// The addresses to bind: an address of its own is not bound when its port is taken by 0.0.0.0.
    pub fn sockets(&self) -> Vec<SocketAddrV4> {
        let mut sockets: Vec<SocketAddrV4> = Vec::new();
        for listen in self.servers.iter().flat_map(|server| &server.listens) {
            if !sockets.contains(&listen.address) {
                sockets.push(listen.address);
            }
        }
        let wild: Vec<u16> = sockets
            .iter()
            .filter(|socket| socket.ip().is_unspecified())
            .map(SocketAddrV4::port)
            .collect();
        sockets.retain(|socket| socket.ip().is_unspecified() || !wild.contains(&socket.port()));
        sockets
    }

    /// The server for a connection to `local` that asks for `host`.
    pub fn choose(&self, local: SocketAddrV4, host: &str) -> &Server {
        let exact = self.listening_on(local);
        let anywhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, local.port());
        let candidates = if exact.is_empty() {
            self.listening_on(anywhere)
        } else {
            exact
        };
        let named = candidates
            .iter()
            .filter_map(|(server, _)| {
                server
                    .names
                    .iter()
                    .filter_map(|name| name_rank(name, host))
                    .max()
                    .map(|rank| (rank, *server))
            })
            // The first of equals wins; max_by_key would take the last.
            .reduce(|best, other| if other.0 > best.0 { other } else { best });
        let fallback = candidates
            .iter()
            .find(|(_, default)| *default)
            .or(candidates.first())
            .map(|(server, _)| *server);
        match (named, fallback) {
            (Some((_, server)), _) | (None, Some(server)) => server,
            (None, None) => &self.servers[0],
        }
    }

    fn listening_on(&self, address: SocketAddrV4) -> Vec<(&Server, bool)> {
        let listens = self
            .servers
            .iter()
            .flat_map(|server| server.listens.iter().map(move |l| (server, l)));
        listens
            .filter(|(_, l)| l.address == address)
            .map(|(server, l)| (server, l.default))
            .collect()
    }
}

/// How well a server's name fits: an exact one before a leading star before a trailing one, longer before shorter.
fn name_rank(name: &str, host: &str) -> Option<(u8, usize)> {
    let name = name.to_ascii_lowercase();
    if name == host {
        return Some((3, name.len()));
    }
    if let Some(suffix) = name.strip_prefix("*.") {
        let ahead = host.strip_suffix(suffix)?.strip_suffix('.')?;
        return (!ahead.is_empty()).then_some((2, name.len()));
    }
    if let Some(suffix) = name.strip_prefix('.') {
        let ahead = host.strip_suffix(suffix)?;
        return (ahead.is_empty() || ahead.ends_with('.')).then_some((2, name.len()));
    }
    let behind = host.strip_prefix(name.strip_suffix(".*")?)?;
    (behind.len() > 1 && behind.starts_with('.')).then_some((1, name.len()))
}

impl Server {
    /// The location for a path: exact, then the longest prefix if final, then the first expression, then the prefix.
    pub fn locate(&self, path: &str) -> Option<&Location> {
        let exact = |l: &&Location| matches!(l.modifier, Modifier::Exact) && l.pattern == path;
        if let Some(location) = self.locations.iter().find(exact) {
            return Some(location);
        }
        let prefix = |l: &&Location| {
            matches!(l.modifier, Modifier::Prefix | Modifier::Final) && path.starts_with(&l.pattern)
        };
        let longest = self
            .locations
            .iter()
            .filter(prefix)
            .max_by_key(|l| l.pattern.len());
        if longest.is_some_and(|l| matches!(l.modifier, Modifier::Final)) {
            return longest;
        }
        let fits =
            |l: &&Location| matches!(&l.modifier, Modifier::Regex(regex) if regex.is_match(path));
        self.locations.iter().find(fits).or(longest)
    }
}
