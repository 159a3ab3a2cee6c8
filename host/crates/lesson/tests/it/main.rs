//! The crate as its users meet it: a text, a shell that is not there, a report.

mod elsewhere;
mod engine;
mod findings;
mod lessons;
mod recordings;
mod report;
mod schema;
mod shell;
