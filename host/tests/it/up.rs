//! `lab up` and the stock kubectl, which nobody here wrote.

use crate::lab::{folder, lab, root};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A live cluster that ends with this value.
pub(crate) struct Up {
    child: Child,
    pub(crate) kubeconfig: PathBuf,
    /// The lines that it said before it was ready.
    pub(crate) said: Vec<String>,
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Up {
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    pub(crate) fn start_with(name: &str, args: &[&str]) -> Self {
        let kubeconfig = folder(name).join("kubeconfig");
        // A seed of its own, since NodePorts are drawn from it and the host has each only once.
        let seed: usize = name.bytes().map(usize::from).sum();
        let mut child = lab()
            .args(["up", "--nodes", "2", "--seed", &seed.to_string()])
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("lab starts");
        let stdout = BufReader::new(child.stdout.take().expect("asked for"));
        // It says where it listens when it listens.
        let mut said = Vec::new();
        let mut lines = stdout.lines().map_while(Result::ok);
        loop {
            let line = lines.next().expect("lab up ended before it was ready");
            if line.contains("Ctrl-C") {
                break;
            }
            said.push(line);
        }
        Self {
            child,
            kubeconfig,
            said,
        }
    }

    /// Where the API server is found, as a URL.
    pub(crate) fn server(&self) -> String {
        let text = std::fs::read_to_string(&self.kubeconfig).expect("written");
        let line = text.lines().find_map(|line| line.split_once("server: "));
        line.expect("a kubeconfig says it").1.to_owned()
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let kubectl = root().join("target/stock/kubectl-1.35");
        assert!(
            kubectl.exists(),
            "the stock kubectl is missing; hint: cargo xtask kubectl"
        );
        let output = Command::new(kubectl)
            .current_dir(root())
            .env("HOME", self.kubeconfig.parent().expect("in a folder"))
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .output()
            .expect("kubectl starts");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "kubectl {args:?}: {text}");
        text
    }
}

#[test]
fn the_stock_kubectl_applies_waits_gets_and_deletes() {
    let up = Up::start("up-kubectl");
    let nodes = up.kubectl(&["get", "nodes"]);
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    assert!(
        up.kubectl(&["apply", "-f", "labs/files/run-my-nginx.yaml"])
            .contains("deployment.apps/my-nginx created")
    );
    up.kubectl(&["rollout", "status", "deployment/my-nginx", "--timeout=60s"]);
    let pods = up.kubectl(&["get", "pods", "-l", "run=my-nginx", "-o", "wide"]);
    assert_eq!(pods.matches("Running").count(), 2, "{pods}");
    assert!(
        up.kubectl(&["expose", "deployment/my-nginx", "--type=NodePort"])
            .contains("service/my-nginx exposed")
    );
    let port = up.kubectl(&[
        "get",
        "svc",
        "my-nginx",
        "-o",
        "jsonpath={.spec.ports[0].nodePort}",
    ]);
    let page = http(port.trim().parse().expect("a port number"));
    assert!(page.contains("Welcome to nginx!"), "{page}");
    assert!(
        up.kubectl(&["logs", "deployment/my-nginx", "--all-pods=true"])
            .contains("GET / HTTP/1.1")
    );
    assert!(
        up.kubectl(&["exec", "deployment/my-nginx", "--", "hostname"])
            .starts_with("my-nginx-")
    );
    assert!(
        up.kubectl(&["delete", "service,deployment", "my-nginx"])
            .contains("deleted")
    );
    up.kubectl(&[
        "wait",
        "--for=delete",
        "pod",
        "-l",
        "run=my-nginx",
        "--timeout=60s",
    ]);
}

/// One page from a NodePort on the host.
pub(crate) fn http(port: u16) -> String {
    let mut stream =
        TcpStream::connect(("127.0.0.1", port)).expect("the NodePort is open on the host");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("answered");
    page
}

#[test]
fn the_kubeconfig_is_its_owners_alone_and_ctrl_c_ends_everything() {
    let mut up = Up::start("up-ctrl-c");
    let mode = std::fs::metadata(&up.kubeconfig)
        .expect("written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let pid = up.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .expect("kill starts")
            .success()
    );
    let status = up.child.wait().expect("it was started");
    assert!(status.success(), "{status}");
    assert!(
        !up.kubeconfig.exists(),
        "a kubeconfig that leads nowhere is taken away"
    );
}

#[test]
fn nobody_without_the_certificate_is_let_in() {
    let up = Up::start("up-stranger");
    let text = std::fs::read_to_string(&up.kubeconfig).expect("written");
    let stranger: String = text
        .lines()
        .filter(|line| !line.contains("client-"))
        .map(|line| format!("{line}\n"))
        .collect();
    let stranger = stranger.replace("  user:\n", "  user: {}\n");
    let file = up.kubeconfig.with_extension("stranger");
    std::fs::write(&file, stranger).expect("writable");
    let output = Command::new(root().join("target/stock/kubectl-1.35"))
        .arg("--kubeconfig")
        .arg(&file)
        .args(["get", "nodes", "--request-timeout=5s"])
        .output()
        .expect("kubectl starts; hint: cargo xtask kubectl");
    assert!(!output.status.success());
}

#[test]
fn the_stock_kubectl_attaches_and_types() {
    let up = Up::start("up-attach");
    let mut child = Command::new(root().join("target/stock/kubectl-1.35"))
        .arg("--kubeconfig")
        .arg(&up.kubeconfig)
        .args([
            "run",
            "echo",
            "--image=busybox",
            "-i",
            "--rm",
            "--restart=Never",
            "--",
            "cat",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl starts; hint: cargo xtask kubectl");
    let mut stdin = child.stdin.take().expect("asked for");
    stdin
        .write_all("やまびこ\n".as_bytes())
        .expect("kubectl reads");
    drop(stdin);
    let output = child.wait_with_output().expect("kubectl ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("やまびこ\n"), "{said}");
    assert!(said.contains("pod \"echo\" deleted"), "{said}");
    assert!(output.status.success());
}

#[test]
fn the_real_curl_speaks_http_and_https_to_our_nginx_over_node_ports() {
    let up = Up::start("up-curl");
    let folder = up.kubeconfig.parent().expect("in a folder").to_owned();
    let status = Command::new("openssl")
        .current_dir(&folder)
        .args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "rsa:2048",
            "-subj",
            "/CN=my-nginx",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:my-nginx",
            "-keyout",
            "tls.key",
            "-out",
            "tls.crt",
        ])
        .stderr(Stdio::null())
        .status()
        .expect("openssl starts; hint: apt-get install openssl");
    assert!(status.success());
    let file = |name: &str| folder.join(name).display().to_string();
    let (key, cert) = (file("tls.key"), file("tls.crt"));
    up.kubectl(&[
        "create",
        "secret",
        "tls",
        "nginxsecret",
        "--key",
        &key,
        "--cert",
        &cert,
    ]);
    up.kubectl(&[
        "create",
        "configmap",
        "nginxconfigmap",
        "--from-file=labs/files/default.conf",
    ]);
    up.kubectl(&["create", "-f", "labs/files/nginx-secure-app.yaml"]);
    up.kubectl(&["rollout", "status", "deployment/my-nginx", "--timeout=60s"]);
    let port = |index: usize| {
        let path = format!("jsonpath={{.spec.ports[{index}].nodePort}}");
        up.kubectl(&["get", "svc", "my-nginx", "-o", &path])
    };
    let (plain, secure) = (port(0), port(1));
    let curl = |args: &[&str]| {
        let output = Command::new("curl")
            .args(["-sS", "-m", "20"])
            .args(args)
            .output();
        let output = output.expect("curl starts; hint: apt-get install curl");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text)
    };
    let page = format!("http://127.0.0.1:{plain}/");
    let (code, text) = curl(&["-i", &page]);
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("HTTP/1.1 200 OK\r\nServer: nginx/"),
        "{text}"
    );
    let (_, text) = curl(&["-I", "-w", "%{http_code} %{size_download}", &page]);
    assert!(text.ends_with("200 0"), "{text}");
    let (_, text) = curl(&["-r", "0-14", "-w", " %{http_code}", &page]);
    assert_eq!(text, "<!DOCTYPE html> 206");
    let (_, text) = curl(&[
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        &format!("{page}none"),
    ]);
    assert_eq!(text, "404");
    let here = format!("my-nginx:{secure}:127.0.0.1");
    let url = format!("https://my-nginx:{secure}/");
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let (code, text) = curl(&[version, "--cacert", &cert, "--resolve", &here, &url]);
        assert_eq!(code, Some(0), "{version}");
        assert!(text.contains("<title>Welcome to nginx!</title>"), "{text}");
    }
    let by_address = format!("https://127.0.0.1:{secure}/");
    assert_eq!(curl(&["--cacert", &cert, &by_address]).0, Some(60));
    assert_eq!(curl(&[&by_address]).0, Some(60));
    assert_eq!(curl(&["-k", &by_address]).0, Some(0));
}
