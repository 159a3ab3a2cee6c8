//! How an answer begins: status line, headers in Apache's order, and what the configuration changes in them.
//! It chooses no status and reads no file.

use super::conf::model::{Act, Change};
use super::{Apache, Draft, Spot, pages};
use crate::http::date::{Date, Now};
use crate::http::request::{Request, Version};
use crate::reply::{Body, Client, Reply};

impl Apache {
    /// The answer as bytes.
    pub(super) fn reply(
        &self,
        mut draft: Draft,
        spot: &Spot<'_>,
        client: &Client,
        now: Now,
        request: Option<&Request>,
    ) -> Reply {
        let host = spot.host;
        let stays = !draft.close
            && host.keep_alive
            && request.is_some_and(|request| request.keep_alive)
            && (host.max_requests == 0 || client.served + 1 < host.max_requests);
        let version = request.map_or(Version::Http11, |request| request.version);
        let is_head = request.is_some_and(Request::is_head);
        let mut always = Vec::new();
        for change in &spot.settings.headers {
            if change.always {
                apply(&mut always, change);
            } else if draft.success {
                apply(&mut draft.headers, change);
            }
        }
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nServer: {}\r\n",
            draft.status,
            pages::reason(draft.status),
            Date::of(now.seconds).http(),
            self.config.product
        );
        let headers = always.iter().chain(&draft.headers).chain(&draft.late);
        for (name, value) in headers {
            let unsaid = is_head && !draft.success && name == "Content-Length";
            if !unsaid {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        // A body whose length nobody knew before goes in chunks, where the client knows chunks.
        let has_length = |(name, _): &(String, String)| name == "Content-Length";
        let known = draft.headers.iter().chain(&draft.late).any(has_length)
            || matches!(draft.body, Body::Empty);
        let chunked = !known && stays && version == Version::Http11;
        let stays = stays && (known || chunked);
        if stays && version == Version::Http10 {
            let left = match host.max_requests {
                0 => String::new(),
                most => format!(", max={}", most - client.served),
            };
            let seconds = host.keep_alive_ms / 1_000;
            head.push_str(&format!(
                "Keep-Alive: timeout={seconds}{left}\r\nConnection: Keep-Alive\r\n"
            ));
        } else if !stays {
            head.push_str("Connection: close\r\n");
        }
        if chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        }
        if let Some(kind) = &draft.kind {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        for (name, value) in &draft.last {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Reply {
            status: draft.status,
            head: if version == Version::Http09 {
                Vec::new()
            } else {
                head.into_bytes()
            },
            body: if is_head { Body::Empty } else { draft.body },
            chunked: chunked && !is_head,
            keep_alive: stays,
            idle_ms: host.keep_alive_ms,
            ..Reply::default()
        }
    }
}

/// Changes headers as one `Header` directive says.
fn apply(headers: &mut Vec<(String, String)>, change: &Change) {
    let Change {
        act, name, value, ..
    } = change;
    let at = headers
        .iter()
        .position(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut add = |value: &str| headers.push((name.clone(), value.to_owned()));
    match (act, at) {
        (Act::Add, _) | (Act::Set | Act::SetIfEmpty | Act::Append | Act::Merge, None) => add(value),
        (Act::SetIfEmpty, Some(at)) if headers[at].1.is_empty() => headers[at].1.clone_from(value),
        (Act::Set, Some(at)) => {
            headers[at].1.clone_from(value);
            let mut seen = 0;
            headers.retain(|(own, _)| {
                seen += usize::from(own.eq_ignore_ascii_case(name));
                !own.eq_ignore_ascii_case(name) || seen == 1
            });
        }
        (Act::Append, Some(at)) => headers[at].1 = format!("{}, {value}", headers[at].1),
        (Act::Merge, Some(at)) => {
            let own = &headers[at].1;
            if !own.split(',').any(|part| part.trim() == value) {
                headers[at].1 = format!("{own}, {value}");
            }
        }
        (Act::Unset, _) => headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name)),
        (Act::SetIfEmpty, Some(_)) => {}
    }
}
