//! The native twin, over `std`, for tests on the author's machine.

use guest_kit::Waitable;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;

#[derive(Debug)]
pub(crate) struct Stream(TcpStream);

impl Stream {
    pub(crate) fn connect(to: SocketAddrV4) -> io::Result<Self> {
        TcpStream::connect(to).map(Self)
    }

    /// What has arrived, at least a byte unless the other side has finished.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    pub(crate) fn finish(&mut self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl guest_kit::Source for Stream {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::Fd(self.0.as_fd())
    }
}

#[derive(Debug)]
pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) fn bind(at: SocketAddrV4) -> io::Result<Self> {
        TcpListener::bind(at).map(Self)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0
            .local_addr()
            .map_or(0, |addr: SocketAddr| addr.port())
    }

    pub(crate) fn accept(&self) -> io::Result<Stream> {
        self.0.accept().map(|(stream, _)| Stream(stream))
    }
}

impl guest_kit::Source for Listener {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::Fd(self.0.as_fd())
    }
}
