//! Which directives exist, where they may stand, how many words they take, and which have no effect here.
//! What a directive means is `build`'s business. What nginx has and this table lacks is unknown, as in
//! an nginx built without that module; `-V` says which.

use super::tree::{ConfError, Directive};

/// Outside of every block.
pub const MAIN: u16 = 1;
/// Inside `events`.
pub const EVENTS: u16 = 2;
/// Inside `http`.
pub const HTTP: u16 = 4;
/// Inside `server`.
pub const SERVER: u16 = 8;
/// Inside `location`.
pub const LOCATION: u16 = 16;
/// Inside `if` of a server.
pub const SERVER_IF: u16 = 32;
/// Inside `if` of a location.
pub const LOCATION_IF: u16 = 64;
/// Inside `upstream`.
pub const UPSTREAM: u16 = 128;
/// Inside `limit_except`.
pub const LIMIT: u16 = 256;
/// Inside `types`, `map` and `geo`, where the words are no directives.
pub const WORDS: u16 = 512;

const ALL: u16 = HTTP | SERVER | LOCATION;
const ALL_IF: u16 = ALL | LOCATION_IF;
const REWRITE: u16 = SERVER | SERVER_IF | LOCATION | LOCATION_IF;
const TOP: u16 = HTTP | SERVER;
const MANY: usize = usize::MAX;

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// `on` or `off`.
    Flag,
    /// Digits.
    Number,
    /// Digits with `k`, `m` or `g`.
    Size,
    /// Digits with units of time.
    Time,
    /// A number and a size.
    Buffers,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Anything.
    Any,
}

/// One directive.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: u16,
    fewest: usize,
    most: usize,
    /// The context its block opens; 0 for none.
    pub opens: u16,
    /// Whether it may be said again at the same place.
    pub again: bool,
    /// Why it has no effect, and what its value must look like; nothing when it has one.
    pub inert: Option<(Check, &'static str)>,
}

const fn rule(name: &'static str, contexts: u16, fewest: usize, most: usize) -> Rule {
    Rule {
        name,
        contexts,
        fewest,
        most,
        opens: 0,
        again: false,
        inert: None,
    }
}

/// One value, said once.
const fn one(name: &'static str, contexts: u16) -> Rule {
    rule(name, contexts, 1, 1)
}

/// So many words, as often as one likes.
const fn list(name: &'static str, contexts: u16, fewest: usize, most: usize) -> Rule {
    Rule {
        again: true,
        ..rule(name, contexts, fewest, most)
    }
}

const fn block(name: &'static str, contexts: u16, fewest: usize, most: usize, opens: u16) -> Rule {
    Rule {
        opens,
        again: true,
        ..rule(name, contexts, fewest, most)
    }
}

const fn inert(name: &'static str, contexts: u16, check: Check, why: &'static str) -> Rule {
    let (fewest, most) = match check {
        Check::Buffers => (2, 2),
        Check::Any => (1, MANY),
        _ => (1, 1),
    };
    Rule {
        inert: Some((check, why)),
        ..rule(name, contexts, fewest, most)
    }
}

const fn inert_list(
    name: &'static str,
    contexts: u16,
    fewest: usize,
    most: usize,
    why: &'static str,
) -> Rule {
    Rule {
        inert: Some((Check::Any, why)),
        ..list(name, contexts, fewest, most)
    }
}

const ONE_PROCESS: &str = "one process serves everybody and it is the container's own";
const TABLES: &str = "the size of a table, which grows by itself here";
const MEMORY: &str = "the size of a buffer; how much is kept in memory is decided here";
const SYSCALLS: &str = "how bytes are handed to the kernel, which makes no difference to them";
const LOCKS: &str = "how processes share listening sockets; there is only one";
const FASTCGI: &str =
    "only fastcgi_pass, uwsgi_pass or scgi_pass would use it, and those are unknown";
const CACHE: &str = "only a cache would use it, and files and answers are never served stale";
const TLS: &str = "rustls decides it: its ciphers, curves and sessions cannot be chosen";
const TEMP: &str = "bodies are kept in memory, never in temporary files";
const IPV4: &str = "only addresses of IPv4 are looked up";

/// The directives that mean something, and those that have no effect, each with the reason.
pub const RULES: &[Rule] = &[
    one("absolute_redirect", ALL),
    Rule {
        again: true,
        ..rule("access_log", ALL_IF | LIMIT, 1, MANY)
    },
    list("add_header", ALL_IF, 2, 3),
    one("alias", LOCATION),
    list("allow", ALL | LIMIT, 1, 1),
    one("auth_basic", ALL | LIMIT),
    one("auth_basic_user_file", ALL | LIMIT),
    one("autoindex", ALL),
    one("autoindex_exact_size", ALL),
    one("autoindex_format", ALL),
    Rule {
        again: true,
        ..rule("break", REWRITE, 0, 0)
    },
    one("charset", ALL_IF),
    Rule {
        inert: Some((
            Check::Any,
            "only source_charset would use it, and that is unknown",
        )),
        ..block("charset_map", HTTP, 2, 2, WORDS)
    },
    rule("charset_types", ALL, 1, MANY),
    one("chunked_transfer_encoding", ALL),
    inert("client_body_buffer_size", ALL, Check::Size, MEMORY),
    inert("client_body_in_single_buffer", ALL, Check::Flag, MEMORY),
    inert("client_body_temp_path", ALL, Check::Any, TEMP),
    one("client_body_timeout", ALL),
    inert(
        "client_header_buffer_size",
        TOP,
        Check::Size,
        "heads are kept in one buffer as large as large_client_header_buffers allow",
    ),
    one("client_header_timeout", TOP),
    one("client_max_body_size", ALL),
    inert("connection_pool_size", TOP, Check::Size, MEMORY),
    one("daemon", MAIN),
    inert(
        "debug_points",
        MAIN,
        Check::OneOf(&["stop", "abort"]),
        "there is no debugger",
    ),
    inert_list(
        "debug_connection",
        EVENTS,
        1,
        1,
        "the debug level logs nothing more",
    ),
    one("default_type", ALL),
    list("deny", ALL | LIMIT, 1, 1),
    inert("directio", ALL, Check::Any, SYSCALLS),
    inert_list(
        "env",
        MAIN,
        1,
        1,
        "no worker is started that could inherit an environment",
    ),
    Rule {
        again: true,
        ..rule("error_log", MAIN | ALL, 1, 2)
    },
    list("error_page", ALL_IF, 2, MANY),
    one("etag", ALL),
    block("events", MAIN, 0, 0, EVENTS),
    rule("expires", ALL_IF, 1, 2),
    inert("fastcgi_buffer_size", ALL, Check::Size, FASTCGI),
    inert("fastcgi_buffering", ALL, Check::Flag, FASTCGI),
    inert("fastcgi_buffers", ALL, Check::Buffers, FASTCGI),
    inert("fastcgi_index", ALL, Check::Any, FASTCGI),
    inert("fastcgi_intercept_errors", ALL, Check::Flag, FASTCGI),
    inert_list("fastcgi_param", ALL, 2, 3, FASTCGI),
    inert("fastcgi_read_timeout", ALL, Check::Time, FASTCGI),
    inert("fastcgi_send_timeout", ALL, Check::Time, FASTCGI),
    inert_list("fastcgi_split_path_info", ALL, 1, 1, FASTCGI),
    inert("fastcgi_temp_path", ALL, Check::Any, TEMP),
    inert("uwsgi_temp_path", ALL, Check::Any, TEMP),
    inert("scgi_temp_path", ALL, Check::Any, TEMP),
    block("geo", HTTP, 1, 2, WORDS),
    one("gzip", ALL_IF),
    inert("gzip_buffers", ALL, Check::Buffers, MEMORY),
    one("gzip_comp_level", ALL),
    Rule {
        again: true,
        ..rule("gzip_disable", ALL, 1, MANY)
    },
    one("gzip_http_version", ALL),
    one("gzip_min_length", ALL),
    rule("gzip_proxied", ALL, 1, MANY),
    one("gzip_static", ALL),
    rule("gzip_types", ALL, 1, MANY),
    one("gzip_vary", ALL),
    block("http", MAIN, 0, 0, HTTP),
    block("if", SERVER | LOCATION, 1, MANY, LOCATION_IF),
    one("if_modified_since", ALL),
    one("ignore_invalid_headers", TOP),
    rule("index", ALL, 1, MANY),
    Rule {
        again: true,
        ..rule("internal", LOCATION, 0, 0)
    },
    rule("ip_hash", UPSTREAM, 0, 0),
    one("keepalive", UPSTREAM),
    inert(
        "keepalive_disable",
        ALL,
        Check::Any,
        "it names browsers of the last century",
    ),
    one("keepalive_requests", ALL),
    inert(
        "keepalive_requests",
        UPSTREAM,
        Check::Number,
        "a connection to an upstream is given up by the other side",
    ),
    inert(
        "keepalive_time",
        ALL | UPSTREAM,
        Check::Time,
        "an hour is longer than a connection lives here",
    ),
    rule("keepalive_timeout", ALL, 1, 2),
    one("keepalive_timeout", UPSTREAM),
    rule("large_client_header_buffers", TOP, 2, 2),
    rule("least_conn", UPSTREAM, 0, 0),
    list("limit_conn", ALL, 2, 2),
    one("limit_conn_log_level", ALL),
    one("limit_conn_status", ALL),
    list("limit_conn_zone", HTTP, 2, 2),
    block("limit_except", LOCATION, 1, MANY, LIMIT),
    one("limit_rate", ALL_IF),
    one("limit_rate_after", ALL_IF),
    list("limit_req", ALL, 1, 3),
    one("limit_req_log_level", ALL),
    one("limit_req_status", ALL),
    list("limit_req_zone", HTTP, 3, 4),
    one("lingering_close", ALL),
    inert(
        "lingering_time",
        ALL,
        Check::Time,
        "the timeout alone bounds how long a closed connection is listened to",
    ),
    one("lingering_timeout", ALL),
    list("listen", SERVER, 1, MANY),
    list("load_module", MAIN, 1, 1),
    block("location", SERVER | LOCATION, 1, 2, LOCATION),
    list("log_format", HTTP, 2, MANY),
    one("log_not_found", ALL),
    inert(
        "log_subrequest",
        ALL,
        Check::Flag,
        "there are no subrequests",
    ),
    inert("lock_file", MAIN, Check::Any, LOCKS),
    inert("accept_mutex", EVENTS, Check::Flag, LOCKS),
    inert("accept_mutex_delay", EVENTS, Check::Time, LOCKS),
    inert("aio", ALL, Check::Any, SYSCALLS),
    block("map", HTTP, 2, 2, WORDS),
    inert("map_hash_bucket_size", HTTP, Check::Number, TABLES),
    inert("map_hash_max_size", HTTP, Check::Number, TABLES),
    inert("master_process", MAIN, Check::Flag, ONE_PROCESS),
    one("max_ranges", ALL),
    one("merge_slashes", TOP),
    one("msie_padding", ALL),
    inert(
        "multi_accept",
        EVENTS,
        Check::Flag,
        "every client that waits is accepted at once",
    ),
    inert("open_file_cache", ALL, Check::Any, CACHE),
    inert("open_file_cache_errors", ALL, Check::Flag, CACHE),
    inert("open_file_cache_min_uses", ALL, Check::Number, CACHE),
    inert("open_file_cache_valid", ALL, Check::Time, CACHE),
    inert(
        "open_log_file_cache",
        ALL,
        Check::Any,
        "log files are kept open until they are reopened",
    ),
    inert("output_buffers", ALL, Check::Buffers, MEMORY),
    one("override_charset", ALL_IF),
    inert(
        "pcre_jit",
        MAIN,
        Check::Flag,
        "expressions are matched by another engine",
    ),
    one("pid", MAIN),
    one("port_in_redirect", ALL),
    inert("postpone_output", ALL, Check::Size, SYSCALLS),
    one("proxy_buffer_size", ALL),
    one("proxy_buffering", ALL),
    inert("proxy_buffers", ALL, Check::Buffers, MEMORY),
    inert("proxy_busy_buffers_size", ALL, Check::Size, MEMORY),
    one("proxy_cache", ALL),
    inert(
        "proxy_cache_bypass",
        ALL,
        Check::Any,
        "only proxy_cache would use it, which can only be off",
    ),
    one("proxy_connect_timeout", ALL),
    list("proxy_hide_header", ALL, 1, 1),
    one("proxy_http_version", ALL),
    inert("proxy_headers_hash_bucket_size", ALL, Check::Number, TABLES),
    inert("proxy_headers_hash_max_size", ALL, Check::Number, TABLES),
    one("proxy_intercept_errors", ALL),
    inert("proxy_max_temp_file_size", ALL, Check::Size, TEMP),
    one("proxy_method", ALL),
    rule("proxy_next_upstream", ALL, 1, MANY),
    one("proxy_next_upstream_timeout", ALL),
    one("proxy_next_upstream_tries", ALL),
    list("proxy_pass", LOCATION | LOCATION_IF | LIMIT, 1, 1),
    list("proxy_pass_header", ALL, 1, 1),
    one("proxy_pass_request_body", ALL),
    one("proxy_pass_request_headers", ALL),
    one("proxy_read_timeout", ALL),
    list("proxy_redirect", ALL, 1, 2),
    one("proxy_request_buffering", ALL),
    one("proxy_send_timeout", ALL),
    one("proxy_set_body", ALL),
    list("proxy_set_header", ALL, 2, 2),
    inert("proxy_socket_keepalive", ALL, Check::Flag, SYSCALLS),
    one("proxy_ssl_name", ALL),
    one("proxy_ssl_server_name", ALL),
    inert("proxy_ssl_session_reuse", ALL, Check::Flag, TLS),
    inert("proxy_ssl_ciphers", ALL, Check::Any, TLS),
    inert("proxy_ssl_protocols", ALL, Check::Any, TLS),
    inert(
        "proxy_ssl_trusted_certificate",
        ALL,
        Check::Any,
        "only proxy_ssl_verify would use it, which can only be off",
    ),
    one("proxy_ssl_verify", ALL),
    inert(
        "proxy_ssl_verify_depth",
        ALL,
        Check::Number,
        "chains of any length are followed",
    ),
    inert("proxy_temp_file_write_size", ALL, Check::Size, TEMP),
    inert("proxy_temp_path", ALL, Check::Any, TEMP),
    inert("read_ahead", ALL, Check::Size, SYSCALLS),
    one("recursive_error_pages", ALL),
    inert("request_pool_size", TOP, Check::Size, MEMORY),
    inert(
        "reset_timedout_connection",
        ALL,
        Check::Flag,
        "a connection that took too long is closed either way",
    ),
    rule("resolver", ALL, 1, MANY),
    inert(
        "resolver_timeout",
        ALL,
        Check::Time,
        "the machine's resolver has its own patience",
    ),
    list("return", REWRITE, 1, 2),
    list("rewrite", REWRITE, 2, 3),
    one("root", ALL_IF),
    one("satisfy", ALL),
    inert_list("scgi_param", ALL, 2, 3, FASTCGI),
    inert("send_lowat", ALL, Check::Size, SYSCALLS),
    one("send_timeout", ALL),
    inert("sendfile", ALL_IF, Check::Flag, SYSCALLS),
    inert("sendfile_max_chunk", ALL, Check::Size, SYSCALLS),
    block("server", HTTP, 0, 0, SERVER),
    list("server", UPSTREAM, 1, MANY),
    list("server_name", SERVER, 1, MANY),
    one("server_name_in_redirect", ALL),
    inert("server_names_hash_bucket_size", HTTP, Check::Number, TABLES),
    inert("server_names_hash_max_size", HTTP, Check::Number, TABLES),
    one("server_tokens", ALL),
    list("set", REWRITE, 2, 2),
    inert("ssl_buffer_size", TOP, Check::Size, MEMORY),
    list("ssl_certificate", TOP, 1, 1),
    list("ssl_certificate_key", TOP, 1, 1),
    one("ssl_client_certificate", TOP),
    inert("ssl_ciphers", TOP, Check::Any, TLS),
    inert("ssl_dhparam", TOP, Check::Any, TLS),
    inert("ssl_early_data", TOP, Check::Flag, TLS),
    inert("ssl_ecdh_curve", TOP, Check::Any, TLS),
    inert("ssl_prefer_server_ciphers", TOP, Check::Flag, TLS),
    rule("ssl_protocols", TOP, 1, MANY),
    inert("ssl_session_cache", TOP, Check::Any, TLS),
    inert("ssl_session_tickets", TOP, Check::Flag, TLS),
    inert("ssl_session_timeout", TOP, Check::Time, TLS),
    inert(
        "ssl_stapling",
        TOP,
        Check::Flag,
        "no authority of the lab answers OCSP",
    ),
    inert(
        "ssl_stapling_verify",
        TOP,
        Check::Flag,
        "no authority of the lab answers OCSP",
    ),
    one("ssl_trusted_certificate", TOP),
    one("ssl_verify_client", TOP),
    one("ssl_verify_depth", TOP),
    rule("stub_status", SERVER | LOCATION, 0, 1),
    inert("subrequest_output_buffer_size", ALL, Check::Size, MEMORY),
    inert("tcp_nodelay", ALL, Check::Flag, SYSCALLS),
    inert("tcp_nopush", ALL, Check::Flag, SYSCALLS),
    inert("thread_pool", MAIN, Check::Any, ONE_PROCESS),
    inert(
        "timer_resolution",
        MAIN,
        Check::Time,
        "the clock is read when it is needed",
    ),
    rule("try_files", SERVER | LOCATION, 2, MANY),
    block("types", ALL, 0, 0, WORDS),
    inert("types_hash_bucket_size", ALL, Check::Number, TABLES),
    inert("types_hash_max_size", ALL, Check::Number, TABLES),
    one("underscores_in_headers", TOP),
    block("upstream", HTTP, 1, 1, UPSTREAM),
    Rule {
        most: 2,
        ..inert(
            "use",
            EVENTS,
            Check::OneOf(&["epoll", "poll", "select"]),
            "there is one way to wait for sockets",
        )
    },
    Rule {
        most: 2,
        ..inert("user", MAIN, Check::Any, ONE_PROCESS)
    },
    inert_list("uwsgi_param", ALL, 2, 3, FASTCGI),
    inert("variables_hash_bucket_size", HTTP, Check::Number, TABLES),
    inert("variables_hash_max_size", HTTP, Check::Number, TABLES),
    inert("worker_aio_requests", EVENTS, Check::Number, SYSCALLS),
    one("worker_connections", EVENTS),
    inert("worker_cpu_affinity", MAIN, Check::Any, ONE_PROCESS),
    inert("worker_priority", MAIN, Check::Any, ONE_PROCESS),
    one("worker_processes", MAIN),
    inert(
        "worker_rlimit_core",
        MAIN,
        Check::Size,
        "a container of the lab leaves no core file",
    ),
    inert(
        "worker_rlimit_nofile",
        MAIN,
        Check::Number,
        "a container of the lab has no limit of its own on files",
    ),
    inert(
        "worker_shutdown_timeout",
        MAIN,
        Check::Time,
        "the container's own termination grace ends it",
    ),
    inert(
        "working_directory",
        MAIN,
        Check::Any,
        "a container of the lab leaves no core file",
    ),
    rule("zone", UPSTREAM, 1, 2),
    inert("resolver_timeout", UPSTREAM, Check::Time, IPV4),
];

/// The rule for a directive that stands in this context, or nginx's words against it.
pub fn find(directive: &Directive, context: u16) -> Result<&'static Rule, ConfError> {
    let refuse = |message: String| Err(ConfError::at(&directive.place, message));
    let name = &directive.name;
    let mut known = RULES.iter().filter(|rule| rule.name == name).peekable();
    if known.peek().is_none() {
        return refuse(format!("unknown directive \"{name}\""));
    }
    let Some(rule) = known.find(|rule| rule.contexts & context != 0) else {
        return refuse(format!("\"{name}\" directive is not allowed here"));
    };
    if rule.opens == 0 && directive.block.is_some() {
        return refuse(format!("directive \"{name}\" is not terminated by \";\""));
    }
    if rule.opens != 0 && directive.block.is_none() {
        return refuse(format!("directive \"{name}\" has no opening \"{{\""));
    }
    if !(rule.fewest..=rule.most).contains(&directive.args.len()) {
        return refuse(format!(
            "invalid number of arguments in \"{name}\" directive"
        ));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_directive_has_two_rules_for_one_place() {
        for (at, rule) in RULES.iter().enumerate() {
            for other in &RULES[..at] {
                assert!(
                    other.name != rule.name || other.contexts & rule.contexts == 0,
                    "{}",
                    rule.name
                );
            }
        }
    }

    #[test]
    fn whatever_has_no_effect_says_why() {
        let reasons = RULES.iter().filter_map(|rule| rule.inert);
        assert!(reasons.clone().count() > 60);
        assert!(reasons.into_iter().all(|(_, why)| why.len() > 10));
    }
}
