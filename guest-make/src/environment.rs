//! The variables make starts with, the directory it works in, and what its children are given.
//!
//! Never runs a child.

use std::collections::BTreeMap;

use super::args::Options;
use super::rule::Rules;
use super::variable::{Origin, Variable, Variables};
use super::{Make, Result};

/// Variables that GNU make has from the beginning, as far as they mean something here.
const DEFAULTS: [(&str, &str); 7] = [
    ("MAKE_VERSION", "4.3"),
    ("MAKE_HOST", "wasm32-unknown-wasi"),
    ("MAKE_COMMAND", "make"),
    ("MAKE", "$(MAKE_COMMAND)"),
    ("SHELL", "/bin/sh"),
    (".SHELLFLAGS", "-c"),
    ("RM", "rm -f"),
];

impl Make {
    pub(crate) fn new(options: Options) -> Self {
        let mut variables = Variables::default();
        for (name, value) in DEFAULTS {
            let mut variable = Variable::simple(value, Origin::Default);
            variable.recursive = name == "MAKE";
            variables.set(name, variable);
        }
        let origin = match options.environment {
            true => Origin::EnvironmentOverride,
            false => Origin::Environment,
        };
        for (name, value) in std::env::vars() {
            if !matches!(name.as_str(), "SHELL" | "MAKEFLAGS" | "MAKELEVEL" | "MAKE") {
                let mut variable = Variable::simple(value, origin);
                variable.recursive = true;
                variable.export = Some(true);
                variables.set(&name, variable);
            }
        }
        let level = std::env::var("MAKELEVEL").ok();
        let level = level.and_then(|level| level.parse().ok()).unwrap_or(0);
        Self {
            options,
            variables,
            rules: Rules::default(),
            place: None,
            level,
            cwd: String::new(),
            expanding: Vec::new(),
            scopes: Vec::new(),
            progress: BTreeMap::default().into(),
            depth: 0,
            missing: Vec::new(),
        }
    }

    /// Goes where `-C` says; whether the directory was announced.
    pub(crate) fn enter_directory(&mut self) -> Result<bool> {
        for directory in &self.options.directories {
            if let Err(error) = std::env::set_current_dir(directory) {
                let reason = error.to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default();
                let reason = match error.kind() {
                    std::io::ErrorKind::NotFound => "No such file or directory",
                    _ => reason,
                };
                return Err(self.stop(format!("{directory}: {reason}")));
            }
        }
        let cwd = std::env::current_dir();
        self.cwd = cwd.map_or_else(|_| "/".into(), |dir| dir.to_string_lossy().into_owned());
        let moved = !self.options.directories.is_empty() || self.level > 0;
        let wanted = moved && !self.options.silent;
        let announced = self.options.print_directory.unwrap_or(wanted);
        if announced {
            self.print(&format!(
                "{}: Entering directory '{}'",
                self.name(),
                self.cwd
            ));
        }
        self.set_own_variables(announced);
        Ok(announced)
    }

    fn set_own_variables(&mut self, announced: bool) {
        let flags = self.options.flags(announced);
        let values = [
            ("CURDIR", self.cwd.clone(), Origin::File),
            ("MAKEFLAGS", flags, Origin::File),
            ("MAKELEVEL", self.level.to_string(), Origin::Default),
            (
                "MAKECMDGOALS",
                self.options.goals.join(" "),
                Origin::Default,
            ),
            ("MAKEFILE_LIST", String::new(), Origin::File),
            (
                "MAKEOVERRIDES",
                self.options.overrides(),
                Origin::Environment,
            ),
        ];
        for (name, value, origin) in values {
            if name != "MAKECMDGOALS" || !value.is_empty() {
                self.variables
                    .all
                    .insert(name.into(), Variable::simple(value, origin));
            }
        }
    }

    /// The environment of a recipe.
    pub(crate) fn environment(&mut self) -> Result<Vec<(String, String)>> {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        let names: Vec<String> = self
            .variables
            .all
            .keys()
            .chain(self.scopes.iter().flat_map(|scope| scope.keys()))
            .cloned()
            .collect();
        for name in names {
            let Some(variable) = self.lookup(&name) else {
                continue;
            };
            let plain = name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
            let shown = match (variable.export, variable.origin) {
                (Some(export), _) => export,
                (None, Origin::Command | Origin::EnvironmentOverride) => plain,
                (None, Origin::Automatic | Origin::Default) => false,
                (None, _) => self.variables.export_all && plain,
            };
            if shown && !matches!(name.as_str(), "MAKEFLAGS" | "MAKELEVEL") {
                let value = self.value_of(&name)?;
                all.insert(name, value);
            }
        }
        let flags = self.value_of("MAKEFLAGS")?;
        all.insert("MAKEFLAGS".into(), flags);
        all.insert("MAKELEVEL".into(), (self.level + 1).to_string());
        if let Ok(shell) = std::env::var("SHELL") {
            all.entry("SHELL".into()).or_insert(shell);
        }
        Ok(all.into_iter().collect())
    }
}
