//! Who comes to `lab up` without a certificate, a token or manners. Never sends what kubectl sends.

use crate::lab::{folder, lab};
use crate::up::Up;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// curl's exit code and what it printed.
fn curl(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("curl")
        .args(["-ksS", "-m", "20", "-w", " %{http_code}"])
        .args(args)
        .output()
        .expect("curl starts; hint: apt-get install curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text)
}

#[test]
fn nothing_is_told_to_who_has_neither_certificate_nor_token() {
    let up = Up::start("up-unknown");
    for path in [
        "/",
        "/version",
        "/healthz",
        "/livez",
        "/readyz",
        "/api",
        "/apis",
        "/openapi/v2",
        "/api/v1/namespaces/default/secrets",
        "/api/v1/namespaces/default/pods/p/exec?command=sh",
        "/api/v1/pods?watch=true",
        "/metrics",
        "/nowhere",
    ] {
        let url = format!("{}{path}", up.server());
        for said in [
            "X-Nothing: x",
            "Authorization: Bearer guess",
            "Authorization: Basic eDp4",
        ] {
            let (code, text) = curl(&["-H", said, &url]);
            assert_eq!(code, Some(0), "{path}");
            assert!(text.ends_with(" 401"), "{path}: {text}");
            assert!(text.contains(r#""Unauthorized""#), "{path}: {text}");
        }
    }
    let foreign = folder("up-foreign");
    let file = |name: &str| foreign.join(name).display().to_string();
    let (key, cert) = (file("key.pem"), file("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-subj", "/O=system:masters"])
        .args(["-keyout", &key, "-out", &cert])
        .output()
        .expect("openssl starts; hint: apt-get install openssl");
    assert!(made.status.success());
    let url = format!("{}/version", up.server());
    let (code, text) = curl(&["--key", &key, "--cert", &cert, &url]);
    assert_ne!(code, Some(0), "a certificate of another authority: {text}");
    up.kubectl(&["get", "nodes"]);
}

#[test]
fn what_is_not_tls_ends_its_own_connection() {
    let up = Up::start("up-not-tls");
    let server = up.server();
    let addr = server.trim_start_matches("https://");
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";
    for bytes in [
        &b"GET /version HTTP/1.1\r\nHost: lab\r\n\r\n"[..],
        b"\x16\x03\x01\xff\xff",
        hello,
        &[0; 4096],
        b"",
    ] {
        let mut stream = TcpStream::connect(addr).expect("it listens");
        // The server may have hung up already.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let text = String::from_utf8_lossy(&said);
        assert!(!text.contains("HTTP"), "{text}");
    }
    // Who says nothing at all is waited for, which holds nobody up.
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(addr).expect("it listens"))
        .collect();
    up.kubectl(&["get", "nodes"]);
    drop(silent);
    up.kubectl(&["get", "nodes"]);
}

#[test]
fn beyond_loopback_a_token_is_asked_for() {
    let up = Up::start_with("up-listen", &["--listen", "0.0.0.0"]);
    let mode = std::fs::metadata(&up.kubeconfig)
        .expect("written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = up
        .said
        .iter()
        .find_map(|line| line.split_once("says the token ").map(|(_, token)| token))
        .expect("the token is printed");
    // 32 bytes in base64.
    assert_eq!(token.len(), 43, "{token}");
    let url = format!("{}/version", up.server());
    assert!(curl(&[&url]).1.ends_with(" 401"));
    let said = format!("Authorization: Bearer {token}");
    assert!(curl(&["-H", &said, &url]).1.ends_with(" 200"));
    let wrong = format!("Authorization: Bearer {}x", &token[..42]);
    assert!(curl(&["-H", &wrong, &url]).1.ends_with(" 401"));
    up.kubectl(&["get", "nodes"]);
}

#[test]
fn a_token_of_ones_own_serves_and_is_not_printed() {
    let place = folder("up-token");
    let file = place.join("token");
    std::fs::write(&file, "a-token-of-my-own\n").expect("writable");
    let file = file.display().to_string();
    let up = Up::start_with("up-token-given", &["--token-file", &file]);
    assert!(!up.said.join("\n").contains("a-token-of-my-own"));
    let url = format!("{}/version", up.server());
    let said = "Authorization: Bearer a-token-of-my-own";
    assert!(curl(&["-H", said, &url]).1.ends_with(" 200"));
    drop(up);
    std::fs::write(&file, "short\n").expect("writable");
    let kubeconfig = place.join("kubeconfig").display().to_string();
    let refused = lab()
        .args(["up", "--token-file", &file, "--kubeconfig", &kubeconfig])
        .output()
        .expect("lab starts");
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("holds no token"), "{why}");
}
