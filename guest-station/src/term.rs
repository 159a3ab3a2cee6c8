//! What a program of this crate has around it: outputs, variables, the time.
//! Never opens a connection.

use std::collections::BTreeMap;
use std::io::{self, Write};

/// Outputs and variables.
pub struct Term<'a> {
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    vars: Option<BTreeMap<String, String>>,
    now: Option<i64>,
}

impl std::fmt::Debug for Term<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Term").finish_non_exhaustive()
    }
}

impl Term<'static> {
    /// The process's own.
    pub(crate) fn system() -> Self {
        // Leaked once in a process that ends soon.
        Self {
            out: Box::leak(Box::new(io::stdout())),
            err: Box::leak(Box::new(io::stderr())),
            vars: None,
            now: None,
        }
    }
}

impl<'a> Term<'a> {
    /// Given outputs, variables and time, for tests.
    pub fn given(out: &'a mut dyn Write, err: &'a mut dyn Write, vars: &[(&str, &str)]) -> Self {
        let vars = vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            out,
            err,
            vars: Some(vars.collect()),
            now: Some(0),
        }
    }

    /// A variable.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        match &self.vars {
            Some(vars) => vars.get(name).cloned(),
            None => std::env::var(name).ok(),
        }
    }

    /// Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.now.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
        })
    }

    /// Whether words should be Japanese.
    pub(crate) fn japanese(&self) -> bool {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| self.var(name).filter(|value| !value.is_empty()))
            .is_some_and(|value| value.starts_with("ja"))
    }

    /// One line on standard output. A reader that has gone ends the program at its next step.
    pub(crate) fn say(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    /// One line on standard error.
    pub(crate) fn say_error(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    pub(crate) fn flush(&mut self) {
        let _ = self.out.flush();
    }
}
