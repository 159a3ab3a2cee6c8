//! What was typed, in memory and in `~/.ash_history`.
//!
//! Never fails aloud: a file that cannot be read or written is no history.

use std::io::Write;

use super::super::state::Shell;

const LIMIT: usize = 500;

impl Shell {
    fn history_file(&self) -> Option<String> {
        if let Some(file) = self.get("HISTFILE").filter(|file| !file.is_empty()) {
            return Some(self.absolute(file));
        }
        let home = self.get("HOME").filter(|home| !home.is_empty())?;
        Some(format!("{}/.ash_history", home.trim_end_matches('/')))
    }

    pub(super) fn load_history(&mut self) {
        let Some(bytes) = self
            .history_file()
            .and_then(|file| std::fs::read(file).ok())
        else {
            return;
        };
        let text = String::from_utf8_lossy(&bytes);
        self.history = text.lines().map(str::to_owned).collect();
        self.bound_history();
    }

    fn bound_history(&mut self) {
        let surplus = self.history.len().saturating_sub(LIMIT);
        self.history.drain(..surplus);
    }

    /// Keeps a line, unless it is empty or the last one again.
    pub(super) fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || self.history.last().is_some_and(|last| last == line) {
            return;
        }
        self.history.push(line.to_owned());
        self.bound_history();
        if let Some(file) = self.history_file()
            && let Ok(mut file) = std::fs::File::options()
                .append(true)
                .create(true)
                .open(file)
        {
            // Without room for it the line is only remembered.
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }
}
