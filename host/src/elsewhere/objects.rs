//! A lesson's standing questions, asked again and again. Never tells the same answer twice.

use super::kubectl::Kubectl;
use lesson::{Query, QueryId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an open question is asked again.
const AGAIN: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Questions {
    open: BTreeMap<QueryId, Open>,
}

struct Open {
    what: Query,
    told: Option<Vec<Value>>,
    due: Instant,
    /// Whether somebody is asking at this moment.
    asking: bool,
}

impl Questions {
    pub(super) fn open(&mut self, query: QueryId, what: Query) {
        let open = Open {
            what,
            told: None,
            due: Instant::now(),
            asking: false,
        };
        self.open.insert(query, open);
    }

    pub(super) fn close(&mut self, query: QueryId) {
        self.open.remove(&query);
    }

    /// The questions to be asked now; each is out until [`Self::answered`].
    pub(super) fn due(&mut self, now: Instant) -> Vec<(QueryId, Query)> {
        let due = self.open.iter_mut();
        due.filter(|(_, open)| !open.asking && open.due <= now)
            .map(|(query, open)| {
                open.asking = true;
                (*query, open.what.clone())
            })
            .collect()
    }

    /// When the next question is due.
    pub(super) fn poll_at(&self) -> Option<Instant> {
        let waiting = self.open.values().filter(|open| !open.asking);
        waiting.map(|open| open.due).min()
    }

    /// An answer came; the objects if they are news.
    pub(super) fn answered(
        &mut self,
        query: QueryId,
        answer: Result<Vec<Value>, String>,
    ) -> Option<Vec<Arc<Value>>> {
        let open = self.open.get_mut(&query)?;
        open.asking = false;
        open.due = Instant::now() + AGAIN;
        // A kind that is not there has no objects; a server that does not answer is asked again.
        let items = match answer {
            Ok(items) => items,
            Err(cause) if cause.contains("doesn't have a resource type") => Vec::new(),
            Err(_) => return None,
        };
        if open.told.as_ref() == Some(&items) {
            return None;
        }
        open.told = Some(items.clone());
        Some(items.into_iter().map(Arc::new).collect())
    }
}

/// Asks one question.
pub(super) fn ask(kubectl: &Kubectl, what: &Query) -> Result<Vec<Value>, String> {
    match what {
        Query::Objects {
            kind,
            namespace,
            name,
            selector,
        } => kubectl.objects(kind, namespace, name.as_deref(), selector.as_deref()),
        Query::Packets { .. } => Err("only the lab sees packets".to_owned()),
    }
}

/// What decides whether a cluster is at rest: `None` while something is between two states.
pub(super) fn rest(kubectl: &Kubectl) -> Option<Vec<String>> {
    let namespace = &kubectl.namespace;
    let mut seen = Vec::new();
    for deployment in kubectl.objects("deployments", namespace, None, None).ok()? {
        let generation = deployment.pointer("/metadata/generation");
        if generation != deployment.pointer("/status/observedGeneration") {
            return None;
        }
    }
    for pod in kubectl.objects("pods", namespace, None, None).ok()? {
        if is_moving(&pod) {
            return None;
        }
        let of = |pointer: &str| pod.pointer(pointer).map(Value::to_string);
        seen.push(format!(
            "{:?} {:?} {:?}",
            of("/metadata/name"),
            of("/status/phase"),
            of("/status/containerStatuses")
        ));
    }
    Some(seen)
}

/// Whether a Pod is being started or taken away.
fn is_moving(pod: &Value) -> bool {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return true;
    }
    let judged = pod
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .is_some_and(|conditions| !conditions.is_empty());
    let reasons = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let starting = reasons
        .iter()
        .filter_map(|pointer| pod.pointer(pointer)?.as_array())
        .flatten()
        .filter_map(|status| status.pointer("/state/waiting/reason")?.as_str())
        .any(|reason| matches!(reason, "ContainerCreating" | "PodInitializing"));
    !judged || starting
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_told_once_until_it_changes() {
        let mut questions = Questions::default();
        let query = QueryId(1);
        let what = Query::Objects {
            kind: "pods".to_owned(),
            namespace: "default".to_owned(),
            name: None,
            selector: None,
        };
        questions.open(query, what);
        assert_eq!(questions.due(Instant::now()).len(), 1);
        assert!(questions.due(Instant::now()).is_empty(), "it is out");
        assert!(questions.answered(query, Ok(Vec::new())).is_some());
        assert!(questions.answered(query, Ok(Vec::new())).is_none());
        assert!(
            questions
                .answered(query, Err("refused".to_owned()))
                .is_none()
        );
        assert!(questions.answered(query, Ok(vec![json!({})])).is_some());
        questions.close(query);
        assert!(questions.answered(query, Ok(Vec::new())).is_none());
    }

    #[test]
    fn a_pod_that_starts_or_goes_is_moving_and_one_that_cannot_start_is_not() {
        let waiting = |reason: &str| {
            json!({
                "spec": {"nodeName": "a"},
                "status": {
                    "conditions": [{"type": "PodScheduled"}],
                    "containerStatuses": [{"state": {"waiting": {"reason": reason}}}],
                },
            })
        };
        assert!(is_moving(&waiting("ContainerCreating")));
        assert!(!is_moving(&waiting("ImagePullBackOff")));
        assert!(is_moving(&json!({"metadata": {"deletionTimestamp": "x"}})));
        assert!(is_moving(&json!({"spec": {}, "status": {}})));
        let unschedulable = json!({"status": {"conditions": [{"reason": "Unschedulable"}]}});
        assert!(!is_moving(&unschedulable));
    }
}
