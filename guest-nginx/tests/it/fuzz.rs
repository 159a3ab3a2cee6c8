//! Bytes that nobody meant: the server answers or closes, and neither panics nor hangs.

use std::cell::RefCell;
use std::rc::Rc;

use guest_nginx::conf::{self, Prefixes, Source};
use guest_nginx::http::{answer, body::Body, range, uri};
use guest_nginx::net;
use guest_nginx::nginx::House;
use guest_nginx::serve::{Face, Server, tls::Certificates};

struct Text<'a>(&'a str);

impl Source for Text<'_> {
    fn read(&self, path: &str) -> Result<String, (u32, &'static str)> {
        match path {
            "/etc/nginx/nginx.conf" => Ok(self.0.to_owned()),
            _ => Err((2, "No such file or directory")),
        }
    }

    fn glob(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn read(text: &str) -> Result<conf::Config, conf::ConfError> {
    let path = "/etc/nginx/nginx.conf";
    conf::read(&Text(text), path, &Prefixes::of(path), None).0
}

#[test]
fn no_configuration_ends_the_program() {
    let corpus = include_str!("../cases/conf.txt");
    let blocks: Vec<&[u8]> = corpus.split("=== ").map(str::as_bytes).collect();
    let words: Vec<&[u8]> = conf::rules::RULES
        .iter()
        .map(|rule| rule.name.as_bytes())
        .chain([&b"{"[..], b"}", b";", b"$", b"\"", b"~", b"127.0.0.1", b"="])
        .collect();
    trial::fuzz(5_000, &blocks, &words, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        // Names are not looked up here: a resolver's answer is no part of this claim.
        if text.contains("proxy_pass") || text.contains("resolver") || text.contains("listen") {
            return;
        }
        let body = text.split("<<'E'").nth(1).unwrap_or(&text);
        let _ = read(body);
    });
}

#[test]
fn no_request_ends_the_server() {
    let config = read(
        "events {} http { access_log off; error_log /dev/null; server { listen 80; \
         location / { return 200 $uri$args$arg_a$http_x; } location ~ (.)b { rewrite ^ /$1?x=$1 last; } \
         location /f { root /nonexistent; try_files $uri $uri/ =404; } } }",
    );
    let face = Face::Nginx(
        Rc::new(config.expect("a configuration")),
        Rc::new(Certificates::default()),
    );
    let server = Server::new(face, House::default());
    let corpus: [&[u8]; 5] = [
        b"GET /a/../b?x=1 HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.0\r\n\r\n",
        b"GET http://h:80/%41%2e%2e/f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"HEAD /f/x HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\n\r\n",
    ];
    let words: [&[u8]; 8] = [
        b"\r\n",
        b"HTTP/1.1",
        b"%2e",
        b"..",
        b"chunked",
        b": ",
        b"Content-Length: 9",
        b"\0",
    ];
    let sent = RefCell::new(0_usize);
    net::block_on(async {
        trial::fuzz(20_000, &corpus, &words, |bytes| {
            let mut pieces = bytes.chunks(7).collect::<Vec<_>>();
            pieces.truncate(600);
            let local = "127.0.0.1:80".parse().expect("an address");
            let work = server.talk_in_memory(local, &pieces);
            let mut work = std::pin::pin!(work);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            match work.as_mut().poll(&mut context) {
                std::task::Poll::Ready(got) => *sent.borrow_mut() += got.len(),
                std::task::Poll::Pending => panic!("it waits for bytes that are there"),
            }
        });
    });
    assert!(*sent.borrow() > 0);
}

#[test]
fn no_answer_of_an_upstream_confuses_the_proxy() {
    let corpus: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ];
    trial::fuzz(
        20_000,
        &corpus,
        &[b"\r\n", b"HTTP/1.1 ", b"ffffffff"],
        |bytes| {
            let Ok(Some((answer, end))) = answer::parse(bytes, 4096) else {
                return;
            };
            let Ok(mut body) = answer.body(false) else {
                return;
            };
            let mut rest = &bytes[end..];
            while !rest.is_empty() {
                let Ok(taken) = body.take(rest) else { return };
                assert!(taken.done || taken.frame + taken.data > 0, "it goes on");
                rest = &rest[taken.frame + taken.data..];
                if taken.done || body == Body::ToEnd {
                    return;
                }
            }
        },
    );
}

#[test]
fn no_target_leaves_the_root() {
    let corpus: [&[u8]; 3] = [b"/a/../b", b"/%2e%2e/x", b"/a//b/./c?d#e"];
    trial::fuzz(
        50_000,
        &corpus,
        &[b"..", b"%2e", b"%2F", b"/", b"%00"],
        |bytes| {
            if let Some(path) = uri::normalize(bytes, true) {
                assert!(path.starts_with('/') && !path.contains("/../"), "{path}");
                assert!(!path.ends_with("/.."), "{path}");
            }
            let _ = range::range(bytes, 100, 10);
            let _ = uri::split_authority(bytes);
        },
    );
}
