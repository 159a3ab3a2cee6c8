//! Log files, kept open until they are reopened. A log that cannot be written is no reason to stop serving.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use crate::conf::model::LogTarget;

/// The open log files by path.
#[derive(Debug, Default)]
pub(super) struct Logs(RefCell<BTreeMap<String, File>>);

impl Logs {
    /// Writes a line.
    pub(super) fn write(&self, target: &LogTarget, line: &[u8]) {
        // Nobody is left to hear that a log is gone.
        let _ = match target {
            LogTarget::Stdout => io::stdout().write_all(line),
            LogTarget::Stderr => io::stderr().write_all(line),
            LogTarget::File(path) if path == "/dev/null" => Ok(()),
            LogTarget::File(path) => self.append(path, line),
        };
    }

    fn append(&self, path: &str, line: &[u8]) -> io::Result<()> {
        let mut files = self.0.borrow_mut();
        if let Some(file) = files.get_mut(path) {
            return file.write_all(line);
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line)?;
        files.insert(path.to_owned(), file);
        Ok(())
    }

    /// Forgets the files, so that the next line opens them anew.
    pub(super) fn reopen(&self) {
        self.0.borrow_mut().clear();
    }
}
