//! `ifconfig`: shows interfaces as busybox does. Never changes one.

use std::io::Write;

use guest_kit::network::{Link, LinkKind, links};

use super::addresses::{broadcast, mask};
use crate::applets::{Applet, Io, Outcome, Stop, flag};

pub(super) const IFCONFIG: Applet = Applet {
    name: "ifconfig",
    operands: "[IFACE]",
    help: "Show network interfaces",
    flags: &[flag('a', "", "All of them, down ones too")],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.len() > 1 {
        return Err(io.fail("SIOCSIFADDR: Operation not permitted"));
    }
    let mut all = links();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(wanted) = parsed.rest.first() {
        all.retain(|link| link.name == *wanted);
        if all.is_empty() {
            let why = "error fetching interface information: Device not found";
            return Err(io.fail(&format!("{wanted}: {why}")));
        }
    } else if !parsed.has('a') {
        all.retain(|link| link.up);
    }
    for link in &all {
        show(io, link)?;
    }
    Ok(0)
}

fn show(io: &mut Io<'_>, link: &Link) -> Result<(), Stop> {
    let is_loopback = link.kind == LinkKind::Loopback;
    let name = &link.name;
    if is_loopback {
        writeln!(io.out, "{name:<9} Link encap:Local Loopback  ")?;
    } else {
        let mac = link.mac.map(|byte| format!("{byte:02X}")).join(":");
        writeln!(io.out, "{name:<9} Link encap:Ethernet  HWaddr {mac}  ")?;
    }
    for (address, prefix) in &link.addresses {
        let mask = mask(*prefix);
        write!(io.out, "          inet addr:{address}  ")?;
        if !is_loopback {
            write!(io.out, "Bcast:{}  ", broadcast(*address, *prefix))?;
        }
        writeln!(io.out, "Mask:{mask}")?;
    }
    let up = if link.up { "UP " } else { "" };
    let flags = match link.kind {
        LinkKind::Loopback => "LOOPBACK RUNNING ",
        _ if link.up => "BROADCAST RUNNING MULTICAST ",
        _ => "BROADCAST MULTICAST ",
    };
    let queue = if is_loopback || link.kind != LinkKind::Ethernet {
        0
    } else {
        1000
    };
    let queue = if is_loopback { 1000 } else { queue };
    let ((rx, rx_bytes), (tx, tx_bytes)) = (link.received, link.sent);
    write!(
        io.out,
        "          {up}{flags} MTU:{}  Metric:1\n          \
         RX packets:{rx} errors:0 dropped:0 overruns:0 frame:0\n          \
         TX packets:{tx} errors:0 dropped:0 overruns:0 carrier:0\n          \
         collisions:0 txqueuelen:{queue} \n          \
         RX bytes:{rx_bytes} ({})  TX bytes:{tx_bytes} ({})\n\n",
        link.mtu,
        size(rx_bytes),
        size(tx_bytes)
    )?;
    Ok(())
}

/// Bytes in a larger unit with one place, rounded down.
fn size(bytes: u64) -> String {
    let (mut tenths, mut unit) = (bytes * 10, "B");
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths / 1024, next);
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_have_one_place() {
        assert_eq!(super::size(1_568_321_827), "1.4 GiB");
        assert_eq!(super::size(0), "0.0 B");
        assert_eq!(super::size(34_367_697), "32.7 MiB");
    }
}
