//! One rule of a role: what it covers. The comparisons are those of upstream's
//! `pkg/apis/rbac/v1/evaluation_helpers.go`. Never asks whose rule it is.

use super::attributes::{Attributes, What};
use crate::kind::look::texts;
use serde_json::{Value, json};

/// A `PolicyRule`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    pub(crate) verbs: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) urls: Vec<String>,
}

impl Rule {
    pub(crate) fn read(rule: &Value) -> Self {
        let all = |at: &str| texts(rule, at).map(str::to_owned).collect();
        Self {
            verbs: all("/verbs"),
            groups: all("/apiGroups"),
            resources: all("/resources"),
            names: all("/resourceNames"),
            urls: all("/nonResourceURLs"),
        }
    }

    /// As `SelfSubjectRulesReview` tells rules of resources.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = json!({"verbs": self.verbs});
        for (field, list) in [
            ("apiGroups", &self.groups),
            ("resources", &self.resources),
            ("resourceNames", &self.names),
            ("nonResourceURLs", &self.urls),
        ] {
            if !list.is_empty() {
                value[field] = json!(list);
            }
        }
        value
    }

    /// Whether it lets somebody do this.
    pub(crate) fn allows(&self, wanted: &Attributes) -> bool {
        if !has(&self.verbs, &wanted.verb) {
            return false;
        }
        match &wanted.what {
            What::Path(path) => self.urls.iter().any(|url| url_covers(url, path)),
            What::Resource(one) => {
                let sub = one.subresource.as_str();
                let whole = match sub {
                    "" => one.resource.clone(),
                    sub => format!("{}/{sub}", one.resource),
                };
                let of_resource = |own: &String| {
                    own == "*" || *own == whole || (!sub.is_empty() && *own == format!("*/{sub}"))
                };
                has(&self.groups, &one.group)
                    && self.resources.iter().any(of_resource)
                    && (self.names.is_empty() || self.names.contains(&one.name))
            }
        }
    }
}

/// Whether a list has this or all.
pub(super) fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|own| own == "*" || own == wanted)
}

/// Whether a path of a rule covers another; a star at the end stands for all that follows.
pub(super) fn url_covers(rule: &str, path: &str) -> bool {
    let open = || rule.ends_with('*') && path.starts_with(rule.trim_end_matches('*'));
    rule == "*" || rule == path || open()
}

#[cfg(test)]
mod tests {
    use super::super::super::request::{Method, Request};
    use super::*;

    #[track_caller]
    fn check(rule: &Value, method: Method, path: &str, expected: bool) {
        let wanted = Attributes::of(&Request::new(method, path, "", Vec::new()));
        let found = Rule::read(rule).allows(&wanted);
        assert_eq!(found, expected, "{rule} {path}");
    }

    #[test]
    fn a_rule_covers_what_upstream_says_it_covers() {
        use Method::{Delete, Get, Patch, Post};
        let rule = |verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]| json!({"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names});
        let pods = "/api/v1/namespaces/a/pods";
        let one = "/api/v1/namespaces/a/pods/x";
        let log = "/api/v1/namespaces/a/pods/x/log";
        let exec = "/api/v1/namespaces/a/pods/x/exec";
        let scale = "/apis/apps/v1/namespaces/a/deployments/x/scale";
        let reads = rule(&["get", "list"], &[""], &["pods"], &[]);
        check(&reads, Get, pods, true);
        check(&reads, Get, one, true);
        check(&reads, Get, &format!("{pods}?watch=1"), false);
        check(&reads, Delete, one, false);
        // A resource does not bring its subresources with it.
        check(&reads, Get, log, false);
        check(&reads, Get, "/apis/metrics.k8s.io/v1/pods", false);
        let logs = rule(&["*"], &["*"], &["pods/log"], &[]);
        check(&logs, Get, log, true);
        check(&logs, Get, one, false);
        check(&logs, Get, exec, false);
        let scales = rule(&["*"], &["*"], &["*/scale"], &[]);
        check(&scales, Patch, scale, true);
        check(&scales, Patch, &scale.replace("/scale", ""), false);
        let all = rule(&["*"], &["*"], &["*"], &[]);
        check(&all, Post, exec, true);
        check(&all, Get, "/version", false);
        let named = rule(&["get", "list", "create"], &[""], &["pods"], &["x"]);
        check(&named, Get, one, true);
        check(&named, Get, "/api/v1/namespaces/a/pods/y", false);
        // A list has no name, unless it selects one.
        check(&named, Get, pods, false);
        check(
            &named,
            Get,
            &format!("{pods}?fieldSelector=metadata.name%3Dx"),
            true,
        );
        check(&named, Post, pods, false);
        let urls = json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/api/*"]});
        check(&urls, Get, "/healthz", true);
        check(&urls, Get, "/healthz/ping", false);
        check(&urls, Get, "/api/v1", true);
        check(&urls, Get, "/api", false);
        check(&urls, Get, pods, false);
        check(&urls, Post, "/healthz", false);
    }
}
