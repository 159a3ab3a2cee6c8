//! `ssh NODE COMMAND`: runs a command on another machine of the lab.
//!
//! Never speaks the SSH protocol: the lab's nodes answer on port 7022 with a conversation of their
//! own, one line there and frames back (stream, length as u32 big-endian, bytes).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};

use super::{Applet, Io, Outcome, Stop, flag, reason, value};

const PORT: u16 = 7022;
/// What ssh itself returns when it fails.
const FAILED: i32 = 255;
/// The largest frame a node sends.
const FRAME_MAX: usize = 1024 * 1024;

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "ssh",
    operands: "NODE COMMAND...",
    help: "Run COMMAND on NODE",
    flags: &[
        flag('t', "", "Terminal, which is not in this lab yet"),
        flag('q', "", "Quiet"),
        value('l', "", "USER", "Log in as USER; everybody is root here"),
        value(
            'o',
            "",
            "OPTION",
            "Options of the real one; nothing here needs them",
        ),
    ],
    run: ssh,
}];

fn ssh(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    let Some((node, command)) = parsed.rest.split_first() else {
        return Err(io.usage());
    };
    if command.is_empty() || parsed.has('t') {
        io.complain("a terminal on a node is not in this lab yet: give a command");
        return Err(Stop::Status(FAILED));
    }
    let node = node.rsplit('@').next().unwrap_or(node);
    let mut stream = connect(io, node)?;
    stream.write_all(format!("{}\n", command.join(" ")).as_bytes())?;
    loop {
        let mut head = [0; 5];
        if stream.read_exact(&mut head).is_err() {
            io.complain(&format!("Connection to {node} closed by remote host."));
            return Err(Stop::Status(FAILED));
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut data = vec![0; length.min(FRAME_MAX)];
        stream.read_exact(&mut data)?;
        match head[0] {
            1 => io.out.write_all(&data)?,
            2 => io.err.write_all(&data)?,
            _ => {
                io.out.flush()?;
                return Ok(data.first().copied().map_or(FAILED, i32::from));
            }
        }
    }
}

fn connect(io: &mut Io<'_>, node: &str) -> Result<TcpStream, Stop> {
    let found = (node, PORT)
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.find(SocketAddr::is_ipv4));
    let Some(address) = found else {
        io.complain(&format!(
            "Could not resolve hostname {node}: Name or service not known"
        ));
        return Err(Stop::Status(FAILED));
    };
    TcpStream::connect(address).map_err(|error| {
        io.complain(&format!(
            "connect to host {node} port {PORT}: {}",
            reason(&error)
        ));
        Stop::Status(FAILED)
    })
}
