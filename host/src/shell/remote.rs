//! The node's end of `ssh NODE COMMAND`: one connection, one command, its output in frames.
//!
//! This is not the SSH protocol and does not pretend to be: no keys, no encryption, port 7022 of
//! the lab's own network. What matters to a learner is that the command runs on the node and that
//! its bytes travel in packets.
//!
//! ```text
//! client → node   the command, one line
//! node → client   frames: stream (1 output, 2 error, 3 exit code), length as u32 big-endian, bytes
//! ```

use super::containers::Ends;
use super::driver::Shell;
use super::stream::NetStream;
use runtime::{PipeReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use vnet::HostId;

const PORT: u16 = 7022;
/// The longest command line.
const LINE_MAX: u64 = 128 * 1024;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;

/// Listens on a node until it loses power.
pub(super) fn serve(shell: &Rc<Shell>, node: &str, host: HostId) {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
    let Ok(listener) = shell.runtime.tcp_listen(host, any, 64) else {
        return;
    };
    let (shell, node) = (shell.clone(), node.to_owned());
    let runtime = shell.runtime.clone();
    runtime.spawn_native(async move {
        while let Ok(stream) = listener.accept().await {
            let stream = NetStream::from(stream);
            let (shell, node) = (shell.clone(), node.clone());
            let runtime = shell.runtime.clone();
            runtime.spawn_native(async move {
                // A client that hangs up is its own affair.
                let _ = converse(&shell, &node, stream).await;
            });
        }
    });
}

async fn converse(shell: &Rc<Shell>, node: &str, stream: NetStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(LINE_MAX).read_line(&mut line).await?;
    let mut stream = stream.into_inner();
    let argv = ["sh", "-c", line.trim_end_matches('\n')]
        .map(String::from)
        .into();
    let started = {
        let machines = shell.machines.borrow();
        machines
            .get(node)
            .map(|machine| machine.spot().exec(&shell.runtime, argv, false, None))
    };
    let Some(Ok(talk)) = started else {
        frame(&mut stream, STDERR, b"sh: cannot start\n").await?;
        return frame(&mut stream, EXIT, &[126]).await;
    };
    if let Ends::Pipes { stdout, stderr, .. } = talk.ends {
        copy(&mut stream, &stdout, &stderr).await?;
    }
    let code = talk.exit.status().await;
    frame(&mut stream, EXIT, &[code]).await
}

/// Sends both streams as they come, until both have ended.
async fn copy(
    stream: &mut NetStream,
    stdout: &PipeReader,
    stderr: &PipeReader,
) -> std::io::Result<()> {
    let mut open = [(STDOUT, stdout, true), (STDERR, stderr, true)];
    while open.iter().any(|(_, _, open)| *open) {
        let mut got = false;
        for (kind, reader, open) in &mut open {
            if !*open {
                continue;
            }
            match reader.try_read(16 * 1024) {
                Read::Data(data) => {
                    frame(stream, *kind, &data).await?;
                    got = true;
                }
                Read::End => {
                    *open = false;
                    got = true;
                }
                Read::WouldBlock => {}
            }
        }
        if !got {
            let ready = |(_, reader, open): &(u8, &PipeReader, bool),
                         cx: &mut std::task::Context<'_>| {
                *open && reader.poll_readable(cx).is_ready()
            };
            std::future::poll_fn(|cx| {
                let mut any = false;
                for end in &open {
                    any |= ready(end, cx);
                }
                if any {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
        }
    }
    Ok(())
}

async fn frame(stream: &mut NetStream, kind: u8, data: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(data.len()).expect("frames are small");
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
    stream.write_all(&bytes).await
}
