//! httpd's manners in memory, by the configuration of its image.

use std::rc::Rc;

use guest_nginx::apache::Apache;
use guest_nginx::apache::conf::{self, Source};
use guest_nginx::net;
use guest_nginx::nginx::House;
use guest_nginx::serve::{Face, Server};

/// The image's folder, elsewhere.
fn talk(name: &str, sent: &[u8]) -> String {
    let root = std::env::temp_dir().join(format!("guest-httpd-{}-{name}", std::process::id()));
    for folder in ["conf", "htdocs/sub", "logs"] {
        std::fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    let here = root.display().to_string();
    let text = include_str!("../../files/httpd.conf").replace("/usr/local/apache2", &here);
    for (path, text) in [
        ("conf/httpd.conf", text.as_str()),
        (
            "conf/mime.types",
            include_str!("../../files/httpd-mime.types"),
        ),
        (
            "htdocs/index.html",
            include_str!("../../files/httpd-index.html"),
        ),
        ("htdocs/.htpasswd", "ann:secret\n"),
    ] {
        std::fs::write(root.join(path), text).expect("a file");
    }
    let source = Source {
        root: here,
        file: "conf/httpd.conf".to_owned(),
        ..Source::default()
    };
    let config = conf::read(&source).expect("the image's configuration is a good one");
    assert_eq!(config.warnings, Vec::<String>::new());
    let site = Apache::with(config).expect("the types are there");
    let server = Server::new(Face::Httpd(Rc::new(site)), House::default());
    let local = "127.0.0.1:80".parse().expect("an address");
    let got = net::block_on(server.talk_in_memory(local, &[sent]));
    std::fs::remove_dir_all(&root).expect("it was made above");
    String::from_utf8(got).expect("text")
}

#[test]
fn it_works() {
    let got = talk(
        "works",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(got.starts_with("HTTP/1.1 200 OK\r\nDate: "), "{got}");
    assert!(
        got.contains("\r\nServer: Apache/2.4.67 (Unix)\r\nLast-Modified: "),
        "{got}"
    );
    assert!(got.contains("\r\nContent-Type: text/html\r\n"), "{got}");
    assert!(
        got.ends_with("<html><body><h1>It works!</h1></body></html>\n"),
        "{got}"
    );
}

#[test]
fn a_missing_page_and_a_folder_are_told_as_apache_tells_them() {
    let got = talk(
        "missing",
        b"GET /no HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(got.starts_with("HTTP/1.1 404 Not Found\r\n"), "{got}");
    assert!(
        got.contains("<p>The requested URL was not found on this server.</p>"),
        "{got}"
    );
    let got = talk(
        "folder",
        b"GET /sub HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(got.contains("\r\nLocation: http://x/sub/\r\n"), "{got}");
}

#[test]
fn passwords_are_not_given_away() {
    let got = talk(
        "hidden",
        b"GET /.htpasswd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(got.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{got}");
}
