//! Signals sent to this process.

use crate::system;
pub use crate::system::SignalSource;

/// From now on these signals are queued for [`next`] instead of ending the process.
pub fn handle(signals: &[u8]) {
    system::handle_signals(signals);
}

/// From now on this signal is ignored.
pub fn ignore(signal: u8) {
    system::ignore_signal(signal);
}

/// The oldest queued signal.
pub fn next() -> Option<u8> {
    system::next_signal()
}

/// Ready when a signal is queued.
pub fn source() -> SignalSource {
    SignalSource::new()
}
