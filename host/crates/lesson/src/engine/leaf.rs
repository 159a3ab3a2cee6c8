//! One subject while it is being watched: what it asked, what it heard, what follows.
//!
//! ```text
//!   open ──► asks or probes ──► hears ──► judgement ──► hears again ──► another judgement …
//! ```
//! Objects and packets are told by the shell at every change; traffic is made again with
//! back-off. Never decides how long to look: windows are `watch.rs`.

mod hops;
mod shot;

use super::desk::Desk;
use super::judge::{self, Ended, Judgement, Truth};
use crate::action::{Action, ActionId, Packet, ProbeOutcome, Query, QueryId};
use crate::expression;
use crate::lab::{Defaults, Subject};
use crate::template::{Captures, fill};
use clock::{Duration, Instant};
use hops::Hops;
use serde_json::Value;
use shot::{Shot, shots};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The first and the longest pause between attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// The pause between attempts while a subject has to go on holding.
const AGAIN: Duration = Duration::from_secs(1);

/// What the engine knows that a subject may ask for.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) captures: Captures,
    pub(super) defaults: Defaults,
    /// What commands with an id left behind.
    pub(super) outputs: BTreeMap<String, Ended>,
    /// Whether quizzes were answered rightly.
    pub(super) answers: BTreeMap<String, bool>,
    pub(super) step_began: Instant,
    pub(super) lab_began: Instant,
}

/// How often traffic is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Once.
    Once,
    /// Until it succeeds.
    UntilHeld,
    /// As long as the window is open.
    Always,
}

#[derive(Debug)]
pub(super) struct Leaf {
    subject: Subject,
    captures: Captures,
    pace: Pace,
    state: State,
    judgement: Option<Judgement>,
}

#[derive(Debug)]
enum State {
    Objects {
        first: Answer,
        second: Option<Answer>,
        dry: Option<Dry>,
    },
    Traffic(Vec<Shot>),
    Packets {
        query: QueryId,
        count: u64,
        first: Option<Packet>,
        lost: u64,
        hops: Option<Box<Hops>>,
    },
    /// Decided by what the engine knew at once.
    Fixed,
}

#[derive(Debug)]
struct Answer {
    query: QueryId,
    items: Option<Vec<Arc<Value>>>,
}

#[derive(Debug)]
struct Dry {
    id: ActionId,
    result: Option<Result<Arc<Value>, String>>,
}

impl Leaf {
    /// Begins to look; the error names a capture that nobody captured, or says what is wrong.
    pub(super) fn open(
        subject: &Subject,
        known: &Facts,
        pace: Pace,
        now: Instant,
        desk: &mut Desk,
    ) -> Result<Self, String> {
        let captures = &known.captures;
        let fill = |text: &str| fill(text, captures);
        let mut judgement = None;
        let state = match subject {
            Subject::Resource(resource) => {
                let reference = fill(&resource.reference)?;
                let (kind, name) = match reference.split_once('/') {
                    Some((kind, name)) => (kind.to_owned(), Some(name.to_owned())),
                    None => (reference, None),
                };
                let namespace = fill(
                    resource
                        .namespace
                        .as_ref()
                        .unwrap_or(&known.defaults.namespace),
                )?;
                let selector = resource.selector.as_deref().map(fill).transpose()?;
                let first = ask(desk, kind, namespace, name, selector);
                let dry = resource
                    .same_spec_as
                    .as_ref()
                    .map(|(_, text)| dry_run(text, captures, desk));
                State::Objects {
                    first,
                    second: None,
                    dry,
                }
            }
            Subject::Endpoints(endpoints) => {
                let namespace = fill(
                    endpoints
                        .namespace
                        .as_ref()
                        .unwrap_or(&known.defaults.namespace),
                )?;
                let service = fill(&endpoints.service)?;
                let selector = format!("kubernetes.io/service-name={service}");
                let pods = endpoints
                    .equals_pod_ips_of
                    .as_deref()
                    .map(fill)
                    .transpose()?;
                let slices = "endpointslices.discovery.k8s.io".to_owned();
                let first = ask(desk, slices, namespace.clone(), None, Some(selector));
                let second =
                    pods.map(|pods| ask(desk, "pods".to_owned(), namespace, None, Some(pods)));
                State::Objects {
                    first,
                    second,
                    dry: None,
                }
            }
            Subject::Flow(flow) => {
                let iface = flow.iface.as_deref().map(fill).transpose()?;
                let since = if flow.since_lab {
                    known.lab_began
                } else {
                    known.step_began
                };
                let query = desk.ask(Query::Packets { iface, since });
                let path: Vec<String> = flow
                    .path
                    .iter()
                    .map(|hop| fill(hop))
                    .collect::<Result<_, _>>()?;
                let hops = (!path.is_empty()).then(|| Box::new(Hops::new(&path)));
                // Silence of the wire is no news; only a single look waits for the shell's word.
                judgement = (pace != Pace::Once)
                    .then(|| judge::flow(flow.count.as_ref(), 0, None, captures));
                State::Packets {
                    query,
                    count: 0,
                    first: None,
                    lost: 0,
                    hops,
                }
            }
            Subject::Http(_)
            | Subject::Tcp(_)
            | Subject::Dns(_)
            | Subject::Exec(_)
            | Subject::File(_)
            | Subject::Distribution(_) => {
                State::Traffic(shots(subject, captures, &known.defaults.namespace)?)
            }
            Subject::Output(output) => {
                judgement = Some(match known.outputs.get(&output.of) {
                    Some(left) => judge::ended(&output.into(), left, captures),
                    None => {
                        Judgement::new(Truth::No, "まだ実行されていません", "it has not been run")
                    }
                });
                State::Fixed
            }
            Subject::Answer(quiz) => {
                judgement = Some(match known.answers.get(quiz) {
                    Some(true) => Judgement::new(Truth::Yes, "正解です", "right"),
                    Some(false) => Judgement::new(Truth::No, "不正解です", "wrong"),
                    None => Judgement::new(Truth::No, "まだ答えていません", "not answered"),
                });
                State::Fixed
            }
            Subject::Cel(source) => {
                judgement = Some(expression(source, known));
                State::Fixed
            }
            Subject::All(_) | Subject::Any(_) | Subject::Not(_) => {
                return Err("not in this lab yet".to_owned());
            }
        };
        let mut leaf = Self {
            subject: subject.clone(),
            captures: captures.clone(),
            pace,
            state,
            judgement,
        };
        leaf.shoot(now, true, desk);
        Ok(leaf)
    }

    /// Whether the subject holds, as far as it was heard of.
    pub(super) fn judgement(&self) -> Option<&Judgement> {
        self.judgement.as_ref()
    }

    /// The share of its places where it holds.
    pub(super) fn share(&self) -> f64 {
        let held = |judgement: Option<&Judgement>| {
            f64::from(u8::from(
                judgement.is_some_and(|held| held.truth == Truth::Yes),
            ))
        };
        match &self.state {
            State::Traffic(shots) if !shots.is_empty() => {
                let sum = shots.iter().map(|shot| held(shot.judgement.as_ref()));
                #[expect(clippy::cast_precision_loss, reason = "a handful of places")]
                let count = shots.len() as f64;
                sum.fold(0.0, |sum, one| sum + one) / count
            }
            _ => held(self.judgement.as_ref()),
        }
    }

    /// Whether the judgement may still become another.
    pub(super) fn may_change(&self) -> bool {
        !matches!(self.state, State::Fixed)
    }

    /// Whether an attempt is under way.
    pub(super) fn is_busy(&self) -> bool {
        matches!(&self.state, State::Traffic(shots) if shots.iter().any(|shot| shot.flying.is_some()))
    }

    /// Whether packets were forgotten that it should have seen.
    pub(super) fn is_blind(&self) -> bool {
        matches!(&self.state, State::Packets { lost: 1.., .. })
    }

    /// When the next attempt is due.
    pub(super) fn poll_at(&self) -> Option<Instant> {
        match &self.state {
            State::Traffic(shots) => shots.iter().filter_map(|shot| shot.again_at).min(),
            _ => None,
        }
    }

    /// Makes the attempts that are due.
    pub(super) fn handle_time(&mut self, now: Instant, desk: &mut Desk) {
        self.shoot(now, false, desk);
    }

    /// Objects of one of its questions; whether it was one of its own.
    pub(super) fn handle_objects(&mut self, query: QueryId, items: &[Arc<Value>]) -> bool {
        let State::Objects { first, second, .. } = &mut self.state else {
            return false;
        };
        let Some(answer) = [Some(first), second.as_mut()]
            .into_iter()
            .flatten()
            .find(|a| a.query == query)
        else {
            return false;
        };
        answer.items = Some(items.to_vec());
        self.judge_objects();
        true
    }

    /// The answer to its dry run.
    pub(super) fn handle_dry_run(
        &mut self,
        id: ActionId,
        result: &Result<Arc<Value>, String>,
    ) -> bool {
        let State::Objects { dry: Some(dry), .. } = &mut self.state else {
            return false;
        };
        if dry.id != id {
            return false;
        }
        dry.result = Some(result.clone());
        self.judge_objects();
        true
    }

    fn judge_objects(&mut self) {
        let State::Objects { first, second, dry } = &self.state else {
            return;
        };
        let Some(items) = &first.items else { return };
        if second.as_ref().is_some_and(|second| second.items.is_none()) {
            return;
        }
        let others = second.as_ref().and_then(|second| second.items.as_deref());
        let judgement = match &self.subject {
            Subject::Resource(resource) => {
                if dry.as_ref().is_some_and(|dry| dry.result.is_none()) {
                    return;
                }
                let dry = dry.as_ref().and_then(|dry| dry.result.as_ref());
                judge::resource(resource, items, dry, &self.captures)
            }
            Subject::Endpoints(endpoints) => {
                judge::endpoints(endpoints, items, others, &self.captures)
            }
            _ => return,
        };
        self.judgement = Some(judgement);
    }

    /// Packets of its question.
    pub(super) fn handle_packets(
        &mut self,
        asked: QueryId,
        packets: &[Packet],
        forgotten: u64,
    ) -> bool {
        let State::Packets {
            query,
            count,
            first,
            lost,
            hops,
        } = &mut self.state
        else {
            return false;
        };
        if *query != asked {
            return false;
        }
        let Subject::Flow(flow) = &self.subject else {
            return false;
        };
        for packet in packets
            .iter()
            .filter(|packet| judge::packet(flow.shape.as_ref(), packet, &self.captures))
        {
            *count += 1;
            first.get_or_insert_with(|| packet.clone());
            if let Some(hops) = hops {
                hops.pass(packet);
            }
        }
        *lost += forgotten;
        let seen = match hops {
            Some(hops) => judge::path(hops.is_whole(), hops.missing(), *count),
            None => judge::flow(flow.count.as_ref(), *count, first.as_ref(), &self.captures),
        };
        self.judgement = Some(match (*lost, seen.truth) {
            (1.., Truth::No) => Judgement::new(
                Truth::NotYet,
                format!("{lost}個のパケットは記録からあふれました"),
                format!("{lost} packets were forgotten before they could be looked at"),
            ),
            _ => seen,
        });
        true
    }

    /// How one of its attempts ended.
    pub(super) fn handle_probed(
        &mut self,
        now: Instant,
        id: ActionId,
        outcome: &ProbeOutcome,
    ) -> bool {
        let State::Traffic(shots) = &mut self.state else {
            return false;
        };
        let Some(shot) = shots.iter_mut().find(|shot| shot.flying == Some(id)) else {
            return false;
        };
        shot.flying = None;
        let mut captures = self.captures.clone();
        if let Some(each) = &shot.each {
            captures.insert("each".to_owned(), each.clone());
        }
        let judgement = match &self.subject {
            Subject::Http(http) => judge::http(http, outcome, &captures),
            Subject::Tcp(tcp) => judge::tcp(tcp, outcome),
            Subject::Dns(dns) => judge::dns(dns, outcome, &captures),
            Subject::Exec(exec) => judge::exec(exec, outcome, &captures),
            Subject::File(file) => judge::file(file, outcome, &captures),
            Subject::Distribution(distribution) => judge::distribution(distribution, outcome),
            _ => return false,
        };
        shot.again_at = match (self.pace, judgement.truth) {
            (Pace::Once, _) | (Pace::UntilHeld, Truth::Yes) => None,
            (Pace::Always, _) => Some(now + AGAIN),
            (Pace::UntilHeld, _) => {
                let pause = BACKOFF.0 * 2_u32.saturating_pow(shot.tries.saturating_sub(1).min(8));
                Some(now + pause.min(BACKOFF.1))
            }
        };
        shot.judgement = Some(judgement);
        self.judge_shots();
        true
    }

    /// All places must hold; the first that does not is told, by name if there are several.
    fn judge_shots(&mut self) {
        let State::Traffic(shots) = &self.state else {
            return;
        };
        let heard: Option<Vec<(&Shot, &Judgement)>> = shots
            .iter()
            .map(|shot| shot.judgement.as_ref().map(|judgement| (shot, judgement)))
            .collect();
        let Some(heard) = heard else { return };
        let bad = heard
            .iter()
            .find(|(_, judgement)| judgement.truth != Truth::Yes);
        let Some((shot, judgement)) = bad.or(heard.first()) else {
            return;
        };
        let mut judgement = (*judgement).clone();
        if bad.is_some() && shot.each.is_some() {
            judgement.seen.ja = format!("{}: {}", shot.from, judgement.seen.ja);
            judgement.seen.en = format!("{}: {}", shot.from, judgement.seen.en);
        }
        self.judgement = Some(judgement);
    }

    fn shoot(&mut self, now: Instant, first: bool, desk: &mut Desk) {
        let State::Traffic(shots) = &mut self.state else {
            return;
        };
        for shot in shots.iter_mut() {
            let due = first || shot.again_at.is_some_and(|at| at <= now);
            if !due || shot.flying.is_some() {
                continue;
            }
            shot.again_at = None;
            shot.tries += 1;
            let (from, probe, deadline) =
                (shot.from.clone(), shot.probe.clone(), now + shot.patience);
            shot.flying = Some(desk.order(|id| Action::Probe {
                id,
                from,
                probe,
                deadline,
            }));
        }
    }

    /// Lets no further attempt begin.
    pub(super) fn stop(&mut self) {
        if let State::Traffic(shots) = &mut self.state {
            shots.iter_mut().for_each(|shot| shot.again_at = None);
        }
    }

    /// Ends its questions.
    pub(super) fn close(&mut self, desk: &mut Desk) {
        self.stop();
        let queries = match &self.state {
            State::Objects { first, second, .. } => [
                Some(first.query),
                second.as_ref().map(|second| second.query),
            ],
            State::Packets { query, .. } => [Some(*query), None],
            State::Traffic(_) | State::Fixed => [None, None],
        };
        queries
            .into_iter()
            .flatten()
            .for_each(|query| desk.send(Action::Forget { query }));
    }
}

fn ask(
    desk: &mut Desk,
    kind: String,
    namespace: String,
    name: Option<String>,
    selector: Option<String>,
) -> Answer {
    Answer {
        query: desk.ask(Query::Objects {
            kind,
            namespace,
            name,
            selector,
        }),
        items: None,
    }
}

/// Asks what the server would store. The name is another one, since the object itself exists.
fn dry_run(manifest: &str, captures: &Captures, desk: &mut Desk) -> Dry {
    let text = crate::template::fill_known(manifest, captures);
    let mut documents = crate::yaml::parse_documents(&text).unwrap_or_default();
    let mut object = if documents.is_empty() {
        Value::Null
    } else {
        documents.remove(0)
    };
    if let Some(name) = object["metadata"]["name"].as_str() {
        object["metadata"]["name"] =
            format!("{}-same-spec", name.chars().take(50).collect::<String>()).into();
    }
    let manifest = object.to_string();
    Dry {
        id: desk.order(|id| Action::DryRun { id, manifest }),
        result: None,
    }
}

fn expression(source: &str, known: &Facts) -> Judgement {
    let answers: Value = known
        .answers
        .iter()
        .map(|(quiz, right)| (quiz.clone(), (*right).into()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let variables = [
        ("captures", expression::captured(&known.captures)),
        ("answers", answers),
    ];
    let names = expression::names(source);
    let values: Vec<String> = names
        .iter()
        .filter_map(|name| Some(format!("{name} = {}", known.captures.get(*name)?)))
        .collect();
    let values = values.join(", ");
    match expression::evaluate(source, &variables) {
        Ok(true) => Judgement::new(Truth::Yes, values.clone(), values),
        Ok(false) => Judgement::new(Truth::No, values.clone(), values),
        Err(error) => Judgement::new(Truth::No, error.clone(), error),
    }
}
