//! The host's side of a live cluster: listeners and TLS, on a thread of their own.
//!
//! Never knows HTTP or Kubernetes and decides nothing: it turns what arrives into byte streams
//! and hands them to the world's thread, which wakes for them.

mod carry;
mod credentials;

pub(crate) use credentials::{Credentials, draw};

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Thread;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Bytes that may wait between a host connection and the world, each way.
const BUFFER: usize = 64 * 1024;
/// Connections from the host to the API at one time, and as many to NodePorts, so that a page that
/// is being looked at keeps nobody from the API; further ones wait in the listener's backlog.
const VISITORS: usize = 512;
/// How long nobody is let in after the host had no more files to give.
const BREATHER: Duration = Duration::from_millis(50);
/// How long a client may take over its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long sent bytes may stay without an acknowledgement, in milliseconds.
const UNACKNOWLEDGED: u32 = 60_000;

/// A connection from the host, already plain bytes.
#[derive(Debug)]
pub(crate) enum Visitor {
    /// To the API server, with our certificate or without; the name of the certificate.
    Api(DuplexStream, Option<String>),
    /// To a NodePort of the cluster.
    NodePort(u16, DuplexStream),
    /// Ctrl-C or a request to stop.
    Stop,
}

/// What the world's thread holds of the thread outside.
#[derive(Debug)]
pub(crate) struct Outside {
    visitors: Receiver<Visitor>,
    ports: mpsc::UnboundedSender<BTreeSet<u16>>,
    api: SocketAddr,
    clock: tokio::runtime::Handle,
}

impl Outside {
    /// Listens for the API on `at` (port 0: a free one) and wakes `world` for each visitor.
    ///
    /// # Errors
    /// When the port is taken or no thread can be started.
    pub(crate) fn open(at: SocketAddr, credentials: &Credentials, world: Thread) -> Result<Self> {
        let tls = TlsAcceptor::from(Arc::new(credentials.server_config()?));
        let listener =
            std::net::TcpListener::bind(at).with_context(|| format!("cannot listen on {at}"))?;
        listener.set_nonblocking(true)?;
        let api = listener.local_addr()?;
        let (visit, visitors) = sync_channel(2 * VISITORS);
        let (ports, wanted) = mpsc::unbounded_channel();
        let door = Door {
            visit,
            world,
            places: Arc::new(Semaphore::new(VISITORS)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let clock = runtime.handle().clone();
        std::thread::Builder::new()
            .name("outside".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let listener = TcpListener::from_std(listener)
                        .expect("a listening socket in non-blocking mode");
                    tokio::spawn(serve_api(listener, tls, door.beside()));
                    tokio::spawn(stop_on_signal(door.clone()));
                    serve_ports(wanted, door).await;
                });
            })?;
        Ok(Self {
            visitors,
            ports,
            api,
            clock,
        })
    }

    /// Where the API server listens.
    pub(crate) fn api(&self) -> SocketAddr {
        self.api
    }

    /// The clock of this thread, which is the host's.
    pub(crate) fn clock(&self) -> tokio::runtime::Handle {
        self.clock.clone()
    }

    /// The next visitor, if one waits.
    pub(crate) fn poll_visitor(&self) -> Option<Visitor> {
        self.visitors.try_recv().ok()
    }

    /// From now on exactly these NodePorts are open on 127.0.0.1.
    pub(crate) fn open_ports(&self, ports: BTreeSet<u16>) {
        // The other thread ends only with the process, so a failed send has no one to tell.
        let _ = self.ports.send(ports);
    }
}

/// The way to the world's thread.
#[derive(Clone, Debug)]
struct Door {
    visit: SyncSender<Visitor>,
    world: Thread,
    places: Arc<Semaphore>,
}

impl Door {
    /// Another door to the same world, with places of its own.
    fn beside(&self) -> Self {
        Self {
            places: Arc::new(Semaphore::new(VISITORS)),
            ..self.clone()
        }
    }

    /// Carries bytes between `host` and the world until either side is done.
    async fn usher<S>(&self, host: S, visitor: impl FnOnce(DuplexStream) -> Visitor)
    where
        S: AsyncRead + AsyncWrite,
    {
        let (near, far) = duplex(BUFFER);
        if self.visit.try_send(visitor(far)).is_ok() {
            self.world.unpark();
            // A connection that breaks is the visitor's affair; the world sees its stream end.
            carry::carry(host, near).await;
        }
    }
}

/// Small pieces go at once, and a peer that has vanished without a word is noticed: keep-alive as
/// Go's servers have it, and no more than a minute for what was sent and not acknowledged.
fn tune(stream: &TcpStream) {
    use rustix::net::sockopt;
    let every = Duration::from_secs(15);
    // A socket that cannot be tuned still works.
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, every);
    let _ = sockopt::set_tcp_keepintvl(stream, every);
    let _ = sockopt::set_tcp_user_timeout(stream, UNACKNOWLEDGED);
}

async fn serve_api(listener: TcpListener, tls: TlsAcceptor, door: Door) {
    loop {
        let Ok(place) = door.places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATHER).await;
            continue;
        };
        let (tls, door) = (tls.clone(), door.clone());
        tokio::spawn(async move {
            let _place = place;
            tune(&stream);
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                // TLS has checked the certificate, if there is one.
                let shown = stream.get_ref().1.peer_certificates();
                let shown = shown.and_then(|chain| chain.first());
                let shown = shown.map(|certificate| crate::authority::id(certificate));
                door.usher(stream, |far| Visitor::Api(far, shown)).await;
            }
        });
    }
}

/// Keeps one listener for each wanted NodePort.
async fn serve_ports(mut wanted: mpsc::UnboundedReceiver<BTreeSet<u16>>, door: Door) {
    let mut open: BTreeMap<u16, JoinHandle<()>> = BTreeMap::new();
    while let Some(ports) = wanted.recv().await {
        open.retain(|port, task| {
            let keep = ports.contains(port);
            if !keep {
                task.abort();
            }
            keep
        });
        for port in ports {
            if open.contains_key(&port) {
                continue;
            }
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => {
                    open.insert(port, tokio::spawn(serve_port(port, listener, door.clone())));
                }
                Err(cause) => {
                    anstream::eprintln!(
                        "warning: NodePort {port} is not open on 127.0.0.1: {cause}"
                    );
                }
            }
        }
    }
}

async fn serve_port(port: u16, listener: TcpListener, door: Door) {
    loop {
        let Ok(place) = door.places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATHER).await;
            continue;
        };
        let door = door.clone();
        tokio::spawn(async move {
            let _place = place;
            tune(&stream);
            door.usher(stream, |far| Visitor::NodePort(port, far)).await;
        });
    }
}

async fn stop_on_signal(door: Door) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let _ = door.visit.try_send(Visitor::Stop);
    door.world.unpark();
}
