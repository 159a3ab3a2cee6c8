//! The way back: an upstream's head becomes ours, and its body passes through while it comes.

use crate::conf::model::{Level, ProxyPass, ProxyTarget};
use crate::conf::settings::ProxyRedirect;
use crate::http::answer::Answer;
use crate::http::body::Body as Frame;
use crate::net::wire::{Gone, Got, Wire};
use crate::nginx::draft::Draft;
use crate::nginx::turn::Turn;
use crate::reply::Reply;
use crate::serve::out::Out;
use crate::serve::peers::Chosen;
use crate::serve::talk::{self, After, Pace, Talk};

use super::{Heard, Outcome, Way};

/// Headers of an upstream that are not passed unless asked for.
const HIDDEN: [&str; 8] = [
    "date",
    "server",
    "x-pad",
    "x-accel-expires",
    "x-accel-redirect",
    "x-accel-limit-rate",
    "x-accel-buffering",
    "x-accel-charset",
];
/// Those that concern the connection to it alone.
const CONNECTION: [&str; 3] = ["connection", "keep-alive", "transfer-encoding"];

pub(super) async fn pass_back(
    talk: &mut Talk,
    turn: &mut Turn<'_>,
    pass: &ProxyPass,
    way: &Way<'_>,
    heard: Heard,
    chosen: Chosen<'_>,
) -> Outcome {
    let Heard {
        mut wire,
        answer,
        rest,
    } = heard;
    chosen.answered();
    if let Some(asked) = turn.asked.last_mut() {
        asked.status = answer.status;
    }
    turn.upstream_headers.clone_from(&answer.headers);
    if let Some(place) = answer.header("x-accel-redirect") {
        return Outcome::Moved(String::from_utf8_lossy(place).into_owned());
    }
    if turn.settings().proxy_intercept_errors
        && answer.status >= 300
        && turn.has_page(answer.status)
    {
        return Outcome::Failed(answer.status);
    }
    let Ok(frame) = answer.body(turn.request.is_head()) else {
        let words = "upstream sent invalid header while reading response header from upstream";
        turn.note(Level::Error, words.to_owned());
        return Outcome::Failed(502);
    };
    let upgrade = answer.status == 101;
    let mut draft = draft(turn, pass, way, &answer);
    draft.upgrade = upgrade;
    draft.length = match frame {
        Frame::Length(length) => Some(length),
        _ => None,
    };
    if turn.request.is_head() {
        let text = answer
            .header("content-length")
            .and_then(|text| std::str::from_utf8(text).ok());
        draft.length = text.and_then(|text| text.parse().ok());
    }
    let mut reply = turn.finish(draft, talk.server.stopping.get());
    if upgrade {
        return Outcome::Done(tunnel(talk, turn, wire, rest, &reply).await);
    }
    let (kept, outcome) = stream(talk, turn, &mut wire, rest, frame, &mut reply).await;
    turn.complete = outcome.is_ok();
    if kept && way.upstream.keepalive > 0 && answer.keeps() && turn.settings().proxy_11 {
        let idle = &talk.server.idle;
        idle.keep(way.upstream, chosen.address(), way.tls, wire);
    }
    Outcome::Done(talk::after(&reply, outcome, 5_000))
}

fn draft(turn: &Turn<'_>, pass: &ProxyPass, way: &Way<'_>, answer: &Answer) -> Draft {
    let mut draft = Draft::new(answer.status);
    draft.reason = Some(answer.reason.clone());
    let settings = turn.settings();
    let is =
        |list: &[String], name: &str| list.iter().any(|other| other.eq_ignore_ascii_case(name));
    let encoded = answer.header("content-encoding").is_some();
    draft.encoded = encoded;
    for (name, value) in &answer.headers {
        let lower = name.to_ascii_lowercase();
        let hidden = HIDDEN.contains(&lower.as_str()) || is(&settings.proxy_hide, &lower);
        if CONNECTION.contains(&lower.as_str())
            || (hidden && !is(&settings.proxy_pass_header, &lower))
        {
            continue;
        }
        let text = || String::from_utf8_lossy(value).into_owned();
        match lower.as_str() {
            "content-type" => draft.content_type = Some(text()),
            "content-length" => {}
            "location" => {
                let place = redirected(turn, pass, way, &text());
                if place.starts_with('/') && settings.absolute_redirect && place != text() {
                    draft.redirect = turn.absolute(&place);
                } else {
                    draft.more.push((name.clone(), place.into_bytes()));
                }
            }
            "refresh" => {
                let text = text();
                let value = match text.split_once("url=") {
                    Some((before, place)) => {
                        format!("{before}url={}", redirected(turn, pass, way, place))
                    }
                    None => text,
                };
                draft.more.push((name.clone(), value.into_bytes()));
            }
            _ => draft.more.push((name.clone(), value.clone())),
        }
    }
    draft
}

/// A place as `proxy_redirect` has it.
fn redirected(turn: &Turn<'_>, pass: &ProxyPass, way: &Way<'_>, place: &str) -> String {
    for rule in turn.settings().proxy_redirect.iter() {
        let (from, to) = match rule {
            ProxyRedirect::Default => {
                if matches!(pass.target, ProxyTarget::Dynamic(_)) {
                    continue;
                }
                let scheme = if way.tls { "https" } else { "http" };
                let base = format!("{scheme}://{}", way.host);
                match &pass.uri {
                    Some(uri) => (format!("{base}{uri}"), turn.location().pattern.clone()),
                    None => (format!("{base}/"), "/".to_owned()),
                }
            }
            ProxyRedirect::Prefix(from, to) => (turn.render_text(from), turn.render_text(to)),
            ProxyRedirect::Pattern(pattern, to) => {
                let Some(groups) = pattern.groups(place) else {
                    continue;
                };
                let (start, end) = groups.first().copied().flatten().unwrap_or((0, 0));
                let text = turn.render_with(place, groups, to);
                return format!("{}{text}{}", &place[..start], &place[end..]);
            }
        };
        if let Some(rest) = place.strip_prefix(from.as_str()) {
            return format!("{to}{rest}");
        }
    }
    place.to_owned()
}

/// Passes the body on; whether the upstream's connection may be used again, and whether the client got all.
async fn stream(
    talk: &mut Talk,
    turn: &mut Turn<'_>,
    wire: &mut Wire,
    mut rest: Vec<u8>,
    mut frame: Frame,
    reply: &mut Reply,
) -> (bool, Result<(), Gone>) {
    const CUT: Gone = Gone::Broken((104, "Connection reset by peer"));
    let read_ms = turn.settings().proxy_read_timeout;
    let unbuffered = !turn.settings().proxy_buffering;
    let mut out = Out::new(reply.gzip, reply.chunked);
    let mut pace = Pace::new(reply);
    let mut bytes = std::mem::take(&mut reply.head);
    let mut head = bytes.len();
    let head_only = turn.request.is_head();
    let mut done = frame == Frame::Length(0);
    loop {
        while !rest.is_empty() && !done {
            let Ok(taken) = frame.take(&rest) else {
                let words = "upstream sent invalid chunked response while reading upstream";
                turn.note(Level::Error, words.to_owned());
                return (false, Err(CUT));
            };
            let end = taken.frame + taken.data;
            out.push(&rest[taken.frame..end], &mut bytes);
            if let Some(asked) = turn.asked.last_mut() {
                asked.length += taken.data as u64;
            }
            rest.drain(..end);
            done = taken.done;
        }
        if done {
            if !head_only {
                out.end(&mut bytes);
            }
        } else if unbuffered && !out.is_plain() {
            out.flush(&mut bytes);
        }
        // A small answer that is not complete yet waits for its rest, so that it goes in one piece.
        if done || bytes.len() > 16 * 1024 || unbuffered || wire_is_slow(wire, &mut rest) {
            if let Err(gone) = pace.write(&mut talk.wire, &bytes, head).await {
                return (false, Err(gone));
            }
            turn.sent += (bytes.len() - head) as u64;
            head = 0;
            bytes.clear();
        }
        if done {
            finish_times(turn);
            return (rest.is_empty() && frame != Frame::ToEnd, Ok(()));
        }
        if !rest.is_empty() {
            continue;
        }
        match wire.read(&mut rest, read_ms).await {
            Got::Bytes(count) => {
                if let Some(asked) = turn.asked.last_mut() {
                    asked.received += count as u64;
                }
            }
            Got::End if frame == Frame::ToEnd => done = true,
            Got::End => {
                let words = "upstream prematurely closed connection while reading upstream";
                turn.note(Level::Error, words.to_owned());
                let _ = pace.write(&mut talk.wire, &bytes, head).await;
                return (false, Err(CUT));
            }
            Got::Late => {
                let words = "upstream timed out (110: Connection timed out) while reading upstream";
                turn.note(Level::Error, words.to_owned());
                let _ = pace.write(&mut talk.wire, &bytes, head).await;
                return (false, Err(CUT));
            }
            Got::Broken(_) => return (false, Err(CUT)),
        }
    }
}

/// Whether nothing more is at hand; what is goes into `rest`.
fn wire_is_slow(wire: &mut Wire, rest: &mut Vec<u8>) -> bool {
    if !rest.is_empty() {
        return false;
    }
    !matches!(wire.try_read(rest), Some(Got::Bytes(_)))
}

fn finish_times(turn: &mut Turn<'_>) {
    let now = crate::net::now_ns();
    let started = turn.started_ns;
    if let Some(asked) = turn.asked.last_mut() {
        asked.response_ms = asked.response_ms.max((now - started) / 1_000_000);
    }
}

/// Passes bytes both ways until either side ends, after an upgrade.
async fn tunnel(
    talk: &mut Talk,
    turn: &mut Turn<'_>,
    mut wire: Wire,
    rest: Vec<u8>,
    reply: &Reply,
) -> After {
    let patience_ms = turn.settings().proxy_read_timeout;
    let mut down = reply.head.clone();
    down.extend_from_slice(&rest);
    let mut up = std::mem::take(&mut talk.buffer);
    loop {
        if talk.wire.write(&down, patience_ms).await.is_err()
            || wire.write(&up, patience_ms).await.is_err()
        {
            return After::Gone;
        }
        down.clear();
        up.clear();
        let (theirs, ours) = (wire.try_read(&mut down), talk.wire.try_read(&mut up));
        match (theirs, ours) {
            (None, None) => {}
            (None | Some(Got::Bytes(_)), None | Some(Got::Bytes(_))) => continue,
            _ => return After::Gone,
        }
        let (Some(theirs), Some(ours)) = (wire.readable(), talk.wire.readable()) else {
            return After::Gone;
        };
        if !crate::net::either(theirs, ours, patience_ms).await {
            return After::Gone;
        }
    }
}
