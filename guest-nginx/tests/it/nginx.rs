//! nginx's answers, to the letter.

use crate::site::Fixture;

const GET: &str = "GET /a.txt HTTP/1.1\r\nHost: x\r\n";

#[test]
fn a_file_comes_with_nginxs_headers_in_nginxs_order() {
    let talk = Fixture::nginx("").talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        talk.received,
        "HTTP/1.1 200 OK\r\nServer: nginx/1.27.5\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         Content-Type: text/html\r\nContent-Length: 33\r\nLast-Modified: Tue, 02 Jan 2024 03:04:05 GMT\r\n\
         Connection: keep-alive\r\nETag: \"65937d25-21\"\r\nAccept-Ranges: bytes\r\n\r\n\
         <title>Welcome to nginx!</title>\n"
    );
    assert_eq!(
        talk.access,
        "10.0.0.9 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 33 \"-\" \"-\"\n"
    );
    assert!(!talk.closed);
}

#[test]
fn a_missing_file_is_told_to_the_client_and_to_the_error_log() {
    let talk =
        Fixture::nginx("").talk("GET /nope HTTP/1.1\r\nHost: x\r\nReferer: http://r/\r\n\r\n");
    let (head, body) = talk.received.split_once("\r\n\r\n").expect("a page");
    assert!(
        head.ends_with("Content-Type: text/html\r\nContent-Length: 153\r\nConnection: keep-alive"),
        "{head}"
    );
    assert_eq!(
        body,
        "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n\
         <hr><center>nginx/1.27.5</center>\r\n</body>\r\n</html>\r\n"
    );
    assert_eq!(
        talk.error,
        "2026/01/01 00:00:00 [error] 1#1: *1 open() \"…/nope\" failed (2: No such file or directory), \
         client: 10.0.0.9, server: localhost, request: \"GET /nope HTTP/1.1\", host: \"x\", referrer: \"http://r/\"\n"
    );
}

#[test]
fn a_file_written_later_is_served_at_once() {
    let fixture = Fixture::nginx("default_type text/plain;");
    fixture.check("/a.txt", "200 OK", "hello\n");
    fixture.write("a.txt", "changed\n");
    fixture.check("/a.txt", "200 OK", "changed\n");
}

#[test]
fn a_folder_is_redirected_to_and_without_an_index_forbidden() {
    let fixture = Fixture::nginx("");
    let talk = fixture.talk("GET /sub?q=1 HTTP/1.1\r\nHost: web:8080\r\n\r\n");
    assert_eq!(
        (talk.statuses(), talk.header("Location")),
        (vec!["301"], Some("http://web/sub/?q=1"))
    );
    let talk = fixture.talk("GET /sub/ HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(talk.statuses(), ["403"]);
    assert!(
        talk.error
            .contains("directory index of \"…/sub/\" is forbidden, client"),
        "{}",
        talk.error
    );
}

#[test]
fn pipelined_requests_are_answered_in_order_until_one_closes() {
    let sent = format!(
        "{GET}\r\nHEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /no HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{GET}\r\n"
    );
    let talk = Fixture::nginx("").talk(&sent);
    assert_eq!(talk.statuses(), ["200", "200", "404"]);
    assert!(talk.closed);
    // The answer to HEAD has a length and no body.
    assert_eq!(talk.received.matches("hello").count(), 1);
}

#[test]
fn bodies_are_passed_over_however_they_are_framed() {
    let fixture = Fixture::nginx("");
    let counted =
        format!("POST /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc{GET}\r\n");
    assert_eq!(fixture.talk(&counted).statuses(), ["405", "200"]);
    let chunked = format!(
        "POST /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n{GET}\r\n"
    );
    assert_eq!(fixture.talk(&chunked).statuses(), ["405", "200"]);
    let broken = "GET /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    assert_eq!(fixture.talk(broken).statuses(), ["400"]);
}

#[test]
fn conditions_are_judged_by_date_and_tag() {
    let fixture = Fixture::nginx("");
    for (header, status) in [
        ("If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT", "304"),
        // `exact` is nginx's default: a later date is another date.
        ("If-Modified-Since: Thu, 02 Jan 2025 03:04:05 GMT", "200"),
        ("If-Unmodified-Since: Mon, 02 Jan 2023 03:04:05 GMT", "412"),
        ("If-None-Match: \"65937d25-6\"", "304"),
        ("If-None-Match: \"x\", W/\"65937d25-6\"", "304"),
        ("If-None-Match: \"x\"", "200"),
        ("If-Match: \"x\"", "412"),
    ] {
        assert_eq!(
            fixture.talk(&format!("{GET}{header}\r\n\r\n")).statuses(),
            [status],
            "{header}"
        );
    }
}

#[test]
fn one_range_is_served_and_a_wrong_one_refused() {
    let fixture = Fixture::nginx("");
    let talk = fixture.talk(&format!("{GET}Range: bytes=1-2\r\n\r\n"));
    assert!(
        talk.received
            .ends_with("Content-Range: bytes 1-2/6\r\n\r\nel"),
        "{}",
        talk.received
    );
    let talk = fixture.talk(&format!("{GET}Range: bytes=100-\r\n\r\n"));
    assert_eq!(
        (talk.statuses(), talk.header("Content-Range")),
        (vec!["416"], Some("bytes */6"))
    );
    let talk = fixture.talk(&format!(
        "{GET}Range: bytes=0-1\r\nIf-Range: \"other\"\r\n\r\n"
    ));
    assert_eq!(talk.statuses(), ["200"]);
}

#[test]
fn locations_are_chosen_as_nginx_chooses() {
    let fixture = Fixture::nginx(
        "location / { return 200 root; } location = /x { return 200 exact; } location /x { return 200 prefix; }
         location ^~ /final/ { return 200 final; } location ~ \\.php$ { return 200 regex; }
         location ~* \\.JPG$ { return 200 caseless; }",
    );
    for (path, body) in [
        ("/", "root"),
        ("/x", "exact"),
        ("/xy", "prefix"),
        ("/x/a.php", "regex"),
        ("/final/a.php", "final"),
        ("/a.jpg", "caseless"),
        ("/a.PHP", "root"),
    ] {
        fixture.check(path, "200 OK", body);
    }
}

#[test]
fn return_speaks_redirects_or_hangs_up() {
    let fixture = Fixture::nginx(
        "location = /t { return 200 \"$request_method $uri$is_args$args from $remote_addr\\n\"; }
         location = /m { return 301 https://$host$request_uri; } location = /l { return 302 /x; }
         location = /n { return 204; } location = /g { return 444; } location = /u { return http://u/; }",
    );
    fixture.check("/t?a=b", "200 OK", "GET /t?a=b from 10.0.0.9\n");
    let place = |path: &str| {
        let talk = fixture.talk(&format!("GET {path} HTTP/1.1\r\nHost: web:81\r\n\r\n"));
        (
            talk.statuses().join(" "),
            talk.header("Location").unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(
        place("/m?q"),
        ("301".to_owned(), "https://web/m?q".to_owned())
    );
    assert_eq!(place("/l"), ("302".to_owned(), "http://web/x".to_owned()));
    assert_eq!(place("/u"), ("302".to_owned(), "http://u/".to_owned()));
    fixture.check("/n", "204 No Content", "");
    let talk = fixture.talk("GET /g HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((talk.received.as_str(), talk.closed), ("", true));
}

#[test]
fn error_pages_keep_the_status_unless_told_otherwise() {
    let fixture = Fixture::nginx(
        "location /a { error_page 404 /a.txt; } location /b { error_page 404 =200 /a.txt; }
         location /c { error_page 404 http://e/; } location /d { error_page 404 /missing; }",
    );
    fixture.check("/a/x", "404 Not Found", "hello\n");
    fixture.check("/b/x", "200 OK", "hello\n");
    let talk = fixture.talk("GET /c/x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        (talk.statuses(), talk.header("Location")),
        (vec!["302"], Some("http://e/"))
    );
    assert_eq!(
        fixture
            .talk("GET /d/x HTTP/1.1\r\nHost: x\r\n\r\n")
            .statuses(),
        ["404"]
    );
}

#[test]
fn added_headers_stand_between_the_tag_and_the_ranges() {
    let fixture = Fixture::nginx("add_header X-A b; add_header X-Always c always;");
    let talk = fixture.talk(&format!("{GET}\r\n"));
    let tail =
        "ETag: \"65937d25-6\"\r\nX-A: b\r\nX-Always: c\r\nAccept-Ranges: bytes\r\n\r\nhello\n";
    assert!(talk.received.ends_with(tail), "{}", talk.received);
    let talk = fixture.talk("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        (talk.header("X-A"), talk.header("X-Always")),
        (None, Some("c"))
    );
}

#[test]
fn try_files_alias_and_autoindex_find_what_they_should() {
    let fixture = Fixture::nginx(
        "location /t { try_files $uri /a.txt; } location /n { try_files $uri =410; } autoindex on;",
    );
    fixture.check("/t/x", "200 OK", "hello\n");
    assert_eq!(
        fixture
            .talk("GET /n HTTP/1.1\r\nHost: x\r\n\r\n")
            .statuses(),
        ["410"]
    );
    fixture.check(
        "/sub/",
        "200 OK",
        "<html>\r\n<head><title>Index of /sub/</title></head>\r\n<body>\r\n<h1>Index of /sub/</h1><hr><pre>\
         <a href=\"../\">../</a>\r\n<a href=\"empty/\">empty/</a>                                             \
         \x20               -                   -\r\n</pre><hr></body>\r\n</html>\r\n",
    );
}

#[test]
fn a_body_larger_than_allowed_closes_the_connection() {
    let fixture = Fixture::nginx("client_max_body_size 1k;");
    let talk = fixture.talk("POST /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n");
    assert_eq!((talk.statuses(), talk.closed), (vec!["413"], true));
    assert!(
        talk.error
            .contains("client intended to send too large body: 1025 bytes")
    );
}

#[test]
fn connections_close_when_the_client_or_the_configuration_says_so() {
    let closed = |directives: &str, sent: &str| Fixture::nginx(directives).talk(sent).closed;
    assert!(!closed("", &format!("{GET}\r\n")));
    assert!(closed("", &format!("{GET}Connection: close\r\n\r\n")));
    assert!(closed("", "GET /a.txt HTTP/1.0\r\n\r\n"));
    assert!(!closed(
        "",
        "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    ));
    assert!(closed("keepalive_timeout 0;", &format!("{GET}\r\n")));
    assert!(closed("keepalive_requests 1;", &format!("{GET}\r\n")));
}

#[test]
fn what_a_client_writes_cannot_forge_a_log_line() {
    let talk = Fixture::nginx("").talk(&format!("{GET}User-Agent: a\"b\\c\u{e9}\t.\r\n\r\n"));
    assert!(
        talk.access.ends_with("\"a\\x22b\\x5Cc\\xC3\\xA9\\x09.\"\n"),
        "{}",
        talk.access
    );
}

#[test]
fn names_choose_among_servers_and_the_first_serves_the_rest() {
    let fixture = Fixture::nginx(
        "return 200 first; } server { listen 80; server_name b.test *.wild.test; return 200 second; }
         server { listen 80; server_name exact.wild.test; return 200 third; ",
    );
    for (host, body) in [
        ("b.test", "second"),
        ("B.TEST:80", "second"),
        ("a.wild.test", "second"),
        ("exact.wild.test", "third"),
        ("wild.test", "first"),
        ("other", "first"),
    ] {
        let talk = fixture.talk(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(
            talk.received.ends_with(&format!("\r\n\r\n{body}")),
            "{host}: {}",
            talk.received
        );
    }
}
