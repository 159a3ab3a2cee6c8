//! Published UDP ports for programs of the engine's machine and of the laptop around it, as
//! `docker-proxy` passes datagrams on: each client has a socket of its own towards the container,
//! so that answers find back. Never looks into a datagram.

use super::super::driver::Shell;
use clock::{Duration, Instant};
use runtime::UdpSocket;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::rc::{Rc, Weak};
use vnet::{NetError, Origin};
use world::Forward;

/// How long a client's socket waits for more, docker-proxy's `UDPConnTrackTimeout`.
const IDLE: Duration = Duration::from_secs(90);
/// Clients of one port at a time; a further one is not heard.
const CLIENTS: usize = 1_024;

type Clients = Rc<RefCell<BTreeMap<SocketAddrV4, Rc<Client>>>>;

struct Client {
    socket: UdpSocket,
    last: Cell<Instant>,
}

/// Passes datagrams on for as long as it is polled.
pub(super) async fn relay(shell: &Rc<Shell>, front: UdpSocket, forward: Forward) {
    let (front, clients) = (Rc::new(front), Clients::default());
    loop {
        let (from, data) = match front.recv_from().await {
            Ok(heard) => heard,
            // A client that has gone before its answer.
            Err(NetError::Refused) => continue,
            Err(_) => return,
        };
        let known = clients.borrow().get(&from).cloned();
        let client = known.or_else(|| admit(shell, &front, &clients, from, forward));
        if let Some(client) = client {
            client.last.set(shell.now());
            // What does not get through is lost, as datagrams are.
            let _ = client.socket.send_to(&data, forward.to);
        }
    }
}

/// Gives a client its socket and carries answers back.
fn admit(
    shell: &Rc<Shell>,
    front: &Rc<UdpSocket>,
    clients: &Clients,
    from: SocketAddrV4,
    forward: Forward,
) -> Option<Rc<Client>> {
    if clients.borrow().len() >= CLIENTS {
        return None;
    }
    let own = SocketAddrV4::new(forward.from, 0);
    let socket = shell.runtime().udp_bind(forward.host, own, Origin::Program);
    let client = Rc::new(Client {
        socket: socket.ok()?,
        last: Cell::new(shell.now()),
    });
    clients.borrow_mut().insert(from, client.clone());
    let (shell, clients, back) = (shell.clone(), clients.clone(), client.clone());
    let front = Rc::downgrade(front);
    shell.clone().runtime().spawn_native(async move {
        answer(&shell, &back, &front, from).await;
        clients.borrow_mut().remove(&from);
    });
    Some(client)
}

/// Carries answers back until nobody has spoken for a while or the port is closed.
async fn answer(shell: &Rc<Shell>, client: &Client, front: &Weak<UdpSocket>, from: SocketAddrV4) {
    loop {
        let until = client.last.get() + IDLE;
        if until <= shell.now() {
            return;
        }
        tokio::select! {
            biased;
            heard = client.socket.recv_from() => {
                let Some(front) = front.upgrade() else { return };
                match heard {
                    Ok((_, data)) => {
                        client.last.set(shell.now());
                        let _ = front.send_to(&data, from);
                    }
                    // The container refuses; docker-proxy keeps that to itself.
                    Err(NetError::Refused) => {}
                    Err(_) => return,
                }
            }
            () = shell.runtime().sleep_until(until) => {}
        }
    }
}
