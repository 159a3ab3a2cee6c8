//! The native twin of what the machine knows about itself: what `/proc` says, for tests only.
//!
//! Never more than that: addresses of interfaces, ICMP and capture are not there.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::Waitable;
use crate::capture::Packet;
use crate::icmp::Message;
use crate::machine::{Mount, Stats};
use crate::network::{
    Link, LinkKind, Neighbour, NeighbourState, Protocol, Route, RulesForm, Socket,
};
use crate::process::ProcessInfo;

/// Clock ticks in a second, as every Linux says to programs.
const TICKS: u64 = 100;

fn read(path: &str) -> String {
    // What is not there says nothing.
    fs::read_to_string(path).unwrap_or_default()
}

pub(crate) fn monotonic() -> Duration {
    let text = read("/proc/uptime");
    let seconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.0))
}

pub(crate) fn processes() -> Vec<ProcessInfo> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut list: Vec<ProcessInfo> = entries
        .flatten()
        .filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?))
        .collect();
    list.sort_by_key(|info| info.pid);
    list
}

fn process(pid: u32) -> Option<ProcessInfo> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok());
    let ticks = |count: u64| Duration::from_millis(count * 1000 / TICKS);
    let mut argv: Vec<String> = read(&format!("/proc/{pid}/cmdline"))
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    if argv.is_empty() {
        argv.push(head.split_once('(')?.1.to_owned());
    }
    Some(ProcessInfo {
        pid,
        ppid: u32::try_from(number(1)?).ok()?,
        argv,
        runnable: fields[0] == "R",
        started: ticks(number(19)?),
        cpu: ticks(number(11)? + number(12)?),
        memory: number(20)?,
        terminal: fields[4] != "0",
    })
}

pub(crate) fn stats() -> Stats {
    let load = read("/proc/loadavg");
    let mut words = load.split_whitespace();
    let mut average = || {
        let average: f64 = words
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0);
        (average * 100.0).round() as u32
    };
    let load = [average(), average(), average()];
    let memory = read("/proc/meminfo");
    let value = |name: &str| {
        let line = memory.lines().find(|line| line.starts_with(name));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    let (limit, free) = (value("MemTotal:"), value("MemFree:"));
    Stats {
        uptime: monotonic(),
        load,
        memory_limit: limit,
        memory_used: limit.saturating_sub(free),
        processes_max: 32_768,
        last_pid: std::process::id(),
    }
}

pub(crate) fn mounts() -> Vec<Mount> {
    let line = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let path = words.next()?.to_owned();
        let options = words.nth(1)?;
        Some(Mount {
            path,
            read_only: options.split(',').any(|option| option == "ro"),
            size: 0,
            used: 0,
        })
    };
    read("/proc/mounts").lines().filter_map(line).collect()
}

pub(crate) fn links() -> Vec<Link> {
    let value = |name: &str, what: &str| read(&format!("/sys/class/net/{name}/{what}"));
    let line = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let name = name.trim();
        let fields: Vec<u64> = rest
            .split_whitespace()
            .filter_map(|text| text.parse().ok())
            .collect();
        let mut mac = [0; 6];
        for (byte, text) in mac.iter_mut().zip(value(name, "address").trim().split(':')) {
            *byte = u8::from_str_radix(text, 16).unwrap_or(0);
        }
        Some(Link {
            index: value(name, "ifindex").trim().parse().unwrap_or(0),
            name: name.to_owned(),
            kind: if name == "lo" {
                LinkKind::Loopback
            } else {
                LinkKind::Ethernet
            },
            peer: None,
            master: None,
            mac,
            mtu: value(name, "mtu").trim().parse().unwrap_or(0),
            up: true,
            addresses: if name == "lo" {
                vec![(Ipv4Addr::LOCALHOST, 8)]
            } else {
                Vec::new()
            },
            received: (*fields.get(1)?, *fields.first()?),
            sent: (*fields.get(9)?, *fields.get(8)?),
        })
    };
    read("/proc/net/dev").lines().filter_map(line).collect()
}

/// An address as `/proc/net` writes it: eight hexadecimal digits, the last byte first.
fn address(text: &str) -> Option<Ipv4Addr> {
    let bits = u32::from_str_radix(text, 16).ok()?;
    Some(Ipv4Addr::from_bits(bits.swap_bytes()))
}

fn endpoint(text: &str) -> Option<SocketAddrV4> {
    let (ip, port) = text.split_once(':')?;
    Some(SocketAddrV4::new(
        address(ip)?,
        u16::from_str_radix(port, 16).ok()?,
    ))
}

pub(crate) fn routes() -> Vec<Route> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let gateway = address(fields.get(2)?)?;
        Some(Route {
            destination: address(fields.get(1)?)?,
            prefix: u8::try_from(address(fields.get(7)?)?.to_bits().count_ones()).ok()?,
            gateway: (!gateway.is_unspecified()).then_some(gateway),
            link: fields.first()?.to_string(),
            source: Ipv4Addr::UNSPECIFIED,
            onlink: false,
        })
    };
    let mut routes: Vec<Route> = read("/proc/net/route").lines().filter_map(line).collect();
    routes.sort_by_key(|route| std::cmp::Reverse(route.prefix));
    routes
}

pub(crate) fn neighbours() -> Vec<Neighbour> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let mut mac = [0; 6];
        for (byte, text) in mac.iter_mut().zip(fields.get(3)?.split(':')) {
            *byte = u8::from_str_radix(text, 16).ok()?;
        }
        let complete = fields.get(2)? != &"0x0";
        Some(Neighbour {
            address: fields.first()?.parse().ok()?,
            link: fields.get(5)?.to_string(),
            mac: complete.then_some(mac),
            state: if complete {
                NeighbourState::Reachable
            } else {
                NeighbourState::Failed
            },
        })
    };
    read("/proc/net/arp").lines().filter_map(line).collect()
}

const STATES: [&str; 11] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

pub(crate) fn sockets() -> Vec<Socket> {
    let mut list = Vec::new();
    for (path, protocol) in [
        ("/proc/net/tcp", Protocol::Tcp),
        ("/proc/net/udp", Protocol::Udp),
    ] {
        let text = read(path);
        let lines = text.lines().skip(1);
        list.extend(lines.filter_map(|line| socket(line, protocol)));
    }
    list
}

fn socket(line: &str, protocol: Protocol) -> Option<Socket> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let state = usize::from_str_radix(fields.get(3)?, 16).ok()?;
    let (send, receive) = fields.get(4)?.split_once(':')?;
    Some(Socket {
        protocol,
        local: endpoint(fields.get(1)?)?,
        remote: endpoint(fields.get(2)?)?,
        state: match protocol {
            Protocol::Tcp => STATES.get(state.checked_sub(1)?)?.to_string(),
            Protocol::Udp if state == 1 => "ESTABLISHED".to_owned(),
            _ => String::new(),
        },
        receive_queue: u64::from_str_radix(receive, 16).ok()?,
        send_queue: u64::from_str_radix(send, 16).ok()?,
        pid: None,
    })
}

pub(crate) fn forwards() -> bool {
    read("/proc/sys/net/ipv4/ip_forward").trim() == "1"
}

/// No packet filter here.
pub(crate) fn rules(_: &str, _: Option<&str>, _: RulesForm) -> Option<String> {
    None
}

pub(crate) fn conversations() -> Vec<String> {
    Vec::new()
}

/// No ICMP here.
#[derive(Debug)]
pub(crate) enum Icmp {}

impl Icmp {
    pub(crate) fn open() -> io::Result<Self> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    pub(crate) fn identifier(&self) -> u16 {
        match *self {}
    }

    pub(crate) fn send(&self, _: Ipv4Addr, _: u16, _: u8, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn next(&self) -> Option<Message> {
        match *self {}
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        match *self {}
    }
}

/// No capture here.
#[derive(Debug)]
pub(crate) enum Listener {}

impl Listener {
    pub(crate) fn open(_: &str, _: u32) -> io::Result<Self> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    pub(crate) fn next(&self, _: u32) -> Vec<Packet> {
        match *self {}
    }

    pub(crate) fn dropped(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        match *self {}
    }
}
