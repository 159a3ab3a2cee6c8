//! `kubectl drain`: a node marked unschedulable and its Pods evicted.
//!
//! One Pod after the other is evicted and then waited for; what may go is decided here, as the stock client does.

use serde_json::{Value, json};

use super::node::{mark, nodes};
use super::shared::{DRY, SELECT, command};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Duration, Int, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::output::dry_suffix;
use crate::select;
use crate::session::{Session, with_query};
use crate::text::json::{list, text};
use crate::text::time;

pub(super) const COMMAND: Command = command("drain", &[DRY, SELECT, FLAGS], run);

const FLAGS: &[Flag] = &[
    flag("delete-emptydir-data", Bool, "false"),
    flag("disable-eviction", Bool, "false"),
    flag("force", Bool, "false"),
    flag("grace-period", Int, "-1"),
    flag("ignore-daemonsets", Bool, "false"),
    flag("pod-selector", Text, ""),
    flag("skip-wait-for-delete-timeout", Int, "0"),
    flag("timeout", Duration, "0s"),
];

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let nodes = nodes(session, parsed)?;
    for node in &nodes {
        mark(session, parsed, node, true)?;
    }
    let mut failed: Vec<(String, Vec<String>)> = Vec::new();
    for node in &nodes {
        match drain(session, parsed, &node.name)? {
            fails if fails.is_empty() => {
                let suffix = dry_suffix(parsed.dry_run()?);
                session.out(&format!("{} drained{suffix}\n", node.shown()))?;
            }
            fails => {
                let all = match &fails[..] {
                    [one] => one.clone(),
                    several => format!("[{}]", several.join(", ")),
                };
                session.err(&format!(
                    "error: unable to drain node {} due to error: {all}, continuing command...\n",
                    quoted(&node.name)
                ));
                failed.push((node.name.clone(), fails));
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    session.err("There are pending nodes to be drained:\n");
    for (node, _) in &failed {
        session.err(&format!(" {node}\n"));
    }
    let lines: Vec<String> = failed.into_iter().flat_map(|(_, fails)| fails).collect();
    Err(Fail::Raw(lines.join("\n")))
}

/// Empties one node; what went wrong.
fn drain(session: &mut Session<'_, '_>, parsed: &Parsed, node: &str) -> Outcome<Vec<String>> {
    let fields = format!("spec.nodeName={node}");
    let mut query = vec![("fieldSelector", fields.as_str()), ("limit", "500")];
    if parsed.given("pod-selector") {
        query.push(("labelSelector", parsed.text("pod-selector")));
    }
    let found = session.get(&with_query("/api/v1/pods", &query))?;
    let pods = select::items(&found);
    let sorted = Sorted::of(session, parsed, &pods);
    if !sorted.kept.is_empty() {
        let kept = sorted.kept.iter();
        return Ok(kept
            .map(|(why, names)| format!("cannot delete {why}: {}", names.join(", ")))
            .collect());
    }
    if !sorted.warned.is_empty() {
        let warned: Vec<String> = sorted
            .warned
            .iter()
            .map(|(why, names)| format!("{why}: {}", names.join(", ")))
            .collect();
        session.warn(&warned.join("; "));
    }
    evict_all(session, parsed, &sorted.going)
}

type Reasons = Vec<(&'static str, Vec<String>)>;

/// The Pods of a node by what becomes of them.
#[derive(Default)]
struct Sorted<'p> {
    going: Vec<&'p Value>,
    kept: Reasons,
    warned: Reasons,
}

impl<'p> Sorted<'p> {
    fn of(session: &Session<'_, '_>, parsed: &Parsed, pods: &'p [Value]) -> Self {
        let mut sorted = Self::default();
        for pod in pods {
            sorted.place(session, parsed, pod);
        }
        sorted
    }

    fn place(&mut self, session: &Session<'_, '_>, parsed: &Parsed, pod: &'p Value) {
        let name = shown(pod);
        let finished = matches!(text(pod, "status.phase"), "Succeeded" | "Failed");
        let owner = list(pod, "metadata.ownerReferences")
            .iter()
            .find(|owner| owner["controller"] == true)
            .map(|owner| text(owner, "kind"));
        let annotations = &pod["metadata"]["annotations"];
        if annotations.get("kubernetes.io/config.mirror").is_some() || leaving(session, parsed, pod)
        {
            return;
        }
        if owner == Some("DaemonSet") && !finished {
            if parsed.is("ignore-daemonsets") {
                add(&mut self.warned, "ignoring DaemonSet-managed Pods", name);
            } else {
                let why = "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)";
                add(&mut self.kept, why, name);
            }
            return;
        }
        let local = list(pod, "spec.volumes")
            .iter()
            .any(|volume| volume.get("emptyDir").is_some());
        let mut stays = false;
        for (is, allowed, no, yes) in [
            (
                local,
                "delete-emptydir-data",
                "Pods with local storage (use --delete-emptydir-data to override)",
                None,
            ),
            (
                owner.is_none(),
                "force",
                "Pods that declare no controller (use --force to override)",
                Some("deleting Pods that declare no controller"),
            ),
        ] {
            if !is || finished || stays {
                continue;
            }
            if parsed.is(allowed) {
                // The stock client forgets what it would say of local storage.
                if let Some(yes) = yes {
                    add(&mut self.warned, yes, name.clone());
                }
            } else {
                add(&mut self.kept, no, name.clone());
                stays = true;
            }
        }
        if !stays {
            self.going.push(pod);
        }
    }
}

fn add(reasons: &mut Reasons, why: &'static str, name: String) {
    match reasons.iter_mut().find(|(known, _)| *known == why) {
        Some((_, names)) => names.push(name),
        None => reasons.push((why, vec![name])),
    }
}

/// Whether a Pod is being deleted for so long that it is not waited for.
fn leaving(session: &Session<'_, '_>, parsed: &Parsed, pod: &Value) -> bool {
    let patience = parsed.int("skip-wait-for-delete-timeout");
    let since = time::parse_rfc3339(text(pod, "metadata.deletionTimestamp"));
    patience > 0 && since.is_some_and(|since| session.now() - since > patience)
}

fn shown(pod: &Value) -> String {
    format!(
        "{}/{}",
        text(pod, "metadata.namespace"),
        text(pod, "metadata.name")
    )
}

fn path(pod: &Value) -> String {
    let (namespace, name) = (text(pod, "metadata.namespace"), text(pod, "metadata.name"));
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

fn evict_all(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    pods: &[&Value],
) -> Outcome<Vec<String>> {
    let dry_run = parsed.dry_run()?.to_owned();
    let suffix = dry_suffix(&dry_run);
    let timeout = parsed.duration("timeout");
    let deadline = (timeout > 0).then(|| session.now_nanos() + timeout.unsigned_abs());
    let evicts = !parsed.is("disable-eviction");
    let (doing, done) = if evicts {
        ("evicting", "evicted")
    } else {
        ("deleting", "deleted")
    };
    let mut fails = Vec::new();
    let mut waiting = Vec::new();
    for pod in pods {
        session.out(&format!("{doing} pod {}{suffix}\n", shown(pod)))?;
        if dry_run == "client" {
            continue;
        }
        match evict(session, parsed, pod, evicts, deadline) {
            Ok(()) => waiting.push(*pod),
            Err(fail) => fails.push(format!(
                "error when {doing} pods/{} -n {}: {}",
                quoted(text(pod, "metadata.name")),
                quoted(text(pod, "metadata.namespace")),
                fail.plain()
            )),
        }
    }
    for pod in waiting.iter().filter(|_| dry_run == "none") {
        let name = text(pod, "metadata.name");
        match super::delete::wait_gone(session, &path(pod), text(pod, "metadata.uid"), deadline) {
            Ok(()) => session.out(&format!("pod/{name} {done}\n"))?,
            Err(fail) => {
                let why = fail.plain();
                let late = why.starts_with("timed out");
                let why = if late {
                    "context deadline exceeded"
                } else {
                    &why
                };
                fails.push(format!(
                    "error when waiting for pod {} in namespace {} to terminate: {why}",
                    quoted(name),
                    quoted(text(pod, "metadata.namespace"))
                ));
            }
        }
    }
    Ok(fails)
}

/// Asks for an eviction until no disruption budget is against it.
fn evict(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    pod: &Value,
    evicts: bool,
    deadline: Option<u64>,
) -> Outcome {
    let mut options = json!({});
    if parsed.int("grace-period") >= 0 {
        options["gracePeriodSeconds"] = json!(parsed.int("grace-period"));
    }
    let server = parsed.dry_run()? == "server";
    if server {
        options["dryRun"] = json!(["All"]);
    }
    let query: &[(&str, &str)] = if server { &[("dryRun", "All")] } else { &[] };
    let (namespace, name) = (text(pod, "metadata.namespace"), text(pod, "metadata.name"));
    let body = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": options,
    });
    loop {
        let asked = if evicts {
            session.post(
                &with_query(&format!("{}/eviction", path(pod)), query),
                &body,
            )
        } else {
            session.delete(&path(pod), &options)
        };
        match asked {
            Ok(_) => return Ok(()),
            Err(fail) if fail.is_not_found() => return Ok(()),
            Err(Fail::Status(status, _)) if text(&status, "reason") == "TooManyRequests" => {
                if deadline.is_some_and(|deadline| session.now_nanos() >= deadline) {
                    return Err(Fail::message("global timeout reached"));
                }
                session.err(&format!(
                    "error when evicting pods/{} -n {} (will retry after 5s): {}\n",
                    quoted(name),
                    quoted(namespace),
                    text(&status, "message")
                ));
                (session.io.sleep)(std::time::Duration::from_secs(5));
            }
            Err(fail) => return Err(fail),
        }
    }
}
