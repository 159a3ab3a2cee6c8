//! Whether the server is well. It is: whoever can ask is answered by the same thread.
//!
//! The names of the checks are those of a recorded 1.36; here they are one. Never looks at objects.

use super::request::{Request, Response};

/// The checks of `/readyz`, in the recorded order; the parts between the first and the last are
/// those of the others, too.
const CHECKS: [&str; 36] = [
    "ping",
    "log",
    "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/peer-endpoint-reconciler-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/storage-readiness",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/aggregator-reload-proxy-client-cert",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-wait-for-first-sync",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
    "shutdown",
];

/// The checks of `/healthz`, `/livez` and `/readyz`.
fn checks(name: &str) -> impl Iterator<Item = &'static str> {
    let ready = name == "readyz";
    CHECKS.into_iter().flat_map(move |check| match check {
        "informer-sync" if !ready => vec!["etcd", "loopback-serving-certificate"],
        "shutdown" if !ready => Vec::new(),
        check => vec![check],
    })
}

/// Every path that [`health`] answers.
pub(super) fn paths() -> impl Iterator<Item = String> {
    ["healthz", "livez", "readyz"].into_iter().flat_map(|name| {
        let parts = checks(name).map(move |check| format!("/{name}/{check}"));
        std::iter::once(format!("/{name}")).chain(parts)
    })
}

/// Answers `/healthz`, `/livez` and `/readyz`, and the single checks below them.
pub(super) fn health(request: &Request, name: &str) -> Response {
    let path = request.path.trim_matches('/');
    let check = path.strip_prefix(name).unwrap_or_default();
    match check.trim_matches('/') {
        "" if request.param("verbose").is_some() => Response::text(200, &verbose(request, name)),
        "" => Response::text(200, "ok"),
        one if checks(name).any(|check| check == one) => Response::text(200, "ok"),
        _ => Response::text(404, "404 page not found\n"),
    }
}

fn verbose(request: &Request, name: &str) -> String {
    let pairs = request.query.iter();
    let excluded = pairs.filter(|(key, _)| key == "exclude");
    let excluded: Vec<&str> = excluded.map(|(_, check)| check.as_str()).collect();
    let line = |check: &str| match excluded.contains(&check) {
        true => format!("[+]{check} excluded: ok\n"),
        false => format!("[+]{check} ok\n"),
    };
    let mut text: String = checks(name).map(line).collect();
    let unknown = excluded
        .iter()
        .filter(|one| !checks(name).any(|check| check == **one));
    let mut unknown: Vec<String> = unknown.map(|one| format!("\"{one}\"")).collect();
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        let list = unknown.join(",");
        text += &format!("warn: some health checks cannot be excluded: no matches for {list}\n");
    }
    text + &format!("{name} check passed\n")
}
