//! A set of fields: a tree of steps, as `fieldsV1` writes it. Never looks at objects.
//!
//! The operations are those of structured-merge-diff's `fieldpath.Set`.

use super::path::Step;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(pub(super) BTreeMap<Step, Node>);

/// What a set says about one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Whether the field itself is in the set.
    pub(super) member: bool,
    /// What is in the set below it.
    pub(super) below: Set,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl Set {
    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the field at this path into the set.
    pub(crate) fn insert(&mut self, path: &[Step]) {
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut set = self;
        for step in parents {
            set = &mut set.0.entry(step.clone()).or_default().below;
        }
        set.0.entry(last.clone()).or_default().member = true;
    }

    /// Whether the field at this path is in the set.
    pub(crate) fn has(&self, step: &Step) -> bool {
        self.0.get(step).is_some_and(|node| node.member)
    }

    /// What is in the set below this step.
    pub(crate) fn below(&self, step: &Step) -> Option<&Self> {
        self.0
            .get(step)
            .map(|node| &node.below)
            .filter(|below| !below.is_empty())
    }

    /// The fields of either.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        for (step, theirs) in &other.0 {
            let ours = out.0.entry(step.clone()).or_default();
            ours.member |= theirs.member;
            ours.below = ours.below.union(&theirs.below);
        }
        out
    }

    /// The fields of both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| {
            theirs.map_or_else(Node::default, |theirs| Node {
                member: ours.member && theirs.member,
                below: ours.below.intersection(&theirs.below),
            })
        })
    }

    /// The fields of this one that are not in the other.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.combine(other, |ours, theirs| {
            theirs.map_or_else(
                || ours.clone(),
                |theirs| Node {
                    member: ours.member && !theirs.member,
                    below: ours.below.difference(&theirs.below),
                },
            )
        })
    }

    fn combine(&self, other: &Self, node: impl Fn(&Node, Option<&Node>) -> Node) -> Self {
        let nodes = self.0.iter();
        let nodes = nodes.map(|(step, ours)| (step.clone(), node(ours, other.0.get(step))));
        Self(nodes.filter(|(_, node)| !node.is_empty()).collect())
    }

    /// The same without a field and all below it.
    pub(crate) fn without(mut self, path: &[&str]) -> Self {
        let Some((first, rest)) = path.split_first() else {
            return self;
        };
        let step = Step::Field((*first).to_owned());
        if let Some(mut node) = self.0.remove(&step)
            && !rest.is_empty()
        {
            node.below = node.below.without(rest);
            if !node.is_empty() {
                self.0.insert(step, node);
            }
        }
        self
    }

    /// Every path in the set: those of a level before those below it.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.walk("", &mut all);
        all
    }

    fn walk(&self, prefix: &str, all: &mut Vec<String>) {
        let members = self.0.iter().filter(|(_, node)| node.member);
        all.extend(members.map(|(step, _)| format!("{prefix}{step}")));
        for (step, node) in &self.0 {
            node.below.walk(&format!("{prefix}{step}"), all);
        }
    }

    /// The set as `fieldsV1`.
    pub(crate) fn to_value(&self) -> Value {
        let fields = self.0.iter().map(|(step, node)| {
            let mut below = match node.below.to_value() {
                Value::Object(below) => below,
                _ => Map::new(),
            };
            if node.member && !below.is_empty() {
                below.insert(".".to_owned(), Map::new().into());
            }
            (step.written(), Value::Object(below))
        });
        Value::Object(fields.collect())
    }

    /// Reads `fieldsV1`; `None` when it is none.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (text, below) in value.as_object()? {
            let step = if text == "." {
                continue;
            } else {
                Step::parse(text)?
            };
            let node = Node {
                member: below.as_object()?.is_empty() || below.get(".").is_some(),
                below: Self::parse(below)?,
            };
            set.0.insert(step, node);
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::Set;
    use serde_json::{Value, json};

    fn set(value: &Value) -> Set {
        Set::parse(value).expect("a set")
    }

    #[test]
    fn a_set_is_written_as_it_was_read() {
        let value =
            json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:replicas": {}}});
        assert_eq!(set(&value).to_value(), value);
    }

    #[test]
    fn a_parent_leaves_without_its_children() {
        let all = set(&json!({"f:a": {".": {}, "f:b": {}}, "f:c": {}}));
        let some = set(&json!({"f:a": {}}));
        assert_eq!(
            all.difference(&some).to_value(),
            json!({"f:a": {"f:b": {}}, "f:c": {}})
        );
        assert_eq!(all.intersection(&some), some);
        assert_eq!(all.difference(&some).union(&some), all);
    }

    #[test]
    fn paths_of_a_level_come_before_those_below() {
        let all = set(&json!({"f:a": {"f:b": {}}, "f:c": {}, "f:d": {"k:{\"name\":\"x\"}": {}}}));
        assert_eq!(all.paths(), [".c", ".a.b", ".d[name=\"x\"]"]);
    }
}
