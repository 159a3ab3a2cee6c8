//! Kubernetes as a value: objects, the API that reads and writes them, and the controllers that
//! follow them.
//!
//! A function of its inputs: requests, reports of what runs, and `now`. Never opens a socket,
//! never starts a program and never asks for the time; what should happen outside comes out of
//! [`Cluster::poll_command`]. Start reading at [`cluster`](Cluster), then [`store`], [`kind`],
//! [`api`], [`controller`], [`kubelet`].

mod bootstrap;
mod cluster;
mod furniture;

pub mod api;
pub mod balancer;
pub mod controller;
pub mod cron;
pub mod dns;
pub mod ingress;
pub mod ipam;
pub mod kind;
pub mod kubelet;
pub mod proxy;
pub mod queue;
pub mod registry;
pub mod scheduler;
pub mod store;

pub use api::{
    Body, Credential, Impersonation, Method, Request, Response, StreamRequest, WatchId, WatchPoll,
};
pub use cluster::{Cluster, Config, ImageInfo, NodeSpec};
pub use kubelet::{Command, Report};
pub use store::{Event, Key, Object, Op, Store, StoreError};
