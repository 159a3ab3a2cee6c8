//! One transfer: requests and answers until there is nothing to follow.
//! The order of what is told is curl's; what is sent and understood is in `request` and `head`.

mod connect;
mod follow;
mod hello;
mod receive;
mod send;
mod tunnel;

use std::time::{Duration, Instant};

use crate::args::{Auth, Operation};
use crate::auth::{Challenge, Login};
use crate::failure::Failure;
use crate::head::Head;
use crate::link::{self, Link, Stop};
use crate::meter::{Meter, Progress};
use crate::net::Deadline;
use crate::output::Sink;
use crate::proxy::Proxy;
use crate::request::{Ask, Body};
use crate::session::Session;
use crate::url::Url;
use crate::write_out::Report;

/// One transfer under way.
pub(crate) struct Transfer<'a, 'b> {
    pub(crate) session: &'b mut Session<'a>,
    pub(crate) operation: &'b Operation,
    pub(crate) sink: &'b mut Sink<'a>,
    pub(crate) header_sink: Option<&'b mut Sink<'a>>,
    pub(crate) meter: &'b mut Meter<'a>,
    pub(crate) report: &'b mut Report,
    pub(crate) deadline: Deadline,
    pub(crate) progress: Progress,
    pub(crate) state: State,
}

/// What changes from request to request.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) url: Url,
    pub(crate) method: String,
    pub(crate) body: Body,
    pub(crate) range: Option<String>,
    /// From where on a download goes on.
    pub(crate) resume: u64,
    pub(crate) referrer: Option<String>,
    pub(crate) login: Option<Login>,
    /// Host and port that `-u` and headers of one's own are for.
    pub(crate) first: Option<(String, u16)>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce_uses: u32,
    /// Basic was chosen by `--anyauth`.
    pub(crate) chose_basic: bool,
    pub(crate) proxy: Option<Proxy>,
    /// The server refused to be asked first.
    pub(crate) no_expect: bool,
    /// The same request is to be sent once more.
    pub(crate) ask_again: bool,
    /// Bytes of the body sent with this request.
    pub(crate) sent: u64,
    /// Since when the transfer is too slow, and the bytes then.
    pub(crate) slow: Option<(Instant, u64)>,
    pub(crate) body_start: Instant,
}

/// How an answer ended.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) stays: bool,
}

/// The limits of a transfer that begins now.
pub(crate) fn deadline(operation: &Operation) -> Deadline {
    Deadline {
        start: Instant::now(),
        whole: operation.max_time,
        connect: operation.connect_timeout,
    }
}

impl Transfer<'_, '_> {
    /// Asks, and asks again where redirects and logins lead.
    pub(crate) fn run(&mut self) -> Result<(), Failure> {
        let outcome = self.follow();
        self.report.time_total = self.deadline.start.elapsed();
        outcome
    }

    /// One request and its answer.
    fn exchange(&mut self) -> Result<Head, Failure> {
        self.state.sent = 0;
        self.progress = Progress {
            before: self.state.resume,
            ..Progress::default()
        };
        let mut link = self.link()?;
        self.note_ends(&link);
        let outcome = match self.talk(&mut link) {
            // A kept connection that the other side has closed meanwhile is no failure: a fresh one is.
            Err(failure)
                if link.used && matches!(failure.code, 52 | 55 | 56) && self.progress.down == 0 =>
            {
                self.session
                    .trace
                    .info("Connection died, retrying a fresh connect (retry count: 1)");
                self.close(&mut link);
                link = self.connect()?;
                self.note_ends(&link);
                self.talk(&mut link)
            }
            other => other,
        };
        match outcome {
            Ok(answer) => {
                self.meter.finish(&self.progress);
                if answer.stays {
                    let text = format!(
                        "Connection #{} to host {} left intact",
                        link.number, link.name
                    );
                    self.session.trace.info(&text);
                    link.used = true;
                    self.session.keep(link);
                } else {
                    self.close(&mut link);
                }
                Ok(answer.head)
            }
            Err(failure) => {
                self.session.trace.info(&failure.message);
                self.meter.finish(&self.progress);
                self.close(&mut link);
                Err(failure)
            }
        }
    }

    fn note_ends(&mut self, link: &Link) {
        self.report.remote = Some(link.remote);
        self.report.local = link.wire.tcp().local_addr().ok();
        self.report.verify = link.verify;
    }

    fn close(&mut self, link: &mut Link) {
        let number = link.number;
        self.session
            .trace
            .info(&format!("Closing connection {number}"));
        self.goodbye(link);
    }

    fn talk(&mut self, link: &mut Link) -> Result<Answer, Failure> {
        let ask = self.ask(link);
        self.report.method.clone_from(&ask.method);
        self.send(link, &ask)
    }

    /// The request as it is to be written now.
    fn ask(&mut self, link: &Link) -> Ask {
        let state = &mut self.state;
        let trusted =
            state.first.as_ref().is_none_or(|first| {
                *first == (state.url.host.to_ascii_lowercase(), state.url.port())
            }) || self.operation.location_trusted;
        let by_proxy = state.proxy.as_ref().is_some_and(|proxy| !proxy.tunnel);
        let proxy_login = state.proxy.as_ref().and_then(|proxy| proxy.login.clone());
        let proxy_authorization = proxy_login.filter(|_| by_proxy).map(|login| {
            let text = format!("Proxy auth using Basic with user '{}'", login.user);
            self.session.trace.info(&text);
            login.basic()
        });
        let (authorization, hold_body) = self.authorization(trusted);
        let state = &self.state;
        let place = crate::cookie::Place {
            host: &state.url.host,
            path: &state.url.target,
            secure: state.url.scheme == crate::url::Scheme::Https,
        };
        let now = crate::now();
        let jar = self.session.jar.as_mut();
        let mut cookies: Vec<String> = jar
            .and_then(|jar| jar.header(place, now))
            .into_iter()
            .collect();
        let own = crate::request::own(&self.operation.headers, "Cookie").is_some();
        if own {
            cookies.clear();
        } else if !self.operation.cookies.is_empty() {
            cookies.push(self.operation.cookies.join(";"));
        }
        Ask {
            method: state.method.clone(),
            url: state.url.clone(),
            body: state.body.clone(),
            hold_body,
            authorization,
            proxy_authorization,
            by_proxy,
            range: state.range.clone(),
            cookies: (!cookies.is_empty()).then(|| cookies.join("; ")),
            referrer: state.referrer.clone(),
            trusted,
            http10: self.operation.http10 || link.old,
        }
    }

    /// The value of `Authorization`, and whether the body waits for the server's challenge.
    fn authorization(&mut self, trusted: bool) -> (Option<String>, bool) {
        let state = &mut self.state;
        let own = crate::request::own(&self.operation.headers, "Authorization").is_some();
        if !trusted || own {
            return (None, false);
        }
        let Some(login) = &state.login else {
            let bearer = self.operation.bearer.as_ref();
            return (
                bearer.map(|token| {
                    self.session
                        .trace
                        .info("Server auth using Bearer with user ''");
                    format!("Bearer {token}")
                }),
                false,
            );
        };
        let (way, value, hold) = match (self.operation.auth, &state.challenge) {
            (Auth::Basic, _) => ("Basic", Some(login.basic()), false),
            (_, Some(challenge)) => {
                let uri = self
                    .operation
                    .request_target
                    .as_ref()
                    .unwrap_or(&state.url.target);
                let value = challenge.answer(login, &state.method, uri, state.nonce_uses);
                state.nonce_uses += 1;
                ("Digest", Some(value), false)
            }
            (Auth::Any, None) if state.chose_basic => ("Basic", Some(login.basic()), false),
            (Auth::Any, None) => return (None, true),
            (Auth::Digest, None) => ("Digest", None, true),
        };
        let text = format!("Server auth using {way} with user '{}'", login.user);
        self.session.trace.info(&text);
        (value, hold)
    }

    fn stopped(&self, stop: Stop, doing: &str) -> Failure {
        link::failure(stop, doing, || {
            let total = self
                .progress
                .total
                .map_or(String::new(), |total| format!(" out of {total}"));
            let (after, down) = (self.deadline.elapsed_ms(), self.progress.down);
            format!(
                "Operation timed out after {after} milliseconds with {down}{total} bytes received"
            )
        })
    }

    /// More bytes, while meter and limits are minded.
    fn fill(&mut self, link: &mut Link) -> Result<usize, Failure> {
        let watched = self.meter.is_shown() || self.operation.speed_limit > 0;
        let tick = watched.then_some(Duration::from_secs(1));
        loop {
            self.mind_speed()?;
            match link.fill(&self.deadline, tick) {
                Ok(Some(count)) => return Ok(count),
                Ok(None) => self.meter.tick(&self.progress),
                Err(stop) => return Err(self.stopped(stop, "Recv failure")),
            }
        }
    }

    /// `-y` and `-Y`.
    fn mind_speed(&mut self) -> Result<(), Failure> {
        let (limit, time) = (self.operation.speed_limit, self.operation.speed_time);
        if limit == 0 || time.is_zero() {
            return Ok(());
        }
        let moved = self.progress.down + self.progress.up;
        let now = Instant::now();
        match self.state.slow {
            Some((since, before)) => {
                let passed = now.duration_since(since);
                if passed < time {
                    return Ok(());
                }
                let speed = u128::from(moved - before) * 1000 / passed.as_millis().max(1);
                if speed < u128::from(limit) {
                    let seconds = time.as_secs();
                    return Err(Failure::new(
                        28,
                        format!(
                            "Operation too slow. Less than {limit} bytes/sec transferred the last {seconds} seconds"
                        ),
                    ));
                }
                self.state.slow = Some((now, moved));
            }
            None => self.state.slow = Some((now, moved)),
        }
        Ok(())
    }

    /// `--limit-rate`: waits until this many bytes may have moved.
    fn mind_rate(&self, moved: u64) {
        if let Some(rate) = self.operation.limit_rate {
            let due = Duration::from_micros(moved.saturating_mul(1_000_000) / rate);
            let passed = self.state.body_start.elapsed();
            if due > passed {
                guest_kit::sleep(due - passed);
            }
        }
    }
}
