//! Every command, listed; each is defined once, in the module that has its code: names, flags, words and function.
//!
//! Parsing, `--help` and the complaints about wrong arguments are derived from the definitions; see `flags` and `help`.

mod absent;
mod apply;
mod auth;
mod autoscale;
mod cluster;
mod completion;
mod config;
mod config_entries;
mod config_property;
mod cp;
mod create;
mod delete;
mod describe;
mod diff;
mod drain;
mod edit;
mod exec;
mod explain;
mod expose;
mod get;
mod kustomize;
mod label;
mod logs;
mod node;
mod patch;
mod pods;
mod rollout;
mod run;
mod scale;
mod set;
mod shared;
mod top;
mod wait;

use crate::flags::Command;
pub(crate) use delete::NOTHING_NAMED;
pub(crate) use set::pod_spec_path;
pub(crate) use shared::{ABSENT, GLOBAL};

/// The groups of `kubectl`'s own help, in its order.
pub(crate) static GROUPS: &[(&str, &[Command])] = &[
    ("Basic Commands (Beginner)", BEGINNER),
    ("Basic Commands (Intermediate)", INTERMEDIATE),
    ("Deploy Commands", DEPLOY),
    ("Cluster Management Commands", MANAGEMENT),
    ("Troubleshooting and Debugging Commands", DEBUGGING),
    ("Advanced Commands", ADVANCED),
    ("Settings Commands", SETTINGS),
    ("Other Commands", OTHER),
];

static BEGINNER: &[Command] = &[create::COMMAND, expose::COMMAND, run::COMMAND, set::COMMAND];

static INTERMEDIATE: &[Command] = &[explain::COMMAND, get::GET, edit::COMMAND, delete::COMMAND];

static DEPLOY: &[Command] = &[rollout::COMMAND, scale::COMMAND, autoscale::COMMAND];

static MANAGEMENT: &[Command] = &[
    absent::CERTIFICATE,
    cluster::CLUSTER_INFO,
    top::COMMAND,
    node::CORDON,
    node::UNCORDON,
    drain::COMMAND,
    node::TAINT,
];

static DEBUGGING: &[Command] = &[
    describe::COMMAND,
    logs::COMMAND,
    exec::ATTACH,
    exec::EXEC,
    absent::PORT_FORWARD,
    absent::PROXY,
    cp::COMMAND,
    auth::COMMAND,
    absent::DEBUG,
    get::EVENTS,
];

static ADVANCED: &[Command] = &[
    diff::COMMAND,
    apply::APPLY_COMMAND,
    patch::COMMAND,
    apply::REPLACE_COMMAND,
    wait::COMMAND,
    kustomize::COMMAND,
];

static SETTINGS: &[Command] = &[label::LABEL, label::ANNOTATE, completion::COMMAND];

static OTHER: &[Command] = &[
    cluster::API_RESOURCES,
    cluster::API_VERSIONS,
    config::COMMAND,
    absent::PLUGIN,
    cluster::VERSION,
];
