//! `kubectl run`: one Pod, and perhaps a Service for it.

use serde_json::{Map, Value, json};

use super::create::required;
use super::expose::parse_pairs;
use super::shared::{DRY, PRINT, STREAMS};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Array, Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::patching;
use crate::session::{Session, with_query};
use crate::text::json::entries;

pub(super) const COMMAND: Command = Command {
    name: "run",
    aliases: &[],
    flags: &[PRINT, DRY, STREAMS, FLAGS],
    subcommands: &[],
    run,
};

const FLAGS: &[Flag] = &[
    flag("annotations", Array, "[]"),
    flag("attach", Bool, "false"),
    flag("command", Bool, "false"),
    flag("env", Array, "[]"),
    flag("expose", Bool, "false"),
    flag("image", Text, ""),
    flag("image-pull-policy", Text, ""),
    short('l', "labels", Text, ""),
    flag("override-type", Text, "merge"),
    flag("overrides", Text, ""),
    flag("port", Text, ""),
    flag("privileged", Bool, "false"),
    flag("restart", Text, "Always"),
    flag("rm", Bool, "false"),
];

/// `kubectl run`.
pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let before = parsed.args.len().min(parsed.dash.unwrap_or(usize::MAX));
    required(parsed, "image")?;
    if before == 0 {
        return Err(Fail::usage("run", "NAME is required for run"));
    }
    check(parsed)?;
    let dry_run = parsed.dry_run()?.to_owned();
    let attach = if parsed.given("attach") {
        parsed.is("attach")
    } else {
        parsed.is("stdin") || parsed.is("tty")
    };
    if parsed.is("rm") && !attach {
        return Err(Fail::usage(
            "run",
            "--rm should only be used for attached containers",
        ));
    }
    if attach && dry_run != "none" {
        return Err(Fail::usage(
            "run",
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    if !["Always", "OnFailure", "Never"].contains(&parsed.text("restart")) {
        return Err(Fail::usage(
            "run",
            format!("invalid restart policy: {}", parsed.text("restart")),
        ));
    }
    let pod = overridden(parsed, pod(parsed, attach))?;
    session.typed = true;
    let namespace = session.namespace()?;
    let name = parsed.args[0].clone();
    if parsed.is("expose") {
        if parsed.text("port").is_empty() {
            return Err(Fail::usage(
                "run",
                "--port must be set when exposing a service",
            ));
        }
        make_service(session, parsed, &pod, &namespace)?;
    }
    let mut query = vec![("fieldManager", "kubectl-run")];
    if dry_run == "server" {
        query.push(("dryRun", "All"));
    }
    let created = if dry_run == "client" {
        pod
    } else {
        session.post(
            &with_query(&format!("/api/v1/namespaces/{namespace}/pods"), &query),
            &pod,
        )?
    };
    if !attach {
        return output::report(session, parsed, &created, &format!("pod/{name}"), "created");
    }
    let ended = super::exec::attach_new(session, parsed, &namespace, &name);
    if parsed.is("rm") {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        session.delete(&path, &json!({"propagationPolicy": "Background"}))?;
        if !parsed.is("quiet") {
            session.out(&format!(
                "pod {} deleted from {namespace} namespace\n",
                quoted(&name)
            ))?;
        }
    }
    ended
}

/// Complains of flags that say nothing.
fn check(parsed: &Parsed) -> Outcome {
    let image = parsed.text("image");
    if !is_reference(image) {
        return Err(Fail::message(format!(
            "Invalid image name {}: invalid reference format",
            quoted(image)
        )));
    }
    let policy = parsed.text("image-pull-policy");
    if !["", "Always", "IfNotPresent", "Never"].contains(&policy) {
        return Err(Fail::usage(
            "run",
            format!("invalid image pull policy: {policy}"),
        ));
    }
    for (flag, words) in [
        ("annotations", "invalid annotations format"),
        ("env", "invalid env"),
    ] {
        if let Some(wrong) = parsed.list(flag).iter().find(|pair| !pair.contains('=')) {
            return Err(Fail::message(format!("{words}: {wrong}")));
        }
    }
    let labels = parsed
        .text("labels")
        .split(',')
        .filter(|pair| !pair.is_empty());
    if let Some(wrong) = labels.into_iter().find(|pair| !pair.contains('=')) {
        return Err(Fail::message(format!("unexpected label spec: {wrong}")));
    }
    let port = parsed.text("port");
    if !port.is_empty() && port.parse::<i64>().is_err() {
        return Err(Fail::message(format!(
            "strconv.Atoi: parsing {}: invalid syntax",
            quoted(port)
        )));
    }
    Ok(())
}

/// The object with what `--overrides` says.
pub(super) fn overridden(parsed: &Parsed, object: Value) -> Outcome<Value> {
    let overrides = parsed.text("overrides");
    if overrides.is_empty() {
        return Ok(object);
    }
    let patch: Value =
        serde_json::from_str(overrides).map_err(|_| Fail::message("Invalid JSON Patch"))?;
    match parsed.text("override-type") {
        "json" => patching::json_patch(&object, &patch).map_err(Fail::message),
        "strategic" => Ok(patching::strategic(&object, &patch)),
        "merge" => Ok(patching::json_merge(&object, &patch)),
        other => Err(Fail::message(format!("invalid merge type: {other:?}"))),
    }
}

fn pod(parsed: &Parsed, attach: bool) -> Value {
    let name = &parsed.args[0];
    let words = &parsed.args[1..];
    let mut container = json!({"image": parsed.text("image"), "name": name, "resources": {}});
    if !words.is_empty() {
        container[if parsed.is("command") {
            "command"
        } else {
            "args"
        }] = json!(words);
    }
    let env: Vec<Value> = parsed
        .list("env")
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| json!({"name": key, "value": value}))
        .collect();
    if !env.is_empty() {
        container["env"] = Value::Array(env);
    }
    if let Ok(port) = parsed.text("port").parse::<u16>() {
        container["ports"] = json!([{"containerPort": port}]);
    }
    if parsed.given("image-pull-policy") {
        container["imagePullPolicy"] = json!(parsed.text("image-pull-policy"));
    }
    if parsed.is("stdin") {
        container["stdin"] = json!(true);
        if attach {
            container["stdinOnce"] = json!(true);
        }
    }
    if parsed.is("tty") {
        container["tty"] = json!(true);
    }
    if parsed.is("privileged") {
        container["securityContext"] = json!({"privileged": true});
    }
    let labels = if parsed.given("labels") {
        parse_pairs(parsed.text("labels"))
    } else {
        json!({"run": name})
    };
    let mut metadata = json!({"labels": labels, "name": name});
    let annotations: Map<String, Value> = parsed
        .list("annotations")
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": parsed.text("restart")},
        "status": {},
    })
}

fn make_service(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    pod: &Value,
    namespace: &str,
) -> Outcome {
    let name = &parsed.args[0];
    let selector: Map<String, Value> = entries(pod, "metadata.labels")
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    let port: i64 = parsed.text("port").parse().unwrap_or_default();
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": selector},
        "status": {"loadBalancer": {}},
    });
    if parsed.dry_run()? != "client" {
        let path = format!("/api/v1/namespaces/{namespace}/services");
        service = session.post(
            &with_query(&path, &[("fieldManager", "kubectl-run")]),
            &service,
        )?;
    }
    output::report(
        session,
        parsed,
        &service,
        &format!("service/{name}"),
        "created",
    )?;
    if parsed.text("output") == "yaml" {
        session.out("---\n")?;
    }
    Ok(())
}

/// Whether a text names an image: a path of lower-case words, a registry before it, a tag and a digest after it.
pub(super) fn is_reference(image: &str) -> bool {
    let word = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
            && text.starts_with(|c: char| !more.contains(c))
            && text.ends_with(|c: char| !more.contains(c))
    };
    let (rest, digest) = image
        .split_once('@')
        .map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    let digest_fits = digest.is_none_or(|digest| {
        digest.split_once(':').is_some_and(|(kind, hex)| {
            word(kind, "+._-") && hex.len() >= 32 && hex.chars().all(|c| c.is_ascii_hexdigit())
        })
    });
    let at = rest.rfind(':').filter(|at| !rest[*at..].contains('/'));
    let (path, tag) = at.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + 1..])));
    let tag_fits = tag.is_none_or(|tag| {
        !tag.is_empty()
            && tag.len() <= 128
            && !tag.starts_with(['.', '-'])
            && tag
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    });
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost") {
        let host = parts.remove(0);
        let (host, port) = host.split_once(':').unwrap_or((host, "1"));
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        if host.is_empty() || !host.chars().all(fits) || port.parse::<u16>().is_err() {
            return false;
        }
    }
    digest_fits && tag_fits && parts.iter().all(|part| word(part, "._-"))
}

#[cfg(test)]
mod tests {
    use super::is_reference;

    #[test]
    fn images_are_named_by_the_rules_of_registries() {
        for good in [
            "nginx",
            "nginx:1.27",
            "a.b:5000/c/d_e:T-1",
            "localhost/x",
            "registry.k8s.io/e2e-test-images/agnhost:2.39",
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "BAD:image:x",
            "a//b",
            "Foo",
            "-a",
            "a:b:c",
            "nginx@sha256:x",
            "a:",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
    }
}
