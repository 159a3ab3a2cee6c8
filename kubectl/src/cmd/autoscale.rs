//! `kubectl autoscale`: makes a HorizontalPodAutoscaler. Never looks at a metric.

use serde_json::{Value, json};

use super::shared::{DRY, FILES, PRINT, SELECT, VALIDATE, command};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Int, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::output;
use crate::select::{self, Target};
use crate::session::{Session, with_query};
use crate::text::quantity;

pub(super) const COMMAND: Command = command(
    "autoscale",
    &[FILES, PRINT, DRY, VALIDATE, SELECT, FLAGS],
    autoscale,
);

const FLAGS: &[Flag] = &[
    flag("cpu", Text, ""),
    flag("cpu-percent", Int, "-1"),
    flag("max", Int, "-1"),
    flag("memory", Text, ""),
    flag("min", Int, "-1"),
    flag("name", Text, ""),
];

const SCALABLE: [&str; 4] = [
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

fn autoscale(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.given("cpu-percent") {
        session.err("Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).\n");
    }
    super::create::required_all(parsed, &["max"])?;
    let (min, max) = (parsed.int("min"), parsed.int("max"));
    if max < 1 {
        return Err(Fail::message(format!(
            "--max=MAXPODS is required and must be at least 1, max: {max}"
        )));
    }
    if max < min {
        return Err(Fail::message(format!(
            "--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}"
        )));
    }
    if parsed.given("cpu") && parsed.given("cpu-percent") {
        return Err(Fail::message(
            "--cpu-percent and --cpu are mutually exclusive",
        ));
    }
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, &parsed.args)? {
        if let Err(fail) = one(session, parsed, &target) {
            fails.push(fail);
        }
    }
    Fail::collect(fails)
}

fn one(session: &mut Session<'_, '_>, parsed: &Parsed, target: &Target) -> Outcome {
    let resource = &target.resource;
    if !SCALABLE.contains(&resource.kind.as_str()) {
        return Err(Fail::message(format!(
            "cannot autoscale a {}: could not find scale subresource for {}, Resource={} in discovery information",
            resource.kind,
            super::get::group_version(resource),
            resource.plural
        )));
    }
    let name = match parsed.text("name") {
        "" => target.name.as_str(),
        name => name,
    };
    let mut spec = json!({
        "maxReplicas": parsed.int("max"),
        "scaleTargetRef": {"apiVersion": resource.group_version(), "kind": resource.kind, "name": target.name},
    });
    if parsed.int("min") > 0 {
        spec["minReplicas"] = json!(parsed.int("min"));
    }
    let metrics = metrics(parsed)?;
    if !metrics.is_empty() {
        spec["metrics"] = Value::Array(metrics);
    }
    let mut object = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"currentMetrics": null, "desiredReplicas": 0},
    });
    session.typed = true;
    if parsed.dry_run()? != "client" {
        let query = super::apply::write_query(parsed, "kubectl-autoscale")?;
        let path = format!(
            "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
            target.namespace
        );
        object = session
            .post(&with_query(&path, &query), &object)
            .map_err(|fail| {
                // The stock client would try an older version, which must have a metric.
                if object["spec"]["metrics"].is_array() {
                    fail
                } else {
                    Fail::message("failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input")
                }
            })?;
    }
    let shown = format!("horizontalpodautoscaler.autoscaling/{name}");
    let verb = if parsed.dry_run()? == "client" {
        "created"
    } else {
        "autoscaled"
    };
    output::report(session, parsed, &object, &shown, verb)
}

fn metrics(parsed: &Parsed) -> Outcome<Vec<Value>> {
    let mut metrics = Vec::new();
    if parsed.int("cpu-percent") >= 0 {
        let target =
            json!({"averageUtilization": parsed.int("cpu-percent"), "type": "Utilization"});
        metrics.push(json!({"resource": {"name": "cpu", "target": target}, "type": "Resource"}));
    }
    for resource in ["cpu", "memory"] {
        let wanted = parsed.text(resource);
        if wanted.is_empty() {
            continue;
        }
        let wrong = || Fail::message(format!("invalid resource {resource} value: {wanted}"));
        let target = match wanted.strip_suffix('%') {
            Some(share) => {
                let share: u32 = share.parse().map_err(|_| wrong())?;
                json!({"averageUtilization": share, "type": "Utilization"})
            }
            None => {
                quantity::check(wanted).map_err(|_| wrong())?;
                json!({"averageValue": wanted, "type": "AverageValue"})
            }
        };
        metrics.push(json!({"resource": {"name": resource, "target": target}, "type": "Resource"}));
    }
    Ok(metrics)
}
