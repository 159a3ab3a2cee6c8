//! `exec` and `attach`: a WebSocket in the `v5.channel.k8s.io` manner around a process.
//!
//! ```text
//! first byte of a message: 0 stdin · 1 stdout · 2 stderr · 3 error (a Status, last) · 4 resize · 255 close a channel
//! ```
//!
//! Never speaks SPDY: a client that asks for it is told so.

use super::body::ApiBody;
use super::http::refuse;
use crate::shell::{Ends, Shell};
use cluster::StreamRequest;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE,
};
use hyper_util::rt::TokioIo;
use runtime::{PipeReader, Read, Terminal, TerminalSize};
use serde_json::json;
use std::rc::Rc;
use std::task::Poll;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// What this server speaks, best first.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// The largest message and frame it reads.
const MESSAGE_MAX: usize = 1024 * 1024;
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Switches protocols and carries the conversation on.
pub(super) fn answer(
    mut request: hyper::Request<Incoming>,
    shell: Rc<Shell>,
    wanted: StreamRequest,
) -> hyper::Response<ApiBody> {
    let headers = request.headers();
    let offered = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let offered: Vec<String> = offered
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    let protocol = PROTOCOLS
        .into_iter()
        .find(|protocol| offered.iter().any(|name| name == protocol));
    let (Some(key), Some(protocol)) = (headers.get(SEC_WEBSOCKET_KEY).cloned(), protocol) else {
        return refuse(
            400,
            "BadRequest",
            "only WebSocket with v5.channel.k8s.io or v4.channel.k8s.io is in this lab",
        );
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let runtime = shell.runtime().clone();
    runtime.spawn_native(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(MESSAGE_MAX);
        config.max_frame_size = Some(MESSAGE_MAX);
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config))
                .await;
        // A client that hangs up ends its own conversation.
        let _ = carry_on(&shell, &mut socket, wanted).await;
        let normal = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let _ = socket.close(Some(normal)).await;
    });
    let mut response = hyper::Response::new(ApiBody::full(Vec::new()));
    *response.status_mut() = hyper::StatusCode::SWITCHING_PROTOCOLS;
    let accept = derive_accept_key(key.as_bytes());
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    headers.insert(
        SEC_WEBSOCKET_ACCEPT,
        HeaderValue::try_from(accept).expect("base64 is ASCII"),
    );
    response
}

type Sent = Result<(), tokio_tungstenite::tungstenite::Error>;

async fn carry_on(shell: &Rc<Shell>, socket: &mut Socket, wanted: StreamRequest) -> Sent {
    let (namespace, pod, container, command, stdin, tty) = match wanted {
        StreamRequest::Exec {
            namespace,
            pod,
            container,
            command,
            stdin,
            tty,
            ..
        } => (namespace, pod, container, command, stdin, tty),
        StreamRequest::Attach {
            namespace,
            pod,
            container,
            stdin,
            ..
        } => {
            let Some(ends) = shell.attach(&namespace, &pod, &container, stdin) else {
                let gone = format!("container not running ({container})");
                return status(socket, &failure("InternalError", &gone)).await;
            };
            pump(socket, ends).await?;
            return status(socket, &ended(0)).await;
        }
        StreamRequest::Log { .. } | StreamRequest::PortForward { .. } => {
            let what = failure("InternalError", "port-forward is not in this lab yet");
            return status(socket, &what).await;
        }
    };
    let name = command.first().cloned().unwrap_or_default();
    let size = tty.then_some(TerminalSize {
        columns: 80,
        rows: 24,
    });
    let talk = match shell.exec(&namespace, &pod, &container, command, stdin, size) {
        Ok(talk) => talk,
        Err(cause) => return status(socket, &failure("InternalError", &oci(&name, &cause))).await,
    };
    let process = talk.process;
    let pumped = pump(socket, talk.ends).await;
    if pumped.is_err() {
        // The client is gone: what it started ends as when its terminal is closed.
        shell.runtime().signal(process, 1);
    }
    let code = talk.exit.status().await;
    pumped?;
    status(socket, &ended(code)).await
}

/// Carries bytes both ways until the process has closed its output.
async fn pump(socket: &mut Socket, mut ends: Ends) -> Sent {
    let mut open = Open {
        stdout: true,
        stderr: !matches!(ends, Ends::Terminal(_)),
    };
    while open.stdout || open.stderr {
        let mut heard = Vec::new();
        let incoming = std::future::poll_fn(|cx| {
            let said = open.listen(&ends, &mut heard, cx);
            match socket.poll_next_unpin(cx) {
                Poll::Ready(message) => Poll::Ready(Some(message)),
                Poll::Pending if said => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        for (channel, data) in heard {
            let mut message = vec![channel];
            message.extend(data);
            socket.send(Message::binary(message)).await?;
        }
        match incoming {
            None => {}
            Some(Some(message)) => type_in(&mut ends, &message?.into_data()).await,
            Some(None) => return Err(tokio_tungstenite::tungstenite::Error::ConnectionClosed),
        }
    }
    Ok(())
}

/// Which output of the process still may come.
struct Open {
    stdout: bool,
    stderr: bool,
}

impl Open {
    /// Takes what the process wrote; true when it wrote or ended anything.
    fn listen(
        &mut self,
        ends: &Ends,
        heard: &mut Vec<(u8, Vec<u8>)>,
        cx: &mut std::task::Context<'_>,
    ) -> bool {
        match ends {
            Ends::Pipes { stdout, stderr, .. } | Ends::Attached { stdout, stderr, .. } => {
                let first = self.stdout && hear(stdout, STDOUT, &mut self.stdout, heard, cx);
                let second = self.stderr && hear(stderr, STDERR, &mut self.stderr, heard, cx);
                first | second
            }
            Ends::Terminal(terminal) => hear_terminal(terminal, &mut self.stdout, heard, cx),
        }
    }
}

fn hear(
    reader: &PipeReader,
    channel: u8,
    open: &mut bool,
    heard: &mut Vec<(u8, Vec<u8>)>,
    cx: &mut std::task::Context<'_>,
) -> bool {
    match reader.try_read(32 * 1024) {
        Read::Data(data) => heard.push((channel, data)),
        Read::End => *open = false,
        Read::WouldBlock => return reader.poll_readable(cx).is_ready(),
    }
    true
}

fn hear_terminal(
    terminal: &Terminal,
    open: &mut bool,
    heard: &mut Vec<(u8, Vec<u8>)>,
    cx: &mut std::task::Context<'_>,
) -> bool {
    match terminal.try_read(32 * 1024) {
        Read::Data(data) => heard.push((STDOUT, data)),
        Read::End => *open = false,
        Read::WouldBlock => return terminal.poll_readable(cx).is_ready(),
    }
    true
}

/// Gives the process what the client sent.
async fn type_in(ends: &mut Ends, message: &[u8]) {
    let Some((channel, data)) = message.split_first() else {
        return;
    };
    match (*channel, ends) {
        (STDIN, ends) => ends.write(data).await,
        (CLOSE, ends) if data == [STDIN] => ends.close_input(),
        (RESIZE, Ends::Terminal(terminal)) => {
            size(data)
                .into_iter()
                .for_each(|size| terminal.resize(size));
        }
        (
            RESIZE,
            Ends::Attached {
                keyboard: Some(keyboard),
                ..
            },
        ) => size(data)
            .into_iter()
            .for_each(|size| keyboard.resize(size)),
        _ => {}
    }
}

/// What a client says of its window.
fn size(data: &[u8]) -> Option<TerminalSize> {
    let size: serde_json::Value = serde_json::from_slice(data).ok()?;
    let number = |key: &str| u16::try_from(size[key].as_u64()?).ok();
    Some(TerminalSize {
        columns: number("Width")?,
        rows: number("Height")?,
    })
}

async fn status(socket: &mut Socket, status: &serde_json::Value) -> Sent {
    let mut message = vec![ERROR];
    message.extend(status.to_string().into_bytes());
    socket.send(Message::binary(message)).await
}

fn failure(reason: &str, message: &str) -> serde_json::Value {
    json!({ "metadata": {}, "status": "Failure", "reason": reason, "message": message, "code": 500 })
}

/// How the API server tells kubectl the exit code.
fn ended(code: u8) -> serde_json::Value {
    match code {
        0 => json!({ "metadata": {}, "status": "Success" }),
        code => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
        }),
    }
}

/// containerd's and runc's words around why a program did not start.
fn oci(program: &str, cause: &str) -> String {
    format!(
        "Internal error occurred: error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: {program:?}: {cause}: unknown"
    )
}
