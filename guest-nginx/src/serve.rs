//! The server's outside: sockets, clock, logs and signals, on wstd's reactor.
//! One task per connection, so that a silent client keeps nobody waiting. It decides nothing about HTTP.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::task::Poll;

use guest_nginx::apache;
use guest_nginx::conf::model::LogTarget;
use guest_nginx::connection::{Connection, Incoming};
use guest_nginx::nginx::pages;
use guest_nginx::reply::{Body, Client, Reply, Site};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wstd::runtime::{self, AsyncPollable};

use crate::{Face, emerg, now, say};
use bindings::lab::process::signals;

/// How many clients are served at a time; a further one is dropped, as nginx does.
const MAX_CONNECTIONS: usize = 1024;
/// How many connections wait to be accepted.
const BACKLOG: u64 = 511;
/// How much is read at a time.
const READ: u64 = 16 * 1024;
/// How long a closed connection is listened to, so that the last answer is not lost.
const LINGER_MS: u64 = 5_000;
const MAX_LINGER_READS: usize = 1024;

const SIGINT: u8 = 2;
const SIGQUIT: u8 = 3;
const SIGTERM: u8 = 15;
const SIGWINCH: u8 = 28;

mod bindings {
    //! Nothing but what is generated from `wit/`.
    #![allow(
        unsafe_code,
        unreachable_pub,
        unused_qualifications,
        missing_debug_implementations,
        clippy::all
    )]
    wit_bindgen::generate!({
        inline: "package lab:server; world server { import lab:process/signals@0.1.0; }",
        path: "../wit",
        world: "lab:server/server",
        with: { "lab:process/signals@0.1.0": generate, "wasi:io/poll@0.2.12": wasip2::io::poll },
    });
}

/// What the tasks of one server share.
struct Shared {
    site: Box<dyn Site>,
    connections: Cell<u64>,
    open: Cell<usize>,
    /// Connections in the middle of a request.
    busy: Cell<usize>,
    stopping: Cell<bool>,
}

/// Serves until a signal ends it.
pub(crate) fn run(site: Box<dyn Site>, face: Face) -> ExitCode {
    runtime::block_on(async {
        let shared = Rc::new(Shared {
            site,
            connections: Cell::new(0),
            open: Cell::new(0),
            busy: Cell::new(0),
            stopping: Cell::new(false),
        });
        match listeners(&shared, face).await {
            Some(sockets) => serve(&shared, sockets, face).await,
            None => guest_kit::exit(1),
        }
        ExitCode::SUCCESS
    })
}

async fn serve(shared: &Rc<Shared>, sockets: Vec<TcpSocket>, face: Face) {
    signals::handle(&[SIGINT, SIGQUIT, SIGTERM, SIGWINCH]);
    let queued = AsyncPollable::new(signals::subscribe());
    started(shared, face);
    let mut accepting: Vec<_> = sockets
        .into_iter()
        .map(|socket| runtime::spawn(accept(Rc::clone(shared), socket)))
        .collect();
    loop {
        queued.wait_for().await;
        while let Some(signal) = signals::next() {
            shared.notice(&stop_words(signal, face));
            let graceful = signal
                == if face == Face::Nginx {
                    SIGQUIT
                } else {
                    SIGWINCH
                };
            if signal == SIGWINCH && face == Face::Nginx {
                continue;
            }
            if !graceful {
                shared.exit();
            }
            // Dropping the tasks closes the listening sockets: new clients are refused from now on.
            accepting.clear();
            shared.stopping.set(true);
            shared.exit_when_quiet();
        }
    }
}

fn started(shared: &Shared, face: Face) {
    match face {
        Face::Nginx => {
            shared.notice(pages::PRODUCT);
            shared.notice("start worker processes");
        }
        Face::Httpd => {
            shared.notice(&format!(
                "AH00489: {} configured -- resuming normal operations",
                apache::PRODUCT
            ));
            shared.notice("AH00094: Command line: 'httpd -D FOREGROUND'");
        }
    }
}

fn stop_words(signal: u8, face: Face) -> String {
    match (face, signal) {
        (Face::Nginx, SIGQUIT) => "signal 3 (SIGQUIT) received, shutting down".to_owned(),
        (Face::Nginx, SIGINT) => "signal 2 (SIGINT) received, exiting".to_owned(),
        (Face::Nginx, SIGTERM) => "signal 15 (SIGTERM) received, exiting".to_owned(),
        (Face::Nginx, other) => format!("signal {other} received"),
        (Face::Httpd, SIGWINCH) => "AH00492: caught SIGWINCH, shutting down gracefully".to_owned(),
        (Face::Httpd, _) => "AH00491: caught SIGTERM, shutting down".to_owned(),
    }
}

impl Shared {
    fn notice(&self, text: &str) {
        if let Some(line) = self.site.notice(now(), text) {
            write_log(self.site.error_target(), &line);
        }
    }

    fn exit(&self) -> ! {
        guest_kit::exit(0)
    }

    fn exit_when_quiet(&self) {
        if self.stopping.get() && self.busy.get() == 0 {
            self.exit();
        }
    }
}

/// A log that cannot be written is no reason to stop serving.
fn write_log(target: &LogTarget, line: &[u8]) {
    let _ = match target {
        LogTarget::Stdout => io::stdout().write_all(line),
        LogTarget::Stderr => io::stderr().write_all(line),
        LogTarget::File(path) => std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(line)),
    };
}

async fn listeners(shared: &Shared, face: Face) -> Option<Vec<TcpSocket>> {
    let mut sockets = Vec::new();
    for address in shared.site.sockets() {
        let mut tries = if face == Face::Nginx { 5 } else { 1 };
        let socket = loop {
            match listen(address).await {
                Ok(socket) => break socket,
                Err(error) => {
                    tries -= 1;
                    cannot_bind(address, error, face, tries);
                    if tries == 0 {
                        return None;
                    }
                    sleep(500).await;
                }
            }
        };
        sockets.push(socket);
    }
    Some(sockets)
}

fn cannot_bind(address: SocketAddrV4, error: ErrorCode, face: Face, tries: u32) {
    let (number, words) = match error {
        ErrorCode::AddressInUse => (98, "Address already in use"),
        ErrorCode::AddressNotBindable => (99, "Cannot assign requested address"),
        ErrorCode::AccessDenied => (13, "Permission denied"),
        _ => (5, "Input/output error"),
    };
    match face {
        Face::Nginx => {
            emerg(&format!("bind() to {address} failed ({number}: {words})"));
            if tries == 0 {
                emerg("still could not bind()");
            }
        }
        Face::Httpd => say(&format!(
            "({number}){words}: AH00072: make_sock: could not bind to address {address}\n\
             no listening sockets available, shutting down\nAH00015: Unable to open logs\n"
        )),
    }
}

async fn listen(address: SocketAddrV4) -> Result<TcpSocket, ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let [a, b, c, d] = address.ip().octets();
    let local = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: address.port(),
        address: (a, b, c, d),
    });
    {
        let ready = AsyncPollable::new(socket.subscribe());
        socket.start_bind(&instance_network(), local)?;
        ready.wait_for().await;
        socket.finish_bind()?;
        // A host that does not let the backlog be chosen has one of its own.
        let _ = socket.set_listen_backlog_size(BACKLOG);
        socket.start_listen()?;
        ready.wait_for().await;
        socket.finish_listen()?;
    }
    Ok(socket)
}

async fn accept(shared: Rc<Shared>, socket: TcpSocket) {
    loop {
        match socket.accept() {
            Ok((client, input, output)) => admit(&shared, client, input, output),
            Err(ErrorCode::WouldBlock) => AsyncPollable::new(socket.subscribe()).wait_for().await,
            // A client that left before it was accepted, or a host short of sockets: the next may fare better.
            Err(_) => sleep(100).await,
        }
    }
}

fn admit(shared: &Rc<Shared>, socket: TcpSocket, input: InputStream, output: OutputStream) {
    if shared.open.get() >= MAX_CONNECTIONS {
        shared.notice(&format!(
            "{MAX_CONNECTIONS} worker_connections are not enough"
        ));
        // The streams are the socket's children and go first.
        drop((input, output));
        return drop(socket);
    }
    shared.open.set(shared.open.get() + 1);
    shared.connections.set(shared.connections.get() + 1);
    let address = |address: Result<IpSocketAddress, ErrorCode>| match address {
        Ok(IpSocketAddress::Ipv4(Ipv4SocketAddress {
            port,
            address: (a, b, c, d),
        })) => SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port),
        _ => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
    };
    let client = Client {
        id: shared.connections.get(),
        remote: address(socket.remote_address()),
        local: address(socket.local_address()),
        served: 0,
    };
    let mut talk = Talk {
        shared: Rc::clone(shared),
        client,
        connection: Connection::default(),
        busy: false,
        readable: None,
        writable: None,
        input,
        output,
        socket,
    };
    runtime::spawn(async move { talk.run().await }).detach();
}

async fn sleep(milliseconds: u64) {
    AsyncPollable::new(subscribe_duration(milliseconds.saturating_mul(1_000_000)))
        .wait_for()
        .await;
}

/// One connection. Fields that are children of others on the host stand before them.
struct Talk {
    shared: Rc<Shared>,
    client: Client,
    connection: Connection,
    busy: bool,
    readable: Option<AsyncPollable>,
    writable: Option<AsyncPollable>,
    input: InputStream,
    output: OutputStream,
    socket: TcpSocket,
}

/// The connection is of no more use.
struct Over;

/// What a client may still send after the last answer.
enum Rest {
    /// All it sent was read.
    Nothing,
    /// A body or a request that was not looked at.
    Something,
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.shared.open.set(self.shared.open.get() - 1);
        self.set_busy(false);
    }
}

impl Talk {
    /// Most connections end with everything read. Where something may still come, closing at once would
    /// reset the last answer away.
    async fn run(&mut self) {
        match self.answer_all().await {
            Ok(Rest::Nothing) => drop(self.output.flush()),
            Ok(Rest::Something) => self.linger().await,
            Err(Over) => {}
        }
    }

    /// Serves until an answer says that it was the last (`Ok`), or the client is gone.
    async fn answer_all(&mut self) -> Result<Rest, Over> {
        let mut patience = self.shared.site.first_request_ms();
        loop {
            while let Some(incoming) = self.connection.poll_request() {
                if matches!(incoming, Incoming::Garbage) {
                    return Ok(Rest::Something);
                }
                let reply = self.answer(&incoming).await?;
                if !reply.keep_alive || self.shared.stopping.get() {
                    let whole =
                        matches!(incoming, Incoming::Request(_)) && self.connection.is_idle();
                    return Ok(if whole {
                        Rest::Nothing
                    } else {
                        Rest::Something
                    });
                }
                patience = reply.idle_ms;
                self.client.served += 1;
            }
            self.set_busy(!self.connection.is_idle());
            let bytes = self.receive(patience).await.ok_or(Over)?;
            self.connection.handle_bytes(&bytes);
            self.set_busy(true);
        }
    }

    fn set_busy(&mut self, busy: bool) {
        if busy != self.busy {
            let count = self.shared.busy.get();
            self.shared
                .busy
                .set(if busy { count + 1 } else { count - 1 });
            self.busy = busy;
            self.shared.exit_when_quiet();
        }
    }

    async fn answer(&mut self, incoming: &Incoming) -> Result<Reply, Over> {
        let site = Rc::clone(&self.shared);
        let mut reply = site.site.answer(&self.client, now(), incoming);
        for note in &reply.notes {
            write_log(site.site.error_target(), note);
        }
        let (sent, outcome) = self.send(&mut reply).await;
        for (target, line) in site
            .site
            .access_lines(&self.client, now(), incoming, &reply, sent)
        {
            write_log(&target, &line);
        }
        outcome.map(|()| reply)
    }

    /// Sends head and body; how much of the body went, and whether all of it did.
    async fn send(&mut self, reply: &mut Reply) -> (u64, Result<(), Over>) {
        let mut first = std::mem::take(&mut reply.head);
        let head = first.len();
        let (file, mut left) = match std::mem::replace(&mut reply.body, Body::Empty) {
            Body::Empty => (None, 0),
            Body::Bytes(bytes) => {
                first.extend_from_slice(&bytes);
                (None, 0)
            }
            Body::File(file, left) => (Some(file), left),
        };
        if self.write(&first).await.is_err() {
            return (0, Err(Over));
        }
        let mut sent = (first.len() - head) as u64;
        let Some(mut file) = file else {
            return (sent, Ok(()));
        };
        let mut chunk = vec![0; 64 * 1024];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            // A file that shrinks under us cannot be completed; closing says so.
            let got = file.read(&mut chunk[..most]).unwrap_or(0);
            if got == 0 || self.write(&chunk[..got]).await.is_err() {
                return (sent, Err(Over));
            }
            sent += got as u64;
            left -= got as u64;
        }
        (sent, Ok(()))
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Over> {
        while !bytes.is_empty() {
            let permitted = self.output.check_write().map_err(|_| Over)?;
            if permitted == 0 {
                let output = &self.output;
                self.writable
                    .get_or_insert_with(|| AsyncPollable::new(output.subscribe()))
                    .wait_for()
                    .await;
                continue;
            }
            let (now, later) = bytes.split_at(
                usize::try_from(permitted)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len()),
            );
            self.output.write(now).map_err(|_| Over)?;
            bytes = later;
        }
        Ok(())
    }

    /// The next bytes; nothing when the client is gone or its time is over.
    async fn receive(&mut self, patience_ms: u64) -> Option<Vec<u8>> {
        let mut late = None;
        loop {
            match self.input.read(READ) {
                Ok(bytes) if !bytes.is_empty() => return Some(bytes),
                Ok(_) => {}
                Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => return None,
            }
            let input = &self.input;
            let readable = self
                .readable
                .get_or_insert_with(|| AsyncPollable::new(input.subscribe()));
            let nanos = patience_ms.saturating_mul(1_000_000);
            let late = late.get_or_insert_with(|| AsyncPollable::new(subscribe_duration(nanos)));
            if !first_of(readable, late).await {
                return None;
            }
        }
    }

    /// Closes our half and waits for the client's, so that unread bytes do not reset the last answer away.
    async fn linger(&mut self) {
        if self.output.flush().is_err() {
            return;
        }
        let output = &self.output;
        self.writable
            .get_or_insert_with(|| AsyncPollable::new(output.subscribe()))
            .wait_for()
            .await;
        self.set_busy(false);
        if self.socket.shutdown(ShutdownType::Send).is_ok() {
            for _ in 0..MAX_LINGER_READS {
                if self.receive(LINGER_MS).await.is_none() {
                    break;
                }
            }
        }
    }
}

/// Waits for either; whether it was the first.
async fn first_of(one: &AsyncPollable, other: &AsyncPollable) -> bool {
    let mut one = pin!(one.wait_for());
    let mut other = pin!(other.wait_for());
    poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() {
            Poll::Ready(true)
        } else if other.as_mut().poll(context).is_ready() {
            Poll::Ready(false)
        } else {
            Poll::Pending
        }
    })
    .await
}
