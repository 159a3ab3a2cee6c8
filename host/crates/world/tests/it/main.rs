//! The world as its driver meets it. Never starts a program: a fake runtime stands in.

mod affinity;
mod ask;
mod balancers;
mod dns;
mod endpoints;
mod fake;
mod faults;
mod hostports;
mod invariants;
mod networking;
mod objects;
mod places;
mod policy;
mod rollout;
mod service;
mod services;
mod sim;
mod sites;
mod traffic;
mod why;
