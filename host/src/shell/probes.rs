//! Traffic that a kubelet or a lesson's check makes: real packets from a real machine.
//!
//! Never judges an answer: a kubelet's success is decided here only as Kubernetes defines it
//! (a status from 200 to 399), a lesson's by the lesson.

use super::driver::Shell;
use super::http::{Client, Url, split};
use super::places::Spot;
use super::secure::{self, Trust};
use super::stream::NetStream;
use clock::{Duration, Instant};
use cluster::kubelet::{PodRef, ProbeKind};
use futures_util::future::{Either, select};
use lesson::{Failed, Probe, ProbeOutcome};
use runtime::Read;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::pin;
use std::rc::Rc;
use vnet::{HostId, NetError, Origin};

/// A kubelet's probe; the error is in a kubelet's words.
pub(super) async fn probe(
    shell: &Rc<Shell>,
    from: HostId,
    pod: &PodRef,
    container: &str,
    probe: ProbeKind,
    timeout: Duration,
) -> Result<(), String> {
    let late = match &probe {
        ProbeKind::Http {
            host,
            port,
            path,
            scheme,
            ..
        } => format!(
            "Get \"{}://{host}:{port}{path}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            scheme.to_lowercase()
        ),
        ProbeKind::Tcp { host, port } => format!("dial tcp {host}:{port}: i/o timeout"),
        ProbeKind::Exec { command } => format!(
            "command timed out: {command:?} timed out after {}s",
            timeout.as_secs()
        ),
    };
    let sleep = pin!(shell.runtime.sleep(timeout));
    let work = pin!(ask(shell, from, pod, container, probe));
    match select(work, sleep).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(late),
    }
}

async fn ask(
    shell: &Rc<Shell>,
    from: HostId,
    pod: &PodRef,
    container: &str,
    probe: ProbeKind,
) -> Result<(), String> {
    match probe {
        ProbeKind::Tcp { host, port } => {
            let to = address(&host, port)?;
            let stream = NetStream::connect(&shell.runtime, from, to, Origin::Program).await;
            stream
                .map(drop)
                .map_err(|cause| format!("dial tcp {to}: {}", go_words(cause)))
        }
        ProbeKind::Http {
            host,
            port,
            path,
            scheme,
            headers,
        } => {
            if scheme != "HTTP" {
                return Err(format!("{scheme} probes are not in this lab yet"));
            }
            let to = address(&host, port)?;
            let url = format!("http://{host}:{port}{path}");
            let stream = NetStream::connect(&shell.runtime, from, to, Origin::Program).await;
            let stream = stream
                .map_err(|cause| format!("Get \"{url}\": dial tcp {to}: {}", go_words(cause)))?;
            let mut client = Client::new(&shell.runtime, stream)
                .await
                .map_err(|cause| cause.to_string())?;
            let mut headers = headers;
            headers.push(("User-Agent".into(), "kube-probe/1.36".into()));
            let answer = client
                .send("GET", &format!("{host}:{port}"), &path, &headers)
                .await;
            match answer.map_err(|_| format!("Get \"{url}\": EOF"))?.status {
                200..400 => Ok(()),
                status => Err(format!("HTTP probe failed with statuscode: {status}")),
            }
        }
        ProbeKind::Exec { command } => {
            let running = shell.containers.borrow().find(&pod.uid, container).cloned();
            let running = running.ok_or_else(|| "container not running".to_owned())?;
            let talk = running
                .exec(&shell.runtime, command, false, None)
                .map_err(|cause| cause.to_string())?;
            let (code, stdout, stderr) = shell.hear_out(talk).await;
            if code == 0 {
                Ok(())
            } else {
                Err(format!("{stdout}{stderr}"))
            }
        }
    }
}

/// Whom a machine believes when nobody says otherwise.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A lesson's probe.
pub(super) async fn check(
    shell: &Rc<Shell>,
    from: &Spot,
    probe: Probe,
    deadline: Instant,
) -> ProbeOutcome {
    let left = deadline.saturating_since(shell.now());
    let sleep = pin!(shell.runtime.sleep(left));
    let work = pin!(check_now(shell, from, probe));
    match select(work, sleep).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => ProbeOutcome::Failed(
            Failed::Timeout,
            format!("no answer within {} s", left.as_secs_f64()),
        ),
    }
}

async fn check_now(shell: &Rc<Shell>, from: &Spot, probe: Probe) -> ProbeOutcome {
    match probe {
        Probe::Http {
            url,
            method,
            headers,
            insecure,
            cacert,
        } => {
            let visit = Visit {
                url: &url,
                origin: Origin::Checker,
                insecure,
                cacert: cacert.as_deref(),
            };
            http(shell, from, &visit, &method, &headers)
                .await
                .unwrap_or_else(|failed| failed)
        }
        Probe::File { path } => ProbeOutcome::File(read_file(shell, from, &path)),
        Probe::Tcp { host, port } => tcp(shell, from, &host, port)
            .await
            .unwrap_or_else(|failed| failed),
        Probe::Dns { name } => match shell.runtime.resolve(from.container, &name).await {
            Ok(addresses) => ProbeOutcome::Dns {
                rcode: "NOERROR".into(),
                addresses: addresses.iter().map(ToString::to_string).collect(),
            },
            Err(runtime::LookupError::NotFound) => ProbeOutcome::Dns {
                rcode: "NXDOMAIN".into(),
                addresses: Vec::new(),
            },
            Err(cause) => ProbeOutcome::Failed(Failed::Dns, cause.to_string()),
        },
        Probe::Exec { command } => exec(shell, from, command).await,
        Probe::Distribution {
            url,
            requests,
            keep_alive,
            by_server,
        } => distribution(shell, from, &url, requests, keep_alive, by_server)
            .await
            .unwrap_or_else(|failed| failed),
    }
}

async fn exec(shell: &Rc<Shell>, from: &Spot, command: Vec<String>) -> ProbeOutcome {
    match from.exec(&shell.runtime, command, false, None) {
        Ok(talk) => {
            let (exit, stdout, stderr) = shell.hear_out(talk).await;
            ProbeOutcome::Exec {
                exit,
                stdout,
                stderr,
            }
        }
        Err(cause @ (runtime::SpawnError::NotFound | runtime::SpawnError::NotExecutable)) => {
            ProbeOutcome::Exec {
                exit: 127,
                stdout: String::new(),
                stderr: cause.to_string(),
            }
        }
        Err(cause) => ProbeOutcome::Failed(Failed::NotReady, cause.to_string()),
    }
}

async fn tcp(
    shell: &Rc<Shell>,
    from: &Spot,
    host: &str,
    port: u16,
) -> Result<ProbeOutcome, ProbeOutcome> {
    connect(shell, from, host, port, Origin::Checker)
        .await
        .map(|_| ProbeOutcome::Open)
}

async fn http(
    shell: &Rc<Shell>,
    from: &Spot,
    visit: &Visit<'_>,
    method: &str,
    headers: &[(String, String)],
) -> Result<ProbeOutcome, ProbeOutcome> {
    let (mut client, served_by, authority, path) = open(shell, from, visit).await?;
    let answer = client
        .send(method, &authority, &path, headers)
        .await
        .map_err(|cause| broken(&*cause))?;
    Ok(ProbeOutcome::Http {
        status: answer.status,
        body: answer.body,
        served_by,
    })
}

async fn distribution(
    shell: &Rc<Shell>,
    from: &Spot,
    url: &str,
    requests: u32,
    keep_alive: bool,
    by_server: bool,
) -> Result<ProbeOutcome, ProbeOutcome> {
    let mut counts = BTreeMap::new();
    let mut kept = None;
    for _ in 0..requests {
        let (mut client, served_by, authority, path) = match kept.take() {
            Some(connection) => connection,
            None => open(shell, from, &Visit::check(url)).await?,
        };
        let answer = client
            .send("GET", &authority, &path, &[])
            .await
            .map_err(|cause| broken(&*cause))?;
        let key = if by_server {
            served_by.clone().unwrap_or_default()
        } else {
            answer.body.trim().to_owned()
        };
        *counts.entry(key).or_insert(0) += 1;
        if keep_alive {
            kept = Some((client, served_by, authority, path));
        }
    }
    Ok(ProbeOutcome::Counted(counts))
}

type Connection = (Client, Option<String>, String, String);

/// How a page is asked for.
struct Visit<'a> {
    url: &'a str,
    origin: Origin,
    insecure: bool,
    cacert: Option<&'a str>,
}

impl<'a> Visit<'a> {
    /// By a check, believing whom the machine believes.
    fn check(url: &'a str) -> Self {
        Self {
            url,
            origin: Origin::Checker,
            insecure: false,
            cacert: None,
        }
    }
}

async fn open(
    shell: &Rc<Shell>,
    from: &Spot,
    visit: &Visit<'_>,
) -> Result<Connection, ProbeOutcome> {
    let Some(Url {
        secure,
        host,
        port,
        path,
    }) = split(visit.url)
    else {
        return Err(ProbeOutcome::Failed(
            Failed::Unreachable,
            format!("{}: not a URL of HTTP", visit.url),
        ));
    };
    let (stream, to) = connect(shell, from, host, port, visit.origin).await?;
    let served_by = stream
        .local_addr()
        .and_then(|local| served_by(shell, local, to));
    let client = if secure {
        let trust = match visit.insecure {
            true => None,
            false => Some(trust(shell, from, visit.cacert)?),
        };
        let stream = secure::connect(shell, stream, host, trust)
            .await
            .map_err(|(kind, message)| ProbeOutcome::Failed(kind, message))?;
        Client::new(&shell.runtime, stream).await
    } else {
        Client::new(&shell.runtime, stream).await
    };
    let client = client.map_err(|cause| broken(&cause))?;
    let authority = if port == if secure { 443 } else { 80 } {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    Ok((client, served_by, authority, path.to_owned()))
}

async fn connect(
    shell: &Rc<Shell>,
    from: &Spot,
    host: &str,
    port: u16,
    origin: Origin,
) -> Result<(NetStream, SocketAddrV4), ProbeOutcome> {
    let addr = match host.parse::<Ipv4Addr>() {
        Ok(addr) => addr,
        Err(_) => {
            let found = shell.runtime.resolve(from.container, host).await;
            let found = found
                .map_err(|cause| ProbeOutcome::Failed(Failed::Dns, format!("{host}: {cause}")))?;
            *found
                .first()
                .ok_or_else(|| ProbeOutcome::Failed(Failed::Dns, format!("{host}: no address")))?
        }
    };
    let to = SocketAddrV4::new(addr, port);
    let stream = NetStream::connect(&shell.runtime, from.host, to, origin).await;
    let stream =
        stream.map_err(|cause| ProbeOutcome::Failed(kind(cause), format!("{to}: {cause}")))?;
    Ok((stream, to))
}

/// The Pod behind the address that a connection really leads to: the translated destination if
/// some node's conntrack has one, else the address itself.
fn served_by(shell: &Shell, local: SocketAddrV4, to: SocketAddrV4) -> Option<String> {
    shell.look(|world| {
        let real = translated(world, local, to).unwrap_or(to);
        let ip = real.ip().to_string();
        let pod = world.cluster().store().list("pods", None).find(|pod| {
            pod["status"]["podIP"] == ip.as_str() && pod["status"]["phase"] == "Running"
        })?;
        Some(pod["metadata"]["name"].as_str()?.to_owned())
    })
}

/// Where the nodes' conntrack says that a connection to `to` was sent on to.
fn translated(world: &world::World, local: SocketAddrV4, to: SocketAddrV4) -> Option<SocketAddrV4> {
    let mut entries = world
        .nodes()
        .values()
        .flat_map(|node| world.net().conntrack(*node));
    entries
        .find(|entry| entry.original.src == local && entry.original.dst == to)
        .map(|entry| entry.reply.src)
}

/// The certificates that a machine believes: those of a file, or of its own list.
fn trust(shell: &Shell, from: &Spot, cacert: Option<&str>) -> Result<Trust, ProbeOutcome> {
    let unreadable = |path: &str| {
        let message = format!("error adding trust anchors from file: {path}");
        ProbeOutcome::Failed(Failed::TlsCaFile, message)
    };
    let Some(path) = cacert else {
        let own = read_file(shell, from, CERTIFICATES).unwrap_or_default();
        return Ok(Trust::from_pem(own.as_bytes()).unwrap_or_default());
    };
    let text = read_file(shell, from, path).ok_or_else(|| unreadable(path))?;
    match Trust::from_pem(text.as_bytes()) {
        Ok(trust) if !trust.certificates.is_empty() => Ok(trust),
        _ => Err(unreadable(path)),
    }
}

/// The text of a file at a place, relative to where its programs start.
fn read_file(shell: &Shell, at: &Spot, path: &str) -> Option<String> {
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{}/{path}", at.working_dir),
    };
    let bytes = shell.runtime.fs(at.container)?.read_file(&path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A page as a browser shows it: its status and title. The error says why there is none.
pub(super) async fn browse(
    shell: &Rc<Shell>,
    from: &Spot,
    url: &str,
    deadline: Instant,
) -> Result<String, String> {
    let visit = Visit {
        origin: Origin::Program,
        ..Visit::check(url)
    };
    let agent = [("User-Agent".to_owned(), "Mozilla/5.0".to_owned())];
    let left = deadline.saturating_since(shell.now());
    let sleep = pin!(shell.runtime.sleep(left));
    let work = pin!(http(shell, from, &visit, "GET", &agent));
    let outcome = match select(work, sleep).await {
        Either::Left((outcome, _)) => outcome.unwrap_or_else(|failed| failed),
        Either::Right(_) => return Err(format!("{url} took too long to respond")),
    };
    match outcome {
        ProbeOutcome::Http { status, body, .. } => {
            let page = format!("{status} {}\n", title(&body).unwrap_or("(no title)"));
            if status < 400 { Ok(page) } else { Err(page) }
        }
        ProbeOutcome::Failed(_, message) => Err(message),
        _ => Err("no page".to_owned()),
    }
}

/// What stands in a page's `<title>`.
fn title(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<title>")?;
    Some(rest.split_once("</title>")?.0.trim())
}

fn broken(cause: &(dyn std::error::Error + 'static)) -> ProbeOutcome {
    ProbeOutcome::Failed(
        Failed::Unreachable,
        format!("the connection broke: {cause}"),
    )
}

fn kind(cause: NetError) -> Failed {
    match cause {
        NetError::Refused | NetError::Reset => Failed::Refused,
        NetError::TimedOut => Failed::Timeout,
        _ => Failed::Unreachable,
    }
}

fn address(host: &str, port: u16) -> Result<SocketAddrV4, String> {
    let addr = host
        .parse()
        .map_err(|_| format!("dial tcp: lookup {host}: no such host"))?;
    Ok(SocketAddrV4::new(addr, port))
}

/// A failed connection in the words of Go's net package, which the kubelet prints.
fn go_words(cause: NetError) -> &'static str {
    match cause {
        NetError::Refused => "connect: connection refused",
        NetError::Reset => "connect: connection reset by peer",
        NetError::TimedOut => "connect: connection timed out",
        NetError::HostUnreachable => "connect: no route to host",
        NetError::NetUnreachable => "connect: network is unreachable",
        _ => "connect: cannot assign requested address",
    }
}

impl Shell {
    /// Hears a process out: its exit code and what it wrote and complained.
    pub(crate) async fn hear_out(&self, talk: super::Conversation) -> (i32, String, String) {
        use super::containers::Ends;
        let (stdout, stderr) = match talk.ends {
            Ends::Pipes {
                stdout,
                stderr,
                stdin,
            } => {
                drop(stdin);
                futures_util::future::join(read_all(stdout), read_all(stderr)).await
            }
            Ends::Terminal(terminal) => (read_terminal(terminal).await, Vec::new()),
            Ends::Attached { stdout, stderr, .. } => {
                futures_util::future::join(read_all(stdout), read_all(stderr)).await
            }
        };
        let code = i32::from(talk.exit.status().await);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (code, text(stdout), text(stderr))
    }
}

/// The most a command's output is kept of, each stream; what comes after is read and dropped.
const OUTPUT_MAX: usize = 8 * 1024 * 1024;

async fn read_all(reader: runtime::PipeReader) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match reader.try_read(64 * 1024) {
            Read::Data(data) if all.len() < OUTPUT_MAX => all.extend_from_slice(&data),
            Read::Data(_) => {}
            Read::WouldBlock => std::future::poll_fn(|cx| reader.poll_readable(cx)).await,
            Read::End => return all,
        }
    }
}

async fn read_terminal(terminal: super::Terminal) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match terminal.try_read(64 * 1024) {
            Read::Data(data) if all.len() < OUTPUT_MAX => all.extend_from_slice(&data),
            Read::Data(_) => {}
            Read::WouldBlock => std::future::poll_fn(|cx| terminal.poll_readable(cx)).await,
            Read::End => return all,
        }
    }
}
