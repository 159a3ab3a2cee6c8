//! What tests share: scripts that ours and the real program both run, and inputs made by mutation.
//!
//! Never linked into anything but tests. Start with [`differential`] and [`fuzz`].

mod cases;
mod fuzz;
mod real;

pub use cases::{Case, cases};
pub use fuzz::fuzz;
pub use real::{Outcome, Workplace, differential, installed, same};
