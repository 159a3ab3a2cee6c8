//! `lab fault`: breaks and mends what a running `lab up` holds. Never decides what a fault does: it
//! asks the lab, by the kubeconfig.

use crate::cli::{Fault, Whose};
use crate::shell::placeholder;
use lesson::{FAULTS, FaultTarget, Measure};
use native_kubectl::{Ask, NoAnswer};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// Breaks, mends or lists.
pub(crate) fn fault(typed: &Fault) -> ExitCode {
    let answer = match (typed.kind.as_deref(), typed.target.as_deref()) {
        (None, _) => ask(&typed.whose, "GET", "/lab/faults", None).map(|answer| list(&answer)),
        (Some("heal"), Some(name)) => {
            let path = format!("/lab/faults/{}", escape(name));
            ask(&typed.whose, "DELETE", &path, None).map(|answer| healed(&answer))
        }
        (Some("heal"), None) => Err((
            1,
            "which fault? `lab fault` lists them; `lab fault heal all` mends all".to_owned(),
        )),
        (Some(kind), target) => {
            let order = json!({
                "kind": kind, "target": target, "value": typed.amount, "way": typed.way,
                "for": typed.lasting, "name": typed.name,
            });
            ask(&typed.whose, "POST", "/lab/faults", Some(&order)).map(|answer| {
                format!(
                    "{} (mend it with: lab fault heal {0})\n",
                    words(&answer["name"])
                )
            })
        }
    };
    match answer {
        Ok(text) => {
            anstream::print!("{text}");
            ExitCode::SUCCESS
        }
        Err((code, why)) => {
            anstream::eprintln!("lab: {why}");
            ExitCode::from(code)
        }
    }
}

/// Asks a running lab something of its own; an exit code and a reason when it does not answer.
pub(crate) fn ask(
    whose: &Whose,
    method: &'static str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, (u8, String)> {
    let here = "lab.kubeconfig";
    let implied = || std::env::var_os("KUBECONFIG").is_none() && Path::new(here).exists();
    let kubeconfig = match &whose.kubeconfig {
        Some(file) => file,
        None if implied() => here,
        None => "",
    };
    let ask = Ask {
        kubeconfig,
        context: &whose.context,
        method,
        path,
        body,
    };
    match native_kubectl::ask(ask) {
        Ok(body) => serde_json::from_slice(&body)
            .map_err(|cause| (2, format!("the answer cannot be read: {cause}"))),
        Err(NoAnswer::NotFound) => Err((
            2,
            "the cluster of this kubeconfig is not a lab's".to_owned(),
        )),
        Err(NoAnswer::Refused(why)) => Err((1, why)),
        Err(NoAnswer::Failed(why)) => Err((2, why)),
    }
}

fn escape(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(answer: &Value) -> String {
    let faults = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    if faults.is_empty() {
        return "nothing is broken\n".to_owned();
    }
    let width = faults.iter().map(|fault| words(&fault["name"]).len());
    let width = width.max().unwrap_or_default();
    let mut text = String::new();
    for fault in faults {
        let heals = fault["heals_in_seconds"].as_f64();
        let heals = heals.map(|left| format!(" (heals in {left:.0}s)"));
        writeln!(
            text,
            "{:width$}  {}{}",
            words(&fault["name"]),
            words(&fault["what"]),
            heals.unwrap_or_default()
        )
        .expect("text grows");
    }
    text
}

fn healed(answer: &Value) -> String {
    let names = answer["healed"].as_array();
    let names: Vec<&str> = names.into_iter().flatten().map(words).collect();
    match names[..] {
        [] => "nothing was broken\n".to_owned(),
        _ => format!("healed {}\n", names.join(", ")),
    }
}

/// The kinds of faults, for `--help`.
pub(crate) fn kinds_help() -> String {
    let mut text = "Kinds:\n".to_owned();
    for row in FAULTS {
        let target = match row.target {
            FaultTarget::Dns => "",
            target => placeholder(target),
        };
        let amount = match row.measure {
            Measure::Nothing => "",
            Measure::Percent => " PERCENT",
            Measure::Duration => " DURATION",
            Measure::Rate => " BITS/S",
        };
        writeln!(
            text,
            "  {:<45} {}",
            format!("{} {target}{amount}", row.name),
            row.about
        )
        .expect("text grows");
    }
    text
}
