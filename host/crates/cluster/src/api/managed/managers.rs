//! Who set which fields: the entries of `metadata.managedFields`. Never decides who gets one.
//!
//! In the store an object carries them as one text, since most objects are never applied and a
//! tree of maps would weigh more than the object itself.

use super::set::Set;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many managers may have updated an object before the oldest become one.
const MAX_UPDATERS: usize = 10;
/// Whom the oldest become.
const ANCIENT: &str = "ancient-changes";

/// A manager: who, by which operation, through which part of the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    /// Whether it applies; otherwise it updates.
    pub(crate) applies: bool,
    /// What it calls itself.
    pub(crate) name: String,
    /// The version it wrote, which tells updaters apart.
    pub(crate) version: String,
    /// The part of the object it wrote, empty for the object itself.
    pub(crate) subresource: String,
}

/// A manager in a message.
impl std::fmt::Display for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Value::from(self.name.as_str()))?;
        if !self.subresource.is_empty() {
            write!(
                f,
                " with subresource {}",
                Value::from(self.subresource.as_str())
            )?;
        }
        if !self.applies {
            write!(f, " using {}", self.version)?;
        }
        Ok(())
    }
}

/// What a manager owns, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) fields: Set,
    pub(crate) version: String,
    pub(crate) time: Option<String>,
}

/// All managers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Managers(pub(super) BTreeMap<Manager, Owned>);

impl Managers {
    /// Reads the entries; `None` when one of them is none.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let mut all = Self::default();
        for entry in value.as_array()? {
            let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
            let applies = match entry["operation"].as_str()? {
                "Apply" => true,
                "Update" => false,
                _ => return None,
            };
            let manager = Manager {
                applies,
                name: text("manager"),
                version: if applies {
                    String::new()
                } else {
                    text("apiVersion")
                },
                subresource: text("subresource"),
            };
            let fields = entry
                .get("fieldsV1")
                .map_or(Some(Set::default()), Set::parse)?;
            let owned = Owned {
                fields,
                version: text("apiVersion"),
                time: entry["time"].as_str().map(str::to_owned),
            };
            all.0.insert(manager, owned);
        }
        Some(all)
    }

    /// The managers of a stored object.
    pub(super) fn of(object: &Value) -> Self {
        let text = object
            .pointer("/metadata/managedFields")
            .and_then(Value::as_str);
        let value = text.and_then(|text| serde_json::from_str(text).ok());
        value
            .and_then(|value| Self::parse(&value))
            .unwrap_or_default()
    }

    /// The entries: those who apply first, then by time and name.
    pub(super) fn to_value(&self) -> Value {
        let mut all: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        all.sort_by_key(|(manager, owned)| {
            let (updates, time) = (!manager.applies, owned.time.as_deref().unwrap_or_default());
            (
                updates,
                time,
                &manager.name,
                &owned.version,
                &manager.subresource,
            )
        });
        let entry = |(manager, owned): (&Manager, &Owned)| {
            let operation = if manager.applies { "Apply" } else { "Update" };
            let mut entry = json!({
                "manager": manager.name,
                "operation": operation,
                "apiVersion": owned.version,
            });
            if let Some(time) = &owned.time {
                entry["time"] = time.as_str().into();
            }
            entry["fieldsType"] = "FieldsV1".into();
            entry["fieldsV1"] = owned.fields.to_value();
            if !manager.subresource.is_empty() {
                entry["subresource"] = manager.subresource.as_str().into();
            }
            entry
        };
        all.into_iter().map(entry).collect()
    }

    /// Whether both say the same but for the times.
    pub(super) fn same_but_time(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().all(|(manager, owned)| {
                other
                    .0
                    .get(manager)
                    .is_some_and(|theirs| theirs.fields == owned.fields)
            })
    }

    /// The fields of anybody.
    pub(super) fn everything(&self) -> Set {
        let sets = self.0.values();
        sets.fold(Set::default(), |all, owned| all.union(&owned.fields))
    }

    /// Forgets who owns nothing.
    pub(super) fn prune(&mut self) {
        self.0.retain(|_, owned| !owned.fields.is_empty());
    }

    /// Makes one of the oldest updaters, when there are too many.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<Manager> =
            self.0.keys().filter(|one| !one.applies).cloned().collect();
        let Some(mut surplus) = updaters.len().checked_sub(MAX_UPDATERS).filter(|n| *n > 0) else {
            return;
        };
        updaters.sort_by_key(|one| (self.0[one].time.clone(), one.clone()));
        let mut first: BTreeMap<String, Manager> = BTreeMap::new();
        for updater in updaters {
            if surplus == 0 {
                return;
            }
            let Some(oldest) = first.get(&updater.version) else {
                first.insert(updater.version.clone(), updater);
                continue;
            };
            let bucket = Manager {
                name: ANCIENT.to_owned(),
                subresource: String::new(),
                ..updater.clone()
            };
            if !self.0.contains_key(&bucket)
                && let Some(owned) = self.0.remove(oldest)
            {
                self.0.insert(bucket.clone(), owned);
            }
            if let Some(owned) = self.0.remove(&updater) {
                let all = self.0.entry(bucket).or_default();
                all.fields = all.fields.union(&owned.fields);
                all.time = owned.time;
                surplus -= 1;
            }
        }
    }
}
