//! What a configuration means: servers, locations, upstreams, and what each request may ask of them.
//! Plain data; finding the right server and location is `lookup`'s, the settings of a level are `settings`'.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use super::pattern::Pattern;
use super::settings::Settings;
use crate::http::request::Limits;
use crate::vars::{Template, Var};

/// A whole configuration.
#[derive(Debug, Default)]
pub struct Config {
    /// The servers in reading order.
    pub servers: Vec<Server>,
    /// What is listened on: the servers of each address, the default one first.
    pub listens: Vec<Listen>,
    /// Groups of servers behind this one.
    pub upstreams: Vec<Upstream>,
    /// What the configuration's own variables are made of, by number.
    pub variables: Vec<Variable>,
    /// Where the error log goes outside of any server.
    pub error_log: Vec<ErrorLog>,
    /// Zones of `limit_req_zone` and `limit_conn_zone`, by number.
    pub zones: Vec<Zone>,
    /// Where the process number is kept.
    pub pid: String,
    /// How many clients are served at a time.
    pub worker_connections: usize,
    /// Whether `http` was there.
    pub http: bool,
    /// Things said at the start, such as names two servers share.
    pub warnings: Vec<String>,
}

/// How important a line of the error log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are nginx's names")]
pub enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

impl Level {
    const ALL: [(&'static str, Self); 8] = [
        ("emerg", Self::Emerg),
        ("alert", Self::Alert),
        ("crit", Self::Crit),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("notice", Self::Notice),
        ("info", Self::Info),
        ("debug", Self::Debug),
    ];

    /// Its name in nginx.conf and in the log.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(other, _)| *other == name);
        found.map(|(_, level)| *level)
    }
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file of the container, appended to.
    File(String),
}

/// One `error_log` directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLog {
    /// Where it goes.
    pub target: LogTarget,
    /// The least important line it keeps.
    pub level: Level,
}

/// One address with the servers that share it.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; all of the container's when it is 0.0.0.0.
    pub address: SocketAddrV4,
    /// Whether clients speak TLS.
    pub tls: bool,
    /// Numbers of servers; the first is the default.
    pub servers: Vec<usize>,
}

/// One name of a server.
#[derive(Clone, Debug)]
pub enum ServerName {
    /// As it is, lower case.
    Exact(String),
    /// `*.example.com`: what must stand at the end, its dot included.
    Ending(String),
    /// `.example.com`: the name and all below it.
    Below(String),
    /// `www.example.*`: what must stand at the start, its dot included.
    Beginning(String),
    /// `~expression`
    Regex(Pattern),
}

/// One `server` block.
#[derive(Debug)]
pub struct Server {
    /// Its names.
    pub names: Vec<ServerName>,
    /// The first name as written; it stands in the error log.
    pub name: String,
    /// Its locations; the first is the server itself, outside of all.
    pub locations: Vec<Location>,
    /// How large heads may be.
    pub limits: Limits,
    /// How long a head may take, in milliseconds.
    pub header_timeout_ms: u64,
    /// Its certificates with their keys, as paths.
    pub certificates: Vec<(String, String)>,
    /// The oldest and newest TLS it speaks: 12 or 13.
    pub tls_versions: (u8, u8),
    /// Who its clients have to be.
    pub clients: Clients,
}

/// What `ssl_verify_client` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    /// Clients are not asked for a certificate.
    #[default]
    Nobody,
    /// Without a good one they get nothing.
    Required,
    /// They may have none, but no bad one.
    Optional,
    /// Nobody known need have signed it.
    Unsigned,
}

/// Who the clients of a server have to be.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    /// Whether they are asked.
    pub ask: Ask,
    /// The authorities they are told, as a path.
    pub told: Option<String>,
    /// More authorities, as a path.
    pub trusted: Option<String>,
    /// How many certificates may stand between theirs and the authority's.
    pub depth: usize,
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
    Regex(Pattern),
    /// `@name`: only redirects from inside come here.
    Named,
    /// `if`, `limit_except` and the server itself: never looked up.
    Nameless,
}

/// One `location` block, or what stands for one.
#[derive(Debug)]
pub struct Location {
    /// How `pattern` is compared.
    pub modifier: Modifier,
    /// The path or expression as written.
    pub pattern: String,
    /// What holds inside.
    pub settings: Rc<Settings>,
    /// Numbers of the locations inside.
    pub children: Vec<usize>,
    /// What `set`, `if`, `rewrite` and `return` do, in order.
    pub codes: Vec<Code>,
    /// `try_files`: files to try, and what to do in the end.
    pub try_files: Vec<Template>,
    /// Who answers; files when nobody is named.
    pub handler: Option<Handler>,
    /// `internal`: only redirects from inside come here.
    pub internal: bool,
    /// `limit_except`: methods that are free, and the location that holds for the others.
    pub limit_except: Option<(Vec<String>, usize)>,
}

/// Who answers in a location.
#[derive(Clone, Debug)]
pub enum Handler {
    /// `proxy_pass`
    Proxy(Rc<ProxyPass>),
    /// `stub_status`
    Status,
}

/// Where `proxy_pass` leads.
#[derive(Clone, Debug)]
pub struct ProxyPass {
    /// Whether by TLS.
    pub tls: bool,
    /// To whom.
    pub target: ProxyTarget,
    /// What replaces the location's pattern in the path; nothing passes the path as it came.
    pub uri: Option<String>,
    /// What `$proxy_host` says.
    pub host: String,
}

/// Whom `proxy_pass` names.
#[derive(Clone, Debug)]
pub enum ProxyTarget {
    /// The upstream of that number.
    Upstream(usize),
    /// A whole address made of variables.
    Dynamic(Template),
}

/// One step of the rewrite module.
#[derive(Clone, Debug)]
pub enum Code {
    /// `set`
    Set(Settable, Template),
    /// `return`
    Return(u16, Option<Template>),
    /// `rewrite`
    Rewrite(Box<Rewrite>),
    /// `if`: its condition, what it does, and the location it is.
    If(Box<Condition>, Vec<Self>, usize),
    /// `break`
    Break,
}

/// What `set` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settable {
    /// A variable of the configuration.
    User(usize),
    /// `$args`
    Args,
    /// `$limit_rate`
    LimitRate,
}

/// A `rewrite` directive.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// What the path must look like.
    pub pattern: Pattern,
    /// What it becomes.
    pub replacement: Template,
    /// What happens then.
    pub flag: RewriteFlag,
    /// Whether the old query is appended.
    pub keep_args: bool,
}

/// What happens after a rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteFlag {
    /// The next directive.
    Next,
    /// The search for a location.
    Last,
    /// The content, in this location.
    Break,
    /// An answer with this status.
    Redirect(u16),
}

/// What an `if` asks.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Whether a variable is neither empty nor `0`.
    Value(Var),
    /// Whether it equals a text (`true`) or not.
    Equal(Var, Template, bool),
    /// Whether it fits an expression (`true`) or not.
    Fits(Var, Pattern, bool),
    /// Whether something is at a path (`true`) or not.
    File(FileTest, Template, bool),
}

/// What must be at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTest {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Anything.
    Exists,
    /// Something one may run.
    Executable,
}

/// What a variable of the configuration is made of.
#[derive(Clone, Debug, Default)]
pub enum Variable {
    /// What `set` or an expression puts there.
    #[default]
    Plain,
    /// A `map`.
    Map(Rc<Map>),
    /// A `geo`.
    Geo(Rc<Geo>),
}

/// A `map` block.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// What is looked up.
    pub source: Template,
    /// Whether the source is a name of a host.
    pub hostnames: bool,
    /// Values by lower-case text.
    pub exact: BTreeMap<String, Template>,
    /// Values by `*.ending` and `beginning.*`, longest first.
    pub wild: Vec<(ServerName, Template)>,
    /// Values by expression, in reading order.
    pub patterns: Vec<(Pattern, Template)>,
    /// The value when nothing fits.
    pub default: Template,
}

/// A `geo` block.
#[derive(Clone, Debug, Default)]
pub struct Geo {
    /// The variable with the address; the client's when there is none.
    pub source: Option<Var>,
    /// Networks and their values.
    pub networks: Vec<(Network, String)>,
    /// The value when nothing fits.
    pub default: String,
}

/// Addresses of IPv4 that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The first address.
    pub address: Ipv4Addr,
    /// How many bits count.
    pub prefix: u8,
}

impl Network {
    /// Every address.
    pub const ALL: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        prefix: 0,
    };

    /// An address or a network such as `10.0.0.0/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, prefix.parse().ok().filter(|bits| *bits <= 32)?),
            None => (text, 32),
        };
        let address = address.parse().ok()?;
        Some(Self { address, prefix })
    }

    fn mask(self) -> u32 {
        u32::MAX
            .checked_shl(32 - u32::from(self.prefix))
            .unwrap_or(0)
    }

    /// Whether bits are set that do not count.
    pub fn has_low_bits(self) -> bool {
        self.address.to_bits() & !self.mask() != 0
    }

    /// Whether the address is one of these.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (address.to_bits() ^ self.address.to_bits()) & self.mask() == 0
    }
}

/// An `upstream` block, or a single server that `proxy_pass` names.
#[derive(Debug)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// Its servers.
    pub peers: Vec<Peer>,
    /// How one is chosen.
    pub balance: Balance,
    /// How many idle connections are kept.
    pub keepalive: usize,
    /// How long, in milliseconds.
    pub keepalive_ms: u64,
    /// What happened so far, by peer.
    pub state: RefCell<Vec<PeerState>>,
}

/// How a server of an upstream is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest connections for its weight.
    LeastConn,
    /// By the first three bytes of the client's address.
    IpHash,
}

/// One address of an upstream.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address.
    pub address: SocketAddrV4,
    /// Its share.
    pub weight: i64,
    /// How many failures make it unavailable; none when zero.
    pub max_fails: u64,
    /// For how long, in milliseconds.
    pub fail_timeout_ms: u64,
    /// How many connections it takes; any when zero.
    pub max_conns: usize,
    /// Whether it is used only when the others fail.
    pub backup: bool,
    /// Whether it is not used at all.
    pub down: bool,
}

/// What is known of a peer.
#[derive(Clone, Debug, Default)]
pub struct PeerState {
    /// What round robin has given it.
    pub current: i64,
    /// Its weight after failures.
    pub effective: i64,
    /// Failures in a row.
    pub fails: u64,
    /// When it failed last, in nanoseconds of the loop's clock.
    pub failed_at: u64,
    /// When it was last tried after failing.
    pub checked_at: u64,
    /// Its connections.
    pub busy: usize,
}

/// What `limit_req_zone` or `limit_conn_zone` keeps.
#[derive(Debug)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// What clients are told apart by.
    pub key: Template,
    /// Requests per thousand seconds; nothing for a zone of connections.
    pub rate: Option<u64>,
    /// How many keys fit.
    pub room: usize,
    /// What is known of each key.
    pub keys: RefCell<BTreeMap<Vec<u8>, Seen>>,
}

/// What a zone knows of one key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Requests above the rate, in thousandths.
    pub excess: u64,
    /// When the last one came, in milliseconds of the loop's clock.
    pub last_ms: u64,
    /// Connections.
    pub open: u64,
}
