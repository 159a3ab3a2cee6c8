//! Raw requests to both servers, and their answers byte by byte, but for dates and versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::running::{self, Running, free_port, launched, ours, talk};

fn start(program: &Path, name: &str) -> Running {
    let (folder, port) = laid_out(name);
    let text = include_str!("../cases/requests.conf").replace("@PORT@", &port.to_string());
    fs::write(folder.join("nginx.conf"), text).expect("a configuration");
    running::nginx(program, folder, port)
}

fn start_httpd(program: &Path, name: &str) -> Running {
    use std::os::unix::process::CommandExt;
    let (folder, port) = laid_out(name);
    let root = folder.display().to_string();
    let text = include_str!("../cases/httpd-requests.conf")
        .replace("@PORT@", &port.to_string())
        .replace("@ROOT@", &root);
    let path = folder.join("httpd.conf");
    fs::write(&path, text).expect("a configuration");
    let mut command = Command::new(program);
    command.arg0("httpd").arg("-f").arg(path);
    command.arg("-d").arg(&folder).arg("-DFOREGROUND");
    launched(command, folder, port)
}

fn laid_out(name: &str) -> (PathBuf, u16) {
    let folder = running::folder(name);
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
    let ours = start(ours(), "ours");
    let all = cases(include_str!("../cases/requests.txt"));
    assert!(all.len() >= 80, "{} cases", all.len());
    compare(&real, &ours, &all);
}

#[test]
fn requests_are_answered_as_apache_answers_them() {
    let real = start_httpd(&trial::installed("apache2", "apache2"), "apache-real");
    let ours = start_httpd(ours(), "apache-ours");
    let all = cases(include_str!("../cases/httpd-requests.txt"));
    assert!(all.len() >= 30, "{} cases", all.len());
    compare(&real, &ours, &all);
}

fn compare(real: &Running, ours: &Running, all: &[(String, Option<String>, Vec<u8>)]) {
    let mut findings = Vec::new();
    for (name, differs, bytes) in all {
        let (expected, got) = (talk(real, bytes), talk(ours, bytes));
        let silent = name == "get /r444";
        if expected.is_empty() && got.is_empty() && !silent {
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
