//! `kubectl top`: what the Metrics API knows, which a lab does not have.
//!
//! It asks whether there is such an API, so that the words are the stock client's.

use super::shared::{command, family};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::session::Session;

pub(super) const COMMAND: Command = family(
    "top",
    &[],
    "Display resource (CPU/memory) usage",
    &[NODE, POD],
);

const NODE: Command = Command {
    aliases: &["nodes", "no"],
    ..command(
        "node",
        "Display resource (CPU/memory) usage of nodes",
        "[NAME | -l label]",
        &[BOTH, NODE_FLAGS],
        run,
    )
};

const POD: Command = Command {
    aliases: &["pods", "po"],
    ..command(
        "pod",
        "Display resource (CPU/memory) usage of pods",
        "[NAME | -l label]",
        &[BOTH, POD_FLAGS],
        run,
    )
};

const BOTH: &[Flag] = &[
    flag(
        "no-headers",
        Bool,
        "false",
        "If present, print output without headers",
    ),
    short(
        'l',
        "selector",
        Text,
        "",
        "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.",
    ),
    flag(
        "sort-by",
        Text,
        "",
        "If non-empty, sort the list using specified field. The field can be either 'cpu' or 'memory'.",
    ),
];
const NODE_FLAGS: &[Flag] = &[flag(
    "show-capacity",
    Bool,
    "false",
    "Print node resources based on Capacity instead of Allocatable(default) of the nodes.",
)];
const POD_FLAGS: &[Flag] = &[
    short(
        'A',
        "all-namespaces",
        Bool,
        "false",
        "If present, list the requested object(s) across all namespaces.",
    ),
    flag(
        "containers",
        Bool,
        "false",
        "If present, print usage of containers within a pod.",
    ),
    flag("sum", Bool, "false", "Print the sum of the resource usage"),
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
