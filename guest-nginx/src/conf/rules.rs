//! Which directives exist, where they may stand and how many words they take.
//! Those nginx has and this lab lacks are known by name, so that they are refused honestly.

use super::tree::{ConfError, Directive};

/// Outside of every block.
pub const MAIN: u8 = 1;
/// Inside `events`.
pub const EVENTS: u8 = 2;
/// Inside `http`.
pub const HTTP: u8 = 4;
/// Inside `server`.
pub const SERVER: u8 = 8;
/// Inside `location`.
pub const LOCATION: u8 = 16;
/// Inside `types`, where every word is a type.
const TYPES: u8 = 32;

const EVERYWHERE: u8 = HTTP | SERVER | LOCATION;
const MANY: usize = usize::MAX;

/// Name, contexts, fewest and most arguments, and the context its block opens (0 for none).
type Rule = (&'static str, u8, usize, usize, u8);

const RULES: &[Rule] = &[
    ("access_log", EVERYWHERE, 1, MANY, 0),
    ("add_header", EVERYWHERE, 2, 3, 0),
    ("alias", LOCATION, 1, 1, 0),
    ("autoindex", EVERYWHERE, 1, 1, 0),
    ("client_max_body_size", EVERYWHERE, 1, 1, 0),
    ("daemon", MAIN, 1, 1, 0),
    ("default_type", EVERYWHERE, 1, 1, 0),
    ("error_log", MAIN | EVERYWHERE, 1, 2, 0),
    ("error_page", EVERYWHERE, 2, MANY, 0),
    ("events", MAIN, 0, 0, EVENTS),
    ("http", MAIN, 0, 0, HTTP),
    ("index", EVERYWHERE, 1, MANY, 0),
    ("internal", LOCATION, 0, 0, 0),
    ("keepalive_requests", EVERYWHERE, 1, 1, 0),
    ("keepalive_timeout", EVERYWHERE, 1, 2, 0),
    ("listen", SERVER, 1, MANY, 0),
    ("location", SERVER, 1, 2, LOCATION),
    ("log_format", HTTP, 2, MANY, 0),
    ("pid", MAIN, 1, 1, 0),
    ("return", SERVER | LOCATION, 1, 2, 0),
    ("root", EVERYWHERE, 1, 1, 0),
    ("sendfile", EVERYWHERE, 1, 1, 0),
    ("server", HTTP, 0, 0, SERVER),
    ("server_name", SERVER, 1, MANY, 0),
    ("server_tokens", EVERYWHERE, 1, 1, 0),
    ("tcp_nodelay", EVERYWHERE, 1, 1, 0),
    ("tcp_nopush", EVERYWHERE, 1, 1, 0),
    ("try_files", SERVER | LOCATION, 2, MANY, 0),
    ("types", EVERYWHERE, 0, 0, TYPES),
    ("types_hash_max_size", EVERYWHERE, 1, 1, 0),
    ("user", MAIN, 1, 2, 0),
    ("worker_connections", EVENTS, 1, 1, 0),
    ("worker_processes", MAIN, 1, 1, 0),
];

/// What nginx knows and this lab does not have yet; names starting with `ssl_` and `proxy_` besides.
const ABSENT: &[&str] = &[
    "allow",
    "auth_basic",
    "auth_basic_user_file",
    "auth_request",
    "brotli",
    "charset",
    "client_body_buffer_size",
    "client_body_timeout",
    "client_header_timeout",
    "deny",
    "env",
    "etag",
    "expires",
    "fastcgi_param",
    "fastcgi_pass",
    "geo",
    "grpc_pass",
    "gzip",
    "gzip_comp_level",
    "gzip_min_length",
    "gzip_static",
    "gzip_types",
    "gzip_vary",
    "http2",
    "if",
    "if_modified_since",
    "large_client_header_buffers",
    "limit_conn",
    "limit_conn_zone",
    "limit_except",
    "limit_rate",
    "limit_req",
    "limit_req_zone",
    "load_module",
    "mail",
    "map",
    "merge_slashes",
    "mirror",
    "multi_accept",
    "open_file_cache",
    "port_in_redirect",
    "real_ip_header",
    "resolver",
    "rewrite",
    "satisfy",
    "send_timeout",
    "server_names_hash_bucket_size",
    "set",
    "set_real_ip_from",
    "split_clients",
    "stream",
    "stub_status",
    "sub_filter",
    "absolute_redirect",
    "upstream",
    "use",
    "uwsgi_pass",
    "valid_referers",
    "variables_hash_max_size",
    "worker_rlimit_nofile",
];

fn absent(name: &str) -> bool {
    name.starts_with("ssl_")
        || name == "ssl"
        || name.starts_with("proxy_")
        || ABSENT.binary_search(&name).is_ok()
        || ABSENT.contains(&name)
}

/// Checks every directive of a block in reading order.
pub fn check(directives: &[Directive], context: u8) -> Result<(), ConfError> {
    directives
        .iter()
        .try_for_each(|directive| check_one(directive, context))
}

fn check_one(directive: &Directive, context: u8) -> Result<(), ConfError> {
    let refuse = |message: String| Err(ConfError::at(&directive.place, message));
    let name = &directive.name;
    if context == TYPES {
        return if directive.block.is_some() {
            refuse("unexpected \"{\"".to_owned())
        } else {
            Ok(())
        };
    }
    let Some((_, contexts, fewest, most, opens)) = RULES.iter().find(|rule| rule.0 == name) else {
        return if absent(name) {
            refuse(format!("directive \"{name}\" is not in this lab yet"))
        } else {
            refuse(format!("unknown directive \"{name}\""))
        };
    };
    if *opens == 0 && directive.block.is_some() {
        return refuse(format!("directive \"{name}\" is not terminated by \";\""));
    }
    if *opens != 0 && directive.block.is_none() {
        return refuse(format!("directive \"{name}\" has no opening \"{{\""));
    }
    if contexts & context == 0 {
        if name == "location" && context == LOCATION {
            return refuse("a location inside a location is not in this lab yet".to_owned());
        }
        return refuse(format!("\"{name}\" directive is not allowed here"));
    }
    if !(*fewest..=*most).contains(&directive.args.len()) {
        return refuse(format!(
            "invalid number of arguments in \"{name}\" directive"
        ));
    }
    check(directive.block.as_deref().unwrap_or_default(), *opens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_do_not_meet() {
        assert!(RULES.is_sorted_by_key(|rule| rule.0));
        assert!(RULES.iter().all(|rule| !absent(rule.0)));
    }
}
