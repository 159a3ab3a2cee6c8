//! What `httpd -S` and `httpd -M` show of a configuration. It changes nothing.

use guest_nginx::apache::conf::Config;
use guest_nginx::apache::conf::model::Host;
use guest_nginx::conf::model::LogTarget;

/// An address as `VirtualHost` names it.
fn named((address, port): &(Option<std::net::Ipv4Addr>, Option<u16>)) -> String {
    let address = address.map_or("*".to_owned(), |address| address.to_string());
    let port = port.map_or("*".to_owned(), |port| port.to_string());
    format!("{address}:{port}")
}

fn called<'a>(host: &'a Host, config: &'a Config, usual: &'a str) -> &'a str {
    let own = [&host.name, &config.hosts[0].name];
    let found = own.into_iter().find(|name| !name.is_empty());
    found.map_or(usual, |name| name.split(':').next().unwrap_or(name))
}

/// The virtual hosts by their addresses, and how it would run.
pub(crate) fn hosts(config: &Config, usual: &str) -> String {
    let mut addresses = Vec::new();
    for address in config.hosts[1..].iter().flat_map(|host| &host.addresses) {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    // Addresses that are one come before those that are any.
    addresses.sort_by_key(|(address, _)| address.is_none());
    let mut out = "VirtualHost configuration:\n".to_owned();
    for address in &addresses {
        let own = config.hosts[1..].iter();
        let own: Vec<&Host> = own
            .filter(|host| host.addresses.contains(address))
            .collect();
        let place = |host: &Host| format!("({}:{})", host.place.0, host.place.1);
        let name = named(address);
        if let [host] = own.as_slice()
            && host.aliases.is_empty()
        {
            out.push_str(&format!(
                "{name:<22} {} {}\n",
                called(host, config, usual),
                place(host)
            ));
            continue;
        }
        out.push_str(&format!("{name:<22} is a NameVirtualHost\n"));
        for (at, host) in own.iter().enumerate() {
            let called = called(host, config, usual);
            if at == 0 {
                out.push_str(&format!(
                    "         default server {called} {}\n",
                    place(host)
                ));
            }
            let port = address.1.map_or("*".to_owned(), |port| port.to_string());
            out.push_str(&format!(
                "         port {port} namevhost {called} {}\n",
                place(host)
            ));
            for alias in &host.aliases {
                let kind = if alias.contains(['*', '?']) {
                    "wild alias"
                } else {
                    "alias"
                };
                out.push_str(&format!("                 {kind} {alias}\n"));
            }
        }
    }
    let log = match &config.hosts[0].error_log {
        LogTarget::Stdout => "/proc/self/fd/1",
        LogTarget::Stderr => "/proc/self/fd/2",
        LogTarget::File(path) => path,
    };
    out.push_str(&format!(
        "ServerRoot: \"{}\"\nMain DocumentRoot: \"{}\"\nMain ErrorLog: \"{log}\"\nPidFile: \"{}\"\n\
         User: name=\"{}\"\nGroup: name=\"{}\"\n",
        config.root,
        config.hosts[0].root,
        config.pid.as_deref().unwrap_or_default(),
        config.owner.0,
        config.owner.1,
    ));
    out
}

/// The modules.
pub(crate) fn modules(config: &Config) -> String {
    let each = config.modules.iter().map(|name| {
        let kind = if matches!(name.as_str(), "core" | "so" | "http") {
            "static"
        } else {
            "shared"
        };
        format!(" {name}_module ({kind})\n")
    });
    format!("Loaded Modules:\n{}", each.collect::<String>())
}
