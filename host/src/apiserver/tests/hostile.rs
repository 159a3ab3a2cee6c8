//! Clients that mean no good. Never a panic, and never anybody else's connection.

use super::{assert_answers, connect, get, place, say, say_and_leave, until};
use crate::shell::Shell;
use cluster::{Method, Request};
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// The beginning of an answer: its first line.
fn first_line(said: Option<String>) -> String {
    let said = said.expect("the connection ends");
    said.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn what_is_not_http_ends_its_own_connection() {
    let shell = place();
    for (bytes, line) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], ""),
        (b"GET\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
            "HTTP/1.1 400 Bad Request",
        ),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
            "HTTP/1.1 400 Bad Request",
        ),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
            "HTTP/1.1 400 Bad Request",
        ),
        (b"", ""),
    ] {
        let found = first_line(say_and_leave(&shell, bytes));
        let expected = [line, "HTTP/1.1 400 Bad Request"];
        assert!(
            expected.contains(&found.as_str()),
            "{found:?} to {}",
            bytes.escape_ascii()
        );
    }
    assert_answers(&shell);
}

#[test]
fn a_body_or_a_head_too_large_is_refused() {
    let shell = place();
    let size = 4 * 1024 * 1024;
    let head = format!("POST {PODS} HTTP/1.1\r\nHost: lab\r\nContent-Length: {size}\r\n\r\n");
    let announced = [head.as_bytes(), &vec![b' '; size]].concat();
    let line = first_line(say(&shell, &announced));
    assert_eq!(line, "HTTP/1.1 413 Payload Too Large");
    let head = format!("POST {PODS} HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut trickled = head.into_bytes();
    for _ in 0..64 {
        trickled.extend_from_slice(b"10000\r\n");
        trickled.extend(vec![b' '; 0x10000]);
        trickled.extend_from_slice(b"\r\n");
    }
    let line = first_line(say(&shell, &trickled));
    assert_eq!(line, "HTTP/1.1 413 Payload Too Large");
    let long = "x".repeat(100_000);
    let line = first_line(say(&shell, &get(&format!("/{long}"))));
    assert!(line.starts_with("HTTP/1.1 4"), "{line}");
    let many = "a: b\r\n".repeat(1_000);
    let head = format!("GET / HTTP/1.1\r\nHost: lab\r\n{many}\r\n");
    let line = first_line(say(&shell, head.as_bytes()));
    assert!(line.starts_with("HTTP/1.1 431"), "{line}");
    assert_answers(&shell);
}

#[test]
fn a_client_that_stops_in_the_middle_keeps_nobody_waiting() {
    let shell = place();
    let full = format!("POST {PODS} HTTP/1.1\r\nHost: lab\r\nContent-Length: 100\r\n\r\n{{");
    let mut waiting = Vec::new();
    for end in [1, 10, 40, full.len()] {
        let mut stream = connect(&shell);
        let piece = full.as_bytes()[..end].to_vec();
        let stream = until(&shell, async move {
            let _ = stream.write_all(&piece).await;
            stream
        });
        waiting.push(stream);
        assert_answers(&shell);
    }
}

/// A Pod whose container waits for a signal.
fn sleeper(shell: &Rc<Shell>) {
    let pod = r#"{"metadata":{"name":"p"},"spec":{"terminationGracePeriodSeconds":0,
        "containers":[{"name":"c","image":"busybox","command":["sleep","1000000"]}]}}"#;
    let request = Request::new(Method::Post, PODS, "application/json", pod.into());
    assert_eq!(shell.api(request).status, 201);
    assert!(crate::shell::come_to_rest(shell, super::LIMIT));
}

const EXEC: &str = "command=cat&container=c&stdin=true&stdout=true&stderr=true";

/// A conversation over a WebSocket: the switch, then these bytes, then nothing; whether it ended.
fn converse(shell: &Rc<Shell>, path: &str, protocol: &str, bytes: &[u8]) -> bool {
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
    );
    let (mut stream, bytes) = (connect(shell), bytes.to_vec());
    let said = until(shell, async move {
        let _ = stream.write_all(head.as_bytes()).await;
        let mut first = [0; 12];
        let _ = stream.read_exact(&mut first).await;
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        first
    });
    said.as_ref() == Some(b"HTTP/1.1 101")
}

/// A frame as a client masks it, with a mask that changes nothing.
fn frame(opcode: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short").min(125);
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], data].concat()
}

#[test]
fn bad_websocket_frames_end_their_own_conversation() {
    let shell = place();
    sleeper(&shell);
    let path = format!("{PODS}/p/exec?{EXEC}");
    let bad: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\n\r\n",
        // Not masked.
        &[0x82, 2, 0, b'x'],
        // An opcode that there is not.
        &frame(11, b"\0x"),
        // A length of 2^63.
        &[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // Longer than is taken.
        &[0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0],
        // A ping in two parts.
        &[0x09, 0x80, 0, 0, 0, 0],
        // Text that is no text.
        &frame(1, &[0xff, 0xfe]),
        // The end of a channel that there is not.
        &frame(2, &[255, 99]),
    ];
    for bytes in bad {
        assert!(converse(&shell, &path, "v5.channel.k8s.io", bytes));
    }
    assert_answers(&shell);
    let again = [frame(2, b"\0x"), frame(2, &[255, 0])].concat();
    assert!(converse(&shell, &path, "v5.channel.k8s.io", &again));
}

#[test]
fn no_bytes_break_the_server_or_keep_a_connection() {
    let shell = place();
    let post = format!(
        "POST {PODS}?dryRun=All HTTP/1.1\r\nHost: lab\r\nContent-Type: application/json\r\n\
         Content-Length: 29\r\n\r\n{{\"metadata\":{{\"name\":\"a\"}}}}  "
    );
    let watch = "GET /api/v1/pods?watch=1&timeoutSeconds=1 HTTP/1.1\r\nHost: lab\r\n\r\n";
    let get = get("/apis/apps/v1/deployments?labelSelector=a%3Db&limit=5");
    let corpus = [post.as_bytes(), watch.as_bytes(), &get];
    let words: [&[u8]; 8] = [
        b"\r\n",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Content-Length: 18446744073709551616",
        b"%00",
        b"HTTP/1.0",
        b"\0",
    ];
    trial::fuzz(1_500, &corpus, &words, |bytes| {
        // A watch that says nothing may outlive a client that left bytes behind; all else ends.
        let said = say_and_leave(&shell, bytes);
        let watches = bytes.windows(5).any(|word| word == b"watch");
        assert!(said.is_some() || watches, "the connection stays");
    });
    assert_answers(&shell);
}

#[test]
fn no_frames_break_a_conversation_or_outlive_it() {
    let shell = place();
    sleeper(&shell);
    let exec = format!("{PODS}/p/exec?{EXEC}");
    let forward = format!("{PODS}/p/portforward?ports=80");
    // A stream of SPDY with an empty head, as `data` without a request's name.
    let open = [0x80, 3, 0, 1, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let corpus = [
        [frame(2, b"\0hello\n"), frame(2, &[255, 0])].concat(),
        [frame(1, b"0aGk="), frame(9, b""), frame(8, &[3, 232])].concat(),
        frame(2, &open),
    ];
    let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    let words: [&[u8]; 4] = [&[0x82, 0xfe, 1, 0], &[0x80, 3, 0, 1], &[255], &[0x7f]];
    let mut round = 0;
    trial::fuzz(400, &corpus, &words, |bytes| {
        round += 1;
        let (path, protocol) = match round % 4 {
            0 => (&exec, "v5.channel.k8s.io"),
            1 => (&exec, "v4.base64.channel.k8s.io"),
            2 => (&forward, "v4.channel.k8s.io"),
            _ => (&forward, "SPDY/3.1+portforward.k8s.io"),
        };
        assert!(
            converse(&shell, path, protocol, bytes),
            "the connection stays"
        );
    });
    assert_answers(&shell);
}

#[test]
fn somebody_else_may_do_less() {
    let shell = place();
    let asked = format!(
        "GET {PODS} HTTP/1.1\r\nHost: lab\r\nImpersonate-User: jane\r\nConnection: close\r\n\r\n"
    );
    let said = say(&shell, asked.as_bytes()).expect("an answer");
    assert!(said.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{said}");
    assert!(
        said.contains(r#"User \"jane\" cannot list resource \"pods\""#),
        "{said}"
    );
}
