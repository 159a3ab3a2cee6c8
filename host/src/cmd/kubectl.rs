//! `lab kubectl`: the kubectl of the workstations, on the host's own files, terminal and network.
//! Never knows a command or a flag: those are the `kubectl` crate's.

use crate::cli::Kubectl;
use std::process::ExitCode;

/// Runs kubectl; its exit code is kubectl's.
pub(crate) fn kubectl(typed: &Kubectl) -> ExitCode {
    ExitCode::from(native_kubectl::run(&typed.arguments))
}
