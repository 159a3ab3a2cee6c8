//! Everything that may come into a world from outside.

use cluster::kubelet::Report;
use std::net::Ipv4Addr;
use vnet::{Cable, HostId};

/// One thing that happened outside, or that somebody did to the world.
#[derive(Clone, Debug)]
pub enum Input {
    /// A container started, ended, answered a probe.
    Report(Report),
    /// A node's power switch.
    NodePower {
        /// The node.
        node: String,
        /// On or off.
        on: bool,
    },
    /// A machine's cable was exchanged for another.
    Cable {
        /// The machine.
        host: HostId,
        /// Its new cable.
        cable: Cable,
    },
    /// A machine outside the cluster was set up.
    Machine {
        /// Its name.
        name: String,
        /// Its address in the LAN.
        addr: Ipv4Addr,
    },
}
