//! The command line of curl: one table of options, and what they ask for.
//! An option curl has and this lab lacks is refused by name; it is never passed over.

use std::time::Duration;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub urls: Vec<String>,
    /// `-o` and `-O` in order; they belong to the URLs in order.
    pub outputs: Vec<Output>,
    pub silent: bool,
    pub show_error: bool,
    pub no_meter: bool,
    pub verbose: bool,
    pub include: bool,
    pub head: bool,
    pub location: bool,
    pub max_redirects: Option<u64>,
    pub method: Option<String>,
    pub headers: Vec<String>,
    pub data: Option<Vec<u8>>,
    pub json: bool,
    pub get: bool,
    pub user: Option<String>,
    pub agent: Option<String>,
    pub referrer: Option<String>,
    pub cookie: Option<String>,
    pub range: Option<String>,
    pub max_time: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub write_out: Option<String>,
    pub fail: bool,
    pub fail_with_body: bool,
    pub retry: u64,
    pub retry_delay: Option<Duration>,
    pub retry_connection_refused: bool,
    pub retry_all_errors: bool,
    pub http10: bool,
    pub resolve: Vec<String>,
    pub connect_to: Vec<String>,
    pub no_glob: bool,
    pub dump_header: Option<String>,
    pub output_dir: Option<String>,
    pub create_dirs: bool,
    pub fail_early: bool,
    pub version: bool,
    pub help: bool,
}

/// Where a body goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `-o`
    File(String),
    /// `-O`
    RemoteName,
}

/// Letter (or a blank), name, and whether a value follows.
const OPTIONS: &[(char, &str, bool)] = &[
    ('0', "http1.0", false),
    (' ', "http1.1", false),
    ('4', "ipv4", false),
    ('A', "user-agent", true),
    ('b', "cookie", true),
    ('d', "data", true),
    ('D', "dump-header", true),
    ('e', "referer", true),
    ('f', "fail", false),
    ('g', "globoff", false),
    ('G', "get", false),
    ('h', "help", false),
    ('H', "header", true),
    ('i', "include", false),
    ('I', "head", false),
    ('k', "insecure", false),
    ('L', "location", false),
    ('m', "max-time", true),
    ('N', "no-buffer", false),
    ('o', "output", true),
    ('O', "remote-name", false),
    ('q', "disable", false),
    ('r', "range", true),
    ('s', "silent", false),
    ('S', "show-error", false),
    ('u', "user", true),
    ('v', "verbose", false),
    ('V', "version", false),
    ('w', "write-out", true),
    ('X', "request", true),
    (' ', "connect-timeout", true),
    (' ', "connect-to", true),
    (' ', "create-dirs", false),
    (' ', "data-ascii", true),
    (' ', "data-binary", true),
    (' ', "data-raw", true),
    (' ', "data-urlencode", true),
    (' ', "fail-early", false),
    (' ', "fail-with-body", false),
    (' ', "json", true),
    (' ', "max-redirs", true),
    (' ', "no-progress-meter", false),
    (' ', "output-dir", true),
    (' ', "resolve", true),
    (' ', "retry", true),
    (' ', "retry-all-errors", false),
    (' ', "retry-connrefused", false),
    (' ', "retry-delay", true),
    (' ', "url", true),
    (' ', "basic", false),
];

/// What curl has and this lab has not.
const ABSENT: &[(char, &str)] = &[
    ('#', "progress-bar"),
    ('6', "ipv6"),
    ('2', "sslv2"),
    ('a', "append"),
    ('c', "cookie-jar"),
    ('C', "continue-at"),
    ('E', "cert"),
    ('F', "form"),
    ('J', "remote-header-name"),
    ('j', "junk-session-cookies"),
    ('K', "config"),
    ('l', "list-only"),
    ('M', "manual"),
    ('n', "netrc"),
    ('p', "proxytunnel"),
    ('P', "ftp-port"),
    ('Q', "quote"),
    ('R', "remote-time"),
    ('t', "telnet-option"),
    ('T', "upload-file"),
    ('U', "proxy-user"),
    ('x', "proxy"),
    ('y', "speed-time"),
    ('Y', "speed-limit"),
    ('z', "time-cond"),
    ('Z', "parallel"),
    (' ', "cacert"),
    (' ', "capath"),
    (' ', "ciphers"),
    (' ', "compressed"),
    (' ', "digest"),
    (' ', "doh-url"),
    (' ', "form-string"),
    (' ', "http2"),
    (' ', "http3"),
    (' ', "interface"),
    (' ', "keepalive-time"),
    (' ', "key"),
    (' ', "limit-rate"),
    (' ', "local-port"),
    (' ', "location-trusted"),
    (' ', "negotiate"),
    (' ', "noproxy"),
    (' ', "ntlm"),
    (' ', "oauth2-bearer"),
    (' ', "post301"),
    (' ', "post302"),
    (' ', "post303"),
    (' ', "proto"),
    (' ', "retry-max-time"),
    (' ', "socks5"),
    (' ', "stderr"),
    (' ', "tcp-nodelay"),
    (' ', "tls-max"),
    (' ', "tlsv1.2"),
    (' ', "tlsv1.3"),
    (' ', "trace"),
    (' ', "trace-ascii"),
    (' ', "trace-time"),
    (' ', "unix-socket"),
    (' ', "url-query"),
    (' ', "xattr"),
];

/// Reads a file's bytes; `-` is standard input.
pub type ReadFile<'a> = &'a mut dyn FnMut(&str) -> std::io::Result<Vec<u8>>;

/// Understands the arguments; the error is the words after `curl: `.
pub fn parse(args: &[String], read: ReadFile<'_>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    let mut only_urls = false;
    while let Some(arg) = args.next() {
        if only_urls || arg == "-" || !arg.starts_with('-') {
            options.urls.push(arg.clone());
        } else if arg == "--" {
            only_urls = true;
        } else if let Some(name) = arg.strip_prefix("--") {
            let (name, takes_value) = long(name)?;
            let value = if takes_value {
                Some(next(&mut args, arg)?)
            } else {
                None
            };
            apply(&mut options, name, arg, value, read)?;
        } else {
            letters(&mut options, &arg[1..], &mut args, read)?;
        }
    }
    Ok(options)
}

fn next(args: &mut std::slice::Iter<'_, String>, option: &str) -> Result<String, String> {
    args.next()
        .cloned()
        .ok_or_else(|| format!("option {option}: requires parameter"))
}

fn letters(
    options: &mut Options,
    letters: &str,
    args: &mut std::slice::Iter<'_, String>,
    read: ReadFile<'_>,
) -> Result<(), String> {
    for (at, letter) in letters.char_indices() {
        let shown = format!("-{letter}");
        if ABSENT
            .iter()
            .any(|(other, _)| *other == letter && letter != ' ')
        {
            return Err(format!("option {shown}: is not in this lab yet"));
        }
        let known = OPTIONS
            .iter()
            .find(|(other, ..)| *other == letter && letter != ' ');
        let Some((_, name, takes_value)) = known else {
            return Err(format!("option {shown}: is unknown"));
        };
        if *takes_value {
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() {
                next(args, &shown)?
            } else {
                rest.to_owned()
            };
            return apply(options, name, &shown, Some(value), read);
        }
        apply(options, name, &shown, None, read)?;
    }
    Ok(())
}

/// The option of a name or of an unambiguous beginning.
fn long(name: &str) -> Result<(&'static str, bool), String> {
    let absent = |found: &str| Err(format!("option --{found}: is not in this lab yet"));
    if let Some((_, exact, value)) = OPTIONS.iter().find(|(_, other, _)| *other == name) {
        return Ok((exact, *value));
    }
    if let Some((_, exact)) = ABSENT.iter().find(|(_, other)| *other == name) {
        return absent(exact);
    }
    let known = OPTIONS
        .iter()
        .filter(|(_, other, _)| other.starts_with(name))
        .map(|(_, other, value)| (*other, Some(*value)));
    let missing = ABSENT
        .iter()
        .filter(|(_, other)| other.starts_with(name))
        .map(|(_, other)| (*other, None));
    let mut candidates = known.chain(missing);
    match (candidates.next(), candidates.next()) {
        (Some((name, Some(value))), None) => Ok((name, value)),
        (Some((name, None)), None) => absent(name),
        (Some(_), Some(_)) => Err(format!("option --{name}: is ambiguous")),
        (None, _) => Err(format!("option --{name}: is unknown")),
    }
}

fn seconds(shown: &str, value: &str) -> Result<Duration, String> {
    let number = value
        .parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    number.ok_or_else(|| format!("option {shown}: expected a proper numerical parameter"))
}

fn count(shown: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("option {shown}: expected a proper numerical parameter"))
}

fn apply(
    options: &mut Options,
    name: &str,
    shown: &str,
    value: Option<String>,
    read: ReadFile<'_>,
) -> Result<(), String> {
    let value = value.unwrap_or_default();
    match name {
        "http1.0" => options.http10 = true,
        "http1.1" => options.http10 = false,
        // IPv4 is all there is, certificates are not checked where there are none, output is never held back,
        // there is no .curlrc, and Basic is the only way to say who one is.
        "ipv4" | "insecure" | "no-buffer" | "disable" | "basic" => {}
        "user-agent" => options.agent = Some(value),
        "cookie" if !value.contains('=') => {
            return Err(format!(
                "option {shown}: a cookie file is not in this lab yet"
            ));
        }
        "cookie" => options.cookie = Some(value),
        "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" | "json" => {
            options.json |= name == "json";
            add_data(options, name, &value, read);
        }
        "dump-header" => options.dump_header = Some(value),
        "referer" => options.referrer = Some(value),
        "fail" => options.fail = true,
        "globoff" => options.no_glob = true,
        "get" => options.get = true,
        "help" => options.help = true,
        "header" => add_header(options, &value, read),
        "include" => options.include = true,
        "head" => options.head = true,
        "location" => options.location = true,
        "max-time" => {
            options.max_time = Some(seconds(shown, &value)?).filter(|time| !time.is_zero())
        }
        "output" => options.outputs.push(Output::File(value)),
        "remote-name" => options.outputs.push(Output::RemoteName),
        "range" => options.range = Some(value),
        "silent" => options.silent = true,
        "show-error" => options.show_error = true,
        "user" => {
            options.user = Some(if value.contains(':') {
                value
            } else {
                format!("{value}:")
            })
        }
        "verbose" => options.verbose = true,
        "version" => options.version = true,
        "write-out" => options.write_out = Some(write_out(shown, value, read)?),
        "request" => options.method = Some(value),
        "connect-timeout" => {
            options.connect_timeout = Some(seconds(shown, &value)?).filter(|time| !time.is_zero())
        }
        "connect-to" => options.connect_to.push(value),
        "create-dirs" => options.create_dirs = true,
        "fail-early" => options.fail_early = true,
        "fail-with-body" => options.fail_with_body = true,
        // A negative number is no limit.
        "max-redirs" if value.starts_with('-') => options.max_redirects = Some(u64::MAX),
        "max-redirs" => options.max_redirects = Some(count(shown, &value)?),
        "no-progress-meter" => options.no_meter = true,
        "output-dir" => options.output_dir = Some(value),
        "resolve" => options.resolve.push(value),
        "retry" => options.retry = count(shown, &value)?,
        "retry-all-errors" => options.retry_all_errors = true,
        "retry-connrefused" => options.retry_connection_refused = true,
        "retry-delay" => {
            options.retry_delay = Some(seconds(shown, &value)?).filter(|time| !time.is_zero())
        }
        "url" => options.urls.push(value),
        other => unreachable!("--{other} stands in the table and nowhere else"),
    }
    Ok(())
}

fn write_out(shown: &str, value: String, read: ReadFile<'_>) -> Result<String, String> {
    match value.strip_prefix('@') {
        None => Ok(value),
        Some(file) => read(file)
            .map(|bytes| String::from_utf8_lossy(&bytes).replace(['\r', '\n'], ""))
            .map_err(|_| format!("option {shown}: error encountered when reading a file")),
    }
}

fn add_header(options: &mut Options, value: &str, read: ReadFile<'_>) {
    match value.strip_prefix('@') {
        None => options.headers.push(value.to_owned()),
        Some(file) => {
            let text = read(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            options.headers.extend(
                text.lines()
                    .filter(|line| !line.trim().is_empty())
                    .map(str::to_owned),
            );
        }
    }
}

/// A file that cannot be read counts as empty, as in curl.
fn add_data(options: &mut Options, name: &str, value: &str, read: ReadFile<'_>) {
    let piece = match (name, value.strip_prefix('@')) {
        ("data-urlencode", _) => encoded(value, read),
        ("data-raw", _) | (_, None) => value.as_bytes().to_vec(),
        ("data-binary" | "json", Some(file)) => read(file).unwrap_or_default(),
        (_, Some(file)) => {
            let mut bytes = read(file).unwrap_or_default();
            bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            bytes
        }
    };
    match &mut options.data {
        None => options.data = Some(piece),
        Some(data) => {
            if name != "json" {
                data.push(b'&');
            }
            data.extend(piece);
        }
    }
}

/// `content`, `=content`, `name=content`, `@file` and `name@file`.
fn encoded(value: &str, read: ReadFile<'_>) -> Vec<u8> {
    let (name, content) = match value.find(['=', '@']) {
        Some(cut) if value.as_bytes()[cut] == b'=' => {
            (&value[..cut], value.as_bytes()[cut + 1..].to_vec())
        }
        Some(cut) => (&value[..cut], read(&value[cut + 1..]).unwrap_or_default()),
        None => ("", value.as_bytes().to_vec()),
    };
    let mut out = if name.is_empty() {
        Vec::new()
    } else {
        format!("{name}=").into_bytes()
    };
    for byte in content {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            other => out.extend(format!("%{other:02X}").into_bytes()),
        }
    }
    out
}
