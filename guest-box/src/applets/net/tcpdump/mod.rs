//! `tcpdump`: the packets at this machine's own interfaces, filtered and as text.
//!
//! Never another machine's packets, and never a protocol beyond IPv4's TCP, UDP and ICMP, DNS,
//! the first lines of HTTP, and VXLAN, which is what there is in a lab.

mod dns;
mod file;
mod filter;
mod frame;
mod line;
mod names;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::time::{Duration, UNIX_EPOCH};

use guest_kit::capture::{Listener, Packet};
use guest_kit::signals;

use super::addresses::number;
use super::dns::Resolver;
use crate::applets::date::Moment;
use crate::applets::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};
use file::Reader;
use filter::Filter;
use frame::{ETHERNET, Ip, link_header, word};
use line::{Printer, Style};
use names::Names;

pub(super) const TCPDUMP: Applet = Applet {
    name: "tcpdump",
    operands: "[expression]",
    help: "Show packets as they pass this machine's interfaces",
    flags: &[
        value(
            'i',
            "interface",
            "interface",
            "Listen on this interface, or on any",
        ),
        value('c', "count", "count", "Exit after this many packets"),
        flag('n', "", "Don't convert addresses and ports to names"),
        flag('q', "", "Quick output: less about protocols"),
        flag('v', "", "More about each packet"),
        flag('e', "", "Print the link-level header"),
        flag(
            't',
            "",
            "No time; -tt seconds, -ttt since the last, -tttt with the date",
        ),
        flag(
            'x',
            "",
            "Each packet in hexadecimal; -xx with its link-level header",
        ),
        flag('X', "", "The same and in ASCII"),
        flag('A', "", "Each packet in ASCII"),
        flag(
            'S',
            "absolute-tcp-sequence-numbers",
            "Absolute TCP sequence numbers",
        ),
        flag('l', "", "Line-buffered output, which it always is"),
        flag(
            'U',
            "packet-buffered",
            "Packet-buffered output, which it always is",
        ),
        flag('p', "", "No promiscuous mode, of which there is none"),
        flag('D', "list-interfaces", "List the interfaces"),
        value(
            's',
            "snapshot-length",
            "snaplen",
            "Keep this many bytes of each packet",
        ),
        value('w', "", "file", "Write packets to a file"),
        value('r', "", "file", "Read packets from a file"),
        value(
            'Q',
            "direction",
            "in|out|inout",
            "Only packets in this direction",
        ),
        flag(
            'K',
            "dont-verify-checksums",
            "Don't verify checksums, which are right here",
        ),
        value(
            'Z',
            "relinquish-privileges",
            "user",
            "Become this user; there is only one",
        ),
    ],
    run,
};

const SNAP: u32 = 262_144;

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.has('D') {
        return list(io);
    }
    let text = parsed.rest.join(" ");
    let Some(filter) = Filter::parse(&text, &resolve) else {
        return Err(io.fail("can't parse filter expression: syntax error"));
    };
    let limit = match parsed.value('c') {
        Some(text) => Some(
            text.parse::<u64>()
                .ok()
                .filter(|count| *count > 0)
                .ok_or_else(|| io.fail(&format!("invalid packet count {text}")))?,
        ),
        None => None,
    };
    let snap = match parsed.value('s') {
        Some(text) => match number(io, text)? {
            0 => SNAP,
            snap => snap,
        },
        None => SNAP,
    };
    let count = |letter| u8::try_from(parsed.in_order(letter).count()).unwrap_or(u8::MAX);
    let mut dump = Dump {
        printer: Printer::new(
            Style {
                quick: parsed.has('q'),
                verbose: count("v"),
                link_header: parsed.has('e'),
                absolute: parsed.has('S'),
            },
            Names::new((!parsed.has('n')).then(Resolver::read)),
        ),
        filter,
        limit,
        snap,
        cooked: false,
        time: count("t"),
        before: None,
        hex: [count("x"), count("X"), count("A")],
        inbound: parsed.value('Q').is_none_or(|way| way != "out"),
        outbound: parsed.value('Q').is_none_or(|way| way != "in"),
        file: None,
        printed: 0,
    };
    match parsed.value('r') {
        Some(path) => dump.replay(io, path, &parsed),
        None => dump.live(io, &parsed),
    }
}

fn resolve(name: &str) -> Option<Ipv4Addr> {
    let mut found = (name, 0).to_socket_addrs().ok()?;
    found.find_map(|address| match address {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    })
}

fn list(io: &mut Io<'_>) -> Outcome {
    let links = guest_kit::network::links();
    let (own, others): (Vec<_>, Vec<_>) = links.into_iter().partition(|link| link.name != "lo");
    for (index, link) in own.iter().enumerate() {
        writeln!(
            io.out,
            "{}.{} [Up, Running, Connected]",
            index + 1,
            link.name
        )?;
    }
    let next = own.len() + 1;
    writeln!(
        io.out,
        "{next}.any (Pseudo-device that captures on all interfaces) [Up, Running]"
    )?;
    for (index, link) in others.iter().enumerate() {
        let index = next + 1 + index;
        writeln!(io.out, "{index}.{} [Up, Running, Loopback]", link.name)?;
    }
    Ok(0)
}

struct Dump {
    printer: Printer,
    filter: Filter,
    limit: Option<u64>,
    snap: u32,
    /// Listening on `any`: lines say which interface.
    cooked: bool,
    /// How many `-t`.
    time: u8,
    before: Option<Duration>,
    /// How many `-x`, `-X` and `-A`.
    hex: [u8; 3],
    inbound: bool,
    outbound: bool,
    file: Option<Box<dyn Write>>,
    printed: u64,
}

/// How a capture ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Limit,
    Signal,
}

impl Dump {
    fn live(&mut self, io: &mut Io<'_>, parsed: &Parsed) -> Outcome {
        let name = match parsed.value('i') {
            Some(name) => name.to_owned(),
            None => {
                let links = guest_kit::network::links();
                let first = links.into_iter().find(|link| link.name != "lo");
                first.map_or_else(|| "lo".to_owned(), |link| link.name)
            }
        };
        self.cooked = name == "any";
        let listener = Listener::open(&name, self.snap).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => io.fail(&format!(
                "{name}: No such device exists\n(No such device exists)"
            )),
            std::io::ErrorKind::PermissionDenied => io.fail(&format!(
                "{name}: You don't have permission to capture on that device"
            )),
            _ => io.fail(&format!("{name}: {}", reason(&error))),
        })?;
        self.open_output(io, parsed)?;
        let kind = if self.cooked {
            "LINUX_SLL2 (Linux cooked v2)"
        } else {
            "EN10MB (Ethernet)"
        };
        if self.cooked {
            writeln!(io.err, "tcpdump: data link type LINUX_SLL2")?;
        }
        if self.printer.style.verbose == 0 && self.file.is_none() {
            let hint = "verbose output suppressed, use -v[v]... for full protocol decode";
            writeln!(io.err, "tcpdump: {hint}")?;
        }
        let lead = if self.file.is_some() || self.printer.style.verbose > 0 {
            "tcpdump: "
        } else {
            ""
        };
        writeln!(
            io.err,
            "{lead}listening on {name}, link-type {kind}, snapshot length {} bytes",
            self.snap
        )?;
        signals::handle(&[2, 15]);
        let mut received = 0;
        let end = self.listen(io, &listener, &mut received)?;
        if end == End::Signal && self.file.is_none() {
            writeln!(io.out)?;
        }
        io.out.flush()?;
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let (captured, dropped) = (self.printed, listener.dropped());
        writeln!(
            io.err,
            "{captured} packet{} captured\n{received} packet{} received by filter\n\
             {dropped} packet{} dropped by kernel",
            plural(captured),
            plural(received),
            plural(dropped)
        )?;
        Ok(0)
    }

    fn open_output(&mut self, io: &mut Io<'_>, parsed: &Parsed) -> Result<(), Stop> {
        let Some(path) = parsed.value('w') else {
            return Ok(());
        };
        if self.cooked {
            return Err(io.fail("-w with -i any is not in this lab: choose an interface"));
        }
        let mut file: Box<dyn Write> = match path {
            "-" => Box::new(std::io::stdout()),
            path => Box::new(
                std::fs::File::create(path)
                    .map_err(|error| io.fail(&format!("{path}: {}", reason(&error))))?,
            ),
        };
        file::write_header(&mut file, self.snap)?;
        self.file = Some(file);
        Ok(())
    }

    fn listen(
        &mut self,
        io: &mut Io<'_>,
        listener: &Listener,
        received: &mut u64,
    ) -> Result<End, Stop> {
        loop {
            guest_kit::poll(&[listener, &signals::source()], None);
            loop {
                let packets = listener.next(64);
                if packets.is_empty() {
                    break;
                }
                for packet in packets {
                    let wanted = if packet.outbound {
                        self.outbound
                    } else {
                        self.inbound
                    };
                    let length = packet.length as usize;
                    if !wanted || !self.filter.wants(&packet.bytes, length) {
                        continue;
                    }
                    *received += 1;
                    self.take(io, &packet)?;
                    if self.limit == Some(self.printed) {
                        return Ok(End::Limit);
                    }
                }
                io.out.flush()?;
            }
            if signals::next().is_some() {
                return Ok(End::Signal);
            }
        }
    }

    fn replay(&mut self, io: &mut Io<'_>, path: &str, parsed: &Parsed) -> Outcome {
        let input: Box<dyn std::io::Read> = match path {
            "-" => Box::new(std::io::stdin()),
            path => {
                let file = std::fs::File::open(path)
                    .map_err(|error| io.fail(&format!("{path}: {}", reason(&error))))?;
                Box::new(std::io::BufReader::new(file))
            }
        };
        let mut reader = Reader::open(input).map_err(|why| io.fail(&why))?;
        let snap = reader.snap;
        writeln!(
            io.err,
            "reading from file {path}, link-type EN10MB (Ethernet), snapshot length {snap}"
        )?;
        self.open_output(io, parsed)?;
        loop {
            let (time, bytes, length) = match reader.next() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(why) => return Err(io.fail(&format!("pcap_loop: {why}"))),
            };
            if !self.filter.wants(&bytes, length as usize) {
                continue;
            }
            let packet = Packet {
                time,
                link: String::new(),
                index: 0,
                outbound: false,
                bytes,
                length,
            };
            self.take(io, &packet)?;
            if self.limit == Some(self.printed) {
                break;
            }
        }
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        Ok(0)
    }

    /// One packet, to the file or as text.
    fn take(&mut self, io: &mut Io<'_>, packet: &Packet) -> Result<(), Stop> {
        self.printed += 1;
        if let Some(file) = &mut self.file {
            file::write_packet(file, packet.time, &packet.bytes, packet.length)?;
            return Ok(());
        }
        let mut line = self.stamp(packet.time);
        if self.cooked {
            let way = if packet.outbound { "Out" } else { "In" };
            line.push_str(&format!("{:<5} {way:<3} ", packet.link));
        }
        line.push_str(&self.text(&packet.bytes, packet.length));
        writeln!(io.out, "{line}")?;
        self.dump(io, &packet.bytes)?;
        Ok(())
    }

    fn text(&mut self, frame: &[u8], length: u32) -> String {
        let mut line = String::new();
        let kind = word(frame, 12);
        let style = self.printer.style;
        if style.link_header {
            line = link_header(frame, length as usize);
        }
        match Ip::in_frame(frame) {
            Some(ip) => {
                let lead = if style.link_header { "" } else { "IP " };
                line + &self.printer.ip(&ip, lead)
            }
            None => line + &format!("ethertype Unknown (0x{kind:04x}), length {length}"),
        }
    }

    fn stamp(&mut self, time: Duration) -> String {
        let micros = time.subsec_micros();
        let before = self.before.replace(time);
        match self.time {
            0 | 4.. => {
                let format = if self.time == 0 {
                    "%H:%M:%S"
                } else {
                    "%Y-%m-%d %H:%M:%S"
                };
                let text = Moment::of(UNIX_EPOCH + time).format(format);
                format!("{text}.{micros:06} ")
            }
            1 => String::new(),
            2 => format!("{}.{micros:06} ", time.as_secs()),
            3 => {
                let passed = time.saturating_sub(before.unwrap_or(time));
                let (seconds, micros) = (passed.as_secs(), passed.subsec_micros());
                let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
                format!(" {hours:02}:{minutes:02}:{:02}.{micros:06} ", seconds % 60)
            }
        }
    }

    /// The bytes, as `-x`, `-X` and `-A` ask.
    fn dump(&self, io: &mut Io<'_>, frame: &[u8]) -> Result<(), Stop> {
        let [hex, both, ascii] = self.hex;
        let most = hex.max(both).max(ascii);
        if most == 0 {
            return Ok(());
        }
        let bytes = if most > 1 {
            frame
        } else {
            frame.get(ETHERNET..).unwrap_or_default()
        };
        if ascii > 0 {
            let next = bytes.iter().skip(1).map(Some).chain([None]);
            let shown: String = bytes
                .iter()
                .zip(next)
                .filter_map(|(byte, next)| match (byte, next) {
                    // The one at the end of a line goes with it.
                    (b'\r', Some(b'\n')) => None,
                    (b'\n' | b'\t' | 0x20..=0x7e, _) => Some(char::from(*byte)),
                    _ => Some('.'),
                })
                .collect();
            writeln!(io.out, "{shown}")?;
            return Ok(());
        }
        for (index, row) in bytes.chunks(16).enumerate() {
            let pairs: Vec<String> = row
                .chunks(2)
                .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect();
            let pairs = pairs.join(" ");
            let at = index * 16;
            if both > 0 {
                let letters: String = row
                    .iter()
                    .map(|byte| match byte {
                        0x21..=0x7e => char::from(*byte),
                        _ => '.',
                    })
                    .collect();
                writeln!(io.out, "\t0x{at:04x}:  {pairs:<39}  {letters}")?;
            } else {
                writeln!(io.out, "\t0x{at:04x}:  {pairs}")?;
            }
        }
        Ok(())
    }
}
