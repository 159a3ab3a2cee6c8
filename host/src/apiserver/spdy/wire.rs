//! A SPDY connection over any byte stream: one side listens, many may speak.
//! Never gives a stream a meaning, and never holds more than a few frames for a slow client.

use super::frame::{self, Heard, Reader, Writer};
use crate::apiserver::upgrade::Wire;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;

/// Frames that may wait to be sent; who wants to say more waits.
const WAITING: usize = 16;
/// The most bytes taken from the connection at a time.
const READ: usize = 32 * 1024;

/// Something to be said.
#[derive(Debug)]
pub(in crate::apiserver) enum Said {
    /// A stream is welcome.
    Reply(u32),
    /// A stream is not.
    Refuse(u32),
    /// Bytes on a stream.
    Data(u32, Vec<u8>),
    /// Nothing more on a stream.
    Fin(u32),
    /// Their ping.
    Pong([u8; 4]),
}

/// A way to say something; a clone says it on the same connection.
#[derive(Clone, Debug)]
pub(in crate::apiserver) struct Sink(mpsc::Sender<Said>);

impl Sink {
    /// Says it, once there is room; false when nobody listens any more.
    pub(in crate::apiserver) async fn say(&self, said: Said) -> bool {
        self.0.send(said).await.is_ok()
    }
}

/// The listening side.
pub(in crate::apiserver) struct Session {
    wire: ReadHalf<Wire>,
    reader: Reader,
    sink: Sink,
}

impl Session {
    /// Begins on `wire`. The future sends what is said; it ends when the client is gone or when
    /// the session and every sink are.
    pub(in crate::apiserver) fn begin(wire: Wire) -> (Self, impl Future<Output = io::Result<()>>) {
        let (read, write) = split(wire);
        let (sender, receiver) = mpsc::channel(WAITING);
        let session = Self {
            wire: read,
            reader: Reader::default(),
            sink: Sink(sender),
        };
        (session, speak(write, receiver))
    }

    /// A way to answer.
    pub(in crate::apiserver) fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// What the client says next; nothing when it has gone or speaks no SPDY.
    pub(in crate::apiserver) async fn next(&mut self) -> Option<Heard> {
        let mut buffer = vec![0; READ];
        loop {
            match self.reader.next() {
                Ok(Some(Heard::Ping(id))) => {
                    if !self.sink.say(Said::Pong(id)).await {
                        return None;
                    }
                }
                Ok(Some(Heard::GoAway)) | Err(_) => return None,
                Ok(Some(heard)) => return Some(heard),
                Ok(None) => match self.wire.read(&mut buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(count) => self.reader.feed(&buffer[..count]),
                },
            }
        }
    }
}

async fn speak(mut wire: WriteHalf<Wire>, mut said: mpsc::Receiver<Said>) -> io::Result<()> {
    let mut writer = Writer::default();
    while let Some(said) = said.recv().await {
        let frame = match said {
            Said::Reply(stream) => writer.reply(stream),
            Said::Refuse(stream) => frame::refuse(stream),
            Said::Data(stream, bytes) => frame::data(stream, &bytes, false),
            Said::Fin(stream) => frame::data(stream, &[], true),
            Said::Pong(id) => frame::ping(id),
        };
        wire.write_all(&frame).await?;
        wire.flush().await?;
    }
    wire.shutdown().await
}
