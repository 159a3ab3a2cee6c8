//! `wget` against a server of one answer, with what busybox 1.35 said to the same answers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

/// Serves these answers to one connection each and says what was asked.
fn serve(answers: Vec<&'static str>) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    let handle = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("the client connects");
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n")
                && stream.read(&mut byte).expect("the client sends") == 1
            {
                request.push(byte[0]);
            }
            asked.push(String::from_utf8_lossy(&request).into_owned());
            stream
                .write_all(answer.as_bytes())
                .expect("the client reads");
        }
        asked
    });
    (port, handle)
}

#[track_caller]
fn check(
    answers: Vec<&'static str>,
    args: &[&str],
    out: &str,
    err: &str,
    exit: i32,
) -> Vec<String> {
    let (port, server) = serve(answers);
    let place = |text: &str| text.replace("PORT", &port.to_string());
    let output = Command::new(super::BOX)
        .arg("wget")
        .args(args.iter().map(|arg| place(arg)))
        .output()
        .expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), out);
    assert_eq!(String::from_utf8_lossy(&output.stderr), place(err));
    assert_eq!(output.status.code(), Some(exit));
    server.join().expect("the server ends")
}

#[test]
fn an_answer_goes_to_standard_output_with_the_progress_beside_it() {
    let asked = check(
        vec!["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"],
        &["-O-", "http://127.0.0.1:PORT/a"],
        "hello\n",
        "Connecting to 127.0.0.1:PORT (127.0.0.1:PORT)\nwriting to stdout\n-                    100% |********************************|     6  0:00:00 ETA\nwritten to stdout\n",
        0,
    );
    assert!(
        asked[0].starts_with("GET /a HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{}",
        asked[0]
    );
    assert!(
        asked[0].ends_with("\r\nUser-Agent: Wget\r\nConnection: close\r\n\r\n"),
        "{}",
        asked[0]
    );
}

#[test]
fn a_redirection_is_followed_and_chunks_are_joined() {
    check(
        vec![
            "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n3\r\nab\n\r\n0\r\n\r\n",
        ],
        &["-qO-", "http://127.0.0.1:PORT/a"],
        "hello\nab\n",
        "",
        0,
    );
}

#[test]
fn an_error_status_is_said_with_the_servers_words() {
    check(
        vec!["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
        &["-q", "-O", "-", "http://127.0.0.1:PORT/a"],
        "",
        "wget: server returned error: HTTP/1.1 404 Not Found\n",
        1,
    );
}

#[test]
fn a_short_answer_is_noticed() {
    check(
        vec!["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"],
        &["-qO-", "http://127.0.0.1:PORT/a"],
        "abc",
        "wget: connection closed prematurely\n",
        1,
    );
}

#[test]
fn a_silent_server_is_given_up() {
    check(
        vec![""],
        &["-qO-", "http://127.0.0.1:PORT/a"],
        "",
        "wget: error getting response\n",
        1,
    );
}

#[test]
fn the_headers_are_shown_when_asked_for() {
    check(
        vec!["HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n"],
        &["-S", "--spider", "http://127.0.0.1:PORT/a"],
        "",
        "Connecting to 127.0.0.1:PORT (127.0.0.1:PORT)\n  HTTP/1.1 200 OK\n  Server: x\n  Content-Length: 0\n  \nremote file exists\n",
        0,
    );
}
