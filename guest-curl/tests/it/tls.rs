//! HTTPS beside Debian's curl: the same `openssl s_server` with certificates of all kinds.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::differential::compare_with;

/// A server that ends with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(dir: &Path, args: &[&str]) {
    let done = Command::new(trial::installed("openssl", "openssl"))
        .args(args)
        .current_dir(dir)
        .stderr(Stdio::null())
        .status();
    assert!(done.expect("openssl starts").success(), "{args:?}");
}

fn certificate(dir: &Path, name: &str, subject: &str, more: &[&str]) {
    let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
    let mut args = vec![
        "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", &key,
    ];
    args.extend(["-out", &pem, "-subj", subject]);
    args.extend(more);
    openssl(dir, &args);
}

/// A certificate whose time is over: signed by itself, with dates of one's own.
fn ended(dir: &Path) {
    fs::write(
        dir.join("ca.cnf"),
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\n\
         default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n",
    )
    .expect("the folder is writable");
    fs::write(dir.join("index.txt"), "").expect("the folder is writable");
    fs::write(dir.join("serial"), "01\n").expect("the folder is writable");
    openssl(
        dir,
        &[
            "req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", "old.key", "-out",
            "old.csr", "-subj", "/CN=old",
        ],
    );
    openssl(
        dir,
        &[
            "ca",
            "-batch",
            "-config",
            "ca.cnf",
            "-selfsign",
            "-keyfile",
            "old.key",
            "-in",
            "old.csr",
            "-out",
            "old.pem",
            "-startdate",
            "20200101000000Z",
            "-enddate",
            "20210101000000Z",
        ],
    );
}

/// Serves a page about the connection; with `more`, to those who show a certificate.
fn serve(dir: &Path, name: &str, more: &[&str]) -> (Server, String) {
    let free = TcpListener::bind("127.0.0.1:0").expect("the loopback has a port");
    let port = free.local_addr().expect("it is bound").port().to_string();
    drop(free);
    let child = Command::new(trial::installed("openssl", "openssl"))
        .args(["s_server", "-www", "-quiet", "-accept", &port])
        .args([
            "-cert",
            &format!("{name}.pem"),
            "-key",
            &format!("{name}.key"),
        ])
        .args(more)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        std::thread::yield_now();
    }
    (Server(child), port)
}

#[test]
fn certificates_are_believed_and_refused_as_curl_does() {
    let dir = std::env::temp_dir().join(format!("curl-tls-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("the temporary directory is writable");
    certificate(&dir, "self", "/CN=nginxsvc/O=nginxsvc", &[]);
    let names = "subjectAltName=DNS:a.example,DNS:*.c.example,IP:127.0.0.1";
    certificate(&dir, "san", "/CN=san", &["-addext", names]);
    ended(&dir);
    let (_self, self_port) = serve(&dir, "self", &[]);
    let (_san, san_port) = serve(&dir, "san", &[]);
    let (_old, old_port) = serve(&dir, "old", &[]);
    let (_asks, asks_port) = serve(&dir, "self", &["-verify", "5", "-CAfile", "san.pem"]);
    let (_wants, wants_port) = serve(&dir, "self", &["-Verify", "5", "-verify_return_error"]);
    let both = ["san.pem", "san.key"].map(|name| fs::read_to_string(dir.join(name)));
    let both: String = both.into_iter().map(|text| text.expect("a file")).collect();
    fs::write(dir.join("both.pem"), both).expect("the folder is writable");
    let words = [
        ("@SELF@", self_port.as_str()),
        ("@SAN@", san_port.as_str()),
        ("@OLD@", old_port.as_str()),
        ("@ASKS@", asks_port.as_str()),
        ("@WANTS@", wants_port.as_str()),
        ("@DIR@", dir.to_str().expect("a plain path")),
    ];
    compare_with(include_str!("../cases/tls.txt"), &words);
    // What cannot be removed stays in the temporary directory.
    let _ = fs::remove_dir_all(&dir);
}
