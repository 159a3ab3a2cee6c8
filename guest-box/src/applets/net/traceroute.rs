//! `traceroute` as busybox has it, over UDP and, with `-I`, over ICMP.

use std::io::Write;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use guest_kit::icmp::{Kind, Message, Socket, now};
use guest_kit::signals;

use super::addresses::{address, number};
use super::dns::{Resolver, name_of};
use super::ping::millis;
use crate::applets::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const TRACEROUTE: Applet = Applet {
    name: "traceroute",
    operands: "HOST [BYTES]",
    help: "Trace the route to HOST",
    flags: &[
        flag('4', "", "Force IPv4, which is all there is"),
        flag('F', "", "Set don't fragment bit, which is always set here"),
        flag('I', "", "Use ICMP ECHO instead of UDP datagrams"),
        flag('l', "", "Display TTL value of the returned packet"),
        flag('n', "", "Print numeric addresses"),
        flag('v', "", "Verbose"),
        value('f', "", "N", "First number of hops (default 1)"),
        value('m', "", "N", "Max number of hops (default 30)"),
        value('q', "", "N", "Number of probes per hop (default 3)"),
        value(
            'p',
            "",
            "N",
            "Base UDP port number used in probes (default 33434)",
        ),
        value('w', "", "SEC", "Wait for a response (default 3)"),
        value('z', "", "MSEC", "Wait before each send"),
    ],
    run,
};

/// The headers that count as part of the packet: IP and UDP or ICMP.
const HEADERS: usize = 28;

struct Trace {
    to: Ipv4Addr,
    icmp: Socket,
    /// Nothing with `-I`.
    udp: Option<UdpSocket>,
    payload: Vec<u8>,
    port: u16,
    wait: Duration,
    pause: Duration,
    numeric: bool,
    show_ttl: bool,
    resolver: Resolver,
}

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(host) = parsed.rest.first().cloned() else {
        return Err(io.usage());
    };
    let option = |io: &mut Io<'_>, letter, otherwise: u64| match parsed.value(letter) {
        Some(text) => number::<u64>(io, text),
        None => Ok(otherwise),
    };
    let (first, last) = (
        option(io, 'f', 1)?.max(1),
        option(io, 'm', 30)?.clamp(1, 255),
    );
    let probes = option(io, 'q', 3)?.max(1);
    let (wait, pause) = (option(io, 'w', 3)?.max(1), option(io, 'z', 0)?);
    let port = option(io, 'p', 33_434)?;
    let size: usize = match parsed.rest.get(1) {
        Some(text) => number(io, text)?,
        None => 46,
    };
    let to = address(io, &host)?;
    let refused = |io: &mut Io<'_>, error: &std::io::Error| {
        io.fail(&format!("can't create raw socket: {}", reason(error)))
    };
    let icmp = Socket::open().map_err(|error| refused(io, &error))?;
    let udp = match parsed.has('I') {
        true => None,
        false => Some(UdpSocket::bind("0.0.0.0:0").map_err(|error| refused(io, &error))?),
    };
    let trace = Trace {
        to,
        icmp,
        udp,
        payload: vec![0; size.saturating_sub(HEADERS)],
        port: u16::try_from(port).unwrap_or(33_434),
        wait: Duration::from_secs(wait),
        pause: Duration::from_millis(pause),
        numeric: parsed.has('n'),
        show_ttl: parsed.has('l'),
        resolver: Resolver::read(),
    };
    signals::handle(&[2]);
    writeln!(
        io.out,
        "traceroute to {host} ({to}), {last} hops max, {size} byte packets"
    )?;
    let mut sequence = 0;
    for ttl in first..=last {
        let ttl = u8::try_from(ttl).unwrap_or(u8::MAX);
        if trace.hop(io, ttl, probes, &mut sequence)? {
            break;
        }
    }
    Ok(0)
}

impl Trace {
    /// All probes of one hop; true when it was the last.
    fn hop(&self, io: &mut Io<'_>, ttl: u8, probes: u64, sequence: &mut u16) -> Result<bool, Stop> {
        write!(io.out, "{ttl:2}")?;
        io.out.flush()?;
        let (mut before, mut there, mut unreachable) = (None, false, 0);
        for _ in 0..probes {
            *sequence = sequence.wrapping_add(1);
            guest_kit::sleep(self.pause);
            let sent = now();
            self.send(io, ttl, *sequence)?;
            let Some(message) = self.answer(*sequence, sent)? else {
                write!(io.out, "  *")?;
                io.out.flush()?;
                continue;
            };
            if before != Some(message.from) {
                before = Some(message.from);
                self.name(io, message.from)?;
            }
            write!(io.out, "  {} ms", millis(message.time.saturating_sub(sent)))?;
            if self.show_ttl {
                write!(io.out, " ({})", message.ttl)?;
            }
            match message.kind {
                Kind::EchoReply => there = true,
                Kind::TimeExceeded => {}
                Kind::Unreachable(3) if self.udp.is_some() => there = true,
                Kind::Unreachable(code) => {
                    unreachable += 1;
                    let mark = match code {
                        0 => "!N".to_owned(),
                        1 => "!H".to_owned(),
                        2 | 3 => "!P".to_owned(),
                        code => format!("!<{code}>"),
                    };
                    write!(io.out, " {mark}")?;
                }
            }
            io.out.flush()?;
        }
        writeln!(io.out)?;
        Ok(there || unreachable == probes)
    }

    fn name(&self, io: &mut Io<'_>, from: Ipv4Addr) -> Result<(), Stop> {
        if self.numeric {
            write!(io.out, "  {from}")?;
        } else {
            let name = name_of(&self.resolver, from).unwrap_or_else(|| from.to_string());
            write!(io.out, "  {name} ({from})")?;
        }
        Ok(())
    }

    fn send(&self, io: &mut Io<'_>, ttl: u8, sequence: u16) -> Result<(), Stop> {
        let sent = match &self.udp {
            None => self.icmp.send(self.to, sequence, ttl, &self.payload),
            Some(udp) => udp.set_ttl(ttl.into()).and_then(|()| {
                let to = (self.to, self.port.wrapping_add(sequence));
                udp.send_to(&self.payload, to).map(drop)
            }),
        };
        sent.map_err(|error| io.fail(&format!("sendto: {}", reason(&error))))
    }

    /// What comes back about this probe, if it comes in time.
    fn answer(&self, sequence: u16, sent: Duration) -> Result<Option<Message>, Stop> {
        let end = sent + self.wait;
        loop {
            let left = end.saturating_sub(now());
            if left.is_zero() {
                return Ok(None);
            }
            guest_kit::poll(&[&self.icmp, &signals::source()], Some(left));
            if signals::next().is_some() {
                return Err(Stop::Status(130));
            }
            while let Some(message) = self.icmp.next() {
                if self.is_about(&message, sequence) {
                    return Ok(Some(message));
                }
            }
        }
    }

    fn is_about(&self, message: &Message, sequence: u16) -> bool {
        match &self.udp {
            None => {
                message.protocol == 1
                    && message.sequence == sequence
                    && message.identifier == self.icmp.identifier()
            }
            Some(_) => {
                message.protocol == 17 && message.sequence == self.port.wrapping_add(sequence)
            }
        }
    }
}
