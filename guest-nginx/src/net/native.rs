//! Sockets, clocks and signals of the author's machine, so that the server can be tried natively.
//! The twin of `wasi.rs`: the same names, and nothing of HTTP.

use std::io::{ErrorKind, Read, Write};
use std::net::{
    Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, ToSocketAddrs,
};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use crate::http::date::Now;

/// The number and the words of a system error.
pub type Errno = (u32, &'static str);

/// Something `wait` can wait for.
#[derive(Debug)]
pub struct Source {
    fd: OwnedFd,
    write: bool,
}

/// Waits until one of these is ready or the time is over; the indices of the ready ones.
pub fn wait(sources: &[Rc<Source>], timeout_ns: Option<u64>) -> Vec<usize> {
    let mut fds: Vec<PollFd<'_>> = sources
        .iter()
        .map(|source| {
            let flags = if source.write {
                PollFlags::OUT
            } else {
                PollFlags::IN
            };
            PollFd::from_borrowed_fd(source.fd.as_fd(), flags)
        })
        .collect();
    let limit = timeout_ns.map(|ns| Timespec {
        tv_sec: i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::from(u32::try_from(ns % 1_000_000_000).unwrap_or(0)),
    });
    // A signal interrupts the wait; its pipe is then ready in the next one.
    let _ = poll(&mut fds, limit.as_ref());
    let ready = fds.iter().enumerate();
    ready
        .filter(|(_, fd)| !fd.revents().is_empty())
        .map(|(at, _)| at)
        .collect()
}

/// Nanoseconds since the program's start.
pub fn monotonic_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The wall clock.
pub fn wall() -> Now {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        seconds: since.as_secs(),
        nanos: since.subsec_nanos(),
    }
}

fn errno(error: &std::io::Error) -> Errno {
    match error.raw_os_error() {
        Some(13) => (13, "Permission denied"),
        Some(98) => (98, "Address already in use"),
        Some(99) => (99, "Cannot assign requested address"),
        Some(101) => (101, "Network is unreachable"),
        Some(104) => (104, "Connection reset by peer"),
        Some(110) => (110, "Connection timed out"),
        Some(111) => (111, "Connection refused"),
        Some(113) => (113, "No route to host"),
        _ => (5, "Input/output error"),
    }
}

fn source(fd: impl AsFd, write: bool) -> Rc<Source> {
    let fd = fd
        .as_fd()
        .try_clone_to_owned()
        .expect("a descriptor of this process can be doubled");
    Rc::new(Source { fd, write })
}

fn v4(address: std::io::Result<SocketAddr>) -> SocketAddrV4 {
    match address {
        Ok(SocketAddr::V4(address)) => address,
        _ => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
    }
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    source: Rc<Source>,
}

impl Listener {
    /// Listens on an address.
    pub async fn bind(address: SocketAddrV4) -> Result<Self, Errno> {
        let socket = TcpListener::bind(address).map_err(|error| errno(&error))?;
        socket
            .set_nonblocking(true)
            .map_err(|error| errno(&error))?;
        let source = source(&socket, false);
        Ok(Self { socket, source })
    }

    /// The next client, if one waits.
    pub fn accept(&self) -> Result<Option<Socket>, Errno> {
        match self.socket.accept() {
            Ok((stream, _)) => Ok(Some(Socket::new(stream))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(errno(&error)),
        }
    }

    /// Ready when a client waits.
    pub fn source(&self) -> Rc<Source> {
        Rc::clone(&self.source)
    }

    /// Its own address, the port chosen if none was asked for.
    pub fn local(&self) -> SocketAddrV4 {
        v4(self.socket.local_addr())
    }
}

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    readable: Option<Rc<Source>>,
    writable: Option<Rc<Source>>,
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        // Neither can fail on a socket that was just made.
        let _ = stream.set_nonblocking(true);
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            readable: None,
            writable: None,
        }
    }

    /// Connects; fails after the deadline of the loop's clock.
    pub async fn connect(address: SocketAddrV4, until_ns: u64) -> Result<Self, Errno> {
        let fail = |error: rustix::io::Errno| errno(&error.into());
        let fd = socket_with(
            AddressFamily::INET,
            SocketType::STREAM,
            SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
            None,
        )
        .map_err(fail)?;
        match connect(&fd, &SocketAddr::V4(address)) {
            Ok(()) => {}
            Err(rustix::io::Errno::INPROGRESS) => {
                if !super::wait_for(source(&fd, true), Some(until_ns)).await {
                    return Err((110, "Connection timed out"));
                }
                sockopt::socket_error(&fd).map_err(fail)?.map_err(fail)?;
            }
            Err(error) => return Err(fail(error)),
        }
        Ok(Self::new(TcpStream::from(fd)))
    }

    /// Appends what has come, up to `most` bytes: how many, `Some(0)` at the end, nothing when none waits.
    pub fn read(&mut self, into: &mut Vec<u8>, most: usize) -> Result<Option<usize>, Errno> {
        let start = into.len();
        into.resize(start + most, 0);
        let outcome = self.stream.read(&mut into[start..]);
        into.truncate(start + outcome.as_ref().copied().unwrap_or(0));
        match outcome {
            Ok(count) => Ok(Some(count)),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(None)
            }
            Err(error) => Err(errno(&error)),
        }
    }

    /// Writes what there is room for.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match self.stream.write(bytes) {
            Ok(count) => Ok(count),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(0)
            }
            Err(error) => Err(errno(&error)),
        }
    }

    /// Whether all that was written has left this program.
    pub fn flushed(&mut self) -> bool {
        true
    }

    /// Ready when there is something to read.
    pub fn readable(&mut self) -> Rc<Source> {
        let stream = &self.stream;
        Rc::clone(self.readable.get_or_insert_with(|| source(stream, false)))
    }

    /// Ready when there is room to write.
    pub fn writable(&mut self) -> Rc<Source> {
        let stream = &self.stream;
        Rc::clone(self.writable.get_or_insert_with(|| source(stream, true)))
    }

    /// Says that no more will be written.
    pub fn finish(&mut self) {
        // The other side may be gone already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddrV4 {
        v4(self.stream.local_addr())
    }

    /// The other side's address.
    pub fn remote(&self) -> SocketAddrV4 {
        v4(self.stream.peer_addr())
    }
}

/// The addresses of a name.
pub fn resolve_now(name: &str) -> Vec<Ipv4Addr> {
    let found = (name, 0_u16).to_socket_addrs().into_iter().flatten();
    found
        .filter_map(|address| match address {
            SocketAddr::V4(address) => Some(*address.ip()),
            SocketAddr::V6(_) => None,
        })
        .collect()
}

/// The same without keeping others waiting; natively it does.
pub async fn resolve(name: &str) -> Vec<Ipv4Addr> {
    resolve_now(name)
}

struct Signals {
    raised: Vec<(u8, Arc<AtomicBool>)>,
    pipe: UnixStream,
}

static SIGNALS: Mutex<Option<Signals>> = Mutex::new(None);

/// From now on these signals are kept for `next_signal`.
pub fn handle_signals(signals: &[u8]) {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    ours.set_nonblocking(true)
        .expect("a socket of this process");
    let raised = signals.iter().map(|signal| {
        let flag = Arc::new(AtomicBool::new(false));
        let end = theirs.try_clone().expect("a descriptor can be doubled");
        let number = i32::from(*signal);
        signal_hook::flag::register(number, Arc::clone(&flag)).expect("a signal one may handle");
        signal_hook::low_level::pipe::register(number, end).expect("a signal one may handle");
        (*signal, flag)
    });
    let raised = raised.collect();
    *SIGNALS.lock().expect("nobody panics with it") = Some(Signals { raised, pipe: ours });
}

/// A signal that was sent.
pub fn next_signal() -> Option<u8> {
    let mut signals = SIGNALS.lock().expect("nobody panics with it");
    let signals = signals.as_mut()?;
    // What stands in the pipe says only that there is something.
    let _ = signals.pipe.read(&mut [0; 64]);
    let mut raised = signals.raised.iter();
    raised
        .find(|(_, flag)| flag.swap(false, Ordering::Relaxed))
        .map(|(signal, _)| *signal)
}

/// Ready when a signal was sent.
pub fn signal_source() -> Rc<Source> {
    let signals = SIGNALS.lock().expect("nobody panics with it");
    let signals = signals.as_ref().expect("signals are handled first");
    source(&signals.pipe, false)
}
