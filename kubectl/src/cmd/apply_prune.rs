//! `kubectl apply --prune`: what was applied once and is in the files no longer goes away.
//!
//! Never touches what was not applied, or what the selector does not name.

use serde_json::json;

use super::apply::APPLIED_POINTER;
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome};
use crate::flags::Parsed;
use crate::output::{dry_suffix, report};
use crate::select;
use crate::session::{Session, with_query};
use crate::text::json::text;

/// The kinds that are pruned unless others are named, in the stock client's order.
const KINDS: [(&str, &str); 16] = [
    ("v1", "ConfigMap"),
    ("v1", "Endpoints"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("v1", "Namespace"),
    ("v1", "PersistentVolume"),
];

/// Says what is wrong with the flags.
pub(super) fn check(parsed: &Parsed) -> Outcome {
    if !parsed.is("prune") {
        return Ok(());
    }
    if parsed.text("selector").is_empty() && !parsed.is("all") {
        return Err(Fail::message(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
        ));
    }
    if !parsed.text("selector").is_empty() && parsed.is("all") {
        return Err(Fail::message(
            "cannot set --all and --selector at the same time",
        ));
    }
    if parsed.is("server-side") {
        return Err(Fail::not_in_lab("apply --prune --server-side"));
    }
    Ok(())
}

/// `core/v1/ConfigMap` as a group's version and a kind.
fn named(kind: &str) -> Outcome<(String, String)> {
    let parts: Vec<&str> = kind.split('/').collect();
    match parts[..] {
        ["core" | "", version, kind] => Ok((version.to_owned(), kind.to_owned())),
        [group, version, kind] => Ok((format!("{group}/{version}"), kind.to_owned())),
        _ => Err(Fail::message(format!(
            "invalid GroupVersionKind format: {kind}, please follow <group/version/kind>"
        ))),
    }
}

/// The kinds that `--prune-allowlist` names.
pub(super) fn allowed(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Resource>> {
    let mut wanted = Vec::new();
    for kind in parsed.list("prune-allowlist") {
        wanted.push(named(kind)?);
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let discovery = session.discovery()?;
    let found = wanted.iter().map(|(version, kind)| {
        let resource = discovery.by_kind(version, kind).cloned();
        resource.ok_or_else(|| {
            Fail::message(format!(
                "no matches for kind \"{kind}\" in version \"{version}\""
            ))
        })
    });
    found.collect()
}

/// Those, or without any the usual ones that the server has.
fn kinds(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Resource>> {
    let named = allowed(session, parsed)?;
    if !named.is_empty() {
        return Ok(named);
    }
    let stamp = session.stamp();
    session.err(&format!(
        "W{stamp} prune.go:71] Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag.\n"
    ));
    let discovery = session.discovery()?;
    let usual = KINDS.iter();
    let found = usual.filter_map(|(version, kind)| discovery.by_kind(version, kind).cloned());
    Ok(found.collect())
}

/// Deletes what was applied to the namespaces of the files and is none of the objects that have these uids.
pub(super) fn prune(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    namespaces: &[String],
    uids: &[String],
) -> Outcome {
    let resources = kinds(session, parsed)?;
    let mut places: Vec<&String> = namespaces.iter().filter(|name| !name.is_empty()).collect();
    places.sort();
    places.dedup();
    for namespace in places {
        for resource in resources.iter().filter(|resource| resource.namespaced) {
            prune_kind(session, parsed, resource, namespace, uids)?;
        }
    }
    for resource in resources.iter().filter(|resource| !resource.namespaced) {
        prune_kind(session, parsed, resource, "", uids)?;
    }
    Ok(())
}

fn prune_kind(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    resource: &Resource,
    namespace: &str,
    uids: &[String],
) -> Outcome {
    let query = [("labelSelector", parsed.text("selector"))];
    let found = session.get(&with_query(&resource.path(namespace, ""), &query))?;
    for object in select::items(&found) {
        let uid = text(&object, "metadata.uid");
        if object.pointer(APPLIED_POINTER).is_none() || uids.iter().any(|known| known == uid) {
            continue;
        }
        let name = text(&object, "metadata.name");
        let dry_run = parsed.dry_run()?.to_owned();
        if dry_run != "client" {
            let mut options = json!({"propagationPolicy": "Background"});
            if dry_run == "server" {
                options["dryRun"] = json!(["All"]);
            }
            match session.delete(&resource.path(namespace, name), &options) {
                Err(fail) if !fail.is_not_found() => return Err(fail),
                _ => {}
            }
        }
        let shown = format!("{}/{name}", resource.kind_group());
        if parsed.text("output").is_empty() {
            session.out(&format!("{shown} pruned{}\n", dry_suffix(&dry_run)))?;
        } else {
            report(session, parsed, &object, &shown, "pruned")?;
        }
    }
    Ok(())
}
