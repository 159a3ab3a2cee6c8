//! From what was observed to whether a subject holds, in words. Never asks for anything.

use crate::action::{Failed, Packet, ProbeOutcome};
use crate::lab::{
    Distribution, Dns, Endpoints, Exec, Http, Like, Matcher, OutputOf, Resource, Tcp, Text,
};
use crate::template::{Captures, fill};
use crate::{jsonpath, like, matcher};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whether a subject holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    /// It cannot be told yet; never a verdict by itself.
    NotYet,
}

/// Whether a subject holds, and what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) truth: Truth,
    pub(crate) seen: Text,
    /// What was captured on the way.
    pub(crate) captures: Captures,
}

impl Judgement {
    pub(crate) fn new(truth: Truth, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            truth,
            seen: text(ja, en),
            captures: Captures::new(),
        }
    }

    fn yes(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Truth::Yes, ja, en)
    }

    fn no(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Truth::No, ja, en)
    }

    fn not_yet(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Truth::NotYet, ja, en)
    }

    fn truth(held: bool, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(if held { Truth::Yes } else { Truth::No }, ja, en)
    }
}

/// Prose in both languages.
pub(crate) fn text(ja: impl Into<String>, en: impl Into<String>) -> Text {
    Text {
        ja: ja.into(),
        en: en.into(),
    }
}

type Objects = [Arc<Value>];

/// `kind/name` of an object.
fn called(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("object").to_lowercase();
    format!(
        "{kind}/{}",
        object["metadata"]["name"].as_str().unwrap_or("?")
    )
}

fn mismatch_words(subject: &str, wrong: &matcher::Mismatch) -> Judgement {
    let matcher::Mismatch {
        path,
        expected,
        seen,
    } = wrong;
    let place = [subject, path]
        .iter()
        .filter(|part| !part.is_empty())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    match seen {
        Some(seen) => Judgement::no(
            format!("{place} は {seen} です(期待: {expected})"),
            format!("{place} is {seen}, expected {expected}"),
        ),
        None => Judgement::no(
            format!("{place} がありません(期待: {expected})"),
            format!("{place} is not there, expected {expected}"),
        ),
    }
}

/// Objects against their shape, their number and, if asked, a manifest's dry run.
pub(super) fn resource(
    resource: &Resource,
    items: &Objects,
    dry_run: Option<&Result<Arc<Value>, String>>,
    captures: &Captures,
) -> Judgement {
    let fits = |item: &&Arc<Value>| {
        resource
            .shape
            .as_ref()
            .map_or(Ok(()), |shape| shape.check(Some(item), captures))
    };
    let matching: Vec<&Arc<Value>> = items.iter().filter(|item| fits(item).is_ok()).collect();
    let names = |items: &[&Arc<Value>]| {
        items
            .iter()
            .take(5)
            .map(|item| called(item))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if resource.absent {
        return match matching[..] {
            [] => Judgement::yes("ありません", "it is not there"),
            _ => Judgement::no(
                format!("{} があります", names(&matching)),
                format!("{} is there", names(&matching)),
            ),
        };
    }
    if let Some(count) = &resource.count {
        let (found, total) = (matching.len(), items.len());
        let held = count.check_value(found, captures).is_ok();
        let wanted = count.told(captures);
        let mut judgement = Judgement::truth(
            held,
            format!("{total}個のうち{found}個が条件に合います(期待: {wanted})"),
            format!("{found} of {total} fit, expected {wanted}"),
        );
        if let (false, Some(Err(wrong))) = (
            held,
            items.iter().map(|item| fits(&item)).find(Result::is_err),
        ) {
            let why = mismatch_words("", &wrong).seen;
            judgement.seen.ja = format!("{}。例: {}", judgement.seen.ja, why.ja);
            judgement.seen.en = format!("{}; for instance {}", judgement.seen.en, why.en);
        }
        return captured(judgement, resource, matching.first().copied());
    }
    let Some(first) = items.first() else {
        return Judgement::not_yet(
            "そのオブジェクトはまだありません",
            "there is no such object",
        );
    };
    if let Some((item, Err(wrong))) = items
        .iter()
        .map(|item| (item, fits(&item)))
        .find(|(_, fit)| fit.is_err())
    {
        return mismatch_words(&called(item), &wrong);
    }
    if resource.same_spec_as.is_some() {
        let same = same_spec(resource, first, dry_run);
        if same.truth != Truth::Yes {
            return same;
        }
    }
    let all: Vec<&Arc<Value>> = items.iter().collect();
    captured(
        Judgement::yes(
            format!("{} が条件に合います", names(&all)),
            format!("{} fits", names(&all)),
        ),
        resource,
        Some(first),
    )
}

fn captured(
    mut judgement: Judgement,
    resource: &Resource,
    object: Option<&Arc<Value>>,
) -> Judgement {
    if judgement.truth != Truth::Yes {
        return judgement;
    }
    for (name, path) in &resource.capture {
        match object.and_then(|object| jsonpath::find(object, path)) {
            Some(value) => {
                judgement.captures.insert(name.clone(), value);
            }
            None => {
                return Judgement::not_yet(
                    format!("{path} はまだ空です"),
                    format!("{path} is still empty"),
                );
            }
        }
    }
    judgement
}

/// Fields of a spec that the server allocates, so that two equal manifests differ in them.
const ALLOCATED: &[&str] = &[
    "clusterIP",
    "clusterIPs",
    "healthCheckNodePort",
    "nodePort",
    "nodeName",
    "volumeName",
];

fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !ALLOCATED.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), pruned(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(pruned).collect(),
        other => other.clone(),
    }
}

fn same_spec(
    resource: &Resource,
    object: &Value,
    dry_run: Option<&Result<Arc<Value>, String>>,
) -> Judgement {
    let path = resource.same_spec_as.as_ref().map_or("", |(path, _)| path);
    match dry_run {
        None => Judgement::not_yet(
            "dry runの返事がまだありません",
            "the dry run has not answered yet",
        ),
        Some(Err(message)) => Judgement::no(
            format!("{path} はサーバーに受け付けられません: {message}"),
            format!("the server does not take {path}: {message}"),
        ),
        Some(Ok(stored)) => {
            match difference("spec", &pruned(&object["spec"]), &pruned(&stored["spec"])) {
                None => Judgement::yes(
                    format!("{path} とspecが同じです"),
                    format!("the spec is that of {path}"),
                ),
                Some((field, ours, theirs)) => Judgement::no(
                    format!(
                        "{field} が違います: {} は {ours}、{path} では {theirs}",
                        called(object)
                    ),
                    format!(
                        "{field} differs: {ours} in {}, {theirs} in {path}",
                        called(object)
                    ),
                ),
            }
        }
    }
}

/// The first place where two values differ.
fn difference(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            keys.into_iter().find_map(|key| {
                difference(
                    &format!("{path}.{key}"),
                    x.get(key).unwrap_or(&Value::Null),
                    y.get(key).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => x
            .iter()
            .zip(y)
            .enumerate()
            .find_map(|(i, (a, b))| difference(&format!("{path}[{i}]"), a, b)),
        _ if a == b => None,
        _ => Some((
            path.to_owned(),
            matcher::told_value(a),
            matcher::told_value(b),
        )),
    }
}

/// Ready addresses of EndpointSlices.
fn ready_addresses(slices: &Objects) -> BTreeSet<String> {
    let endpoints = slices
        .iter()
        .filter_map(|slice| slice["endpoints"].as_array())
        .flatten();
    let ready =
        endpoints.filter(|endpoint| endpoint["conditions"]["ready"].as_bool() != Some(false));
    ready
        .filter_map(|endpoint| endpoint["addresses"][0].as_str())
        .map(str::to_owned)
        .collect()
}

/// Addresses of Pods that are ready and not on their way out.
fn pod_addresses(pods: &Objects) -> BTreeSet<String> {
    let is_ready = |pod: &&Arc<Value>| {
        let conditions = pod["status"]["conditions"].as_array();
        let ready = conditions
            .into_iter()
            .flatten()
            .any(|c| c["type"] == "Ready" && c["status"] == "True");
        ready && pod["metadata"]["deletionTimestamp"].is_null()
    };
    pods.iter()
        .filter(is_ready)
        .filter_map(|pod| pod["status"]["podIP"].as_str())
        .map(str::to_owned)
        .collect()
}

fn listed<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<&str> = items.into_iter().map(String::as_str).collect();
    if items.is_empty() {
        "<none>".to_owned()
    } else {
        items.join(", ")
    }
}

/// The endpoints of a Service.
pub(super) fn endpoints(
    wanted: &Endpoints,
    slices: &Objects,
    pods: Option<&Objects>,
    captures: &Captures,
) -> Judgement {
    let ready = ready_addresses(slices);
    let (count, list) = (ready.len(), listed(&ready));
    let service = fill(&wanted.service, captures).unwrap_or_default();
    let seen = |truth| {
        Judgement::new(
            truth,
            format!("Service {service} のreadyなendpointsは {list}"),
            format!("the ready endpoints of Service {service} are {list}"),
        )
    };
    let with = |text: &Option<String>| text.as_ref().and_then(|text| fill(text, captures).ok());
    if wanted
        .ready
        .as_ref()
        .is_some_and(|shape| shape.check_value(count, captures).is_err())
    {
        return seen(Truth::No);
    }
    if with(&wanted.contains).is_some_and(|addr| !ready.contains(&addr)) {
        return seen(Truth::No);
    }
    if with(&wanted.not_contains).is_some_and(|addr| ready.contains(&addr)) {
        return seen(Truth::No);
    }
    if let Some(shape) = &wanted.port {
        let ports: Vec<Value> = slices
            .iter()
            .filter_map(|slice| slice["ports"].as_array())
            .flatten()
            .map(|port| port["port"].clone())
            .collect();
        if !ports
            .iter()
            .any(|port| shape.check(Some(port), captures).is_ok())
        {
            let ports = matcher::told_value(&Value::Array(ports));
            return Judgement::no(
                format!("Service {service} のendpointsのportは {ports}"),
                format!("the endpoints of Service {service} have the ports {ports}"),
            );
        }
    }
    if let Some(pods) = pods {
        let pods = pod_addresses(pods);
        let others = listed(&pods);
        if ready != pods || pods.is_empty() {
            let truth = if pods.is_empty() {
                Truth::NotYet
            } else {
                Truth::No
            };
            return Judgement::new(
                truth,
                format!("Service {service} のendpointsは {list}、readyなPodのIPは {others}"),
                format!(
                    "the endpoints of Service {service} are {list}, the IPs of the ready Pods {others}"
                ),
            );
        }
    }
    seen(Truth::Yes)
}

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
        Failed::NotReady => ("まだ使えない", "not ready yet"),
    }
}

fn failed(kind: Failed, message: &str, expected: Option<Failed>) -> Judgement {
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

fn shape(
    shape: Option<&Matcher>,
    subject: &str,
    value: impl Into<Value>,
    captures: &Captures,
) -> Option<Judgement> {
    let wrong = shape?.check(Some(&value.into()), captures).err()?;
    Some(mismatch_words(subject, &wrong))
}

pub(super) fn http(wanted: &Http, outcome: &ProbeOutcome, captures: &Captures) -> Judgement {
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

pub(super) fn tcp(wanted: &Tcp, outcome: &ProbeOutcome) -> Judgement {
    match outcome {
        ProbeOutcome::Failed(kind, message) => failed(*kind, message, wanted.is),
        ProbeOutcome::Open => {
            Judgement::truth(wanted.is.is_none(), "つながりました", "it connected")
        }
        other => unexpected(other),
    }
}

pub(super) fn dns(wanted: &Dns, outcome: &ProbeOutcome, captures: &Captures) -> Judgement {
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

/// What a command left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: Option<i32>,
}

/// What a command should have left behind.
pub(super) struct Wanted<'a> {
    pub(super) exit: Option<&'a Matcher>,
    pub(super) stdout: Option<&'a Matcher>,
    pub(super) stderr: Option<&'a Matcher>,
    pub(super) like: Option<&'a Like>,
    pub(super) background: bool,
}

impl<'a> From<&'a Exec> for Wanted<'a> {
    fn from(exec: &'a Exec) -> Self {
        let Exec {
            exit,
            stdout,
            stderr,
            like,
            ..
        } = exec;
        Self {
            exit: exit.as_ref(),
            stdout: stdout.as_ref(),
            stderr: stderr.as_ref(),
            like: like.as_ref(),
            background: false,
        }
    }
}

impl<'a> From<&'a OutputOf> for Wanted<'a> {
    fn from(output: &'a OutputOf) -> Self {
        let OutputOf {
            exit,
            stdout,
            stderr,
            like,
            ..
        } = output;
        Self {
            exit: exit.as_ref(),
            stdout: stdout.as_ref(),
            stderr: stderr.as_ref(),
            like: like.as_ref(),
            background: false,
        }
    }
}

/// A command against what was wanted; exit code zero unless told otherwise.
pub(super) fn ended(wanted: &Wanted<'_>, ended: &Ended, captures: &Captures) -> Judgement {
    if !wanted.background {
        let Some(exit) = ended.exit else {
            return Judgement::no("時間内に終わりませんでした", "it did not end in time");
        };
        let zero = Matcher::Equals(0.into());
        if let Err(wrong) = wanted.exit.unwrap_or(&zero).check_value(exit, captures) {
            let mut judgement = mismatch_words("exit", &wrong);
            let last = ended
                .stderr
                .lines()
                .chain(ended.stdout.lines())
                .rfind(|line| !line.trim().is_empty());
            if let Some(line) = last {
                judgement.seen.ja.push_str(&format!(": {line}"));
                judgement.seen.en.push_str(&format!(": {line}"));
            }
            return judgement;
        }
    }
    if let Some(wrong) = shape(wanted.stdout, "stdout", ended.stdout.as_str(), captures)
        .or_else(|| shape(wanted.stderr, "stderr", ended.stderr.as_str(), captures))
    {
        return wrong;
    }
    let mut found = captures.clone();
    if let Some(Err(wrong)) = wanted
        .like
        .map(|like| like::check(like, &ended.stdout, wanted.background, &mut found))
    {
        return like_words(&wrong);
    }
    found.retain(|name, value| captures.get(name) != Some(value));
    Judgement {
        captures: found,
        ..Judgement::yes("期待どおりです", "as expected")
    }
}

fn like_words(wrong: &like::Mismatch) -> Judgement {
    let like::Mismatch {
        expected,
        seen,
        line,
    } = wrong;
    match seen {
        Some(seen) if *line > 0 => Judgement::no(
            format!("{line}行目は `{seen}`(期待: `{expected}`)"),
            format!("line {line} is `{seen}`, expected `{expected}`"),
        ),
        Some(seen) => Judgement::no(
            format!("`{expected}` がありません。あるのは `{seen}`"),
            format!("there is no `{expected}`; there is `{seen}`"),
        ),
        None => Judgement::no(
            format!("`{expected}` がありません"),
            format!("there is no `{expected}`"),
        ),
    }
}

pub(super) fn exec(wanted: &Exec, outcome: &ProbeOutcome, captures: &Captures) -> Judgement {
    match outcome {
        ProbeOutcome::Exec {
            exit,
            stdout,
            stderr,
        } => {
            let left = Ended {
                stdout: stdout.clone(),
                stderr: stderr.clone(),
                exit: Some(*exit),
            };
            ended(&wanted.into(), &left, captures)
        }
        ProbeOutcome::Failed(kind, message) => failed(*kind, message, None),
        other => unexpected(other),
    }
}

pub(super) fn distribution(wanted: &Distribution, outcome: &ProbeOutcome) -> Judgement {
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
pub(super) fn packet(wanted: Option<&Matcher>, packet: &Packet, captures: &Captures) -> bool {
    let value = serde_json::to_value(packet).unwrap_or_default();
    wanted.is_none_or(|shape| shape.check(Some(&value), captures).is_ok())
}

/// Packets that fit so far.
pub(super) fn flow(count: u64, first: Option<&Packet>) -> Judgement {
    match first {
        None => Judgement::no("そのようなパケットはありません", "there is no such packet"),
        Some(packet) => {
            let end = |name| {
                packet
                    .ip
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or("?")
                    .to_owned()
            };
            let (at, iface, src, dst) = (packet.at, &packet.iface, end("src"), end("dst"));
            Judgement::yes(
                format!("{count}個のパケット。最初は t={at} に {iface} で {src} → {dst}"),
                format!("{count} packets, the first at t={at} on {iface}: {src} → {dst}"),
            )
        }
    }
}

fn unexpected(outcome: &ProbeOutcome) -> Judgement {
    Judgement::not_yet(
        format!("思わぬ返事です: {outcome:?}"),
        format!("an answer of another kind: {outcome:?}"),
    )
}
