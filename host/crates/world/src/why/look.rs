//! Reading objects for explanations: names, labels, owners, Events, likeness. Never writes.

use cluster::{Object, Store};
use serde_json::Value;

/// The text at a field, or nothing.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The items of a list, or none.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `metadata.name`.
pub(super) fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// `metadata.namespace`.
pub(super) fn namespace(object: &Value) -> &str {
    text(&object["metadata"]["namespace"])
}

/// `NAMESPACE/NAME`.
pub(super) fn full(object: &Value) -> String {
    format!("{}/{}", namespace(object), name(object))
}

/// `pod/NAME`, as kubectl takes it.
pub(super) fn pod_word(pod: &Value) -> String {
    format!("pod/{}", name(pod))
}

/// A port's number.
pub(super) fn number(value: &Value) -> Option<u16> {
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
    number.filter(|number| *number != 0)
}

/// `kubectl`, with the namespace unless it is the default one.
pub(super) fn kubectl(namespace: &str) -> String {
    match namespace {
        "default" | "" => "kubectl".to_owned(),
        other => format!("kubectl -n {other}"),
    }
}

/// Whether every pair of the selector is among the labels; an empty one matches nobody.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let pairs = selector.as_object().filter(|pairs| !pairs.is_empty());
    pairs.is_some_and(|pairs| {
        pairs
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    })
}

/// A selector or labels as `a=b,c=d`.
pub(super) fn pairs(map: &Value) -> String {
    let pairs = map.as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    pairs.join(",")
}

/// A word as a shell takes it: in quotes unless it is plain.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{word}'"),
    }
}

/// The first few names of a list, and how many more there are.
pub(super) fn few(names: impl IntoIterator<Item = impl Into<String>>) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), more) {
        (true, _) => "–".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} (+{more})", names.join(", ")),
    }
}

/// How many letters must be added, taken away, exchanged or swapped to make one word of another.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let above = rows[i][j + 1] + 1;
            let left = row[j] + 1;
            let mut best = above.min(left).min(rows[i][j] + usize::from(a != b));
            if i > 0 && j > 0 && one[i - 1] == *b && other[j - 1] == *a {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// Whether one word may be a slip for the other: at most two letters, and most of it the same.
pub(super) fn alike(one: &str, other: &str) -> bool {
    // Long words are names of machines, and two letters of them say nothing.
    let short = one.chars().count().min(other.chars().count());
    one != other && one.len() < 64 && other.len() < 64 && {
        let distance = distance(one, other);
        distance <= 2 && distance * 2 < short.max(1)
    }
}

/// The most alike of the candidates.
pub(super) fn near<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter(|candidate| alike(word, candidate))
        .min_by_key(|candidate| distance(word, candidate))
}

/// The condition of this type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let mut conditions = items(&object["status"]["conditions"]).iter();
    conditions.find(|condition| condition["type"] == kind)
}

/// Whether a Pod is Ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition["status"] == "True")
}

/// Whether an object is marked for deletion.
pub(super) fn is_leaving(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// The workload on top of a Pod, as `deployment/NAME`; the Pod itself when nothing is.
pub(super) fn workload(store: &Store, pod: &Value) -> String {
    let owner = |object: &Value| {
        let mut owners = items(&object["metadata"]["ownerReferences"]).iter();
        let owner = owners.find(|owner| owner["controller"] == true)?;
        Some((
            text(&owner["kind"]).to_owned(),
            text(&owner["name"]).to_owned(),
        ))
    };
    let Some((kind, found)) = owner(pod) else {
        return pod_word(pod);
    };
    if kind == "ReplicaSet"
        && let Some(set) = store.get("replicasets.apps", namespace(pod), &found)
        && let Some((kind, found)) = owner(set)
    {
        return format!("{}/{found}", kind.to_lowercase());
    }
    format!("{}/{found}", kind.to_lowercase())
}

/// The command that makes a Pod's containers begin again.
pub(super) fn restart(store: &Store, pod: &Value) -> String {
    let kubectl = kubectl(namespace(pod));
    let workload = workload(store, pod);
    let kind = workload.split('/').next().unwrap_or_default();
    match kind {
        "deployment" | "statefulset" | "daemonset" => {
            format!("{kubectl} rollout restart {workload}")
        }
        "pod" => format!("{kubectl} get {workload} -o yaml | {kubectl} replace --force -f -"),
        _ => format!("{kubectl} delete {}", pod_word(pod)),
    }
}

/// The newest Event about an object with one of these reasons.
pub(super) fn event<'a>(store: &'a Store, object: &Value, reasons: &[&str]) -> Option<&'a Object> {
    let uid = &object["metadata"]["uid"];
    let about = store
        .list("events", Some(namespace(object)))
        .filter(|event| {
            event["involvedObject"]["uid"] == *uid && reasons.contains(&text(&event["reason"]))
        });
    about.max_by_key(|event| {
        let revision = text(&event["metadata"]["resourceVersion"]);
        revision.parse::<u64>().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_one_or_two_letters_of_a_longer_word() {
        assert_eq!(distance("wbe", "web"), 1);
        assert_eq!(distance("my-nginx", "my-ngnix"), 1);
        assert!(alike("wbe", "web") && alike("backend", "bakend"));
        assert!(!alike("web", "db") && !alike("front", "back") && !alike("web", "web"));
        assert_eq!(
            near("my-ngnx", ["web", "my-nginx"].into_iter()),
            Some("my-nginx")
        );
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(few(["a", "b"]), "a, b");
        assert_eq!(few(["a", "b", "c", "d", "e"]), "a, b, c (+2)");
        assert_eq!(few(Vec::<String>::new()), "–");
    }
}
