//! The tools of the network, one file each.

mod addresses;
mod arp;
mod conntrack;
mod dig;
mod dns;
mod host;
mod hostname;
mod ifconfig;
mod ip;
mod iptables;
mod nc;
mod netstat;
mod nslookup;
mod ping;
mod route;
mod ss;
mod tcpdump;
mod telnet;
mod traceroute;

use super::Applet;

pub(super) const APPLETS: &[Applet] = &[
    arp::ARP,
    conntrack::CONNTRACK,
    dig::DIG,
    host::HOST,
    hostname::HOSTNAME,
    ifconfig::IFCONFIG,
    ip::IP,
    iptables::IPTABLES,
    iptables::IPTABLES_SAVE,
    nc::NC,
    netstat::NETSTAT,
    nslookup::NSLOOKUP,
    ping::PING,
    route::ROUTE,
    ss::SS,
    tcpdump::TCPDUMP,
    telnet::TELNET,
    traceroute::TRACEROUTE,
];
