//! A container engine as a value: names, ids, addresses, ports and the states of containers, as
//! `dockerd` decides them.
//!
//! Never starts a program and never touches a network: `wire/places.rs` gives containers machines,
//! the shell runs what is in them and reports back. Start at [`Engine`]; `view` says what the
//! Engine API shows of it.

mod engine;
mod ipam;
mod names;
mod ports;
mod view;

pub use engine::{Ask, Container, Engine, Mode, NetworkAsk, Refusal, Start, State};
pub use ports::{Binding, PortAsk};

#[cfg(test)]
mod tests;
