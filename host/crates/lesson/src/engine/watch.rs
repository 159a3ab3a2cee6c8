//! One assertion and its window.
//!
//! ```text
//!   Waiting ──(needs hold, captures there)──► Open ──► Why ──► Explaining ──► Decided
//!      └──(a need failed)──► Decided: not reached      └─(a `diagnose` holds)─┘
//! ```
//! | mode | decided `true` | decided `false` |
//! |---|---|---|
//! | now | first judgement holds | it does not |
//! | eventually | any judgement holds | the window ends |
//! | always | the window ends | any judgement does not hold |
//! | never | the window ends | any judgement holds |
//!
//! Every judgement counts, however short its state lasted. Never looks at the clock between
//! events.

use super::desk::Desk;
use super::judge::{Judgement, Truth, text};
use super::leaf::{Facts, Leaf, Pace};
use super::words;
use crate::action::{Action, ActionId, Packet, ProbeOutcome, QueryId};
use crate::lab::{Assertion, Mode, Subject, Text};
use crate::place::Place;
use crate::report::Failure;
use crate::template::{Captures, fill_known, holes};
use clock::{Duration, Instant};
use serde_json::Value;
use std::sync::Arc;

/// How long a cause may take to be found.
const DIAGNOSIS: Duration = Duration::from_secs(10);

/// What a watched subject may hear.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    Objects(QueryId, &'a [Arc<Value>]),
    Packets(QueryId, &'a [Packet], u64),
    Probed(ActionId, &'a ProbeOutcome),
    DryRun(ActionId, &'a Result<Arc<Value>, String>),
    Explained(ActionId, &'a Option<Text>),
}

/// A subject with its leaves open.
#[derive(Debug)]
enum Tree {
    Leaf(Box<Leaf>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Tree {
    fn open(
        subject: &Subject,
        known: &Facts,
        pace: Pace,
        now: Instant,
        desk: &mut Desk,
    ) -> Result<Self, String> {
        let mut each = |subjects: &[Subject]| -> Result<Vec<Self>, String> {
            subjects
                .iter()
                .map(|subject| Self::open(subject, known, pace, now, desk))
                .collect()
        };
        Ok(match subject {
            Subject::All(subjects) => Self::All(each(subjects)?),
            Subject::Any(subjects) => Self::Any(each(subjects)?),
            // What must not hold is looked at again and again, whatever it gave.
            Subject::Not(subject) => {
                let pace = if pace == Pace::UntilHeld {
                    Pace::Always
                } else {
                    pace
                };
                Self::Not(Box::new(Self::open(subject, known, pace, now, desk)?))
            }
            subject => Self::Leaf(Box::new(Leaf::open(subject, known, pace, now, desk)?)),
        })
    }

    fn leaves(&mut self, visit: &mut dyn FnMut(&mut Leaf)) {
        match self {
            Self::Leaf(leaf) => visit(leaf),
            Self::All(trees) | Self::Any(trees) => {
                trees.iter_mut().for_each(|tree| tree.leaves(visit))
            }
            Self::Not(tree) => tree.leaves(visit),
        }
    }

    fn any_leaf(&self, holds: &dyn Fn(&Leaf) -> bool) -> bool {
        match self {
            Self::Leaf(leaf) => holds(leaf),
            Self::All(trees) | Self::Any(trees) => trees.iter().any(|tree| tree.any_leaf(holds)),
            Self::Not(tree) => tree.any_leaf(holds),
        }
    }

    fn poll_at(&self) -> Option<Instant> {
        match self {
            Self::Leaf(leaf) => leaf.poll_at(),
            Self::All(trees) | Self::Any(trees) => trees.iter().filter_map(Self::poll_at).min(),
            Self::Not(tree) => tree.poll_at(),
        }
    }

    /// The share of its parts that hold: places of `for_each`, subjects of `all`.
    fn share(&self) -> f64 {
        match self {
            Self::Leaf(leaf) => leaf.share(),
            Self::All(trees) => {
                let sum = trees
                    .iter()
                    .map(Self::share)
                    .fold(0.0, |sum, share| sum + share);
                #[expect(clippy::cast_precision_loss, reason = "a handful of subjects")]
                let count = trees.len().max(1) as f64;
                sum / count
            }
            Self::Any(_) | Self::Not(_) => {
                let held = self
                    .judgement()
                    .is_some_and(|held| held.truth == Truth::Yes);
                f64::from(u8::from(held))
            }
        }
    }

    /// Whether it holds; `None` until enough was heard.
    fn judgement(&self) -> Option<Judgement> {
        match self {
            Self::Leaf(leaf) => leaf.judgement().cloned(),
            Self::Not(tree) => tree.judgement().map(|judgement| {
                let truth = match judgement.truth {
                    Truth::Yes => Truth::No,
                    Truth::No => Truth::Yes,
                    Truth::NotYet => Truth::NotYet,
                };
                Judgement { truth, ..judgement }
            }),
            Self::All(trees) => Self::folded(trees, Truth::No, Truth::Yes),
            Self::Any(trees) => Self::folded(trees, Truth::Yes, Truth::No),
        }
    }

    /// The first of `strong` decides; all of `weak` decide; otherwise it cannot be told yet.
    fn folded(trees: &[Self], strong: Truth, weak: Truth) -> Option<Judgement> {
        let all: Vec<Option<Judgement>> = trees.iter().map(Self::judgement).collect();
        if let Some(found) = all
            .iter()
            .flatten()
            .find(|judgement| judgement.truth == strong)
        {
            return Some(found.clone());
        }
        let all: Vec<Judgement> = all.into_iter().collect::<Option<_>>()?;
        let open = all.iter().find(|judgement| judgement.truth != weak);
        let mut captures = Captures::new();
        all.iter()
            .for_each(|judgement| captures.extend(judgement.captures.clone()));
        let shown = open.or(all.first())?;
        Some(Judgement {
            truth: shown.truth,
            seen: shown.seen.clone(),
            captures,
        })
    }

    fn hear(&mut self, now: Instant, heard: &Heard<'_>) -> bool {
        let mut own = false;
        self.leaves(&mut |leaf| {
            own |= match heard {
                Heard::Objects(query, items) => leaf.handle_objects(*query, items),
                Heard::Packets(query, packets, lost) => leaf.handle_packets(*query, packets, *lost),
                Heard::Probed(id, outcome) => leaf.handle_probed(now, *id, outcome),
                Heard::DryRun(id, result) => leaf.handle_dry_run(*id, result),
                Heard::Explained(..) => false,
            };
        });
        own
    }
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Held(Captures),
    Failed(Box<Failure>),
    NotReached(Text),
}

#[derive(Debug)]
enum Phase {
    Waiting,
    Open {
        tree: Tree,
        ends: Instant,
    },
    Why {
        failure: Box<Failure>,
        next: usize,
        tree: Option<(Tree, Instant)>,
    },
    Explaining {
        failure: Box<Failure>,
        id: ActionId,
        ends: Instant,
    },
    Decided(Verdict),
}

/// One assertion being looked at.
#[derive(Debug)]
pub(super) struct Watch {
    assertion: Assertion,
    phase: Phase,
    window: Duration,
    asked: Text,
    seen: Text,
    since: Instant,
    held_from: Option<Instant>,
    decided: Option<Instant>,
    share: Option<f64>,
}

impl Watch {
    pub(super) fn new(assertion: &Assertion, within: Duration, now: Instant) -> Self {
        let window = match assertion.mode {
            Mode::Now => Duration::ZERO,
            Mode::Eventually(window) => window.unwrap_or(within),
            Mode::Always(window) | Mode::Never(window) => window,
        };
        Self {
            assertion: assertion.clone(),
            phase: Phase::Waiting,
            window,
            asked: Text::default(),
            seen: text("まだ何も分かりません", "nothing was heard yet"),
            since: now,
            held_from: None,
            decided: None,
            share: None,
        }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.assertion.id.as_deref()
    }

    pub(super) fn needs(&self) -> &[String] {
        &self.assertion.needs
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    pub(super) fn verdict(&self) -> Option<&Verdict> {
        match &self.phase {
            Phase::Decided(verdict) => Some(verdict),
            _ => None,
        }
    }

    /// When it was decided.
    pub(super) fn decided_at(&self) -> Option<Instant> {
        self.decided
    }

    /// The share of its parts that held when it failed.
    pub(super) fn share(&self) -> Option<f64> {
        self.share
    }

    /// A name the assertion needs and nobody captured yet.
    pub(super) fn missing(&self, captures: &Captures) -> Option<String> {
        let mut names: Vec<String> = Vec::new();
        self.assertion
            .subject
            .texts(&mut |text| names.extend(holes(text).map(str::to_owned)));
        cel_names(&self.assertion.subject, &mut names);
        names
            .into_iter()
            .find(|name| name != "each" && !captures.contains_key(name))
    }

    pub(super) fn not_reached(&mut self, why: Text) {
        self.phase = Phase::Decided(Verdict::NotReached(why));
    }

    /// Opens the window.
    pub(super) fn open(&mut self, known: &Facts, now: Instant, desk: &mut Desk) {
        let pace = match self.assertion.mode {
            Mode::Now => Pace::Once,
            Mode::Eventually(_) if matches!(self.assertion.subject, Subject::All(_)) => {
                Pace::Always
            }
            Mode::Eventually(_) => Pace::UntilHeld,
            Mode::Always(_) | Mode::Never(_) => Pace::Always,
        };
        let asked = words::asked(&self.assertion.subject, &known.captures);
        self.asked = words::with_mode(asked, self.assertion.mode, self.window);
        self.since = now;
        match Tree::open(&self.assertion.subject, known, pace, now, desk) {
            Ok(tree) => {
                self.phase = Phase::Open {
                    tree,
                    ends: now + self.window,
                };
                self.look(known, now, desk);
            }
            Err(problem) => {
                self.seen = text(
                    format!("調べられません: {problem}"),
                    format!("it cannot be looked at: {problem}"),
                );
                self.fail(known, now, desk);
            }
        }
    }

    /// Something was heard; whether it was for this assertion.
    pub(super) fn hear(&mut self, known: &Facts, now: Instant, heard: &Heard<'_>, desk: &mut Desk) {
        if let (Phase::Explaining { id, .. }, Heard::Explained(answered, why)) =
            (&self.phase, heard)
            && id == answered
        {
            return self.explained(why.as_ref());
        }
        let own = match &mut self.phase {
            Phase::Open { tree, .. }
            | Phase::Why {
                tree: Some((tree, _)),
                ..
            } => tree.hear(now, heard),
            _ => false,
        };
        if own {
            self.look(known, now, desk);
        }
    }

    pub(super) fn handle_time(&mut self, known: &Facts, now: Instant, desk: &mut Desk) {
        if matches!(self.phase, Phase::Explaining { ends, .. } if ends <= now) {
            return self.explained(None);
        }
        let (tree, ends) = match &mut self.phase {
            Phase::Open { tree, ends }
            | Phase::Why {
                tree: Some((tree, ends)),
                ..
            } => (tree, *ends),
            _ => return,
        };
        if now < ends {
            tree.leaves(&mut |leaf| leaf.handle_time(now, desk));
        }
        self.look(known, now, desk);
    }

    /// When time alone changes something.
    pub(super) fn poll_at(&self, now: Instant) -> Option<Instant> {
        let (tree, ends) = match &self.phase {
            Phase::Explaining { ends, .. } => return Some(*ends),
            Phase::Open { tree, ends }
            | Phase::Why {
                tree: Some((tree, ends)),
                ..
            } => (tree, *ends),
            _ => return None,
        };
        // After the end only attempts under way are waited for, and those will be heard of.
        if now >= ends {
            None
        } else {
            Some(tree.poll_at().map_or(ends, |at| at.min(ends)))
        }
    }

    /// Decides if it can.
    fn look(&mut self, known: &Facts, now: Instant, desk: &mut Desk) {
        match &mut self.phase {
            Phase::Open { .. } => self.look_at_window(known, now, desk),
            Phase::Why { .. } => self.look_for_cause(known, now, desk),
            Phase::Waiting | Phase::Explaining { .. } | Phase::Decided(_) => {}
        }
    }

    fn look_at_window(&mut self, known: &Facts, now: Instant, desk: &mut Desk) {
        let Phase::Open { tree, ends } = &mut self.phase else {
            return;
        };
        let judgement = tree.judgement();
        let over = now >= *ends && !tree.any_leaf(&Leaf::is_busy);
        let fixed = !tree.any_leaf(&Leaf::may_change);
        let truth = judgement.as_ref().map(|judgement| judgement.truth);
        if let Some(judgement) = &judgement {
            note(&mut self.seen, &mut self.since, judgement, now);
        }
        let lost_at = match (truth, self.held_from) {
            (Some(Truth::Yes), _) | (_, None) => None,
            (_, from) => from,
        };
        let verdict = match (self.assertion.mode, truth) {
            (Mode::Now | Mode::Eventually(_), Some(Truth::Yes)) => Some(true),
            (Mode::Now, Some(_)) => Some(false),
            (Mode::Now, None) => None,
            (Mode::Eventually(_), _) => (over || fixed && truth.is_some()).then_some(false),
            (Mode::Always(_), Some(Truth::Yes)) => over.then_some(true),
            (Mode::Always(_), Some(_)) => Some(false),
            (Mode::Never(_), Some(Truth::Yes)) => Some(false),
            // What was not seen is not known never to have been.
            (Mode::Never(_), Some(_)) => over.then_some(!tree.any_leaf(&Leaf::is_blind)),
            (Mode::Always(_) | Mode::Never(_), None) => over.then_some(false),
        };
        match truth {
            Some(Truth::Yes) => {
                self.held_from.get_or_insert(now);
            }
            _ => self.held_from = None,
        }
        match verdict {
            None => {}
            Some(true) => {
                tree.leaves(&mut |leaf| leaf.close(desk));
                let captures = judgement
                    .map(|judgement| judgement.captures)
                    .unwrap_or_default();
                self.decided = Some(now);
                self.phase = Phase::Decided(Verdict::Held(captures));
            }
            Some(false) => {
                if let Some(from) =
                    lost_at.filter(|_| matches!(self.assertion.mode, Mode::Always(_)))
                {
                    let (from, until) = (span(from), span(now));
                    self.seen.ja = format!(
                        "{from} から {until} までは成り立ち、その後: {}",
                        self.seen.ja
                    );
                    self.seen.en =
                        format!("it held from {from} to {until}, then: {}", self.seen.en);
                }
                self.fail(known, now, desk);
            }
        }
    }

    fn fail(&mut self, known: &Facts, now: Instant, desk: &mut Desk) {
        if let Phase::Open { tree, .. } = &mut self.phase {
            self.share = Some(tree.share());
            tree.leaves(&mut |leaf| leaf.close(desk));
        }
        let otherwise = self.assertion.otherwise.iter();
        let failure = Failure {
            asked: self.asked.clone(),
            seen: self.seen.clone(),
            since: self.since,
            at: now,
            pos: self.assertion.at,
            advice: otherwise
                .map(|text| filled(text, &known.captures))
                .collect(),
        };
        self.decided = Some(now);
        self.phase = Phase::Why {
            failure: Box::new(failure),
            next: 0,
            tree: None,
        };
        self.look_for_cause(known, now, desk);
    }

    /// The lesson knows no cause: the shell is asked what is broken on the way.
    fn ask_why(&mut self, failure: Box<Failure>, known: &Facts, now: Instant, desk: &mut Desk) {
        let unreached = match self.assertion.mode {
            Mode::Never(_) => None,
            _ => unreached(&self.assertion.subject, known),
        };
        self.phase = match unreached {
            None => Phase::Decided(Verdict::Failed(failure)),
            Some((from, about, namespace)) => Phase::Explaining {
                failure,
                id: desk.order(|id| Action::Explain {
                    id,
                    from,
                    about,
                    namespace,
                }),
                ends: now + DIAGNOSIS,
            },
        };
    }

    /// The shell has said what is broken, or cannot tell.
    fn explained(&mut self, why: Option<&Text>) {
        let Phase::Explaining { failure, .. } = &mut self.phase else {
            return;
        };
        failure
            .advice
            .extend(why.map(|why| text(format!("原因: {}", why.ja), format!("why: {}", why.en))));
        self.phase = Phase::Decided(Verdict::Failed(failure.clone()));
    }

    /// Tries the causes the lesson knows of, one after another; the first that holds is told.
    fn look_for_cause(&mut self, known: &Facts, now: Instant, desk: &mut Desk) {
        loop {
            let Phase::Why {
                failure,
                next,
                tree,
            } = &mut self.phase
            else {
                return;
            };
            let Some((_, say)) = self.assertion.diagnose.get(*next) else {
                let failure = failure.clone();
                return self.ask_why(failure, known, now, desk);
            };
            match tree {
                None => {
                    let ends = now + DIAGNOSIS;
                    match Tree::open(
                        &self.assertion.diagnose[*next].0,
                        known,
                        Pace::Once,
                        now,
                        desk,
                    ) {
                        Ok(opened) => *tree = Some((opened, ends)),
                        Err(_) => *next += 1,
                    }
                }
                Some((opened, ends)) => {
                    let judgement = opened.judgement();
                    if judgement.is_none() && now < *ends {
                        return;
                    }
                    opened.leaves(&mut |leaf| leaf.close(desk));
                    if judgement.is_some_and(|judgement| judgement.truth == Truth::Yes) {
                        failure.advice.push(filled(say, &known.captures));
                        self.phase = Phase::Decided(Verdict::Failed(failure.clone()));
                        return;
                    }
                    (*tree, *next) = (None, *next + 1);
                }
            }
        }
    }
}

/// What is not reached, and from where, if the subject is about reaching something.
fn unreached(subject: &Subject, known: &Facts) -> Option<(Option<Place>, String, String)> {
    let mut captures = known.captures.clone();
    let mut namespace = known.defaults.namespace.clone();
    let (from, about) = match subject {
        Subject::All(subjects) | Subject::Any(subjects) => {
            return subjects.iter().find_map(|one| unreached(one, known));
        }
        Subject::Endpoints(endpoints) => {
            namespace = endpoints.namespace.clone().unwrap_or(namespace);
            (None, format!("svc/{}", endpoints.service))
        }
        Subject::Http(http) => {
            let each = http.for_each.first();
            captures
                .extend(each.map(|each| ("each".to_owned(), fill_known(each, &known.captures))));
            (Some(&http.from), authority(&http.url))
        }
        Subject::Distribution(many) => (Some(&many.from), authority(&many.url)),
        Subject::Tcp(tcp) => (Some(&tcp.from), tcp.to.clone()),
        Subject::Dns(dns) => (Some(&dns.from), dns.name.clone()),
        _ => return None,
    };
    let fill = |text: &str| fill_known(text, &captures);
    let from = from.and_then(|from| Place::parse(&fill(from)));
    let namespace = fill(&namespace);
    let from = from.map(|from| from.within(&known.defaults.namespace));
    Some((from, fill(&about), namespace))
}

/// `host:port` of a URL.
fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // A port that is a hole still to be filled, `@(port)`, follows a colon too.
    match host.contains(':') {
        true => host.to_owned(),
        false if scheme == "https" => format!("{host}:443"),
        false => format!("{host}:80"),
    }
}

/// Keeps the latest thing seen and since when it is so.
fn note(seen: &mut Text, since: &mut Instant, judgement: &Judgement, now: Instant) {
    if judgement.seen != *seen {
        seen.clone_from(&judgement.seen);
        *since = now;
    }
}

/// Prose with its captures.
pub(super) fn filled(prose: &Text, captures: &Captures) -> Text {
    text(
        fill_known(&prose.ja, captures),
        fill_known(&prose.en, captures),
    )
}

fn span(at: Instant) -> String {
    words::span(at.since_start())
}

fn cel_names(subject: &Subject, names: &mut Vec<String>) {
    match subject {
        Subject::Cel(source) => names.extend(
            crate::expression::names(source)
                .into_iter()
                .map(str::to_owned),
        ),
        Subject::All(subjects) | Subject::Any(subjects) => {
            subjects.iter().for_each(|s| cel_names(s, names))
        }
        Subject::Not(subject) => cel_names(subject, names),
        _ => {}
    }
}
