//! Apache's configuration: read (`tree`), judged by `rules` and understood (`build`) as a `model`.
//! It serves nothing.

mod build;
mod lines;
pub mod model;
pub(super) mod modules;
mod quiet;
mod rules;
mod tree;

pub use model::Config;
use tree::Tree;

/// Where a configuration is, and what the command line adds.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The folder that relative names start from.
    pub root: String,
    /// The file.
    pub file: String,
    /// Names that `-D` defines.
    pub defines: Vec<String>,
    /// Directives before the file.
    pub before: Vec<String>,
    /// And after it.
    pub after: Vec<String>,
}

/// Reads and understands a configuration.
///
/// # Errors
/// The first mistake, as Apache prints it.
pub fn read(source: &Source) -> Result<Config, String> {
    let mut tree = Tree::default();
    tree.root.clone_from(&source.root);
    for name in &source.defines {
        tree.define(name);
    }
    let early = |why: String| format!("httpd: {why}");
    let line = "-c/-C directives";
    tree.text(line, &source.before.join("\n"), 0)
        .map_err(early)?;
    let path = tree.path(&source.file);
    tree.file(&path).map_err(early)?;
    tree.text(line, &source.after.join("\n"), 0)
        .map_err(early)?;
    if !tree.modules.iter().any(|name| name.starts_with("mpm_")) {
        return Err("AH00534: httpd: Configuration error: No MPM loaded.".to_owned());
    }
    build::build(&tree)
}
