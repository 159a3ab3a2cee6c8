//! Directives that hold at a level and are inherited: documents, headers, logs, limits, compression.

use crate::conf::pattern::Pattern;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Builder;
use crate::conf::model::{Level, Network};
use crate::conf::settings::{
    AccessLog, AddHeader, ErrorPage, Expires, GzipStatic, LimitReq, Root, Said, Since,
};
use crate::conf::tree::{ConfError, Directive};
use crate::conf::values::{
    Result, digits, flag, invalid, milliseconds, number, one_of, parse_time, refuse, size,
};
use crate::vars::Template;

/// What nginx understands by `msie6`: the old ones that say nothing of a second service pack.
const MSIE6: &str = r"MSIE [4-6]\.(?:[^S]|S[^V]|SV[^1])*$";

impl Builder<'_> {
    /// Understands one directive of a level.
    pub(super) fn level(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        let word = directive.args.first().map_or("", String::as_str);
        match directive.name.as_str() {
            "root" | "alias" => said.root = Some(self.root(directive, word, said)?),
            "index" => said.index = Some(Rc::new(self.templates(directive)?)),
            "autoindex" => said.autoindex = Some(flag(directive)?),
            "autoindex_exact_size" => said.autoindex_exact_size = Some(flag(directive)?),
            "autoindex_format" => {
                let kind = one_of(directive, word, &["html", "json"])?;
                said.autoindex_json = Some(kind == 1);
            }
            "default_type" => said.default_type = Some(Rc::from(word)),
            "types" => said.types = Some(Rc::new(self.types(directive)?)),
            "charset" => said.charset = Some((word != "off").then(|| Rc::from(word))),
            "charset_types" => said.charset_types = Some(set_of(&directive.args, "text/html")),
            "override_charset" => said.override_charset = Some(flag(directive)?),
            "access_log" => self.access_log(directive, said)?,
            "error_log" => {
                let log = self.error_log(directive)?;
                push(&mut said.error_logs, log);
            }
            "log_not_found" => said.log_not_found = Some(flag(directive)?),
            "error_page" => {
                let page = self.error_page(directive)?;
                push(&mut said.error_pages, page);
            }
            "recursive_error_pages" => said.recursive_error_pages = Some(flag(directive)?),
            "add_header" => {
                let header = self.add_header(directive)?;
                push(&mut said.add_headers, header);
            }
            "expires" => said.expires = Some(expires(directive)?),
            "etag" => said.etag = Some(flag(directive)?),
            "if_modified_since" => {
                let kinds = [Since::Off, Since::Exact, Since::Before];
                let kind = one_of(directive, word, &["off", "exact", "before"])?;
                said.if_modified_since = Some(kinds[kind]);
            }
            "max_ranges" => {
                let count = number(directive, word)?;
                said.max_ranges = Some(usize::try_from(count).unwrap_or(usize::MAX));
            }
            "server_tokens" => {
                said.server_tokens = Some(one_of(directive, word, &["off", "on", "build"])? > 0);
            }
            "server_name_in_redirect" => said.server_name_in_redirect = Some(flag(directive)?),
            "port_in_redirect" => said.port_in_redirect = Some(flag(directive)?),
            "absolute_redirect" => said.absolute_redirect = Some(flag(directive)?),
            name if name.starts_with("gzip") => self.gzip(directive, said)?,
            name if name.starts_with("proxy_") => self.proxy_level(directive, said)?,
            _ => return self.connection_level(directive, said),
        }
        Ok(())
    }

    /// The rest: how connections are treated and who may come.
    fn connection_level(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        let word = directive.args.first().map_or("", String::as_str);
        match directive.name.as_str() {
            "keepalive_timeout" => {
                let header = directive.args.get(1);
                let header = header
                    .map(|word| milliseconds(directive, word))
                    .transpose()?;
                let header = header.map(|ms| ms / 1000);
                said.keepalive_timeout = Some((milliseconds(directive, word)?, header));
            }
            "keepalive_requests" => said.keepalive_requests = Some(number(directive, word)?),
            "client_max_body_size" => said.client_max_body_size = Some(size(directive, word)?),
            "client_body_timeout" => {
                said.client_body_timeout = Some(milliseconds(directive, word)?)
            }
            "send_timeout" => said.send_timeout = Some(milliseconds(directive, word)?),
            "lingering_close" => {
                let kind = one_of(directive, word, &["off", "on", "always"])?;
                said.lingering_close = Some(kind > 0);
            }
            "lingering_timeout" => said.lingering_timeout = Some(milliseconds(directive, word)?),
            "chunked_transfer_encoding" => said.chunked = Some(flag(directive)?),
            "msie_padding" => said.msie_padding = Some(flag(directive)?),
            "satisfy" => said.satisfy_any = Some(one_of(directive, word, &["all", "any"])? == 1),
            "allow" | "deny" => self.access(directive, word, said)?,
            "auth_basic" => {
                let realm = self.template(directive, word)?;
                said.auth_basic = Some(if word == "off" {
                    Template::default()
                } else {
                    realm
                });
            }
            "auth_basic_user_file" => {
                let path = self.conf_path(word);
                said.auth_file = Some(Some(self.template(directive, &path)?));
            }
            "limit_rate" => said.limit_rate = Some(self.limit_rate(directive, word)?),
            "limit_rate_after" => said.limit_rate_after = Some(size(directive, word)?),
            "limit_req" => self.limit_req(directive, said)?,
            "limit_conn" => self.limit_conn(directive, said)?,
            "limit_req_status" => said.limit_req_status = Some(status(directive, word)?),
            "limit_conn_status" => said.limit_conn_status = Some(status(directive, word)?),
            "limit_req_log_level" => said.limit_req_level = Some(log_level(directive, word)?),
            "limit_conn_log_level" => said.limit_conn_level = Some(log_level(directive, word)?),
            "resolver" => said.resolver = Some(self.resolver(directive)?),
            other => unreachable!("the table has {other}, and nobody understands it"),
        }
        Ok(())
    }

    fn templates(&mut self, directive: &Directive) -> Result<Vec<Template>> {
        let words = directive.args.iter();
        words.map(|text| self.template(directive, text)).collect()
    }

    fn root(&mut self, directive: &Directive, word: &str, said: &Said) -> Result<Root> {
        let alias = directive.name == "alias";
        if let Some(other) = &said.root {
            let message = if other.alias == alias {
                format!("\"{}\" directive is duplicate", directive.name)
            } else {
                format!(
                    "\"{}\" directive is duplicate, \"{}\" directive was specified earlier",
                    directive.name,
                    if other.alias { "alias" } else { "root" }
                )
            };
            return refuse(directive, message);
        }
        let path = self.path(word);
        let path = if alias {
            path.as_str()
        } else {
            path.strip_suffix('/').unwrap_or(&path)
        };
        Ok(Root {
            path: self.template(directive, path)?,
            alias,
        })
    }

    fn access_log(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        let path = directive.args[0].as_str();
        if path == "off" && directive.args.len() == 1 {
            said.access_logs = Some(Rc::default());
            return Ok(());
        }
        if path.contains('$') {
            return refuse(
                directive,
                "an access log named by variables is not in this lab",
            );
        }
        let target = self.target(directive, path)?;
        let mut words = directive.args[1..].iter();
        let named = words.clone().next().filter(|word| !word.contains('='));
        let name = named.map_or("combined", |_| words.next().map_or("", String::as_str));
        let Some(format) = self.formats.get(name).cloned() else {
            return refuse(directive, format_args!("unknown log format \"{name}\""));
        };
        let mut condition = None;
        for word in words {
            match word.split_once('=') {
                Some(("if", text)) => condition = Some(self.template(directive, text)?),
                // Lines are written at once; later would be no different to who reads them.
                Some(("buffer", text)) if crate::conf::values::parse_size(text).is_some() => {}
                Some(("flush", text)) if parse_time(text).is_some() => {}
                Some(("buffer", _)) => {
                    return refuse(directive, format_args!("invalid buffer size \"{word}\""));
                }
                Some(("flush", _)) => {
                    return refuse(directive, format_args!("invalid flush time \"{word}\""));
                }
                _ => return refuse(directive, format_args!("invalid parameter \"{word}\"")),
            }
        }
        let log = AccessLog {
            target,
            format,
            condition,
        };
        push(&mut said.access_logs, log);
        Ok(())
    }

    fn error_page(&mut self, directive: &Directive) -> Result<ErrorPage> {
        let mut words = directive.args.clone();
        let uri = words.pop().unwrap_or_default();
        let mut status = None;
        if let Some(code) = words.last().and_then(|word| word.strip_prefix('=')) {
            let parsed = if code.is_empty() {
                Some(0)
            } else {
                digits(code).and_then(|code| u16::try_from(code).ok())
            };
            let Some(parsed) = parsed else {
                return refuse(directive, format_args!("invalid value \"={code}\""));
            };
            status = Some(parsed);
            words.pop();
        }
        let statuses = words.iter().map(|word| match digits(word) {
            Some(499) | None => refuse(directive, format_args!("invalid value \"{word}\"")),
            Some(code @ 300..=599) => Ok(u16::try_from(code).expect("below 600")),
            Some(_) => refuse(
                directive,
                format_args!("value \"{word}\" must be between 300 and 599"),
            ),
        });
        Ok(ErrorPage {
            statuses: statuses.collect::<Result<Vec<_>>>()?,
            status,
            uri: self.template(directive, &uri)?,
        })
    }

    fn add_header(&mut self, directive: &Directive) -> Result<AddHeader> {
        let always = match directive.args.get(2).map(String::as_str) {
            None => false,
            Some("always") => true,
            Some(other) => {
                return refuse(directive, format_args!("invalid parameter \"{other}\""));
            }
        };
        Ok(AddHeader {
            name: directive.args[0].clone(),
            value: self.template(directive, &directive.args[1])?,
            always,
        })
    }

    fn access(&mut self, directive: &Directive, word: &str, said: &mut Said) -> Result<()> {
        let allow = directive.name == "allow";
        let list = Rc::make_mut(said.access.get_or_insert_default());
        if word == "all" {
            list.push((Network::ALL, allow));
            return Ok(());
        }
        // No client here has an address of another family.
        let v6 = word.split('/').next().unwrap_or_default();
        if word == "unix:" || v6.parse::<std::net::Ipv6Addr>().is_ok() {
            return Ok(());
        }
        let Some(network) = Network::parse(word) else {
            return refuse(directive, format_args!("invalid parameter \"{word}\""));
        };
        if network.has_low_bits() {
            let message = format_args!("low address bits of {word} are meaningless");
            let warning = ConfError::at(&directive.place, message);
            self.config.warnings.push(warning.0);
        }
        list.push((network, allow));
        Ok(())
    }

    fn limit_rate(&mut self, directive: &Directive, word: &str) -> Result<Option<Template>> {
        if word.contains('$') {
            return self.template(directive, word).map(Some);
        }
        let rate = size(directive, word)?;
        Ok((rate > 0).then(|| Template::text(&rate.to_string())))
    }

    /// The number of a zone, defined now or later.
    fn zone_number(&mut self, name: &str) -> Option<usize> {
        self.wanted.entry(name.to_owned()).or_insert(None);
        let zones = &self.config.zones;
        zones.iter().position(|zone| zone.name == name)
    }

    fn limit_req(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        let (mut zone, mut burst, mut delay) = (None, 0, Some(0));
        for word in &directive.args {
            if let Some(name) = word.strip_prefix("zone=") {
                zone = Some(name);
            } else if let Some(text) = word.strip_prefix("burst=") {
                match digits(text).filter(|burst| *burst > 0) {
                    Some(count) => burst = count,
                    None => {
                        return refuse(directive, format_args!("invalid burst value \"{word}\""));
                    }
                }
            } else if let Some(text) = word.strip_prefix("delay=") {
                match digits(text).filter(|delay| *delay > 0) {
                    Some(count) => delay = Some(count),
                    None => {
                        return refuse(directive, format_args!("invalid delay value \"{word}\""));
                    }
                }
            } else if word == "nodelay" {
                delay = None;
            } else {
                return refuse(directive, format_args!("invalid parameter \"{word}\""));
            }
        }
        let Some(name) = zone else {
            return refuse(directive, "\"limit_req\" must have \"zone\" parameter");
        };
        if let Some(zone) = self.zone_number(name) {
            let limit = LimitReq {
                zone,
                burst: burst * 1000,
                delay: delay.map_or(u64::MAX, |delay| delay * 1000),
            };
            push(&mut said.limit_req, limit);
        }
        Ok(())
    }

    fn limit_conn(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        let [name, count] = directive.args.as_slice() else {
            return invalid(directive);
        };
        let Some(count) = digits(count).filter(|count| *count > 0) else {
            return refuse(
                directive,
                format_args!("invalid number of connections \"{count}\""),
            );
        };
        if let Some(zone) = self.zone_number(name) {
            push(&mut said.limit_conn, (zone, count));
        }
        Ok(())
    }

    fn gzip(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        const PROXIED: [&str; 10] = [
            "off",
            "expired",
            "no-cache",
            "no-store",
            "private",
            "no_last_modified",
            "no_etag",
            "auth",
            "any",
            "",
        ];
        let word = directive.args[0].as_str();
        match directive.name.as_str() {
            "gzip" => said.gzip = Some(flag(directive)?),
            "gzip_vary" => said.gzip_vary = Some(flag(directive)?),
            "gzip_comp_level" => match number(directive, word)? {
                level @ 1..=9 => said.gzip_level = Some(u32::try_from(level).unwrap_or(1)),
                _ => return refuse(directive, "value must be between 1 and 9"),
            },
            "gzip_min_length" => said.gzip_min_length = Some(size(directive, word)?),
            "gzip_types" => said.gzip_types = Some(set_of(&directive.args, "text/html")),
            "gzip_http_version" => {
                said.gzip_11 = Some(one_of(directive, word, &["1.0", "1.1"])? == 1);
            }
            "gzip_proxied" => {
                for word in &directive.args {
                    one_of(directive, word, &PROXIED)?;
                }
                said.gzip_proxied = Some(Rc::new(directive.args.iter().cloned().collect()));
            }
            "gzip_static" => {
                let kinds = [GzipStatic::Off, GzipStatic::On, GzipStatic::Always];
                let kind = one_of(directive, word, &["off", "on", "always"])?;
                said.gzip_static = Some(kinds[kind]);
            }
            "gzip_disable" => {
                for word in &directive.args {
                    let text = if word == "msie6" { MSIE6 } else { word };
                    let pattern = Pattern::new(text, true, &mut self.names)
                        .map_err(|message| ConfError::at(&directive.place, message))?;
                    push(&mut said.gzip_disable, pattern);
                }
            }
            other => unreachable!("the table has {other}, and nobody understands it"),
        }
        Ok(())
    }

    fn resolver(&mut self, directive: &Directive) -> Result<Option<std::net::SocketAddrV4>> {
        let mut server = None;
        for word in &directive.args {
            if let Some((name, value)) = word.split_once('=') {
                let fine = match name {
                    "valid" => parse_time(value).is_some(),
                    "ipv6" | "ipv4" => matches!(value, "on" | "off"),
                    "status_zone" => false,
                    _ => false,
                };
                if !fine {
                    return refuse(directive, format_args!("invalid parameter: {word}"));
                }
                continue;
            }
            let (host, port) = word.split_once(':').unwrap_or((word, "53"));
            let Ok(port) = port.parse() else {
                return refuse(
                    directive,
                    format_args!("invalid port in resolver \"{word}\""),
                );
            };
            let address = host
                .parse()
                .ok()
                .or_else(|| crate::net::system::resolve_now(host).first().copied());
            let Some(address) = address else {
                return refuse(
                    directive,
                    format_args!("host not found in resolver \"{host}\""),
                );
            };
            server.get_or_insert(std::net::SocketAddrV4::new(address, port));
        }
        if server.is_none() {
            return refuse(directive, "no name servers defined");
        }
        Ok(server)
    }
}

/// One more of a list that is inherited as a whole.
pub(super) fn push<T: Clone>(list: &mut Option<Rc<Vec<T>>>, item: T) {
    Rc::make_mut(list.get_or_insert_default()).push(item);
}

fn set_of(args: &[String], always: &str) -> Rc<BTreeSet<String>> {
    let words = args.iter().map(|word| word.to_ascii_lowercase());
    Rc::new(words.chain([always.to_owned()]).collect())
}

fn log_level(directive: &Directive, word: &str) -> Result<Level> {
    one_of(directive, word, &["info", "notice", "warn", "error"])?;
    Ok(Level::parse(word).unwrap_or(Level::Error))
}

fn status(directive: &Directive, word: &str) -> Result<u16> {
    match number(directive, word)? {
        status @ 400..=599 => Ok(u16::try_from(status).expect("below 600")),
        _ => refuse(directive, "value must be between 400 and 599"),
    }
}

fn expires(directive: &Directive) -> Result<Expires> {
    let word = directive.args[0].as_str();
    if let [first, second] = directive.args.as_slice() {
        if first != "modified" {
            return refuse(directive, "\"expires\" directive invalid value");
        }
        return seconds(directive, second).map(Expires::Modified);
    }
    match word {
        "off" => Ok(Expires::Off),
        "epoch" => Ok(Expires::Epoch),
        "max" => Ok(Expires::Max),
        _ => match word.strip_prefix('@') {
            Some(daily) => {
                let second = seconds(directive, daily)?;
                if !(0..86_400).contains(&second) {
                    return refuse(
                        directive,
                        "\"expires\" directive daily time value must be less than 24 hours",
                    );
                }
                Ok(Expires::Daily(second))
            }
            None => seconds(directive, word).map(Expires::Access),
        },
    }
}

fn seconds(directive: &Directive, word: &str) -> Result<i64> {
    let (sign, rest) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word.strip_prefix('+').unwrap_or(word)),
    };
    let ms = if rest.ends_with("ms") {
        None
    } else {
        parse_time(rest)
    };
    match ms.and_then(|ms| i64::try_from(ms / 1000).ok()) {
        Some(seconds) => Ok(sign * seconds),
        None => invalid(directive),
    }
}
