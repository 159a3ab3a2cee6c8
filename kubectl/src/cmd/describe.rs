//! The definition of `kubectl describe`, whose code is in `crate::describe`.

use super::shared::{FILES, SELECT};
use crate::describe::run;
use crate::flags::Kind::{Bool, Int};
use crate::flags::{Command, Flag, flag};

pub(super) const COMMAND: Command = Command {
    name: "describe",
    aliases: &[],
    flags: &[FILES, SELECT, FLAGS],
    subcommands: &[],
    run,
};

const FLAGS: &[Flag] = &[
    flag("chunk-size", Int, "500"),
    flag("show-events", Bool, "true"),
];
