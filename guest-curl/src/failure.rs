//! How transfers fail: curl's numbers and words.

use std::fmt;

/// A failed transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// curl's exit code.
    pub code: u8,
    /// What it says after the code.
    pub message: String,
}

impl Failure {
    /// A failure of this code.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A URL that is none.
    pub fn url() -> Self {
        Self::new(3, "URL using bad/illegal format or missing URL")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "curl: ({}) {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}
