//! `ping` as busybox has it. As there, errors that routers report are silence.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use guest_kit::icmp::{Kind, Message, Socket, now};
use guest_kit::signals;

use super::addresses::{address, number};
use crate::applets::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};

pub(super) const PING: Applet = Applet {
    name: "ping",
    operands: "HOST",
    help: "Send ICMP ECHO_REQUESTs to HOST",
    flags: &[
        flag('4', "", "Force IPv4, which is all there is"),
        value('c', "", "CNT", "Send only CNT pings"),
        value(
            's',
            "",
            "SIZE",
            "Send SIZE data bytes in packets (default 56)",
        ),
        value('i', "", "SECS", "Interval"),
        flag('A', "", "Ping as soon as reply is received"),
        value('t', "", "TTL", "Set TTL"),
        value('I', "", "IFACE/IP", "Source interface or IP address"),
        value(
            'W',
            "",
            "SEC",
            "Seconds to wait for the first response (default 10), after all -c CNT packets are sent",
        ),
        value(
            'w',
            "",
            "SEC",
            "Seconds until ping exits (default:infinite)",
        ),
        flag('q', "", "Quiet, only display output at start/finish"),
        value('p', "", "HEXBYTE", "Payload pattern"),
    ],
    run,
};

/// How many packets whose times are remembered.
const REMEMBERED: usize = 1_024;

struct Ping {
    to: Ipv4Addr,
    count: Option<u64>,
    size: usize,
    interval: Duration,
    adaptive: bool,
    ttl: u8,
    wait: Duration,
    deadline: Option<Duration>,
    quiet: bool,
    pattern: u8,
}

#[derive(Default)]
struct Tally {
    sent: u64,
    received: u64,
    repeated: u64,
    /// When each packet left, and whether it was answered.
    under_way: BTreeMap<u16, (Duration, bool)>,
    least: Duration,
    most: Duration,
    sum: Duration,
}

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [host] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let host = host.clone();
    let to = address(io, &host)?;
    let ping = options(io, &parsed, to)?;
    if let Some(source) = parsed.value('I') {
        check_source(io, source)?;
    }
    let socket = match Socket::open() {
        Ok(socket) => socket,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(io.fail("permission denied (are you root?)"));
        }
        Err(error) => return Err(io.fail(&format!("can't create raw socket: {}", reason(&error)))),
    };
    signals::handle(&[2]);
    writeln!(io.out, "PING {host} ({to}): {} data bytes", ping.size)?;
    io.out.flush()?;
    let mut tally = Tally::default();
    ping.converse(io, &socket, &mut tally)?;
    statistics(io, &host, &tally)?;
    Ok(i32::from(tally.received == 0))
}

fn options(io: &mut Io<'_>, parsed: &Parsed, to: Ipv4Addr) -> Result<Ping, Stop> {
    let seconds = |io: &mut Io<'_>, letter, otherwise: u64| match parsed.value(letter) {
        Some(text) => number(io, text),
        None => Ok(otherwise),
    };
    let interval: f64 = match parsed.value('i') {
        Some(text) => number(io, text)?,
        None => 1.0,
    };
    let count = match parsed.value('c') {
        Some(text) => Some(number(io, text)?),
        None => None,
    };
    let size: usize = match parsed.value('s') {
        Some(text) => number(io, text)?,
        None => 56,
    };
    let ttl: u8 = match parsed.value('t') {
        Some(text) => number(io, text)?,
        None => 64,
    };
    let pattern = match parsed.value('p') {
        Some(text) => u8::from_str_radix(text, 16)
            .map_err(|_| io.fail(&format!("invalid number '{text}'")))?,
        None => 0,
    };
    let deadline = match parsed.value('w') {
        Some(text) => Some(Duration::from_secs(number(io, text)?)),
        None => None,
    };
    Ok(Ping {
        to,
        count: count.filter(|count| *count > 0),
        size: size.min(65_507),
        interval: Duration::try_from_secs_f64(interval.max(0.000_1)).unwrap_or(Duration::MAX),
        adaptive: parsed.has('A'),
        ttl: ttl.max(1),
        wait: Duration::from_secs(seconds(io, 'W', 10)?),
        deadline,
        quiet: parsed.has('q'),
        pattern,
    })
}

/// There is one way out, so a source can only be right or wrong.
fn check_source(io: &mut Io<'_>, source: &str) -> Result<(), Stop> {
    let known = guest_kit::machine::addresses();
    let mut known = known.iter();
    if known.any(|(name, address, _)| name == source || address == source) {
        return Ok(());
    }
    match source.parse::<Ipv4Addr>() {
        Ok(_) => Err(io.fail("bind: Cannot assign requested address")),
        Err(_) => Err(io.fail(&format!("can't bind to interface {source}: No such device"))),
    }
}

impl Ping {
    fn converse(&self, io: &mut Io<'_>, socket: &Socket, tally: &mut Tally) -> Result<(), Stop> {
        let begin = now();
        let mut next = begin;
        loop {
            let all_sent = self.count.is_some_and(|count| tally.sent >= count);
            if !all_sent && now() >= next {
                self.send(io, socket, tally)?;
                next += self.interval;
                if self.count == Some(tally.sent) {
                    next = now() + self.last_wait(tally);
                }
                continue;
            }
            let end = self.deadline.map_or(next, |limit| next.min(begin + limit));
            let sources: [&dyn guest_kit::Source; 2] = [socket, &signals::source()];
            guest_kit::poll(&sources, Some(end.saturating_sub(now())));
            if signals::next().is_some() {
                return Ok(());
            }
            while let Some(message) = socket.next() {
                self.hear(io, &message, tally)?;
                if self.adaptive && !all_sent {
                    next = now();
                }
            }
            let all_answered = self.count.is_some_and(|count| tally.received >= count);
            let over = self.deadline.is_some_and(|limit| now() >= begin + limit);
            if all_answered || over || (all_sent && now() >= next) {
                return Ok(());
            }
        }
    }

    /// How long the last answer is waited for: two round trips, at least a second, if there was
    /// an answer before.
    fn last_wait(&self, tally: &Tally) -> Duration {
        if tally.received == 0 {
            return self.wait;
        }
        let trips = Duration::from_secs((tally.most * 2).as_secs());
        trips.max(Duration::from_secs(1))
    }

    fn send(&self, io: &mut Io<'_>, socket: &Socket, tally: &mut Tally) -> Result<(), Stop> {
        let sequence = tally.sent as u16;
        tally.sent += 1;
        tally.under_way.insert(sequence, (now(), false));
        if tally.under_way.len() > REMEMBERED {
            tally
                .under_way
                .remove(&sequence.wrapping_sub(REMEMBERED as u16));
        }
        let payload = vec![self.pattern; self.size];
        socket
            .send(self.to, sequence, self.ttl, &payload)
            .map_err(|error| io.fail(&format!("sendto: {}", reason(&error))))
    }

    fn hear(&self, io: &mut Io<'_>, message: &Message, tally: &mut Tally) -> Result<(), Stop> {
        let Some((sent, answered)) = tally.under_way.get_mut(&message.sequence) else {
            return Ok(());
        };
        if message.kind != Kind::EchoReply {
            return Ok(());
        }
        let trip = message.time.saturating_sub(*sent);
        let again = std::mem::replace(answered, true);
        if again {
            tally.repeated += 1;
        } else {
            tally.received += 1;
        }
        // The time travels in the payload's first bytes there.
        let timed = message.payload.len() >= 4;
        if timed {
            tally.sum += trip;
            tally.most = tally.most.max(trip);
            tally.least = match tally.received + tally.repeated {
                1 => trip,
                _ => tally.least.min(trip),
            };
        }
        if self.quiet {
            return Ok(());
        }
        let length = message.payload.len() + 8;
        let (from, sequence, ttl) = (message.from, message.sequence, message.ttl);
        write!(
            io.out,
            "{length} bytes from {from}: seq={sequence} ttl={ttl}"
        )?;
        if timed {
            write!(io.out, " time={} ms", millis(trip))?;
        }
        writeln!(io.out, "{}", if again { " (DUP!)" } else { "" })?;
        io.out.flush()?;
        Ok(())
    }
}

/// Milliseconds with three places.
pub(super) fn millis(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

fn statistics(io: &mut Io<'_>, host: &str, tally: &Tally) -> Result<(), Stop> {
    let (sent, received) = (tally.sent, tally.received);
    writeln!(io.out, "\n--- {host} ping statistics ---")?;
    write!(
        io.out,
        "{sent} packets transmitted, {received} packets received, "
    )?;
    if tally.repeated > 0 {
        write!(io.out, "{} duplicates, ", tally.repeated)?;
    }
    let lost = (sent.saturating_sub(received) * 100).checked_div(sent);
    writeln!(io.out, "{}% packet loss", lost.unwrap_or(0))?;
    let answers = u32::try_from(received + tally.repeated).unwrap_or(u32::MAX);
    if let Some(average) = tally
        .sum
        .checked_div(answers)
        .filter(|_| !tally.most.is_zero())
    {
        let [least, average, most] = [tally.least, average, tally.most].map(millis);
        writeln!(
            io.out,
            "round-trip min/avg/max = {least}/{average}/{most} ms"
        )?;
    }
    Ok(())
}
