//! Many watches and many objects. Never measures time: that is the benchmark's.

use super::{assert_answers, connect, place, until};
use crate::shell::Shell;
use cluster::{Body, Method, Request};
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const WATCHES: usize = 200;
const OBJECTS: usize = 5_000;

fn ask(shell: &Shell, method: Method, path: &str, body: String) -> (u16, Vec<u8>) {
    let type_ = match method {
        Method::Patch => "application/merge-patch+json",
        _ => "application/json",
    };
    let response = shell.api(Request::new(method, path, type_, body.into_bytes()));
    match response.body {
        Body::Bytes(bytes) => (response.status, bytes),
        _ => panic!("a plain answer was wanted"),
    }
}

fn create(shell: &Shell, name: &str) {
    let body = format!(r#"{{"metadata":{{"name":"{name}"}},"data":{{"a":"0"}}}}"#);
    assert_eq!(ask(shell, Method::Post, CONFIG_MAPS, body).0, 201);
}

/// A watch from now on, once its head has been answered.
fn watch(shell: &Rc<Shell>) -> DuplexStream {
    let revision = shell.look(|world| world.cluster().revision());
    let head = format!(
        "GET {CONFIG_MAPS}?watch=1&resourceVersion={revision} HTTP/1.1\r\nHost: lab\r\n\r\n"
    );
    let mut stream = connect(shell);
    until(shell, async move {
        stream.write_all(head.as_bytes()).await.expect("it listens");
        let mut status = [0; 15];
        stream.read_exact(&mut status).await.expect("it answers");
        assert_eq!(&status, b"HTTP/1.1 200 OK");
        stream
    })
    .expect("the head of an answer")
}

/// Reads until an object of this name has been told of.
async fn reads(stream: &mut DuplexStream, name: &str) {
    let wanted = format!("\"name\":\"{name}\"");
    let mut seen = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut piece).await.expect("it goes on");
        assert_ne!(count, 0, "the watch ended");
        seen.extend_from_slice(&piece[..count]);
        if String::from_utf8_lossy(&seen).contains(&wanted) {
            return;
        }
        let old = seen.len().saturating_sub(wanted.len());
        seen.drain(..old);
    }
}

#[test]
fn two_hundred_watches_over_five_thousand_objects_are_all_told() {
    let shell = place();
    for number in 0..OBJECTS {
        create(&shell, &format!("c{number}"));
    }
    let mut watches: Vec<DuplexStream> = (0..WATCHES).map(|_| watch(&shell)).collect();
    create(&shell, "news");
    for stream in &mut watches {
        let (mut near, _) = tokio::io::duplex(1);
        std::mem::swap(&mut near, stream);
        let back = until(&shell, async move {
            reads(&mut near, "news").await;
            near
        });
        *stream = back.expect("every watch is told");
    }
    let path = format!("{CONFIG_MAPS}?limit=500");
    let (status, list) = ask(&shell, Method::Get, &path, String::new());
    let list: serde_json::Value = serde_json::from_slice(&list).expect("JSON");
    assert_eq!(status, 200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(500));
    // One more, which nobody asked for: 5,000, the news, and kube-root-ca.crt.
    assert_eq!(list["metadata"]["remainingItemCount"], OBJECTS + 2 - 500);
}

#[test]
fn a_watch_that_nobody_reads_holds_up_neither_the_world_nor_other_watches() {
    let shell = place();
    create(&shell, "c");
    let lazy = watch(&shell);
    let mut keen = watch(&shell);
    // Some 40 MB of events, far more than lies between a client and the server.
    let path = format!("{CONFIG_MAPS}/c");
    let filler = "x".repeat(20_000);
    for number in 0..2_000 {
        let body = format!(r#"{{"data":{{"a":"{number} {filler}"}}}}"#);
        assert_eq!(ask(&shell, Method::Patch, &path, body).0, 200);
        shell.turn();
    }
    create(&shell, "last");
    assert_answers(&shell);
    drop(lazy);
    assert_answers(&shell);
    let told = until(&shell, async move {
        let mut piece = vec![0; 64 * 1024];
        // It was slow too, so what it hears may end with "too old", but it hears something.
        keen.read(&mut piece).await.unwrap_or(0)
    });
    assert!(told.is_some_and(|count| count > 0));
}

#[test]
fn clients_that_vanish_leave_nothing_behind() {
    let shell = place();
    create(&shell, "c");
    for _ in 0..500 {
        drop(watch(&shell));
    }
    while shell.turn() {}
    assert_eq!(shell.look(|world| world.cluster().watches()), 0);
    assert_answers(&shell);
}
