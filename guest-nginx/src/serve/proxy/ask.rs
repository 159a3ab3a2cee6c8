//! The request as an upstream gets it. It sends nothing.

use crate::nginx::turn::Turn;

/// Headers that are never passed as the client wrote them.
const OWN: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "keep-alive",
    "expect",
    "upgrade",
];

/// The bytes of the request: line, headers, body.
pub(super) fn request(turn: &Turn<'_>, uri: Option<&str>, whole: bool) -> Vec<u8> {
    let settings = turn.settings();
    let mut bytes = Vec::with_capacity(1024);
    let method = settings.proxy_method.as_ref();
    let method = method.map_or_else(|| turn.method.to_owned(), |method| turn.render_text(method));
    bytes.extend_from_slice(method.as_bytes());
    bytes.push(b' ');
    match uri {
        Some(uri) if whole => bytes.extend_from_slice(uri.as_bytes()),
        uri => bytes.extend_from_slice(&turn.upstream_target(uri)),
    }
    let version = if settings.proxy_11 { "1.1" } else { "1.0" };
    bytes.extend_from_slice(format!(" HTTP/{version}\r\n").as_bytes());
    let body = settings.proxy_body.as_ref().map(|body| turn.render(body));
    let body = match (&body, &turn.body) {
        (Some(body), _) => Some(body.as_slice()),
        (None, Some(body)) if settings.proxy_pass_body => Some(body.as_slice()),
        _ => None,
    };
    headers(turn, body, &mut bytes);
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes
}

fn headers(turn: &Turn<'_>, body: Option<&[u8]>, bytes: &mut Vec<u8>) {
    let settings = turn.settings();
    let mut line = |name: &[u8], value: &[u8]| {
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    let set = &settings.proxy_headers;
    let is_set = |name: &str| {
        set.iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    for (name, value) in set.iter() {
        let value = turn.render(value);
        if !value.is_empty() {
            line(name.as_bytes(), &value);
        }
    }
    if !is_set("host") {
        line(b"Host", turn.proxy_host.as_bytes());
    }
    if !is_set("connection") {
        line(b"Connection", b"close");
    }
    let declared = turn.request.header("content-length").is_some();
    match body {
        Some(body) if !is_set("content-length") => {
            line(b"Content-Length", body.len().to_string().as_bytes());
        }
        None if declared && settings.proxy_pass_body && !is_set("content-length") => {
            line(b"Content-Length", b"0");
        }
        _ => {}
    }
    if !settings.proxy_pass_headers {
        return;
    }
    for (name, value) in turn.request.headers() {
        let text = std::str::from_utf8(name).unwrap_or_default();
        let own = OWN.iter().any(|own| own.eq_ignore_ascii_case(text));
        if !own && !is_set(text) {
            line(name, value);
        }
    }
}
