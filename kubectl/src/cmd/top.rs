//! `kubectl top`: what the Metrics API knows, which a lab does not have.
//!
//! It asks whether there is such an API, so that the words are the stock client's.

use super::shared::{command, family};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::session::Session;

pub(super) const COMMAND: Command = family("top", &[], &[NODE, POD]);

const NODE: Command = Command {
    aliases: &["nodes", "no"],
    ..command("node", &[BOTH, NODE_FLAGS], run)
};

const POD: Command = Command {
    aliases: &["pods", "po"],
    ..command("pod", &[BOTH, POD_FLAGS], run)
};

const BOTH: &[Flag] = &[
    flag("no-headers", Bool, "false"),
    short('l', "selector", Text, ""),
    flag("sort-by", Text, ""),
];
const NODE_FLAGS: &[Flag] = &[flag("show-capacity", Bool, "false")];
const POD_FLAGS: &[Flag] = &[
    short('A', "all-namespaces", Bool, "false"),
    flag("containers", Bool, "false"),
    flag("sum", Bool, "false"),
];

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.args.len() > 1 {
        let what = parsed.path.trim_start_matches("top ");
        return Err(Fail::usage(
            &parsed.path,
            format!("{what} [NAME | -l label]"),
        ));
    }
    if !parsed.args.is_empty() && !parsed.text("selector").is_empty() {
        return Err(Fail::message(if parsed.path == "top pod" {
            "only one of NAME or selector can be provided"
        } else {
            "only one of NAME or --selector can be provided"
        }));
    }
    if !matches!(parsed.text("sort-by"), "" | "cpu" | "memory") {
        return Err(Fail::message("--sort-by accepts only cpu or memory"));
    }
    let versions = &session.discovery()?.versions;
    if versions
        .iter()
        .any(|version| version.starts_with("metrics.k8s.io/"))
    {
        return Err(Fail::not_in_lab(&format!("kubectl {}", parsed.path)));
    }
    Err(Fail::message("Metrics API not available"))
}
