//! Asking one name server for the addresses of a name, over TCP. It asks once and remembers nothing.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::now_ns;
use super::system::Socket;
use super::wire::{Got, Wire};

/// How long an answer may take, in milliseconds.
const PATIENCE_MS: u64 = 30_000;

/// Why there is no address, with nginx's number and words.
pub type Failure = (u16, &'static str);

/// The addresses of IPv4 that `server` knows for `name`.
pub async fn resolve(server: SocketAddrV4, name: &str) -> Result<Vec<Ipv4Addr>, Failure> {
    const TIMED_OUT: Failure = (110, "Operation timed out");
    let query = query(name).ok_or((1, "Format error"))?;
    let until = now_ns() + PATIENCE_MS * 1_000_000;
    let socket = Socket::connect(server, until)
        .await
        .map_err(|_| TIMED_OUT)?;
    let mut wire = Wire::Plain(socket);
    wire.write(&query, PATIENCE_MS)
        .await
        .map_err(|_| TIMED_OUT)?;
    let mut answer = Vec::new();
    loop {
        if let Some((length, rest)) = answer.split_first_chunk::<2>()
            && rest.len() >= usize::from(u16::from_be_bytes(*length))
        {
            return addresses(rest);
        }
        match wire.read(&mut answer, PATIENCE_MS).await {
            Got::Bytes(_) => {}
            _ => return Err(TIMED_OUT),
        }
    }
}

/// A question for an A record, its length before it.
fn query(name: &str) -> Option<Vec<u8>> {
    let mut message = vec![0x1a, 0xb5, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..64).contains(length))?;
        message.push(length);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    let length = u16::try_from(message.len()).ok()?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.append(&mut message);
    Some(framed)
}

/// The A records of an answer.
fn addresses(message: &[u8]) -> Result<Vec<Ipv4Addr>, Failure> {
    const BROKEN: Failure = (2, "Server failure");
    match message.get(3).ok_or(BROKEN)? & 15 {
        0 => {}
        3 => return Err((3, "Host not found")),
        5 => return Err((5, "Operation refused")),
        _ => return Err(BROKEN),
    }
    let count = |at: usize| {
        message
            .get(at..at + 2)
            .map(|two| u16::from_be_bytes([two[0], two[1]]))
    };
    let (questions, answers) = (count(4).ok_or(BROKEN)?, count(6).ok_or(BROKEN)?);
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(message, at).ok_or(BROKEN)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        at = after_name(message, at).ok_or(BROKEN)?;
        let (kind, length) = (count(at).ok_or(BROKEN)?, count(at + 8).ok_or(BROKEN)?);
        let data = message
            .get(at + 10..at + 10 + usize::from(length))
            .ok_or(BROKEN)?;
        if let (1, [a, b, c, d]) = (kind, data) {
            found.push(Ipv4Addr::new(*a, *b, *c, *d));
        }
        at += 10 + usize::from(length);
    }
    if found.is_empty() {
        return Err((3, "Host not found"));
    }
    Ok(found)
}

/// Where a name ends.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gives_its_addresses_past_compressed_names() {
        let mut message = query("a.b").expect("a name")[2..].to_vec();
        message[7] = 2;
        message.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 2, 0xc0, 12]);
        message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, 1]);
        assert_eq!(addresses(&message), Ok(vec![Ipv4Addr::new(10, 0, 0, 1)]));
        message[3] = 3;
        assert_eq!(addresses(&message), Err((3, "Host not found")));
        assert!(addresses(&message[..3]).is_err());
    }
}
