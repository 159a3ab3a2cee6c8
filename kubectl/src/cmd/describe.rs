//! The definition of `kubectl describe`, whose code is in `crate::describe`.

use super::shared::{FILES, SELECT};
use crate::describe::run;
use crate::flags::Kind::{Bool, Int};
use crate::flags::{Command, Flag, flag};

pub(super) const COMMAND: Command = Command {
    name: "describe",
    aliases: &[],
    about: "Show details of a specific resource or group of resources",
    usage: "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
    examples: "  # Describe a node\n  kubectl describe nodes kubernetes-node-emt8.c.myproject.internal",
    flags: &[FILES, SELECT, FLAGS],
    subcommands: &[],
    run,
};

const FLAGS: &[Flag] = &[
    flag(
        "chunk-size",
        Int,
        "500",
        "Return large lists in chunks rather than all at once. Pass 0 to disable.",
    ),
    flag(
        "show-events",
        Bool,
        "true",
        "If true, display events related to the described object.",
    ),
];
