//! Connecting within a time. Never resolves a name.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Opens a TCP connection within `limit`.
///
/// Where sockets are WASI's, `TcpStream::connect_timeout` takes a refused connection for an open
/// one: it looks at what `poll` says, and there a failure shows as "may be written" alone. The
/// socket itself knows better.
///
/// # Errors
/// Those of `TcpStream::connect`, and `TimedOut` after `limit`.
pub fn connect(to: &SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(to, limit)?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_where_nobody_listens_is_refused() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let refused = connect(&address, Duration::from_secs(5)).expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
