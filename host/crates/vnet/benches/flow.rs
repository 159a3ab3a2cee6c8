//! How fast the network is in real time: one flow, and many short connections, from a pod through
//! a Service to a pod on another node. `cargo bench -p vnet`

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement needs the machine's clock"
)]
#![allow(clippy::print_stdout, reason = "a measurement is for reading")]

use clock::{Instant, Seed};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{
    Capture, Config, Dataplane, Frontend, FrontendAddr, HostId, Net, Origin, Proto, Recv,
    ServiceRule, SockId, TcpState,
};

const VIP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 96, 0, 10), 80);

struct Bench {
    net: Net,
    now: Instant,
    client: HostId,
    listener: SockId,
}

fn bench(capture: Capture) -> Bench {
    let cidr = |text: &str| text.parse().expect("a range");
    let ip = |text: &str| text.parse().expect("an address");
    let mut net = Net::new(Config {
        seed: Seed::new(1),
        pod_cidr: cidr("10.244.0.0/16"),
        service_cidr: cidr("10.96.0.0/12"),
        dataplane: Dataplane::Overlay,
        capture,
    });
    let lan = net.add_lan("lan", cidr("192.168.1.0/24"));
    let one = net.add_node("one", lan, ip("192.168.1.11"), cidr("10.244.1.0/24"));
    let two = net.add_node("two", lan, ip("192.168.1.12"), cidr("10.244.2.0/24"));
    let now = Instant::ZERO;
    let client = net
        .add_pod(now, "client", one, ip("10.244.1.2"))
        .expect("a pod");
    let server = net
        .add_pod(now, "server", two, ip("10.244.2.2"))
        .expect("a pod");
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8080);
    let listener = net.tcp_listen(now, server, any, 128).expect("a listener");
    let frontends = vec![Frontend {
        addr: FrontendAddr::Ip(*VIP.ip()),
        port: VIP.port(),
    }];
    let endpoints = vec![SocketAddrV4::new(ip("10.244.2.2"), 8080)];
    net.set_services(
        now,
        vec![ServiceRule {
            name: "bench".into(),
            proto: Proto::Tcp,
            frontends,
            endpoints,
            leaving: Vec::new(),
            internal_local: false,
            external_local: false,
            affinity: None,
        }],
    );
    Bench {
        net,
        now,
        client,
        listener,
    }
}

impl Bench {
    fn step(&mut self) {
        self.now = self.net.poll_at().expect("something is under way");
        self.net.advance(self.now);
        while self.net.poll_event().is_some() {}
    }

    fn connect(&mut self) -> SockId {
        let begun = self
            .net
            .tcp_connect(self.now, self.client, None, VIP, Origin::Program);
        let sock = begun.expect("a connection");
        while self.net.tcp_state(sock) == TcpState::Connecting {
            self.step();
        }
        sock
    }

    fn accept(&mut self) -> SockId {
        loop {
            if let Some(sock) = self
                .net
                .tcp_accept(self.now, self.listener)
                .expect("a listener")
            {
                return sock;
            }
            self.step();
        }
    }

    fn read(&mut self, sock: SockId, max: usize) -> Vec<u8> {
        loop {
            match self
                .net
                .tcp_recv(self.now, sock, max)
                .expect("an open connection")
            {
                Recv::Data(data) => return data,
                Recv::Eof => return Vec::new(),
                Recv::WouldBlock => self.step(),
            }
        }
    }
}

fn flow(capture: Capture, megabytes: usize) {
    let mut bench = bench(capture);
    let client = bench.connect();
    let server = bench.accept();
    let data = vec![7_u8; 65_536];
    let (total, mut sent, mut got) = (megabytes << 20, 0, 0);
    let begin = std::time::Instant::now();
    while got < total {
        let room = bench.net.tcp_send_room(client).expect("an open connection");
        if bench.net.ready(client).writable && sent < total && room > 0 {
            sent += bench
                .net
                .tcp_send(bench.now, client, &data[..room.min(total - sent)])
                .expect("sent");
        }
        match bench
            .net
            .tcp_recv(bench.now, server, 65_536)
            .expect("an open connection")
        {
            Recv::Data(data) => got += data.len(),
            _ => bench.step(),
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let passages = bench.net.packets().next_seq();
    println!(
        "flow {capture:?}: {:.0} MB/s, {:.0} ns per passage, {} passages, {} of virtual time",
        total as f64 / 1e6 / seconds,
        seconds * 1e9 / passages as f64,
        passages,
        bench.now,
    );
}

fn short(capture: Capture, connections: usize) {
    let mut bench = bench(capture);
    let begin = std::time::Instant::now();
    for _ in 0..connections {
        let client = bench.connect();
        bench
            .net
            .tcp_send(bench.now, client, b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            .expect("sent");
        let server = bench.accept();
        bench.read(server, 4096);
        bench
            .net
            .tcp_send(bench.now, server, &[b'x'; 800])
            .expect("sent");
        bench.net.close(bench.now, server);
        while !bench.read(client, 4096).is_empty() {}
        bench.net.close(bench.now, client);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let passages = bench.net.packets().next_seq();
    println!(
        "short {capture:?}: {:.0} connections/s, {:.1} us each, {:.0} passages each",
        connections as f64 / seconds,
        seconds * 1e6 / connections as f64,
        passages as f64 / connections as f64,
    );
}

fn main() {
    flow(Capture::Headers, 1024);
    flow(Capture::Full, 256);
    short(Capture::Headers, 50_000);
    short(Capture::Full, 20_000);
}
