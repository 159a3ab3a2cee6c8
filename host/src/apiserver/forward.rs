//! `port-forward`: connections to a Pod's ports, made from inside the Pod as the container runtime
//! makes them, so that a server on 127.0.0.1 is reached. Over SPDY, tunnelled in a WebSocket or
//! not, with two streams for each connection; or over a plain WebSocket with two channels for each
//! port. Never leaves the virtual network.

use super::body::ApiBody;
use super::channels::{self, Code, Event, Gone, Mouth};
use super::http::refuse;
use super::outcome::{id, uuid};
use super::spdy::{Heard, Said, Session, Sink};
use super::upgrade::{self, Tunnel, Wire, agree, switch};
use crate::shell::{NetStream, Plane};
use futures_util::future::{Either, join, select};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use vnet::{NetError, Origin};

/// SPDY inside a WebSocket's messages, then channels by number.
const WEBSOCKET: [&str; 3] = [TUNNEL, "v4.channel.k8s.io", "v4.base64.channel.k8s.io"];
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const SPDY: [&str; 1] = ["portforward.k8s.io"];
/// Streams that one client may have open.
const STREAMS_MAX: usize = 1024;
/// Pieces that may wait for a Pod that does not read.
const WAITING: usize = 16;
/// The most bytes taken from a Pod at a time.
const READ: usize = 32 * 1024;

/// The Pod that is forwarded to.
#[derive(Clone)]
struct Target {
    shell: Plane,
    namespace: String,
    pod: String,
}

/// Switches protocols and forwards.
pub(super) fn answer(
    mut request: hyper::Request<Incoming>,
    shell: Plane,
    (namespace, pod, ports): (String, String, Vec<u16>),
) -> hyper::Response<ApiBody> {
    let agreed = match agree(request.headers(), &WEBSOCKET, &SPDY) {
        Ok(agreed) => agreed,
        Err(refusal) => return *refusal,
    };
    let numbered = agreed.websocket && agreed.protocol != TUNNEL;
    if numbered && ports.is_empty() {
        return refuse(400, "BadRequest", "query parameter \"port\" is required");
    }
    let (answer, upgraded) = switch(&mut request, agreed);
    let runtime = shell.runtime().clone();
    let target = Target {
        shell,
        namespace,
        pod,
    };
    runtime.spawn_native(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let wire: Wire = if !agreed.websocket {
            Box::new(TokioIo::new(upgraded))
        } else if numbered {
            let base64 = agreed.protocol.contains("base64");
            let code = if base64 { Code::Base64 } else { Code::Binary };
            let socket = upgrade::socket(upgraded).await;
            return by_number(target, socket, code, ports).await;
        } else {
            Box::new(Tunnel::new(upgrade::socket(upgraded).await))
        };
        let (session, speak) = Session::begin(wire);
        let (listen, speak) = (pin!(by_stream(target, session)), pin!(speak));
        // When the client cannot be told anything any more there is nothing to listen for.
        if let Either::Left(((), speak)) = select(listen, speak).await {
            let _ = speak.await;
        }
    });
    answer
}

/// What is known of a connection whose streams have not both come.
#[derive(Default)]
struct Pair {
    error: Option<u32>,
    data: Option<(u32, mpsc::Receiver<Vec<u8>>)>,
    port: u16,
}

/// Opens a connection for every pair of streams with the same `requestid`.
async fn by_stream(target: Target, mut session: Session) {
    let sink = session.sink();
    let mut pairs: BTreeMap<String, Pair> = BTreeMap::new();
    let mut inputs: BTreeMap<u32, mpsc::Sender<Vec<u8>>> = BTreeMap::new();
    while let Some(heard) = session.next().await {
        match heard {
            Heard::Open {
                stream,
                headers,
                fin,
            } => {
                let of = |name: &str| {
                    let found = headers.iter().find(|(known, _)| known == name);
                    found.map(|(_, value)| value.as_str())
                };
                inputs.retain(|_, input| !input.is_closed());
                let port = of("port").and_then(|port| port.parse().ok());
                let kind = of("streamtype").filter(|kind| ["error", "data"].contains(kind));
                let full = inputs.len() + pairs.len() >= STREAMS_MAX;
                let (Some(port), Some(kind), false) = (port, kind, full) else {
                    sink.say(Said::Refuse(stream)).await;
                    continue;
                };
                sink.say(Said::Reply(stream)).await;
                // Clients before request ids used neighbouring stream numbers.
                let before = u32::from(kind == "data") * 2;
                let old = || stream.wrapping_sub(before).to_string();
                let request = of("requestid").map_or_else(old, str::to_owned);
                let pair = pairs.entry(request.clone()).or_default();
                pair.port = port;
                if kind == "error" {
                    pair.error = Some(stream);
                } else {
                    let (sender, receiver) = mpsc::channel(WAITING);
                    pair.data = Some((stream, receiver));
                    if !fin {
                        inputs.insert(stream, sender);
                    }
                }
                if pair.error.is_some() && pair.data.is_some() {
                    let pair = pairs.remove(&request).expect("just seen");
                    let (target, sink) = (target.clone(), sink.clone());
                    let runtime = target.shell.runtime().clone();
                    runtime.spawn_native(async move { one(&target, pair, &sink).await });
                }
            }
            Heard::Data { stream, bytes, fin } => {
                if let Some(input) = inputs.get(&stream)
                    && !bytes.is_empty()
                {
                    // The Pod has closed: what is still sent to it is lost, as on any connection.
                    let _ = input.send(bytes).await;
                }
                if fin {
                    inputs.remove(&stream);
                }
            }
            Heard::Reset(stream) => drop(inputs.remove(&stream)),
            Heard::Ping(_) | Heard::GoAway => {}
        }
    }
}

/// Carries one connection, then ends both of its streams.
async fn one(target: &Target, pair: Pair, sink: &Sink) {
    let (Some(error), Some((data, input))) = (pair.error, pair.data) else {
        return;
    };
    match target.connect(pair.port).await {
        Ok(stream) => {
            let tell = async |bytes: Option<Vec<u8>>| match bytes {
                Some(bytes) => sink.say(Said::Data(data, bytes)).await,
                None => sink.say(Said::Fin(data)).await,
            };
            carry(stream, input, tell).await;
        }
        Err(cause) => {
            let bytes = cause.into_bytes();
            sink.say(Said::Data(error, bytes)).await;
            sink.say(Said::Fin(data)).await;
        }
    }
    sink.say(Said::Fin(error)).await;
}

/// Carries bytes both ways until the Pod has said everything or either side has gone.
async fn carry(
    stream: NetStream,
    mut input: mpsc::Receiver<Vec<u8>>,
    mut tell: impl AsyncFnMut(Option<Vec<u8>>) -> bool,
) {
    let (mut from, mut to) = tokio::io::split(stream);
    let typing = pin!(async {
        while let Some(bytes) = input.recv().await {
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
        // The client has said everything; the Pod may not have.
        std::future::pending::<()>().await;
    });
    let telling = pin!(async {
        let mut buffer = vec![0; READ];
        loop {
            match from.read(&mut buffer).await {
                Ok(count) if count > 0 => {
                    if !tell(Some(buffer[..count].to_vec())).await {
                        return;
                    }
                }
                _ => break,
            }
        }
        tell(None).await;
    });
    let _ = select(telling, typing).await;
}

/// Forwards by channel number: two channels for each port of the request, one connection each.
async fn by_number(target: Target, socket: upgrade::Socket, code: Code, ports: Vec<u16>) {
    let (mut ears, mut mouth) = channels::of_socket(socket, code);
    let (out, mut said) = mpsc::channel::<(u8, Vec<u8>)>(WAITING);
    let mut inputs = BTreeMap::new();
    for (index, port) in ports.iter().enumerate() {
        let Some(channel) = u8::try_from(index * 2)
            .ok()
            .filter(|channel| *channel < 254)
        else {
            break;
        };
        let (sender, input) = mpsc::channel(WAITING);
        inputs.insert(channel, sender);
        let (target, out, port) = (target.clone(), out.clone(), *port);
        let runtime = target.shell.runtime().clone();
        runtime.spawn_native(async move { numbered(&target, channel, port, input, out).await });
    }
    drop(out);
    let listen = pin!(async {
        while let Some(event) = ears.next().await {
            match event {
                Event::Data(channel, bytes) => {
                    if let Some(input) = inputs.get(&channel) {
                        let _ = input.send(bytes).await;
                    }
                }
                Event::End(channel) => drop(inputs.remove(&channel)),
            }
        }
    });
    let speak = pin!(async {
        while let Some((channel, bytes)) = said.recv().await {
            mouth.send(channel, &bytes).await?;
        }
        Mouth::close(&mut mouth).await;
        Ok::<_, Gone>(())
    });
    let _ = select(listen, speak).await;
}

/// One connection of a client that counts channels; both begin by naming the port.
async fn numbered(
    target: &Target,
    channel: u8,
    port: u16,
    input: mpsc::Receiver<Vec<u8>>,
    out: mpsc::Sender<(u8, Vec<u8>)>,
) {
    let name = |channel| out.send((channel, port.to_le_bytes().to_vec()));
    let (first, second) = join(name(channel), name(channel + 1)).await;
    if first.is_err() || second.is_err() {
        return;
    }
    match target.connect(port).await {
        Ok(stream) => {
            let tell = async |bytes: Option<Vec<u8>>| match bytes {
                Some(bytes) => out.send((channel, bytes)).await.is_ok(),
                None => true,
            };
            carry(stream, input, tell).await;
        }
        Err(cause) => drop(out.send((channel + 1, cause.into_bytes())).await),
    }
}

impl Target {
    /// Connects inside the Pod; the error is in containerd's words inside the kubelet's.
    async fn connect(&self, port: u16) -> Result<NetStream, String> {
        let sandbox = id(&[&self.namespace, &self.pod, "sandbox"]);
        let fail = |cause: &str| {
            let netns = uuid(&[&self.namespace, &self.pod, "netns"]);
            format!(
                "error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network namespace \"/var/run/netns/cni-{netns}\": failed to connect to localhost:{port} inside namespace \"{sandbox}\", IPv4: dial tcp4 127.0.0.1:{port}: {cause} IPv6 dial tcp6 [::1]:{port}: connect: connection refused "
            )
        };
        let Some(host) = self.shell.pod_host(&self.namespace, &self.pod) else {
            return Err(format!(
                "error forwarding port {port} to pod {sandbox}, uid : failed to find sandbox \"{sandbox}\" in store: not found"
            ));
        };
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        NetStream::connect(self.shell.runtime(), host, to, Origin::Program)
            .await
            .map_err(|cause| {
                fail(match cause {
                    NetError::TimedOut => "connect: connection timed out",
                    NetError::Reset => "connect: connection reset by peer",
                    _ => "connect: connection refused",
                })
            })
    }
}
