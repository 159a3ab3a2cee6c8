//! nginx.conf: first its text as a tree (`tree`), then what each directive may say and where
//! (`rules`), then what it means (`model` and `settings`, built in `build`). Nothing here serves a request.

pub mod build;
mod lookup;
pub(crate) use lookup::name_rank;
pub mod model;
pub mod pattern;
pub mod rules;
pub mod settings;
pub mod tree;
mod values;

pub use lookup::Located;
pub use model::{Config, Location, Modifier, Server};
pub use settings::Settings;
pub use tree::{ConfError, Source, Texts};

/// Where relative paths begin.
#[derive(Clone, Debug)]
pub struct Prefixes {
    /// `-p`: for documents and logs, its last slash included.
    pub prefix: String,
    /// For includes and certificates: the folder of the configuration, its last slash included.
    pub conf: String,
}

impl Prefixes {
    /// Those of the image's nginx for a configuration.
    pub fn of(path: &str) -> Self {
        Self {
            prefix: "/etc/nginx/".to_owned(),
            conf: tree::folder_of(path).to_owned(),
        }
    }
}

/// Reads, checks and understands the configuration at `path`; `global` is the text of `-g`.
///
/// # Errors
/// The first mistake, in nginx's words, with what was read so far.
pub fn read(
    source: &dyn Source,
    path: &str,
    prefixes: &Prefixes,
    global: Option<&str>,
) -> (Result<Config, ConfError>, Texts) {
    let (tree, texts) = tree::load(source, path, &prefixes.conf);
    let global = global.map(tree::load_text);
    let config = build::build(&tree, global.as_ref(), prefixes);
    (config, texts)
}
