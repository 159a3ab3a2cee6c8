//! `minikube`, as far as a cluster that is already there needs it: where it is, how to get to a
//! Service, a shell on its node. The profile on this machine says which driver it has.
//!
//! Never starts, stops or changes a cluster, and never opens a browser: there is none here.

use crate::balancers;
use crate::http::{Answer, ask};
use crate::net::{Listener, Stream};
use crate::remote::{self, Tunnel, carry_tunnels};
use crate::ssh::words;
use crate::table::boxed;
use crate::term::Term;
use guest_kit::process::Command;
use guest_kit::terminal;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddrV4};

const VERSION: &str = "v1.37.0";
/// minikube's own codes: `pkg/minikube/reason/exitcodes.go`.
const NOT_FOUND: i32 = 85;
const USAGE: i32 = 14;
const SERVICE_NOT_FOUND: i32 = 115;
const SERVICE_UNREACHABLE: i32 = 114;
const HEAD: [&str; 4] = ["NAMESPACE", "NAME", "TARGET PORT", "URL"];

/// What the profile says.
#[derive(Debug, PartialEq, Eq)]
struct Profile {
    name: String,
    driver: String,
    ip: Ipv4Addr,
    port: u64,
    version: String,
    runtime: String,
    /// The node's port 7022 and the API server's, as this machine reaches them.
    ssh: SocketAddrV4,
    api: SocketAddrV4,
}

pub(crate) fn run(term: &mut Term<'_>, args: &[String]) -> i32 {
    let mut words: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut profile = "minikube".to_owned();
    if let Some(at) = words
        .iter()
        .take_while(|word| **word != "--")
        .position(|word| matches!(*word, "-p" | "--profile"))
    {
        words.remove(at);
        if at < words.len() {
            profile = words.remove(at).to_owned();
        }
    }
    match words.split_first() {
        None => {
            term.say(
                "minikube in this lab: ip, service, tunnel, status, ssh, kubectl, profile list, version",
            );
            0
        }
        Some((&"version", rest)) => {
            term.say(&if rest.contains(&"--short") {
                VERSION.to_owned()
            } else {
                format!("minikube version: {VERSION}")
            });
            0
        }
        Some((&("start" | "stop" | "delete" | "pause" | "unpause"), _)) => {
            term.say_error(&format!("minikube: not in this lab: the cluster belongs to the lab, which starts and ends it ({})", words[0]));
            1
        }
        Some((command, rest)) => match *command {
            "ip" | "status" | "service" | "ssh" | "kubectl" | "profile" | "tunnel" => {
                match read(&profile) {
                    Some(found) => on_profile(term, &found, command, rest),
                    None => no_profile(term, &profile),
                }
            }
            other => {
                let known = [
                    "addons",
                    "dashboard",
                    "config",
                    "image",
                    "node",
                    "mount",
                    "logs",
                    "cp",
                    "docker-env",
                    "update-context",
                    "completion",
                    "options",
                ];
                if known.contains(&other) {
                    term.say_error(&format!("minikube: not in this lab: {other}"));
                    return 1;
                }
                term.say_error(&format!("Error: unknown command \"{other}\" for \"minikube\"\nRun 'minikube --help' for usage."));
                1
            }
        },
    }
}

fn no_profile(term: &mut Term<'_>, profile: &str) -> i32 {
    term.say(&format!(
        "🤷  Profile \"{profile}\" not found. Run \"minikube profile list\" to view all profiles."
    ));
    term.say("👉  To start a cluster, run: \"minikube start\"");
    NOT_FOUND
}

fn read(name: &str) -> Option<Profile> {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let text =
        std::fs::read_to_string(format!("{home}/.minikube/profiles/{name}/config.json")).ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<Profile> {
    let value: Value = serde_json::from_str(text).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let config = &value["KubernetesConfig"];
    if let Some(word) = text(&value["Lab"]["word"]) {
        // A second profile of the same lab has the same.
        let _ = crate::http::WORD.set(word);
    }
    Some(Profile {
        name: text(&value["Name"])?,
        driver: text(&value["Driver"])?,
        ip: value["Nodes"][0]["IP"].as_str()?.parse().ok()?,
        port: value["Nodes"][0]["Port"].as_u64()?,
        version: text(&config["KubernetesVersion"])?,
        runtime: text(&config["ContainerRuntime"])?,
        ssh: value["Lab"]["ssh"].as_str()?.parse().ok()?,
        api: value["Lab"]["api"].as_str()?.parse().ok()?,
    })
}

fn on_profile(term: &mut Term<'_>, profile: &Profile, command: &str, rest: &[&str]) -> i32 {
    match command {
        "ip" => {
            term.say(&profile.ip.to_string());
            0
        }
        "status" => status(term, profile),
        "service" => service(term, profile, rest),
        "tunnel" => balance(term, profile, rest),
        "ssh" => ssh(term, profile, rest),
        "kubectl" => kubectl(term, rest),
        _ => profiles(term, profile, rest),
    }
}

fn is_up(profile: &Profile) -> bool {
    ask(profile.api, "GET", "/readyz", None).is_ok_and(|answer| answer.status == 200)
}

fn status(term: &mut Term<'_>, profile: &Profile) -> i32 {
    let host = Stream::connect(profile.ssh).is_ok();
    let api = is_up(profile);
    let word = |up: bool| if up { "Running" } else { "Stopped" };
    term.say(&format!(
        "{}\ntype: Control Plane\nhost: {}\nkubelet: {}\napiserver: {}\nkubeconfig: Configured\n",
        profile.name,
        word(host),
        word(host),
        word(api)
    ));
    // A bit for each that is down: host, cluster, Kubernetes.
    i32::from(!host) + 2 * i32::from(!host) + 4 * i32::from(!api)
}

fn profiles(term: &mut Term<'_>, profile: &Profile, rest: &[&str]) -> i32 {
    if rest.first() != Some(&"list") {
        match rest.first() {
            None => term.say(&profile.name),
            Some(_) => {
                term.say_error("minikube: not in this lab: another profile than this one");
                return 1;
            }
        }
        return 0;
    }
    let state = if is_up(profile) { "OK" } else { "Stopped" };
    let is_current = current_context().is_some_and(|current| current == profile.name);
    let row = [
        profile.name.as_str(),
        &profile.driver,
        &profile.runtime,
        &profile.ip.to_string(),
        &profile.port.to_string(),
        &profile.version,
        state,
        "1",
        "*",
        if is_current { "*" } else { "" },
    ];
    let head = [
        "PROFILE",
        "DRIVER",
        "RUNTIME",
        "IP",
        "PORT",
        "VERSION",
        "STATUS",
        "NODES",
        "ACTIVE PROFILE",
        "ACTIVE KUBECONTEXT",
    ];
    let table = boxed(&head, &[row.map(String::from).to_vec()]);
    let _ = term.out.write_all(table.as_bytes());
    0
}

/// The context that kubectl uses here.
fn current_context() -> Option<String> {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let file = std::env::var("KUBECONFIG").unwrap_or_else(|_| format!("{home}/.kube/config"));
    let text = std::fs::read_to_string(file).ok()?;
    let mut lines = text.lines();
    let current = lines.find_map(|line| line.strip_prefix("current-context:"))?;
    Some(current.trim().trim_matches('"').to_owned())
}

fn ssh(term: &mut Term<'_>, profile: &Profile, rest: &[&str]) -> i32 {
    let rest = if rest.first() == Some(&"--") {
        &rest[1..]
    } else {
        rest
    };
    if let Some(flag) = rest.first().filter(|word| word.starts_with('-')) {
        term.say_error(&format!(
            "Error: unknown flag: {flag}\nSee 'minikube ssh --help' for usage."
        ));
        return 1;
    }
    let stream = match Stream::connect(profile.ssh) {
        Ok(stream) => stream,
        Err(cause) => {
            term.say_error(&format!(
                "❌  Exiting due to GUEST_STATUS: dial tcp {}: {}",
                profile.ssh,
                words(&cause)
            ));
            return 80;
        }
    };
    let command = (!rest.is_empty()).then(|| rest.join(" "));
    let tty = terminal::size().is_some() && command.is_none();
    match remote::run(term, stream, command.as_deref(), tty, true) {
        Ok(0) => 0,
        Ok(code) => {
            term.say_error(&format!("ssh: Process exited with status {code}"));
            1
        }
        Err(_) => {
            term.say_error("❌  Exiting due to GUEST_SSH: the connection broke");
            1
        }
    }
}

fn kubectl(term: &mut Term<'_>, rest: &[&str]) -> i32 {
    let rest = if rest.first() == Some(&"--") {
        &rest[1..]
    } else {
        rest
    };
    let mut command = Command::new("kubectl");
    for word in ["--context", "minikube"].iter().chain(rest) {
        command = command.arg(*word);
    }
    match command.spawn() {
        Ok(child) => child.wait().status(),
        Err(_) => {
            term.say_error("minikube: kubectl is not on this machine");
            127
        }
    }
}

/// A port of a Service, and where the node has it.
#[derive(Debug, PartialEq, Eq)]
struct ServicePort {
    target: String,
    node_port: Option<u16>,
}

fn service(term: &mut Term<'_>, profile: &Profile, rest: &[&str]) -> i32 {
    let (mut namespace, mut url, mut name) = ("default", false, None);
    let mut words = rest.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "--url" | "--url=true" => url = true,
            "-n" | "--namespace" => namespace = words.next().unwrap_or("default"),
            // Seconds between tries, and how long to try: the Service is there or it is not.
            "--wait" | "--interval" => drop(words.next()),
            _ if word.starts_with("--namespace=") => namespace = &word["--namespace=".len()..],
            _ if word.starts_with("-n") && word.len() > 2 => namespace = &word[2..],
            _ if word.starts_with("--wait=") || word.starts_with("--interval=") => {}
            "--all" | "--https" | "--format" => {
                term.say_error(&format!("minikube: not in this lab: service {word}"));
                return 1;
            }
            _ if word.starts_with('-') => {
                term.say_error(&format!(
                    "Error: unknown flag: {word}\nSee 'minikube service --help' for usage."
                ));
                return 1;
            }
            _ => name = Some(word),
        }
    }
    match name {
        None => {
            term.say_error("❌  Exiting due to MK_USAGE: You must specify a service name");
            USAGE
        }
        Some("list") => list(term, profile),
        Some(name) => open(term, profile, namespace, name, url),
    }
}

fn get(term: &mut Term<'_>, profile: &Profile, path: &str) -> Result<Answer, i32> {
    ask(profile.api, "GET", path, None).map_err(|cause| {
        term.say_error(&format!(
            "❌  Exiting due to K8S_APISERVER: dial tcp {}: {}",
            profile.api,
            words(&cause)
        ));
        100
    })
}

fn open(term: &mut Term<'_>, profile: &Profile, namespace: &str, name: &str, url: bool) -> i32 {
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let answer = match get(term, profile, &path) {
        Ok(answer) => answer,
        Err(code) => return code,
    };
    if answer.status != 200 {
        term.say_error(&format!("\n❌  Exiting due to SVC_NOT_FOUND: Service '{name}' was not found in '{namespace}' namespace.\nYou may select another namespace by using 'minikube service {name} -n <namespace>'. Or list out all the services using 'minikube service list'\n"));
        return SERVICE_NOT_FOUND;
    }
    let object = answer.json();
    let ports = ports(&object);
    let with_port = ports.iter().any(|port| port.node_port.is_some());
    if with_port && !has_pods(profile, namespace, &object) {
        term.say_error(&format!("\n❌  Exiting due to SVC_UNREACHABLE: service not available: no running pod for service {name} found\n"));
        return SERVICE_UNREACHABLE;
    }
    let of_node: Vec<String> = urls(&ports, profile.ip);
    if !url || !with_port {
        let row = row(namespace, name, &ports, &of_node);
        let _ = term.out.write_all(boxed(&HEAD, &[row]).as_bytes());
    }
    if !with_port {
        term.say(&format!("😿  service {namespace}/{name} has no node port"));
        return 0;
    }
    if profile.driver == "docker" {
        return tunnel(term, profile, namespace, name, &ports, url);
    }
    for one in &of_node {
        if url {
            term.say(one);
        } else {
            opening(term, namespace, name);
        }
    }
    0
}

fn opening(term: &mut Term<'_>, namespace: &str, name: &str) {
    let words = if term.japanese() {
        format!("🎉  デフォルトブラウザーで {namespace}/{name} サービスを開いています...")
    } else {
        format!("🎉  Opening service {namespace}/{name} in default browser...")
    };
    term.say(&words);
}

/// The node cannot be reached from here: a listener here, and its connections through the node's
/// published port.
fn tunnel(
    term: &mut Term<'_>,
    profile: &Profile,
    namespace: &str,
    name: &str,
    ports: &[ServicePort],
    url: bool,
) -> i32 {
    if !url {
        let words = if term.japanese() {
            format!("🏃  {name} サービス用のトンネルを起動しています。")
        } else {
            format!("🏃  Starting tunnel for service {name}.")
        };
        term.say(&words);
    }
    let mut tunnels = Vec::new();
    for port in ports.iter().filter_map(|port| port.node_port) {
        match Listener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)) {
            Ok(listener) => tunnels.push(Tunnel {
                listener,
                over: profile.ssh,
                to: SocketAddrV4::new(profile.ip, port),
                of: name.to_owned(),
            }),
            Err(cause) => {
                term.say_error(&format!(
                    "❌  Exiting due to SVC_TUNNEL_START: {}",
                    words(&cause)
                ));
                return 110;
            }
        }
    }
    let here: Vec<String> = tunnels
        .iter()
        .map(|tunnel| format!("http://127.0.0.1:{}", tunnel.listener.port()))
        .collect();
    if url {
        here.iter().for_each(|url| term.say(url));
    } else {
        let row = [namespace, name, "", &here.join("\n")]
            .map(String::from)
            .to_vec();
        let _ = term.out.write_all(boxed(&HEAD, &[row]).as_bytes());
        opening(term, namespace, name);
    }
    term.say(if term.japanese() {
        "❗  Docker ドライバーを darwin 上で使用しているため、実行するにはターミナルを開く必要があります。"
    } else {
        "❗  Because you are using a Docker driver on darwin, the terminal needs to be open to run it."
    });
    term.flush();
    carry_tunnels(&mut tunnels, None, |_| ());
    let words = if term.japanese() {
        format!("✋  {name} サービス用のトンネルを停止しています。")
    } else {
        format!("✋  Stopping tunnel for service {name}.")
    };
    term.say(&words);
    // As the real one, which ends itself with the signal it got.
    130
}

fn balance(term: &mut Term<'_>, profile: &Profile, rest: &[&str]) -> i32 {
    if let Some(word) = rest.first() {
        term.say_error(&format!("minikube: not in this lab: tunnel {word}"));
        return 1;
    }
    if profile.driver != "docker" {
        let driver = &profile.driver;
        term.say_error(&format!("minikube: not in this lab: tunnel with the driver {driver}, which adds routes to this machine; use minikube service NAME"));
        return 1;
    }
    if !is_up(profile) {
        return no_api(term, profile);
    }
    balancers::run(term, profile.api, profile.ssh)
}

fn no_api(term: &mut Term<'_>, profile: &Profile) -> i32 {
    match get(term, profile, "/readyz") {
        Ok(_) => 1,
        Err(code) => code,
    }
}

fn list(term: &mut Term<'_>, profile: &Profile) -> i32 {
    let answer = match get(term, profile, "/api/v1/services") {
        Ok(answer) => answer,
        Err(code) => return code,
    };
    let value = answer.json();
    let rows: Vec<Vec<String>> = value["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|object| {
            let text = |key: &str| {
                object["metadata"][key]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let ports = ports(object);
            let of_node = if profile.driver == "docker" {
                Vec::new()
            } else {
                urls(&ports, profile.ip)
            };
            let mut row = row(&text("namespace"), &text("name"), &ports, &of_node);
            if profile.driver == "docker" && ports.iter().any(|port| port.node_port.is_some()) {
                row[3] = String::new();
            }
            row
        })
        .collect();
    let _ = term.out.write_all(boxed(&HEAD, &rows).as_bytes());
    0
}

fn row(namespace: &str, name: &str, ports: &[ServicePort], urls: &[String]) -> Vec<String> {
    if ports.iter().all(|port| port.node_port.is_none()) {
        return [namespace, name, "", "No node port"]
            .map(String::from)
            .to_vec();
    }
    let targets: Vec<&str> = ports.iter().map(|port| port.target.as_str()).collect();
    vec![
        namespace.to_owned(),
        name.to_owned(),
        targets.join("\n"),
        urls.join("\n"),
    ]
}

fn ports(service: &Value) -> Vec<ServicePort> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports
        .map(|port| {
            let number = port["port"].as_u64().unwrap_or_default();
            ServicePort {
                target: match port["name"].as_str().unwrap_or_default() {
                    "" => number.to_string(),
                    name => format!("{name}/{number}"),
                },
                node_port: port["nodePort"]
                    .as_u64()
                    .and_then(|port| u16::try_from(port).ok())
                    .filter(|port| *port > 0),
            }
        })
        .collect()
}

fn urls(ports: &[ServicePort], ip: Ipv4Addr) -> Vec<String> {
    let ports = ports.iter().filter_map(|port| port.node_port);
    ports.map(|port| format!("http://{ip}:{port}")).collect()
}

/// Whether any Pod that the Service selects runs; one without a selector is taken at its word.
fn has_pods(profile: &Profile, namespace: &str, service: &Value) -> bool {
    let Some(selector) = service["spec"]["selector"].as_object() else {
        return true;
    };
    let pairs = selector
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let selector = crate::http::encode(&pairs.collect::<Vec<_>>().join(","));
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
    let Ok(answer) = ask(profile.api, "GET", &path, None) else {
        return true;
    };
    let pods = answer.json();
    let mut pods = pods["items"].as_array().into_iter().flatten();
    pods.any(|pod| pod["status"]["phase"] == "Running")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_without_a_name_is_its_number_and_one_with_both() {
        let service = json!({"spec": {"ports": [
            {"port": 80, "nodePort": 31848}, {"name": "https", "port": 443, "nodePort": 31849}, {"port": 1}
        ]}});
        let ports = ports(&service);
        let targets: Vec<&str> = ports.iter().map(|port| port.target.as_str()).collect();
        assert_eq!(targets, ["80", "https/443", "1"]);
        let urls = urls(&ports, Ipv4Addr::new(192, 168, 49, 2));
        assert_eq!(
            urls,
            ["http://192.168.49.2:31848", "http://192.168.49.2:31849"]
        );
    }

    #[test]
    fn what_is_refused_says_so() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut term = Term::given(&mut out, &mut err, &[]);
        assert_eq!(run(&mut term, &["addons".into()]), 1);
        assert_eq!(run(&mut term, &["start".into()]), 1);
        assert_eq!(run(&mut term, &["fly".into()]), 1);
        let err = String::from_utf8(err).expect("text");
        assert!(err.contains("not in this lab: addons"), "{err}");
        assert!(
            err.contains("unknown command \"fly\" for \"minikube\""),
            "{err}"
        );
    }
}
