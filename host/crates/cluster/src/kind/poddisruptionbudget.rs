//! PodDisruptionBudgets: how many pods may be missing on purpose. Never evicts one.

use super::look::{int, text};
use super::workload::{amount, show};
use super::workload_columns::POD_DISRUPTION_BUDGETS;
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, set_default};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct PodDisruptionBudgets;

impl Kind for PodDisruptionBudgets {
    fn names(&self) -> &'static Names {
        &Names {
            key: "poddisruptionbudgets.policy",
            plural: "poddisruptionbudgets",
            singular: "poddisruptionbudget",
            short: &["pdb"],
            kind: "PodDisruptionBudget",
            group: "policy",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::policy::v1::PodDisruptionBudget>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        POD_DISRUPTION_BUDGETS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            show(&object["spec"]["minAvailable"], "N/A").into(),
            show(&object["spec"]["maxUnavailable"], "N/A").into(),
            int(object, "/status/disruptionsAllowed")
                .unwrap_or(0)
                .into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        set_default(object, "status", json!({}));
        for field in [
            "currentHealthy",
            "desiredHealthy",
            "disruptionsAllowed",
            "expectedPods",
        ] {
            set_default(&mut object["status"], field, 0);
        }
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        let [least, most] = [&spec["minAvailable"], &spec["maxUnavailable"]];
        if !least.is_null() && !most.is_null() {
            let detail = "minAvailable and maxUnavailable cannot be both set";
            let printed = format!(
                "{{\"MinAvailable\":{least},\"Selector\":{},\"MaxUnavailable\":{most},\"UnhealthyPodEvictionPolicy\":{}}}",
                spec["selector"], spec["unhealthyPodEvictionPolicy"]
            );
            found.invalid_printed("spec", &printed, detail);
        }
        amount(least, "spec.minAvailable", found);
        amount(most, "spec.maxUnavailable", found);
        let policies = ["AlwaysAllow", "IfHealthyBudget"];
        let field = "spec.unhealthyPodEvictionPolicy";
        found.one_of(field, &spec["unhealthyPodEvictionPolicy"], &policies);
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &["spec", "status"],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}
