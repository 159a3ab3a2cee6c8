//! Decides what is old: goals, their prerequisites, times.
//!
//! ```text
//! unknown ──► running ──► done (changed | failed)
//!                └─ met again: a circle, which is dropped
//! ```
//!
//! Recipes are run by [`super::recipe`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::rule::Rule;
use super::variable::{Origin, Variable};
use super::{Make, Result, pattern};

/// How a target came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    /// Something it needs failed.
    pub(crate) needs_failed: bool,
}

/// What has been done so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Nothing while a target is being made.
    done: BTreeMap<String, Option<Outcome>>,
    /// Recipe lines that were run or shown.
    pub(crate) started: usize,
    /// Targets that count as new whatever the file system says.
    pub(crate) new: BTreeSet<String>,
    /// Files made on the way, which nobody asked for.
    on_the_way: Vec<String>,
    depth: usize,
}

impl From<BTreeMap<String, Option<Outcome>>> for Progress {
    fn from(done: BTreeMap<String, Option<Outcome>>) -> Self {
        Self {
            done,
            ..Self::default()
        }
    }
}

/// How old something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Missing,
    At(SystemTime),
    New,
}

const DEPTH_LIMIT: usize = 150;

impl Make {
    /// Makes the goals; the exit code.
    pub(crate) fn update_goals(&mut self) -> Result<i32> {
        self.place = None;
        if self.include_missing()? {
            return self.again();
        }
        let mut goals = self.options.goals.clone();
        if goals.is_empty() {
            let first = self.rules.first.clone();
            goals.extend(
                first
                    .iter()
                    .flat_map(|it| it.split_whitespace())
                    .map(str::to_owned),
            );
        }
        if goals.is_empty() {
            let read = !self.value_of("MAKEFILE_LIST")?.trim().is_empty();
            return Err(self.stop(match read {
                true => "No targets",
                false => "No targets specified and no makefile found",
            }));
        }
        let mut code = 0;
        for goal in &goals {
            let goal = goal
                .strip_prefix("./")
                .filter(|it| !it.is_empty())
                .unwrap_or(goal);
            let before = self.progress.started;
            let outcome = self.update(goal, None)?;
            if outcome.failed {
                code = 2;
                if outcome.needs_failed && self.options.keep_going {
                    let line = format!("Target '{goal}' not remade because of errors.");
                    self.complain(&format!("{}: {line}", self.name()));
                }
                if !self.options.keep_going {
                    break;
                }
            } else if self.options.question && !self.progress.new.is_empty() {
                code = 1;
            } else if before == self.progress.started && !self.options.silent && !self.silent(goal)
            {
                self.print(&format!("{}: {}", self.name(), self.nothing(goal)));
            }
        }
        self.remove_on_the_way();
        Ok(code)
    }

    fn silent(&self, goal: &str) -> bool {
        self.options.question || goal.is_empty()
    }

    fn nothing(&self, goal: &str) -> String {
        let target = self.rules.targets.get(goal);
        let recipe = target.is_some_and(|it| it.rules.iter().any(|rule| rule.recipe.is_some()));
        let recipe = recipe || (target.is_none() && self.implicit(goal).is_some());
        match recipe && !self.rules.phony.contains(goal) {
            true => format!("'{goal}' is up to date."),
            false => format!("Nothing to be done for '{goal}'."),
        }
    }

    /// Makes the included makefiles that were not there; whether one is there now.
    fn include_missing(&mut self) -> Result<bool> {
        let mut made = false;
        for (place, file, quiet) in std::mem::take(&mut self.missing) {
            let known = self.rules.targets.contains_key(&file) || self.implicit(&file).is_some();
            if !quiet && !self.options.read_only && !known {
                let place = place.map(|it| it.to_string()).unwrap_or_default();
                self.complain(&format!("{place}: {file}: No such file or directory"));
                return Err(self.stop(format!("No rule to make target '{file}'")));
            }
            if known {
                let just_print = std::mem::take(&mut self.options.just_print);
                let outcome = self.update(&file, None);
                self.options.just_print = just_print;
                if outcome?.failed && !quiet {
                    return Err(self.stop(format!("Failed to remake makefile '{file}'")));
                }
                made |= std::path::Path::new(&file).exists();
            }
        }
        Ok(made)
    }

    /// Reads everything anew, because an included makefile has been made.
    fn again(&mut self) -> Result<i32> {
        let mut next = Self::new(self.options.clone());
        next.options.directories.clear();
        next.cwd.clone_from(&self.cwd);
        next.depth = self.depth + 1;
        if next.depth > 10 {
            return Err(self.stop("included makefiles do not come to rest"));
        }
        for name in [
            "CURDIR",
            "MAKEFLAGS",
            "MAKELEVEL",
            "MAKECMDGOALS",
            "MAKEOVERRIDES",
        ] {
            if let Some(known) = self.variables.get(name) {
                next.variables.all.insert(name.into(), known.clone());
            }
        }
        next.read_all()?;
        next.update_goals()
    }

    /// Makes a target new.
    pub(crate) fn update(&mut self, name: &str, needed_by: Option<&str>) -> Result<Outcome> {
        match self.progress.done.get(name) {
            Some(Some(outcome)) => return Ok(*outcome),
            Some(None) => {
                let by = needed_by.unwrap_or_default();
                let line = format!("Circular {by} <- {name} dependency dropped.");
                self.complain(&format!("{}: {line}", self.name()));
                return Ok(Outcome::default());
            }
            None => {}
        }
        if self.progress.depth > DEPTH_LIMIT {
            return Err(self.stop("prerequisites are nested too deep"));
        }
        self.progress.depth += 1;
        self.progress.done.insert(name.to_owned(), None);
        let outcome = self.in_scope(name, needed_by);
        self.progress.depth -= 1;
        self.progress.done.insert(
            name.to_owned(),
            Some(*outcome.as_ref().unwrap_or(&Outcome::default())),
        );
        outcome
    }

    /// With the variables of the target, which its prerequisites see too.
    fn in_scope(&mut self, name: &str, needed_by: Option<&str>) -> Result<Outcome> {
        let patterns = self.rules.pattern_assignments.iter();
        let fitting = patterns.filter(|(pattern, _)| pattern::stem(pattern, name).is_some());
        let mut assignments: Vec<_> = fitting.map(|(_, it)| it.clone()).collect();
        if let Some(target) = self.rules.targets.get(name) {
            assignments.extend(target.assignments.iter().cloned());
        }
        if assignments.is_empty() {
            return self.decide(name, needed_by);
        }
        self.scopes.push(BTreeMap::new());
        for assignment in assignments {
            let known = self.lookup(&assignment.name).cloned();
            let origin = match assignment.overrides {
                true => Origin::Override,
                false => Origin::File,
            };
            if let Some(mut variable) = self.assigned(&assignment, known, origin)? {
                variable.export = assignment.export.then_some(true);
                let exported = self
                    .variables
                    .get(&assignment.name)
                    .and_then(|it| it.export);
                variable.export = variable.export.or(exported);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.insert(assignment.name.clone(), variable);
                }
            }
        }
        let outcome = self.decide(name, needed_by);
        self.scopes.pop();
        outcome
    }

    fn decide(&mut self, name: &str, needed_by: Option<&str>) -> Result<Outcome> {
        let target = self
            .rules
            .targets
            .get(name)
            .filter(|it| !it.rules.is_empty())
            .cloned();
        let phony = self.rules.phony.contains(name);
        let mut rules = target.as_ref().map_or_else(Vec::new, |it| it.rules.clone());
        let double = target.as_ref().is_some_and(|it| it.double);
        if !double && !phony && rules.iter().all(|rule| rule.recipe.is_none()) {
            if let Some((mut rule, on_the_way)) = self.implicit(name) {
                for known in &rules {
                    rule.prerequisites
                        .extend(known.prerequisites.iter().cloned());
                    rule.order_only.extend(known.order_only.iter().cloned());
                }
                rules = vec![rule];
                self.progress.on_the_way.extend(on_the_way);
            } else if self.age(name) == Age::Missing
                && let Some(default) = self.rules.targets.get(".DEFAULT")
                && rules.is_empty()
            {
                rules.clone_from(&default.rules);
                rules.truncate(1);
                for rule in &mut rules {
                    rule.prerequisites.clear();
                }
            }
        }
        if rules.is_empty() && !phony && self.age(name) == Age::Missing {
            return self.no_rule(name, needed_by);
        }
        let mut outcome = Outcome::default();
        // Every rule of a target with `::` sees it as it was before the first of them.
        let before = double.then(|| self.age(name));
        for rule in &rules {
            let one = self.apply(name, rule, before, phony)?;
            outcome.failed |= one.failed;
            outcome.needs_failed |= one.needs_failed;
            if one.failed && !self.options.keep_going {
                break;
            }
        }
        if rules.is_empty() && phony {
            self.progress.new.insert(name.to_owned());
        }
        Ok(outcome)
    }

    fn no_rule(&self, name: &str, needed_by: Option<&str>) -> Result<Outcome> {
        let mut message = format!("No rule to make target '{name}'");
        if let Some(by) = needed_by {
            message.push_str(&format!(", needed by '{by}'"));
        }
        if !self.options.keep_going {
            return Err(super::Stop {
                place: None,
                message,
            });
        }
        self.complain(&format!("{}: *** {message}.", self.name()));
        Ok(Outcome {
            failed: true,
            needs_failed: false,
        })
    }

    /// One rule of a target: its prerequisites, then its recipe when that is due.
    fn apply(
        &mut self,
        name: &str,
        rule: &Rule,
        before: Option<Age>,
        phony: bool,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for needed in rule.prerequisites.iter().chain(&rule.order_only) {
            if self.resting(needed, name) {
                continue;
            }
            if self.update(needed, Some(name))?.failed {
                outcome.failed = true;
                outcome.needs_failed = true;
                if !self.options.keep_going {
                    return Ok(outcome);
                }
            }
        }
        if outcome.failed {
            return Ok(outcome);
        }
        let own = before.unwrap_or_else(|| self.age(name));
        let mut newer = Vec::new();
        for needed in &rule.prerequisites {
            let age = self.age(needed);
            let resting = self.progress.on_the_way.contains(needed) && age == Age::Missing;
            if own == Age::Missing || age > own || (age == Age::Missing && !resting) {
                newer.push(needed.clone());
            }
        }
        let due = phony
            || own == Age::Missing
            || !newer.is_empty()
            || self.options.always
            || (before.is_some() && rule.prerequisites.is_empty());
        if !due {
            return Ok(outcome);
        }
        let Some(recipe) = rule.recipe.clone() else {
            if own == Age::Missing || phony {
                self.progress.new.insert(name.to_owned());
            }
            return Ok(outcome);
        };
        outcome.failed = !self.run_recipe(name, rule, &recipe, &newer)?;
        if phony {
            self.progress.new.insert(name.to_owned());
        }
        for other in rule.together.iter().filter(|other| *other != name) {
            self.progress.done.insert(other.clone(), Some(outcome));
        }
        Ok(outcome)
    }

    /// A file made on the way that is gone need not come back when what it is for is newer than
    /// what it is made of.
    fn resting(&self, needed: &str, target: &str) -> bool {
        if !self.progress.on_the_way.iter().any(|it| it == needed)
            || self.age(needed) != Age::Missing
            || self.options.always
        {
            return false;
        }
        let own = self.age(target);
        own != Age::Missing && self.newest_below(needed, 0) <= own
    }

    fn newest_below(&self, name: &str, depth: usize) -> Age {
        let age = self.age(name);
        if age != Age::Missing || depth > 8 {
            return age;
        }
        let Some((rule, _)) = self.implicit(name) else {
            return Age::New;
        };
        let below = rule.prerequisites.iter();
        let ages = below.map(|it| self.newest_below(it, depth + 1));
        ages.max().unwrap_or(Age::New)
    }

    fn age(&self, name: &str) -> Age {
        if self.progress.new.contains(name) {
            return Age::New;
        }
        if self.rules.phony.contains(name) || self.options.read_only {
            return Age::Missing;
        }
        match std::fs::metadata(name).and_then(|it| it.modified()) {
            Ok(time) => Age::At(time),
            Err(_) => Age::Missing,
        }
    }

    fn remove_on_the_way(&mut self) {
        let kept = |name: &String| {
            self.rules.mentioned.contains(name)
                || self.options.goals.contains(name)
                || [".PRECIOUS", ".SECONDARY"]
                    .iter()
                    .any(|special| self.rules.special(special, name))
        };
        let mut gone: Vec<String> = self.progress.on_the_way.clone();
        gone.retain(|name| {
            let made = self.progress.done.contains_key(name);
            made && !kept(name) && (std::path::Path::new(name).exists() || self.options.just_print)
        });
        gone.sort();
        gone.dedup();
        if gone.is_empty() {
            return;
        }
        if !self.options.silent {
            self.print(&format!("rm {}", gone.join(" ")));
        }
        for name in gone.iter().filter(|_| !self.options.just_print) {
            // What is gone already was to go.
            let _ = std::fs::remove_file(name);
        }
    }

    /// The automatic variables of a recipe.
    pub(crate) fn automatic(
        name: &str,
        rule: &Rule,
        newer: &[String],
    ) -> BTreeMap<String, Variable> {
        let unique = |names: &[String]| {
            let mut seen = BTreeSet::new();
            let first = names.iter().filter(|name| seen.insert((*name).clone()));
            first.cloned().collect::<Vec<_>>().join(" ")
        };
        let values = [
            ("@", name.to_owned()),
            ("<", rule.prerequisites.first().cloned().unwrap_or_default()),
            ("^", unique(&rule.prerequisites)),
            ("+", rule.prerequisites.join(" ")),
            ("?", unique(newer)),
            ("*", rule.stem.clone()),
            ("|", unique(&rule.order_only)),
            ("%", String::new()),
        ];
        let all = values.into_iter();
        all.map(|(name, value)| (name.to_owned(), Variable::simple(value, Origin::Automatic)))
            .collect()
    }
}
