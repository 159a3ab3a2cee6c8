//! Traffic and packets against what a lesson expects of them. Never makes any.

use super::{Judgement, Truth, listed, shape, unexpected};
use crate::action::{Failed, Packet, ProbeOutcome};
use crate::lab::{Distribution, Dns, Http, Matcher, Tcp};
use crate::template::Captures;
use serde_json::Value;
use std::collections::BTreeMap;

/// The kind of a failure, in words.
fn failure_words(kind: Failed) -> (&'static str, &'static str) {
    match kind {
        Failed::Refused => ("接続拒否", "connection refused"),
        Failed::Timeout => ("タイムアウト", "timeout"),
        Failed::Unreachable => ("到達不能", "unreachable"),
        Failed::Dns => ("名前解決の失敗", "the name does not resolve"),
        Failed::TlsSelfSigned => ("自己署名証明書", "self-signed certificate"),
        Failed::TlsNameMismatch => (
            "証明書の名前の不一致",
            "the certificate is for another name",
        ),
        Failed::TlsCaFile => ("CAファイルが読めない", "the CA file cannot be read"),
        Failed::TlsExpired => ("証明書の期限", "the certificate is out of its time"),
        Failed::NotReady => ("まだ使えない", "not ready yet"),
    }
}

pub(super) fn failed(kind: Failed, message: &str, expected: Option<Failed>) -> Judgement {
    let (ja, en) = failure_words(kind);
    let detail = if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    };
    let truth = match kind {
        Failed::NotReady => Truth::NotYet,
        _ if expected == Some(kind) => Truth::Yes,
        // A name that does not resolve today may tomorrow.
        Failed::Dns => Truth::NotYet,
        _ => Truth::No,
    };
    Judgement::new(truth, format!("{ja}{detail}"), format!("{en}{detail}"))
}

pub(in crate::engine) fn http(
    wanted: &Http,
    outcome: &ProbeOutcome,
    captures: &Captures,
) -> Judgement {
    match outcome {
        ProbeOutcome::Failed(kind, message) => failed(*kind, message, wanted.fails),
        ProbeOutcome::Http { status, .. } if wanted.fails.is_some() => Judgement::no(
            format!("{status} が返りました"),
            format!("it answered {status}"),
        ),
        ProbeOutcome::Http {
            status,
            body,
            served_by,
        } => {
            let server = served_by.clone().map_or(Value::Null, Value::String);
            shape(wanted.status.as_ref(), "status", *status, captures)
                .or_else(|| shape(wanted.body.as_ref(), "body", body.as_str(), captures))
                .or_else(|| shape(wanted.served_by.as_ref(), "served_by", server, captures))
                .unwrap_or_else(|| {
                    Judgement::yes(
                        format!("{status} が返りました"),
                        format!("it answered {status}"),
                    )
                })
        }
        other => unexpected(other),
    }
}

pub(in crate::engine) fn tcp(wanted: &Tcp, outcome: &ProbeOutcome) -> Judgement {
    match outcome {
        ProbeOutcome::Failed(kind, message) => failed(*kind, message, wanted.is),
        ProbeOutcome::Open => {
            Judgement::truth(wanted.is.is_none(), "つながりました", "it connected")
        }
        other => unexpected(other),
    }
}

pub(in crate::engine) fn dns(
    wanted: &Dns,
    outcome: &ProbeOutcome,
    captures: &Captures,
) -> Judgement {
    let (rcode, addresses) = match outcome {
        ProbeOutcome::Dns { rcode, addresses } => (rcode.as_str(), addresses.clone()),
        ProbeOutcome::Failed(Failed::Timeout, _) => ("TIMEOUT", Vec::new()),
        ProbeOutcome::Failed(kind, message) => return failed(*kind, message, None),
        other => return unexpected(other),
    };
    let expected = wanted.rcode.as_deref().unwrap_or("NOERROR");
    let list = listed(&addresses);
    let answer = |truth| {
        Judgement::new(
            truth,
            format!("DNSの返事は {rcode} {list}"),
            format!("DNS said {rcode} {list}"),
        )
    };
    if rcode != expected {
        return answer(Truth::No);
    }
    let wrong = wanted
        .answers
        .as_ref()
        .is_some_and(|shape| shape.check_value(addresses, captures).is_err());
    answer(if wrong { Truth::No } else { Truth::Yes })
}

pub(in crate::engine) fn distribution(wanted: &Distribution, outcome: &ProbeOutcome) -> Judgement {
    let counts = match outcome {
        ProbeOutcome::Counted(counts) => counts,
        ProbeOutcome::Failed(kind, message) => return failed(*kind, message, None),
        other => return unexpected(other),
    };
    let requests = u64::from(wanted.requests);
    let total: u64 = counts.values().sum();
    let told = told_counts(counts);
    if total != requests {
        return Judgement::no(
            format!("{requests}回のうち返事は{total}回です: {told}"),
            format!("{total} of {requests} were answered: {told}"),
        );
    }
    let held = wanted.p.is_empty() || shares_hold(wanted, counts);
    Judgement::truth(
        held,
        format!("内訳は {told}"),
        format!("the split is {told}"),
    )
}

fn told_counts(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .take(10)
        .map(|(key, n)| format!("{} {n}", key.chars().take(40).collect::<String>()))
        .collect();
    parts.join(", ")
}

/// Which Pod gets which share is the seed's business, so both sides are compared sorted.
fn shares_hold(wanted: &Distribution, counts: &BTreeMap<String, u64>) -> bool {
    let requests = f64::from(wanted.requests);
    let mut expected = wanted.p.clone();
    expected.sort_by(|a, b| b.total_cmp(a));
    #[expect(clippy::cast_precision_loss, reason = "counts are at most 20000")]
    let mut seen: Vec<f64> = counts.values().map(|n| *n as f64).collect();
    seen.sort_by(|a, b| b.total_cmp(a));
    let most = expected.len().max(seen.len());
    (0..most).all(|i| {
        let share = expected.get(i).copied().unwrap_or(0.0);
        let deviation = (requests * share * (1.0 - share)).sqrt();
        (seen.get(i).copied().unwrap_or(0.0) - requests * share).abs()
            <= wanted.sigma * deviation + 1e-9
    })
}

/// Whether a packet has the shape that a flow asks for.
pub(in crate::engine) fn packet(
    wanted: Option<&Matcher>,
    packet: &Packet,
    captures: &Captures,
) -> bool {
    let value = serde_json::to_value(packet).unwrap_or_default();
    wanted.is_none_or(|shape| shape.check(Some(&value), captures).is_ok())
}

/// Packets that fit so far.
pub(in crate::engine) fn flow(
    wanted: Option<&Matcher>,
    count: u64,
    first: Option<&Packet>,
    captures: &Captures,
) -> Judgement {
    let end = |packet: &Packet, name| {
        let end = packet.ip.get(name).and_then(Value::as_str);
        end.unwrap_or("?").to_owned()
    };
    let seen = match first {
        None => Judgement::no("そのようなパケットはありません", "there is no such packet"),
        Some(packet) => {
            let (at, iface) = (packet.at, &packet.iface);
            let (src, dst) = (end(packet, "src"), end(packet, "dst"));
            Judgement::yes(
                format!("{count}個のパケット。最初は t={at} に {iface} で {src} → {dst}"),
                format!("{count} packets, the first at t={at} on {iface}: {src} → {dst}"),
            )
        }
    };
    match wanted {
        None => seen,
        Some(wanted) => Judgement {
            truth: match wanted.check_value(count, captures) {
                Ok(()) => Truth::Yes,
                Err(_) => Truth::No,
            },
            ..seen
        },
    }
}

/// How far packets that fit have come on their way.
pub(in crate::engine) fn path(whole: bool, missing: Option<&str>, count: u64) -> Judgement {
    match (whole, missing) {
        (false, Some(hop)) => Judgement::no(
            format!("{count}個のうち {hop} まで来たパケットはありません"),
            format!("of {count} packets none came as far as {hop}"),
        ),
        _ => Judgement::yes("その経路を通りました", "packets took that way"),
    }
}
