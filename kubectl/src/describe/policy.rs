//! Roles, quotas, limits, budgets, priorities and autoscalers in words. Never enforces any.

use std::fmt::Write as _;

use serde_json::Value;

use super::kinds::{begin, strings};
use super::{annotations, date, selector_text};
use crate::text::json::{at, bare, entries, int, list, text};

pub(super) fn role(object: &Value) -> String {
    let mut out = begin(object, false);
    out.push_str("PolicyRule:\n  Resources\tNon-Resource URLs\tResource Names\tVerbs\n  ---------\t-----------------\t--------------\t-----\n");
    for row in crate::rules::rows(list(object, "rules")) {
        let _ = writeln!(out, "  {}", row.join("\t"));
    }
    out
}

pub(super) fn binding(object: &Value) -> String {
    let mut out = begin(object, false);
    let _ = writeln!(
        out,
        "Role:\n  Kind:\t{}\n  Name:\t{}",
        text(object, "roleRef.kind"),
        text(object, "roleRef.name")
    );
    out.push_str("Subjects:\n  Kind\tName\tNamespace\n  ----\t----\t---------\n");
    for subject in list(object, "subjects") {
        let _ = writeln!(
            out,
            "  {}\t{}\t{}",
            text(subject, "kind"),
            text(subject, "name"),
            text(subject, "namespace")
        );
    }
    out
}

pub(super) fn quota(object: &Value) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let scopes = strings(object, "spec.scopes");
    if !scopes.is_empty() {
        let _ = writeln!(out, "Scopes:\t{}", scopes.join(", "));
        for scope in &scopes {
            let _ = writeln!(out, " * {}", scope_words(scope));
        }
    }
    out.push_str("Resource\tUsed\tHard\n--------\t----\t----\n");
    quota_rows(&mut out, "", object);
    out
}

pub(super) fn quota_rows(out: &mut String, indent: &str, object: &Value) {
    for (resource, hard) in entries(object, "status.hard") {
        let used = entries(object, "status.used")
            .into_iter()
            .find(|(key, _)| *key == resource)
            .map_or("0".to_owned(), |(_, used)| bare(used));
        let _ = writeln!(out, "{indent}{resource}\t{used}\t{}", bare(hard));
    }
}

/// The words of the API's own documentation for a scope.
fn scope_words(scope: &str) -> &'static str {
    match scope {
        "Terminating" => {
            "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system."
        }
        "NotTerminating" => {
            "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate."
        }
        "BestEffort" => {
            "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service."
        }
        "NotBestEffort" => {
            "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service."
        }
        _ => "",
    }
}

pub(super) fn limit_range(object: &Value) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    out.push_str("Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
    limit_rows(&mut out, "", object);
    out
}

pub(super) fn limit_rows(out: &mut String, indent: &str, object: &Value) {
    const FIELDS: [&str; 5] = [
        "min",
        "max",
        "defaultRequest",
        "default",
        "maxLimitRequestRatio",
    ];
    for limit in list(object, "spec.limits") {
        let mut resources: Vec<&String> = FIELDS
            .iter()
            .flat_map(|field| limit[*field].as_object().into_iter().flatten())
            .map(|(resource, _)| resource)
            .collect();
        resources.sort();
        resources.dedup();
        for resource in resources {
            let cells: Vec<String> = FIELDS
                .iter()
                .map(|field| match &limit[*field][resource.as_str()] {
                    Value::Null => "-".to_owned(),
                    amount => bare(amount),
                })
                .collect();
            let _ = writeln!(
                out,
                "{indent}{}\t{resource}\t{}",
                text(limit, "type"),
                cells.join("\t")
            );
        }
    }
}

pub(super) fn disruption_budget(object: &Value) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let spec = &object["spec"];
    if !spec["minAvailable"].is_null() {
        let _ = writeln!(out, "Min available:\t{}", bare(&spec["minAvailable"]));
    } else if !spec["maxUnavailable"].is_null() {
        let _ = writeln!(out, "Max unavailable:\t{}", bare(&spec["maxUnavailable"]));
    }
    let selector = if spec["selector"].is_object() {
        selector_text(&spec["selector"])
    } else {
        "<unset>".to_owned()
    };
    let _ = writeln!(out, "Selector:\t{selector}\nStatus:");
    for (title, field) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        let _ = writeln!(out, "    {title}:\t{}", int(&object["status"], field));
    }
    out
}

pub(super) fn priority_class(object: &Value) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let policy = match text(object, "preemptionPolicy") {
        "" => "PreemptLowerPriority",
        policy => policy,
    };
    let _ = writeln!(
        out,
        "Value:\t{}\nGlobalDefault:\t{}\nPreemptionPolicy:\t{policy}\nDescription:\t{}",
        int(object, "value"),
        object["globalDefault"] == true,
        text(object, "description")
    );
    // Unlike elsewhere every annotation counts, as key=value.
    let pairs: Vec<String> = entries(object, "metadata.annotations")
        .iter()
        .map(|(key, value)| format!("{key}={}", bare(value)))
        .collect();
    let shown = if pairs.is_empty() {
        "<none>".to_owned()
    } else {
        pairs.join(",")
    };
    let _ = writeln!(out, "Annotations:\t{shown}");
    out
}

pub(super) fn autoscaler(object: &Value) -> String {
    let mut out = begin(object, true);
    let _ = writeln!(
        out,
        "CreationTimestamp:\t{}",
        date(at(object, "metadata.creationTimestamp"))
    );
    let kind = text(object, "spec.scaleTargetRef.kind");
    let _ = writeln!(
        out,
        "Reference:\t{kind}/{}",
        text(object, "spec.scaleTargetRef.name")
    );
    out.push_str("Metrics:\t( current / target )\n");
    let current = list(object, "status.currentMetrics");
    for (index, metric) in list(object, "spec.metrics").iter().enumerate() {
        let now = |field: &str| {
            current.get(index).map_or(&Value::Null, |metric| {
                at(metric, &format!("resource.current.{field}"))
            })
        };
        let name = text(metric, "resource.name");
        let target = at(metric, "resource.target");
        if target["averageUtilization"].is_number() {
            let found = match now("averageUtilization").as_i64() {
                Some(share) => format!("{share}% ({})", bare(now("averageValue"))),
                None => "<unknown>".to_owned(),
            };
            let _ = writeln!(
                out,
                "  resource {name} on pods  (as a percentage of request):\t{found} / {}%",
                int(target, "averageUtilization")
            );
        } else {
            let found = match now("averageValue") {
                Value::Null => "<unknown>".to_owned(),
                value => bare(value),
            };
            let _ = writeln!(
                out,
                "  resource {name} on pods:\t{found} / {}",
                bare(&target["averageValue"])
            );
        }
    }
    let min = at(object, "spec.minReplicas")
        .as_i64()
        .map_or("<unset>".to_owned(), |min| min.to_string());
    let _ = writeln!(
        out,
        "Min replicas:\t{min}\nMax replicas:\t{}",
        int(object, "spec.maxReplicas")
    );
    let _ = writeln!(
        out,
        "{kind} pods:\t{} current / {} desired",
        int(object, "status.currentReplicas"),
        int(object, "status.desiredReplicas")
    );
    let conditions = list(object, "status.conditions");
    if !conditions.is_empty() {
        out.push_str(
            "Conditions:\n  Type\tStatus\tReason\tMessage\n  ----\t------\t------\t-------\n",
        );
    }
    for condition in conditions {
        let _ = writeln!(
            out,
            "  {}\t{}\t{}\t{}",
            text(condition, "type"),
            text(condition, "status"),
            text(condition, "reason"),
            text(condition, "message")
        );
    }
    out
}

fn modes(object: &Value, path: &str) -> String {
    let words: Vec<&str> = list(object, path)
        .iter()
        .map(|mode| match mode.as_str().unwrap_or_default() {
            "ReadWriteOnce" => "RWO",
            "ReadOnlyMany" => "ROX",
            "ReadWriteMany" => "RWX",
            "ReadWriteOncePod" => "RWOP",
            other => other,
        })
        .collect();
    words.join(",")
}

pub(super) fn volume(object: &Value) -> String {
    let mut out = begin(object, false);
    let claim = at(object, "spec.claimRef");
    let claim = if claim.is_object() {
        format!("{}/{}", text(claim, "namespace"), text(claim, "name"))
    } else {
        String::new()
    };
    let capacity = at(object, "spec.capacity.storage")
        .as_str()
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "Finalizers:\t[{}]\nStorageClass:\t{}\nStatus:\t{}\nClaim:\t{claim}\nReclaim Policy:\t{}\nAccess Modes:\t{}\nVolumeMode:\t{}\nCapacity:\t{capacity}\n{}Message:\t{}\nSource:",
        strings(object, "metadata.finalizers").join(" "),
        text(object, "spec.storageClassName"),
        text(object, "status.phase"),
        text(object, "spec.persistentVolumeReclaimPolicy"),
        modes(object, "spec.accessModes"),
        text(object, "spec.volumeMode"),
        node_affinity(object),
        text(object, "status.message")
    );
    if at(object, "spec.hostPath").is_object() {
        let kind = match text(object, "spec.hostPath.type") {
            "" => "<none>",
            kind => kind,
        };
        let _ = writeln!(
            out,
            "    Type:\tHostPath (bare host directory volume)\n    Path:\t{}\n    HostPathType:\t{kind}",
            text(object, "spec.hostPath.path")
        );
    }
    out
}

/// Which nodes a volume can be mounted on.
fn node_affinity(volume: &Value) -> String {
    let required = at(volume, "spec.nodeAffinity.required");
    if !required.is_object() {
        return "Node Affinity:\t<none>\n".to_owned();
    }
    let terms = list(required, "nodeSelectorTerms");
    if terms.is_empty() {
        return "Node Affinity:\t\n  Required Terms:\t<none>\n".to_owned();
    }
    let mut out = "Node Affinity:\t\n  Required Terms:\t\n".to_owned();
    for (number, term) in terms.iter().enumerate() {
        let _ = write!(out, "    Term {number}:\t");
        let wishes: Vec<String> = list(term, "matchExpressions")
            .iter()
            .map(|wish| {
                let operator = text(wish, "operator").to_ascii_lowercase();
                let values = strings(wish, "values");
                let values = match values.is_empty() {
                    true => String::new(),
                    false => format!(" [{}]", values.join(", ")),
                };
                format!("{} {operator}{values}\n", text(wish, "key"))
            })
            .collect();
        match wishes.is_empty() {
            true => out.push_str("<none>\n"),
            // Further wishes stand below the first.
            false => out.push_str(&wishes.join("    \t")),
        }
    }
    out
}

pub(super) fn claim(object: &Value, users: &[String]) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let capacity = at(object, "status.capacity.storage")
        .as_str()
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "Namespace:\t{}\nStorageClass:\t{}\nStatus:\t{}\nVolume:\t{}",
        text(object, "metadata.namespace"),
        text(object, "spec.storageClassName"),
        text(object, "status.phase"),
        text(object, "spec.volumeName")
    );
    super::labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    let _ = writeln!(
        out,
        "Finalizers:\t[{}]\nCapacity:\t{capacity}\nAccess Modes:\t{}\nVolumeMode:\t{}",
        strings(object, "metadata.finalizers").join(" "),
        modes(object, "status.accessModes"),
        text(object, "spec.volumeMode")
    );
    super::lines(&mut out, "", "Used By", users);
    out
}

pub(super) fn storage_class(object: &Value) -> String {
    let pairs = |path: &str| {
        let pairs: Vec<String> = entries(object, path)
            .iter()
            .map(|(key, value)| format!("{key}={}", bare(value)))
            .collect();
        if pairs.is_empty() {
            "<none>".to_owned()
        } else {
            pairs.join(",")
        }
    };
    let default = entries(object, "metadata.annotations")
        .iter()
        .any(|(key, value)| {
            *key == "storageclass.kubernetes.io/is-default-class" && *value == "true"
        });
    let expands = match object["allowVolumeExpansion"].as_bool() {
        None => "<unset>",
        Some(true) => "True",
        Some(false) => "False",
    };
    let options = strings(object, "mountOptions");
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(
        out,
        "IsDefaultClass:\t{}\nAnnotations:\t{}\nProvisioner:\t{}\nParameters:\t{}\nAllowVolumeExpansion:\t{expands}",
        if default { "Yes" } else { "No" },
        pairs("metadata.annotations"),
        text(object, "provisioner"),
        pairs("parameters")
    );
    if !options.is_empty() {
        let _ = writeln!(out, "MountOptions:\n  {}", options.join("\n  "));
    }
    let _ = writeln!(
        out,
        "ReclaimPolicy:\t{}\nVolumeBindingMode:\t{}",
        text(object, "reclaimPolicy"),
        text(object, "volumeBindingMode")
    );
    out
}
