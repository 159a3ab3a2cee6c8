//! `kubectl apply`, `create -f`, `replace`: manifests to the server.

use serde_json::{Value, json};

use super::shared::{ALL, CHANGE_CAUSE, DRY, FILES, PRINT, RECORD, SELECT, VALIDATE, command};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Array, Bool};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::merge;
use crate::output::{self, Format, dry_suffix};
use crate::select::{self, Manifest};
use crate::session::{APPLY, MERGE, STRATEGIC, Session, with_query};
use crate::text::json::{compact, set, text};

pub(super) const APPLY_COMMAND: Command = Command {
    name: "apply",
    aliases: &[],
    flags: &[
        FILES,
        PRINT,
        DRY,
        VALIDATE,
        SELECT,
        ALL,
        APPLY_FLAGS,
        RECORD,
    ],
    subcommands: super::apply_last::SUBCOMMANDS,
    run,
};

pub(super) const REPLACE_COMMAND: Command = command(
    "replace",
    &[FILES, PRINT, DRY, VALIDATE, REPLACE_FLAGS],
    replace,
);

const APPLY_FLAGS: &[Flag] = &[
    flag("force", Bool, "false"),
    flag("force-conflicts", Bool, "false"),
    flag("overwrite", Bool, "true"),
    flag("prune", Bool, "false"),
    flag("prune-allowlist", Array, "[]"),
    flag("server-side", Bool, "false"),
    flag("wait", Bool, "false"),
];

const REPLACE_FLAGS: &[Flag] = &[flag("force", Bool, "false")];

pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) const APPLIED_POINTER: &str =
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// `kubectl apply`.
pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !select::from_files(parsed) {
        return Err(Fail::message("must specify one of -f and -k"));
    }
    if let [first, ..] = &parsed.args[..] {
        return Err(Fail::usage("apply", format!("Unexpected args: [{first}]")));
    }
    super::apply_prune::check(parsed)?;
    super::apply_prune::allowed(session, parsed)?;
    if !parsed.is("overwrite") {
        return Err(Fail::not_in_lab("apply --overwrite=false"));
    }
    let dry_run = parsed.dry_run()?.to_owned();
    if dry_run == "client" && parsed.is("server-side") {
        return Err(Fail::message(
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
        ));
    }
    let found = select::try_manifests(session, parsed)?;
    if found.is_empty() {
        return Err(Fail::message("no objects passed to apply"));
    }
    let mut results = Vec::new();
    let mut fails = Vec::new();
    let mut visited = Vec::new();
    for manifest in found {
        let applied = manifest.and_then(|mut manifest| {
            if parsed.is("record") {
                set(
                    &mut manifest.object,
                    &["metadata", "annotations", CHANGE_CAUSE],
                    json!(parsed.cause()),
                );
            }
            visited.push(manifest.namespace.clone());
            if parsed.is("server-side") {
                server_side(session, parsed, &manifest)
            } else {
                client_side(session, parsed, &manifest)
            }
        });
        match applied {
            Ok((shown, verb, object)) => {
                line(session, parsed, &shown, verb, &object)?;
                results.push(object);
            }
            Err(fail) => fails.push(fail),
        }
    }
    if parsed.is("prune") && fails.is_empty() {
        let uids: Vec<String> = results
            .iter()
            .map(|object| text(object, "metadata.uid").to_owned())
            .collect();
        super::apply_prune::prune(session, parsed, &visited, &uids)?;
    }
    let format = Format::of(session, parsed, false)?;
    if !matches!(format, Format::Default | Format::Name) && !results.is_empty() {
        let whole = if results.len() == 1 {
            results.remove(0)
        } else {
            output::list_of(results)
        };
        output::print(session, parsed, &format, &whole)?;
    }
    Fail::collect(fails)
}

type Applied = (String, &'static str, Value);

fn line(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    shown: &str,
    verb: &str,
    _object: &Value,
) -> Outcome {
    let suffix = dry_suffix(parsed.dry_run()?);
    match Format::of(session, parsed, false)? {
        Format::Default => session.out(&format!("{shown} {verb}{suffix}\n")),
        Format::Name => session.out(&format!("{shown}\n")),
        _ => Ok(()),
    }
}

/// The query that changing requests share.
pub(crate) fn write_query<'p>(
    parsed: &'p Parsed,
    manager: &'p str,
) -> Outcome<Vec<(&'static str, &'p str)>> {
    let mut query = vec![(
        "fieldManager",
        if parsed.given("field-manager") {
            parsed.text("field-manager")
        } else {
            manager
        },
    )];
    query.extend(validation(parsed)?.map(|level| ("fieldValidation", level)));
    if parsed.dry_run()? == "server" {
        query.push(("dryRun", "All"));
    }
    Ok(query)
}

pub(super) fn validation(parsed: &Parsed) -> Outcome<Option<&'static str>> {
    match parsed.text("validate") {
        "" | "strict" | "true" => Ok(Some("Strict")),
        "warn" => Ok(Some("Warn")),
        "ignore" | "false" => Ok(Some("Ignore")),
        other => Err(Fail::message(format!(
            "invalid - validate option {}; must be one of: strict (or true), warn, ignore (or false)",
            quoted(other)
        ))),
    }
}

/// The object with its own configuration in an annotation, as apply sends it.
pub(super) fn annotated(object: &Value) -> (Value, String) {
    let mut bare = object.clone();
    match bare["metadata"]["annotations"].as_object_mut() {
        Some(annotations) => drop(annotations.remove(LAST_APPLIED)),
        None => bare["metadata"]["annotations"] = json!({}),
    }
    let configuration = format!("{}\n", compact(&bare));
    let mut whole = bare;
    whole["metadata"]["annotations"][LAST_APPLIED] = json!(configuration);
    (whole, configuration)
}

fn client_side(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    manifest: &Manifest,
) -> Outcome<Applied> {
    let source = &manifest.source;
    let (modified, configuration) = annotated(&manifest.object);
    let generated = text(&manifest.object, "metadata.generateName");
    if manifest.name().is_empty() && !generated.is_empty() {
        return Err(Fail::message(format!(
            "from {generated}: cannot use generate name with apply"
        )));
    }
    if manifest.name().is_empty() {
        return Err(Fail::message(format!(
            "{}resource name may not be empty",
            while_retrieving(manifest)
        )));
    }
    let query = write_query(parsed, "kubectl-client-side-apply")?;
    let client = parsed.dry_run()? == "client";
    let mut current = match session.get(&manifest.path()) {
        Ok(current) => current,
        Err(fail) if fail.is_not_found() => {
            let created = if client {
                modified
            } else {
                let path = with_query(&manifest.collection(), &query);
                session
                    .post(&path, &modified)
                    .map_err(|fail| fail.when("creating", source))?
            };
            return Ok((manifest.shown(), "created", created));
        }
        Err(Fail::Status(status, _)) => {
            return Err(Fail::Status(status, while_retrieving(manifest)));
        }
        Err(fail) => return Err(fail),
    };
    if current.pointer(APPLIED_POINTER).is_none() {
        let (kind, name) = (&manifest.resource.plural, manifest.name());
        session.warn(&format!(
            "resource {kind}/{name} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically."
        ));
    }
    let mut patched = None;
    for attempt in 0..5 {
        let (patch, kind) = patch_of(manifest, &modified, &current);
        if patch.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok((manifest.shown(), "unchanged", current));
        }
        if client {
            patched = Some(current.clone());
            break;
        }
        let bytes = compact(&patch).into_bytes();
        match session.patch(&with_query(&manifest.path(), &query), kind, bytes) {
            Ok(object) => {
                patched = Some(object);
                break;
            }
            Err(Fail::Status(status, _))
                if text(&status, "reason") == "Conflict" && attempt < 4 =>
            {
                current = session.get(&manifest.path())?;
            }
            Err(fail) if parsed.is("force") && !matches!(fail, Fail::Raw(_)) => {
                patched = Some(recreate(session, manifest, &modified, &query)?);
                break;
            }
            Err(Fail::Status(status, _)) => {
                let context = format!(
                    "error when applying patch:\n{}\nto:\n{}for: {}: error when patching {}: ",
                    compact(&patch),
                    identity(manifest),
                    quoted(source),
                    quoted(source)
                );
                return Err(Fail::Status(status, context));
            }
            Err(fail) => return Err(fail),
        }
    }
    debug_assert!(
        configuration.ends_with('\n'),
        "the annotation ends in a newline"
    );
    let object =
        patched.ok_or_else(|| Fail::message("the object kept changing while it was applied"))?;
    Ok((manifest.shown(), "configured", object))
}

fn recreate(
    session: &mut Session<'_, '_>,
    manifest: &Manifest,
    modified: &Value,
    query: &[(&str, &str)],
) -> Outcome<Value> {
    let answer = session.delete(
        &manifest.path(),
        &json!({"propagationPolicy": "Background", "gracePeriodSeconds": 0}),
    )?;
    let uid = super::delete::uid_of(&answer);
    super::delete::wait_gone(session, &manifest.path(), &uid, None)?;
    session.post(&with_query(&manifest.collection(), query), modified)
}

pub(super) fn patch_of(
    manifest: &Manifest,
    modified: &Value,
    current: &Value,
) -> (Value, &'static str) {
    let original: Value = current
        .pointer(APPLIED_POINTER)
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null);
    let (mut patch, kind) = if manifest.resource.is_built_in() {
        (
            merge::three_way(&manifest.resource.kind, &original, modified, current),
            STRATEGIC,
        )
    } else {
        (merge::three_way_plain(&original, modified, current), MERGE)
    };
    // The creation time of a manifest printed by `create --dry-run` is null and means nothing.
    if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata
            .get("creationTimestamp")
            .is_some_and(Value::is_null)
        {
            metadata.remove("creationTimestamp");
        }
        if metadata.is_empty() {
            patch
                .as_object_mut()
                .expect("a patch is a map")
                .remove("metadata");
        }
    }
    (patch, kind)
}

fn identity(manifest: &Manifest) -> String {
    let resource = &manifest.resource;
    let version = super::get::group_version(resource);
    let version = version.as_str();
    format!(
        "Resource: \"{version}, Resource={}\", GroupVersionKind: \"{version}, Kind={}\"\nName: {}, Namespace: {}\n",
        resource.plural,
        resource.kind,
        quoted(manifest.name()),
        quoted(&manifest.namespace)
    )
}

fn while_retrieving(manifest: &Manifest) -> String {
    format!(
        "error when retrieving current configuration of:\n{}from server for: {}: ",
        identity(manifest),
        quoted(&manifest.source)
    )
}

fn server_side(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    manifest: &Manifest,
) -> Outcome<Applied> {
    let mut query = write_query(parsed, "kubectl")?;
    if parsed.is("force-conflicts") {
        query.push(("force", "true"));
    }
    let body = format!("{}\n", compact(&manifest.object)).into_bytes();
    match session.patch(&with_query(&manifest.path(), &query), APPLY, body) {
        Ok(object) => Ok((manifest.shown(), "serverside-applied", object)),
        Err(Fail::Status(status, context)) if text(&status, "reason") == "Conflict" => {
            let hint = "Please review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";
            let message = text(&status, "message");
            Err(Fail::message(format!("{context}{message}\n{hint}")))
        }
        Err(fail) => Err(fail),
    }
}

/// `kubectl create -f`.
pub(crate) fn create(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let dry_run = parsed.dry_run()?.to_owned();
    let query = write_query(parsed, "kubectl-create")?;
    let found = select::try_manifests(session, parsed)?;
    if found.is_empty() {
        return Err(Fail::message("no objects passed to create"));
    }
    let mut fails = Vec::new();
    for manifest in found {
        let created = manifest.and_then(|manifest| {
            let object = if parsed.is("save-config") {
                annotated(&manifest.object).0
            } else {
                manifest.object.clone()
            };
            let path = with_query(&manifest.collection(), &query);
            let object = if dry_run == "client" {
                object
            } else {
                session
                    .post(&path, &object)
                    .map_err(|fail| fail.when("creating", &manifest.source))?
            };
            let name = text(&object, "metadata.name").to_owned();
            Ok((format!("{}/{name}", manifest.resource.kind_group()), object))
        });
        match created {
            Ok((shown, object)) => output::report(session, parsed, &object, &shown, "created")?,
            Err(fail) => fails.push(fail),
        }
    }
    Fail::collect(fails)
}

/// `kubectl replace -f`.
pub(crate) fn replace(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !select::from_files(parsed) {
        return Err(Fail::message("must specify one of -f and -k"));
    }
    let query = write_query(parsed, "kubectl-replace")?;
    let found = select::try_manifests(session, parsed)?;
    if found.is_empty() {
        return Err(Fail::message("no objects passed to replace"));
    }
    let mut fails = Vec::new();
    for manifest in found {
        let replaced = manifest.and_then(|manifest| {
            let object = if parsed.is("force") {
                match session.delete(
                    &manifest.path(),
                    &json!({"propagationPolicy": "Background", "gracePeriodSeconds": 0}),
                ) {
                    Err(fail) if !fail.is_not_found() => return Err(fail),
                    Err(_) => {}
                    Ok(answer) => {
                        super::delete::report(session, parsed, &manifest)?;
                        let uid = super::delete::uid_of(&answer);
                        super::delete::wait_gone(session, &manifest.path(), &uid, None)?;
                    }
                };
                session.post(
                    &with_query(&manifest.collection(), &query),
                    &manifest.object,
                )
            } else {
                session.put(&with_query(&manifest.path(), &query), &manifest.object)
            };
            object
                .map(|object| (manifest.shown(), object))
                .map_err(|fail| fail.when("replacing", &manifest.source))
        });
        match replaced {
            Ok((shown, object)) => output::report(session, parsed, &object, &shown, "replaced")?,
            Err(fail) => fails.push(fail),
        }
    }
    Fail::collect(fails)
}
