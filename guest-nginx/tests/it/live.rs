//! The server as it runs: TLS with names, upstreams in turn, signals, many clients at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::running::{self, Running, curl, free_port, ours, until, write};

fn start(program: &Path, name: &str, http: &str) -> Running {
    let folder = running::folder(name);
    for host in ["one.test", "two.test"] {
        let made = Command::new(trial::installed("openssl", "openssl"))
            .args([
                "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "9", "-subj",
            ])
            .arg(format!("/CN={host}"))
            .args([
                "-keyout",
                &format!("{host}.key"),
                "-out",
                &format!("{host}.crt"),
            ])
            .current_dir(&folder)
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("openssl runs").success());
    }
    let port = free_port();
    write(&folder, port, http);
    running::nginx(program, folder, port)
}

const TLS: &str = "server { listen 127.0.0.1:@P@ ssl; server_name one.test; ssl_certificate one.test.crt; \
    ssl_certificate_key one.test.key; ssl_protocols TLSv1.2 TLSv1.3; return 200 \"one $scheme $ssl_protocol $ssl_server_name $https\\n\"; }\n\
    server { listen 127.0.0.1:@P@ ssl; server_name two.test; ssl_certificate two.test.crt; \
    ssl_certificate_key two.test.key; ssl_protocols TLSv1.2 TLSv1.3; return 200 \"two $ssl_cipher\\n\"; \
    }";

#[test]
fn tls_is_spoken_to_each_name_with_its_certificate() {
    let servers = [
        start(&trial::installed("nginx", "nginx"), "tls-real", TLS),
        start(ours(), "tls-ours", TLS),
    ];
    let asked: [&[&str]; 6] = [
        &[
            "--cacert",
            "one.test.crt",
            "--resolve",
            "one.test:@P@:127.0.0.1",
            "https://one.test:@P@/",
        ],
        &[
            "--cacert",
            "two.test.crt",
            "--resolve",
            "two.test:@P@:127.0.0.1",
            "--tls-max",
            "1.2",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "https://two.test:@P@/",
        ],
        &[
            "--cacert",
            "one.test.crt",
            "--resolve",
            "two.test:@P@:127.0.0.1",
            "https://two.test:@P@/",
        ],
        &["-k", "https://127.0.0.1:@P@/"],
        &[
            "-k",
            "--tlsv1.3",
            "-o",
            "/dev/null",
            "-w",
            "%{http_version}",
            "https://127.0.0.1:@P@/",
        ],
        &["http://127.0.0.1:@P@/"],
    ];
    for args in asked {
        let [real, ours] = servers.each_ref().map(|server| curl(server, args));
        let tidy = |text: &str| {
            text.replace("nginx/1.22.1", "V")
                .replace("nginx/1.27.5", "V")
        };
        assert_eq!(tidy(&real), tidy(&ours), "{args:?}");
    }
}

#[test]
fn upstreams_are_asked_in_nginxs_turn() {
    let http = "upstream u { server 127.0.0.1:@P@ weight=2; server 127.0.0.2:@P@; server 127.0.0.1:1 max_fails=1; \
        server 127.0.0.3:@P@ backup; keepalive 4; }\n\
        server { listen 127.0.0.1:@P@; location / { return 200 a; } location /go { proxy_pass http://u/; \
        proxy_http_version 1.1; proxy_set_header Connection \"\"; } }\n\
        server { listen 127.0.0.2:@P@; return 200 b; } server { listen 127.0.0.3:@P@; return 200 c; }";
    let servers = [
        start(&trial::installed("nginx", "nginx"), "up-real", http),
        start(ours(), "up-ours", http),
    ];
    let ask = |server: &Running| -> String {
        (0..9)
            .map(|_| curl(server, &["http://127.0.0.1:@P@/go"]))
            .collect()
    };
    let [real, ours] = servers.each_ref().map(ask);
    assert_eq!(real, ours);
}

#[test]
fn a_reload_takes_the_new_configuration_and_a_broken_one_is_not_taken() {
    let server = start(
        ours(),
        "reload",
        "server { listen 127.0.0.1:@P@; return 200 old; }",
    );
    let signal = |word: &str| {
        let mut command = Command::new(ours());
        let command = command
            .arg("-p")
            .arg(&server.folder)
            .args(["-c", "nginx.conf", "-s", word]);
        command
            .stderr(Stdio::null())
            .status()
            .expect("it runs")
            .success()
    };
    until("the number of the process is written", || {
        server.folder.join("nginx.pid").exists()
    });
    assert_eq!(curl(&server, &["http://127.0.0.1:@P@/"]), "old(0)");
    write(
        &server.folder,
        server.port,
        "server { listen 127.0.0.1:@P@; return 200 new; }",
    );
    assert!(signal("reload"));
    until("the new answer", || {
        curl(&server, &["http://127.0.0.1:@P@/"]) == "new(0)"
    });
    write(
        &server.folder,
        server.port,
        "server { listen 127.0.0.1:@P@; oops; }",
    );
    assert!(!signal("reload"));
    assert_eq!(curl(&server, &["http://127.0.0.1:@P@/"]), "new(0)");
}

#[test]
fn hundreds_of_clients_are_served_at_once_and_a_graceful_stop_ends_it() {
    let http = "server { listen 127.0.0.1:@P@; keepalive_timeout 60; return 200 hello; }";
    let mut server = start(ours(), "many", http);
    let connect = |_| TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    let mut clients: Vec<TcpStream> = (0..300).map(connect).collect();
    for round in 0..2 {
        for client in &mut clients {
            let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            client.write_all(request).expect("it takes the request");
        }
        for client in &mut clients {
            let mut answer = [0; 512];
            let count = client.read(&mut answer).expect("it answers");
            assert!(answer[..count].ends_with(b"hello"), "round {round}");
        }
    }
    let pid = server.child.id();
    assert!(guest_kit::process::kill(pid, 3));
    let ended = server.child.wait().expect("it ends");
    assert!(ended.success());
}
