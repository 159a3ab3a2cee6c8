//! The settings of a level: what a block says, and what holds there once the outer levels have been asked.
//! Only plain inheritance lives here: what is not said is taken from outside, whole.

use crate::conf::pattern::Pattern;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::model::{ErrorLog, Level, LogTarget, Network};
use crate::http::types;
use crate::vars::Template;

macro_rules! levels {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $default:expr;)*) => {
        /// What one block says.
        #[derive(Clone, Debug, Default)]
        pub struct Said { $($(#[$doc])* pub $field: Option<$type>,)* }

        /// What holds at a level.
        #[derive(Clone, Debug)]
        pub struct Settings { $($(#[$doc])* pub $field: $type,)* }

        impl Said {
            /// Takes from outside what was not said.
            pub fn inherit(&mut self, outer: &Self) {
                $(if self.$field.is_none() { self.$field.clone_from(&outer.$field); })*
            }

            /// What holds, with nginx's defaults where nobody said anything.
            pub fn settle(&self) -> Settings {
                Settings { $($field: self.$field.clone().unwrap_or_else(|| $default),)* }
            }
        }
    };
}

levels! {
    /// The folder that paths are looked up in.
    root: Root = Root { path: Template::text("/etc/nginx/html"), alias: false };
    /// Names tried for a folder.
    index: Rc<Vec<Template>> = Rc::new(vec![Template::text("index.html")]);
    /// Whether a folder without an index is listed.
    autoindex: bool = false;
    /// Whether sizes in lists are exact.
    autoindex_exact_size: bool = true;
    /// Whether lists are JSON.
    autoindex_json: bool = false;
    /// The type of files whose extension says nothing.
    default_type: Rc<str> = Rc::from("text/plain");
    /// Types by extension.
    types: Rc<BTreeMap<String, Rc<str>>> = Rc::new(types::standard());
    /// The charset told with texts.
    charset: Option<Rc<str>> = None;
    /// Which types are texts.
    charset_types: Rc<BTreeSet<String>> = words(&["text/html", "text/xml", "text/plain", "text/vnd.wap.wml", "application/javascript", "application/rss+xml"]);
    /// Whether an upstream's charset is replaced.
    override_charset: bool = false;
    /// Where requests are logged.
    access_logs: Rc<Vec<AccessLog>> = Rc::new(Vec::new());
    /// Where errors are logged.
    error_logs: Rc<Vec<ErrorLog>> = Rc::new(Vec::new());
    /// Whether a missing file is an error worth a line.
    log_not_found: bool = true;
    /// Pages for errors.
    error_pages: Rc<Vec<ErrorPage>> = Rc::new(Vec::new());
    /// Whether an error page may have one of its own.
    recursive_error_pages: bool = false;
    /// Headers added to answers.
    add_headers: Rc<Vec<AddHeader>> = Rc::new(Vec::new());
    /// What `Expires` and `Cache-Control` say.
    expires: Expires = Expires::Off;
    /// Whether files have entity tags.
    etag: bool = true;
    /// How `If-Modified-Since` is compared.
    if_modified_since: Since = Since::Exact;
    /// How many ranges one request may ask for.
    max_ranges: usize = usize::MAX;
    /// How long an idle connection stays, in milliseconds; zero closes after one answer.
    keepalive_timeout: (u64, Option<u64>) = (75_000, None);
    /// How many requests one connection may bring.
    keepalive_requests: u64 = 1000;
    /// The largest request body, in bytes; zero is any.
    client_max_body_size: u64 = 1 << 20;
    /// How long between two reads of a body, in milliseconds.
    client_body_timeout: u64 = 60_000;
    /// How long between two writes, in milliseconds.
    send_timeout: u64 = 60_000;
    /// Whether a closed connection is still listened to.
    lingering_close: bool = true;
    /// How long, in milliseconds.
    lingering_timeout: u64 = 5_000;
    /// Whether answers of unknown length come in chunks.
    chunked: bool = true;
    /// Whether pages about errors are padded for browsers that hide short ones.
    msie_padding: bool = true;
    /// Whether the version is told.
    server_tokens: bool = true;
    /// Whether redirects name the server by its first name.
    server_name_in_redirect: bool = false;
    /// Whether they name the port.
    port_in_redirect: bool = true;
    /// Whether they are absolute.
    absolute_redirect: bool = true;
    /// Whether one of address and password is enough.
    satisfy_any: bool = false;
    /// Who may come: networks with `true` for allow.
    access: Rc<Vec<(Network, bool)>> = Rc::new(Vec::new());
    /// What the password is asked for; nothing asks for none.
    auth_basic: Template = Template::default();
    /// Where the passwords are.
    auth_file: Option<Template> = None;
    /// Whether answers are compressed.
    gzip: bool = false;
    /// How hard.
    gzip_level: u32 = 1;
    /// From which length on.
    gzip_min_length: u64 = 20;
    /// Which types; a star means all.
    gzip_types: Rc<BTreeSet<String>> = words(&["text/html"]);
    /// Which browsers are sent what is not compressed.
    gzip_disable: Rc<Vec<Pattern>> = Rc::new(Vec::new());
    /// Whether only for HTTP/1.1.
    gzip_11: bool = true;
    /// For which answers to proxies.
    gzip_proxied: Rc<BTreeSet<String>> = words(&["off"]);
    /// Whether caches are told.
    gzip_vary: bool = false;
    /// Whether `name.gz` is sent when it is there: never, to those who take it, always.
    gzip_static: GzipStatic = GzipStatic::Off;
    /// Bytes per second; any when zero.
    limit_rate: Option<Template> = None;
    /// After how many bytes.
    limit_rate_after: u64 = 0;
    /// `limit_req`: zone, burst in thousandths, how many are delayed (none with `nodelay`).
    limit_req: Rc<Vec<LimitReq>> = Rc::new(Vec::new());
    /// The status of a refused request.
    limit_req_status: u16 = 503;
    /// How important a refusal is.
    limit_req_level: Level = Level::Error;
    /// `limit_conn`: zone and count.
    limit_conn: Rc<Vec<(usize, u64)>> = Rc::new(Vec::new());
    /// The status of a refused connection.
    limit_conn_status: u16 = 503;
    /// How important a refusal is.
    limit_conn_level: Level = Level::Error;
    /// Who resolves names while requests are served.
    resolver: Option<std::net::SocketAddrV4> = None;
    /// `proxy_set_header`
    proxy_headers: Rc<Vec<(String, Template)>> = Rc::new(Vec::new());
    /// `proxy_set_body`
    proxy_body: Option<Template> = None;
    /// Whether upstreams are spoken to in HTTP/1.1.
    proxy_11: bool = false;
    /// `proxy_method`
    proxy_method: Option<Template> = None;
    /// How long a connection may take, in milliseconds.
    proxy_connect_timeout: u64 = 60_000;
    /// How long between two reads.
    proxy_read_timeout: u64 = 60_000;
    /// How long between two writes.
    proxy_send_timeout: u64 = 60_000;
    /// After what the next server is asked.
    proxy_next: Rc<BTreeSet<String>> = words(&["error", "timeout"]);
    /// How often; any when zero.
    proxy_next_tries: u64 = 0;
    /// How long, in milliseconds; any when zero.
    proxy_next_timeout: u64 = 0;
    /// How redirects of an upstream are rewritten.
    proxy_redirect: Rc<Vec<ProxyRedirect>> = Rc::new(vec![ProxyRedirect::Default]);
    /// Headers of an upstream that are not passed.
    proxy_hide: Rc<Vec<String>> = Rc::new(Vec::new());
    /// Headers that are passed though they usually are not.
    proxy_pass_header: Rc<Vec<String>> = Rc::new(Vec::new());
    /// Whether the client's headers are passed.
    proxy_pass_headers: bool = true;
    /// Whether its body is.
    proxy_pass_body: bool = true;
    /// Whether a whole body is awaited before an upstream is asked.
    proxy_request_buffering: bool = true;
    /// Whether answers are gathered before they are passed on.
    proxy_buffering: bool = true;
    /// How large the head of an answer may be.
    proxy_buffer_size: usize = 4096;
    /// Whether an upstream's errors get our pages.
    proxy_intercept_errors: bool = false;
    /// The name an upstream's certificate must have.
    proxy_ssl_name: Option<Template> = None;
    /// Whether it is told the name by SNI.
    proxy_ssl_server_name: bool = false;
}

fn words(list: &[&str]) -> Rc<BTreeSet<String>> {
    Rc::new(list.iter().map(|word| (*word).to_owned()).collect())
}

/// `root` or `alias`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The folder.
    pub path: Template,
    /// Whether it replaces the location's pattern.
    pub alias: bool,
}

/// One `error_page` directive.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// The statuses it stands in for.
    pub statuses: Vec<u16>,
    /// `=code`: the status to say instead; `Some(0)` is the bare `=`.
    pub status: Option<u16>,
    /// Where the page is.
    pub uri: Template,
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
    pub format: Rc<LogFormat>,
    /// `if=`: only when this is neither empty nor 0.
    pub condition: Option<Template>,
}

/// A `log_format`.
#[derive(Clone, Debug)]
pub struct LogFormat {
    /// Its text.
    pub text: Template,
    /// How odd bytes are written.
    pub escape: Escape,
}

/// How odd bytes are written in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As `\xHH`; a dash for nothing.
    Default,
    /// As in JSON.
    Json,
    /// As they are.
    None,
}

/// What `expires` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expires {
    /// Nothing.
    Off,
    /// The first day of 1970.
    Epoch,
    /// The last day of 2037.
    Max,
    /// So many seconds after now.
    Access(i64),
    /// So many seconds after the file was changed.
    Modified(i64),
    /// At this second of the day.
    Daily(i64),
}

/// How `If-Modified-Since` is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Not at all.
    Off,
    /// It must be the same moment.
    Exact,
    /// The file must not be newer.
    Before,
}

/// What `gzip_static` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GzipStatic {
    /// Files are sent as they are.
    Off,
    /// The compressed twin to those who take it.
    On,
    /// Always the compressed twin.
    Always,
}

/// One `limit_req` directive.
#[derive(Clone, Copy, Debug)]
pub struct LimitReq {
    /// The zone's number.
    pub zone: usize,
    /// How many may be above the rate, in thousandths.
    pub burst: u64,
    /// From which excess on they wait, in thousandths.
    pub delay: u64,
}

/// One `proxy_redirect` directive.
#[derive(Clone, Debug)]
pub enum ProxyRedirect {
    /// From the address of `proxy_pass` to the location.
    Default,
    /// From a beginning to another.
    Prefix(Template, Template),
    /// What fits an expression to a text.
    Pattern(Pattern, Template),
}
