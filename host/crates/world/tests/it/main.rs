//! The world as its driver meets it. Never starts a program: a fake runtime stands in.

mod fake;
mod faults;
mod invariants;
mod places;
mod policy;
mod service;
mod sim;
