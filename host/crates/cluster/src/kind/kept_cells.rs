//! Cells of kinds that are only kept, as upstream's printers fill them. Never changes an object.

use super::look::{list, map, text, texts};
use serde_json::Value;

/// Where a volume or its claim stands.
pub(super) fn phase(object: &Value) -> Value {
    match text(object, "/metadata/deletionTimestamp") {
        "" => text(object, "/status/phase").into(),
        _ => "Terminating".into(),
    }
}

/// A cell of a claim that has its volume.
pub(super) fn bound(claim: &Value, cell: Value) -> Value {
    match text(claim, "/spec/volumeName") {
        "" => "".into(),
        _ => cell,
    }
}

/// How much can be stored.
pub(super) fn storage(object: &Value, at: &str) -> Value {
    match text(object, &format!("{at}/storage")) {
        "" => "0".into(),
        amount => amount.into(),
    }
}

/// Access modes in their short forms, in upstream's order, each once.
pub(super) fn modes(object: &Value, at: &str) -> Value {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let used = SHORT
        .iter()
        .filter(|(long, _)| texts(object, at).any(|mode| mode == *long));
    let short: Vec<&str> = used.map(|(_, short)| *short).collect();
    short.join(",").into()
}

/// The class of a volume or its claim; the old annotation counts first.
pub(super) fn storage_class(object: &Value) -> Value {
    let old = "/metadata/annotations/volume.beta.kubernetes.io~1storage-class";
    match text(object, old) {
        "" => text(object, "/spec/storageClassName").into(),
        old => old.into(),
    }
}

/// `namespace/name` of the claim a volume belongs to.
pub(super) fn claim(volume: &Value) -> Value {
    match text(volume, "/spec/claimRef/name") {
        "" => "".into(),
        name => format!("{}/{name}", text(volume, "/spec/claimRef/namespace")).into(),
    }
}

/// One field of every container of a template.
pub(super) fn containers(object: &Value, field: &str) -> Value {
    let all = list(object, "/template/spec/containers").iter();
    let words: Vec<&str> = all.filter_map(|one| one[field].as_str()).collect();
    words.join(",").into()
}

/// What a quota counts, either its limits or all the rest.
pub(super) fn used(quota: &Value, limits: bool) -> Value {
    let hard = map(quota, "/status/hard").into_iter().flatten();
    let mut pairs: Vec<String> = hard
        .filter(|(name, _)| name.starts_with("limits") == limits)
        .map(|(name, hard)| {
            let used = quota["status"]["used"][name].as_str().unwrap_or("0");
            format!("{name}: {used}/{}", hard.as_str().unwrap_or_default())
        })
        .collect();
    pairs.sort();
    pairs.join(", ").into()
}

/// What an autoscaler aims at, two measures at most.
pub(super) fn targets(scaler: &Value) -> Value {
    const MAX: usize = 2;
    let metrics = list(scaler, "/spec/metrics");
    let shown: Vec<String> = metrics
        .iter()
        .enumerate()
        .map(|(at, metric)| target(scaler, at, metric))
        .collect();
    match shown.len() {
        0 => "<none>".into(),
        count if count > MAX => {
            format!("{} + {} more...", shown[..MAX].join(", "), count - MAX).into()
        }
        _ => shown.join(", ").into(),
    }
}

fn target(scaler: &Value, index: usize, metric: &Value) -> String {
    let now = &list(scaler, "/status/currentMetrics")
        .get(index)
        .unwrap_or(&Value::Null);
    let part = match metric["type"].as_str() {
        Some("Resource") => "resource",
        Some("ContainerResource") => "containerResource",
        Some("Pods") => "pods",
        Some("Object") => "object",
        _ => "external",
    };
    let (aim, current) = (&metric[part]["target"], &now[part]["current"]);
    let amount = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => "<unknown>".to_owned(),
    };
    let text = match aim["averageUtilization"].as_i64() {
        Some(aim) => match current["averageUtilization"].as_i64() {
            Some(current) => format!("{current}%/{aim}%"),
            None => format!("<unknown>/{aim}%"),
        },
        None => {
            let field = match aim.get("averageValue") {
                Some(_) => "averageValue",
                None => "value",
            };
            let average = match (part, field) {
                ("object" | "external", "averageValue") => " (avg)",
                _ => "",
            };
            format!(
                "{}/{}{average}",
                amount(&current[field]),
                amount(&aim[field])
            )
        }
    };
    match (part, metric[part]["name"].as_str()) {
        ("resource" | "containerResource", Some(name)) => format!("{name}: {text}"),
        _ => text,
    }
}

/// How long a certificate is asked for.
pub(super) fn duration(request: &Value) -> Value {
    match request["spec"]["expirationSeconds"].as_i64() {
        Some(seconds) => super::age::human(seconds).into(),
        None => "<none>".into(),
    }
}

/// What became of a request for a certificate.
pub(super) fn decision(request: &Value) -> Value {
    let has = |type_: &str| {
        let all = list(request, "/status/conditions");
        all.iter().any(|one| one["type"] == type_)
    };
    let mut words = Vec::new();
    words.push(match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (_, true) => "Approved",
        _ => "Pending",
    });
    if has("Failed") {
        words.push("Failed");
    }
    if !text(request, "/status/certificate").is_empty() {
        words.push("Issued");
    }
    words.join(",").into()
}

/// `Kind.group/name` of what configures a class of Ingresses.
pub(super) fn parameters(class: &Value) -> Value {
    let at = |field: &str| text(class, &format!("/spec/parameters/{field}"));
    match (at("kind"), at("apiGroup")) {
        ("", _) => "<none>".into(),
        (kind, "") => format!("{kind}/{}", at("name")).into(),
        (kind, group) => format!("{kind}.{group}/{}", at("name")).into(),
    }
}

/// The hosts of an Ingress, three at most.
pub(super) fn hosts(ingress: &Value) -> Value {
    const MAX: usize = 3;
    let rules = list(ingress, "/spec/rules");
    let named = rules.iter().map(|rule| text(rule, "/host"));
    let hosts: Vec<&str> = named.filter(|host| !host.is_empty()).collect();
    if hosts.is_empty() {
        return "*".into();
    }
    if hosts.len() > MAX {
        let more = rules.len() - MAX;
        return format!("{} + {more} more...", hosts[..MAX].join(",")).into();
    }
    hosts.join(",").into()
}

/// Where an Ingress answers.
pub(super) fn addresses(ingress: &Value) -> Value {
    let points = list(ingress, "/status/loadBalancer/ingress").iter();
    let mut all: Vec<&str> = points
        .map(|point| match text(point, "/ip") {
            "" => text(point, "/hostname"),
            ip => ip,
        })
        .filter(|address| !address.is_empty())
        .collect();
    all.sort_unstable();
    all.dedup();
    all.join(",").into()
}

/// Those of one kind that a binding gives a role to.
pub(super) fn subjects(binding: &Value, kind: &str) -> Value {
    let all = list(binding, "/subjects").iter();
    let named = all.filter(|one| one["kind"] == kind).map(|one| {
        let name = text(one, "/name");
        match kind {
            "ServiceAccount" => format!("{}/{name}", text(one, "/namespace")),
            _ => name.to_owned(),
        }
    });
    named.collect::<Vec<_>>().join(", ").into()
}

/// Texts in one line, or this word.
pub(super) fn joined(object: &Value, at: &str, none: &str) -> Value {
    let words: Vec<&str> = texts(object, at).collect();
    match words.is_empty() {
        true => none.into(),
        false => words.join(",").into(),
    }
}

/// The audiences a driver of volumes wants tokens for.
pub(super) fn audiences(driver: &Value) -> Value {
    let all = list(driver, "/spec/tokenRequests").iter();
    let words: Vec<&str> = all.map(|one| text(one, "/audience")).collect();
    match words.is_empty() {
        true => "<unset>".into(),
        false => words.join(",").into(),
    }
}

/// The name of a storage class, and whether it is the default.
pub(super) fn class_name(class: &Value) -> Value {
    let is_default = [
        "storageclass.kubernetes.io~1is-default-class",
        "storageclass.beta.kubernetes.io~1is-default-class",
    ];
    let name = text(class, "/metadata/name");
    let marked = |key: &&str| text(class, &format!("/metadata/annotations/{key}")) == "true";
    match is_default.iter().any(marked) {
        true => format!("{name} (default)").into(),
        false => name.into(),
    }
}

/// `resource.group/namespace/name` of what an address belongs to.
pub(super) fn parent(object: &Value) -> Value {
    let at = |field: &str| text(object, field);
    let mut resource = at("/spec/parentRef/resource").to_owned();
    if !at("/spec/parentRef/group").is_empty() {
        resource = format!("{resource}.{}", at("/spec/parentRef/group"));
    }
    let name = at("/spec/parentRef/name");
    match at("/spec/parentRef/namespace") {
        "" => format!("{resource}/{name}").into(),
        space => format!("{resource}/{space}/{name}").into(),
    }
}
