//! Raw requests to both servers, and their answers byte by byte, but for dates and versions.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server with files of its own, ended when this is dropped.
struct Running {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked to end, not killed: nginx takes its worker along. It may have ended already.
        let _ = guest_kit::process::kill(self.child.id(), 15);
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").port()
}

fn start(program: &Path, name: &str) -> Running {
    let running = laid_out(name);
    let text = include_str!("../cases/requests.conf").replace("@PORT@", &running.1.to_string());
    fs::write(running.0.join("nginx.conf"), text).expect("a configuration");
    let mut command = Command::new(program);
    command.arg("-p").arg(&running.0).args(["-c", "nginx.conf"]);
    launched(command, name, running)
}

fn start_httpd(program: &Path, name: &str) -> Running {
    use std::os::unix::process::CommandExt;
    let running = laid_out(name);
    let root = running.0.display().to_string();
    let text = include_str!("../cases/httpd-requests.conf")
        .replace("@PORT@", &running.1.to_string())
        .replace("@ROOT@", &root);
    let path = running.0.join("httpd.conf");
    fs::write(&path, text).expect("a configuration");
    let mut command = Command::new(program);
    command.arg0("httpd").arg("-f").arg(path);
    command.arg("-d").arg(&running.0).arg("-DFOREGROUND");
    launched(command, name, running)
}

fn laid_out(name: &str) -> (PathBuf, u16) {
    let folder = std::env::temp_dir().join(format!("guest-nginx-{}-{name}", std::process::id()));
    let html = folder.join("html");
    fs::create_dir_all(html.join("sub/empty")).expect("a folder");
    fs::create_dir_all(html.join("list/inner")).expect("a folder");
    let when = std::time::UNIX_EPOCH + Duration::from_secs(1_704_164_645);
    let write = |path: &str, text: &str| {
        let path = html.join(path);
        fs::write(&path, text).expect("a file");
        let file = fs::File::options()
            .write(true)
            .open(&path)
            .expect("just written");
        file.set_modified(when).expect("a date");
    };
    write("index.html", "<title>Welcome</title>\n");
    write("a.txt", "hello\n");
    write("b.json", "{\"a\":1}\n");
    write("digits.txt", "0123456789");
    write("50x.html", "sorry\n");
    write("404.html", "not here\n");
    write("sub/index.html", "sub\n");
    write("list/one.txt", "1\n");
    write("big.txt", &"0123456789abcdef\n".repeat(20_000));
    write("with space.txt", "space\n");
    write(
        "users",
        "ann:{PLAIN}secret\nbob:$apr1$12345678$0lqb/6VUFP8JY/s/jTrIk0\n",
    );
    write("x.secret", "secret\n");
    write("a.foo", "foo\n");
    for folder in [
        "plain", "denied", "members", "bob", "older", "newer", "inner", "groups", "pattern",
    ] {
        fs::create_dir_all(html.join(folder)).expect("a folder");
        write(&format!("{folder}/a"), "a\n");
    }
    write(".htpasswd", "ann:secret\n");
    write(
        "users.httpd",
        "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:$apr1$12345678$0lqb/6VUFP8JY/s/jTrIk0\n",
    );
    write("inner/x.bak", "old\n");
    write("inner/index.html", "inner\n");
    fs::create_dir_all(html.join("star")).expect("a folder");
    write("star/a.txt", "star\n");
    for name in [
        "page.html.en",
        "page.de.html",
        "page.utf8.html",
        "a.txt.gz",
        "a.txt.bak",
        "x.odd",
    ] {
        write(name, "page\n");
    }
    let types = "text/html html\ntext/plain txt\napplication/json json\n";
    fs::write(folder.join("mime.types"), types).expect("a file");
    (folder, free_port())
}

fn launched(mut command: Command, name: &str, (folder, port): (PathBuf, u16)) -> Running {
    let child = command
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let running = Running {
        child,
        folder,
        port,
    };
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{name} does not listen"
        );
        std::thread::yield_now();
    }
    running
}

/// Sends bytes and reads until the server closes, or says nothing more for a while.
fn talk(server: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    let patience = Duration::from_secs(3);
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    // A server that has refused already may have closed.
    let _ = stream.write_all(bytes);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    tidy(&got, server)
}

/// What may differ: dates, versions, ports, folders, boundaries.
fn tidy(bytes: &[u8], server: &Running) -> String {
    let text = String::from_utf8_lossy(bytes)
        .replace("nginx/1.22.1", "nginx/V")
        .replace("nginx/1.27.5", "nginx/V")
        .replace("Apache/2.4.67 (Unix)", "Apache/V")
        .replace("Apache/2.4.71 (Debian)", "Apache/V")
        .replace(&server.folder.display().to_string(), "FOLDER")
        .replace(&server.port.to_string(), "PORT");
    let lines = text.split_inclusive("\r\n").map(|line| {
        if line.starts_with("Date: ") || line.starts_with("Expires: ") {
            format!("{}…\r\n", &line[..6])
        } else if let Some(methods) = line.strip_prefix("Allow: ") {
            // Apache keeps them in a table whose order is another in each process.
            let mut methods: Vec<_> = methods.trim_end().split(',').collect();
            methods.sort_unstable();
            format!("Allow: {}\r\n", methods.join(","))
        } else {
            line.to_owned()
        }
    });
    let mut text: String = lines.collect();
    if let Some((_, rest)) = text.split_once("boundary=")
        && let Some(boundary) = rest.get(..20).map(str::to_owned)
    {
        text = text.replace(&boundary, "BOUNDARY");
    }
    text
}

/// One case: its name, a reason to differ, and the bytes.
fn cases(text: &str) -> Vec<(String, Option<String>, Vec<u8>)> {
    trial::cases(text)
        .into_iter()
        .map(|case| {
            let text = case.script.trim_end_matches('\n');
            let mut bytes = Vec::new();
            for line in text.split('\n') {
                let line = line.replace("\\t", "\t").replace("\\0", "\0");
                match line.strip_suffix('\\') {
                    Some(part) => bytes.extend_from_slice(part.as_bytes()),
                    None => {
                        bytes.extend_from_slice(line.as_bytes());
                        bytes.extend_from_slice(b"\r\n");
                    }
                }
            }
            let long = "x".repeat(9000);
            let bytes = String::from_utf8_lossy(&bytes).replace("@LONG@", &long);
            (case.name, case.differs, bytes.into_bytes())
        })
        .collect()
}

#[test]
fn requests_are_answered_as_nginx_answers_them() {
    let real = start(&trial::installed("nginx", "nginx"), "real");
    let ours = start(Path::new(env!("CARGO_BIN_EXE_guest-nginx")), "ours");
    let all = cases(include_str!("../cases/requests.txt"));
    assert!(all.len() >= 80, "{} cases", all.len());
    compare(&real, &ours, &all);
}

#[test]
fn requests_are_answered_as_apache_answers_them() {
    let real = start_httpd(&trial::installed("apache2", "apache2"), "apache-real");
    let ours = start_httpd(Path::new(env!("CARGO_BIN_EXE_guest-nginx")), "apache-ours");
    let all = cases(include_str!("../cases/httpd-requests.txt"));
    assert!(all.len() >= 30, "{} cases", all.len());
    compare(&real, &ours, &all);
}

fn compare(real: &Running, ours: &Running, all: &[(String, Option<String>, Vec<u8>)]) {
    let mut findings = Vec::new();
    for (name, differs, bytes) in all {
        let (expected, got) = (talk(real, bytes), talk(ours, bytes));
        if expected.is_empty() && got.is_empty() {
            findings.push(format!("=== {name}: nobody answered"));
        }
        match (expected == got, differs) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => findings.push(format!("=== {name}: no longer differs")),
            (false, None) => findings.push(format!(
                "=== {name}\n--- real:\n{expected}\n--- ours:\n{got}"
            )),
        }
    }
    assert!(
        findings.is_empty(),
        "{} of {} cases:\n{}",
        findings.len(),
        all.len(),
        findings.join("\n")
    );
}
