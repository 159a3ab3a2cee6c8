//! A container's streams over a connection that HTTP has let go of: raw for a terminal, else in
//! frames (stream number, three zeros, length as u32 big-endian), as the Engine API has it.
//! Never starts a process.

use crate::shell::Ends;
use bytes::Bytes;
use runtime::{PipeReader, Read};
use std::io;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const CHUNK: usize = 32 * 1024;

/// The head of a frame.
pub(super) fn frame(stream: u8, data: &[u8]) -> Bytes {
    let length = u32::try_from(data.len()).expect("frames are small");
    let mut bytes = vec![stream, 0, 0, 0];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
    bytes.into()
}

/// Carries bytes both ways until the process has closed its output; dropping `io` says so.
pub(super) async fn pump<I>(io: I, mut ends: Ends, raw: bool) -> io::Result<()>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from, mut to) = tokio::io::split(io);
    let mut open = [true, !matches!(ends, Ends::Terminal(_))];
    let mut typing = true;
    let mut buffer = vec![0; CHUNK];
    while open.iter().any(|open| *open) {
        let mut heard = Vec::new();
        tokio::select! {
            biased;
            () = std::future::poll_fn(|cx| listen(&ends, &mut open, &mut heard, cx)) => {}
            read = from.read(&mut buffer), if typing => match read {
                Ok(0) => { typing = false; ends.close_input(); }
                Ok(length) => ends.write(&buffer[..length]).await,
                // The client is gone; the container goes on.
                Err(cause) => return Err(cause),
            }
        }
        for (stream, data) in heard {
            if raw {
                to.write_all(&data).await?;
            } else {
                to.write_all(&frame(stream, &data)).await?;
            }
        }
    }
    to.flush().await
}

fn listen(
    ends: &Ends,
    open: &mut [bool; 2],
    heard: &mut Vec<(u8, Vec<u8>)>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let mut any = false;
    match ends {
        Ends::Pipes { stdout, stderr, .. } | Ends::Attached { stdout, stderr, .. } => {
            for (index, reader) in [stdout, stderr].into_iter().enumerate() {
                if open[index] {
                    let stream = if index == 0 { 1 } else { 2 };
                    any |= hear(reader, stream, &mut open[index], heard, cx);
                }
            }
        }
        Ends::Terminal(terminal) => {
            any = match terminal.try_read(CHUNK) {
                Read::Data(data) => {
                    heard.push((1, data));
                    true
                }
                Read::End => {
                    open[0] = false;
                    true
                }
                Read::WouldBlock => terminal.poll_readable(cx).is_ready(),
            };
        }
    }
    if any { Poll::Ready(()) } else { Poll::Pending }
}

fn hear(
    reader: &PipeReader,
    stream: u8,
    open: &mut bool,
    heard: &mut Vec<(u8, Vec<u8>)>,
    cx: &mut Context<'_>,
) -> bool {
    match reader.try_read(CHUNK) {
        Read::Data(data) => heard.push((stream, data)),
        Read::End => *open = false,
        Read::WouldBlock => return reader.poll_readable(cx).is_ready(),
    }
    true
}
