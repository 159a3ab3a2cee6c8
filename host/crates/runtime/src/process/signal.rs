//! Signals: their numbers, and what an unhandled one does. Never stops a process (job control is
//! not in this lab): the stop signals are ignored.

/// SIGHUP
pub const HUP: u8 = 1;
/// SIGINT
pub const INT: u8 = 2;
/// SIGQUIT
pub const QUIT: u8 = 3;
/// SIGABRT
pub const ABRT: u8 = 6;
/// SIGFPE
pub const FPE: u8 = 8;
/// SIGKILL
pub const KILL: u8 = 9;
/// SIGSEGV
pub const SEGV: u8 = 11;
/// SIGTERM
pub const TERM: u8 = 15;
/// SIGCHLD
pub const CHLD: u8 = 17;
/// SIGCONT
pub const CONT: u8 = 18;
/// SIGURG
pub const URG: u8 = 23;
/// SIGXCPU
pub const XCPU: u8 = 24;
/// SIGWINCH
pub const WINCH: u8 = 28;

/// Whether a process that does not care is ended by this signal.
pub(crate) fn ends_by_default(signal: u8) -> bool {
    // 19 to 22 are STOP, TSTP, TTIN and TTOU.
    !matches!(signal, 0 | CHLD | CONT | 19..=22 | URG | WINCH) && signal <= 64
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    fn bit(signal: u8) -> u64 {
        if (1..=64).contains(&signal) {
            1 << (signal - 1)
        } else {
            0
        }
    }

    pub(crate) fn contains(self, signal: u8) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    pub(crate) fn insert(&mut self, signal: u8) {
        self.0 |= Self::bit(signal);
    }

    pub(crate) fn remove(&mut self, signal: u8) {
        self.0 &= !Self::bit(signal);
    }
}
