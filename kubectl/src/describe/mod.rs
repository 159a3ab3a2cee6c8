//! `kubectl describe`: one object and what belongs to it, in words.
//!
//! Text is written with tabs and laid out at the end; each kind's own words are in the files below.

mod batch;
mod kinds;
mod network;
mod node;
mod pods;
mod policy;

use std::fmt::Write as _;

use serde_json::Value;

use crate::discovery::Resource;
use crate::fail::{Fail, Outcome};
use crate::flags::Parsed;
use crate::select::{self, Selection};
use crate::session::{Session, with_query};
use crate::text::json::{bare, entries, int, list, text};
use crate::text::sort;
use crate::text::tabs::Layout;
use crate::text::time;

pub(crate) use pods::{plain_template_of, template_of};

/// `kubectl describe`.
pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.",
        ));
    }
    let mut fails = Vec::new();
    let (found, how) = found(session, parsed, &mut fails)?;
    // Of many objects the events are left out.
    let events = if parsed.given("show-events") {
        parsed.is("show-events")
    } else {
        found.len() == 1 && fails.is_empty()
    };
    let mut first = true;
    for (resource, object) in &found {
        match describe(session, resource, object, events) {
            Ok(words) => {
                let (before, after) = match (how, first) {
                    (How::Begun, _) => ("", "\n"),
                    (_, true) => ("", ""),
                    (_, false) => ("\n\n", ""),
                };
                let words = Layout::describe().format(&words);
                session.out(&format!("{before}{words}{after}"))?;
                first = false;
            }
            Err(fail) => fails.push(fail),
        }
    }
    if found.is_empty() && fails.is_empty() {
        let namespace = session.namespace()?;
        session.err(&if parsed.is("all-namespaces") {
            "No resources found\n".to_owned()
        } else {
            format!("No resources found in {namespace} namespace.\n")
        });
    }
    Fail::collect(fails)
}

/// How the objects were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Named,
    Listed,
    /// By the beginning of their names.
    Begun,
}

type Found = (Vec<(Resource, Value)>, How);

fn found(session: &mut Session<'_, '_>, parsed: &Parsed, fails: &mut Vec<Fail>) -> Outcome<Found> {
    if select::from_files(parsed) {
        let mut found = Vec::new();
        for manifest in select::manifests(session, parsed)? {
            found.push((manifest.resource.clone(), session.get(&manifest.path())?));
        }
        return Ok((found, How::Named));
    }
    let namespace = session.namespace()?;
    let mut found = Vec::new();
    match select::select(session, &parsed.args)? {
        Selection::Types(resources) => {
            let scope = if parsed.is("all-namespaces") {
                ""
            } else {
                namespace.as_str()
            };
            for resource in resources {
                let mut query = vec![("limit", "500")];
                if !parsed.text("selector").is_empty() {
                    query.push(("labelSelector", parsed.text("selector")));
                }
                let list = session.get(&with_query(&resource.path(scope, ""), &query))?;
                found.extend(
                    select::items(&list)
                        .into_iter()
                        .map(|item| (resource.clone(), item)),
                );
            }
            Ok((found, How::Listed))
        }
        Selection::Named(pairs) => {
            let mut how = How::Named;
            if parsed.args[0].contains(',') {
                return Err(Fail::message("you may only specify a single resource type"));
            }
            // Only a single word may be the beginning of names.
            let alone = parsed.args.len() == 2;
            for (resource, name) in pairs {
                match select::get(session, &resource, &namespace, &name) {
                    Ok(object) => found.push((resource, object)),
                    Err(fail) if fail.is_not_found() && alone => {
                        // A name that is not there may be the beginning of names that are.
                        let all = session.get(&with_query(
                            &resource.path(&namespace, ""),
                            &[("limit", "500")],
                        ))?;
                        let before = found.len();
                        found.extend(
                            select::items(&all)
                                .into_iter()
                                .filter(|item| text(item, "metadata.name").starts_with(&name))
                                .map(|item| (resource.clone(), item)),
                        );
                        if found.len() == before {
                            return Err(fail);
                        }
                        how = How::Begun;
                    }
                    Err(fail) => fails.push(fail),
                }
            }
            Ok((found, how))
        }
    }
}

fn describe(
    session: &mut Session<'_, '_>,
    resource: &Resource,
    object: &Value,
    events: bool,
) -> Outcome<String> {
    let events = if events {
        Some(events_of(session, resource, object)?)
    } else {
        None
    };
    let mut words = match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => pods::pod(object),
        ("", "Service") => kinds::service(session, object)?,
        ("", "Node") => node::node(session, object)?,
        ("", "Namespace") => kinds::namespace(session, object)?,
        ("", "Endpoints") => kinds::endpoints(object),
        ("", "ConfigMap") => kinds::config_map(object),
        ("", "Secret") => kinds::secret(object),
        ("apps", "Deployment") => kinds::deployment(session, object)?,
        ("apps", "ReplicaSet") => kinds::replica_set(session, object)?,
        ("", "ReplicationController") => {
            kinds::replica_set(session, &kinds::as_replica_set(object))?
        }
        ("apps", "DaemonSet") => kinds::daemon_set(session, object)?,
        ("apps", "StatefulSet") => kinds::stateful_set(session, object)?,
        ("discovery.k8s.io", "EndpointSlice") => kinds::endpoint_slice(object),
        ("", "ServiceAccount") => network::service_account(object),
        ("", "ResourceQuota") => policy::quota(object),
        ("", "LimitRange") => policy::limit_range(object),
        ("", "PersistentVolume") => policy::volume(object),
        ("", "PersistentVolumeClaim") => {
            let users = users_of(session, object)?;
            policy::claim(object, &users)
        }
        ("batch", "Job") => batch::job(object),
        ("batch", "CronJob") => batch::cron_job(object),
        ("networking.k8s.io", "Ingress") => network::ingress(session, object)?,
        ("networking.k8s.io", "IngressClass") => network::ingress_class(object),
        ("networking.k8s.io", "NetworkPolicy") => network::network_policy(object),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => policy::role(object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            policy::binding(object)
        }
        ("policy", "PodDisruptionBudget") => policy::disruption_budget(object),
        ("scheduling.k8s.io", "PriorityClass") => policy::priority_class(object),
        ("autoscaling", "HorizontalPodAutoscaler") => policy::autoscaler(object),
        ("storage.k8s.io", "StorageClass") => policy::storage_class(object),
        _ => kinds::generic(object),
    };
    if let Some(events) = events.filter(|_| !WITHOUT_EVENTS.contains(&resource.kind.as_str())) {
        let now = session.now();
        write_events(&mut words, &events, now);
    }
    Ok(words)
}

/// Kinds that have no events to speak of in kubectl's eyes.
const WITHOUT_EVENTS: [&str; 9] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "LimitRange",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
];

/// The Pods that a claim is mounted in.
fn users_of(session: &mut Session<'_, '_>, claim: &Value) -> Outcome<Vec<String>> {
    let path = format!(
        "/api/v1/namespaces/{}/pods",
        text(claim, "metadata.namespace")
    );
    let found = session.get(&path)?;
    let name = text(claim, "metadata.name");
    Ok(list(&found, "items")
        .iter()
        .filter(|pod| {
            list(pod, "spec.volumes")
                .iter()
                .any(|volume| text(volume, "persistentVolumeClaim.claimName") == name)
        })
        .map(|pod| text(pod, "metadata.name").to_owned())
        .collect())
}

fn events_of(
    session: &mut Session<'_, '_>,
    resource: &Resource,
    object: &Value,
) -> Outcome<Vec<Value>> {
    let (name, namespace, uid) = (
        text(object, "metadata.name"),
        text(object, "metadata.namespace"),
        text(object, "metadata.uid"),
    );
    let mut selectors = vec![format!(
        "involvedObject.name={name},involvedObject.namespace={namespace},involvedObject.kind={},involvedObject.uid={uid}",
        resource.kind
    )];
    let path = if namespace.is_empty() {
        "/api/v1/events".to_owned()
    } else {
        format!("/api/v1/namespaces/{namespace}/events")
    };
    if resource.kind == "Node" {
        // The kubelet names its node by name where others give the uid.
        selectors.push(format!(
            "involvedObject.name={name},involvedObject.namespace=,involvedObject.kind=Node,involvedObject.uid={name}"
        ));
    }
    let mut events = Vec::new();
    for selector in selectors {
        let found = session.get(&with_query(
            &path,
            &[("fieldSelector", &selector), ("limit", "500")],
        ))?;
        events.extend(list(&found, "items").to_vec());
    }
    sort::like_go(&mut events, |a, b| last_seen(a) < last_seen(b));
    Ok(events)
}

fn last_seen(event: &Value) -> i64 {
    time::parse_rfc3339(text(event, "lastTimestamp")).unwrap_or_default()
}

/// When an event was last seen, for sorting.
pub(crate) fn event_time(event: &Value) -> i64 {
    ["series.lastObservedTime", "lastTimestamp", "eventTime"]
        .into_iter()
        .find_map(|path| time::parse_rfc3339(text(event, path)))
        .unwrap_or_default()
}

/// `5s`, or `2s (x5 over 8s)`.
pub(crate) fn event_age(event: &Value, now: i64) -> String {
    let since = |path: &str| {
        time::parse_rfc3339(text(event, path))
            .map_or_else(|| "<unknown>".to_owned(), |then| time::human(now - then))
    };
    let first = if text(event, "eventTime").is_empty() {
        since("firstTimestamp")
    } else {
        since("eventTime")
    };
    if event["series"].is_object() {
        return format!(
            "{} (x{} over {first})",
            since("series.lastObservedTime"),
            int(event, "series.count")
        );
    }
    match int(event, "count") {
        count if count > 1 => format!("{} (x{count} over {first})", since("lastTimestamp")),
        _ => first,
    }
}

fn write_events(out: &mut String, events: &[Value], now: i64) {
    if events.is_empty() {
        let _ = writeln!(out, "Events:\t<none>");
        return;
    }
    out.push_str(
        "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n",
    );
    for event in events {
        let source = match text(event, "source.component") {
            "" => text(event, "reportingComponent"),
            component => component,
        };
        let place = match text(event, "involvedObject.fieldPath") {
            "" => String::new(),
            path => format!("{path}: "),
        };
        let _ = writeln!(
            out,
            "  {}\t{}\t{}\t{source}\t{place}{}",
            text(event, "type"),
            text(event, "reason"),
            event_age(event, now),
            text(event, "message").trim()
        );
    }
}

/// The words of several kinds: who controls an object.
fn controlled_by(out: &mut String, object: &Value) {
    if let Some(owner) = list(object, "metadata.ownerReferences")
        .iter()
        .find(|owner| owner["controller"] == true)
    {
        let _ = writeln!(
            out,
            "Controlled By:\t{}/{}",
            text(owner, "kind"),
            text(owner, "name")
        );
    }
}

/// `Title:` and `key=value` lines, or `<none>`.
fn labels(out: &mut String, indent: &str, title: &str, value: &Value) {
    let pairs: Vec<String> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", bare(value)))
        .collect();
    lines(out, indent, title, &pairs);
}

/// `Title:` and one line each under one another, or `<none>`.
fn lines(out: &mut String, indent: &str, title: &str, items: &[String]) {
    let _ = write!(out, "{indent}{title}:\t");
    if items.is_empty() {
        out.push_str("<none>\n");
        return;
    }
    for (index, item) in items.iter().enumerate() {
        let lead = if index == 0 { "" } else { "\t" };
        let _ = writeln!(out, "{lead}{item}");
    }
}

const LONGEST_ANNOTATION: usize = 140;

fn annotations(out: &mut String, indent: &str, value: &Value) {
    let _ = write!(out, "{indent}Annotations:\t");
    let shown: Vec<(&String, &Value)> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.as_str() != "kubectl.kubernetes.io/last-applied-configuration")
        .collect();
    if shown.is_empty() {
        out.push_str("<none>\n");
    }
    for (index, (key, value)) in shown.into_iter().enumerate() {
        let lead = if index == 0 { "" } else { "\t" };
        let value = bare(value);
        if key.len() + value.len() + 2 > LONGEST_ANNOTATION || value.contains('\n') {
            let _ = writeln!(out, "{lead}{key}:");
            for line in value.trim_end_matches('\n').split('\n') {
                let cut: String = line.chars().take(LONGEST_ANNOTATION - 2).collect();
                let dots = if cut.len() < line.len() { "..." } else { "" };
                let _ = writeln!(out, "\t  {cut}{dots}");
            }
        } else {
            let _ = writeln!(out, "{lead}{key}: {value}");
        }
    }
}

fn date(value: &Value) -> String {
    value
        .as_str()
        .and_then(time::parse_rfc3339)
        .map_or_else(|| "<unset>".to_owned(), time::rfc1123)
}

/// A label selector as `a=b,c in (d,e)`.
pub(crate) fn selector_text(selector: &Value) -> String {
    let mut parts: Vec<String> = entries(selector, "matchLabels")
        .into_iter()
        .map(|(key, value)| format!("{key}={}", bare(value)))
        .collect();
    for expression in list(selector, "matchExpressions") {
        let key = text(expression, "key");
        let values: Vec<&str> = list(expression, "values")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        parts.push(match text(expression, "operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

/// The pods that an object controls.
fn pods_under(session: &mut Session<'_, '_>, object: &Value) -> Outcome<Vec<Value>> {
    let selector = selector_text(&object["spec"]["selector"]);
    let path = format!(
        "/api/v1/namespaces/{}/pods",
        text(object, "metadata.namespace")
    );
    let found = session.get(&with_query(
        &path,
        &[("labelSelector", &selector), ("limit", "500")],
    ))?;
    let uid = text(object, "metadata.uid");
    Ok(list(&found, "items")
        .iter()
        .filter(|pod| {
            list(pod, "metadata.ownerReferences")
                .iter()
                .any(|owner| text(owner, "uid") == uid)
        })
        .cloned()
        .collect())
}

fn not_found(error: &Fail) -> String {
    match error {
        Fail::Status(status, _) => text(status, "message").to_owned(),
        other => other.plain(),
    }
}
