//! `proxy_pass`: a request goes to a server behind us, and its answer comes back as ours.
//! It chooses nothing (`peers`) and says no pages: a failure is a status for `Turn::failed`.

mod ask;
mod back;
mod tls;

use std::cell::RefCell;
use std::net::SocketAddrV4;

use crate::conf::model::{Balance, Level, Peer, PeerState, ProxyPass, ProxyTarget, Upstream};
use crate::http::answer::{self, Answer, Bad};
use crate::net;
use crate::net::system::Socket;
use crate::net::wire::{Got, Wire};
use crate::nginx::turn::{Asked, Turn};

use super::peers::{self, Chosen};
use super::talk::{After, Talk};

/// What came of passing a request on.
pub(super) enum Outcome {
    /// It was answered.
    Done(After),
    /// It was not; this is the status to say.
    Failed(u16),
    /// The upstream asked for another place of ours.
    Moved(String),
}

/// Where a request is passed to.
struct Way<'a> {
    upstream: &'a Upstream,
    tls: bool,
    /// What `$proxy_host` says.
    host: String,
    /// The path of `proxy_pass`, if it has one.
    uri: Option<String>,
    /// Whether `uri` is the whole target already.
    whole: bool,
}

/// Why a peer did not answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The word of `proxy_next_upstream`.
    kind: &'static str,
    /// What the client is told when nobody else is asked.
    status: u16,
    /// What the error log is told.
    words: String,
    /// Whether the peer had closed a connection that was kept, before it was asked.
    stale: bool,
    /// Whether the request may have reached it.
    sent: bool,
}

impl Failure {
    fn new(kind: &'static str, status: u16, words: &str) -> Self {
        Self {
            kind,
            status,
            words: words.to_owned(),
            stale: false,
            sent: true,
        }
    }
}

/// A connection to a peer and the head of its answer; what follows the head is in `rest`.
struct Heard {
    wire: Wire,
    answer: Answer,
    rest: Vec<u8>,
}

/// Passes a request on.
pub(super) async fn pass(talk: &mut Talk, turn: &mut Turn<'_>, pass: &ProxyPass) -> Outcome {
    if let Err(status) = take_body(talk, turn).await {
        return refused(turn, status);
    }
    turn.passes.push(turn.asked.len());
    let made;
    let way = match &pass.target {
        ProxyTarget::Upstream(at) => Way {
            upstream: turn.upstream(*at),
            tls: pass.tls,
            host: pass.host.clone(),
            uri: pass.uri.clone(),
            whole: false,
        },
        ProxyTarget::Dynamic(template) => {
            let url = turn.render_text(template);
            match dynamic(turn, &url).await {
                Ok((upstream, tls, host, uri)) => {
                    made = upstream;
                    Way {
                        upstream: match &made {
                            Ok(at) => turn.upstream(*at),
                            Err(upstream) => upstream,
                        },
                        tls,
                        host,
                        uri,
                        whole: true,
                    }
                }
                Err((status, words)) => {
                    turn.note(Level::Error, words);
                    return Outcome::Failed(status);
                }
            }
        }
    };
    turn.proxy_host.clone_from(&way.host);
    let request = ask::request(turn, way.uri.as_deref(), way.whole);
    let (heard, chosen) = match try_peers(talk, turn, &way, &request).await {
        Ok(heard) => heard,
        Err(status) => return Outcome::Failed(status),
    };
    back::pass_back(talk, turn, pass, &way, heard, chosen).await
}

/// The request's body, whole; the client is invited to send it if it waits for that.
async fn take_body(talk: &mut Talk, turn: &mut Turn<'_>) -> Result<(), u16> {
    if turn.body.is_some() || talk.body.is_none() {
        return Ok(());
    }
    if turn.expects() && talk.buffer.is_empty() {
        let invited = b"HTTP/1.1 100 Continue\r\n\r\n";
        talk.wire
            .write(invited, 10_000)
            .await
            .map_err(|_| 499_u16)?;
    }
    let (most, patience_ms) = {
        let settings = turn.settings();
        (settings.client_max_body_size, settings.client_body_timeout)
    };
    let body = talk.whole_body(most, patience_ms).await?;
    turn.body = Some(body);
    Ok(())
}

fn refused(turn: &mut Turn<'_>, status: u16) -> Outcome {
    match status {
        413 => {
            let words = "client intended to send too large chunked body";
            turn.note(Level::Error, words.to_owned());
            Outcome::Failed(413)
        }
        400 => Outcome::Failed(400),
        status => {
            turn.status = status;
            Outcome::Done(After::Gone)
        }
    }
}

type Dynamic = (Result<usize, Upstream>, bool, String, Option<String>);

/// An address that variables made: an upstream by its number or of its own.
async fn dynamic(turn: &Turn<'_>, url: &str) -> Result<Dynamic, (u16, String)> {
    let lower = url.to_ascii_lowercase();
    let (tls, rest) = match (
        lower.strip_prefix("http://"),
        lower.strip_prefix("https://"),
    ) {
        (Some(_), _) => (false, &url[7..]),
        (_, Some(_)) => (true, &url[8..]),
        _ => return Err((500, format!("invalid URL prefix in \"{url}\""))),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, uri) = rest.split_at(end);
    let uri = match uri {
        "" => None,
        uri if uri.starts_with('?') => Some(format!("/{uri}")),
        uri => Some(uri.to_owned()),
    };
    if let Some(at) = turn.upstream_named(host) {
        return Ok((Ok(at), tls, host.to_owned(), uri));
    }
    let usual = if tls { 443 } else { 80 };
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let port = match port {
        "" => usual,
        port => match port.parse() {
            Ok(port) => port,
            Err(_) => return Err((500, format!("invalid port in upstream \"{host}\""))),
        },
    };
    let addresses = match (name.parse(), turn.settings().resolver) {
        (Ok(address), _) => vec![address],
        (Err(_), None) => return Err((502, format!("no resolver defined to resolve {name}"))),
        (Err(_), Some(server)) => {
            net::dns::resolve(server, name)
                .await
                .map_err(|(number, words)| {
                    (
                        502,
                        format!("{name} could not be resolved ({number}: {words})"),
                    )
                })?
        }
    };
    let peers: Vec<Peer> = addresses
        .into_iter()
        .map(|address| Peer {
            address: SocketAddrV4::new(address, port),
            weight: 1,
            max_fails: 1,
            fail_timeout_ms: 10_000,
            max_conns: 0,
            backup: false,
            down: false,
        })
        .collect();
    let state = peers.iter().map(|_| PeerState {
        effective: 1,
        ..PeerState::default()
    });
    let upstream = Upstream {
        name: host.to_owned(),
        balance: Balance::RoundRobin,
        keepalive: 0,
        keepalive_ms: 0,
        state: RefCell::new(state.collect()),
        peers,
    };
    Ok((Err(upstream), tls, host.to_owned(), uri))
}

/// Asks one peer after another until one answers; the status when none does.
async fn try_peers<'w>(
    talk: &mut Talk,
    turn: &mut Turn<'_>,
    way: &Way<'w>,
    request: &[u8],
) -> Result<(Heard, Chosen<'w>), u16> {
    let mut tried = Vec::new();
    let mut last = 502;
    let began_ns = net::now_ns();
    let peers = way.upstream.peers.len() as u64;
    let most = match turn.settings().proxy_next_tries {
        0 => peers,
        tries => tries.min(peers),
    };
    loop {
        let client = *talk.client.remote.ip();
        let chosen = peers::choose(way.upstream, &tried, client);
        let Some((at, chosen)) = chosen else {
            if tried.is_empty() || last == 502 {
                turn.asked.push(Asked {
                    address: way.upstream.name.clone(),
                    status: 502,
                    ..Asked::default()
                });
                let words = "no live upstreams while connecting to upstream";
                turn.note(Level::Error, words.to_owned());
                return Err(502);
            }
            return Err(last);
        };
        tried.push(at);
        let limit = turn.settings().proxy_next_timeout;
        let spent = tried.len() as u64 >= most
            || (limit > 0 && net::now_ns() - began_ns > limit * 1_000_000);
        let failure = match one_peer(talk, turn, way, &chosen, request).await {
            Ok(heard) => {
                let status = heard.answer.status;
                let kind = match status {
                    403 => "http_403",
                    404 => "http_404",
                    429 => "http_429",
                    500 => "http_500",
                    502 => "http_502",
                    503 => "http_503",
                    504 => "http_504",
                    _ => "",
                };
                if spent || kind.is_empty() || !may_ask_next(turn, kind, true) {
                    return Ok((heard, chosen));
                }
                let mut failure = Failure::new(kind, status, "");
                failure.sent = true;
                failure
            }
            Err(failure) => failure,
        };
        if !matches!(failure.kind, "http_403" | "http_404") {
            chosen.failed();
        }
        if let Some(asked) = turn.asked.last_mut() {
            asked.status = failure.status;
        }
        if !failure.words.is_empty() {
            turn.note(Level::Error, failure.words.clone());
        }
        last = failure.status;
        if spent || !may_ask_next(turn, failure.kind, failure.sent) {
            return Err(last);
        }
    }
}

/// Whether the next peer may be asked after such a failure.
fn may_ask_next(turn: &Turn<'_>, kind: &str, sent: bool) -> bool {
    let next = &turn.settings().proxy_next;
    let once = matches!(turn.method, "POST" | "LOCK" | "PATCH");
    if next.contains("off") || (once && sent && !next.contains("non_idempotent")) {
        return false;
    }
    next.contains(kind)
}

/// Asks one peer, over a kept connection if there is one; a kept one that turns out to be closed
/// is replaced.
async fn one_peer(
    talk: &mut Talk,
    turn: &mut Turn<'_>,
    way: &Way<'_>,
    chosen: &Chosen<'_>,
    request: &[u8],
) -> Result<Heard, Failure> {
    let address = chosen.address();
    turn.asked.push(Asked {
        address: address.to_string(),
        ..Asked::default()
    });
    let began_ns = net::now_ns();
    let ms = || (net::now_ns() - began_ns) / 1_000_000;
    let mut kept = talk.server.idle.take(address, way.tls);
    loop {
        let reused = kept.is_some();
        let wire = match kept.take() {
            Some(wire) => Ok(wire),
            None => connect(turn, way, address).await,
        };
        if let Some(asked) = turn.asked.last_mut() {
            asked.connect_ms = wire.is_ok().then(ms);
            asked.response_ms = ms();
        }
        let heard = hear(turn, wire?, request).await;
        if let Some(asked) = turn.asked.last_mut() {
            asked.header_ms = heard.is_ok().then(ms);
            asked.response_ms = ms();
        }
        match heard {
            Err(failure) if reused && failure.stale => {}
            heard => return heard,
        }
    }
}

async fn connect(turn: &Turn<'_>, way: &Way<'_>, address: SocketAddrV4) -> Result<Wire, Failure> {
    let patience_ms = turn.settings().proxy_connect_timeout;
    let until_ns = net::now_ns() + patience_ms * 1_000_000;
    let socket = match Socket::connect(address, until_ns).await {
        Ok(socket) => socket,
        Err((110, _)) => {
            let words =
                "upstream timed out (110: Connection timed out) while connecting to upstream";
            let mut failure = Failure::new("timeout", 504, words);
            failure.sent = false;
            return Err(failure);
        }
        Err((number, words)) => {
            let words =
                format!("connect() failed ({number}: {words}) while connecting to upstream");
            let mut failure = Failure::new("error", 502, &words);
            failure.sent = false;
            return Err(failure);
        }
    };
    if way.tls {
        return tls::seal(turn, way, socket, patience_ms).await;
    }
    Ok(Wire::Plain(socket))
}

/// Sends the request and waits for the head of the answer.
async fn hear(turn: &mut Turn<'_>, mut wire: Wire, request: &[u8]) -> Result<Heard, Failure> {
    let (send_ms, read_ms, buffer) = {
        let settings = turn.settings();
        (
            settings.proxy_send_timeout,
            settings.proxy_read_timeout,
            settings.proxy_buffer_size,
        )
    };
    let closed = |stale| {
        let words =
            "upstream prematurely closed connection while reading response header from upstream";
        let mut failure = Failure::new("error", 502, words);
        failure.stale = stale;
        failure
    };
    // A peer may answer and close before it has read everything; its answer counts.
    let sent = wire.write(request, send_ms).await;
    let mut bytes = Vec::new();
    loop {
        match answer::parse(&bytes, buffer) {
            Ok(None) => {}
            Ok(Some((answer, end))) if matches!(answer.status, 100 | 102 | 103) => {
                bytes.drain(..end);
                continue;
            }
            Ok(Some((answer, end))) => {
                let rest = bytes.split_off(end);
                return Ok(Heard { wire, answer, rest });
            }
            Err(bad) => {
                let words = match bad {
                    Bad::TooBig => {
                        "upstream sent too big header while reading response header from upstream"
                    }
                    Bad::Header => {
                        "upstream sent invalid header while reading response header from upstream"
                    }
                    Bad::StatusLine => {
                        "upstream sent no valid HTTP/1.0 header while reading response header from upstream"
                    }
                };
                return Err(Failure::new("invalid_header", 502, words));
            }
        }
        if bytes.is_empty() && sent.is_err() {
            return Err(closed(true));
        }
        match wire.read(&mut bytes, read_ms).await {
            Got::Bytes(count) => {
                if let Some(asked) = turn.asked.last_mut() {
                    asked.received += count as u64;
                }
            }
            Got::End => return Err(closed(bytes.is_empty())),
            Got::Late => {
                let words = "upstream timed out (110: Connection timed out) while reading response header from upstream";
                return Err(Failure::new("timeout", 504, words));
            }
            Got::Broken((number, words)) => {
                let words = format!(
                    "recv() failed ({number}: {words}) while reading response header from upstream"
                );
                let mut failure = Failure::new("error", 502, &words);
                failure.stale = bytes.is_empty();
                return Err(failure);
            }
        }
    }
}
