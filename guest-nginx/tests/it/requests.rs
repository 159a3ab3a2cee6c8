//! What is a request and what is none, as nginx judges.

use guest_nginx::connection::{Connection, Incoming};
use proptest::prelude::*;

/// The path of a request, or the status of its refusal.
#[track_caller]
fn check(sent: &str, expect: Result<&str, u16>) {
    // In one piece and byte by byte it is the same request.
    for size in [sent.len().max(1), 1] {
        let mut connection = Connection::default();
        let mut found = None;
        for piece in sent.as_bytes().chunks(size) {
            connection.handle_bytes(piece);
            found = found.or_else(|| connection.poll_request());
        }
        let got = match found {
            Some(Incoming::Request(request)) => Ok(request.path),
            Some(Incoming::Reject(reject)) => Err(reject.status),
            other => panic!("{sent:?} came to {other:?}"),
        };
        assert_eq!(
            got.as_deref().map_err(|status| *status),
            expect,
            "{sent:?} in pieces of {size}"
        );
    }
}

#[test]
fn good_requests_are_understood_in_every_form() {
    check("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", Ok("/a"));
    check("\r\n\r\nGET /a HTTP/1.1\nHost: x\n\n", Ok("/a"));
    check("GET http://h/a?q HTTP/1.1\r\nHost: x\r\n\r\n", Ok("/a"));
    check("GET //b/../%61 HTTP/1.0\r\n\r\n", Ok("/a"));
    check("GET /a\r\n", Ok("/a"));
    check("GET /a HTTP/1.2\r\nHost: x\r\nnocolon\r\n\r\n", Ok("/a"));
}

#[test]
fn malformed_lines_are_refused() {
    for line in [
        "get / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET a HTTP/1.1",
        "GET / HTTQ/1.1",
        "GET /../x HTTP/1.1",
        "GET /%zz HTTP/1.1",
        "GET /%00 HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "GET / HTTP/1.1x",
    ] {
        check(&format!("{line}\r\nHost: x\r\n\r\n"), Err(400));
    }
    check("GET / HTTP/2.0\r\nHost: x\r\n\r\n", Err(505));
    check("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", Err(405));
}

#[test]
fn malformed_headers_are_refused() {
    for header in [
        "Bad Header: 1",
        "Bad : 1",
        " folded",
        "A: \0",
        "Host: y",
        "Host: x/y",
        "Content-Length: zz",
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length: 99999999999999999999",
    ] {
        check(
            &format!("GET / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"),
            Err(400),
        );
    }
    check("GET / HTTP/1.1\r\n\r\n", Err(400));
    check("GET / HTTP/1.1\r\nHost: \r\n\r\n", Err(400));
    check(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        Err(501),
    );
}

#[test]
fn heads_have_limits() {
    // One line may have 8 KiB, the whole head 32 KiB, as with `large_client_header_buffers 4 8k`.
    let long = "a".repeat(9000);
    check(
        &format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        Err(414),
    );
    check(
        &format!("GET / HTTP/1.1\r\nHost: x\r\nA: {long}\r\n\r\n"),
        Err(494),
    );
    let many = format!("A: {}\r\n", "a".repeat(4000)).repeat(10);
    check(
        &format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        Err(494),
    );
    check(&"\r\n".repeat(20_000), Err(400));
}

proptest! {
    #[test]
    fn no_bytes_break_the_parser(pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..8)) {
        let mut connection = Connection::default();
        for piece in pieces {
            connection.handle_bytes(&piece);
            while connection.poll_request().is_some() {}
        }
    }

    #[test]
    fn no_head_breaks_the_parser(head in "(GET|POST|HEAD) [ -~]{0,40} HTTP/1.[01]\r\n([A-Za-z-]{1,12}: [ -~]{0,20}\r\n){0,4}(Host: [ -~]{0,9}\r\n)?(Transfer-Encoding: chunked\r\n)?\r\n[0-9a-f\r\n]{0,40}") {
        let mut connection = Connection::default();
        connection.handle_bytes(head.as_bytes());
        while connection.poll_request().is_some() {}
    }
}
