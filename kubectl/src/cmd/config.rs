//! `kubectl config`: the kubeconfig looked at and changed.
//!
//! It never talks to a server.

use serde_json::json;

use super::shared::{PRINT, absent, command, family};
use crate::config::Config;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::session::Session;
use crate::text::json::{list, text};
use crate::text::tabs::Layout;

pub(super) const COMMAND: Command = family("config", &[], "Modify kubeconfig files", SUBCOMMANDS);

const CURRENT_CONTEXT: Command = command(
    "current-context",
    "Display the current-context",
    "[flags]",
    &[],
    config_current_context,
);

const GET_CLUSTERS: Command = command(
    "get-clusters",
    "Display clusters defined in the kubeconfig",
    "[flags]",
    &[],
    config_get_names,
);

const GET_CONTEXTS: Command = command(
    "get-contexts",
    "Describe one or many contexts",
    "[(-o|--output=)name)]",
    &[GET_CONTEXTS_FLAGS],
    config_get_contexts,
);

const GET_USERS: Command = command(
    "get-users",
    "Display users defined in the kubeconfig",
    "[flags]",
    &[],
    config_get_names,
);

const SET_CONTEXT: Command = command(
    "set-context",
    "Set a context entry in kubeconfig",
    "[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
    &[SET_CONTEXT_FLAGS],
    config_set_context,
);

const USE_CONTEXT: Command = Command {
    aliases: &["use"],
    ..command(
        "use-context",
        "Set the current-context in a kubeconfig file",
        "CONTEXT_NAME",
        &[],
        config_use_context,
    )
};

const VIEW: Command = command(
    "view",
    "Display merged kubeconfig settings or a specified kubeconfig file",
    "[flags]",
    &[PRINT, VIEW_FLAGS],
    config_view,
);

const DELETE_CLUSTER: Command = absent(
    "delete-cluster",
    "Delete the specified cluster from the kubeconfig",
);

const DELETE_CONTEXT: Command = absent(
    "delete-context",
    "Delete the specified context from the kubeconfig",
);

const DELETE_USER: Command = absent(
    "delete-user",
    "Delete the specified user from the kubeconfig",
);

const RENAME_CONTEXT: Command = absent(
    "rename-context",
    "Rename a context from the kubeconfig file",
);

const SET: Command = absent("set", "Set an individual value in a kubeconfig file");

const SET_CLUSTER: Command = absent("set-cluster", "Set a cluster entry in kubeconfig");

const SET_CREDENTIALS: Command = absent("set-credentials", "Set a user entry in kubeconfig");

const UNSET: Command = absent("unset", "Unset an individual value in a kubeconfig file");

const SUBCOMMANDS: &[Command] = &[
    CURRENT_CONTEXT,
    GET_CLUSTERS,
    GET_CONTEXTS,
    GET_USERS,
    SET_CONTEXT,
    USE_CONTEXT,
    VIEW,
    DELETE_CLUSTER,
    DELETE_CONTEXT,
    DELETE_USER,
    RENAME_CONTEXT,
    SET,
    SET_CLUSTER,
    SET_CREDENTIALS,
    UNSET,
];

const GET_CONTEXTS_FLAGS: &[Flag] = &[
    flag(
        "no-headers",
        Bool,
        "false",
        "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    short('o', "output", Text, "", "Output format. One of: (name)."),
];

const SET_CONTEXT_FLAGS: &[Flag] = &[flag("current", Bool, "false", "Modify the current context")];

const VIEW_FLAGS: &[Flag] = &[
    flag(
        "flatten",
        Bool,
        "false",
        "Flatten the resulting kubeconfig file into self-contained output (useful for creating portable kubeconfig files)",
    ),
    flag(
        "minify",
        Bool,
        "false",
        "Remove all information not used by current-context from the output",
    ),
    flag(
        "raw",
        Bool,
        "false",
        "Display raw byte data and sensitive data",
    ),
];

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
