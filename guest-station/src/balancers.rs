//! `minikube tunnel` of the Docker driver: every Service with a load balancer gets a listener on
//! this machine, and its connections go over the node to the Service's own address.
//!
//! After `pkg/minikube/tunnel/kic` of minikube 1.37. Never opens a way to a Service of another type.

use crate::http::ask;
use crate::net::Listener;
use crate::remote::{Tunnel, carry_tunnels};
use crate::ssh::words;
use crate::term::Term;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// How often it looks for Services that have come or gone.
const ROUND: Duration = Duration::from_secs(1);
/// Ports below it are the administrator's.
const PRIVILEGED: u16 = 1024;

/// Keeps a tunnel for each Service until Ctrl-C.
pub(crate) fn run(term: &mut Term<'_>, api: SocketAddrV4, over: SocketAddrV4) -> i32 {
    let japanese = term.japanese();
    let say = |ja: &str, en: &str| if japanese { ja } else { en }.to_owned();
    term.say(&say(
        "✅  トンネルが無事開始しました\n",
        "✅  Tunnel successfully started\n",
    ));
    term.say(&say(
        "📌  注意: トンネルにアクセスするにはこのプロセスが存続しなければならないため、このターミナルはクローズしないでください ...\n",
        "📌  NOTE: Please do not close this terminal as this process must stay alive for the tunnel to be accessible ...\n",
    ));
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let mut tunnels = Vec::new();
    carry_tunnels(&mut tunnels, Some(ROUND), |tunnels| {
        let wanted = services(api);
        let gone: Vec<String> = open
            .keys()
            .filter(|path| !wanted.contains_key(*path))
            .cloned()
            .collect();
        for path in gone {
            open.remove(&path);
            tunnels.retain(|tunnel: &Tunnel| tunnel.of != path);
            stopping(term, &path);
        }
        for (path, service) in wanted {
            if let Entry::Vacant(place) = open.entry(path) {
                let started = start(term, place.key(), &service, over);
                if !started.is_empty() {
                    publish(api, place.key(), Some("127.0.0.1"));
                }
                place.insert(started.len());
                tunnels.extend(started);
            }
        }
        term.flush();
    });
    for (path, listeners) in &open {
        stopping(term, path);
        if *listeners > 0 {
            publish(api, path, None);
        }
    }
    0
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn stopping(term: &mut Term<'_>, path: &str) {
    let name = name_of(path);
    term.say(&if term.japanese() {
        format!("✋  {name} サービス用のトンネルを停止しています。")
    } else {
        format!("✋  Stopping tunnel for service {name}.")
    });
}

/// The Services with a load balancer, by their path in the API; none while it does not answer.
fn services(api: SocketAddrV4) -> BTreeMap<String, Value> {
    let Ok(answer) = ask(api, "GET", "/api/v1/services", None) else {
        return BTreeMap::new();
    };
    let value = answer.json();
    let items = value["items"].as_array().into_iter().flatten();
    let balanced = items.filter(|service| service["spec"]["type"] == "LoadBalancer");
    balanced
        .map(|service| {
            let text = |key: &str| service["metadata"][key].as_str().unwrap_or_default();
            let (space, name) = (text("namespace"), text("name"));
            let path = format!("/api/v1/namespaces/{space}/services/{name}");
            (path, service.clone())
        })
        .collect()
}

/// Listens at every port of a Service; a port that is taken is told and left out.
fn start(term: &mut Term<'_>, path: &str, service: &Value, over: SocketAddrV4) -> Vec<Tunnel> {
    let ports: Vec<u16> = service["spec"]["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| u16::try_from(port["port"].as_u64()?).ok())
        .collect();
    let name = name_of(path);
    let privileged: Vec<String> = ports
        .iter()
        .filter(|port| **port < PRIVILEGED)
        .map(u16::to_string)
        .collect();
    if !privileged.is_empty() {
        let ports = privileged.join(" ");
        term.say(&format!(
            "❗  The service/ingress {name} requires privileged ports to be exposed: [{ports}]"
        ));
        term.say("🔑  sudo permission will be asked for it.");
    }
    term.say(&if term.japanese() {
        format!("🏃  {name} サービス用のトンネルを起動しています。")
    } else {
        format!("🏃  Starting tunnel for service {name}.")
    });
    let cluster_ip = service["spec"]["clusterIP"].as_str();
    let Some(ip) = cluster_ip.and_then(|ip| ip.parse::<Ipv4Addr>().ok()) else {
        return Vec::new();
    };
    let mut tunnels = Vec::new();
    for port in ports {
        match Listener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => tunnels.push(Tunnel {
                listener,
                over,
                to: SocketAddrV4::new(ip, port),
                of: path.to_owned(),
            }),
            Err(cause) => term.say_error(&format!(
                "bind [127.0.0.1]:{port}: {}\nchannel_setup_fwd_listener_tcpip: cannot listen to port: {port}",
                words(&cause)
            )),
        }
    }
    tunnels
}

/// Tells the cluster where the Service is reachable from outside, or that it is not any more.
fn publish(api: SocketAddrV4, path: &str, ip: Option<&str>) {
    let Ok(found) = ask(api, "GET", path, None) else {
        return;
    };
    let mut service = found.json();
    service["status"]["loadBalancer"] = match ip {
        Some(ip) => json!({"ingress": [{"ip": ip}]}),
        None => json!({}),
    };
    // Somebody else's change in between makes this a conflict; the next start tells it again.
    let _ = ask(api, "PUT", &format!("{path}/status"), Some(&service));
}
