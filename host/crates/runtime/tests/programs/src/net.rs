//! What `std::net` does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

/// Echoes to `count` connections, one after the other.
pub fn serve(port: &str, count: usize) {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    for _ in 0..count {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).unwrap();
    }
}

pub fn ask(addr: &str, text: &str) {
    let mut stream = match TcpStream::connect(addr) {
        Ok(stream) => stream,
        Err(err) => return println!("{:?}", err.kind()),
    };
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    println!("{answer} from {}", stream.peer_addr().unwrap());
}

pub fn udp_serve(port: &str) {
    let socket = UdpSocket::bind(format!("0.0.0.0:{port}")).unwrap();
    let mut buffer = [0; 1500];
    let (len, from) = socket.recv_from(&mut buffer).unwrap();
    socket.send_to(&buffer[..len], from).unwrap();
}

pub fn udp_ask(addr: &str) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(addr).unwrap();
    socket.send(b"ping").unwrap();
    let mut buffer = [0; 1500];
    match socket.recv(&mut buffer) {
        Ok(len) => println!("{}", String::from_utf8_lossy(&buffer[..len])),
        Err(err) => println!("{:?}", err.kind()),
    }
}

pub fn resolve(name: &str) {
    match (name, 80).to_socket_addrs() {
        Ok(addrs) => println!(
            "{:?}",
            addrs.map(|addr| addr.ip().to_string()).collect::<Vec<_>>()
        ),
        Err(err) => println!("{err}"),
    }
}

/// Reads one connection to its end and says how much came.
pub fn sink(port: &str) {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut buffer = vec![0; 65536];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => total += count,
        }
    }
    println!("{total}");
}

pub fn source(addr: &str, mib: usize) {
    let mut stream = TcpStream::connect(addr).unwrap();
    let block = vec![7; 65536];
    for _ in 0..mib * 16 {
        stream.write_all(&block).unwrap();
    }
}

/// Asks once and prints who answers.
pub fn ping(addr: &str) {
    let socket = guest_kit::icmp::Socket::open().unwrap();
    let begin = guest_kit::icmp::now();
    socket
        .send(addr.parse().unwrap(), 1, 64, b"payload")
        .unwrap();
    let limit = std::time::Duration::from_secs(5);
    if guest_kit::poll(&[&socket], Some(limit)).is_empty() {
        return println!("silence");
    }
    let message = socket.next().unwrap();
    assert!(message.time >= begin);
    let (kind, ttl) = (message.kind, message.ttl);
    println!("{} {kind:?} {ttl} {}", message.from, message.payload.len());
    assert_eq!(message.identifier, socket.identifier());
}

/// A UDP probe with a time to live of one, and who reports it.
pub fn trace(addr: &str) {
    let socket = guest_kit::icmp::Socket::open().unwrap();
    let udp = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    udp.set_ttl(1).unwrap();
    udp.send_to(b"probe", (addr, 33_434)).unwrap();
    guest_kit::poll(&[&socket], Some(std::time::Duration::from_secs(5)));
    let message = socket.next().unwrap();
    println!("{} {:?} {}", message.from, message.kind, message.sequence);
}

/// Prints so many packets.
pub fn listen(link: &str, count: usize) {
    let listener = guest_kit::capture::Listener::open(link, 64).unwrap();
    println!("listening");
    let mut seen = 0;
    while seen < count {
        guest_kit::poll(&[&listener], None);
        for packet in listener.next(16) {
            let way = if packet.outbound { "out" } else { "in" };
            println!(
                "{} {way} {} of {}",
                packet.link,
                packet.bytes.len(),
                packet.length
            );
            seen += 1;
        }
    }
    assert_eq!(listener.dropped(), 0);
    assert!(guest_kit::capture::Listener::open("eth7", 64).is_err());
}

/// What the machine knows.
pub fn network() {
    use guest_kit::network;
    let _listener = std::net::TcpListener::bind("0.0.0.0:80").unwrap();
    for link in network::links() {
        println!("{} {} {:?}", link.index, link.name, link.addresses);
    }
    for route in network::routes() {
        println!(
            "{}/{} {:?} {}",
            route.destination, route.prefix, route.gateway, route.link
        );
    }
    for socket in network::sockets() {
        let owner = socket.pid == Some(guest_kit::process::pid());
        println!(
            "{:?} {} {} {owner}",
            socket.protocol, socket.local, socket.state
        );
    }
    println!("{} {}", network::neighbours().len(), network::forwards());
}
