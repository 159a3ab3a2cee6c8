//! What an editor asks while a file is being written: what could stand here, what does this mean,
//! where does it come from. Works on texts that cannot be read yet.
//!
//! Never speaks to an editor: that is `lab lsp`.

mod complete;
mod hover;
mod place;

pub use complete::{Completion, CompletionKind, complete};
pub use hover::{Origin, hover, origin};

use crate::registry::Claims;
use std::collections::BTreeSet;

/// What an editor's file stands among.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The registry of claims.
    pub claims: Option<Claims>,
    /// Images the lab has.
    pub images: BTreeSet<String>,
    /// Files beside the lesson, by path.
    pub files: BTreeSet<String>,
    /// Ids of the lessons of the shelf.
    pub lessons: BTreeSet<String>,
}
