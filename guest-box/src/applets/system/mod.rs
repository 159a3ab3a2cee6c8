//! What the machine is and how it is, one file a question.

mod df;
mod free;
mod identity;
mod mount;
mod sysctl;
mod uptime;

use super::Applet;

pub(super) const APPLETS: &[Applet] = &[
    df::DF,
    free::FREE,
    identity::ID,
    identity::UNAME,
    identity::WHOAMI,
    mount::DMESG,
    mount::MOUNT,
    sysctl::SYSCTL,
    uptime::UPTIME,
];
