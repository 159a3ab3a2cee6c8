//! What was asked for, as values.

use std::time::Duration;

use super::Request;

/// What holds for the whole command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Global {
    pub no_meter: bool,
    pub progress_bar: bool,
    pub fail_early: bool,
    pub unstyled: bool,
    pub trace_time: bool,
    pub(crate) trace: Trace,
}

/// What is told while transferring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trace {
    #[default]
    Nothing,
    /// `-v`
    Verbose,
    /// `--trace-ascii`, to this file
    Ascii(String),
    /// `--trace`, to this file
    Hex(String),
}

/// How to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Auth {
    #[default]
    Basic,
    Digest,
    /// Whatever the server offers.
    Any,
}

/// Where a body goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `-o`
    File(String),
    /// `-O`
    RemoteName,
    /// `--no-remote-name`
    Stdout,
}

/// A URL with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub url: Option<String>,
    pub output: Option<Output>,
    pub upload: Option<String>,
}

/// One part of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub name: Option<String>,
    pub body: PartBody,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub headers: Vec<String>,
    pub encoder: Option<String>,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartBody {
    Text(Vec<u8>),
    /// A file that is sent as a file (`@`) or as content (`<`).
    File(String),
    /// More parts.
    Parts(Vec<Part>),
}

impl Default for PartBody {
    fn default() -> Self {
        Self::Text(Vec::new())
    }
}

/// `-z`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeCondition {
    /// Whether it must be older instead of newer.
    pub older: bool,
    pub unix: i64,
}

/// What one part of the command line asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {
    pub nodes: Vec<Node>,
    pub(crate) request: Request,
    pub include: bool,
    pub head: bool,
    pub location: bool,
    pub location_trusted: bool,
    pub max_redirects: Option<i64>,
    pub post_stays: [bool; 3],
    pub method: Option<String>,
    pub request_target: Option<String>,
    pub headers: Vec<String>,
    pub proxy_headers: Vec<String>,
    pub data: Option<Vec<u8>>,
    pub json: bool,
    pub get: bool,
    pub query: Option<String>,
    pub form: Vec<Part>,
    pub form_escape: bool,
    pub user: Option<String>,
    pub(crate) auth: Auth,
    pub bearer: Option<String>,
    pub no_user_in_url: bool,
    pub netrc: bool,
    pub netrc_optional: bool,
    pub netrc_file: Option<String>,
    pub agent: Option<String>,
    pub referrer: Option<String>,
    pub auto_referrer: bool,
    pub cookies: Vec<String>,
    pub cookie_files: Vec<String>,
    pub cookie_jar: Option<String>,
    pub new_session: bool,
    pub range: Option<String>,
    /// `Some(None)` is `-C -`.
    pub resume: Option<Option<u64>>,
    pub condition: Option<TimeCondition>,
    pub etag_compare: Option<String>,
    pub etag_save: Option<String>,
    pub compressed: bool,
    pub raw: bool,
    pub ignore_length: bool,
    pub max_size: Option<u64>,
    pub max_time: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub expect_timeout: Option<Duration>,
    pub speed_limit: u64,
    pub speed_time: Duration,
    pub limit_rate: Option<u64>,
    pub write_out: Option<String>,
    pub fail: bool,
    pub fail_with_body: bool,
    pub retry: u64,
    pub retry_delay: Option<Duration>,
    pub retry_max_time: Option<Duration>,
    pub retry_connection_refused: bool,
    pub retry_all_errors: bool,
    pub http10: bool,
    pub only_ipv6: bool,
    pub path_as_is: bool,
    pub resolve: Vec<String>,
    pub connect_to: Vec<String>,
    pub no_glob: bool,
    pub dump_header: Option<String>,
    pub output_dir: Option<String>,
    pub create_dirs: bool,
    pub remote_name_all: bool,
    pub content_disposition: bool,
    pub no_clobber: bool,
    pub remove_on_error: bool,
    pub protocols: Option<Vec<&'static str>>,
    pub protocols_redirect: Option<Vec<&'static str>>,
    pub protocol_default: Option<String>,
    pub proxy: Option<String>,
    pub proxy_user: Option<String>,
    pub proxy_tunnel: bool,
    pub no_proxy: Option<String>,
    pub hide_connect: bool,
    pub insecure: bool,
    pub ca_file: Option<String>,
    /// The client's certificate, and its key when that is in another file.
    pub cert: Option<String>,
    pub key: Option<String>,
    /// 10, 11, 12 or 13.
    pub tls_min: Option<u8>,
    pub tls_max: Option<u8>,
    pub no_alpn: bool,
}

impl Operation {
    pub(crate) fn add_url(&mut self, url: &str) {
        self.node(|node| node.url.is_none()).url = Some(url.to_owned());
    }

    pub(crate) fn add_output(&mut self, output: Output) {
        self.node(|node| node.output.is_none()).output = Some(output);
    }

    pub(crate) fn add_upload(&mut self, path: &str) {
        self.node(|node| node.upload.is_none()).upload = Some(path.to_owned());
    }

    fn node(&mut self, fits: impl Fn(&Node) -> bool) -> &mut Node {
        let at = self.nodes.iter().position(fits).unwrap_or_else(|| {
            self.nodes.push(Node::default());
            self.nodes.len() - 1
        });
        &mut self.nodes[at]
    }
}
