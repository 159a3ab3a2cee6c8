//! The cluster as its clients meet it: requests in, answers out.
//!
//! Expected texts were recorded from a Kubernetes 1.36 server with kubectl 1.34. Never opens a
//! socket: a request is a value.

mod fixture;
mod plane;

mod access;
mod anything;
mod claims;
mod create;
mod delete;
mod discovery;
mod ephemeral;
mod errors;
mod hostile;
mod idle;
mod ingress;
mod kinds;
mod lives;
mod machines;
mod managed;
mod mounts;
mod patch;
mod placing;
mod pods;
mod protobuf;
mod quotas;
mod reads;
mod rollouts;
mod services;
mod store;
mod stories;
mod surface;
mod table;
mod upstream;
mod validation;
mod watch;
mod workloads;
mod writes;
