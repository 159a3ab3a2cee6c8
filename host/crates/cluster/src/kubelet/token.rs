//! The tokens of a pod's volumes: of its account, bound to the pod, made anew when four fifths of
//! their life are over, as kubelets do. Never asks whether they hold.

use super::volume::Downward;
use crate::api::{Claims, Issuer};
use crate::controller::meta::{items, name, namespace, text, uid};
use crate::store::Store;
use serde_json::Value;

/// How long a token lasts when nobody says, in seconds.
const HOUR: i64 = 3_600;

/// What tokens are made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a> {
    pub(crate) issuer: &'a Issuer,
    /// Unix seconds.
    pub(crate) now: i64,
}

/// The token that a projection of a `serviceAccountToken` holds.
pub(crate) fn token(
    store: &Store,
    downward: &Downward<'_>,
    source: &Value,
    tokens: &Tokens<'_>,
) -> String {
    let (pod, space) = (downward.pod, namespace(downward.pod));
    let account = match text(&pod["spec"]["serviceAccountName"]) {
        "" => "default",
        account => account,
    };
    let uid_of = |kind: &str, space: &str, name: &str| {
        let object = store.get(kind, space, name);
        object.map_or_else(String::new, |object| uid(object).to_owned())
    };
    let node = text(&pod["spec"]["nodeName"]);
    let node_uid = uid_of("nodes", "", node);
    let audience = text(&source["audience"]);
    let issued = issued(pod, source, tokens.now);
    let what = format!("{}/{}/{issued}", uid(pod), text(&source["path"]));
    tokens.issuer.issue(&Claims {
        namespace: space,
        account,
        account_uid: &uid_of("serviceaccounts", space, account),
        bound: vec![("pod", name(pod), uid(pod)), ("node", node, &node_uid)],
        audiences: Some(audience)
            .filter(|one| !one.is_empty())
            .into_iter()
            .collect(),
        issued,
        seconds: seconds(source),
        id: tokens.issuer.id_of(&what),
    })
}

fn seconds(source: &Value) -> i64 {
    source["expirationSeconds"].as_i64().unwrap_or(HOUR)
}

/// After how many seconds there is another.
fn step(source: &Value) -> i64 {
    (seconds(source) * 4 / 5).max(1)
}

/// When the token of now was made; the first one when the pod was.
fn issued(pod: &Value, source: &Value, now: i64) -> i64 {
    let made: Option<jiff::Timestamp> = text(&pod["metadata"]["creationTimestamp"]).parse().ok();
    let made = made.map_or(now, jiff::Timestamp::as_second).min(now);
    now - (now - made) % step(source)
}

/// When one of a pod's tokens is due, in unix seconds. Those that everybody has last a year and are
/// not counted.
pub(crate) fn renewal(pod: &Value, now: i64) -> Option<i64> {
    let volumes = items(&pod["spec"]["volumes"]).iter();
    let sources = volumes.flat_map(|volume| items(&volume["projected"]["sources"]));
    let tokens = sources.filter_map(|source| source.get("serviceAccountToken"));
    let own = tokens.filter(|source| {
        !Claims::is_extended(seconds(source), text(&source["audience"]).is_empty())
    });
    own.map(|source| issued(pod, source, now) + step(source))
        .min()
}
