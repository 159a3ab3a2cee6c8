//! Where cluster and network meet: each file reads objects and writes rules, nothing more.

pub(crate) mod balancers;
pub(crate) mod dns;
pub(crate) mod health;
pub(crate) mod hostports;
pub(crate) mod ingress;
pub(crate) mod names;
pub(crate) mod nodes;
pub(crate) mod places;
pub(crate) mod pods;
pub(crate) mod policy;
pub(crate) mod services;
