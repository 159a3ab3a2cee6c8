//! nginx's larger features against Debian's nginx: compression, limits, upstreams, resolving, upgrades, logs.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::running::{self, Running, curl, free_port, ours, talk, until, write};

/// Debian's nginx and ours with one configuration; `@P@` is the port.
fn both(name: &str, http: &str) -> [Running; 2] {
    let real = trial::installed("nginx", "nginx");
    [(real.as_path(), "real"), (ours(), "ours")].map(|(program, side)| {
        let folder = running::folder(&format!("{name}-{side}"));
        for file in ["small.txt", "big.txt", "big.css", "big.json", "big.bin"] {
            let times = if file == "small.txt" { 1 } else { 300 };
            fs::write(folder.join(file), "0123456789abcde\n".repeat(times)).expect("a file");
            let when = std::time::UNIX_EPOCH + Duration::from_secs(1_704_164_645);
            let opened = fs::File::options().write(true).open(folder.join(file));
            let dated = opened.and_then(|file| file.set_modified(when));
            dated.expect("a date");
        }

        let port = free_port();
        let root = folder.display().to_string();
        write(&folder, port, &http.replace("@ROOT@", &root));
        running::nginx(program, folder, port)
    })
}

/// The same requests to both, one connection each; their answers are the same.
fn agree(servers: &[Running; 2], requests: &[&str]) {
    for request in requests {
        let bytes = request.replace('\n', "\r\n");
        let [real, ours] = servers
            .each_ref()
            .map(|server| talk(server, bytes.as_bytes()));
        assert!(!real.is_empty(), "nobody answers {request}");
        assert_eq!(real, ours, "{request}");
    }
}

/// curl's words about both are the same.
fn curls(servers: &[Running; 2], asked: &[&[&str]]) {
    for args in asked {
        let [real, ours] = servers.each_ref().map(|server| curl(server, args));
        assert_eq!(real, ours, "{args:?}");
    }
}

#[test]
fn answers_are_compressed_for_those_who_can_read_it() {
    let http = "types { text/plain txt; text/css css; application/json json; } default_type application/octet-stream;\n\
        gzip on; gzip_types text/css application/json; gzip_min_length 100; gzip_comp_level 6; root @ROOT@;\n\
        server { listen 127.0.0.1:@P@; location /vary/ { alias @ROOT@/; gzip_vary on; } \
        location /off/ { alias @ROOT@/; gzip off; } location /all/ { alias @ROOT@/; gzip_types *; } \
        location /old/ { alias @ROOT@/; gzip_types *; gzip_http_version 1.0; } \
        location /no6/ { alias @ROOT@/; gzip_types *; gzip_disable \"MSIE [1-6]\\.\"; } \
        location /text { return 200 \"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\"; } \
        location /proxied/ { alias @ROOT@/; gzip_types *; gzip_proxied any; } \
        location /expired/ { alias @ROOT@/; gzip_types *; gzip_proxied expired no-cache; expires -1; } \
        location /pass/ { proxy_pass http://127.0.0.2:@P@/; gzip_types *; } }\n\
        server { listen 127.0.0.2:@P@; gzip off; }";
    let servers = both("gzip", http);
    let show = ["-o", "-", "-D", "-"];
    let heads = |server: &Running, args: &[&str]| {
        let text = curl(server, &[&show[..], args].concat());
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("Date:") && !line.starts_with("Expires:"));
        let lines: Vec<_> = lines.map(|line| line.trim_end()).collect();
        lines
            .join("\n")
            .replace("nginx/1.22.1", "V")
            .replace("nginx/1.27.5", "V")
    };
    let mut asked = Vec::new();
    for path in [
        "/big.txt",
        "/big.css",
        "/big.json",
        "/big.bin",
        "/small.txt",
        "/vary/big.css",
        "/vary/big.txt",
        "/vary/big.bin",
        "/off/big.css",
        "/all/big.txt",
        "/all/big.bin",
        "/all/small.txt",
        "/old/big.txt",
        "/no6/big.txt",
        "/text",
        "/proxied/big.txt",
        "/expired/big.txt",
        "/pass/big.css",
        "/pass/small.txt",
        "/nope",
    ] {
        let variants: [&[&str]; 10] = [
            &[],
            &["--compressed"],
            &["-I", "-H", "Accept-Encoding: gzip"],
            &["--compressed", "-H", "Via: 1.1 x"],
            &["--compressed", "-0"],
            &["-H", "Accept-Encoding: deflate, gzip;q=0", "--compressed"],
            &["--compressed", "-H", "Accept-Encoding: gzip;q=0.5, *"],
            &["--compressed", "-A", "Mozilla/4.0 (MSIE 6.0)"],
            &["-A", "Mozilla/5.0 (X11) like Gecko) Chrome/120.0"],
            &["--compressed", "-r", "0-3"],
        ];
        for args in variants {
            asked.push((path, args));
        }
    }
    for (path, args) in asked {
        let url = format!("http://127.0.0.1:@P@{path}");
        let args: Vec<&str> = args.iter().copied().chain([url.as_str()]).collect();
        let [real, ours] = servers.each_ref().map(|server| heads(server, &args));
        assert_eq!(real, ours, "{args:?}");
    }
}

#[test]
fn those_who_ask_too_much_wait_or_are_sent_away() {
    let http = "limit_req_zone $arg_k zone=hard:1m rate=1r/m; limit_req_zone $arg_k zone=slow:1m rate=20r/s; \
        limit_conn_zone $arg_k zone=conns:1m;\n\
        server { listen 127.0.0.1:@P@; location /hard { limit_req zone=hard; return 200 never; } \
        location /f1 { limit_req zone=hard; alias @ROOT@/small.txt; } \
        location /f2 { limit_req zone=hard burst=2 nodelay; limit_req_status 429; alias @ROOT@/small.txt; } \
        location /f3 { limit_req zone=slow burst=5; alias @ROOT@/small.txt; } \
        location /f5 { limit_conn conns 1; limit_conn_status 509; limit_rate 500; alias @ROOT@/big.txt; } }";
    let servers = both("limits", http);
    let code = ["-o", "/dev/null", "-w", "%{http_code} "];
    let ask = |server: &Running, path: &str| -> String {
        let url = format!("http://127.0.0.1:@P@{path}");
        (0..5)
            .map(|_| curl(server, &[&code[..], &[url.as_str()]].concat()))
            .collect()
    };
    for path in ["/f1?k=a", "/f1?k=b", "/f1", "/f2?k=c", "/f3?k=d"] {
        let [real, ours] = servers.each_ref().map(|server| ask(server, path));
        assert_eq!(real, ours, "{path}");
    }
    for server in &servers {
        // One that is served slowly, and keeps the only place.
        let mut first = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        let asked = first.write_all(b"GET /f5?k=a HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.expect("it takes it");
        let mut some = [0; 17];
        first.read_exact(&mut some).expect("it answers");
        assert_eq!(&some, b"HTTP/1.1 200 OK\r\n");
        let url = "http://127.0.0.1:@P@/f5?k=a";
        assert_eq!(curl(server, &[&code[..], &[url]].concat()), "509 (0)");
    }
}

#[test]
fn clients_are_spread_over_upstreams_as_nginx_spreads_them() {
    let four =
        "server 127.0.0.2:@P@; server 127.0.0.3:@P@; server 127.0.0.4:@P@; server 127.0.0.5:@P@;";
    let http = format!(
        "upstream hash {{ ip_hash; {four} }} upstream least {{ least_conn; {four} }}\n\
         upstream weighed {{ server 127.0.0.2:@P@ weight=5; server 127.0.0.3:@P@ weight=2; server 127.0.0.4:@P@; }}\n\
         upstream down {{ server 127.0.0.2:@P@ down; server 127.0.0.3:@P@; server 127.0.0.4:@P@ down; }}\n\
         upstream backup {{ server 127.0.0.1:1; server 127.0.0.3:@P@ backup; server 127.0.0.4:@P@ backup; }}\n\
         upstream none {{ server 127.0.0.1:1; server 127.0.0.1:2; }}\n\
         upstream hashdown {{ ip_hash; server 127.0.0.2:@P@ down; server 127.0.0.3:@P@ weight=2; server 127.0.0.4:@P@; }}\n\
         upstream leastweighed {{ least_conn; server 127.0.0.2:@P@ weight=2; server 127.0.0.3:@P@; }}\n\
         server {{ listen 127.0.0.1:@P@; location ~ ^/(\\w+)$ {{ proxy_pass http://$1; }} \
         location = /fails {{ proxy_pass http://backup_or_not; proxy_next_upstream http_503 error; }} \
         error_page 502 = @sorry; location @sorry {{ return 200 \"sorry $upstream_addr $upstream_status\"; }} }}\n\
         upstream backup_or_not {{ server 127.0.0.6:@P@; server 127.0.0.2:@P@; }}\n\
         server {{ listen 127.0.0.2:@P@; return 200 b; }} server {{ listen 127.0.0.3:@P@; return 200 c; }}\n\
         server {{ listen 127.0.0.4:@P@; return 200 d; }} server {{ listen 127.0.0.5:@P@; return 200 e; }}\n\
         server {{ listen 127.0.0.6:@P@; return 503 busy; }}"
    );
    let servers = both("spread", &http);
    for name in [
        "hash",
        "least",
        "weighed",
        "down",
        "backup",
        "none",
        "hashdown",
        "leastweighed",
        "fails",
    ] {
        let url = format!("http://127.0.0.1:@P@/{name}");
        let ask = |server: &Running| -> String { (0..10).map(|_| curl(server, &[&url])).collect() };
        let [real, ours] = servers.each_ref().map(ask);
        assert_eq!(real, ours, "{name}");
    }
}

#[test]
fn pages_of_errors_may_come_from_upstreams_and_logs_say_what_was_asked() {
    let http = "log_format all '$remote_addr $request_method \"$request\" $status $body_bytes_sent [$http_referer] \
        \"$http_user_agent\" $server_name $upstream_status $upstream_addr $sent_http_x_a $uri $args';\n\
        log_format json escape=json '{\"r\":\"$request\",\"a\":\"$http_user_agent\"}'; log_format bare escape=none '$http_user_agent';\n\
        map $status $loud { ~^[23] 0; default 1; }\n\
        server { listen 127.0.0.1:@P@; server_name one; root @ROOT@; \
        access_log @ROOT@/all.log all; access_log @ROOT@/json.log json; access_log @ROOT@/bare.log bare; access_log @ROOT@/loud.log all if=$loud; access_log @ROOT@/usual.log; \
        location /up { proxy_pass http://127.0.0.2:@P@; proxy_intercept_errors on; error_page 404 /small.txt; error_page 503 =200 @other; error_page 500 502 http://else.test/; } \
        location @other { proxy_pass http://127.0.0.3:@P@; } \
        location /plain { proxy_pass http://127.0.0.2:@P@; error_page 404 /small.txt; } \
        location /quiet { access_log off; return 204; } add_header X-A b always; }\n\
        server { listen 127.0.0.2:@P@; access_log off; location ~ 404 { return 404 upstream; } location ~ 503 { return 503 busy; } \
        location ~ 500 { return 500 broken; } location / { return 200 fine; } }\n\
        server { listen 127.0.0.3:@P@; access_log off; return 200 other$uri; }";
    let servers = both("pages", http);
    let asked: [&[&str]; 8] = [
        &["http://127.0.0.1:@P@/up/x"],
        &["-w", " %{http_code}", "http://127.0.0.1:@P@/up/404"],
        &["-w", " %{http_code}", "http://127.0.0.1:@P@/up/503?a=b"],
        &[
            "-w",
            " %{http_code} %{redirect_url}",
            "-o",
            "/dev/null",
            "http://127.0.0.1:@P@/up/500",
        ],
        &["-w", " %{http_code}", "http://127.0.0.1:@P@/plain/404"],
        &[
            "-A",
            "quo\"te\\\u{1f}\u{e9}",
            "-e",
            "http://from/",
            "http://127.0.0.1:@P@/small.txt?x=1&y",
        ],
        &["http://127.0.0.1:@P@/quiet"],
        &[
            "-d",
            "body",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "http://127.0.0.1:@P@/small.txt",
        ],
    ];
    curls(&servers, &asked);
    agree(&servers, &["NONSENSE\n\n", "GET /nope HTTP/1.0\n\n"]);
    for name in ["all", "json", "bare", "loud", "usual"] {
        let read = |server: &Running| {
            let path = server.folder.join(format!("{name}.log"));
            let lines = if name == "loud" { 5 } else { 9 };
            let text = || fs::read_to_string(&path).unwrap_or_default();
            until(&format!("{name}: {}", text()), || {
                text().lines().count() >= lines
            });
            let text = text().replace(&server.port.to_string(), "PORT");
            // The time of day is another one.
            let dated = |line: &str| match (line.find('['), line.find(" +0000]")) {
                (Some(from), Some(to)) if name == "usual" => {
                    format!("{}{}", &line[..from], &line[to..])
                }
                _ => line.to_owned(),
            };
            text.lines().map(dated).collect::<Vec<_>>()
        };
        let [real, ours] = servers.each_ref().map(read);
        assert_eq!(real, ours, "{name}");
    }
}

#[test]
fn a_connection_that_is_upgraded_carries_whatever_both_sides_say() {
    let upstream = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = upstream.local_addr().expect("an address").port();
    let http = format!(
        "map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}\n\
         server {{ listen 127.0.0.1:@P@; location / {{ proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; \
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; }} }}"
    );
    let servers = both("upgrade", &http);
    let echo = std::thread::spawn(move || {
        let mut heads = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = upstream.accept().expect("somebody comes");
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            heads.push(String::from_utf8_lossy(&head).replace(&port.to_string(), "PORT"));
            let said = stream.write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst",
            );
            said.expect("it listens");
            let mut got = [0; 64];
            while let Ok(count) = stream.read(&mut got) {
                if count == 0 {
                    break;
                }
                let answer: Vec<u8> = got[..count].iter().map(u8::to_ascii_uppercase).collect();
                if stream.write_all(&answer).is_err() {
                    break;
                }
            }
        }
        heads
    });
    let seen = servers.each_ref().map(|server| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        let patience = Some(Duration::from_secs(5));
        stream.set_read_timeout(patience).expect("a timeout");
        let asked = stream.write_all(
            b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        );
        asked.expect("it takes it");
        let mut all = Vec::new();
        let mut wait = |stream: &mut TcpStream, end: &[u8]| {
            let mut some = [0; 256];
            while !all.ends_with(end) {
                let count = stream.read(&mut some).expect("it says something");
                assert!(count > 0, "it closes: {}", String::from_utf8_lossy(&all));
                all.extend_from_slice(&some[..count]);
            }
        };
        wait(&mut stream, b"first");
        for word in ["hello", "again"] {
            stream.write_all(word.as_bytes()).expect("it takes it");
            wait(&mut stream, word.to_uppercase().as_bytes());
        }
        running::tidy(&all, server)
    });
    assert_eq!(seen[0], seen[1]);
    let heads = echo.join().expect("the echo ends");
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn a_name_in_a_variable_is_asked_of_the_resolver() {
    let dns = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = dns.local_addr().expect("an address").port();
    let http = format!(
        "resolver 127.0.0.1:{port} ipv6=off valid=30s; resolver_timeout 2s;\n\
         server {{ listen 127.0.0.1:@P@; location ~ ^/to/([a-z.]+)(/.*)?$ {{ proxy_pass http://$1:@P@$2; }} \
         location /set {{ set $where back.test; proxy_pass http://$where:@P@; }} }}\n\
         server {{ listen 127.0.0.2:@P@; return 200 \"two $host$uri\"; }}"
    );
    let servers = both("resolver", &http);
    // Ends with the test's process: there is nothing to join. Debian's asks over UDP, ours over TCP.
    let tcp = TcpListener::bind(("127.0.0.1", port)).expect("the same port");
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((count, from)) = dns.recv_from(&mut packet) {
            if dns.send_to(&answered(&packet[..count]), from).is_err() {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for stream in tcp.incoming() {
            let mut stream = stream.expect("somebody comes");
            let mut length = [0; 2];
            stream.read_exact(&mut length).expect("a length");
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).expect("a question");
            let answer = answered(&question);
            let length = u16::try_from(answer.len()).expect("a short one");
            let sent = stream.write_all(&[&length.to_be_bytes()[..], &answer].concat());
            sent.expect("it listens");
        }
    });
    for path in [
        "/to/back.test/x",
        "/to/back.test",
        "/set/y?z",
        "/to/none.test/x",
        "/to/back.test/again",
    ] {
        let url = format!("http://127.0.0.1:@P@{path}");
        let [real, ours] = servers.each_ref().map(|server| {
            let text = curl(server, &["-w", " %{http_code}", &url]);
            text.replace("nginx/1.22.1", "V")
                .replace("nginx/1.27.5", "V")
        });
        assert_eq!(real, ours, "{path}");
    }
}

/// A name server's answer: `back.test` is 127.0.0.2, and there is nothing else.
fn answered(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    let known = answer[12..].starts_with(b"\x04back");
    answer[2] = 0x81;
    answer[3] = if known { 0x80 } else { 0x83 };
    if known {
        answer[7] = 1;
        answer.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x02");
    }
    answer
}
