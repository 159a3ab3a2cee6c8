//! What the network promises, claim by claim.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cables;
mod capture;
mod dns;
mod fabric;
mod gateways;
mod icmp;
mod interfaces;
mod lab;
mod nat;
mod policy;
mod roundtrip;
mod tcp;
mod udp;
