//! Nothing that a server or a person writes may break curl: mutated examples for every parser.

use guest_curl::auth::Challenge;
use guest_curl::body::Decoder;
use guest_curl::cookie::{Jar, Place};
use guest_curl::glob::unfold;
use guest_curl::head::{Framing, Head};
use guest_curl::url::{Reading, Url};

const ROUNDS: u32 = 20_000;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn no_head_of_an_answer_breaks_it() {
    let corpus: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close",
        b"HTTP/1.0 404 Not Found\nTransfer-Encoding: gzip, chunked\n folded",
        b"HTTP/2 200\nContent-Length: 18446744073709551616",
    ];
    let words: &[&[u8]] = &[
        b"Content-Length:",
        b"chunked",
        b"\n",
        b"\0",
        b"HTTP/",
        b": ",
        b"-1",
    ];
    trial::fuzz(ROUNDS, corpus, words, |bytes| {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let Ok(mut head) = Head::begin(&text(lines.next().unwrap_or_default())) else {
            return;
        };
        for line in lines {
            if head.add(line).is_err() {
                return;
            }
        }
        let _ = head.length();
        let framing = head.framing("GET", false);
        if framing == Framing::Chunked {
            assert!(head.is_chunked());
        }
        let _ = head.keeps_alive();
    });
}

#[test]
fn no_body_breaks_it_and_pieces_do_not_matter() {
    let corpus: &[&[u8]] = &[
        b"5\r\nhello\r\n0\r\n\r\n",
        b"a;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\nrest",
        b"ffffffffffffffff\r\nabc",
    ];
    trial::fuzz(ROUNDS, corpus, &[b"\r\n", b"0", b"f"], |bytes| {
        let decode = |size: usize| {
            let mut decoder = Decoder::new(Framing::Chunked);
            let (mut left, mut body) = (Vec::new(), Vec::new());
            for piece in bytes.chunks(size) {
                left.extend_from_slice(piece);
                match decoder.take(&mut left) {
                    Ok(part) => body.extend(part),
                    Err(_) => return None,
                }
            }
            Some((body, left, decoder.is_done()))
        };
        assert_eq!(decode(1), decode(bytes.len().max(1)));
    });
}

#[test]
fn no_url_breaks_it_and_what_is_understood_is_understood_again() {
    let corpus: &[&[u8]] = &[
        b"http://user:pass@host.example:8080/a/../b?c=d#e",
        b"https://[fe80::1%25eth0]:443/",
        b"127.1/%41",
        b"HTTP:///x",
    ];
    let words: &[&[u8]] = &[
        b"://", b"@", b"[", b"]", b"%00", b"..", b"?", b"#", b":", b"0x7f",
    ];
    trial::fuzz(ROUNDS, corpus, words, |bytes| {
        let text = text(bytes);
        for lenient in [false, true] {
            let reading = Reading {
                lenient,
                ..Reading::default()
            };
            if let Ok(url) = Url::read(&text, reading) {
                let again = Url::parse(&url.plain());
                assert!(again.is_ok(), "{}", url.plain());
                assert!(url.target.starts_with('/'));
                let _ = Url::read(
                    &url.join(&text),
                    Reading {
                        lenient: true,
                        ..reading
                    },
                );
            }
        }
    });
}

#[test]
fn no_pattern_breaks_it() {
    let corpus: &[&[u8]] = &[
        b"http://h/{a,b}/[1-3]",
        b"[a-z:2]{x}\\{",
        b"[::1]/[001-100:10]",
    ];
    trial::fuzz(
        ROUNDS,
        corpus,
        &[b"{", b"}", b"[", b"]", b",", b"-", b":", b"\\"],
        |bytes| {
            if let Ok(urls) = unfold(&text(bytes)) {
                assert!(urls.len() <= 10_000);
            }
        },
    );
}

#[test]
fn no_cookie_breaks_the_jar_and_its_file_reads_back() {
    let corpus: &[&[u8]] = &[
        b"a=b; Path=/; Domain=.example.com; Max-Age=100; Secure; HttpOnly",
        b"a=\"q\"; Expires=Fri, 01 Jan 2038 00:00:00 GMT",
    ];
    let words: &[&[u8]] = &[
        b"; ",
        b"=",
        b"Path=",
        b"Domain=",
        b"Max-Age=",
        b"Expires=",
        b"\t",
    ];
    let place = Place {
        host: "www.example.com",
        path: "/a/b",
        secure: true,
    };
    trial::fuzz(ROUNDS, corpus, words, |bytes| {
        let mut jar = Jar::default();
        jar.set(&text(bytes), place, 1000);
        let _ = jar.header(place, 1000);
        let file = jar.save(1000);
        let mut again = Jar::default();
        again.load(&file, false, 1000);
        assert!(again.len() <= jar.len());
        again.load(&text(bytes), true, 1000);
    });
}

#[test]
fn no_challenge_breaks_the_login() {
    let corpus: &[&[u8]] =
        &[b"realm=\"r\\\"s\", nonce=abc, qop=\"auth,auth-int\", algorithm=MD5-sess, stale=true"];
    trial::fuzz(ROUNDS, corpus, &[b"\"", b",", b"=", b"\\"], |bytes| {
        let _ = Challenge::parse(&text(bytes));
    });
}
