//! Variables: value, flavor, where they come from, whether children see them.
//!
//! Never expands a value.

use std::collections::BTreeMap;

use super::Place;

/// Who has set a variable, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Default,
    Environment,
    File,
    /// The environment under `-e`.
    EnvironmentOverride,
    Command,
    Override,
    Automatic,
}

impl Origin {
    /// What `$(origin …)` says.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::File => "file",
            Self::EnvironmentOverride => "environment override",
            Self::Command => "command line",
            Self::Override => "override",
            Self::Automatic => "automatic",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) value: String,
    /// Expanded each time it is used.
    pub(crate) recursive: bool,
    pub(crate) origin: Origin,
    /// What `export` or `unexport` has said.
    pub(crate) export: Option<bool>,
    /// Where it was set.
    pub(crate) place: Option<Place>,
}

impl Variable {
    pub(crate) fn simple(value: impl Into<String>, origin: Origin) -> Self {
        Self {
            value: value.into(),
            recursive: false,
            origin,
            export: None,
            place: None,
        }
    }
}

/// Every variable of the makefiles.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(crate) all: BTreeMap<String, Variable>,
    /// `export` without names.
    pub(crate) export_all: bool,
}

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<&Variable> {
        self.all.get(name)
    }

    /// Sets it, unless somebody stronger has.
    pub(crate) fn set(&mut self, name: &str, mut variable: Variable) {
        if let Some(known) = self.all.get(name) {
            if known.origin > variable.origin {
                return;
            }
            variable.export = variable.export.or(known.export);
        }
        self.all.insert(name.to_owned(), variable);
    }
}
