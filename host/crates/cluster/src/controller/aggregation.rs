//! ClusterRoles that gather the rules of others: upstream's `clusterrole-aggregation-controller`.
//! Never decides what a rule allows.

use super::{Context, Controller, Index, Write};
use crate::api::selector::selects;
use crate::kind::look::list;
use crate::store::{Event, Key, Store, name_of};
use serde_json::Value;

const ROLES: &str = "clusterroles.rbac.authorization.k8s.io";

/// The controller of aggregated ClusterRoles.
#[derive(Debug)]
pub struct Aggregation;

impl Controller for Aggregation {
    fn name(&self) -> &'static str {
        "clusterrole-aggregation-controller"
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        if event.kind != ROLES {
            return Vec::new();
        }
        let gathering = store.list(ROLES, None).filter(|role| gathers(role));
        gathering.map(|role| Key::of(ROLES, role)).collect()
    }

    fn reconcile(&self, store: &Store, key: &Key, _: &Context<'_>) -> Vec<Write> {
        let Some(role) = store.get_key(key).filter(|role| gathers(role)) else {
            return Vec::new();
        };
        let rules = gathered(store, role);
        if list(role, "/rules") == rules {
            return Vec::new();
        }
        let mut value = (**role).clone();
        value["rules"] = rules.into();
        vec![Write::Update { kind: ROLES, value }]
    }
}

fn gathers(role: &Value) -> bool {
    role["aggregationRule"].is_object()
}

/// The rules of all that are selected, selector by selector, each in the order of names, none twice.
fn gathered(store: &Store, role: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for selector in list(role, "/aggregationRule/clusterRoleSelectors") {
        for other in store.list(ROLES, None) {
            if name_of(other) == name_of(role) || !selects(selector, &other["metadata"]["labels"]) {
                continue;
            }
            for rule in list(other, "/rules") {
                if !all.contains(rule) {
                    all.push(rule.clone());
                }
            }
        }
    }
    all
}
