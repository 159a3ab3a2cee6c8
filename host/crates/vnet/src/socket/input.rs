//! The last step of a packet's way: which protocol, and for ICMP errors which socket.
//!
//! Never answers for another host.

use super::{NetError, Proto};
use crate::net::{HostId, Net};
use crate::packet::{ECHO_REPLY, ECHO_REQUEST, Packet, TCP, UDP, UNREACHABLE};

impl Net {
    /// A packet has arrived that is for this host itself.
    pub(crate) fn input(&mut self, at: HostId, packet: Packet) {
        let Some(host) = self.host(at).filter(|host| host.powered) else {
            return self.lose(packet);
        };
        if !host.owns(packet.dst()) {
            return self.lose(packet);
        }
        match packet.proto() {
            TCP => self.tcp_input(at, packet),
            UDP => self.udp_input(at, packet),
            _ => {
                self.flush();
                self.icmp_input(at, &packet);
                self.lose(packet);
            }
        }
    }

    fn icmp_input(&mut self, at: HostId, packet: &Packet) {
        match packet.icmp_type() {
            Some(ECHO_REQUEST) => self.answer_echo(at, packet),
            Some(ECHO_REPLY) => self.echo_reply(at, packet),
            _ => {
                self.tell_icmp_error(at, packet);
                self.icmp_error_input(at, packet);
            }
        }
    }

    /// An ICMP error finds the socket whose packet it is about.
    ///
    /// A packet whose time ran out is news only for who listens to ICMP itself, as on Linux.
    fn icmp_error_input(&mut self, at: HostId, packet: &Packet) {
        let Some((sent, UNREACHABLE, code)) = packet.icmp_error() else {
            return;
        };
        let error = match code {
            0 => NetError::NetUnreachable,
            3 => NetError::Refused,
            _ => NetError::HostUnreachable,
        };
        match sent.proto {
            Proto::Tcp => self.tcp_unreachable(at, sent, error),
            Proto::Udp => self.udp_unreachable(at, sent, error),
            Proto::Icmp => {}
        }
    }
}
