//! A lesson as a value: the lab format, its judge and its report.
//!
//! Never touches a cluster, a network, a file or a clock. A lesson asks ([`Action`]) as a
//! student could and is told ([`Observation`]); what it then decides is a function of both.
//! Start reading at [`Lab::parse`], then [`Engine`], whose vocabulary is `action.rs`.

mod action;
mod elsewhere;
mod engine;
mod expression;
mod fault;
mod finding;
mod format;
mod jsonpath;
mod lab;
mod like;
mod lint;
mod matcher;
mod parse;
mod place;
mod proof;
mod report;
mod subject;
mod template;
mod yaml;

pub use action::{
    Action, ActionId, ApplyResult, Failed, Key, Observation, Packet, Probe, ProbeOutcome, Query,
    QueryId, Show,
};
pub use elsewhere::left_out_elsewhere;
pub use engine::{Attempt, Engine, Options};
pub use fault::{Amount, FAULTS, FaultKind, FaultRow, FaultTarget, FaultWay, Measure, WAYS};
pub use finding::{Finding, Severity};
pub use format::{Block, Field, SCHEMAS, Type, page, schema};
pub use lab::*;
pub use parse::API_VERSION;
pub use place::Place;
pub use report::{
    Expectation, Failure, ItemReport, Outcome, QuizReport, Report, Shown, Status, StepReport,
    TaskReport, to_json, to_junit,
};
pub use yaml::yaml_value;
