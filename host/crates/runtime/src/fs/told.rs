//! The files of `/proc`: which there are, and what each is about. Never what they say: that is
//! written when they are read (`wasi/proc.rs`).

/// Whom a process's file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The reader.
    Own,
    /// The container's first process.
    First,
}

/// What a generated file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Arp,
    Cgroup,
    Cmdline(Whose),
    Comm(Whose),
    Cpus,
    Devices,
    Forwards,
    Hostname,
    Load,
    Memory,
    Mounts,
    Release,
    Routes,
    Status(Whose),
    SystemName,
    TcpSockets,
    UdpSockets,
    Uptime,
    Version,
}

/// Where each is.
pub(super) const FILES: &[(&str, Told)] = &[
    ("cpuinfo", Told::Cpus),
    ("loadavg", Told::Load),
    ("meminfo", Told::Memory),
    ("mounts", Told::Mounts),
    ("uptime", Told::Uptime),
    ("version", Told::Version),
    ("net/arp", Told::Arp),
    ("net/dev", Told::Devices),
    ("net/route", Told::Routes),
    ("net/tcp", Told::TcpSockets),
    ("net/udp", Told::UdpSockets),
    ("sys/kernel/hostname", Told::Hostname),
    ("sys/kernel/osrelease", Told::Release),
    ("sys/kernel/ostype", Told::SystemName),
    ("sys/net/ipv4/ip_forward", Told::Forwards),
    ("1/cgroup", Told::Cgroup),
    ("1/cmdline", Told::Cmdline(Whose::First)),
    ("1/comm", Told::Comm(Whose::First)),
    ("1/mounts", Told::Mounts),
    ("1/status", Told::Status(Whose::First)),
    ("self/cgroup", Told::Cgroup),
    ("self/cmdline", Told::Cmdline(Whose::Own)),
    ("self/comm", Told::Comm(Whose::Own)),
    ("self/mounts", Told::Mounts),
    ("self/status", Told::Status(Whose::Own)),
];
