//! Turns a checked tree of directives into a `Config`.
//! A level's own directives are understood before its blocks, because blocks inherit what stands after them too.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use super::model::{
    AccessLog, Config, Level, Listen, Location, LogTarget, Modifier, Server, Settings,
};
use super::tree::{ConfError, Directive};
use super::values::{
    Result, add_header, error_page, flag, milliseconds, number, once, refuse, returns, size,
    template, try_files, types_of,
};
use crate::template::Template;
use crate::types;

/// nginx's own `combined` format.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                        \"$http_referer\" \"$http_user_agent\"";

type Formats = BTreeMap<String, Template>;

/// Understands a tree that `rules::check` let through.
pub fn build(tree: &[Directive]) -> Result<Config> {
    let mut config = Config {
        servers: Vec::new(),
        log_level: Level::Error,
        error_log: LogTarget::Stderr,
        warnings: Vec::new(),
    };
    once(tree, &["events", "http"])?;
    if !tree.iter().any(|directive| directive.name == "events") {
        return Err(ConfError(
            "no \"events\" section in configuration".to_owned(),
        ));
    }
    for directive in tree {
        match directive.name.as_str() {
            "error_log" => error_log(&mut config, directive)?,
            "daemon" => drop(flag(directive)?),
            "http" => http(&mut config, directive.block.as_deref().unwrap_or_default())?,
            _ => {}
        }
    }
    warn_of_shared_names(&mut config);
    Ok(config)
}

fn http(config: &mut Config, block: &[Directive]) -> Result<()> {
    let mut formats = Formats::new();
    formats.insert(
        "combined".to_owned(),
        Template::parse(COMBINED).map_err(ConfError)?,
    );
    for directive in block
        .iter()
        .filter(|directive| directive.name == "log_format")
    {
        let name = directive.args[0].clone();
        let words = directive.args[1..]
            .iter()
            .filter(|word| !word.starts_with("escape="))
            .cloned();
        let format = template(&words.collect::<String>())?;
        if formats.insert(name.clone(), format).is_some() {
            return refuse(
                directive,
                format_args!("duplicate \"log_format\" name \"{name}\""),
            );
        }
    }
    let settings = level(&Settings::standard(&formats), block, &formats, config)?;
    for directive in block.iter().filter(|directive| directive.name == "server") {
        let server = server(config, directive, &settings, &formats)?;
        config.servers.push(server);
    }
    Ok(())
}

fn server(
    config: &mut Config,
    directive: &Directive,
    outer: &Settings,
    formats: &Formats,
) -> Result<Server> {
    let block = directive.block.as_deref().unwrap_or_default();
    let settings = level(outer, block, formats, config)?;
    let mut server = Server {
        listens: Vec::new(),
        names: Vec::new(),
        settings,
        locations: Vec::new(),
    };
    for directive in block {
        match directive.name.as_str() {
            "listen" => {
                if let Some(listen) = listen(config, directive)? {
                    if server
                        .listens
                        .iter()
                        .any(|other| other.address == listen.address)
                    {
                        return refuse(
                            directive,
                            format_args!("a duplicate listen {}", listen.address),
                        );
                    }
                    server.listens.push(listen);
                }
            }
            "server_name" => server.names.extend(directive.args.iter().cloned()),
            "location" => {
                let location = location(config, directive, &server, formats)?;
                server.locations.push(location);
            }
            _ => {}
        }
        if directive.name == "server_name"
            && directive.args.iter().any(|name| name.starts_with('~'))
        {
            return refuse(
                directive,
                "a regular expression in \"server_name\" is not in this lab yet",
            );
        }
    }
    if server.listens.is_empty() {
        let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80);
        server.listens.push(Listen {
            address,
            default: false,
        });
    }
    Ok(server)
}

fn location(
    config: &mut Config,
    directive: &Directive,
    server: &Server,
    formats: &Formats,
) -> Result<Location> {
    let (sign, pattern) = match directive.args.as_slice() {
        [pattern] => ("", pattern),
        [sign, pattern] => (sign.as_str(), pattern),
        _ => {
            return refuse(
                directive,
                "invalid number of arguments in \"location\" directive",
            );
        }
    };
    let regex = |case| {
        regex_lite::RegexBuilder::new(pattern)
            .case_insensitive(case)
            .build()
            .map(Modifier::Regex)
            .map_err(|error| {
                ConfError::at(
                    &directive.place,
                    format_args!("regular expression \"{pattern}\" is not understood: {error}"),
                )
            })
    };
    let modifier = match sign {
        "" if pattern.starts_with('@') => {
            return refuse(directive, "a named location is not in this lab yet");
        }
        "" => Modifier::Prefix,
        "=" => Modifier::Exact,
        "^~" => Modifier::Final,
        "~" => regex(false)?,
        "~*" => regex(true)?,
        other => {
            return refuse(
                directive,
                format_args!("invalid location modifier \"{other}\""),
            );
        }
    };
    let same = |other: &Location| {
        other.pattern == *pattern
            && !matches!(modifier, Modifier::Regex(_))
            && matches!(other.modifier, Modifier::Exact) == matches!(modifier, Modifier::Exact)
    };
    if server.locations.iter().any(same) {
        return refuse(directive, format_args!("duplicate location \"{pattern}\""));
    }
    let outer = Settings {
        returns: None,
        try_files: Vec::new(),
        ..server.settings.clone()
    };
    let settings = level(
        &outer,
        directive.block.as_deref().unwrap_or_default(),
        formats,
        config,
    )?;
    if settings.alias.is_some() && matches!(modifier, Modifier::Regex(_)) {
        return refuse(
            directive,
            "\"alias\" in a location of a regular expression is not in this lab yet",
        );
    }
    Ok(Location {
        modifier,
        pattern: pattern.clone(),
        settings,
    })
}

/// The settings of one level: the outer ones, changed by the directives that stand in it.
fn level(
    outer: &Settings,
    block: &[Directive],
    formats: &Formats,
    config: &mut Config,
) -> Result<Settings> {
    once(
        block,
        &[
            "alias",
            "autoindex",
            "client_max_body_size",
            "default_type",
            "keepalive_requests",
            "keepalive_timeout",
            "root",
            "sendfile",
            "server_tokens",
            "tcp_nodelay",
            "tcp_nopush",
            "try_files",
            "types_hash_max_size",
        ],
    )?;
    let mut settings = outer.clone();
    let (mut logs, mut pages, mut headers) = (None, None, None);
    for directive in block {
        let word = directive.args.first().map_or("", String::as_str);
        match directive.name.as_str() {
            "root" => settings.root = word.trim_end_matches('/').to_owned(),
            "alias" => settings.alias = Some(word.to_owned()),
            "index" => settings.index.clone_from(&directive.args),
            "default_type" => word.clone_into(&mut settings.default_type),
            "types" => {
                settings.types = Rc::new(types_of(directive.block.as_deref().unwrap_or_default()))
            }
            "autoindex" => settings.autoindex = flag(directive)?,
            "server_tokens" => settings.server_tokens = flag(directive)?,
            "sendfile" | "tcp_nopush" | "tcp_nodelay" => drop(flag(directive)?),
            "internal" => settings.internal = true,
            "client_max_body_size" => settings.client_max_body_size = size(directive, word)?,
            "keepalive_requests" => settings.keepalive_requests = number(directive, word)?,
            "keepalive_timeout" => {
                settings.keepalive_timeout_ms = milliseconds(directive, word)?;
                let header = directive
                    .args
                    .get(1)
                    .map(|word| milliseconds(directive, word))
                    .transpose()?;
                settings.keepalive_header = header.map(|ms| ms / 1000);
            }
            "return" if settings.returns.is_none() => {
                settings.returns = Some(returns(directive)?);
            }
            "try_files" => settings.try_files = try_files(directive)?,
            "access_log" => access_log(logs.get_or_insert_with(Vec::new), directive, formats)?,
            "error_page" => pages
                .get_or_insert_with(Vec::new)
                .push(error_page(directive)?),
            "add_header" => headers
                .get_or_insert_with(Vec::new)
                .push(add_header(directive)?),
            "error_log" => error_log(config, directive)?,
            _ => {}
        }
    }
    settings.access_logs = logs.map_or(settings.access_logs, Rc::new);
    settings.error_pages = pages.map_or(settings.error_pages, Rc::new);
    settings.add_headers = headers.map_or(settings.add_headers, Rc::new);
    Ok(settings)
}

impl Settings {
    /// What holds when nothing is said, as in nginx.
    fn standard(formats: &Formats) -> Self {
        let combined = formats["combined"].clone();
        Self {
            root: "/etc/nginx/html".to_owned(),
            alias: None,
            index: vec!["index.html".to_owned()],
            default_type: "text/plain".to_owned(),
            types: Rc::new(types::standard()),
            access_logs: Rc::new(vec![AccessLog {
                target: LogTarget::Stdout,
                format: combined,
            }]),
            error_pages: Rc::default(),
            add_headers: Rc::default(),
            keepalive_timeout_ms: 75_000,
            keepalive_header: None,
            keepalive_requests: 1000,
            client_max_body_size: 1 << 20,
            autoindex: false,
            server_tokens: true,
            internal: false,
            returns: None,
            try_files: Vec::new(),
        }
    }
}

fn access_log(logs: &mut Vec<AccessLog>, directive: &Directive, formats: &Formats) -> Result<()> {
    if directive.args[0] == "off" {
        return Ok(());
    }
    if directive.args[0].contains('$') || directive.args.len() > 2 {
        return refuse(
            directive,
            "\"access_log\" with parameters or variables is not in this lab yet",
        );
    }
    let name = directive.args.get(1).map_or("combined", String::as_str);
    let Some(format) = formats.get(name) else {
        return refuse(directive, format_args!("unknown log format \"{name}\""));
    };
    let target = target(&directive.args[0]);
    logs.push(AccessLog {
        target,
        format: format.clone(),
    });
    Ok(())
}

fn error_log(config: &mut Config, directive: &Directive) -> Result<()> {
    let name = directive.args.get(1).map_or("error", String::as_str);
    let Some(level) = Level::parse(name) else {
        return refuse(directive, format_args!("invalid log level \"{name}\""));
    };
    config.log_level = level;
    config.error_log = target(&directive.args[0]);
    Ok(())
}

/// The image links nginx's usual log files to the standard streams.
fn target(path: &str) -> LogTarget {
    match path {
        "/dev/stdout" | "/proc/self/fd/1" | "/var/log/nginx/access.log" => LogTarget::Stdout,
        "stderr" | "/dev/stderr" | "/proc/self/fd/2" | "/var/log/nginx/error.log" => {
            LogTarget::Stderr
        }
        _ => LogTarget::File(path.to_owned()),
    }
}

fn listen(config: &mut Config, directive: &Directive) -> Result<Option<Listen>> {
    let word = directive.args[0].as_str();
    let default = parameters(directive)?;
    let bad_port = || {
        ConfError::at(
            &directive.place,
            format_args!("invalid port in \"{word}\" of the \"listen\" directive"),
        )
    };
    if word.starts_with('[') {
        config
            .warnings
            .push(format!("listen {word}: IPv6 is not in this lab, ignored"));
        return Ok(None);
    }
    if word.starts_with("unix:") {
        return refuse(directive, "a unix socket is not in this lab yet");
    }
    let (host, port) = match word.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => ("*", word),
        None => (word, "80"),
    };
    let port = port
        .parse::<u16>()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(bad_port)?;
    let ip = match host {
        "*" => Some(Ipv4Addr::UNSPECIFIED),
        "localhost" => Some(Ipv4Addr::LOCALHOST),
        _ => host.parse().ok(),
    };
    let Some(ip) = ip else {
        return refuse(
            directive,
            format_args!("host not found in \"{word}\" of the \"listen\" directive"),
        );
    };
    let address = SocketAddrV4::new(ip, port);
    let taken = |other: &Server| {
        other
            .listens
            .iter()
            .any(|l| l.default && l.address == address)
    };
    if default && config.servers.iter().any(taken) {
        return refuse(
            directive,
            format_args!("a duplicate default server for {address}"),
        );
    }
    Ok(Some(Listen { address, default }))
}

/// The words after an address; true when one of them says that this is the default server.
fn parameters(directive: &Directive) -> Result<bool> {
    let mut default = false;
    for word in &directive.args[1..] {
        match word.as_str() {
            "default_server" | "default" => default = true,
            "ssl" => {
                return refuse(
                    directive,
                    "\"ssl\" of the \"listen\" directive is not in this lab yet",
                );
            }
            "http2" | "quic" | "proxy_protocol" | "reuseport" | "deferred" => {
                return refuse(
                    directive,
                    format_args!("\"{word}\" of the \"listen\" directive is not in this lab yet"),
                );
            }
            _ => return refuse(directive, format_args!("invalid parameter \"{word}\"")),
        }
    }
    Ok(default)
}

fn warn_of_shared_names(config: &mut Config) {
    let mut seen: Vec<(SocketAddrV4, String)> = Vec::new();
    for server in &config.servers {
        for listen in &server.listens {
            let unnamed = [String::new()];
            let names = if server.names.is_empty() {
                &unnamed[..]
            } else {
                &server.names
            };
            for name in names {
                let key = (listen.address, name.to_ascii_lowercase());
                if seen.contains(&key) {
                    config.warnings.push(format!(
                        "conflicting server name \"{name}\" on {}, ignored",
                        listen.address
                    ));
                } else {
                    seen.push(key);
                }
            }
        }
    }
}
