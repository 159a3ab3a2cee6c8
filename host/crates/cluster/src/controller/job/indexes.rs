//! Completion indexes: a set of numbers as `0-2,5`, and what a pod has of its own.
//! Never counts anything else.

use super::super::meta::text;
use crate::kind::items_mut;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// A set of indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(BTreeSet<i64>);

impl Indexes {
    /// Reads `0-2,5`; what is not a number is left out, and so is what lies far beyond any Job.
    pub(super) fn parse(text: &str) -> Self {
        const MOST: i64 = 1_000_000;
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
                set.extend(first.max(0)..=last.min(MOST));
            }
        }
        Self(set)
    }

    pub(super) fn insert(&mut self, index: i64) {
        self.0.insert(index);
    }

    /// Takes an index; false when it was taken.
    pub(super) fn take(&mut self, index: i64) -> bool {
        self.0.insert(index)
    }

    pub(super) fn contains(&self, index: i64) -> bool {
        self.0.contains(&index)
    }

    pub(super) fn keep_below(&mut self, end: i64) {
        self.0.retain(|index| *index < end);
    }

    pub(super) fn len(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }

    /// How many are in the other set too.
    pub(super) fn common(&self, other: &Self) -> i64 {
        i64::try_from(self.0.intersection(&other.0).count()).unwrap_or(i64::MAX)
    }

    /// The set as `0-2,5`; two neighbours are `0,1`.
    pub(super) fn show(&self) -> String {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for index in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == *index => *last = *index,
                _ => runs.push((*index, *index)),
            }
        }
        let show = |(first, last): &(i64, i64)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        };
        runs.iter().map(show).collect::<Vec<_>>().join(",")
    }
}

/// The index a pod says it has.
pub(super) fn of(pod: &Value) -> Option<i64> {
    text(&pod["metadata"]["annotations"][INDEX]).parse().ok()
}

/// Makes a pod the one of this index: name, hostname, label, annotation and environment.
pub(super) fn give(pod: &mut Value, job: &str, index: i64) {
    pod["metadata"]["annotations"][INDEX] = index.to_string().into();
    pod["metadata"]["labels"][INDEX] = index.to_string().into();
    pod["metadata"]["generateName"] = format!("{job}-{index}-").into();
    let spec = &mut pod["spec"];
    spec["hostname"] = format!("{job}-{index}").into();
    let variable = json!({
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": format!("metadata.labels['{INDEX}']")}},
    });
    for list in ["initContainers", "containers"] {
        for container in items_mut(spec, list) {
            let known = crate::kind::look::list(container, "/env").iter();
            if known.clone().any(|one| one["name"] == variable["name"]) {
                continue;
            }
            let mut variables: Vec<Value> = known.cloned().collect();
            variables.push(variable.clone());
            container["env"] = variables.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Indexes;

    #[test]
    fn a_set_is_written_as_upstream_writes_it_and_read_back() {
        for text in ["", "0", "0,1", "0-2", "1,3-5,7,8", "10"] {
            assert_eq!(Indexes::parse(text).show(), text);
        }
    }
}
