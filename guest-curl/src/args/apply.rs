//! What each option changes. Refusing and finding options is done before; nothing is transferred here.

use super::number::{Size, count, seconds, signed, size};
use super::operation::{Auth, Output, TimeCondition, Trace};
use super::{Command, Found, Operation, Problem, Request, Stop, config, data, works};
use crate::date;
use crate::files;
use crate::voice::Voice;

/// The protocols there are.
const PROTOCOLS: [&str; 2] = ["http", "https"];

/// Carries out one option.
pub(crate) fn apply(
    command: &mut Command,
    found: &Found,
    value: &str,
    voice: &Voice,
) -> Result<(), Problem> {
    if !works(found)? {
        return Ok(());
    }
    if global(command, found, value, voice)? {
        return Ok(());
    }
    let operation = command.current();
    if switch(operation, found, voice)? || amount(operation, found, value, voice)? {
        return Ok(());
    }
    text(operation, found, value, voice)
}

/// Options that hold for all URLs, and those that are orders.
fn global(
    command: &mut Command,
    found: &Found,
    value: &str,
    voice: &Voice,
) -> Result<bool, Problem> {
    let on = found.on;
    match found.opt.name {
        "silent" => voice.silent.set(on),
        "show-error" => voice.show_error.set(on),
        "stderr" => voice.redirect(value),
        "progress-meter" => command.global.no_meter = !on,
        "progress-bar" => command.global.progress_bar = on,
        "fail-early" => command.global.fail_early = on,
        "styled-output" => command.global.unstyled = !on,
        "trace-time" => command.global.trace_time = on,
        "verbose" => command.global.trace = if on { Trace::Verbose } else { Trace::Nothing },
        "trace-ascii" => command.global.trace = Trace::Ascii(value.to_owned()),
        "trace" => command.global.trace = Trace::Hex(value.to_owned()),
        "help" => return Err(Problem::Stop(Stop::Help(None))),
        "version" => return Err(Problem::Stop(Stop::Version)),
        "config" => config::add(command, value, voice)?,
        "next" => {
            // Without a URL before it, there is nothing to go on from.
            if command
                .current()
                .nodes
                .iter()
                .any(|node| node.url.is_some())
            {
                command.operations.push(Operation::default());
            }
        }
        _ => return Ok(false),
    }
    voice.verbose.set(command.global.trace != Trace::Nothing);
    Ok(true)
}

/// Options without a value.
fn switch(operation: &mut Operation, found: &Found, voice: &Voice) -> Result<bool, Problem> {
    let on = found.on;
    match found.opt.name {
        "anyauth" => operation.auth = if on { Auth::Any } else { Auth::Basic },
        "digest" => operation.auth = if on { Auth::Digest } else { Auth::Basic },
        "basic" => operation.auth = Auth::Basic,
        "compressed" => operation.compressed = on,
        "create-dirs" => operation.create_dirs = on,
        // It is looked for before anything else is read.
        "disable" => {}
        "disallow-username-in-url" => operation.no_user_in_url = on,
        "fail" => operation.fail = on,
        "fail-with-body" => operation.fail_with_body = on,
        "form-escape" => operation.form_escape = on,
        "get" => operation.get = on,
        "globoff" => operation.no_glob = on,
        "head" => {
            operation.head = on;
            let kind = if on { Request::Head } else { Request::Get };
            if !operation.request.set(kind, voice) {
                return Err(Problem::BadUse);
            }
        }
        "http1.0" => operation.http10 = true,
        "http1.1" => operation.http10 = false,
        "ignore-content-length" => operation.ignore_length = on,
        "include" => operation.include = on,
        "insecure" => operation.insecure = on,
        "ipv4" => operation.only_ipv6 = false,
        "ipv6" => operation.only_ipv6 = true,
        "junk-session-cookies" => operation.new_session = on,
        "location" => operation.location = on,
        "location-trusted" => {
            operation.location = on;
            operation.location_trusted = on;
        }
        "netrc" => operation.netrc = on,
        "netrc-optional" => operation.netrc_optional = on,
        "alpn" => operation.no_alpn = !on,
        "clobber" => operation.no_clobber = !on,
        "path-as-is" => operation.path_as_is = on,
        "post301" => operation.post_stays[0] = on,
        "post302" => operation.post_stays[1] = on,
        "post303" => operation.post_stays[2] = on,
        // The only way to log in to a proxy here.
        "proxy-basic" => {}
        "proxytunnel" => operation.proxy_tunnel = on,
        "raw" => operation.raw = on,
        "remote-header-name" => operation.content_disposition = on,
        "remote-name" if on => operation.add_output(Output::RemoteName),
        "remote-name" => operation.add_output(Output::Stdout),
        "remote-name-all" => operation.remote_name_all = on,
        "remove-on-error" => operation.remove_on_error = on,
        "retry-all-errors" => operation.retry_all_errors = on,
        "retry-connrefused" => operation.retry_connection_refused = on,
        "suppress-connect-headers" => operation.hide_connect = on,
        "sslv2" => voice.warn("Ignores instruction to use SSLv2"),
        "sslv3" => voice.warn("Ignores instruction to use SSLv3"),
        "tlsv1" | "tlsv1.0" => operation.tls_min = Some(10),
        "tlsv1.1" => operation.tls_min = Some(11),
        "tlsv1.2" => operation.tls_min = Some(12),
        "tlsv1.3" => operation.tls_min = Some(13),
        _ => return Ok(false),
    }
    if operation.fail && operation.fail_with_body {
        voice.error("You must select either --fail or --fail-with-body, not both.");
        return Err(Problem::BadUse);
    }
    Ok(true)
}

/// Options whose value is a number or a time.
fn amount(
    operation: &mut Operation,
    found: &Found,
    value: &str,
    voice: &Voice,
) -> Result<bool, Problem> {
    match found.opt.name {
        "connect-timeout" => operation.connect_timeout = seconds(value)?,
        "max-time" => operation.max_time = seconds(value)?,
        "expect100-timeout" => operation.expect_timeout = Some(seconds(value)?.unwrap_or_default()),
        "max-redirs" => {
            let most = signed(value)?;
            if most < -1 {
                return Err(Problem::Number);
            }
            operation.max_redirects = Some(most);
        }
        "retry" => operation.retry = count(value)?,
        "retry-delay" => operation.retry_delay = whole_seconds(value)?,
        "retry-max-time" => operation.retry_max_time = whole_seconds(value)?,
        "speed-limit" => {
            operation.speed_limit = count(value)?;
            if operation.speed_time.is_zero() {
                operation.speed_time = std::time::Duration::from_secs(30);
            }
        }
        "speed-time" => {
            operation.speed_time = std::time::Duration::from_secs(count(value)?);
            operation.speed_limit = operation.speed_limit.max(1);
        }
        "limit-rate" => {
            operation.limit_rate = Some(bytes(value, "rate", voice)?).filter(|n| *n > 0)
        }
        "max-filesize" => {
            operation.max_size = Some(bytes(value, "max-filesize", voice)?).filter(|n| *n > 0)
        }
        "continue-at" if value == "-" => operation.resume = Some(None),
        "continue-at" => operation.resume = Some(Some(count(value)?)),
        "tls-max" => {
            operation.tls_max = match value {
                "default" => None,
                "1.0" => Some(10),
                "1.1" => Some(11),
                "1.2" => Some(12),
                "1.3" => Some(13),
                _ => return Err(Problem::BadUse),
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn whole_seconds(value: &str) -> Result<Option<std::time::Duration>, Problem> {
    let seconds = count(value)?;
    Ok((seconds > 0).then(|| std::time::Duration::from_secs(seconds)))
}

fn bytes(value: &str, what: &str, voice: &Voice) -> Result<u64, Problem> {
    match size(value) {
        Size::Bytes(bytes) => Ok(bytes),
        Size::BadUnit => {
            voice.warn(&format!("unsupported {what} unit. Use G, M, K or B!"));
            Err(Problem::BadUse)
        }
        Size::BadNumber => {
            voice.warn(&format!("invalid number specified for {what}"));
            Err(Problem::BadUse)
        }
        Size::TooLarge => Err(Problem::TooLarge),
    }
}

/// The file in `file:password`, where `\\:` is a colon and `\\\\` a backslash. Keys are never encrypted
/// in this lab, so nobody needs the password.
fn without_password(value: &str) -> String {
    let mut file = String::new();
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            (':', _) => break,
            ('\\', Some(':' | '\\')) => file.extend(letters.next()),
            _ => file.push(letter),
        }
    }
    file
}

/// Options whose value is text.
fn text(
    operation: &mut Operation,
    found: &Found,
    value: &str,
    voice: &Voice,
) -> Result<(), Problem> {
    let own = || Some(value.to_owned());
    match found.opt.name {
        "cacert" => operation.ca_file = own(),
        "cert" => operation.cert = Some(without_password(value)),
        "key" => operation.key = own(),
        "connect-to" => operation.connect_to.push(value.to_owned()),
        "cookie" if value.contains('=') => operation.cookies.push(value.to_owned()),
        "cookie" => operation.cookie_files.push(value.to_owned()),
        "cookie-jar" => operation.cookie_jar = own(),
        "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" | "json"
        | "url-query" => data::add(operation, found.opt.name, value, voice)?,
        "form" => data::add_part(operation, value, false, voice)?,
        "form-string" => data::add_part(operation, value, true, voice)?,
        "dump-header" => operation.dump_header = own(),
        "etag-compare" => operation.etag_compare = own(),
        "etag-save" => operation.etag_save = own(),
        "header" => data::add_headers(&mut operation.headers, value, voice)?,
        "proxy-header" => data::add_headers(&mut operation.proxy_headers, value, voice)?,
        "netrc-file" => {
            operation.netrc = true;
            operation.netrc_file = own();
        }
        "noproxy" => operation.no_proxy = own(),
        "oauth2-bearer" => operation.bearer = own(),
        "output" => operation.add_output(Output::File(value.to_owned())),
        "output-dir" => operation.output_dir = own(),
        "proto" => operation.protocols = Some(protocols(value, voice)),
        "proto-redir" => operation.protocols_redirect = Some(protocols(value, voice)),
        "proto-default" if PROTOCOLS.contains(&value) => operation.protocol_default = own(),
        "proto-default" => return Err(Problem::Protocol),
        "proxy" => operation.proxy = own(),
        "proxy-user" => operation.proxy_user = own(),
        "range" => operation.range = Some(range(value, voice)),
        "referer" => {
            let (referrer, auto) = match value.strip_suffix(";auto") {
                Some(start) => (start, true),
                None => (value, false),
            };
            operation.auto_referrer = auto;
            operation.referrer = Some(referrer.to_owned()).filter(|text| !text.is_empty());
        }
        "request" => operation.method = own(),
        "request-target" => operation.request_target = own(),
        "resolve" => operation.resolve.push(value.to_owned()),
        "time-cond" => operation.condition = condition(value, voice),
        "upload-file" => operation.add_upload(value),
        "url" => operation.add_url(value),
        "user" => operation.user = own(),
        "user-agent" => operation.agent = own(),
        "write-out" => operation.write_out = Some(write_out(value, voice)),
        other => unreachable!("--{other} works, so that it stands in one of the four lists"),
    }
    Ok(())
}

fn write_out(value: &str, voice: &Voice) -> String {
    let Some(file) = value.strip_prefix('@') else {
        return value.to_owned();
    };
    let Ok(bytes) = files::read(file) else {
        voice.warn(&format!("Failed to read {file}"));
        return String::new();
    };
    String::from_utf8_lossy(&bytes).replace(['\r', '\n'], "")
}

fn range(value: &str, voice: &Voice) -> String {
    if !value.contains('-') && value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty()
    {
        voice.warn("A specified range MUST include at least one dash (-). Appending one for you!");
        return format!("{value}-");
    }
    if !value
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b','))
    {
        voice.warn(
            "Invalid character is found in given range. A specified range MUST have only digits in \
             'start'-'stop'. The server's response to this request is uncertain.",
        );
    }
    value.to_owned()
}

fn condition(value: &str, voice: &Voice) -> Option<TimeCondition> {
    let (older, text) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let unix = date::parse(text).or_else(|| files::modified(text));
    if unix.is_none() {
        voice.warn(
            "Illegal date format for -z, --time-cond (and not a file name). Disabling time \
             condition. See curl_getdate(3) for valid date syntax.",
        );
    }
    unix.map(|unix| TimeCondition { older, unix })
}

/// `=https`, `-all,+http`, `https`: the protocols that are left.
fn protocols(value: &str, voice: &Voice) -> Vec<&'static str> {
    let mut allowed: Vec<&'static str> = PROTOCOLS.to_vec();
    for word in value.split(',').filter(|word| !word.is_empty()) {
        let (action, name) = match word.as_bytes()[0] {
            sign @ (b'+' | b'-' | b'=') => (sign, &word[1..]),
            _ => (b'+', word),
        };
        let meant: Vec<&'static str> = match name {
            "all" => PROTOCOLS.to_vec(),
            _ => PROTOCOLS
                .iter()
                .copied()
                .filter(|known| *known == name)
                .collect(),
        };
        if meant.is_empty() {
            voice.warn(&format!("unrecognized protocol '{name}'"));
        }
        match action {
            b'-' => allowed.retain(|known| !meant.contains(known)),
            b'=' => allowed = meant,
            _ => {
                let new: Vec<_> = meant.into_iter().filter(|m| !allowed.contains(m)).collect();
                allowed.extend(new);
            }
        }
    }
    allowed
}
