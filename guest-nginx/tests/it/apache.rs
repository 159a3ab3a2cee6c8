//! Apache's answers, to the letter.

use crate::site::Fixture;

#[test]
fn it_works_with_apaches_headers_in_apaches_order() {
    let talk = Fixture::apache().talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        talk.received,
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: Apache/2.4.67 (Unix)\r\n\
         Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT\r\nETag: \"2d-60dedc04dd340\"\r\nAccept-Ranges: bytes\r\n\
         Content-Length: 45\r\nContent-Type: text/html\r\n\r\n<html><body><h1>It works!</h1></body></html>\n"
    );
    assert_eq!(
        talk.access,
        "10.0.0.9 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 45\n"
    );
}

#[test]
fn a_missing_page_is_apaches_own() {
    let talk = Fixture::apache().talk("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(talk.header("Content-Length"), Some("236"));
    assert!(talk.received.ends_with(
        "<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n\
         <p>The requested URL was not found on this server.</p>\n</body></html>\n"
    ));
}

#[test]
fn a_file_written_while_it_runs_is_served() {
    let fixture = Fixture::apache();
    fixture.write("host.txt", "pod-1\n");
    fixture.check("/host.txt", "200 OK", "pod-1\n");
}

#[test]
fn methods_dates_and_ranges_follow_apache() {
    let fixture = Fixture::apache();
    for (head, status) in [
        (
            "POST /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 0",
            "200",
        ),
        ("PUT /a.txt HTTP/1.1\r\nHost: x", "405"),
        ("FOO / HTTP/1.1\r\nHost: x", "501"),
        ("OPTIONS / HTTP/1.1\r\nHost: x", "200"),
        // Here a later date is fresh enough, unlike in nginx.
        (
            "GET /a.txt HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: Thu, 02 Jan 2025 03:04:05 GMT",
            "304",
        ),
        ("GET /a.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2", "206"),
        ("GET /a.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=b-a", "200"),
        ("GET /sub HTTP/1.1\r\nHost: x", "301"),
        ("GET /.htaccess HTTP/1.1\r\nHost: x", "403"),
        ("GET / HTTP/1.1", "400"),
    ] {
        assert_eq!(
            fixture.talk(&format!("{head}\r\n\r\n")).statuses(),
            [status],
            "{head}"
        );
    }
}

#[test]
fn an_answer_to_head_has_no_body_and_a_dash_in_the_log() {
    let talk = Fixture::apache().talk("HEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        talk.received
            .ends_with("Content-Length: 6\r\nContent-Type: text/plain\r\n\r\n")
    );
    assert!(talk.access.ends_with("\"HEAD /a.txt HTTP/1.1\" 200 -\n"));
}
