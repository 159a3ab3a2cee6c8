//! Captures: what the log keeps and what a capture file shows.

use crate::lab::{Lab, VIP, any, at, ip, noise};
use clock::Duration;
use pcap_file::pcapng::{Block, PcapNgReader};
use smoltcp::wire::{Icmpv4Packet, IpAddress, Ipv4Packet, TcpPacket, UdpPacket};
use vnet::{Cable, Capture, Dataplane, LOG_RECORDS, Origin};

/// A Service call with a lossy cable, a refused datagram and a wait.
fn story(dataplane: Dataplane, capture: Capture, seed: u64) -> Lab {
    let mut lab = Lab::with(dataplane, capture, seed);
    let listener = lab.listen(lab.pod[2], 8080);
    lab.service(vec![at(ip("10.244.2.2"), 8080), at(ip("10.244.2.2"), 8080)]);
    let jitter = Duration::from_micros(30);
    lab.net.set_cable(
        lab.now,
        lab.node[1],
        Cable {
            loss_pct: 1.0,
            jitter,
            ..Cable::lan()
        },
    );
    let client = lab.connected(lab.pod[0], at(VIP, 80));
    let server = lab.accept(listener);
    lab.transfer(client, server, &noise(50_000));
    lab.connected(lab.workstation, at(ip("192.168.1.11"), 30_080));
    let udp = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    lab.net
        .udp_send(lab.now, udp, at(ip("10.244.1.3"), 53), b"x")
        .unwrap();
    lab.settle(Duration::from_secs(5));
    lab
}

fn pcapng(lab: &Lab) -> Vec<u8> {
    let mut file = Vec::new();
    lab.net
        .packets()
        .write_pcapng(1_767_225_600, |_| true, &mut file)
        .unwrap();
    file
}

#[test]
fn the_same_seed_gives_the_same_capture_to_the_byte_and_another_seed_another() {
    for (dataplane, capture) in [
        (Dataplane::Overlay, Capture::Full),
        (Dataplane::Routed, Capture::Headers),
    ] {
        let first = pcapng(&story(dataplane, capture, 3));
        assert!(first == pcapng(&story(dataplane, capture, 3)));
        assert!(first != pcapng(&story(dataplane, capture, 4)));
    }
}

/// Checks an IP packet's checksums and those of what it carries; says what it was.
pub(crate) fn check_packet(bytes: &[u8]) -> &'static str {
    let packet = Ipv4Packet::new_checked(bytes).unwrap();
    assert!(packet.verify_checksum());
    let (src, dst) = (
        IpAddress::Ipv4(packet.src_addr()),
        IpAddress::Ipv4(packet.dst_addr()),
    );
    let payload = packet.payload();
    match u8::from(packet.next_header()) {
        6 => {
            assert!(
                TcpPacket::new_checked(payload)
                    .unwrap()
                    .verify_checksum(&src, &dst)
            );
            "tcp"
        }
        17 => {
            let udp = UdpPacket::new_checked(payload).unwrap();
            assert!(udp.verify_checksum(&src, &dst));
            if udp.dst_port() != 4789 {
                return "udp";
            }
            let vxlan = udp.payload();
            assert_eq!(vxlan[..8], [8, 0, 0, 0, 0, 0, 1, 0]);
            assert_eq!(vxlan[20..22], [8, 0]);
            check_packet(&vxlan[22..]);
            "vxlan"
        }
        1 => {
            assert!(
                Icmpv4Packet::new_checked(payload)
                    .unwrap()
                    .verify_checksum()
            );
            "icmp"
        }
        other => panic!("protocol {other}"),
    }
}

#[test]
fn every_frame_of_a_capture_has_right_checksums_and_its_interface() {
    let lab = story(Dataplane::Overlay, Capture::Full, 3);
    let file = pcapng(&lab);
    let mut reader = PcapNgReader::new(&file[..]).unwrap();
    let (mut names, mut seen, mut comments) = (Vec::new(), std::collections::BTreeMap::new(), 0);
    while let Some(block) = reader.next_block() {
        let (block, _) = block.unwrap();
        match block {
            Block::InterfaceDescription(block) => names.push(format!("{:?}", block.options[0])),
            Block::EnhancedPacket(block) => {
                assert!((block.interface_id as usize) < names.len());
                assert_eq!(block.original_len as usize, block.data.len());
                assert_eq!(block.data[12..14], [8, 0]);
                *seen.entry(check_packet(&block.data[14..])).or_insert(0) += 1;
                comments += usize::from(
                    format!("{:?}", block.options).contains("NAT: destination 10.96.0.10:80"),
                );
            }
            _ => {}
        }
    }
    assert_eq!(seen.values().sum::<usize>(), lab.net.packets().len());
    assert_eq!(
        seen.into_keys().collect::<Vec<_>>(),
        ["icmp", "tcp", "udp", "vxlan"]
    );
    assert!(
        names.iter().any(|name| name.contains("worker1:eth0")),
        "{names:?}"
    );
    assert!(comments > 10);
}

#[test]
fn headers_are_enough_for_the_view_and_marked_as_cut_in_the_file() {
    let full = story(Dataplane::Overlay, Capture::Full, 3);
    let headers = story(Dataplane::Overlay, Capture::Headers, 3);
    let views =
        |lab: &Lab| -> Vec<_> { lab.net.packets().iter().map(|r| (r.at, r.view)).collect() };
    assert!(views(&full) == views(&headers));
    assert!(
        headers
            .net
            .packets()
            .iter()
            .all(|record| record.bytes.is_none())
    );
    assert!(pcapng(&headers).len() * 2 < pcapng(&full).len());
}

#[test]
fn a_full_log_forgets_the_oldest_and_counts_them() {
    let mut lab = Lab::with(Dataplane::Overlay, Capture::Headers, 1);
    let listener = lab.listen(lab.pod[1], 80);
    let client = lab.connected(lab.pod[0], at(ip("10.244.1.3"), 80));
    let server = lab.accept(listener);
    lab.transfer(client, server, &noise(30_000_000));
    let log = lab.net.packets();
    assert_eq!(log.len(), LOG_RECORDS);
    assert!(log.forgotten() > 0);
    assert_eq!(log.iter().next().unwrap().seq, log.forgotten());
    assert_eq!(log.since(log.next_seq() - 3).count(), 3);
    assert_eq!(log.since(log.next_seq() + 3).count(), 0);
}

#[test]
fn topology_and_sockets_are_plain_values() {
    let mut lab = Lab::new();
    let listener = lab.listen(lab.pod[2], 80);
    lab.connected(lab.pod[0], at(ip("10.244.2.2"), 80));
    lab.accept(listener);
    let names: Vec<String> = lab
        .net
        .topology()
        .machines
        .into_iter()
        .map(|machine| machine.name)
        .collect();
    assert_eq!(
        names,
        ["workstation", "worker1", "worker2", "a", "b", "c", "d"]
    );
    let port = lab.net.sockets(lab.pod[0])[0].local.port();
    let lines: Vec<String> = lab
        .net
        .sockets(lab.pod[2])
        .iter()
        .map(|info| info.to_string())
        .collect();
    assert_eq!(
        lines[0],
        "tcp        0    128 0.0.0.0:80              0.0.0.0:*               LISTEN"
    );
    let peer = format!("10.244.1.2:{port}");
    assert_eq!(
        lines[1],
        format!("tcp        0      0 10.244.2.2:80           {peer:<23} ESTABLISHED")
    );
}

#[test]
fn a_network_can_be_handed_to_another_thread() {
    const fn is_send<T: Send>() {}
    is_send::<vnet::Net>();
}
