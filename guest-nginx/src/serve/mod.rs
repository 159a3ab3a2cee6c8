//! The server's outside: listening, accepting, signals, reloading. One task per connection, so that a silent
//! client keeps nobody waiting. What is said on a connection is `talk`'s, where logs go is `logs`'.

mod logs;
mod out;
mod peers;
mod proxy;
mod talk;
pub mod tls;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::rc::Rc;

use crate::apache::Apache;
use crate::conf::model::{Config, Level};
use crate::net::system::{self, Errno, Listener};
use crate::net::wire::{Memory, Wire};
use crate::net::{self, TaskId};
use crate::nginx::House;
use logs::Logs;
use peers::Idle;
use tls::Certificates;

/// Signals by their numbers on Linux.
pub mod signal {
    #![allow(missing_docs, reason = "they have the names of Linux")]
    pub const HUP: u8 = 1;
    pub const INT: u8 = 2;
    pub const QUIT: u8 = 3;
    pub const USR1: u8 = 10;
    pub const TERM: u8 = 15;
    pub const WINCH: u8 = 28;
}

/// Which program this is, with what it serves.
#[derive(Clone, Debug)]
pub enum Face {
    /// nginx with a configuration and its certificates.
    Nginx(Rc<Config>, Rc<Certificates>),
    /// httpd.
    Httpd(Rc<Apache>),
}

/// What the tasks of one server share.
#[derive(Debug)]
pub struct Server {
    face: RefCell<Face>,
    house: House,
    logs: Logs,
    /// Idle connections to upstreams.
    idle: Idle,
    listening: RefCell<BTreeMap<SocketAddrV4, TaskId>>,
    stopping: Cell<bool>,
    busy: Cell<u64>,
}

/// Reads the configuration again; nothing when it has mistakes, which were told.
pub type Reload = Box<dyn Fn() -> Option<Face>>;

impl Server {
    /// A server that listens on nothing yet.
    pub fn new(face: Face, house: House) -> Rc<Self> {
        Rc::new(Self {
            face: RefCell::new(face),
            house,
            logs: Logs::default(),
            idle: Idle::default(),
            listening: RefCell::default(),
            stopping: Cell::new(false),
            busy: Cell::new(0),
        })
    }

    fn face(&self) -> Face {
        self.face.borrow().clone()
    }

    /// A line of the error log about the server itself.
    fn notice(&self, level: Level, text: &str) {
        match self.face() {
            Face::Nginx(config, _) => {
                let line = crate::nginx::log::notice(system::wall(), level, self.house.pid, text);
                for log in config.error_log.iter().filter(|log| level <= log.level) {
                    self.logs.write(&log.target, line.as_bytes());
                }
            }
            Face::Httpd(apache) => {
                let line = apache.notice(system::wall(), self.house.pid, text);
                self.logs.write(apache.error_target(), &line);
            }
        }
    }

    fn sockets(&self) -> Vec<SocketAddrV4> {
        match self.face() {
            Face::Nginx(config, _) => config.sockets(),
            Face::Httpd(apache) => apache.sockets(),
        }
    }

    fn room(&self) -> u64 {
        match self.face() {
            Face::Nginx(config, _) => config.worker_connections as u64,
            Face::Httpd(apache) => apache.config().clients,
        }
    }

    /// Listens on what is not listened on yet; the address that cannot be had, and why.
    pub async fn listen(self: &Rc<Self>) -> Result<(), (SocketAddrV4, Errno)> {
        let mut fresh = Vec::new();
        for address in self.sockets() {
            if !self.listening.borrow().contains_key(&address) {
                let listener = Listener::bind(address).await;
                fresh.push((address, listener.map_err(|error| (address, error))?));
            }
        }
        for (address, listener) in fresh {
            let task = net::spawn(accept(Rc::clone(self), listener));
            self.listening.borrow_mut().insert(address, task);
        }
        Ok(())
    }

    /// Stops listening where nobody asks for it any more.
    fn unlisten(&self, wanted: &[SocketAddrV4]) {
        let mut listening = self.listening.borrow_mut();
        let gone: Vec<SocketAddrV4> = listening
            .keys()
            .filter(|address| !wanted.contains(address))
            .copied()
            .collect();
        for address in gone {
            if let Some(task) = listening.remove(&address) {
                net::cancel(task);
            }
        }
    }

    /// Serves until a signal ends it; the list of signals must be handled already.
    pub async fn run(self: Rc<Self>, reload: Reload) {
        let queued = system::signal_source();
        loop {
            net::wait_for(Rc::clone(&queued), None).await;
            while let Some(signal) = system::next_signal() {
                if self.signal(signal, &reload).await {
                    return;
                }
            }
        }
    }

    /// Follows a signal; whether it ends the server at once.
    async fn signal(self: &Rc<Self>, signal: u8, reload: &Reload) -> bool {
        let httpd = matches!(self.face(), Face::Httpd(_));
        self.notice(Level::Notice, &words_about(signal, httpd));
        match signal {
            signal::HUP => {
                self.reload(reload).await;
                false
            }
            signal::USR1 => {
                self.logs.reopen();
                if httpd {
                    self.reload(reload).await;
                }
                false
            }
            signal::WINCH if !httpd => false,
            signal::QUIT | signal::WINCH => {
                self.unlisten(&[]);
                self.stopping.set(true);
                self.quiet()
            }
            _ => true,
        }
    }

    async fn reload(self: &Rc<Self>, reload: &Reload) {
        let Some(face) = reload() else {
            return;
        };
        let before = self.face.replace(face);
        match self.listen().await {
            Ok(()) => {
                self.unlisten(&self.sockets());
                self.logs.reopen();
            }
            Err((address, (number, words))) => {
                // As nginx: with the old configuration, as if nothing had been asked.
                self.face.replace(before);
                let text = format!("bind() to {address} failed ({number}: {words})");
                self.notice(Level::Emerg, &text);
            }
        }
    }

    /// Whether it has stopped and nobody is being answered.
    fn quiet(&self) -> bool {
        self.stopping.get() && self.busy.get() == 0
    }

    /// Ends the program when it is stopping and nobody is being answered any more.
    fn end_when_quiet(&self) {
        if self.quiet() {
            guest_kit::exit(0);
        }
    }

    /// Says what it says when it starts.
    pub fn started(&self) {
        match self.face() {
            Face::Nginx(..) => {
                self.notice(Level::Notice, crate::nginx::pages::product());
                self.notice(Level::Notice, "start worker processes");
            }
            Face::Httpd(_) => {
                let text = format!(
                    "AH00489: {} configured -- resuming normal operations",
                    crate::apache::PRODUCT
                );
                self.notice(Level::Notice, &text);
                self.notice(
                    Level::Notice,
                    "AH00094: Command line: 'httpd -D FOREGROUND'",
                );
            }
        }
    }

    /// One conversation in memory: what is sent, in pieces, and what came back. For tests.
    pub async fn talk_in_memory(self: &Rc<Self>, local: SocketAddrV4, sent: &[&[u8]]) -> Vec<u8> {
        let memory = Memory {
            incoming: sent.iter().map(|piece| piece.to_vec()).collect(),
            ..Memory::default()
        };
        let outgoing = Rc::clone(&memory.outgoing);
        let remote = SocketAddrV4::new([127, 0, 0, 1].into(), 4000);
        talk::serve(Rc::clone(self), Wire::Memory(memory), local, remote).await;
        outgoing.take()
    }
}

fn words_about(signal: u8, httpd: bool) -> String {
    match (httpd, signal) {
        (false, signal::HUP) => "signal 1 (SIGHUP) received, reconfiguring".to_owned(),
        (false, signal::QUIT) => "signal 3 (SIGQUIT) received, shutting down".to_owned(),
        (false, signal::INT) => "signal 2 (SIGINT) received, exiting".to_owned(),
        (false, signal::TERM) => "signal 15 (SIGTERM) received, exiting".to_owned(),
        (false, signal::USR1) => "signal 10 (SIGUSR1) received, reopening logs".to_owned(),
        (false, other) => format!("signal {other} received"),
        (true, signal::HUP) => "AH00494: SIGHUP received.  Attempting to restart".to_owned(),
        (true, signal::USR1) => "AH00493: SIGUSR1 received.  Doing graceful restart".to_owned(),
        (true, signal::WINCH) => "AH00492: caught SIGWINCH, shutting down gracefully".to_owned(),
        (true, _) => "AH00491: caught SIGTERM, shutting down".to_owned(),
    }
}

async fn accept(server: Rc<Server>, listener: Listener) {
    loop {
        match listener.accept() {
            Ok(Some(socket)) => {
                let (local, remote) = (socket.local(), socket.remote());
                if server.house.active.get() >= server.room() {
                    let text = format!("{} worker_connections are not enough", server.room());
                    server.notice(Level::Alert, &text);
                    continue;
                }
                net::spawn(talk::serve(
                    Rc::clone(&server),
                    Wire::Plain(socket),
                    local,
                    remote,
                ));
            }
            Ok(None) => {
                net::wait_for(listener.source(), None).await;
            }
            // A client that left before it was accepted, or a host short of sockets: the next may fare better.
            Err(_) => {
                net::sleep(100).await;
            }
        }
    }
}
