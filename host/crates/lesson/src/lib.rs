//! A lesson as a value: the lab format, its judge and its report.
//!
//! Never touches a cluster, a network, a file or a clock. A lesson asks ([`Action`]) as a
//! student could and is told ([`Observation`]); what it then decides is a function of both.
//! Start reading at [`Lab::parse`], then [`Engine`], whose vocabulary is `action.rs`.

mod action;
mod coverage;
mod editor;
mod elsewhere;
mod engine;
mod expression;
mod fault;
mod finding;
mod fmt;
mod format;
mod handout;
mod help;
mod jsonpath;
mod lab;
mod like;
mod lint;
mod matcher;
mod parse;
mod place;
mod proof;
mod registry;
mod report;
mod scaffold;
mod student;
mod subject;
mod template;
mod yaml;

pub use action::{
    Action, ActionId, ApplyResult, Failed, Key, Observation, Packet, Probe, ProbeOutcome, Query,
    QueryId, RunOrder, Show,
};
pub use coverage::{Coverage, Played, State};
pub use editor::{Around, Completion, CompletionKind, Origin, complete, hover, origin};
pub use elsewhere::left_out_elsewhere;
pub use engine::{Attempt, Engine, Options};
pub use fault::{Amount, FAULTS, FaultKind, FaultRow, FaultTarget, FaultWay, Measure, WAYS};
pub use finding::{Edit, Finding, Severity, apply_edits, offset};
pub use fmt::formatted;
pub use format::{Block, Field, SCHEMAS, Type, page, schema};
pub use handout::{handout_html, handout_markdown};
pub use lab::*;
pub use lint::{Known, RULES, Rule, Slot, findings_json, findings_sarif, lint_text, rules_page};
pub use parse::{API_VERSION, Document};
pub use place::Place;
pub use registry::{Claim, Claims, Command, Commands, Course, Glossary, Section, Term};
pub use report::{
    Expectation, Failure, ItemReport, Outcome, QuizReport, Report, Shown, Status, StepReport,
    TaskReport, to_json, to_junit,
};
pub use scaffold::scaffold;
pub use yaml::yaml_value;
