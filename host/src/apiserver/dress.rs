//! What an answer wears on its way out: the headers of the real server and gzip.
//! Never changes what is answered.

use super::body::ApiBody;
use super::outcome::uuid;
use crate::shell::Shell;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::cell::Cell;
use std::io::Write;

/// Answers larger than this are packed for those who can unpack, upstream's `defaultGzipThresholdBytes`.
const GZIP_FROM: usize = 128 * 1024;
const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
const FLOW_SCHEMA: HeaderName = HeaderName::from_static("x-kubernetes-pf-flowschema-uid");
const PRIORITY_LEVEL: HeaderName = HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid");

thread_local! {
    /// Requests so far, so that no two have the same `Audit-Id`.
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

/// Adds what every answer of the API server has, unless it has it already.
pub(super) fn headers(headers: &mut HeaderMap, shell: &Shell) {
    let count = REQUESTS.get() + 1;
    REQUESTS.set(count);
    let epoch = shell.epoch().to_string();
    let text = |text: String| HeaderValue::try_from(text).expect("digits, letters and hyphens");
    headers.insert(AUDIT_ID, text(uuid(&[&epoch, &count.to_string()])));
    let usual = HeaderValue::from_static("no-cache, private");
    headers.entry(CACHE_CONTROL).or_insert(usual);
    headers.insert(FLOW_SCHEMA, text(uuid(&[&epoch, "exempt"])));
    headers.insert(PRIORITY_LEVEL, text(uuid(&[&epoch, "exempt level"])));
    if headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/plain; charset=utf-8")
    {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
}

/// The world's time, not the host's.
pub(super) fn date(headers: &mut HeaderMap, shell: &Shell) {
    let seconds = i64::try_from(shell.unix_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
    let printed = Timestamp::from_second(seconds).ok().and_then(|now| {
        DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&now)
            .ok()
    });
    if let Some(date) = printed.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(DATE, date);
    }
}

/// Whether a client can unpack gzip, in upstream's reading of `Accept-Encoding`.
pub(super) fn takes_gzip(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| accept.split(',').any(|token| token.trim() == "gzip"))
}

/// Packs a large answer.
pub(super) fn pack(response: &mut hyper::Response<ApiBody>) {
    let packed = match response.body() {
        ApiBody::Full(Some(bytes)) if bytes.len() > GZIP_FROM => {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(bytes).and_then(|()| packer.finish())
        }
        _ => return,
    };
    // Writing to memory does not fail; if it did the answer would go as it is.
    let Ok(packed) = packed else { return };
    *response.body_mut() = ApiBody::full(packed);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_answers_are_packed() {
        for (size, packed) in [(GZIP_FROM, false), (GZIP_FROM + 1, true)] {
            let mut response = hyper::Response::new(ApiBody::full(vec![b'a'; size]));
            pack(&mut response);
            assert_eq!(response.headers().contains_key(CONTENT_ENCODING), packed);
        }
    }

    #[test]
    fn gzip_is_wanted_by_its_name_alone() {
        assert!(takes_gzip(Some("deflate, gzip")));
        assert!(!takes_gzip(Some("gzip;q=0")));
        assert!(!takes_gzip(Some("identity")));
        assert!(!takes_gzip(None));
    }
}
