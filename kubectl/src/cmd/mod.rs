//! Every command that is in this lab, listed; each is defined once, in the module that has its code.
//!
//! What is said about them, and what the stock client has besides, is in `words`.

mod apply;
mod apply_last;
mod apply_prune;
mod auth;
mod autoscale;
mod cluster;
mod completion;
mod config;
mod config_entries;
mod config_property;
mod cp;
mod create;
mod debug;
mod delete;
mod describe;
mod diff;
mod drain;
mod dump;
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
mod port_forward;
mod rollout;
mod rollout_history;
mod run;
mod scale;
mod set;
mod set_env;
mod set_subject;
mod shared;
mod top;
mod wait;

use crate::flags::Command;
pub(crate) use delete::NOTHING_NAMED;
pub(crate) use set::pod_spec_path;
pub(crate) use shared::GLOBAL;

/// Flags that the stock client has without telling, most of them for what is deprecated.
pub(crate) const UNTOLD: &[&str] = &["cpu-percent", "record"];

/// Every command of the first rank that is in this lab.
pub(crate) static COMMANDS: &[&Command] = &[
    &create::COMMAND,
    &expose::COMMAND,
    &run::COMMAND,
    &set::COMMAND,
    &explain::COMMAND,
    &get::GET,
    &edit::COMMAND,
    &delete::COMMAND,
    &rollout::COMMAND,
    &scale::COMMAND,
    &autoscale::COMMAND,
    &cluster::CLUSTER_INFO,
    &top::COMMAND,
    &node::CORDON,
    &node::UNCORDON,
    &drain::COMMAND,
    &node::TAINT,
    &describe::COMMAND,
    &logs::COMMAND,
    &exec::ATTACH,
    &exec::EXEC,
    &port_forward::COMMAND,
    &cp::COMMAND,
    &debug::COMMAND,
    &auth::COMMAND,
    &get::EVENTS,
    &diff::COMMAND,
    &apply::APPLY_COMMAND,
    &patch::COMMAND,
    &apply::REPLACE_COMMAND,
    &wait::COMMAND,
    &kustomize::COMMAND,
    &label::LABEL,
    &label::ANNOTATE,
    &completion::COMMAND,
    &cluster::API_RESOURCES,
    &cluster::API_VERSIONS,
    &config::COMMAND,
    &cluster::VERSION,
];
