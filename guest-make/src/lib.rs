//! `make` for small Makefiles, with GNU make 4.3 as the model: its words, its order, its codes.
//!
//! [`args`] reads the command line, [`read`] and [`rule`] the makefiles, [`expand`] and
//! [`functions`] what stands behind dollars, [`update`] decides what is old and [`recipe`] runs
//! what makes it new. One recipe runs at a time, whatever `-j` says; the output is the same.
//! It has no built-in rules and no `VPATH`: the lab has no compiler.

mod args;
mod assignment;
mod condition;
mod environment;
mod expand;
mod functions;
mod implicit;
mod pattern;
mod read;
mod recipe;
mod rule;
mod text;
mod update;
mod variable;

use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;

use args::Options;
use rule::Rules;
use variable::Variables;

/// Why make ends before its end: the message without what it begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Stop>;

/// A line of a makefile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Rc<str>,
    pub(crate) line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A make that has been started.
#[derive(Debug)]
pub(crate) struct Make {
    pub(crate) options: Options,
    pub(crate) variables: Variables,
    pub(crate) rules: Rules,
    /// Where the text that is being expanded stands.
    pub(crate) place: Option<Place>,
    pub(crate) level: usize,
    pub(crate) cwd: String,
    /// Names whose values are being expanded, and where they were set.
    pub(crate) expanding: Vec<(String, Option<Place>)>,
    /// Automatic variables and those of the target, of functions, of `foreach`.
    pub(crate) scopes: Vec<BTreeMap<String, variable::Variable>>,
    pub(crate) progress: update::Progress,
    /// How deep makefiles include each other.
    pub(crate) depth: usize,
    /// Files of `include` that were not there.
    pub(crate) missing: Vec<(Option<Place>, String, bool)>,
}

/// Runs make with these arguments, its own name first; its exit code.
pub fn run(args: &[String]) -> i32 {
    let options = match args::options(args) {
        Ok(options) => options,
        Err(ended) => {
            say(&ended.text, ended.code != 0);
            return ended.code;
        }
    };
    let mut make = Make::new(options);
    let entered = match make.enter_directory() {
        Ok(entered) => entered,
        Err(stop) => return make.stopped(&stop),
    };
    let code = make.whole().unwrap_or_else(|stop| make.stopped(&stop));
    if entered {
        make.print(&format!(
            "{}: Leaving directory '{}'",
            make.name(),
            make.cwd
        ));
    }
    code
}

fn say(text: &str, error: bool) {
    // Nobody to tell when a stream has gone.
    let _ = if error {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    };
}

impl Make {
    /// What messages begin with.
    pub(crate) fn name(&self) -> String {
        match self.level {
            0 => "make".into(),
            level => format!("make[{level}]"),
        }
    }

    pub(crate) fn print(&self, line: &str) {
        say(&format!("{line}\n"), false);
    }

    pub(crate) fn complain(&self, line: &str) {
        say(&format!("{line}\n"), true);
    }

    /// A mistake at the place of this moment.
    pub(crate) fn stop(&self, message: impl Into<String>) -> Stop {
        Stop {
            place: self.place.clone(),
            message: message.into(),
        }
    }

    fn stopped(&self, stop: &Stop) -> i32 {
        let before = match &stop.place {
            Some(place) => place.to_string(),
            None => self.name(),
        };
        self.complain(&format!("{before}: *** {}.  Stop.", stop.message));
        2
    }

    fn whole(&mut self) -> Result<i32> {
        self.read_all()?;
        self.update_goals()
    }
}

/// Reads a makefile's text and expands what is expanded at once, and does no more: for tests.
#[doc(hidden)]
pub fn read_only(text: &str) -> std::result::Result<(), String> {
    let options = args::options(&["make".into(), "-n".into()]).map_err(|ended| ended.text)?;
    let mut make = Make::new(options);
    make.options.read_only = true;
    let result = make
        .read_text("Makefile", text)
        .and_then(|()| make.expand_everything());
    result.map_err(|stop| stop.message)
}
