//! Over cables: from a machine to its switch and on, or along a Pod's veth pair. Carries out what
//! [`crate::cable`] says; never decides where a packet goes.

use crate::cable::Passage;
use crate::host::{IN, OUT};
use crate::net::{Arrival, HostId, LanId, Net};
use crate::packet::Packet;
use crate::stack::OVERLAY_OVERHEAD;
use crate::tap::Direction;
use clock::Instant;
use std::net::Ipv4Addr;

/// What Ethernet adds to a packet on a cable with a rate.
const FRAME: usize = 14;

impl Net {
    /// Over the LAN: two cables and a switch.
    pub(crate) fn transmit_lan(
        &mut self,
        lan: LanId,
        from: HostId,
        to: HostId,
        mut packet: Packet,
    ) {
        let (tap, source) = self.host(from).expect("senders exist").interface_on(lan);
        let target = self.host(to).map(|to| to.addr_on(lan));
        let link = (source, target.unwrap_or(Ipv4Addr::UNSPECIFIED));
        self.note_hop(from, link.1);
        self.see(tap, Direction::Out, link, &packet);
        packet.before = None;
        let len = packet.bytes().len() + FRAME + packet.outer.map_or(0, |_| OVERLAY_OVERHEAD);
        let arrival = Arrival::Lan {
            lan,
            to,
            from: source,
        };
        let Some(sent) = self.pass_lan(lan, from, OUT, self.now, len) else {
            return self.lose(packet);
        };
        if let Some(at) = sent.again
            && let Some(got) = self.pass_lan(lan, to, IN, at, len)
        {
            self.deliver(got.after(sent), arrival, packet.clone());
        }
        match self.pass_lan(lan, to, IN, sent.at, len) {
            Some(got) => self.deliver(got.after(sent), arrival, packet),
            None => self.lose(packet),
        }
    }

    /// Over one cable: a Pod's veth pair, [`OUT`] of it or [`IN`] to it.
    pub(crate) fn cross(&mut self, pod: HostId, way: usize, arrival: Arrival, packet: Packet) {
        let len = packet.bytes().len() + FRAME;
        match self.pass_cable(pod, way, self.now, len) {
            Some(passage) => self.deliver(passage, arrival, packet),
            None => self.lose(packet),
        }
    }

    /// How a packet fares on the cable between a machine and a LAN.
    fn pass_lan(
        &mut self,
        lan: LanId,
        host: HostId,
        way: usize,
        at: Instant,
        len: usize,
    ) -> Option<Passage> {
        if self.host(host)?.lan() != Some(lan) {
            // A bridge is inside its machine: there is no cable to it.
            return Some(Passage::at_once(at));
        }
        self.pass_cable(host, way, at, len)
    }

    fn pass_cable(&mut self, host: HostId, way: usize, at: Instant, len: usize) -> Option<Passage> {
        let host = self.host_mut(host)?;
        host.lanes[way].pass(&host.cables[way], at, len, &mut host.chance)
    }

    fn deliver(&mut self, passage: Passage, arrival: Arrival, mut packet: Packet) {
        if let Some(bit) = passage.flipped {
            packet.damage(bit);
        }
        if let Some(again) = passage.again {
            self.schedule(again, arrival, packet.clone());
        }
        self.schedule(passage.at, arrival, packet);
    }
}
