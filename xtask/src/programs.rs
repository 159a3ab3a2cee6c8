//! Figures of the programs beside those of the real ones, from the same run. Never asserts a time.

use crate::bench::{median, ms, timed};
use crate::root;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server is asked.
const LOAD: Duration = Duration::from_secs(3);
/// Connections that ask at the same time.
const CONNECTIONS: usize = 8;
/// The real nginx listens here while it is measured.
const REAL: (u16, u16) = (18_080, 18_443);

/// A script that both sides run.
struct Script {
    name: &'static str,
    text: &'static str,
    /// The real shell and its arguments before the script.
    real: &'static [&'static str],
}

const SCRIPTS: [Script; 2] = [
    Script {
        name: "a loop of 10,000 rounds in the shell",
        text: "i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done",
        real: &["dash", "-c"],
    },
    Script {
        name: "sort and uniq of 1,000,000 lines",
        text: "seq 1000000 | sort -r | uniq | tail -n 1",
        real: &["busybox", "sh", "-c"],
    },
];

/// Prints the rows.
pub(crate) fn programs(lab: &Path) -> Result<()> {
    println!(
        "\n{:<42} {:>14} {:>14} {:>8}",
        "program", "ours", "the real one", "ratio"
    );
    let (start, _) = median(|| timed(sh(lab, "true")))?;
    for script in &SCRIPTS {
        let (ours, _) = median(|| timed(sh(lab, script.text)))?;
        let (real, _) = median(|| {
            let mut command = Command::new(script.real[0]);
            command.args(&script.real[1..]).arg(script.text);
            timed(command)
        })?;
        // Starting a whole cluster is not the script's.
        let ours = ours.saturating_sub(start);
        let ratio = ours.as_secs_f64() / real.as_secs_f64();
        println!(
            "{:<42} {:>11.1} ms {:>11.1} ms {ratio:>7.2}×",
            script.name,
            ms(ours),
            ms(real)
        );
    }
    let folder = root().join("target/bench-nginx");
    let servers = (Lab::start(lab, &folder)?, RealNginx::start(&folder)?);
    let ports = servers.0.ports;
    row(
        "requests/s of nginx, NodePort and loopback",
        requests(ports.0)?,
        requests(REAL.0)?,
    );
    row(
        "TLS handshakes/s of nginx",
        handshakes(ports.1)?,
        handshakes(REAL.1)?,
    );
    Ok(())
}

fn row(name: &str, ours: f64, real: f64) {
    println!(
        "{name:<42} {ours:>12.0}/s {real:>12.0}/s {:>7.2}×",
        ours / real
    );
}

fn sh(lab: &Path, script: &str) -> Command {
    let mut command = Command::new(lab);
    command.args(["sh", "-c", script]).stdin(Stdio::null());
    command
}

/// Answers a second, over kept connections.
fn requests(port: u16) -> Result<f64> {
    let started = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| std::thread::spawn(move || ask(port, started)))
        .collect();
    let mut answers = 0;
    for thread in threads {
        answers += thread.join().expect("it does not panic")?;
    }
    Ok(answers as f64 / started.elapsed().as_secs_f64())
}

fn ask(port: u16, started: Instant) -> Result<u64> {
    let connect = || -> Result<(TcpStream, BufReader<TcpStream>)> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok((stream, reader))
    };
    let (mut stream, mut reader) = connect()?;
    let mut answers = 0;
    while started.elapsed() < LOAD {
        // nginx closes a connection after its thousandth answer.
        if answers % 1_000 == 999 {
            (stream, reader) = connect()?;
        }
        stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                bail!("port {port} hung up");
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        answers += 1;
    }
    Ok(answers)
}

/// New TLS connections a second, as `openssl s_time` counts them.
fn handshakes(port: u16) -> Result<f64> {
    let output = Command::new("openssl")
        .args(["s_time", "-new", "-time", "3", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .output()
        .context("openssl")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // «153 connections in 3 real seconds, 0 bytes read per connection»
    let line = text.lines().find(|line| line.contains("real seconds"));
    let mut words = line.unwrap_or_default().split_whitespace();
    let count: f64 = words
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(0.0);
    let seconds: f64 = words
        .nth(2)
        .and_then(|word| word.parse().ok())
        .unwrap_or(3.0);
    Ok(count / seconds.max(1.0))
}

/// `lab up` with an nginx behind NodePorts.
struct Lab {
    child: Child,
    ports: (u16, u16),
}

impl Drop for Lab {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lab {
    fn start(lab: &Path, folder: &Path) -> Result<Self> {
        keys(folder)?;
        let kubeconfig = folder.join("kubeconfig");
        let mut child = Command::new(lab)
            // Not the usual seed, whose ports a lab that is already up may have.
            .args(["up", "--seed", "7"])
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("asked for")?);
        let ready = stdout
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains("Ctrl-C"));
        let mut started = Self {
            child,
            ports: (0, 0),
        };
        if !ready {
            bail!("lab up ended before it was ready");
        }
        let kubectl = |args: &[&str]| -> Result<String> {
            let output = Command::new(crate::stock::kubectl(crate::stock::USUAL)?)
                .current_dir(root())
                .arg("--kubeconfig")
                .arg(&kubeconfig)
                .args(args)
                .output()?;
            if !output.status.success() {
                bail!(
                    "kubectl {args:?}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (key, cert) = (folder.join("tls.key"), folder.join("tls.crt"));
        let (key, cert) = (key.display().to_string(), cert.display().to_string());
        kubectl(&[
            "create",
            "secret",
            "tls",
            "nginxsecret",
            "--key",
            &key,
            "--cert",
            &cert,
        ])?;
        kubectl(&[
            "create",
            "configmap",
            "nginxconfigmap",
            "--from-file=labs/files/default.conf",
        ])?;
        kubectl(&["create", "-f", "labs/files/nginx-secure-app.yaml"])?;
        kubectl(&["rollout", "status", "deployment/my-nginx", "--timeout=60s"])?;
        let port = |index: usize| -> Result<u16> {
            let path = format!("jsonpath={{.spec.ports[{index}].nodePort}}");
            Ok(kubectl(&["get", "svc", "my-nginx", "-o", &path])?
                .trim()
                .parse()?)
        };
        started.ports = (port(0)?, port(1)?);
        Ok(started)
    }
}

fn keys(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let status = Command::new("openssl")
        .current_dir(folder)
        .args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "rsa:2048",
            "-subj",
            "/CN=bench",
        ])
        .args(["-keyout", "tls.key", "-out", "tls.crt"])
        .stderr(Stdio::null())
        .status()
        .context("openssl")?;
    if !status.success() {
        bail!("openssl req ended with {status}");
    }
    Ok(())
}

/// Debian's nginx with one worker, as a container of one processor has it.
struct RealNginx(Child);

impl Drop for RealNginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl RealNginx {
    fn start(folder: &Path) -> Result<Self> {
        let conf: PathBuf = folder.join("nginx.conf");
        let page = root().join("guest-nginx/files");
        std::fs::write(
            &conf,
            format!(
                "daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\n\
                 events {{}}\n\
                 http {{ access_log {0}/access.log; types {{ text/html html; }}\n\
                 server {{ listen 127.0.0.1:{1}; listen 127.0.0.1:{2} ssl;\n\
                 ssl_certificate {0}/tls.crt; ssl_certificate_key {0}/tls.key;\n\
                 keepalive_requests 1000000; root {3}; }} }}\n",
                folder.display(),
                REAL.0,
                REAL.1,
                page.display()
            ),
        )?;
        // A process of its own group: without a master that outlives the kill.
        let child = Command::new("nginx")
            .arg("-g")
            .arg("master_process off;")
            .arg("-c")
            .arg(&conf)
            .spawn()
            .context("nginx: apt-get install nginx")?;
        let started = Self(child);
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", REAL.0)).is_err() {
            if Instant::now() > deadline {
                bail!("the real nginx does not listen");
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(started)
    }
}
