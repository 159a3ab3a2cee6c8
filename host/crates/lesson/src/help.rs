//! When a learner is helped: which hints are offered, when the solution is shown, what hints cost.
//! Never counts failures: whoever keeps the learner's attempts does.

use crate::lab::{Hint, Solution, Task};

impl Task {
    /// The hints that are offered after so many failed attempts, `failing` being the checks that
    /// the last one failed. A hint without a rule is always offered.
    #[must_use]
    pub fn hints_at(&self, failures: u32, failing: &[&str]) -> Vec<&Hint> {
        let hints = self.hints.iter();
        hints
            .filter(|hint| hint.is_offered(failures, failing))
            .collect()
    }

    /// The share of a task's points that is left when these of its hints, by number, were read.
    #[must_use]
    pub fn left_after(&self, read: &[usize]) -> f64 {
        let costs = self.hints.iter().enumerate();
        let costs = costs.filter(|(n, _)| read.contains(n));
        let cost = costs
            .filter_map(|(_, hint)| hint.cost)
            .fold(0.0, |sum, cost| sum + cost);
        (1.0 - cost).max(0.0)
    }
}

impl Hint {
    /// Whether it is offered.
    #[must_use]
    pub fn is_offered(&self, failures: u32, failing: &[&str]) -> bool {
        let about = |check: &String| failing.contains(&check.as_str());
        self.after_failures.is_none_or(|least| failures >= least)
            && (self.failing.is_empty() || self.failing.iter().any(about))
    }
}

impl Solution {
    /// Whether it may be shown after so many failed attempts; on request when practising, unless
    /// it never is.
    #[must_use]
    pub fn is_revealed(&self, failures: u32, practising: bool) -> bool {
        !self.reveal_never
            && (practising || self.reveal_after.is_some_and(|least| failures >= least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(after: Option<u32>, failing: &[&str], cost: Option<f64>) -> Hint {
        Hint {
            text: crate::Text::default(),
            after_failures: after,
            failing: failing.iter().map(ToString::to_string).collect(),
            cost,
        }
    }

    #[test]
    fn hints_are_offered_by_their_rules_and_cost_what_they_say() {
        let task = Task {
            hints: vec![
                hint(None, &[], None),
                hint(Some(1), &["port"], Some(0.1)),
                hint(Some(3), &[], Some(0.95)),
            ],
            ..Task::default()
        };
        let offered = |failures, failing: &[&str]| task.hints_at(failures, failing).len();
        assert_eq!(offered(0, &["port"]), 1);
        assert_eq!(offered(1, &["applies"]), 1);
        assert_eq!(offered(1, &["applies", "port"]), 2);
        assert_eq!(offered(3, &["port"]), 3);
        let left = |read: &[usize]| task.left_after(read);
        assert!((left(&[0]) - 1.0).abs() < 1e-9 && (left(&[1]) - 0.9).abs() < 1e-9);
        assert!(left(&[1, 2]).abs() < 1e-9, "never less than nothing");
    }

    #[test]
    fn a_solution_is_shown_on_request_or_after_failures_or_never() {
        let mut solution = Solution::default();
        assert!(solution.is_revealed(0, true) && !solution.is_revealed(9, false));
        solution.reveal_after = Some(3);
        assert!(!solution.is_revealed(2, false) && solution.is_revealed(3, false));
        solution.reveal_never = true;
        assert!(!solution.is_revealed(3, true));
    }
}
