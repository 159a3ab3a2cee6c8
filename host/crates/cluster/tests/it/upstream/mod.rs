//! Claims that upstream's conformance tests make, made here from the documented behaviour;
//! `docs/claims/apps-node.psv` says which name is which test. Never upstream's code.

mod environment;
mod objects;
mod probes;
mod resizing;
mod workloads;
