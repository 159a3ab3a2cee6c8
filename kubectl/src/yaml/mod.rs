//! YAML in and out, both as kubectl does it.

mod kyaml;
mod read;
mod resolve;
mod write;

pub(crate) use kyaml::to_kyaml;
pub(crate) use read::documents;
pub(crate) use write::to_string;
