//! Commands that the stock client has and a lab has not.

use super::shared::absent;
use crate::flags::Command;

pub(super) const CERTIFICATE: Command = absent("certificate", "Modify certificate resources");

pub(super) const PORT_FORWARD: Command =
    absent("port-forward", "Forward one or more local ports to a pod");

pub(super) const PROXY: Command = absent("proxy", "Run a proxy to the Kubernetes API server");

pub(super) const DEBUG: Command = absent(
    "debug",
    "Create debugging sessions for troubleshooting workloads and nodes",
);

pub(super) const PLUGIN: Command =
    absent("plugin", "Provides utilities for interacting with plugins");
