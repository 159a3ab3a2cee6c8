//! From an HTTP request to another protocol on the same connection: which one, the words of the
//! answer, and the byte stream or WebSocket after it. Never knows what is said on it.

use super::body::ApiBody;
use super::http::refuse;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use futures_util::{Sink, Stream};

/// The largest message and frame that is read.
const MESSAGE_MAX: usize = 1024 * 1024;
/// SPDY's way of naming the protocol on top.
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");
const ACCEPTED_PROTOCOLS: HeaderName =
    HeaderName::from_static("x-accepted-stream-protocol-versions");

/// A WebSocket to the client.
pub(super) type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;
/// A byte stream to the client.
pub(super) type Wire = Box<dyn Duplex>;

/// Bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    /// Whether it is a WebSocket; else it is SPDY/3.1.
    pub(super) websocket: bool,
    /// The protocol on top; empty when the client named none.
    pub(super) protocol: &'static str,
}

/// Finds the first of the client's protocols that is among ours, as Kubernetes does.
///
/// # Errors
/// The answer to a client that wants something else.
pub(super) fn agree(
    headers: &HeaderMap,
    websocket: &[&'static str],
    spdy: &[&'static str],
) -> Result<Agreed, Box<hyper::Response<ApiBody>>> {
    let names = |name: &HeaderName| -> Vec<String> {
        let values = headers.get_all(name).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let names = values.flat_map(|value| value.split(','));
        names.map(|name| name.trim().to_owned()).collect()
    };
    let pick = |offered: &[String], ours: &[&'static str]| -> Option<&'static str> {
        let known = |name: &String| ours.iter().find(|known| *known == name).copied();
        match offered {
            [] => Some(""),
            offered => offered.iter().find_map(known),
        }
    };
    let wanted = names(&UPGRADE);
    let wants = |what: &str| wanted.iter().any(|name| name.eq_ignore_ascii_case(what));
    if wants("websocket") {
        let offered = names(&SEC_WEBSOCKET_PROTOCOL);
        let protocol = pick(&offered, websocket);
        return match (headers.get(SEC_WEBSOCKET_KEY), protocol) {
            (Some(_), Some(protocol)) if !(protocol.is_empty() && websocket.is_empty()) => {
                Ok(Agreed {
                    websocket: true,
                    protocol,
                })
            }
            (None, _) => Err(Box::new(refuse(
                400,
                "BadRequest",
                "missing Sec-WebSocket-Key",
            ))),
            _ => Err(Box::new(status(hyper::StatusCode::FORBIDDEN))),
        };
    }
    if wants("SPDY/3.1") {
        let offered = names(&STREAM_PROTOCOL);
        if let Some(protocol) = pick(&offered, spdy) {
            return Ok(Agreed {
                websocket: false,
                protocol,
            });
        }
        let mut answer = hyper::Response::new(ApiBody::full(
            format!(
                "unable to upgrade: unable to negotiate protocol: client supports [{}], server accepts [{}]\n",
                offered.join(" "),
                spdy.join(" ")
            )
            .into_bytes(),
        ));
        *answer.status_mut() = hyper::StatusCode::FORBIDDEN;
        for known in spdy {
            let known = HeaderValue::from_static(known);
            answer.headers_mut().append(ACCEPTED_PROTOCOLS, known);
        }
        return Err(Box::new(answer));
    }
    Err(Box::new(refuse(
        400,
        "BadRequest",
        "Upgrade request required",
    )))
}

fn status(status: hyper::StatusCode) -> hyper::Response<ApiBody> {
    let mut answer = hyper::Response::new(ApiBody::full(Vec::new()));
    *answer.status_mut() = status;
    answer
}

/// The answer that switches, and the connection once it has been sent.
pub(super) fn switch(
    request: &mut hyper::Request<Incoming>,
    agreed: Agreed,
) -> (hyper::Response<ApiBody>, hyper::upgrade::OnUpgrade) {
    let mut answer = status(hyper::StatusCode::SWITCHING_PROTOCOLS);
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    let named = !agreed.protocol.is_empty();
    let protocol = HeaderValue::from_static(agreed.protocol);
    if agreed.websocket {
        let key = request.headers().get(SEC_WEBSOCKET_KEY);
        let accept = derive_accept_key(key.map_or(b"", HeaderValue::as_bytes));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let accept = HeaderValue::try_from(accept).expect("base64 is ASCII");
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        if named {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
    } else {
        headers.insert(UPGRADE, HeaderValue::from_static("SPDY/3.1"));
        if named {
            headers.insert(STREAM_PROTOCOL, protocol);
        }
    }
    (answer, hyper::upgrade::on(request))
}

/// A WebSocket on an upgraded connection.
pub(super) async fn socket(upgraded: hyper::upgrade::Upgraded) -> Socket {
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(MESSAGE_MAX);
    config.max_frame_size = Some(MESSAGE_MAX);
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await
}

/// The bytes of a WebSocket's binary messages as one stream, as SPDY is tunnelled.
pub(super) struct Tunnel {
    socket: Socket,
    rest: Bytes,
}

impl Tunnel {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            rest: Bytes::new(),
        }
    }
}

fn broken(cause: Error) -> io::Error {
    match cause {
        Error::Io(cause) => cause,
        cause => io::Error::other(cause),
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(cause)) => return Poll::Ready(Err(broken(cause))),
            }
        }
        let count = buf.remaining().min(self.rest.len());
        buf.put_slice(&self.rest.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(cx)).map_err(broken)?;
        let message = Message::binary(data.to_vec());
        socket.start_send(message).map_err(broken)?;
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(broken)
    }
}
