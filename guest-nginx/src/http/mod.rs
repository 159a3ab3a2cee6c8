//! HTTP's own matters, whichever server speaks: heads, bodies, targets, ranges, dates, types.
//! It never touches a socket and knows no configuration.

pub mod answer;
pub mod body;
pub mod date;
pub mod range;
pub mod request;
pub mod types;
pub mod uri;
