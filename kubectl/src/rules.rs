//! RBAC rules as rows of a table, broken down and put together again as the stock client does. Never judges a request.

use serde_json::Value;

use crate::text::json::{bare, list};

/// One row: verbs on one resource, or on a path that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    group: Option<String>,
    resource: String,
    name: Option<String>,
    url: Option<String>,
    verbs: Vec<String>,
}

impl Rule {
    /// What the rules are sorted by: the text of the API's type.
    fn key(&self) -> String {
        let one = |item: &Option<String>| item.clone().unwrap_or_default();
        format!(
            "&PolicyRule{{Verbs:[{}],APIGroups:[{}],Resources:[{}],ResourceNames:[{}],NonResourceURLs:[{}],}}",
            self.verbs.join(" "),
            one(&self.group),
            self.resource,
            one(&self.name),
            one(&self.url)
        )
    }

    /// `deployments.apps/scale`.
    fn shown(&self) -> String {
        let group = self.group.as_deref().unwrap_or_default();
        let (kind, part) = self
            .resource
            .split_once('/')
            .map_or((self.resource.as_str(), None), |(kind, part)| {
                (kind, Some(part))
            });
        let mut shown = kind.to_owned();
        if !group.is_empty() {
            shown.push_str(&format!(".{group}"));
        }
        if let Some(part) = part {
            shown.push_str(&format!("/{part}"));
        }
        shown
    }
}

fn strings(rule: &Value, field: &str) -> Vec<String> {
    list(rule, field).iter().map(bare).collect()
}

/// The rows for some rules: resources, paths that are no resources, names of resources, verbs.
pub(crate) fn rows(rules: &[Value]) -> Vec<[String; 4]> {
    let mut simple: Vec<Rule> = Vec::new();
    let mut paths: Vec<Rule> = Vec::new();
    for rule in rules {
        let verbs = strings(rule, "verbs");
        let mut names: Vec<Option<String>> = strings(rule, "resourceNames")
            .into_iter()
            .map(Some)
            .collect();
        if names.is_empty() {
            names.push(None);
        }
        for group in strings(rule, "apiGroups") {
            for resource in strings(rule, "resources") {
                for name in &names {
                    add(&mut simple, &group, &resource, name.as_ref(), &verbs);
                }
            }
        }
        for url in strings(rule, "nonResourceURLs") {
            paths.extend(verbs.iter().map(|verb| Rule {
                group: None,
                resource: String::new(),
                name: None,
                url: Some(url.clone()),
                verbs: vec![verb.clone()],
            }));
        }
    }
    paths.extend(simple);
    paths.sort_by_key(Rule::key);
    let listed = |items: &[String]| format!("[{}]", items.join(" "));
    paths
        .iter()
        .map(|rule| {
            [
                rule.shown(),
                listed(rule.url.as_slice()),
                listed(rule.name.as_slice()),
                listed(&rule.verbs),
            ]
        })
        .collect()
}

/// Adds verbs to what is known of a resource.
fn add(
    known: &mut Vec<Rule>,
    group: &str,
    resource: &str,
    name: Option<&String>,
    verbs: &[String],
) {
    let found = known.iter_mut().find(|rule| {
        rule.group.as_deref() == Some(group)
            && rule.resource == resource
            && rule.name.as_ref() == name
    });
    if let Some(rule) = found {
        for verb in verbs {
            if !rule.verbs.contains(verb) {
                rule.verbs.push(verb.clone());
            }
        }
        return;
    }
    known.push(Rule {
        group: Some(group.to_owned()),
        resource: resource.to_owned(),
        name: name.cloned(),
        url: None,
        verbs: verbs.to_vec(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_are_broken_down_merged_and_sorted() {
        let rules = [
            json!({"apiGroups": ["", "apps"], "resources": ["pods", "deployments/scale"], "verbs": ["get"], "resourceNames": ["x"]}),
            json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "get"], "resourceNames": ["x"]}),
            json!({"nonResourceURLs": ["/healthz"], "verbs": ["get"]}),
        ];
        let shown: Vec<String> = rows(&rules).iter().map(|row| row.join("|")).collect();
        assert_eq!(
            shown,
            [
                "pods|[]|[x]|[get list]",
                "|[/healthz]|[]|[get]",
                "deployments/scale|[]|[x]|[get]",
                "deployments.apps/scale|[]|[x]|[get]",
                "pods.apps|[]|[x]|[get]",
            ]
        );
    }
}
