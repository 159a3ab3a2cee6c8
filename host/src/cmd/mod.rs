//! What the commands mean, one file each. Never parses arguments.

pub(crate) mod api_surface;
pub(crate) mod fault;
pub(crate) mod kubectl;
pub(crate) mod play;
pub(crate) mod run;
pub(crate) mod sh;
pub(crate) mod up;
pub(crate) mod why;
