//! Seeing and ending processes, one file a question.

mod kill;
mod ps;
pub(crate) mod signal;
mod top;

use super::Applet;
pub(crate) use signal::{list_signals, signal_argument, signal_name, signal_number};

pub(super) const APPLETS: &[Applet] = &[
    kill::KILL,
    kill::KILLALL,
    kill::PGREP,
    kill::PIDOF,
    kill::PKILL,
    ps::PS,
    top::TOP,
];
