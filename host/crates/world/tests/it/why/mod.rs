//! Questions to worlds that are really broken: the answer names the true cause, and what it says
//! mends it. Never a world that only looks broken.

mod drills;
mod fixture;
mod hands;
mod links;
