//! The world as its driver meets it. Never starts a program: a fake runtime stands in.

mod fake;
mod invariants;
mod service;
mod sim;
