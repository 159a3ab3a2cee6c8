//! The attempts a subject makes at traffic, one for each place. Never sends them.

use super::super::judge::Judgement;
use crate::action::{ActionId, Probe};
use crate::lab::Subject;
use crate::place::Place;
use crate::template::{Captures, fill};
use clock::{Duration, Instant};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How long one command of a check may take.
const COMMAND: Duration = Duration::from_secs(30);
/// How long one distribution may take.
const MANY: Duration = Duration::from_secs(600);
/// Where files are handed in.
const WORKSTATION: &str = "workstation";

/// One place's attempts.
#[derive(Debug)]
pub(super) struct Shot {
    pub(super) each: Option<String>,
    pub(super) from: Place,
    pub(super) probe: Probe,
    pub(super) patience: Duration,
    pub(super) flying: Option<ActionId>,
    pub(super) again_at: Option<Instant>,
    pub(super) tries: u32,
    pub(super) judgement: Option<Judgement>,
}

/// The attempts a subject makes, one per `for_each`.
pub(super) fn shots(
    subject: &Subject,
    captures: &Captures,
    namespace: &str,
) -> Result<Vec<Shot>, String> {
    let each = match subject {
        Subject::Http(http) => http.for_each.as_slice(),
        _ => &[],
    };
    if each.is_empty() {
        return Ok(vec![shot(subject, None, captures, namespace)?]);
    }
    each.iter()
        .map(|value| {
            let value = fill(value, captures)?;
            let mut captures = captures.clone();
            captures.insert("each".to_owned(), value.clone());
            shot(subject, Some(value), &captures, namespace)
        })
        .collect()
}

fn shot(
    subject: &Subject,
    each: Option<String>,
    captures: &Captures,
    namespace: &str,
) -> Result<Shot, String> {
    let fill = |text: &str| fill(text, captures);
    let (from, probe, patience) = match subject {
        Subject::Http(http) => {
            let headers = http
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), fill(value)?)));
            let probe = Probe::Http {
                url: fill(&http.url)?,
                method: http.method.clone().unwrap_or_else(|| "GET".to_owned()),
                headers: headers.collect::<Result<_, String>>()?,
                insecure: http.insecure,
                cacert: http.cacert.clone(),
            };
            (http.from.as_str(), probe, ATTEMPT)
        }
        Subject::Tcp(tcp) => {
            let to = fill(&tcp.to)?;
            let (host, port) = to.rsplit_once(':').unwrap_or((&to, ""));
            let port = port.parse().map_err(|_| format!("`{to}` has no port"))?;
            (
                tcp.from.as_str(),
                Probe::Tcp {
                    host: host.to_owned(),
                    port,
                },
                ATTEMPT,
            )
        }
        Subject::Dns(dns) => (
            dns.from.as_str(),
            Probe::Dns {
                name: fill(&dns.name)?,
            },
            ATTEMPT,
        ),
        Subject::Exec(exec) => {
            let command = exec
                .command
                .iter()
                .map(|word| fill(word))
                .collect::<Result<_, _>>()?;
            (exec.place.as_str(), Probe::Exec { command }, COMMAND)
        }
        Subject::File(file) => {
            let path = fill(&file.path)?;
            (WORKSTATION, Probe::File { path }, ATTEMPT)
        }
        Subject::Distribution(d) => {
            let (url, requests, keep_alive, by_server) =
                (fill(&d.url)?, d.requests, d.keep_alive, d.by_server);
            (
                d.from.as_str(),
                Probe::Distribution {
                    url,
                    requests,
                    keep_alive,
                    by_server,
                },
                MANY,
            )
        }
        _ => return Err("not in this lab yet".to_owned()),
    };
    let from = fill(from)?;
    let place = Place::parse(&from).ok_or_else(|| format!("`{from}` is not a place"))?;
    let from = place.within(namespace);
    Ok(Shot {
        each,
        from,
        probe,
        patience,
        flying: None,
        again_at: None,
        tries: 0,
        judgement: None,
    })
}
