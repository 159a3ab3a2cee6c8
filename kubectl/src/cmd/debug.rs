//! `kubectl debug`: one more container in a Pod that runs, to look around from. Never copies a Pod, never enters a node.

use serde_json::{Value, json};

use super::exec::attach_debugger;
use super::run::is_reference;
use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Array, Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::merge;
use crate::select;
use crate::session::{STRATEGIC, Session};
use crate::text::json::{at, list, text};

pub(super) const COMMAND: Command = command("debug", &[FLAGS], run);

const FLAGS: &[Flag] = &[
    flag("arguments-only", Bool, "false"),
    flag("attach", Bool, "false"),
    short('c', "container", Text, ""),
    flag("env", Array, "[]"),
    flag("image", Text, ""),
    flag("image-pull-policy", Text, ""),
    flag("profile", Text, "general"),
    short('q', "quiet", Bool, "false"),
    flag("set-image", Array, "[]"),
    short('i', "stdin", Bool, "false"),
    flag("target", Text, ""),
    short('t', "tty", Bool, "false"),
];

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    check(parsed)?;
    let names = parsed.before_dash();
    let names = if names.is_empty() {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    } else {
        &names[..1]
    };
    let (resource, name) = select::one(session, names, "pod")?;
    let namespace = session.namespace()?;
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => {}
        ("", "Node") => return Err(Fail::not_in_lab("debug of a node")),
        _ => {
            return Err(Fail::message(format!(
                "{} not supported by debug",
                quoted(&format!(
                    "{}, Kind={}",
                    super::get::group_version(&resource),
                    resource.kind
                ))
            )));
        }
    }
    let pod = select::get(session, &resource, &namespace, &name)?;
    let target = parsed.text("target");
    if !target.is_empty() && !parsed.is("quiet") {
        session.out(&format!(
            "Targeting container {}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n",
            quoted(target)
        ))?;
    }
    let debugger = match parsed.text("container") {
        "" => {
            let drawn = format!("debugger-{}", suffix(session.now_nanos()));
            if !parsed.is("quiet") {
                session.out(&format!("Defaulting debug container name to {drawn}.\n"))?;
            }
            drawn
        }
        given => given.to_owned(),
    };
    let mut after = pod.clone();
    let mut all = list(&pod, "spec.ephemeralContainers").to_vec();
    let mut joining = container(parsed, &debugger);
    let others = all.len();
    all.retain(|known| text(known, "name") != debugger);
    // The stock client applies its profile to every container of the name, so to this one twice; the
    // server refuses what that changes.
    let added = joining.pointer_mut("/securityContext/capabilities/add");
    if all.len() < others
        && let Some(added) = added.and_then(Value::as_array_mut)
    {
        added.extend(added.clone());
    }
    all.push(joining);
    after["spec"]["ephemeralContainers"] = Value::Array(all);
    let patch = merge::two_way("Pod", &pod, &after);
    let path = format!("{}/ephemeralcontainers", resource.path(&namespace, &name));
    session.patch(&path, STRATEGIC, patch.to_string().into_bytes())?;
    let attach = if parsed.given("attach") {
        parsed.is("attach")
    } else {
        parsed.is("stdin")
    };
    if attach {
        return attach_debugger(session, parsed, &namespace, &name, &debugger);
    }
    Ok(())
}

fn check(parsed: &Parsed) -> Outcome {
    let image = parsed.text("image");
    if image.is_empty() {
        return Err(Fail::message(
            "you must specify --image when not using --copy-to.",
        ));
    }
    if !is_reference(image) {
        return Err(Fail::message(format!(
            "invalid image name {}: invalid reference format",
            quoted(image)
        )));
    }
    if parsed.given("set-image") {
        return Err(Fail::message(
            "--set-image may only be used with --copy-to.",
        ));
    }
    let profile = parsed.text("profile");
    if !PROFILES.contains(&profile) {
        return Err(Fail::message(format!("unknown profile: {profile}")));
    }
    if parsed.is("tty") && !parsed.is("stdin") {
        return Err(Fail::message(
            "-i/--stdin is required for containers with -t/--tty=true",
        ));
    }
    Ok(())
}

const PROFILES: [&str; 6] = [
    "baseline",
    "general",
    "legacy",
    "netadmin",
    "restricted",
    "sysadmin",
];

/// What a profile lets the container do.
fn security(profile: &str) -> Option<Value> {
    Some(match profile {
        "general" => json!({"capabilities": {"add": ["SYS_PTRACE"]}}),
        "netadmin" => json!({"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}}),
        "sysadmin" => json!({"privileged": true}),
        "restricted" => json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        }),
        _ => return None,
    })
}

fn container(parsed: &Parsed, name: &str) -> Value {
    let mut container = json!({
        "image": parsed.text("image"),
        "name": name,
        "resources": {},
        "terminationMessagePolicy": "File",
    });
    if let Some(security) = security(parsed.text("profile")) {
        container["securityContext"] = security;
    }
    let words = parsed.after_dash();
    if !words.is_empty() {
        let field = if parsed.is("arguments-only") {
            "args"
        } else {
            "command"
        };
        container[field] = json!(words);
    }
    let pairs = parsed.list("env").iter();
    let env: Vec<Value> = pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    if !env.is_empty() {
        container["env"] = Value::Array(env);
    }
    for (flag, field) in [
        ("image-pull-policy", "imagePullPolicy"),
        ("target", "targetContainerName"),
    ] {
        if !parsed.text(flag).is_empty() {
            container[field] = json!(parsed.text(flag));
        }
    }
    for flag in ["stdin", "tty"] {
        if parsed.is(flag) {
            container[flag] = json!(true);
        }
    }
    container
}

/// Five characters of the alphabet that Kubernetes draws names from.
fn suffix(mut seed: u64) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5)
        .map(|_| {
            // The step of Knuth's MMIX generator.
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(ALPHABET[(seed >> 33) as usize % ALPHABET.len()])
        })
        .collect()
}

/// The state of a debugger in its Pod.
pub(super) fn state<'p>(pod: &'p Value, debugger: &str) -> &'p Value {
    list(pod, "status.ephemeralContainerStatuses")
        .iter()
        .find(|status| text(status, "name") == debugger)
        .map_or(&Value::Null, |status| at(status, "state"))
}
