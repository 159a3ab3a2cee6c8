//! The crate as its users meet it: a text, a shell that is not there, a report.

mod broken;
mod elsewhere;
mod engine;
mod findings;
mod forms;
mod lessons;
mod recordings;
mod report;
mod rules;
mod schema;
mod shell;
