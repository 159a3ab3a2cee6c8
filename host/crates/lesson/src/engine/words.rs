//! What a subject asks, as a sentence in both languages. Never says how to make it hold.

use super::judge::text;
use crate::lab::{Mode, Subject, Text};
use crate::template::{Captures, fill_known};
use clock::Duration;

/// The sentence for a subject.
pub(super) fn asked(subject: &Subject, captures: &Captures) -> Text {
    let filled = |text: &str| fill_known(text, captures);
    match subject {
        Subject::Resource(r) => {
            let mut what = filled(&r.reference);
            if let Some(selector) = &r.selector {
                what = format!("{what} (-l {})", filled(selector));
            }
            let shape = r
                .shape
                .as_ref()
                .map(|shape| shape.told(captures))
                .unwrap_or_default();
            match (&r.same_spec_as, &r.count) {
                _ if r.absent => text(
                    format!("{what} がない {shape}"),
                    format!("no {what} {shape}"),
                ),
                (Some((path, _)), _) => text(
                    format!("{what} のspecが {path} と同じ"),
                    format!("the spec of {what} is that of {path}"),
                ),
                (None, Some(count)) => {
                    let count = count.told(captures);
                    text(
                        format!("{what} が {count}個 {shape}"),
                        format!("{count} of {what} {shape}"),
                    )
                }
                (None, None) => text(
                    format!("{what} がある {shape}"),
                    format!("{what} exists {shape}"),
                ),
            }
        }
        Subject::Endpoints(e) => {
            let service = filled(&e.service);
            let part =
                |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
            let parts: Vec<String> = [
                part("ready", e.ready.as_ref().map(|shape| shape.told(captures))),
                part("∋", e.contains.as_deref().map(filled)),
                part("∌", e.not_contains.as_deref().map(filled)),
                part("= Pods -l", e.equals_pod_ips_of.as_deref().map(filled)),
                part("port", e.port.as_ref().map(|shape| shape.told(captures))),
            ]
            .into_iter()
            .flatten()
            .collect();
            let parts = parts.join(", ");
            text(
                format!("Service {service} のendpoints: {parts}"),
                format!("endpoints of Service {service}: {parts}"),
            )
        }
        Subject::Http(h) => {
            let (from, url) = (filled(&h.from), filled(&h.url));
            let parts: Vec<String> = [
                ("status", &h.status),
                ("body", &h.body),
                ("served_by", &h.served_by),
            ]
            .into_iter()
            .filter_map(|(name, shape)| Some(format!("{name} {}", shape.as_ref()?.told(captures))))
            .chain(h.fails.map(|kind| format!("fails {kind:?}")))
            .collect();
            let parts = parts.join(", ");
            text(
                format!("{from} から {url} へ: {parts}"),
                format!("from {from} to {url}: {parts}"),
            )
        }
        Subject::Tcp(t) => {
            let (from, to) = (filled(&t.from), filled(&t.to));
            let is = t.is.map_or_else(
                || "open".to_owned(),
                |kind| format!("{kind:?}").to_lowercase(),
            );
            text(
                format!("{from} から {to} へ: {is}"),
                format!("from {from} to {to}: {is}"),
            )
        }
        Subject::Dns(d) => {
            let (from, name) = (filled(&d.from), filled(&d.name));
            let answers = d
                .answers
                .as_ref()
                .map(|shape| shape.told(captures))
                .unwrap_or_default();
            let rcode = d.rcode.as_deref().unwrap_or("NOERROR");
            text(
                format!("{from} で {name} を引く: {rcode} {answers}"),
                format!("looking {name} up from {from}: {rcode} {answers}"),
            )
        }
        Subject::Exec(e) => {
            let (place, command) = (filled(&e.place), filled(&e.command.join(" ")));
            text(
                format!("{place} で `{command}`"),
                format!("`{command}` in {place}"),
            )
        }
        Subject::Output(o) => text(
            format!("`{}` の出力", o.of),
            format!("the output of `{}`", o.of),
        ),
        Subject::Flow(f) => {
            let place = f.iface.as_deref().map_or_else(|| "*".to_owned(), filled);
            let shape = f
                .shape
                .as_ref()
                .map(|shape| shape.told(captures))
                .unwrap_or_default();
            text(
                format!("{place} に {shape} のパケット"),
                format!("packets {shape} on {place}"),
            )
        }
        Subject::Distribution(d) => {
            let (from, url, n) = (filled(&d.from), filled(&d.url), d.requests);
            let shares =
                d.p.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" : ");
            text(
                format!("{from} から {url} へ{n}回: 割合 {shares}(±{}σ)", d.sigma),
                format!(
                    "{n} requests from {from} to {url}: shares {shares} (±{}σ)",
                    d.sigma
                ),
            )
        }
        Subject::File(f) => text(
            format!("ファイル {}", f.path),
            format!("the file {}", f.path),
        ),
        Subject::Answer(quiz) => text(
            format!("問題 {quiz} の答え"),
            format!("the answer to {quiz}"),
        ),
        Subject::Cel(source) => text(format!("`{source}` が真"), format!("`{source}` is true")),
        Subject::All(subjects) => joined(subjects, captures, "、かつ ", " and "),
        Subject::Any(subjects) => joined(subjects, captures, "、または ", " or "),
        Subject::Not(subject) => {
            let inner = asked(subject, captures);
            text(
                format!("次が成り立たない: {}", inner.ja),
                format!("not: {}", inner.en),
            )
        }
    }
}

fn joined(subjects: &[Subject], captures: &Captures, ja: &str, en: &str) -> Text {
    let all: Vec<Text> = subjects
        .iter()
        .map(|subject| asked(subject, captures))
        .collect();
    let join =
        |side: fn(&Text) -> &str, with: &str| all.iter().map(side).collect::<Vec<_>>().join(with);
    text(join(|t| &t.ja, ja), join(|t| &t.en, en))
}

/// A length of virtual time for people.
pub(crate) fn span(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.1}s")
    } else {
        format!("{seconds:.0}s")
    }
}

/// The sentence with its mode.
pub(super) fn with_mode(asked: Text, mode: Mode, window: Duration) -> Text {
    let time = span(window);
    match mode {
        Mode::Now => text(format!("いま、{}", asked.ja), format!("now: {}", asked.en)),
        Mode::Eventually(_) => text(
            format!("{time}以内に、{}", asked.ja),
            format!("within {time}: {}", asked.en),
        ),
        Mode::Always(_) => text(
            format!("{time}の間ずっと、{}", asked.ja),
            format!("all through {time}: {}", asked.en),
        ),
        Mode::Never(_) => text(
            format!("{time}の間一度も起きない: {}", asked.ja),
            format!("never in {time}: {}", asked.en),
        ),
    }
}
