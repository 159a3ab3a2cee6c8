//! Clients with certificates: real curl at both servers.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::running::{self, Running, curl, free_port, ours, write};

const HTTP: &str = "server { listen 127.0.0.1:@P@ ssl; server_name one.test; ssl_certificate s.crt; \
    ssl_certificate_key s.key; ssl_client_certificate ca.crt; ssl_verify_client on; error_page 495 /bad; \
    location / { return 200 \"$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_s_dn_legacy|$ssl_client_i_dn_legacy|\
    $ssl_client_serial|$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain\\n\"; } \
    location /pem { return 200 \"$ssl_client_cert\\n$ssl_client_raw_cert$ssl_client_escaped_cert\\n\"; } \
    location /bad { return 200 \"bad $ssl_client_verify\\n\"; } }\n\
    server { listen 127.0.0.1:@P@ ssl; server_name two.test; ssl_certificate s.crt; ssl_certificate_key s.key; \
    ssl_client_certificate ca.crt; ssl_verify_client optional; ssl_verify_depth 0; return 200 \"two $ssl_client_verify\\n\"; }\n\
    server { listen 127.0.0.1:@P@ ssl; server_name three.test; ssl_certificate s.crt; ssl_certificate_key s.key; \
    ssl_verify_client optional_no_ca; return 200 \"three $ssl_client_verify $ssl_client_s_dn\\n\"; }\n\
    server { listen 127.0.0.1:@P@ ssl; server_name four.test; ssl_certificate s.crt; ssl_certificate_key s.key; \
    return 200 \"four $ssl_client_verify\\n\"; }";

fn start(program: &Path, name: &str, keys: &Path) -> Running {
    let folder = running::folder(name);
    for entry in fs::read_dir(keys).expect("the keys").flatten() {
        fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy");
    }
    let port = free_port();
    write(&folder, port, HTTP);
    running::nginx(program, folder, port)
}

/// An authority, one below it, and certificates that each of them and nobody signed.
fn keys() -> std::path::PathBuf {
    let folder = running::folder("client-keys");
    let openssl = |args: &[&str]| {
        let mut command = Command::new(trial::installed("openssl", "openssl"));
        let command = command.args(args).current_dir(&folder);
        let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.expect("openssl runs").success(), "{args:?}");
    };
    let make = |name: &str, subject: &str, days: &str, signer: Option<&str>, extension: &str| {
        let (key, crt) = (format!("{name}.key"), format!("{name}.crt"));
        let mut args = vec![
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
        ];
        args.extend([
            "-days", days, "-keyout", &key, "-out", &crt, "-addext", extension,
        ]);
        let by;
        if let Some(signer) = signer {
            by = [format!("{signer}.crt"), format!("{signer}.key")];
            args.extend(["-CA", &by[0], "-CAkey", &by[1]]);
        }
        openssl(&args);
    };
    let authority = "basicConstraints=critical,CA:TRUE";
    let plain = "basicConstraints=CA:FALSE";
    make(
        "ca",
        "/C=JP/O=Lab, Inc./CN=The authority",
        "9",
        None,
        authority,
    );
    make("below", "/CN=Below", "9", Some("ca"), authority);
    make(
        "s",
        "/CN=server",
        "9",
        None,
        "subjectAltName=DNS:one.test,DNS:two.test",
    );
    make("ann", "/C=JP/O=A + B/CN=ann", "90", Some("ca"), plain);
    make("bob", "/CN=bob", "9", Some("below"), plain);
    make("eve", "/CN=eve", "9", None, plain);
    make(
        "srv",
        "/CN=srv",
        "9",
        Some("ca"),
        "extendedKeyUsage=serverAuth",
    );
    let chain = ["bob.crt", "below.crt"].map(|name| fs::read_to_string(folder.join(name)));
    let chain: String = chain
        .into_iter()
        .map(|text| text.expect("a certificate"))
        .collect();
    fs::write(folder.join("bob-chain.crt"), chain).expect("a file");
    folder
}

#[test]
fn clients_are_let_in_by_their_certificates() {
    let keys = keys();
    let servers = [
        start(&trial::installed("nginx", "nginx"), "clients-real", &keys),
        start(ours(), "clients-ours", &keys),
    ];
    fs::remove_dir_all(&keys).expect("it was made");
    let shown: [&[&str]; 6] = [
        &[],
        &["--cert", "ann.crt", "--key", "ann.key"],
        &["--cert", "bob.crt", "--key", "bob.key"],
        &["--cert", "bob-chain.crt", "--key", "bob.key"],
        &["--cert", "eve.crt", "--key", "eve.key"],
        &["--cert", "srv.crt", "--key", "srv.key"],
    ];
    let mut asked: Vec<Vec<&str>> = Vec::new();
    for url in [
        "https://one.test:@P@/",
        "https://two.test:@P@/",
        "https://three.test:@P@/",
        "https://four.test:@P@/",
    ] {
        for shown in shown {
            for version in ["1.2", "1.3"] {
                asked.push([shown, &["--tls-max", version, url]].concat());
            }
        }
    }
    asked.push([shown[1], &["https://one.test:@P@/pem"]].concat());
    // Another name than the one the handshake was for.
    asked.push([shown[1], &["-H", "Host: two.test", "https://one.test:@P@/"]].concat());
    asked.push(vec!["-H", "Host: one.test", "https://four.test:@P@/"]);
    asked.push(
        [
            "--cert",
            "ann.crt",
            "--key",
            "ann.key",
            "https://127.0.0.1:@P@/",
        ]
        .to_vec(),
    );
    for args in asked {
        let resolve =
            ["one", "two", "three", "four"].map(|name| format!("{name}.test:@P@:127.0.0.1"));
        let mut all = vec!["-k", "-w", "%{http_code}"];
        for resolve in &resolve {
            all.extend(["--resolve", resolve]);
        }
        all.extend(&args);
        let tidy = |server: &Running| {
            curl(server, &all)
                .replace("nginx/1.22.1", "V")
                .replace("nginx/1.27.5", "V")
                // A second may end between the two questions, and with it a day.
                .replace("|9\n", "|8\n")
        };
        let [real, ours] = servers.each_ref().map(tidy);
        assert_eq!(real, ours, "{args:?}");
    }
}
