//! A cluster in virtual time with clients that have bytes and nothing else: what bad ones send
//! ends their own connection, and many hold nobody up. Never opens a socket.

mod crowd;
mod hostile;

use super::caller::Shown;
use super::{Caller, serve};
use crate::cli::Cluster;
use crate::cmd::up::spec;
use crate::shell::{Plane, Shell, come_to_rest};
use clock::{Duration, Instant};
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Bytes that wait between a client and the server, as between the host and the world.
const BUFFER: usize = 64 * 1024;
/// Virtual time that anything here may take.
const LIMIT: Duration = Duration::from_secs(600);

/// One node, at rest.
fn place() -> Rc<Shell> {
    let plain = Cluster {
        platform: "plain".to_owned(),
        nodes: Some(1),
        seed: 42,
    };
    let spec = spec(&plain, false).expect("a platform that there is");
    let shell = Shell::new(spec, &[]).expect("the built-in programs load");
    assert!(come_to_rest(&shell, LIMIT), "it comes to rest");
    shell
}

/// A connection to the API server.
fn connect(shell: &Rc<Shell>) -> DuplexStream {
    let (near, far) = duplex(BUFFER);
    let caller = Caller::Inside(Shown::Administrator("test".to_owned()));
    let served = serve(TokioIo::new(far), Plane::main(shell.clone()), caller);
    shell.runtime().spawn_native(served);
    near
}

/// Lets the world run until the client is done; nothing when that takes longer than the limit.
fn until<T: 'static>(shell: &Rc<Shell>, client: impl Future<Output = T> + 'static) -> Option<T> {
    let done = Rc::new(Cell::new(None));
    let told = done.clone();
    shell
        .runtime()
        .spawn_native(async move { told.set(Some(client.await)) });
    let deadline: Instant = shell.now() + LIMIT;
    loop {
        let busy = shell.turn();
        if let Some(value) = done.take() {
            return Some(value);
        }
        if busy {
            continue;
        }
        let next = shell.poll_at().filter(|at| *at <= deadline)?;
        shell.jump(next);
    }
}

/// Sends bytes on a connection of its own and reads to the end, which the server has to make.
fn say(shell: &Rc<Shell>, bytes: &[u8]) -> Option<String> {
    talk(shell, bytes, false)
}

/// The same, but the client ends first: whatever was begun is given up.
fn say_and_leave(shell: &Rc<Shell>, bytes: &[u8]) -> Option<String> {
    talk(shell, bytes, true)
}

fn talk(shell: &Rc<Shell>, bytes: &[u8], leaves: bool) -> Option<String> {
    let (mut stream, bytes) = (connect(shell), bytes.to_vec());
    until(shell, async move {
        // A server that has heard enough reads no more, and may still have said why.
        let _ = stream.write_all(&bytes).await;
        if leaves {
            let _ = stream.shutdown().await;
        }
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).into_owned()
    })
}

/// Whether somebody who behaves is answered.
#[track_caller]
fn assert_answers(shell: &Rc<Shell>) {
    let said = say(shell, &get("/api/v1/nodes?limit=1")).expect("an answer");
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").into_bytes()
}

#[test]
fn a_world_that_has_ended_is_freed() {
    let shell = place();
    let watched = Rc::downgrade(&shell);
    shell.end();
    drop(shell);
    assert!(watched.upgrade().is_none(), "somebody holds it still");
}
