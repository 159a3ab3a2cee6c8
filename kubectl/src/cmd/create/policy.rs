//! `kubectl create quota`, `poddisruptionbudget` and `priorityclass`. Never enforces what they say.

use serde_json::{Value, json};

use super::super::shared::{DRY, PRINT, VALIDATE, command};
use super::{name, submit};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Int, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::select::label_selector;
use crate::session::Session;
use crate::text::quantity;

pub(super) const QUOTA: Command = Command {
    aliases: &["resourcequota"],
    ..command("quota", &[PRINT, DRY, VALIDATE, QUOTA_FLAGS], quota)
};

pub(super) const PODDISRUPTIONBUDGET: Command = Command {
    aliases: &["pdb"],
    ..command(
        "poddisruptionbudget",
        &[PRINT, DRY, VALIDATE, PDB_FLAGS],
        pod_disruption_budget,
    )
};

pub(super) const PRIORITYCLASS: Command = Command {
    aliases: &["pc"],
    ..command(
        "priorityclass",
        &[PRINT, DRY, VALIDATE, PRIORITY_FLAGS],
        priority_class,
    )
};

const QUOTA_FLAGS: &[Flag] = &[flag("hard", Text, ""), flag("scopes", Text, "")];

const PDB_FLAGS: &[Flag] = &[
    flag("max-unavailable", Text, ""),
    flag("min-available", Text, ""),
    flag("selector", Text, ""),
];

const PRIORITY_FLAGS: &[Flag] = &[
    flag("description", Text, ""),
    flag("global-default", Bool, "false"),
    flag("preemption-policy", Text, "PreemptLowerPriority"),
    flag("value", Int, "0"),
];

fn quota(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?;
    let mut spec = json!({});
    for pair in parsed
        .text("hard")
        .split(',')
        .filter(|pair| !pair.is_empty())
    {
        let (resource, amount) = pair.split_once('=').ok_or_else(|| {
            Fail::message(format!(
                "Invalid argument syntax {pair}, expected <resource>=<value>"
            ))
        })?;
        quantity::check(amount).map_err(Fail::message)?;
        spec["hard"][resource] = json!(amount);
    }
    let scopes: Vec<&str> = parsed
        .text("scopes")
        .split(',')
        .filter(|scope| !scope.is_empty())
        .collect();
    if !scopes.is_empty() {
        spec["scopes"] = json!(scopes);
    }
    let object = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec, "status": {}});
    submit(session, parsed, object, "failed to create quota: ")
}

/// A number or a share.
fn amount(parsed: &Parsed, flag: &str) -> Outcome<Value> {
    let text = parsed.text(flag);
    let digits = text.strip_suffix('%').unwrap_or(text);
    match digits.parse::<u32>() {
        Ok(_) if text.ends_with('%') => Ok(json!(text)),
        Ok(number) => Ok(json!(number)),
        Err(_) => Err(Fail::message(format!(
            "invalid format specified for {flag}"
        ))),
    }
}

fn pod_disruption_budget(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?;
    if parsed.text("selector").is_empty() {
        return Err(Fail::message("a selector must be specified"));
    }
    let mut spec = json!({});
    match (parsed.text("min-available"), parsed.text("max-unavailable")) {
        ("", "") => {
            return Err(Fail::message(
                "one of min-available or max-unavailable must be specified",
            ));
        }
        ("", _) => spec["maxUnavailable"] = amount(parsed, "max-unavailable")?,
        (_, "") => spec["minAvailable"] = amount(parsed, "min-available")?,
        _ => {
            return Err(Fail::message(
                "min-available and max-unavailable cannot be both specified",
            ));
        }
    }
    spec["selector"] = label_selector(parsed.text("selector"))?;
    let object = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    });
    submit(
        session,
        parsed,
        object,
        "failed to create poddisruptionbudgets: ",
    )
}

fn priority_class(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?;
    let mut object = json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "preemptionPolicy": parsed.text("preemption-policy"),
        "value": parsed.int("value"),
    });
    if parsed.is("global-default") {
        object["globalDefault"] = json!(true);
    }
    if !parsed.text("description").is_empty() {
        object["description"] = json!(parsed.text("description"));
    }
    submit(session, parsed, object, "failed to create priorityclass: ")
}
