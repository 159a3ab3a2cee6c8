//! What the files of `/proc` say, in Linux' forms (proc(5)), at the moment they are read.
//!
//! Never a process but the reader and the container's first, never another machine, and no value
//! that the lab does not have: what Linux counts and the lab does not is 0.

use super::Guest;
use crate::fs::{Told, Whose};
use crate::process::Process;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vnet::Proto;

/// What `uname -r` prints in a container.
const RELEASE: &str = "6.1.0-lab";

/// How long Linux makes the lines of its tables.
const ROUTE_WIDTH: usize = 127;
const TCP_WIDTH: usize = 149;
const UDP_WIDTH: usize = 127;

impl Guest {
    /// What a file says now.
    pub(super) fn tell(&self, told: Told) -> String {
        match told {
            Told::Arp => self.arp(),
            Told::Cgroup => "0::/\n".to_owned(),
            Told::Cmdline(whose) => self.about(whose, |process| {
                process
                    .argv()
                    .iter()
                    .map(|word| format!("{word}\0"))
                    .collect()
            }),
            Told::Comm(whose) => self.about(whose, |process| format!("{}\n", comm(process))),
            Told::Cpus => cpus(),
            Told::Devices => self.devices(),
            Told::Forwards => {
                let host = self.container.spec.host;
                let forwards = self.kernel.network.with(|net, _| net.forwards(host));
                format!("{}\n", u8::from(forwards))
            }
            Told::Hostname => format!("{}\n", self.container.spec.hostname),
            Told::Load => self.load(),
            Told::Memory => self.memory(),
            Told::Mounts => self.mounted(),
            Told::Release => format!("{RELEASE}\n"),
            Told::Routes => self.routes(),
            Told::Status(whose) => self.about(whose, |process| self.status(process)),
            Told::SystemName => "Linux\n".to_owned(),
            Told::TcpSockets => self.sockets(Proto::Tcp),
            Told::UdpSockets => self.sockets(Proto::Udp),
            Told::Uptime => {
                let seconds = self.kernel.network.now().as_nanos() / 10_000_000;
                let text = format!("{}.{:02}", seconds / 100, seconds % 100);
                // The lab's processor is never idle in virtual time: it makes the time.
                format!("{text} 0.00\n")
            }
            Told::Version => format!("Linux version {RELEASE} #1 lab\n"),
        }
    }

    /// A text about a process; none when it has ended.
    fn about(&self, whose: Whose, say: impl FnOnce(&Process) -> String) -> String {
        let process = match whose {
            Whose::Own => Some(Arc::clone(&self.process)),
            Whose::First => self.container.process(1),
        };
        process.map_or_else(String::new, |process| say(&process))
    }

    fn status(&self, process: &Process) -> String {
        let runs = process.pid == self.process.pid || process.is_queued();
        let state = if runs { "R (running)" } else { "S (sleeping)" };
        let memory = process.memory.load(Ordering::Relaxed) / 1024;
        format!(
            "Name:\t{}\nUmask:\t0022\nState:\t{state}\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{}\n\
             Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nVmRSS:\t{memory:8} kB\nThreads:\t1\n",
            comm(process),
            process.parent(),
            pid = process.pid
        )
    }

    fn load(&self) -> String {
        let [one, five, fifteen] = self
            .kernel
            .network
            .load()
            .map(|load| format!("{}.{:02}", load / 100, load % 100));
        let processes = self.container.processes();
        let me = self.process.pid;
        let wanting = processes
            .iter()
            .filter(|process| process.pid == me || process.is_queued());
        format!(
            "{one} {five} {fifteen} {}/{} {}\n",
            wanting.count(),
            processes.len(),
            self.container.last_pid()
        )
    }

    /// The container's own memory, as `free` shows it: the machine has no other.
    fn memory(&self) -> String {
        let memory = &self.container.memory;
        let (all, free) = (memory.limit(), memory.limit().saturating_sub(memory.used()));
        let lines = [
            ("MemTotal:", all),
            ("MemFree:", free),
            ("MemAvailable:", free),
            ("Buffers:", 0),
            ("Cached:", 0),
            ("SwapTotal:", 0),
            ("SwapFree:", 0),
        ];
        let line = |(name, bytes): (&str, u64)| format!("{name:<16}{:8} kB\n", bytes / 1024);
        lines.into_iter().map(line).collect()
    }

    fn mounted(&self) -> String {
        let mounts = self.container.spec.fs.mounts().list().into_iter();
        let line = |mount: crate::fs::MountInfo| {
            let kind = if mount.path == "/" {
                "overlay"
            } else {
                "tmpfs"
            };
            let way = if mount.read_only { "ro" } else { "rw" };
            format!("{kind} {} {kind} {way},relatime 0 0\n", mount.path)
        };
        mounts.map(line).collect()
    }

    fn devices(&self) -> String {
        let host = self.container.spec.host;
        let mut text = String::from(
            "Inter-|   Receive                                                |  Transmit\n \
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
        );
        for link in self.kernel.network.with(|net, _| net.links(host)) {
            let counts = link.counts;
            let _ = writeln!(
                text,
                "{:>6}: {:7} {:7} {:4} {:4} {:4} {:5} {:10} {:9} {:8} {:7} {:4} {:4} {:4} {:5} {:7} {:10}",
                link.name,
                counts.rx_bytes,
                counts.rx_packets,
                0,
                0,
                0,
                0,
                0,
                0,
                counts.tx_bytes,
                counts.tx_packets,
                0,
                0,
                0,
                0,
                0,
                0
            );
        }
        text
    }

    fn routes(&self) -> String {
        let host = self.container.spec.host;
        let mut text = String::new();
        let mut line = |row: String| {
            let _ = writeln!(text, "{row:<ROUTE_WIDTH$}");
        };
        line(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
                .to_owned(),
        );
        for route in self.kernel.network.with(|net, _| net.routes(host)) {
            let prefix = route.to.prefix_len();
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            let gateway = route.gateway.unwrap_or(Ipv4Addr::UNSPECIFIED);
            // Up, by a gateway, to one machine alone.
            let flags = 1 + 2 * u8::from(route.gateway.is_some()) + 4 * u8::from(prefix == 32);
            line(format!(
                "{}\t{}\t{}\t{flags:04X}\t0\t0\t0\t{}\t0\t0\t0",
                route.link,
                hex(route.to.network()),
                hex(gateway),
                hex(Ipv4Addr::from(mask))
            ));
        }
        text
    }

    fn arp(&self) -> String {
        let host = self.container.spec.host;
        let mut text = String::from(
            "IP address       HW type     Flags       HW address            Mask     Device\n",
        );
        for neighbour in self.kernel.network.with(|net, _| net.neighbours(host)) {
            let mac = neighbour.mac.unwrap_or_default();
            let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
            let complete = 2 * u8::from(neighbour.mac.is_some());
            let _ = writeln!(
                text,
                "{:<16} 0x{:<10x}0x{complete:<10x}{mac}     *        {}",
                neighbour.address.to_string(),
                1,
                neighbour.link
            );
        }
        text
    }

    fn sockets(&self, proto: Proto) -> String {
        let tcp = proto == Proto::Tcp;
        let mut text = String::new();
        let mut line = |row: String| {
            let width = if tcp { TCP_WIDTH } else { UDP_WIDTH };
            let _ = writeln!(text, "{row:<width$}");
        };
        line(if tcp {
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode".to_owned()
        } else {
            "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops".to_owned()
        });
        let host = self.container.spec.host;
        let all = self.kernel.network.with(|net, _| net.sockets(host));
        for (at, socket) in all
            .into_iter()
            .filter(|socket| socket.proto == proto)
            .enumerate()
        {
            let (sl, tail) = if tcp {
                (format!("{at:4}"), "1 0000000000000000 100 0 0 10 0")
            } else {
                (format!("{at:5}"), "2 0000000000000000 0")
            };
            line(format!(
                "{sl}: {} {} {:02X} {:08X}:{:08X} 00:00000000 00000000     0        0 0 {tail}",
                end(socket.local),
                end(socket.remote),
                state(socket.state),
                // A listener's backlog is no queue here.
                if socket.state == "LISTEN" {
                    0
                } else {
                    socket.send_q
                },
                socket.recv_q
            ));
        }
        text
    }
}

/// The name of a process: its program's, cut as the kernel cuts it.
fn comm(process: &Process) -> String {
    let argv = process.argv();
    let path = argv.first().map_or("", String::as_str);
    let name = path.rsplit('/').next().unwrap_or(path);
    name.chars().take(15).collect()
}

fn cpus() -> String {
    // A unit of fuel is a nanosecond: one instruction at 1,000 MHz.
    "processor\t: 0\nvendor_id\t: lab\nmodel name\t: virtual CPU of the lab\n\
     cpu MHz\t\t: 1000.000\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n\n"
        .to_owned()
}

/// An address as a small-endian machine prints the number it keeps in the network's order.
fn hex(address: Ipv4Addr) -> String {
    format!("{:08X}", u32::from_le_bytes(address.octets()))
}

fn end(address: SocketAddrV4) -> String {
    format!("{}:{:04X}", hex(*address.ip()), address.port())
}

/// The kernel's number of a state; a socket of UDP without a peer is closed.
fn state(name: &str) -> u8 {
    match name {
        "ESTABLISHED" => 1,
        "SYN_SENT" => 2,
        "SYN_RECV" => 3,
        "FIN_WAIT1" => 4,
        "FIN_WAIT2" => 5,
        "TIME_WAIT" => 6,
        "CLOSE_WAIT" => 8,
        "LAST_ACK" => 9,
        "LISTEN" => 10,
        "CLOSING" => 11,
        _ => 7,
    }
}
