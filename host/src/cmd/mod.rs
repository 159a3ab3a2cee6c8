//! What the commands mean, one file each. Never parses arguments.

pub(crate) mod api_surface;
pub(crate) mod coverage;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fault;
pub(crate) mod fmt;
pub(crate) mod kubectl;
pub(crate) mod lint;
pub(crate) mod lsp;
pub(crate) mod new;
pub(crate) mod play;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod sh;
pub(crate) mod shelf;
pub(crate) mod up;
pub(crate) mod why;
