//! The variables there are: nginx's own, families by prefix, and those a configuration defines.

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each has the name nginx gives it")]
pub enum Var {
    Args,
    BinaryRemoteAddr,
    BodyBytesSent,
    BytesSent,
    Connection,
    ConnectionRequests,
    ConnectionsActive,
    ConnectionsReading,
    ConnectionsWaiting,
    ConnectionsWriting,
    ContentLength,
    ContentType,
    DocumentRoot,
    Host,
    Hostname,
    Https,
    IsArgs,
    LimitRate,
    LimitReqStatus,
    LimitConnStatus,
    Msec,
    NginxVersion,
    Pid,
    Pipe,
    ProxyAddXForwardedFor,
    ProxyHost,
    ProxyPort,
    RemoteAddr,
    RemotePort,
    RemoteUser,
    Request,
    RequestBody,
    RequestCompletion,
    RequestFilename,
    RequestId,
    RequestLength,
    RequestMethod,
    RequestTime,
    RequestUri,
    Scheme,
    ServerAddr,
    ServerName,
    ServerPort,
    ServerProtocol,
    SslCipher,
    /// `$ssl_client_…`
    SslClient(About),
    SslProtocol,
    SslServerName,
    SslSessionReused,
    Status,
    TimeIso8601,
    TimeLocal,
    UpstreamAddr,
    UpstreamBytesReceived,
    UpstreamCacheStatus,
    UpstreamConnectTime,
    UpstreamHeaderTime,
    UpstreamResponseLength,
    UpstreamResponseTime,
    UpstreamStatus,
    Uri,
    /// `$arg_…`
    Arg(String),
    /// `$cookie_…`
    Cookie(String),
    /// `$http_…`
    Http(String),
    /// `$sent_http_…`
    SentHttp(String),
    /// `$upstream_http_…`
    UpstreamHttp(String),
    /// `$1` to `$9`
    Capture(usize),
    /// One that the configuration defines, by its number.
    User(usize),
}

/// What is asked about a client's certificate.
#[allow(missing_docs, reason = "each has the name nginx gives it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Cert,
    EscapedCert,
    Fingerprint,
    Issuer,
    LegacyIssuer,
    RawCert,
    Subject,
    LegacySubject,
    Serial,
    End,
    Remain,
    Start,
    Verify,
}

const OWN: &[(&str, Var)] = &[
    ("args", Var::Args),
    ("binary_remote_addr", Var::BinaryRemoteAddr),
    ("body_bytes_sent", Var::BodyBytesSent),
    ("bytes_sent", Var::BytesSent),
    ("connection", Var::Connection),
    ("connection_requests", Var::ConnectionRequests),
    ("connections_active", Var::ConnectionsActive),
    ("connections_reading", Var::ConnectionsReading),
    ("connections_waiting", Var::ConnectionsWaiting),
    ("connections_writing", Var::ConnectionsWriting),
    ("content_length", Var::ContentLength),
    ("content_type", Var::ContentType),
    ("document_root", Var::DocumentRoot),
    ("document_uri", Var::Uri),
    ("host", Var::Host),
    ("hostname", Var::Hostname),
    ("https", Var::Https),
    ("is_args", Var::IsArgs),
    ("limit_conn_status", Var::LimitConnStatus),
    ("limit_rate", Var::LimitRate),
    ("limit_req_status", Var::LimitReqStatus),
    ("msec", Var::Msec),
    ("nginx_version", Var::NginxVersion),
    ("pid", Var::Pid),
    ("pipe", Var::Pipe),
    ("proxy_add_x_forwarded_for", Var::ProxyAddXForwardedFor),
    ("proxy_host", Var::ProxyHost),
    ("proxy_port", Var::ProxyPort),
    ("query_string", Var::Args),
    ("realpath_root", Var::DocumentRoot),
    ("remote_addr", Var::RemoteAddr),
    ("remote_port", Var::RemotePort),
    ("remote_user", Var::RemoteUser),
    ("request", Var::Request),
    ("request_body", Var::RequestBody),
    ("request_completion", Var::RequestCompletion),
    ("request_filename", Var::RequestFilename),
    ("request_id", Var::RequestId),
    ("request_length", Var::RequestLength),
    ("request_method", Var::RequestMethod),
    ("request_time", Var::RequestTime),
    ("request_uri", Var::RequestUri),
    ("scheme", Var::Scheme),
    ("server_addr", Var::ServerAddr),
    ("server_name", Var::ServerName),
    ("server_port", Var::ServerPort),
    ("server_protocol", Var::ServerProtocol),
    ("ssl_cipher", Var::SslCipher),
    ("ssl_client_cert", Var::SslClient(About::Cert)),
    (
        "ssl_client_escaped_cert",
        Var::SslClient(About::EscapedCert),
    ),
    ("ssl_client_fingerprint", Var::SslClient(About::Fingerprint)),
    ("ssl_client_i_dn", Var::SslClient(About::Issuer)),
    (
        "ssl_client_i_dn_legacy",
        Var::SslClient(About::LegacyIssuer),
    ),
    ("ssl_client_raw_cert", Var::SslClient(About::RawCert)),
    ("ssl_client_s_dn", Var::SslClient(About::Subject)),
    (
        "ssl_client_s_dn_legacy",
        Var::SslClient(About::LegacySubject),
    ),
    ("ssl_client_serial", Var::SslClient(About::Serial)),
    ("ssl_client_v_end", Var::SslClient(About::End)),
    ("ssl_client_v_remain", Var::SslClient(About::Remain)),
    ("ssl_client_v_start", Var::SslClient(About::Start)),
    ("ssl_client_verify", Var::SslClient(About::Verify)),
    ("ssl_protocol", Var::SslProtocol),
    ("ssl_server_name", Var::SslServerName),
    ("ssl_session_reused", Var::SslSessionReused),
    ("status", Var::Status),
    ("time_iso8601", Var::TimeIso8601),
    ("time_local", Var::TimeLocal),
    ("upstream_addr", Var::UpstreamAddr),
    ("upstream_bytes_received", Var::UpstreamBytesReceived),
    ("upstream_cache_status", Var::UpstreamCacheStatus),
    ("upstream_connect_time", Var::UpstreamConnectTime),
    ("upstream_header_time", Var::UpstreamHeaderTime),
    ("upstream_response_length", Var::UpstreamResponseLength),
    ("upstream_response_time", Var::UpstreamResponseTime),
    ("upstream_status", Var::UpstreamStatus),
    ("uri", Var::Uri),
];

/// Those of nginx's own that `set` may change.
const CHANGEABLE: &[&str] = &["args", "limit_rate"];

/// The variables that one configuration speaks of.
#[derive(Clone, Debug, Default)]
pub struct Names {
    user: Vec<(String, bool)>,
}

impl Names {
    /// The variable of that name, defined or not yet.
    pub fn look_up(&mut self, name: &str) -> Var {
        let name = name.to_ascii_lowercase();
        if let Some(number) = name.parse().ok().filter(|n| (1..=9).contains(n)) {
            return Var::Capture(number);
        }
        if let Ok(at) = OWN.binary_search_by(|(other, _)| (*other).cmp(&name)) {
            return OWN[at].1.clone();
        }
        let family = |prefix: &str| name.strip_prefix(prefix).map(str::to_owned);
        if let Some(rest) = family("http_") {
            Var::Http(rest)
        } else if let Some(rest) = family("arg_") {
            Var::Arg(rest)
        } else if let Some(rest) = family("cookie_") {
            Var::Cookie(rest)
        } else if let Some(rest) = family("sent_http_") {
            Var::SentHttp(rest)
        } else if let Some(rest) = family("upstream_http_") {
            Var::UpstreamHttp(rest)
        } else {
            Var::User(self.number(name))
        }
    }

    fn number(&mut self, name: String) -> usize {
        let known = self.user.iter().position(|(other, _)| *other == name);
        known.unwrap_or_else(|| {
            self.user.push((name, false));
            self.user.len() - 1
        })
    }

    /// Defines a variable; nothing when nginx has its own of that name.
    pub fn define(&mut self, name: &str) -> Option<usize> {
        match self.look_up(name) {
            Var::User(at) => {
                self.user[at].1 = true;
                Some(at)
            }
            _ => None,
        }
    }

    /// Whether `set` may change nginx's own variable of that name.
    pub fn changeable(name: &str) -> bool {
        CHANGEABLE.contains(&name)
    }

    /// The first name that is used and nowhere defined.
    pub fn unknown(&self) -> Option<&str> {
        let mut user = self.user.iter();
        user.find(|(_, defined)| !defined)
            .map(|(name, _)| name.as_str())
    }

    /// How many variables the configuration has of its own.
    pub fn count(&self) -> usize {
        self.user.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_its_search() {
        assert!(OWN.is_sorted_by_key(|(name, _)| *name));
    }
}
