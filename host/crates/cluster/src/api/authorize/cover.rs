//! Whether rules cover other rules, and how the rest is told: upstream's
//! `pkg/registry/rbac/validation/policy_comparator.go` and `policy_compact.go`.
//! Never asks whose rules they are.

use super::rule::{Rule, has, url_covers};
use std::collections::BTreeMap;

/// What of `wanted` is not covered by `own`, in the smallest pieces.
pub(super) fn missing(own: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    let pieces = wanted.iter().flat_map(pieces);
    pieces
        .filter(|piece| !own.iter().any(|rule| covers(rule, piece)))
        .collect()
}

/// A rule of one verb, one resource or path, one name at most, for each combination.
fn pieces(rule: &Rule) -> Vec<Rule> {
    let one = |text: &String| vec![text.clone()];
    let names: Vec<Vec<String>> = match rule.names.is_empty() {
        true => vec![Vec::new()],
        false => rule.names.iter().map(one).collect(),
    };
    let mut all = Vec::new();
    for group in &rule.groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                for name in &names {
                    all.push(Rule {
                        verbs: one(verb),
                        groups: one(group),
                        resources: one(resource),
                        names: name.clone(),
                        urls: Vec::new(),
                    });
                }
            }
        }
    }
    for url in &rule.urls {
        for verb in &rule.verbs {
            all.push(Rule {
                verbs: one(verb),
                urls: one(url),
                ..Rule::default()
            });
        }
    }
    all
}

/// Whether a rule covers a piece.
fn covers(rule: &Rule, piece: &Rule) -> bool {
    let all_of = |own: &[String], wanted: &[String]| wanted.iter().all(|one| has(own, one));
    let resource = |wanted: &String| {
        let sub = wanted.split_once('/').map(|(_, sub)| sub);
        let of_any = sub.map(|sub| format!("*/{sub}"));
        has(&rule.resources, wanted) || of_any.is_some_and(|any| rule.resources.contains(&any))
    };
    let names = || match piece.names.is_empty() {
        // Those of all names cover one; those of one do not cover all.
        true => rule.names.is_empty(),
        false => rule.names.is_empty() || all_named(&rule.names, &piece.names),
    };
    let url = |wanted: &String| rule.urls.iter().any(|own| url_covers(own, wanted));
    all_of(&rule.verbs, &piece.verbs)
        && all_of(&rule.groups, &piece.groups)
        && piece.resources.iter().all(resource)
        && names()
        && piece.urls.iter().all(url)
}

fn all_named(own: &[String], wanted: &[String]) -> bool {
    wanted.iter().all(|name| own.contains(name))
}

/// The same pieces in sentences, verbs of one resource together, sorted.
pub(super) fn told(pieces: Vec<Rule>) -> Vec<String> {
    let mut together: BTreeMap<Rule, Vec<String>> = BTreeMap::new();
    let mut single = Vec::new();
    for mut piece in pieces {
        if piece.urls.is_empty() {
            let verbs = std::mem::take(&mut piece.verbs);
            together.entry(piece).or_default().extend(verbs);
        } else {
            single.push(piece);
        }
    }
    let merged = together
        .into_iter()
        .map(|(rule, verbs)| Rule { verbs, ..rule });
    let mut all: Vec<String> = merged.chain(single).map(|rule| sentence(&rule)).collect();
    all.sort();
    all.dedup();
    all
}

/// `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`
fn sentence(rule: &Rule) -> String {
    let parts = [
        ("APIGroups", &rule.groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.urls),
        ("ResourceNames", &rule.names),
        ("Verbs", &rule.verbs),
    ];
    let parts = parts.into_iter().filter(|(_, list)| !list.is_empty());
    let parts: Vec<String> = parts
        .map(|(name, list)| format!("{name}:{}", go_list(list)))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

/// A list as Go's `%q` prints it.
pub(super) fn go_list(list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().map(|one| format!("{one:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(own: &serde_json::Value, wanted: &serde_json::Value, expected: &[&str]) {
        let found = missing(&[Rule::read(own)], &[Rule::read(wanted)]);
        assert_eq!(told(found), expected);
    }

    #[test]
    fn nobody_covers_more_than_the_rules_say() {
        let rule = |verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]| json!({"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names});
        let all = rule(&["*"], &["*"], &["*"], &[]);
        let reads = rule(&["get", "list"], &[""], &["pods"], &[]);
        check(&all, &reads, &[]);
        check(
            &reads,
            &all,
            &[r#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#],
        );
        let more = rule(
            &["delete", "get", "watch"],
            &[""],
            &["pods", "secrets"],
            &[],
        );
        check(
            &reads,
            &more,
            &[
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}"#,
                r#"{APIGroups:[""], Resources:["secrets"], Verbs:["delete" "get" "watch"]}"#,
            ],
        );
        let one = rule(&["get"], &[""], &["pods"], &["x"]);
        check(&reads, &one, &[]);
        check(
            &one,
            &reads,
            &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}"#],
        );
        let scales = rule(&["get"], &["apps"], &["*/scale"], &[]);
        check(
            &scales,
            &rule(&["get"], &["apps"], &["deployments/scale"], &[]),
            &[],
        );
        let open = json!({"verbs": ["get"], "nonResourceURLs": ["/api/*"]});
        check(
            &open,
            &json!({"verbs": ["get"], "nonResourceURLs": ["/api/v1"]}),
            &[],
        );
        check(
            &open,
            &json!({"verbs": ["get"], "nonResourceURLs": ["/metrics"]}),
            &[r#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#],
        );
    }
}
