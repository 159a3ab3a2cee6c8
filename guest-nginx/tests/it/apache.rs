//! httpd's manners, in memory.

use std::rc::Rc;

use guest_nginx::apache::Apache;
use guest_nginx::net;
use guest_nginx::nginx::House;
use guest_nginx::serve::{Face, Server};

fn talk(name: &str, sent: &[u8]) -> String {
    let root = std::env::temp_dir().join(format!("guest-httpd-{}-{name}", std::process::id()));
    std::fs::create_dir_all(root.join("sub")).expect("a folder");
    let page = include_str!("../../files/httpd-index.html");
    std::fs::write(root.join("index.html"), page).expect("a file");
    let site = Apache::new(root.display().to_string(), 80);
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
