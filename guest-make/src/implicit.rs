//! Pattern rules: which one makes a name that has no recipe of its own.
//!
//! Only asks whether files exist.

use std::path::Path;

use super::rule::Rule;
use super::{Make, pattern};

/// How long a chain of pattern rules may be.
const CHAIN: usize = 8;

impl Make {
    /// The rule with its stem filled in, and the prerequisites that nothing else mentions.
    pub(crate) fn implicit(&self, name: &str) -> Option<(Rule, Vec<String>)> {
        // First without files that would have to be made on the way.
        self.search(name, 0).or_else(|| self.search(name, CHAIN))
    }

    fn search(&self, name: &str, chain: usize) -> Option<(Rule, Vec<String>)> {
        let (dir, file) = match name.rfind('/') {
            Some(at) => name.split_at(at + 1),
            None => ("", name),
        };
        let mut found: Vec<(usize, usize, Rule, Vec<String>)> = Vec::new();
        for (index, known) in self.rules.patterns.iter().enumerate() {
            for target in &known.targets {
                // A pattern without a slash is about the name within its directory.
                let (stem, inside) = match (target.contains('/'), pattern::stem(target, file)) {
                    (false, Some(stem)) if !stem.is_empty() => (stem, dir),
                    (true, _) => match pattern::stem(target, name) {
                        Some(stem) if !stem.is_empty() => (stem, ""),
                        _ => continue,
                    },
                    _ => continue,
                };
                let fill = |names: &[String]| -> Vec<String> {
                    let fill = |name: &String| match name.contains('%') {
                        true => format!("{inside}{}", pattern::fill(name, stem)),
                        false => name.clone(),
                    };
                    names.iter().map(fill).collect()
                };
                let rule = Rule {
                    prerequisites: fill(&known.rule.prerequisites),
                    order_only: fill(&known.rule.order_only),
                    recipe: known.rule.recipe.clone(),
                    stem: format!("{inside}{stem}"),
                    place: known.rule.place.clone(),
                    together: match known.targets.len() {
                        1 => Vec::new(),
                        _ => fill(&known.targets),
                    },
                };
                // A rule for everything does not make what is made on the way.
                let anything = target == "%" && !known.terminal;
                let depth = if known.terminal || anything { 0 } else { chain };
                let mut on_the_way = Vec::new();
                let possible = rule
                    .prerequisites
                    .iter()
                    .chain(&rule.order_only)
                    .all(|name| {
                        let there = self.there(name);
                        if !there && depth > 0 && self.search(name, depth - 1).is_some() {
                            on_the_way.push(name.clone());
                            return true;
                        }
                        there
                    });
                if possible {
                    found.push((stem.len(), index, rule, on_the_way));
                }
            }
        }
        // The shortest stem is the closest fit; of equals, the first.
        found.sort_by_key(|(length, index, ..)| (*length, *index));
        let (_, _, rule, on_the_way) = found.into_iter().next()?;
        Some((rule, on_the_way))
    }

    /// Whether a file exists or a rule names it.
    fn there(&self, name: &str) -> bool {
        self.rules.mentioned.contains(name) || Path::new(name).exists()
    }
}
