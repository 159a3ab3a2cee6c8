//! About the cluster and the client: version, cluster-info, api-resources, api-versions, config, auth.

use serde_json::{Value, json};

use crate::config::Config;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Parsed;
use crate::output;
use crate::session::{Session, with_query};
use crate::text::json::{list, pretty, text};
use crate::text::tabs::Layout;
use crate::yaml;

/// `kubectl version`.
pub(crate) fn version(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let client = json!({"gitVersion": "v1.36.3", "major": "1", "minor": "36"});
    let server = if parsed.is("client") {
        Ok(None)
    } else {
        session.get("/version?timeout=32s").map(Some)
    };
    let mut whole = json!({"clientVersion": client, "kustomizeVersion": "v5.8.1"});
    if let Ok(Some(server)) = &server {
        whole["serverVersion"] = server.clone();
    }
    match parsed.text("output") {
        "" => {
            session.out("Client Version: v1.36.3\nKustomize Version: v5.8.1\n")?;
            if let Ok(Some(server)) = &server {
                session.out(&format!("Server Version: {}\n", text(server, "gitVersion")))?;
            }
        }
        "yaml" => session.out(&format!("{}\n", yaml::to_string(&whole)))?,
        "json" => session.out(&format!("{}\n", pretty(&whole)))?,
        _ => return Err(Fail::message("--output must be 'yaml' or 'json'")),
    }
    if let Ok(Some(server)) = &server {
        let minor: i64 = text(server, "minor")
            .trim_end_matches('+')
            .parse()
            .unwrap_or(36);
        if (minor - 36).abs() > 1 {
            session.warn(&format!("version difference between client (1.36) and server (1.{minor}) exceeds the supported minor version skew of +/-1"));
        }
    }
    server.map(drop)
}

/// `kubectl cluster-info`.
pub(crate) fn info(session: &mut Session<'_, '_>, _: &Parsed) -> Outcome {
    let server = session.server()?;
    let path = with_query(
        "/api/v1/namespaces/kube-system/services",
        &[("labelSelector", "kubernetes.io/cluster-service=true")],
    );
    let found = session.get(&path)?;
    session.out(&format!(
        "Kubernetes control plane is running at {server}\n"
    ))?;
    for service in list(&found, "items") {
        let name = text(service, "metadata.name");
        let label = service["metadata"]["labels"]["kubernetes.io/name"]
            .as_str()
            .unwrap_or(name);
        let port = list(service, "spec.ports")
            .first()
            .map_or("", |port| text(port, "name"));
        let port = if port.is_empty() {
            String::new()
        } else {
            format!(":{port}")
        };
        session.out(&format!("{label} is running at {server}/api/v1/namespaces/kube-system/services/{name}{port}/proxy\n"))?;
    }
    session
        .out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n")
}

/// `kubectl api-resources`.
pub(crate) fn api_resources(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let discovery = session.discovery()?;
    let mut resources: Vec<_> = discovery
        .resources
        .iter()
        .filter(|resource| resource.preferred && !resource.verbs.is_empty())
        .filter(|resource| {
            !parsed.given("namespaced") || resource.namespaced == parsed.is("namespaced")
        })
        .filter(|resource| !parsed.given("api-group") || resource.group == parsed.text("api-group"))
        .filter(|resource| {
            parsed
                .list("verbs")
                .iter()
                .all(|verb| resource.verbs.contains(verb))
        })
        .filter(|resource| {
            parsed
                .list("categories")
                .iter()
                .all(|category| resource.categories.contains(category))
        })
        .collect();
    resources.sort_by(|a, b| match parsed.text("sort-by") {
        "name" => a.plural.cmp(&b.plural),
        "kind" => a.kind.cmp(&b.kind),
        _ => (&a.group, &a.plural).cmp(&(&b.group, &b.plural)),
    });
    let wide = parsed.text("output") == "wide";
    let mut lines = String::new();
    if !parsed.is("no-headers") && parsed.text("output") != "name" {
        lines.push_str("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND");
        lines.push_str(if wide { "\tVERBS\tCATEGORIES\n" } else { "\n" });
    }
    for resource in resources {
        if parsed.text("output") == "name" {
            lines.push_str(&format!("{}\n", resource.plural_group()));
            continue;
        }
        lines.push_str(&format!(
            "{}\t{}\t{}\t{}\t{}",
            resource.plural,
            resource.short.join(","),
            resource.group_version(),
            resource.namespaced,
            resource.kind
        ));
        if wide {
            lines.push_str(&format!(
                "\t{}\t{}",
                resource.verbs.join(","),
                resource.categories.join(",")
            ));
        }
        lines.push('\n');
    }
    session.out(&Layout::get().format(&lines))
}

/// `kubectl api-versions`.
pub(crate) fn api_versions(session: &mut Session<'_, '_>, _: &Parsed) -> Outcome {
    let discovery = session.discovery()?;
    let mut versions = discovery.versions.clone();
    versions.sort();
    versions.dedup();
    session.out(
        &versions
            .iter()
            .map(|version| format!("{version}\n"))
            .collect::<String>(),
    )
}

/// `kubectl config view`.
pub(crate) fn config_view(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let mut config = session.config()?;
    if parsed.is("minify") {
        minify(session, &mut config)?;
    }
    let value = config.view(parsed.is("raw"));
    let format = output::Format::of(session, parsed, false)?;
    output::print(session, parsed, &format, &value)
}

fn minify(session: &Session<'_, '_>, config: &mut Config) -> Outcome {
    let current = config.current(&session.overrides).to_owned();
    if current.is_empty() {
        return Err(Fail::message(
            "current-context must exist in order to minify",
        ));
    }
    let Some(context) = config.entry("contexts", &current).cloned() else {
        return Err(Fail::message(format!("cannot locate context {current}")));
    };
    for (section, name) in [
        ("contexts", current.as_str()),
        ("clusters", text(&context, "cluster")),
        ("users", text(&context, "user")),
    ] {
        if let Some(items) = config.value[section].as_array_mut() {
            items.retain(|item| text(item, "name") == name);
        }
    }
    config.value["current-context"] = json!(current);
    Ok(())
}

/// `kubectl config get-contexts`.
pub(crate) fn config_get_contexts(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let config = session.config()?;
    let current = config.current(&session.overrides).to_owned();
    let mut contexts = list(&config.value, "contexts").to_vec();
    contexts.sort_by(|a, b| text(a, "name").cmp(text(b, "name")));
    for wanted in &parsed.args {
        if !contexts
            .iter()
            .any(|context| text(context, "name") == wanted)
        {
            return Err(Fail::message(format!("context {wanted} not found")));
        }
    }
    contexts.retain(|context| {
        parsed.args.is_empty()
            || parsed
                .args
                .iter()
                .any(|wanted| text(context, "name") == wanted)
    });
    if parsed.text("output") == "name" {
        return session.out(
            &contexts
                .iter()
                .map(|context| format!("{}\n", text(context, "name")))
                .collect::<String>(),
        );
    }
    let mut lines = if parsed.is("no-headers") {
        String::new()
    } else {
        "CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n".to_owned()
    };
    for context in &contexts {
        let name = text(context, "name");
        let star = if name == current { "*" } else { "" };
        lines.push_str(&format!(
            "{star}\t{name}\t{}\t{}\t{}\n",
            text(context, "context.cluster"),
            text(context, "context.user"),
            text(context, "context.namespace")
        ));
    }
    session.out(&Layout::get().format(&lines))
}

/// `kubectl config current-context`.
pub(crate) fn config_current_context(session: &mut Session<'_, '_>, _: &Parsed) -> Outcome {
    let config = session.config()?;
    match text(&config.value, "current-context") {
        "" => Err(Fail::message("current-context is not set")),
        current => session.out(&format!("{current}\n")),
    }
}

/// `kubectl config use-context`.
pub(crate) fn config_use_context(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [name] = &parsed.args[..] else {
        return Err(Fail::usage(
            "config use-context",
            format!("accepts 1 arg(s), received {}", parsed.args.len()),
        ));
    };
    let mut config = session.config()?;
    if config.entry("contexts", name).is_none() {
        return Err(Fail::message(format!(
            "no context exists with the name: {}",
            quoted(name)
        )));
    }
    config.value["current-context"] = json!(name);
    config.save(session.io)?;
    session.out(&format!("Switched to context {}.\n", quoted(name)))
}

/// `kubectl config set-context`.
pub(crate) fn config_set_context(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let mut config = session.config()?;
    let name = if parsed.is("current") {
        match text(&config.value, "current-context") {
            "" => return Err(Fail::message("no current context is set")),
            current => current.to_owned(),
        }
    } else {
        match &parsed.args[..] {
            [name] => name.clone(),
            _ => {
                return Err(Fail::message(
                    "you must specify a non-empty context name or --current",
                ));
            }
        }
    };
    let existed = config.entry("contexts", &name).is_some();
    if !config.value["contexts"].is_array() {
        config.value["contexts"] = json!([]);
    }
    let contexts = config.value["contexts"]
        .as_array_mut()
        .expect("made an array above");
    if !existed {
        contexts.push(json!({"name": name, "context": {"cluster": "", "user": ""}}));
    }
    let context = contexts
        .iter_mut()
        .find(|context| text(context, "name") == name)
        .expect("pushed above");
    let overrides = &session.overrides;
    for (flag, value) in [
        ("cluster", &overrides.cluster),
        ("user", &overrides.user),
        ("namespace", &overrides.namespace),
    ] {
        if parsed.given(flag) {
            context["context"][flag] = json!(value);
        }
    }
    config.save(session.io)?;
    session.out(&format!(
        "Context {} {}.\n",
        quoted(&name),
        if existed { "modified" } else { "created" }
    ))
}

/// `kubectl config get-clusters` and `get-users`.
pub(crate) fn config_get_names(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let section = if parsed.path.ends_with("clusters") {
        "clusters"
    } else {
        "users"
    };
    let config = session.config()?;
    let names: String = list(&config.value, section)
        .iter()
        .map(|item| format!("{}\n", text(item, "name")))
        .collect();
    session.out(&format!("NAME\n{names}"))
}

/// `kubectl auth can-i VERB TYPE`.
pub(crate) fn can_i(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [verb, what, rest @ ..] = &parsed.args[..] else {
        return Err(Fail::usage(
            "auth can-i",
            "you must specify two arguments: verb resource or verb resource/resourceName.",
        ));
    };
    let (kind, name) = what
        .split_once('/')
        .unwrap_or((what, rest.first().map_or("", String::as_str)));
    let (group, plural) = if kind == "*" {
        ("*".to_owned(), "*".to_owned())
    } else {
        let discovery = session.discovery()?;
        match discovery.find(kind) {
            Ok(resource) => (resource.group.clone(), resource.plural.clone()),
            Err(_) => {
                session.warn(&format!(
                    "the server doesn't have a resource type '{kind}'\n"
                ));
                (String::new(), kind.to_owned())
            }
        }
    };
    let namespace = session.namespace()?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": namespace, "verb": verb, "group": group, "resource": plural, "name": name}},
    });
    let answer: Value = session.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        &review,
    )?;
    let allowed = answer["status"]["allowed"] == true;
    if !parsed.is("quiet") {
        session.out(if allowed { "yes\n" } else { "no\n" })?;
    }
    if allowed { Ok(()) } else { Err(Fail::Exit(1)) }
}
