//! Requests from inside a Pod, by the programs that its image happens to have. Never judges what
//! came of them.

use super::kubectl::{Kubectl, Target};
use super::process::Ended;
use lesson::{Failed, Place, Probe, ProbeOutcome};
use std::time::Instant;

/// Makes a request from a place; it ends at the deadline.
pub(super) fn probe(
    kubectl: &Kubectl,
    from: &Place,
    probe: &Probe,
    deadline: Instant,
) -> ProbeOutcome {
    if let Probe::File { path } = probe {
        return ProbeOutcome::File(kubectl.desk.read(path));
    }
    let target = match kubectl.target(from) {
        Ok(target) => target,
        Err(cause) => return ProbeOutcome::Failed(Failed::NotReady, cause),
    };
    match probe {
        Probe::Exec { command } => exec(kubectl, &target, command, deadline),
        Probe::Dns { name } => dns(kubectl, &target, name, deadline),
        Probe::Http { .. } => http(kubectl, &target, probe, deadline),
        Probe::Tcp { .. } | Probe::Distribution { .. } | Probe::File { .. } => {
            ProbeOutcome::Failed(Failed::NotReady, "only the lab can look at that".to_owned())
        }
    }
}

/// Words by which kubectl says that the container cannot be used yet.
const NOT_READY: [&str; 4] = [
    "container not found",
    "not found in pod",
    "error: unable to upgrade connection",
    "Error from server",
];

fn not_ready(ended: &Ended) -> Option<ProbeOutcome> {
    let said = NOT_READY.iter().any(|word| ended.stderr.contains(word));
    said.then(|| ProbeOutcome::Failed(Failed::NotReady, ended.stderr.trim().to_owned()))
}

/// Whether the image has no such program.
fn is_missing(ended: &Ended) -> bool {
    matches!(ended.exit, Some(126 | 127)) || ended.stderr.contains("executable file not found")
}

fn exec(kubectl: &Kubectl, target: &Target, command: &[String], deadline: Instant) -> ProbeOutcome {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let ended = kubectl.exec(target, &command, None, deadline);
    if let Some(outcome) = not_ready(&ended) {
        return outcome;
    }
    match ended.exit {
        Some(exit) => ProbeOutcome::Exec {
            exit,
            stdout: ended.stdout,
            stderr: ended.stderr,
        },
        None => ProbeOutcome::Failed(Failed::Timeout, "it did not end in time".to_owned()),
    }
}

fn dns(kubectl: &Kubectl, target: &Target, name: &str, deadline: Instant) -> ProbeOutcome {
    let ended = kubectl.exec(target, &["nslookup", name], None, deadline);
    if let Some(outcome) = not_ready(&ended) {
        return outcome;
    }
    if is_missing(&ended) {
        return ProbeOutcome::Failed(Failed::NotReady, "the Pod has no nslookup".to_owned());
    }
    read_nslookup(&ended)
}

/// What nslookup of busybox or of BIND says: addresses after the line of the name.
fn read_nslookup(ended: &Ended) -> ProbeOutcome {
    let said = format!("{}\n{}", ended.stdout, ended.stderr);
    let after = said.split_once("Name:").map_or("", |(_, after)| after);
    let address = |line: &str| {
        let (key, rest) = line.trim().split_once(':')?;
        let word = rest.split_whitespace().next()?;
        (key.starts_with("Address") && word.parse::<std::net::IpAddr>().is_ok())
            .then(|| word.to_owned())
    };
    let addresses: Vec<String> = after.lines().filter_map(address).collect();
    let answer = |rcode: &str| ProbeOutcome::Dns {
        rcode: rcode.to_owned(),
        addresses: addresses.clone(),
    };
    if !addresses.is_empty() {
        return answer("NOERROR");
    }
    let words = [
        ("NXDOMAIN", "NXDOMAIN"),
        ("can't resolve", "NXDOMAIN"),
        ("SERVFAIL", "SERVFAIL"),
    ];
    if let Some((_, rcode)) = words.iter().find(|(word, _)| said.contains(word)) {
        return answer(rcode);
    }
    if ended.exit.is_none() || said.contains("timed out") || said.contains("no servers could be") {
        return ProbeOutcome::Failed(Failed::Timeout, "no answer".to_owned());
    }
    answer("NOERROR")
}

fn http(kubectl: &Kubectl, target: &Target, probe: &Probe, deadline: Instant) -> ProbeOutcome {
    let seconds = deadline
        .saturating_duration_since(Instant::now())
        .as_secs()
        .max(1)
        .to_string();
    let curl = curl(probe, &seconds);
    let curl: Vec<&str> = curl.iter().map(String::as_str).collect();
    let ended = kubectl.exec(target, &curl, None, deadline);
    if !is_missing(&ended) {
        return not_ready(&ended).unwrap_or_else(|| read_curl(&ended));
    }
    let Some(wget) = wget(probe, &seconds) else {
        let cause = "the Pod has no curl, and this request is more than wget can make";
        return ProbeOutcome::Failed(Failed::NotReady, cause.to_owned());
    };
    let wget: Vec<&str> = wget.iter().map(String::as_str).collect();
    let ended = kubectl.exec(target, &wget, None, deadline);
    if is_missing(&ended) {
        let cause = "the Pod has neither curl nor wget";
        return ProbeOutcome::Failed(Failed::NotReady, cause.to_owned());
    }
    not_ready(&ended).unwrap_or_else(|| read_wget(&ended))
}

fn curl(probe: &Probe, seconds: &str) -> Vec<String> {
    let Probe::Http {
        url,
        method,
        headers,
        insecure,
        cacert,
    } = probe
    else {
        return Vec::new();
    };
    let words = [
        "curl",
        "-sS",
        "-m",
        seconds,
        "-w",
        "\n%{http_code}",
        "-X",
        method,
    ];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    for (name, value) in headers {
        words.extend(["-H".to_owned(), format!("{name}: {value}")]);
    }
    if *insecure {
        words.push("-k".to_owned());
    }
    if let Some(file) = cacert {
        words.extend(["--cacert".to_owned(), file.clone()]);
    }
    words.push(url.clone());
    words
}

fn read_curl(ended: &Ended) -> ProbeOutcome {
    let said = ended.stderr.trim().to_owned();
    let failed = |kind| ProbeOutcome::Failed(kind, said.clone());
    match ended.exit {
        Some(0) => {
            let (body, status) = ended.stdout.rsplit_once('\n').unwrap_or(("", ""));
            ProbeOutcome::Http {
                status: status.trim().parse().unwrap_or(0),
                body: body.to_owned(),
                served_by: None,
            }
        }
        Some(6) => failed(Failed::Dns),
        Some(7) if said.contains("refused") => failed(Failed::Refused),
        Some(7) => failed(Failed::Unreachable),
        Some(28) | None => failed(Failed::Timeout),
        Some(60) if said.contains("subject name") => failed(Failed::TlsNameMismatch),
        Some(60) => failed(Failed::TlsSelfSigned),
        Some(77) => failed(Failed::TlsCaFile),
        Some(_) => failed(Failed::NotReady),
    }
}

/// A request by busybox' wget, which has no methods and no certificates.
fn wget(probe: &Probe, seconds: &str) -> Option<Vec<String>> {
    let Probe::Http {
        url,
        method,
        headers,
        insecure: false,
        cacert: None,
    } = probe
    else {
        return None;
    };
    if method != "GET" {
        return None;
    }
    let words = ["wget", "-q", "-S", "-O", "-", "-T", seconds];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    for (name, value) in headers {
        words.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    words.push(url.clone());
    Some(words)
}

fn read_wget(ended: &Ended) -> ProbeOutcome {
    let said = ended.stderr.trim().to_owned();
    let status = said
        .lines()
        .filter_map(|line| line.split_once("HTTP/1.")?.1.split_whitespace().nth(1))
        .find_map(|code| code.parse::<u16>().ok());
    let failed = |kind| ProbeOutcome::Failed(kind, said.clone());
    if let Some(status) = status {
        return ProbeOutcome::Http {
            status,
            body: ended.stdout.clone(),
            served_by: None,
        };
    }
    let kinds = [
        ("bad address", Failed::Dns),
        ("refused", Failed::Refused),
        ("timed out", Failed::Timeout),
        ("unreachable", Failed::Unreachable),
        ("No route to host", Failed::Unreachable),
    ];
    match kinds.iter().find(|(word, _)| said.contains(word)) {
        Some((_, kind)) => failed(*kind),
        None if ended.exit.is_none() => failed(Failed::Timeout),
        None => failed(Failed::NotReady),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit: i32, stdout: &str, stderr: &str) -> Ended {
        Ended {
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            exit: Some(exit),
        }
    }

    #[test]
    fn the_status_that_curl_writes_last_is_not_the_body() {
        let ProbeOutcome::Http { status, body, .. } = read_curl(&ended(0, "hello\n\n200", ""))
        else {
            panic!("an answer");
        };
        assert_eq!((status, body.as_str()), (200, "hello\n"));
    }

    #[test]
    fn curls_exit_codes_are_kinds_of_failure() {
        let kind = |exit, stderr: &str| match read_curl(&ended(exit, "\n000", stderr)) {
            ProbeOutcome::Failed(kind, _) => kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(6, "Could not resolve host: web"), Failed::Dns);
        assert_eq!(
            kind(7, "connect failed: Connection refused"),
            Failed::Refused
        );
        assert_eq!(
            kind(7, "connect failed: No route to host"),
            Failed::Unreachable
        );
        assert_eq!(kind(28, "Operation timed out"), Failed::Timeout);
        let mismatch = "certificate subject name 'nginxsvc' does not match target host name";
        assert_eq!(kind(60, mismatch), Failed::TlsNameMismatch);
        assert_eq!(kind(60, "self-signed certificate"), Failed::TlsSelfSigned);
        assert_eq!(
            kind(77, "error setting certificate file"),
            Failed::TlsCaFile
        );
    }

    #[test]
    fn wget_tells_its_status_in_the_headers_and_its_failures_in_words() {
        let ok = ended(0, "hello", "  HTTP/1.1 200 OK\n  Server: nginx");
        assert!(matches!(
            read_wget(&ok),
            ProbeOutcome::Http { status: 200, .. }
        ));
        let lost = ended(
            1,
            "",
            "  HTTP/1.1 404 Not Found\nwget: server returned error",
        );
        assert!(matches!(
            read_wget(&lost),
            ProbeOutcome::Http { status: 404, .. }
        ));
        let unknown = ended(1, "", "wget: bad address 'web'");
        assert!(matches!(
            read_wget(&unknown),
            ProbeOutcome::Failed(Failed::Dns, _)
        ));
    }

    #[test]
    fn nslookup_of_busybox_and_of_bind_are_read() {
        let old = "Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns\n\nName:      web\nAddress 1: 10.96.3.4 web.default\n";
        let new = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.3.4\n\n";
        for text in [old, new] {
            assert_eq!(
                read_nslookup(&ended(0, text, "")),
                ProbeOutcome::Dns {
                    rcode: "NOERROR".to_owned(),
                    addresses: vec!["10.96.3.4".to_owned()],
                }
            );
        }
        let none = "** server can't find web.default.svc.cluster.local: NXDOMAIN\n";
        assert!(
            matches!(read_nslookup(&ended(1, none, "")), ProbeOutcome::Dns { rcode, .. } if rcode == "NXDOMAIN")
        );
    }
}
