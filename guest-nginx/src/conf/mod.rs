//! nginx.conf: first its text as a tree (`tree`), then what each directive may say and where
//! (`rules`), then what it means (`model`, built in `build` from `values`). Nothing here serves a request.

pub mod build;
pub mod model;
pub mod rules;
pub mod tree;
mod values;

pub use build::build;
pub use model::{Config, Location, Modifier, Server, Settings};
pub use tree::{ConfError, Source};

/// Reads, checks and understands the configuration at `path`.
pub fn read(source: &dyn Source, path: &str) -> Result<Config, ConfError> {
    let tree = tree::load(source, path)?;
    rules::check(&tree, rules::MAIN)?;
    build(&tree)
}
