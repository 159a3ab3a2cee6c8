//! Cluster and network as one value: the only room that turns an EndpointSlice into a NAT rule,
//! a bound Pod into a machine and a Service into a name.
//!
//! A function of its inputs and a seed. Never waits, never starts a program and never reads a
//! clock: what must happen outside comes out of [`World::poll_output`], and what happened comes
//! back through [`World::handle`]. Start reading at [`World`], then `wire/`, one file for each
//! pair of things that meet here.

pub mod docker;
mod fault;
mod input;
mod output;
mod platform;
mod site;
mod spec;
pub mod why;
mod wire;
mod world;

pub use fault::{FAULTS_MAX, Fault, Lasting, Machine, Toll, Way};
pub use input::Input;
pub use output::Output;
pub use platform::{Context, PLATFORMS, Platform, Reach, SitePlan};
pub use site::SiteId;
pub use spec::{NodePlan, WorldSpec};
pub use wire::places::{Forward, Started};
pub use world::World;
