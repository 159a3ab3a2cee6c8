//! `hostname`: the machine's name. Never sets it.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};

use crate::applets::{Applet, Io, Outcome, flag};

pub(super) const HOSTNAME: Applet = Applet {
    name: "hostname",
    operands: "",
    help: "Show the host name or DNS domain name",
    flags: &[
        flag('s', "", "Short"),
        flag('i', "", "Addresses for the hostname"),
        flag('I', "", "All addresses of the machine"),
        flag('d', "", "DNS domain name"),
        flag('f', "", "Fully qualified domain name"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if !parsed.rest.is_empty() {
        return Err(io.fail("sethostname: Operation not permitted"));
    }
    let name = guest_kit::machine::hostname();
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let full = full_name(&hosts, &name);
    match parsed.last_of("siIdf") {
        Some('s') => {
            let short = name.split('.').next().unwrap_or_default();
            writeln!(io.out, "{short}")?
        }
        Some('f') => writeln!(io.out, "{full}")?,
        Some('d') => {
            let domain = full.split_once('.').map_or("", |(_, domain)| domain);
            writeln!(io.out, "{domain}")?;
        }
        Some('I') => {
            let mut own: Vec<String> = Vec::new();
            for (_, address, _) in guest_kit::machine::addresses() {
                if address
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|address| !address.is_loopback())
                {
                    own.push(address);
                }
            }
            writeln!(io.out, "{} ", own.join(" "))?;
        }
        Some(_) => {
            let found = (name.as_str(), 0).to_socket_addrs();
            let found: Vec<String> = found
                .into_iter()
                .flatten()
                .filter(SocketAddr::is_ipv4)
                .map(|address| address.ip().to_string())
                .collect();
            if found.is_empty() {
                return Err(io.fail(&format!("{name}: Unknown host")));
            }
            writeln!(io.out, "{} ", found.join(" "))?;
        }
        None => writeln!(io.out, "{name}")?,
    }
    Ok(0)
}

/// The first name beside this one in `/etc/hosts`, which is where kubelets write the full name.
fn full_name(hosts: &str, name: &str) -> String {
    let line = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .find(|line| line.split_whitespace().skip(1).any(|word| word == name));
    let first = line.and_then(|line| line.split_whitespace().nth(1));
    first.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_name_is_the_first_one_of_its_line() {
        let hosts =
            "127.0.0.1\tlocalhost\n10.244.1.2\tweb-0.web.default.svc.cluster.local\tweb-0\n";
        assert_eq!(
            full_name(hosts, "web-0"),
            "web-0.web.default.svc.cluster.local"
        );
        assert_eq!(full_name(hosts, "other"), "other");
    }
}
