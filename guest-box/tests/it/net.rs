//! The network's tools beside Debian's: tcpdump on a capture that `vnet` wrote (two nodes, pings, a
//! traceroute's probe, HTTP, a refused port, DNS of every kind, all of it in VXLAN too), and what of
//! busybox' tools runs natively. Never listens to a real interface.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trial::{Workplace, installed};

fn packets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/packets.pcap")
}

fn output(program: &Path, name: &str, options: &str, filter: &str) -> (String, Option<i32>) {
    let mut command = Command::new(program);
    if !name.is_empty() {
        command.arg(name);
    }
    let output = command
        .args(options.split(' '))
        .arg("-r")
        .arg(packets())
        .arg(filter)
        .env("TZ", "UTC")
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code())
}

#[test]
fn packets_read_as_tcpdump_writes_them() {
    let real = installed("tcpdump", "tcpdump");
    let all_options = [
        "-n", "-nv", "-nvv", "-nvvv", "-nq", "-ne", "-nt", "-ntt", "-nttt", "-ntttt", "-nS", "-nx",
        "-nX", "-nXX", "-nA", "-n -c 7", "-nvS",
    ];
    let filters = [
        "",
        "tcp",
        "udp port 53",
        "icmp",
        "icmp[icmptype] == icmp-echo",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
        "tcp[tcpflags] == tcp-syn or tcp[13] & 4 != 0",
        "not port 4789 and host 10.244.2.2",
        "src host 10.244.1.2 and dst port 80",
        "portrange 50-90 and greater 70",
        "net 192.168.1.0/24 and not udp",
        "udp[10:2] & 0x8000 != 0 or less 60",
        "src net 10.244.1 && (dst port 80 || dst port 81)",
    ];
    for options in all_options {
        for filter in filters {
            let expected = output(&real, "", options, filter);
            let got = output(Path::new(super::BOX), "tcpdump", options, filter);
            assert_eq!(got, expected, "tcpdump {options} '{filter}'");
        }
    }
}

#[test]
fn a_written_capture_is_the_one_that_was_read() {
    let copy = std::env::temp_dir().join(format!("guest-box-{}.pcap", std::process::id()));
    let status = Command::new(super::BOX)
        .args(["tcpdump", "-r"])
        .arg(packets())
        .arg("-w")
        .arg(&copy)
        .output()
        .expect("the program runs")
        .status;
    assert!(status.success());
    let (written, read) = (fs::read(&copy), fs::read(packets()));
    // What cannot be removed stays in the temporary directory.
    let _ = fs::remove_file(&copy);
    assert_eq!(
        written.expect("written")[24..],
        read.expect("there")[24..],
        "all but the header, whose snapshot length is each program's own"
    );
}

#[test]
fn what_is_no_filter_or_file_is_refused_with_tcpdumps_words() {
    let run = |args: &[&str]| {
        let output = Command::new(super::BOX)
            .arg("tcpdump")
            .args(args)
            .output()
            .expect("the program runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (text, output.status.code())
    };
    let (text, code) = run(&["port"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        text,
        "tcpdump: can't parse filter expression: syntax error\n"
    );
    let (text, code) = run(&["-r", "/none"]);
    assert_eq!(
        (text.as_str(), code),
        ("tcpdump: /none: No such file or directory\n", Some(1))
    );
}

#[test]
fn the_networks_tools_answer_as_busybox() {
    let busybox = installed("busybox", "busybox");
    let names = |program: &Path| {
        let list = Command::new(program)
            .arg("--list")
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&list.stdout).into_owned()
    };
    let place = |program: &Path| {
        let names = names(program);
        Workplace::new(names.lines().map(|name| (name, program)))
    };
    let (real, ours) = (place(&busybox), place(Path::new(super::BOX)));
    trial::differential(include_str!("../cases/net.txt"), &real, &ours);
}
