//! The texts of a pod's `/etc/hosts` and `/etc/resolv.conf`. Never resolves a name.

use crate::controller::meta::{items, name, namespace, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Servers and domains that a kubelet writes down at most (`pkg/apis/core/validation`,
/// `MaxDNSNameservers` and `MaxDNSSearchPaths`).
const SERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;

/// Where the cluster's DNS listens and which domain it serves.
#[derive(Clone, Debug)]
pub(crate) struct ClusterDns {
    pub(crate) server: Ipv4Addr,
    pub(crate) domain: &'static str,
}

/// The pod's hostname: its own wish or its name, at most 63 letters.
pub(crate) fn hostname(pod: &Value) -> String {
    let wish = text(&pod["spec"]["hostname"]);
    let full = if wish.is_empty() { name(pod) } else { wish };
    full.chars()
        .take(63)
        .collect::<String>()
        .trim_end_matches(['-', '.'])
        .to_owned()
}

/// The text of `/etc/resolv.conf`.
pub(crate) fn resolv_conf(pod: &Value, dns: &ClusterDns) -> String {
    let policy = text(&pod["spec"]["dnsPolicy"]);
    let host_network = pod["spec"]["hostNetwork"] == true;
    let cluster_first = match policy {
        "Default" | "None" => false,
        "ClusterFirstWithHostNet" => true,
        _ => !host_network,
    };
    let (mut servers, mut searches, mut options) = (Vec::new(), Vec::new(), Vec::new());
    if cluster_first {
        servers.push(dns.server.to_string());
        searches.extend([
            format!("{}.svc.{}", namespace(pod), dns.domain),
            format!("svc.{}", dns.domain),
            dns.domain.to_owned(),
        ]);
        options.push("ndots:5".to_owned());
    } else if policy != "None" {
        // What a node itself asks; outside the cluster there is nobody else.
        servers.push(dns.server.to_string());
    }
    let wishes = &pod["spec"]["dnsConfig"];
    let strings = |value: &Value| {
        items(value)
            .iter()
            .map(|item| text(item).to_owned())
            .collect::<Vec<_>>()
    };
    servers.extend(strings(&wishes["nameservers"]));
    searches.extend(strings(&wishes["searches"]));
    for option in items(&wishes["options"]) {
        let option_name = text(&option["name"]);
        options.retain(|known| known.split(':').next() != Some(option_name));
        options.push(option["value"].as_str().map_or_else(
            || option_name.to_owned(),
            |value| format!("{option_name}:{value}"),
        ));
    }
    // What is there already is not repeated, and no resolver reads more than this.
    for (list, most) in [(&mut servers, SERVERS_MAX), (&mut searches, SEARCHES_MAX)] {
        let mut seen = BTreeSet::new();
        list.retain(|entry| seen.insert(entry.clone()));
        list.truncate(most);
    }
    let mut conf = String::new();
    if !searches.is_empty() {
        let _ = writeln!(conf, "search {}", searches.join(" "));
    }
    for server in servers {
        let _ = writeln!(conf, "nameserver {server}");
    }
    if !options.is_empty() {
        let _ = writeln!(conf, "options {}", options.join(" "));
    }
    conf
}

/// The text of `/etc/hosts`.
pub(crate) fn hosts(pod: &Value, ip: Ipv4Addr, domain: &str) -> String {
    // Of the file of a node whose network a pod shares, the kubelet says so.
    let shared = match pod["spec"]["hostNetwork"] == true {
        true => " (host network)",
        false => "",
    };
    let mut hosts = format!(
        "# Kubernetes-managed hosts file{shared}.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
         fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n",
    );
    let hostname = hostname(pod);
    let subdomain = text(&pod["spec"]["subdomain"]);
    if subdomain.is_empty() {
        let _ = writeln!(hosts, "{ip}\t{hostname}");
    } else {
        let _ = writeln!(
            hosts,
            "{ip}\t{hostname}.{subdomain}.{}.svc.{domain}\t{hostname}",
            namespace(pod)
        );
    }
    let aliases = items(&pod["spec"]["hostAliases"]);
    if !aliases.is_empty() {
        hosts.push_str("\n# Entries added by HostAliases.\n");
    }
    for alias in aliases {
        let names: Vec<&str> = items(&alias["hostnames"]).iter().map(text).collect();
        let _ = writeln!(hosts, "{}\t{}", text(&alias["ip"]), names.join("\t"));
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dns() -> ClusterDns {
        ClusterDns {
            server: Ipv4Addr::new(10, 96, 0, 10),
            domain: "cluster.local",
        }
    }

    #[test]
    fn a_pod_asks_the_cluster_first() {
        let pod = json!({"metadata": {"name": "a", "namespace": "default"}, "spec": {"dnsPolicy": "ClusterFirst"}});
        assert_eq!(
            resolv_conf(&pod, &dns()),
            "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
        );
    }

    #[test]
    fn a_pod_may_bring_everything_itself() {
        let pod = json!({"metadata": {"name": "a", "namespace": "default"}, "spec": {
            "dnsPolicy": "None",
            "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["example.org"], "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]},
        }});
        assert_eq!(
            resolv_conf(&pod, &dns()),
            "search example.org\nnameserver 1.1.1.1\noptions ndots:2 edns0\n"
        );
    }

    #[test]
    fn what_a_pod_adds_is_not_repeated_and_a_fourth_server_is_left_out() {
        let pod = json!({"metadata": {"name": "a", "namespace": "default"}, "spec": {"dnsConfig": {
            "nameservers": ["10.96.0.10", "1.1.1.1", "1.1.1.2", "1.1.1.3"],
            "searches": ["svc.cluster.local", "example.org"],
        }}});
        assert_eq!(
            resolv_conf(&pod, &dns()),
            "search default.svc.cluster.local svc.cluster.local cluster.local example.org\n\
             nameserver 10.96.0.10\nnameserver 1.1.1.1\nnameserver 1.1.1.2\noptions ndots:5\n"
        );
    }

    #[test]
    fn the_hosts_file_is_the_recorded_one() {
        let pod = json!({"metadata": {"name": "my-nginx-8446c54977-hcdlm", "namespace": "default"}, "spec": {}});
        let text = hosts(&pod, Ipv4Addr::new(10, 244, 0, 16), "cluster.local");
        assert_eq!(
            text,
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
             fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n\
             10.244.0.16\tmy-nginx-8446c54977-hcdlm\n"
        );
    }
}
