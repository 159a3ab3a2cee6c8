//! Which kubectl types. Never says what it should answer.

use crate::recording::{Step, read};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The client that typed the story when it was recorded.
pub(crate) const RECORDED: &str = "1.34";

/// The version that our own kubectl claims to be.
pub(crate) const OWN_CLAIMS: &str = "1.36";

/// One kubectl.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// `1.34`, or `own`.
    pub(crate) name: String,
    /// Its program; none for `lab kubectl`.
    pub(crate) program: Option<PathBuf>,
}

impl FromStr for Client {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((name, file)) => Ok(Self {
                name: name.to_owned(),
                program: Some(PathBuf::from(file)),
            }),
            None if text == "own" => Ok(Self {
                name: text.to_owned(),
                program: None,
            }),
            None => bail!("VERSION=FILE, or `own`"),
        }
    }
}

impl Client {
    /// The version whose words it speaks.
    pub(crate) fn version(&self) -> &str {
        match self.program {
            Some(_) => &self.name,
            None => OWN_CLAIMS,
        }
    }

    /// What it plays: the story, and the commands that were recorded with its own version.
    pub(crate) fn recordings(&self, folder: &Path) -> Result<Vec<Step>> {
        let mut steps = read(&folder.join(format!("story-{RECORDED}.txt")))?;
        let own = folder.join(format!("clients-{}.txt", self.version()));
        if own.exists() {
            steps.extend(read(&folder.join("clients-before.txt"))?);
            steps.extend(read(&own)?);
        }
        Ok(steps)
    }
}
