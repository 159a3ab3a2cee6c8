//! A connection with numbered channels: a WebSocket whose messages begin with the number, as a byte
//! or, for browsers, as a digit before base64; or SPDY, where each channel is a stream.
//! Never knows what a channel is for.

use super::spdy::{Heard, Said, Session, Sink};
use super::upgrade::Socket;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};

/// In `v5.channel.k8s.io` the number that announces the end of another channel.
const CLOSE: u8 = 255;

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes on a channel.
    Data(u8, Vec<u8>),
    /// Nothing more on a channel.
    End(u8),
}

/// The client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// How a message says which channel it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// A byte before bytes.
    Binary,
    /// A digit before base64, in text.
    Base64,
}

/// The side that listens.
pub(super) enum Ears {
    /// Messages.
    Socket(SplitStream<Socket>, Code),
    /// Streams and their numbers.
    Spdy(Session, BTreeMap<u32, u8>),
}

/// The side that speaks.
pub(super) enum Mouth {
    /// Messages.
    Socket(SplitSink<Socket, Message>, Code),
    /// Numbers and their streams.
    Spdy(Sink, BTreeMap<u8, u32>),
}

/// Both sides of a WebSocket.
pub(super) fn of_socket(socket: Socket, code: Code) -> (Ears, Mouth) {
    let (sink, stream) = socket.split();
    (Ears::Socket(stream, code), Mouth::Socket(sink, code))
}

impl Ears {
    /// What the client says next; nothing when it has gone or speaks nonsense.
    pub(super) async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Socket(stream, code) => loop {
                let message = match stream.next().await?.ok()? {
                    Message::Binary(bytes) => bytes.to_vec(),
                    Message::Text(text) => text.as_bytes().to_vec(),
                    Message::Close(_) => return None,
                    Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                };
                match code.read(&message) {
                    Some(event) => return Some(event),
                    None if message.is_empty() => {}
                    None => return None,
                }
            },
            Self::Spdy(session, channels) => loop {
                match session.next().await? {
                    Heard::Data { stream, bytes, fin } => {
                        let Some(channel) = channels.get(&stream).copied() else {
                            continue;
                        };
                        if fin {
                            channels.remove(&stream);
                        }
                        // Nobody sends bytes with the end, but the protocol allows it; the end is
                        // then told by the stream's absence, which only input would miss.
                        match (bytes.is_empty(), fin) {
                            (true, true) => return Some(Event::End(channel)),
                            (true, false) => {}
                            (false, _) => return Some(Event::Data(channel, bytes)),
                        }
                    }
                    Heard::Reset(stream) => {
                        if let Some(channel) = channels.remove(&stream) {
                            return Some(Event::End(channel));
                        }
                    }
                    // There is nothing that a further stream could be for.
                    Heard::Open { stream, .. } => {
                        session.sink().say(Said::Refuse(stream)).await;
                    }
                    Heard::Ping(_) | Heard::GoAway => {}
                }
            },
        }
    }
}

impl Code {
    /// The event in a message.
    fn read(self, message: &[u8]) -> Option<Event> {
        let (channel, data) = message.split_first()?;
        match self {
            Self::Binary if *channel == CLOSE => Some(Event::End(*data.first()?)),
            Self::Binary => Some(Event::Data(*channel, data.to_vec())),
            Self::Base64 => {
                let channel = channel.checked_sub(b'0').filter(|digit| *digit < 10)?;
                Some(Event::Data(channel, STANDARD.decode(data).ok()?))
            }
        }
    }

    fn write(self, channel: u8, data: &[u8]) -> Message {
        match self {
            Self::Binary => Message::binary([&[channel], data].concat()),
            Self::Base64 => {
                let digit = char::from(b'0' + channel);
                Message::text(format!("{digit}{}", STANDARD.encode(data)))
            }
        }
    }
}

impl Mouth {
    /// Sends bytes on a channel; a channel that the client did not open says nothing.
    ///
    /// # Errors
    /// When the client has gone.
    pub(super) async fn send(&mut self, channel: u8, data: &[u8]) -> Result<(), Gone> {
        match self {
            Self::Socket(sink, code) => {
                let message = code.write(channel, data);
                sink.send(message).await.map_err(|_| Gone)
            }
            Self::Spdy(sink, streams) => match streams.get(&channel) {
                Some(stream) if !data.is_empty() => {
                    let said = sink.say(Said::Data(*stream, data.to_vec())).await;
                    said.then_some(()).ok_or(Gone)
                }
                _ => Ok(()),
            },
        }
    }

    /// Says that all has been said.
    pub(super) async fn close(&mut self) {
        match self {
            Self::Socket(sink, _) => {
                let normal = CloseFrame {
                    code: CloseCode::Normal,
                    reason: "".into(),
                };
                // A client that has gone needs no goodbye.
                let _ = sink.send(Message::Close(Some(normal))).await;
                let _ = sink.close().await;
            }
            Self::Spdy(sink, streams) => {
                for stream in streams.values() {
                    sink.say(Said::Fin(*stream)).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_its_channel_in_a_byte_or_a_digit() {
        let data = Event::Data(0, b"hi".to_vec());
        assert_eq!(Code::Binary.read(b"\0hi"), Some(data.clone()));
        assert_eq!(Code::Base64.read(b"0aGk="), Some(data));
        assert_eq!(Code::Binary.read(&[255, 0]), Some(Event::End(0)));
        assert_eq!(Code::Base64.read(b"0***"), None);
        assert_eq!(Code::Base64.write(1, b"hi"), Message::text("1aGk="));
        assert_eq!(
            Code::Binary.write(1, b"hi"),
            Message::binary(b"\x01hi".to_vec())
        );
    }

    #[test]
    fn no_message_breaks_the_reader() {
        let corpus: [&[u8]; 4] = [b"\0hi", b"0aGk=", &[255, 0], b"\x04{\"Width\":80}"];
        trial::fuzz(3_000, &corpus, &[&[255], b"="], |bytes| {
            Code::Binary.read(bytes);
            Code::Base64.read(bytes);
        });
    }
}
