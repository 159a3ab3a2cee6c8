//! One client's connection: heads are found, requests are answered one by one, bodies are passed over,
//! and what the client still sends after the last answer is listened to for a while.

use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddrV4;
use std::rc::Rc;

use crate::conf::model::Config;
use crate::http::body::{BadChunk, Body as Frame};
use crate::http::request::{self, Finder, Limits, Reject, Request};
use crate::net;
use crate::net::system;
use crate::net::wire::{Gone, Got, Wire};
use crate::nginx::turn::{Turn, Verdict};
use crate::reply::{Body, Client, Part, Reply};

use super::out::Out;
use super::proxy::{self, Outcome};
use super::{Face, Server, tls};

/// How much of a file is read at a time.
const PIECE: usize = 64 * 1024;
/// How often a closed connection is listened to, and how long a silent one.
const MAX_LINGER_READS: usize = 1024;
/// How large a request's body may be that is kept for somebody else, whatever the configuration allows.
const MAX_BODY: usize = 64 << 20;

/// One connection and what of it was read.
pub(super) struct Talk {
    pub(super) server: Rc<Server>,
    pub(super) client: Client,
    pub(super) wire: Wire,
    /// What came and was not used yet.
    pub(super) buffer: Vec<u8>,
    /// What is left of the body of the request being answered.
    pub(super) body: Option<Frame>,
    busy: bool,
}

/// What becomes of the connection after an answer.
pub(super) enum After {
    /// It waits for the next request, so many milliseconds.
    Keep(u64),
    /// It is closed; the client may still be sending.
    Close(u64),
    /// It is of no more use.
    Gone,
}

/// What a client began with.
enum Head {
    Request(Box<Request>),
    Reject(Reject),
}

impl Drop for Talk {
    fn drop(&mut self) {
        let house = &self.server.house;
        house.active.set(house.active.get() - 1);
        self.set_busy(false);
    }
}

/// Serves one client until it leaves.
pub(super) async fn serve(
    server: Rc<Server>,
    wire: Wire,
    local: SocketAddrV4,
    remote: SocketAddrV4,
) {
    let house = &server.house;
    house.accepted.set(house.accepted.get() + 1);
    house.active.set(house.active.get() + 1);
    let client = Client {
        id: house.accepted.get(),
        remote,
        local,
        ..Client::default()
    };
    let mut talk = Talk {
        server,
        client,
        wire,
        buffer: Vec::new(),
        body: None,
        busy: false,
    };
    talk.run().await;
}

impl Talk {
    async fn run(&mut self) {
        let (limits, patience_ms) = self.manners();
        let mut plain_on_tls = false;
        if let Some(config) = self.tls_config() {
            match tls::begin(self, config, patience_ms).await {
                tls::Begun::Sealed => {}
                tls::Begun::Plain => plain_on_tls = true,
                tls::Begun::Gone => return,
            }
        }
        let mut patience_ms = patience_ms;
        let mut limits = limits;
        loop {
            let Some(head) = self.head(&limits, patience_ms).await else {
                return;
            };
            let head = match head {
                Head::Request(request) if plain_on_tls => Head::Reject(Reject {
                    status: 497,
                    line: request.line().to_vec(),
                    reason: "client sent plain HTTP request to HTTPS port",
                }),
                head => head,
            };
            self.set_busy(true);
            match self.answer(&head).await {
                After::Keep(ms) => {
                    self.client.served += 1;
                    patience_ms = ms;
                    (limits, _) = self.manners();
                    if self.skip_body(ms).await.is_err() {
                        return;
                    }
                    self.set_busy(!self.buffer.is_empty());
                    if self.server.stopping.get() && self.buffer.is_empty() {
                        return self.wire.finish(1000).await;
                    }
                }
                After::Close(linger_ms) => return self.close(linger_ms).await,
                After::Gone => return,
            }
        }
    }

    /// How large heads may be, and how long the first may take.
    fn manners(&self) -> (Limits, u64) {
        match self.server.face() {
            Face::Nginx(config, _) => {
                let listen = config.listen(self.client.local);
                let server = listen.and_then(|listen| listen.servers.first());
                server.map_or((Limits::default(), 60_000), |at| {
                    let server = &config.servers[*at];
                    (server.limits, server.header_timeout_ms)
                })
            }
            Face::Httpd(apache) => apache.manners(),
        }
    }

    fn tls_config(&self) -> Option<std::sync::Arc<rustls::ServerConfig>> {
        match self.server.face() {
            Face::Nginx(config, certificates) => {
                let listen = config
                    .listen(self.client.local)
                    .filter(|listen| listen.tls)?;
                certificates.of(listen.address)
            }
            Face::Httpd(_) => None,
        }
    }

    fn set_busy(&mut self, busy: bool) {
        if busy == self.busy {
            return;
        }
        self.busy = busy;
        let (server, house) = (&self.server, &self.server.house);
        let count = server.busy.get();
        server.busy.set(if busy { count + 1 } else { count - 1 });
        house.writing.set(server.busy.get());
        server.end_when_quiet();
    }

    /// The next head; nothing when the client leaves or says nothing for too long.
    async fn head(&mut self, limits: &Limits, patience_ms: u64) -> Option<Head> {
        let mut finder = Finder::default();
        loop {
            if !self.buffer.is_empty() {
                match finder.find(&self.buffer, limits) {
                    Ok(Some(place)) => {
                        let parsed = request::parse(&self.buffer[place.clone()], limits);
                        self.buffer.drain(..place.end);
                        return Some(match parsed {
                            Ok(request) => {
                                self.body = request.body;
                                Head::Request(Box::new(request))
                            }
                            Err(reject) => Head::Reject(reject),
                        });
                    }
                    Ok(None) => self.set_busy(true),
                    Err(reject) => return Some(Head::Reject(reject)),
                }
            }
            match self.wire.read(&mut self.buffer, patience_ms).await {
                Got::Bytes(_) => {}
                Got::End | Got::Late | Got::Broken(_) => return None,
            }
        }
    }

    async fn answer(&mut self, head: &Head) -> After {
        let house = &self.server.house;
        house.requests.set(house.requests.get() + 1);
        let bad = self.bad_body(head);
        let head = bad.as_ref().unwrap_or(head);
        match self.server.face() {
            Face::Nginx(config, _) => self.nginx(&config, head).await,
            Face::Httpd(apache) => {
                let now = system::wall();
                let (request, reject) = match head {
                    Head::Request(request) => (Some(&**request), None),
                    Head::Reject(reject) => (None, Some(reject)),
                };
                let mut reply = apache.answer(&self.client, now, request, reject);
                reply.reply.keep_alive &= !self.server.stopping.get();
                let (sent, outcome) = self.send(&mut reply.reply).await;
                let logs = &self.server.logs;
                for (target, line) in apache.lines(&self.client, now, request, reject, &reply, sent)
                {
                    logs.write(&target, &line);
                }
                after(&reply.reply, outcome, 2_000)
            }
        }
    }

    /// A body whose first bytes are nonsense spoils the request it belongs to.
    fn bad_body(&self, head: &Head) -> Option<Head> {
        let Head::Request(request) = head else {
            return None;
        };
        let (mut body, mut rest) = (self.body?, self.buffer.as_slice());
        while !rest.is_empty() {
            let Ok(taken) = body.take(rest) else {
                return Some(Head::Reject(Reject {
                    status: 400,
                    line: request.line().to_vec(),
                    reason: "client sent invalid chunked body",
                }));
            };
            rest = &rest[taken.frame + taken.data..];
            if taken.done {
                break;
            }
        }
        None
    }

    async fn nginx(&mut self, config: &Config, head: &Head) -> After {
        let server = Rc::clone(&self.server);
        let nobody = Request::default();
        let client = self.client.clone();
        let (request, reject) = match head {
            Head::Request(request) => (&**request, None),
            Head::Reject(reject) => (&nobody, Some(reject)),
        };
        let now = system::wall();
        let mut turn = Turn::new(config, &server.house, &client, request, now, net::now_ns());
        let mut verdict = match reject {
            Some(reject) => turn.refuse(reject),
            None => turn.run(),
        };
        let after = loop {
            verdict = match verdict {
                Verdict::Wait(ms) => {
                    net::sleep(ms).await;
                    turn.run()
                }
                Verdict::Silence => {
                    turn.status = 444;
                    break After::Gone;
                }
                Verdict::Say(draft) => {
                    let mut reply = turn.finish(*draft, server.stopping.get());
                    let (sent, outcome) = self.send(&mut reply).await;
                    turn.sent = sent;
                    turn.complete = outcome.is_ok();
                    let linger = turn.settings().lingering_timeout;
                    let linger = if turn.settings().lingering_close {
                        linger
                    } else {
                        0
                    };
                    break after(&reply, outcome, linger);
                }
                Verdict::Proxy(pass) => match proxy::pass(self, &mut turn, &pass).await {
                    Outcome::Done(after) => break after,
                    Outcome::Failed(status) => turn.failed(status),
                    Outcome::Moved(target) => turn.redirected(target),
                },
            }
        };
        turn.ended_ns = net::now_ns();
        for (target, line) in turn.error_lines() {
            server.logs.write(&target, &line);
        }
        for (target, line) in turn.access_lines() {
            server.logs.write(&target, &line);
        }
        after
    }

    /// Sends head and body; how much of the body went, and whether all of it did.
    pub(super) async fn send(&mut self, reply: &mut Reply) -> (u64, Result<(), Gone>) {
        let mut bytes = std::mem::take(&mut reply.head);
        let head = bytes.len();
        let mut out = Out::new(reply.gzip, reply.chunked);
        let mut pace = Pace::new(reply);
        match std::mem::take(&mut reply.body) {
            Body::Empty => {}
            Body::Bytes(body) => out.push(&body, &mut bytes),
            Body::Shared(body) => out.push(&body, &mut bytes),
            Body::File(file, parts) => {
                let first = std::mem::take(&mut bytes);
                return self.send_file(first, file, parts, out, pace).await;
            }
        }
        out.end(&mut bytes);
        let body = bytes.len() - head;
        match pace.write(&mut self.wire, &bytes, head).await {
            Ok(()) => (body as u64, Ok(())),
            Err(gone) => (0, Err(gone)),
        }
    }

    async fn send_file(
        &mut self,
        mut bytes: Vec<u8>,
        mut file: std::fs::File,
        parts: Vec<Part>,
        mut out: Out,
        mut pace: Pace,
    ) -> (u64, Result<(), Gone>) {
        const SHORT: Gone = Gone::Broken((5, "Input/output error"));
        let mut head = bytes.len();
        let (mut sent, mut piece) = (0, vec![0; PIECE]);
        for part in parts {
            let (from, mut left) = match part {
                Part::Text(text) => {
                    out.push(&text, &mut bytes);
                    continue;
                }
                Part::Bytes(from, count) => (from, count),
            };
            if from > 0 && file.seek(SeekFrom::Start(from)).is_err() {
                return (sent, Err(SHORT));
            }
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
                // A file that shrinks under us cannot be completed; closing says so.
                let got = file.read(&mut piece[..most]).unwrap_or(0);
                if got == 0 {
                    return (sent, Err(SHORT));
                }
                left -= got as u64;
                out.push(&piece[..got], &mut bytes);
                if let Err(gone) = pace.write(&mut self.wire, &bytes, head).await {
                    return (sent, Err(gone));
                }
                sent += (bytes.len() - head) as u64;
                head = 0;
                bytes.clear();
            }
        }
        out.end(&mut bytes);
        let rest = (bytes.len() - head.min(bytes.len())) as u64;
        match pace.write(&mut self.wire, &bytes, head).await {
            Ok(()) => (sent + rest, Ok(())),
            Err(gone) => (sent, Err(gone)),
        }
    }

    /// The data of the body that is at hand or comes next; nothing at its end.
    pub(super) async fn body_piece(&mut self, patience_ms: u64) -> Result<Option<Vec<u8>>, u16> {
        loop {
            let Some(body) = &mut self.body else {
                return Ok(None);
            };
            if !self.buffer.is_empty() {
                let taken = body.take(&self.buffer).map_err(|BadChunk| 400_u16)?;
                let end = taken.frame + taken.data;
                let data = self.buffer[taken.frame..end].to_vec();
                self.buffer.drain(..end);
                if taken.done {
                    self.body = None;
                }
                if !data.is_empty() {
                    return Ok(Some(data));
                }
                continue;
            }
            match self.wire.read(&mut self.buffer, patience_ms).await {
                Got::Bytes(_) => {}
                Got::Late => return Err(408),
                Got::End | Got::Broken(_) => return Err(499),
            }
        }
    }

    /// The whole body, up to a size.
    pub(super) async fn whole_body(&mut self, most: u64, patience_ms: u64) -> Result<Vec<u8>, u16> {
        let most = if most == 0 { u64::MAX } else { most };
        let mut whole = Vec::new();
        while let Some(piece) = self.body_piece(patience_ms).await? {
            whole.extend_from_slice(&piece);
            if whole.len() as u64 > most || whole.len() > MAX_BODY {
                return Err(413);
            }
        }
        Ok(whole)
    }

    /// Passes over what is left of a body.
    async fn skip_body(&mut self, patience_ms: u64) -> Result<(), u16> {
        while self.body_piece(patience_ms).await?.is_some() {}
        Ok(())
    }

    /// Closes our half and waits for the client's, so that unread bytes do not reset the last answer away.
    async fn close(&mut self, linger_ms: u64) {
        let whole = self.body.is_none() && self.buffer.is_empty();
        self.wire.finish(linger_ms.max(1000)).await;
        self.set_busy(false);
        if whole || linger_ms == 0 {
            return;
        }
        for _ in 0..MAX_LINGER_READS {
            self.buffer.clear();
            match self.wire.read(&mut self.buffer, linger_ms).await {
                Got::Bytes(_) => {}
                _ => break,
            }
        }
    }
}

pub(super) fn after(reply: &Reply, outcome: Result<(), Gone>, linger_ms: u64) -> After {
    match outcome {
        Err(_) => After::Gone,
        Ok(()) if reply.keep_alive => After::Keep(reply.idle_ms),
        Ok(()) => After::Close(linger_ms),
    }
}

/// How fast an answer may go.
pub(super) struct Pace {
    rate: u64,
    after: u64,
    patience_ms: u64,
    sent: u64,
    began_ns: u64,
}

impl Pace {
    pub(super) fn new(reply: &Reply) -> Self {
        Self {
            rate: reply.rate,
            after: reply.rate_after,
            patience_ms: if reply.send_ms == 0 {
                60_000
            } else {
                reply.send_ms
            },
            sent: 0,
            began_ns: net::now_ns(),
        }
    }

    /// Writes bytes of which so many are head, no faster than allowed.
    pub(super) async fn write(
        &mut self,
        wire: &mut Wire,
        bytes: &[u8],
        head: usize,
    ) -> Result<(), Gone> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.rate == 0 {
            return wire.write(bytes, self.patience_ms).await;
        }
        let step = usize::try_from(self.rate.div_ceil(4))
            .unwrap_or(PIECE)
            .max(1);
        wire.write(&bytes[..head], self.patience_ms).await?;
        for piece in bytes[head..].chunks(step) {
            wire.write(piece, self.patience_ms).await?;
            self.sent += piece.len() as u64;
            let slow = self.sent.saturating_sub(self.after);
            let due_ns = u128::from(slow) * 1_000_000_000 / u128::from(self.rate);
            let due_ns = self.began_ns + u64::try_from(due_ns).unwrap_or(u64::MAX / 2);
            let early_ns = due_ns.saturating_sub(net::now_ns());
            if early_ns > 1_000_000 {
                net::sleep(early_ns / 1_000_000).await;
            }
        }
        Ok(())
    }
}
