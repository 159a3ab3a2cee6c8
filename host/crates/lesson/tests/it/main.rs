//! The crate as its users meet it: a text, a shell that is not there, a report.

mod engine;
mod findings;
mod report;
mod shell;
