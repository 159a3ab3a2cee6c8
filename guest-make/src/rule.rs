//! Rules as they were read: targets, prerequisites, recipes, and what special targets say.
//!
//! Never looks at files and never runs a recipe.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::assignment::Assignment;
use super::{Make, Place, Result, pattern};

/// The lines of a recipe, unexpanded, each with its place.
#[derive(Debug, Default)]
pub(crate) struct Recipe {
    pub(crate) lines: Vec<(String, Place)>,
}

impl Recipe {
    fn first_place(&self) -> Option<Place> {
        self.lines.first().map(|(_, place)| place.clone())
    }
}

/// What makes one target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) prerequisites: Vec<String>,
    pub(crate) order_only: Vec<String>,
    pub(crate) recipe: Option<Rc<Recipe>>,
    pub(crate) stem: String,
    pub(crate) place: Option<Place>,
    /// Other targets that the same run makes (`a b &: c`).
    pub(crate) together: Vec<String>,
}

/// A target of explicit rules: one rule, or several with `::`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) double: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) assignments: Vec<Assignment>,
}

/// `%.o: %.c`.
#[derive(Clone, Debug)]
pub(crate) struct PatternRule {
    pub(crate) targets: Vec<String>,
    pub(crate) rule: Rule,
    /// With `::`: only files that exist count as prerequisites.
    pub(crate) terminal: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) targets: BTreeMap<String, Target>,
    pub(crate) patterns: Vec<PatternRule>,
    pub(crate) pattern_assignments: Vec<(String, Assignment)>,
    /// The goal when none is given.
    pub(crate) first: Option<String>,
    pub(crate) phony: BTreeSet<String>,
    /// Every name that stands in a rule.
    pub(crate) mentioned: BTreeSet<String>,
    suffixes: Vec<String>,
}

/// A rule as one line and its recipe say it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) targets: Vec<String>,
    pub(crate) double: bool,
    pub(crate) grouped: bool,
    /// The pattern of a static pattern rule.
    pub(crate) pattern: Option<String>,
    pub(crate) prerequisites: Vec<String>,
    pub(crate) order_only: Vec<String>,
    pub(crate) recipe: Vec<(String, Place)>,
    pub(crate) has_recipe: bool,
    pub(crate) place: Option<Place>,
}

/// The suffixes that old-fashioned rules like `.c.o:` may name.
const SUFFIXES: &str = ".out .a .ln .o .c .cc .C .cpp .p .f .F .m .r .y .l .ym .yl .s .S .mod \
    .sym .def .h .info .dvi .tex .texinfo .texi .txinfo .w .ch .web .sh .elc .el";

impl Rules {
    fn suffixes(&self) -> Vec<String> {
        let known = SUFFIXES.split_whitespace().map(str::to_owned);
        known.chain(self.suffixes.iter().cloned()).collect()
    }

    /// `.c.o` as the pattern and the prerequisite it means.
    fn suffix_rule(&self, target: &str) -> Option<(String, Option<String>)> {
        let suffixes = self.suffixes();
        if suffixes.iter().any(|suffix| suffix == target) {
            return Some(("%".into(), Some(format!("%{target}"))));
        }
        let from = suffixes.iter().find(|from| {
            let rest = target.strip_prefix(from.as_str());
            rest.is_some_and(|to| suffixes.iter().any(|suffix| suffix == to))
        })?;
        Some((
            format!("%{}", &target[from.len()..]),
            Some(format!("%{from}")),
        ))
    }

    /// Whether the special target has this name among its prerequisites, or none at all.
    pub(crate) fn special(&self, special: &str, name: &str) -> bool {
        self.targets.get(special).is_some_and(|target| {
            let mut all = target.rules.iter().flat_map(|rule| &rule.prerequisites);
            let empty = target
                .rules
                .iter()
                .all(|rule| rule.prerequisites.is_empty());
            empty || all.any(|known| known == name)
        })
    }
}

impl Rules {
    /// Whether the special target names this one.
    pub(crate) fn special_named(&self, special: &str, name: &str) -> bool {
        self.targets.get(special).is_some_and(|target| {
            let mut all = target.rules.iter().flat_map(|rule| &rule.prerequisites);
            all.any(|known| known == name)
        })
    }
}

impl Make {
    /// Takes a rule that has been read to its end.
    pub(crate) fn record(&mut self, line: Line) -> Result<()> {
        let recipe = line.has_recipe.then(|| {
            Rc::new(Recipe {
                lines: line.recipe.clone(),
            })
        });
        self.rules.mentioned.extend(line.targets.iter().cloned());
        if line.pattern.is_none() && line.targets.iter().all(|target| target.contains('%')) {
            let targets = line.targets.clone();
            self.record_pattern(targets, &line, recipe);
            return Ok(());
        }
        if line.pattern.is_none() && line.targets.iter().any(|target| target.contains('%')) {
            let place = line.place.as_ref().map(ToString::to_string);
            let place = place.unwrap_or_default();
            let message = "mixed implicit and normal rules: deprecated syntax";
            self.complain(&format!("{place}: *** {message}"));
        }
        for target in &line.targets {
            self.record_target(target, &line, recipe.as_ref())?;
        }
        Ok(())
    }

    fn record_pattern(&mut self, targets: Vec<String>, line: &Line, recipe: Option<Rc<Recipe>>) {
        // The same pattern again replaces the rule; without a recipe it takes it away.
        self.rules.patterns.retain(|known| {
            known.targets != targets || known.rule.prerequisites != line.prerequisites
        });
        if recipe.is_none() {
            return;
        }
        self.rules.patterns.push(PatternRule {
            targets,
            rule: Rule {
                prerequisites: line.prerequisites.clone(),
                order_only: line.order_only.clone(),
                recipe,
                place: line.place.clone(),
                ..Rule::default()
            },
            terminal: line.double,
        });
    }

    fn record_target(
        &mut self,
        target: &str,
        line: &Line,
        recipe: Option<&Rc<Recipe>>,
    ) -> Result<()> {
        let mut stem = String::new();
        let fill = |names: &[String], stem: &str| -> Vec<String> {
            let filled = names.iter().map(|name| match line.pattern {
                Some(_) => pattern::fill(name, stem),
                None => name.clone(),
            });
            filled.collect()
        };
        if let Some(pattern) = &line.pattern {
            match pattern::stem(pattern, target) {
                Some(found) => found.clone_into(&mut stem),
                None => {
                    let place = line.place.as_ref().map(ToString::to_string);
                    let place = place.unwrap_or_default();
                    self.complain(&format!(
                        "{place}: target '{target}' doesn't match the target pattern"
                    ));
                }
            }
        }
        let rule = Rule {
            prerequisites: fill(&line.prerequisites, &stem),
            order_only: fill(&line.order_only, &stem),
            recipe: recipe.cloned(),
            stem,
            place: line.place.clone(),
            together: match line.grouped {
                true => line.targets.clone(),
                false => Vec::new(),
            },
        };
        let names = rule.prerequisites.iter().chain(&rule.order_only);
        self.rules.mentioned.extend(names.cloned());
        match target {
            ".PHONY" => self.rules.phony.extend(rule.prerequisites.iter().cloned()),
            ".SUFFIXES" => self
                .rules
                .suffixes
                .extend(rule.prerequisites.iter().cloned()),
            ".SECONDEXPANSION" => {
                self.place.clone_from(&line.place);
                return Err(self.stop(".SECONDEXPANSION: not in this lab"));
            }
            _ => {}
        }
        if let (Some((pattern, from)), true) =
            (self.rules.suffix_rule(target), rule.recipe.is_some())
            && rule.prerequisites.is_empty()
        {
            let line = Line {
                prerequisites: from.into_iter().collect(),
                place: line.place.clone(),
                ..Line::default()
            };
            self.record_pattern(vec![pattern], &line, rule.recipe);
            return Ok(());
        }
        let special = target.starts_with('.') && !target.contains('/');
        if self.rules.first.is_none() && !special {
            self.rules.first = Some(target.to_owned());
        }
        self.merge(target, line, rule)
    }

    /// Puts the rule beside what is known of its target.
    fn merge(&mut self, target: &str, line: &Line, rule: Rule) -> Result<()> {
        let known = self.rules.targets.entry(target.to_owned()).or_default();
        if !known.rules.is_empty() && known.double != line.double {
            self.place.clone_from(&line.place);
            return Err(self.stop(format!("target file '{target}' has both : and :: entries")));
        }
        known.double = line.double;
        let Some(first) = known.rules.first_mut().filter(|_| !line.double) else {
            known.rules.push(rule);
            return Ok(());
        };
        let mut overridden = None;
        if rule.recipe.is_some() {
            // The prerequisites of the rule with the recipe come first.
            overridden = first.recipe.as_ref().and_then(|it| it.first_place());
            let (old, old_order) = (
                std::mem::take(&mut first.prerequisites),
                std::mem::take(&mut first.order_only),
            );
            *first = rule;
            first.prerequisites.extend(old);
            first.order_only.extend(old_order);
        } else {
            first.prerequisites.extend(rule.prerequisites);
            first.order_only.extend(rule.order_only);
        }
        if let (Some(old), Some((_, new))) = (overridden, line.recipe.first()) {
            self.complain(&format!(
                "{new}: warning: overriding recipe for target '{target}'"
            ));
            self.complain(&format!(
                "{old}: warning: ignoring old recipe for target '{target}'"
            ));
        }
        Ok(())
    }
}
