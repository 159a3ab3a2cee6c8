//! Each side reads what the other wrote, and talks to it.
//! Never compares texts: that is `cases.rs`.

use crate::cases::ours;
use guest_tls::client::Version;
use guest_tls::rustls::ServerConnection;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// Runs a script with both programs, ours as `openssl` and the real one as `real`.
fn says(script: &str, expected: &str) {
    let outcome = ours().run(script);
    assert_eq!(outcome.stdout, expected, "{script}\n{}", outcome.stderr);
}

#[test]
fn the_real_one_reads_our_keys() {
    says(
        "openssl genrsa -out r 1024; openssl genrsa -traditional -out t 1024
         openssl ecparam -name prime256v1 -genkey -out e; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p
         for k in r t; do real rsa -in $k -check -noout; done
         for k in e p; do real ec -in $k -check -noout 2>/dev/null && echo fine; done
         for k in r t e p; do real pkey -in $k -pubout > a; openssl pkey -in $k -pubout | cmp - a && echo same; done",
        "RSA key ok\nRSA key ok\nfine\nfine\nsame\nsame\nsame\nsame\n",
    );
}

#[test]
fn we_read_the_real_ones_keys() {
    says(
        "real genrsa -out r 1024 2>/dev/null; real genrsa -traditional -out t 1024 2>/dev/null
         real ecparam -name prime256v1 -genkey -out e; real genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p
         for k in r t e p; do real pkey -in $k > a; openssl pkey -in $k | cmp - a && echo same; done
         real rsa -in r -aes128 -passout pass:abcd -out locked 2>/dev/null; openssl rsa -in locked || echo refused",
        "same\nsame\nsame\nsame\nrefused\n",
    );
}

#[test]
fn each_believes_what_the_other_signed() {
    for (mine, other) in [("openssl", "real"), ("real", "openssl")] {
        says(
            &format!(
                "for kind in rsa:1024 ec; do
                   opt=; [ $kind = ec ] && opt='-pkeyopt ec_paramgen_curve:prime256v1'
                   {mine} req -x509 -nodes -newkey $kind $opt -keyout ca.key -out ca.crt -subj /CN=Root -days 30 2>/dev/null
                   {other} req -new -nodes -newkey $kind $opt -keyout s.key -out s.csr -subj /CN=host.test -addext subjectAltName=DNS:a.test 2>/dev/null
                   {mine} req -in s.csr -noout -verify 2>/dev/null && echo asked
                   {mine} x509 -req -in s.csr -CA ca.crt -CAkey ca.key -copy_extensions copy -days 10 -out s.crt 2>/dev/null
                   {other} verify -CAfile ca.crt -verify_hostname a.test s.crt
                   {other} verify -CAfile ca.crt ca.crt
                 done"
            ),
            &"asked\ns.crt: OK\nca.crt: OK\n".repeat(2),
        );
    }
}

/// A free port; nobody else takes it in the moment until it is used.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    listener.local_addr().expect("it is bound").port()
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The real server with a certificate of this kind of key; waits until it says that it listens.
fn real_server(folder: &std::path::Path, kind: &str, port: u16, more: &[&str]) -> Server {
    let real = trial::installed("openssl", "openssl");
    let (key, cert) = (folder.join("key"), folder.join("cert"));
    let mut make = Command::new(&real);
    make.args([
        "req",
        "-x509",
        "-nodes",
        "-subj",
        "/CN=host.test",
        "-days",
        "9",
        "-newkey",
    ]);
    match kind {
        "ec" => drop(make.args(["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])),
        other => drop(make.arg(other)),
    }
    make.arg("-keyout").arg(&key).arg("-out").arg(&cert);
    make.stderr(Stdio::null()).status().expect("openssl starts");
    let mut child = Command::new(&real)
        .args([
            "s_server",
            "-naccept",
            "4",
            "-www",
            "-accept",
            &port.to_string(),
        ])
        .arg("-key")
        .arg(&key)
        .arg("-cert")
        .arg(&cert)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    let mut out = child.stdout.take().expect("it is piped");
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(b"ACCEPT\n") && out.read(&mut byte).is_ok_and(|length| length == 1) {
        said.push(byte[0]);
    }
    // What it says later goes nowhere, but must not block it.
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    Server(child)
}

#[test]
fn our_client_shows_its_certificate_to_a_server_that_asks() {
    let folder = std::env::temp_dir().join(format!("s-server-{}-asks", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary directory is writable");
    let port = port();
    let ca = folder.join("cert");
    let ca = ca.to_str().expect("a plain path");
    let more = ["-Verify", "3", "-verify_return_error", "-CAfile", ca];
    let server = real_server(&folder, "rsa:2048", port, &more);
    says(
        &format!(
            "cat {ca} > c; cat {place}/key > k; cat c k > both
             ask() {{ openssl s_client -connect 127.0.0.1:{port} -CAfile c \"$@\" </dev/null 2>&1 | grep -A1 -e '^Acceptable' -e ^error -e ^Could; }}
             ask -cert c -key k -tls1_2; ask -cert both -tls1_3; ask -cert none; openssl genrsa -out other 1024 2>/dev/null; ask -cert c -key other",
            place = folder.display()
        ),
        "Acceptable client certificate CA names\nCN = host.test\n\
         Acceptable client certificate CA names\nCN = host.test\n\
         Could not open file or uri for loading client certificate from none\n\
         error setting private key\nerror:05800074:x509 certificate routines::key values mismatch\n",
    );
    drop(server);
    std::fs::remove_dir_all(&folder).expect("it was made");
}

#[test]
fn our_client_talks_to_the_real_server() {
    for kind in ["rsa:2048", "ec"] {
        let folder =
            std::env::temp_dir().join(format!("s-server-{}-{}", std::process::id(), &kind[..2]));
        std::fs::create_dir_all(&folder).expect("the temporary directory is writable");
        let port = port();
        let server = real_server(&folder, kind, port, &[]);
        let place = folder.display();
        says(
            &format!(
                "for v in -tls1_2 -tls1_3; do
                   openssl s_client -connect 127.0.0.1:{port} $v -CAfile {place}/cert -verify_hostname host.test </dev/null 2>/dev/null >out
                   grep -c 'BEGIN CERT' out; grep -E '^(subject|Verification|Verified|New,)' out
                 done
                 openssl s_client -connect 127.0.0.1:{port} -brief </dev/null 2>&1 | grep -E '^(verify e|Proto|Peer|Verif)'
                 echo 'GET / HTTP/1.0
' | openssl s_client -connect 127.0.0.1:{port} -quiet 2>/dev/null | head -1"
            ),
            &format!(
                "1\nsubject=CN = host.test\nVerification: OK\nVerified peername: host.test\nNew, TLSv1.2, Cipher is ECDHE-{}-AES256-GCM-SHA384\n1\nsubject=CN = host.test\nVerification: OK\nVerified peername: host.test\nNew, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384\nverify error:num=18:self-signed certificate\nProtocol version: TLSv1.3\nPeer certificate: CN = host.test\nVerification error: self-signed certificate\nHTTP/1.0 200 ok\r\n",
                if kind == "ec" { "ECDSA" } else { "RSA" }
            ),
        );
        drop(server);
        // What cannot be removed stays in the temporary directory.
        let _ = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn the_real_client_talks_to_our_server() {
    let mut chance = guest_tls::chance::fill;
    for (key, name) in [
        (guest_tls::key::generate_rsa(2048, &mut chance), "RSA"),
        (guest_tls::key::generate_p256(&mut chance), "ECDSA"),
    ] {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.expect("it is later than 1970").as_secs();
        let certificate = guest_tls::cert::SelfSigned {
            subject: guest_tls::cert::Name::common("host.test"),
            names: Vec::new(),
            not_before: i64::try_from(now).expect("it fits") - 60,
            days: 2,
            ca: true,
        }
        .sign(&key, &mut chance)
        .expect("it can be signed");
        let config = guest_tls::server::config(
            certificate.to_pem().as_bytes(),
            key.to_pem().as_bytes(),
            Version::Tls12,
            Version::Tls13,
        )
        .expect("it is a pair");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let port = listener.local_addr().expect("it is bound").port();
        let server = std::thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().expect("a client comes");
                let mut tls = ServerConnection::new(config.clone()).expect("it is right");
                while tls.is_handshaking() {
                    tls.complete_io(&mut stream).expect("they agree");
                }
                tls.writer().write_all(b"hello\n").expect("it is open");
                tls.send_close_notify();
                while tls.wants_write() {
                    tls.write_tls(&mut stream).expect("it is open");
                }
                // Until the client has heard it all.
                let _ = stream.read(&mut [0; 1024]);
            }
        });
        let pem = certificate.to_pem();
        says(
            &format!(
                "cat > c <<'END'\n{pem}END\nfor v in -tls1_2 -tls1_3; do real s_client -connect 127.0.0.1:{port} $v -CAfile c -verify_hostname host.test -ign_eof </dev/null 2>/dev/null | grep -E '^(hello|Verif|New,|Peer sig)'; done"
            ),
            &format!(
                "Peer signing digest: SHA256\nPeer signature type: {0}\nVerification: OK\nVerified peername: host.test\nNew, TLSv1.2, Cipher is ECDHE-{name}-AES256-GCM-SHA384\nhello\nPeer signing digest: SHA256\nPeer signature type: {0}\nVerification: OK\nVerified peername: host.test\nNew, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384\nVerify return code: 0 (ok)\nhello\n",
                if name == "RSA" { "RSA-PSS" } else { "ECDSA" }
            ),
        );
        server.join().expect("no panic");
    }
}

#[test]
fn ssl_client_carries_a_request_and_refuses_a_stranger() {
    let folder = std::env::temp_dir().join(format!("ssl-client-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary directory is writable");
    let port = port();
    let server = real_server(&folder, "ec", port, &[]);
    let program = env!("CARGO_BIN_EXE_guest-openssl");
    let link = folder.join("ssl_client");
    std::os::unix::fs::symlink(program, &link).expect("the folder is writable");
    let link = link.display();
    says(
        &format!(
            "echo 'GET / HTTP/1.0
' | {link} -h 127.0.0.1 -p {port} --insecure | head -1
             {link} -h 127.0.0.1 -p {port} </dev/null 2>&1
             {link} -x 2>&1 | head -1"
        ),
        "HTTP/1.0 200 ok\r\nssl_client: 127.0.0.1: self-signed certificate\nUsage: ssl_client -h SERVERNAME [-p PORT] [--insecure] [--cacert FILE]\n",
    );
    drop(server);
    // What cannot be removed stays in the temporary directory.
    let _ = std::fs::remove_dir_all(&folder);
}
