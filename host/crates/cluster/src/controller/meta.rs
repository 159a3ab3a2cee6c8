//! Reading objects: labels, selectors, owners, conditions, times. Never writes.

use serde_json::{Map, Value, json};

/// The text at a field, or nothing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The items of a list, or none.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

/// `metadata.namespace`.
pub(crate) fn namespace(object: &Value) -> &str {
    text(&object["metadata"]["namespace"])
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(&object["metadata"]["uid"])
}

/// Whether the object is marked for deletion.
pub(crate) fn deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Whether every pair of `wanted` is among `labels`; an empty selector matches nothing.
pub(crate) fn labels_match(wanted: &Value, labels: &Value) -> bool {
    let Some(wanted) = wanted.as_object().filter(|map| !map.is_empty()) else {
        return false;
    };
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a `metav1.LabelSelector` selects an object with these labels.
pub(crate) fn selector_matches(selector: &Value, labels: &Value) -> bool {
    let pairs = selector["matchLabels"].as_object();
    let expressions = items(&selector["matchExpressions"]);
    if pairs.is_none_or(Map::is_empty) && expressions.is_empty() {
        return false;
    }
    let pairs_match = pairs.is_none_or(|pairs| {
        pairs
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    });
    pairs_match
        && expressions
            .iter()
            .all(|expression| requirement_matches(expression, labels))
}

/// Whether one `{key, operator, values}` holds, for labels of pods and of nodes alike.
pub(crate) fn requirement_matches(expression: &Value, labels: &Value) -> bool {
    let found = labels.get(text(&expression["key"])).and_then(Value::as_str);
    let values = items(&expression["values"]);
    let listed = |label: &str| values.iter().any(|value| value.as_str() == Some(label));
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = values.first().and_then(Value::as_str).and_then(number);
    match text(&expression["operator"]) {
        "In" => found.is_some_and(listed),
        "NotIn" => !found.is_some_and(listed),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => found
            .and_then(number)
            .zip(bound)
            .is_some_and(|(label, bound)| label > bound),
        "Lt" => found
            .and_then(number)
            .zip(bound)
            .is_some_and(|(label, bound)| label < bound),
        _ => false,
    }
}

/// The owner that controls the object.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    items(&object["metadata"]["ownerReferences"])
        .iter()
        .find(|owner| owner["controller"] == true)
}

/// Whether the owner with this uid controls the object.
pub(crate) fn controlled_by(object: &Value, owner_uid: &str) -> bool {
    controller_of(object).is_some_and(|owner| text(&owner["uid"]) == owner_uid)
}

/// The reference by which `owner` controls what it creates.
pub(crate) fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The condition of this type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(&object["status"]["conditions"])
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Carries over the conditions that others wrote into a status that is made anew.
pub(crate) fn keep_conditions(status: &mut Value, object: &Value, own: &[&str]) {
    let known = items(&object["status"]["conditions"]).iter();
    let foreign = known.filter(|condition| !own.contains(&text(&condition["type"])));
    let foreign: Vec<Value> = foreign.cloned().collect();
    if !foreign.is_empty() {
        let mut all = items(&status["conditions"]).to_vec();
        all.extend(foreign);
        status["conditions"] = all.into();
    }
}

/// Whether the condition of this type is true.
pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

/// Whether a pod is Ready.
pub(crate) fn pod_ready(pod: &Value) -> bool {
    is_true(pod, "Ready")
}

/// Whether a pod will never run again.
pub(crate) fn pod_finished(pod: &Value) -> bool {
    matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed")
}

/// Seconds until a Ready pod has been so for `min_ready` seconds; zero when it already has.
/// `None` when it is not Ready.
pub(crate) fn until_available(pod: &Value, min_ready: i64, now_unix: i64) -> Option<i64> {
    let ready = condition(pod, "Ready").filter(|condition| condition["status"] == "True")?;
    let since = unix(text(&ready["lastTransitionTime"])).unwrap_or(now_unix);
    Some((since + min_ready - now_unix).max(0))
}

/// A `metav1.Time` in unix seconds.
pub(crate) fn unix(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_second)
}

/// A number or percentage of `whole`, rounded up or down.
pub(crate) fn scaled(value: &Value, whole: i64, round_up: bool) -> i64 {
    let percent = value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|p| p.parse::<i64>().ok());
    match percent {
        Some(percent) if round_up => (whole * percent + 99) / 100,
        Some(percent) => whole * percent / 100,
        None => value
            .as_i64()
            .or_else(|| text(value).parse().ok())
            .unwrap_or(0),
    }
}

/// An object without the fields whose value is `Null`.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_selector_selects_nothing() {
        assert!(!selector_matches(&json!({}), &json!({"a": "b"})));
        assert!(!labels_match(&json!({}), &json!({"a": "b"})));
        assert!(!labels_match(&Value::Null, &json!({"a": "b"})));
    }

    #[test]
    fn expressions_follow_their_operators() {
        let labels = json!({"tier": "web", "cpus": "4"});
        let holds = |key: &str, operator: &str, values: Value| {
            requirement_matches(
                &json!({"key": key, "operator": operator, "values": values}),
                &labels,
            )
        };
        assert!(holds("tier", "In", json!(["db", "web"])));
        assert!(holds("tier", "NotIn", json!(["db"])));
        assert!(holds("absent", "NotIn", json!(["db"])));
        assert!(holds("tier", "Exists", json!([])));
        assert!(holds("absent", "DoesNotExist", json!([])));
        assert!(holds("cpus", "Gt", json!(["3"])));
        assert!(!holds("cpus", "Lt", json!(["3"])));
    }

    #[test]
    fn percentages_round_up_for_surge_and_down_for_unavailability() {
        assert_eq!(scaled(&json!("25%"), 2, true), 1);
        assert_eq!(scaled(&json!("25%"), 2, false), 0);
        assert_eq!(scaled(&json!(3), 2, false), 3);
    }
}
