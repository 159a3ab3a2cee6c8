//! The environment variables that a Pod has for Services: made when its containers start, and
//! never again.

use super::super::look::{is_leaving, items, name, namespace, pod_word, text};
use super::{Walk, Way, seen};
use crate::why::Finding;
use cluster::{Object, Op};
use serde_json::Value;

impl Walk<'_> {
    /// The variables of every Service of the Pod's namespace.
    pub(super) fn own_variables(&mut self, pod: &Object) -> Way {
        let services: Vec<Object> = self
            .store
            .list("services", Some(namespace(pod)))
            .cloned()
            .collect();
        for service in services {
            self.variables(pod, &service)?;
        }
        Ok(())
    }

    /// What a Pod's environment says of a Service, if that is not what is true now.
    pub(super) fn variables(&mut self, pod: &Object, service: &Object) -> Way {
        let address = text(&service["spec"]["clusterIP"]);
        let linked = pod["spec"]["enableServiceLinks"] != false
            && namespace(pod) == namespace(service)
            && !matches!(address, "" | "None")
            && name(service) != "kubernetes";
        let Some(started) = started(pod).filter(|_| linked && !is_leaving(pod)) else {
            return Ok(());
        };
        let created = text(&service["metadata"]["creationTimestamp"]);
        if started >= created {
            return Ok(());
        }
        let variable = format!(
            "{}_SERVICE_HOST",
            name(service).to_ascii_uppercase().replace('-', "_")
        );
        let fields = vec![
            seen(
                pod_word(pod),
                "status.containerStatuses[].state.running.startedAt",
                started,
            ),
            seen(
                format!("service/{}", name(service)),
                "metadata.creationTimestamp",
                created,
            ),
        ];
        let command = self.restart(pod);
        let (pod_is, service_is) = (pod_word(pod), name(service).to_owned());
        if let Some(value) = self
            .address_at(service, started)
            .filter(|value| value != address)
        {
            let finding = Finding::VariablesStale {
                pod: pod_is,
                variable,
                value,
                service: service_is,
                address: address.to_owned(),
                command,
            };
            return self.say(finding, fields);
        }
        let finding = if mentions(pod, &variable) {
            Finding::VariablesMissing {
                pod: pod_is,
                variable,
                service: service_is,
                command,
            }
        } else {
            Finding::OlderThanService {
                pod: pod_is,
                service: service_is,
                variable,
            }
        };
        self.say(finding, fields)
    }

    /// The clusterIP that a Service of this name had when the Pod's containers started: that of the
    /// last one which was deleted after they did.
    fn address_at(&self, service: &Object, started: &str) -> Option<String> {
        let earlier = self.events(|event| {
            event.kind == "services"
                && event.op == Op::Deleted
                && name(&event.object) == name(service)
                && namespace(&event.object) == namespace(service)
                && text(&event.object["metadata"]["creationTimestamp"]) <= started
        })?;
        let address = text(&earlier["spec"]["clusterIP"]);
        (!matches!(address, "" | "None")).then(|| address.to_owned())
    }
}

/// When the Pod's first container that runs was started, as the API writes times.
fn started(pod: &Value) -> Option<&str> {
    let statuses = items(&pod["status"]["containerStatuses"]).iter();
    let times = statuses.filter_map(|status| status["state"]["running"]["startedAt"].as_str());
    times.min()
}

/// Whether a Pod's own text uses a variable.
fn mentions(pod: &Value, variable: &str) -> bool {
    let prefix = variable.trim_end_matches("HOST");
    let containers = items(&pod["spec"]["containers"]).iter();
    containers.into_iter().any(|container| {
        let words = ["command", "args"]
            .iter()
            .flat_map(|list| items(&container[*list]));
        let values = items(&container["env"]).iter().map(|one| &one["value"]);
        words.chain(values).any(|word| text(word).contains(prefix))
    })
}
