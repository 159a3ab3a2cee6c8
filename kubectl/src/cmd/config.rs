//! `kubectl config`: the kubeconfig looked at and changed.
//!
//! It never talks to a server.
use super::shared::{PRINT, command, family};
use crate::config::Config;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::session::Session;
use crate::text::json::{list, text};
use crate::text::tabs::Layout;
use serde_json::json;

pub(super) const COMMAND: Command = family("config", &[], SUBCOMMANDS);

const SUBCOMMANDS: &[Command] = &[
    CURRENT_CONTEXT,
    super::config_entries::DELETE_CLUSTER,
    DELETE_CONTEXT,
    super::config_entries::DELETE_USER,
    GET_CLUSTERS,
    GET_CONTEXTS,
    GET_USERS,
    RENAME_CONTEXT,
    super::config_property::SET,
    super::config_entries::SET_CLUSTER,
    SET_CONTEXT,
    super::config_entries::SET_CREDENTIALS,
    super::config_property::UNSET,
    USE_CONTEXT,
    VIEW,
];

const DELETE_CONTEXT: Command = command("delete-context", &[], super::config_entries::delete);

const CURRENT_CONTEXT: Command = command("current-context", &[], current_context);

const GET_CLUSTERS: Command = command("get-clusters", &[], get_names);

const GET_CONTEXTS: Command = command("get-contexts", &[GET_CONTEXTS_FLAGS], get_contexts);

const GET_USERS: Command = command("get-users", &[], get_names);

const SET_CONTEXT: Command = command("set-context", &[SET_CONTEXT_FLAGS], set_context);

const USE_CONTEXT: Command = Command {
    aliases: &["use"],
    ..command("use-context", &[], use_context)
};

const VIEW: Command = command("view", &[PRINT, VIEW_FLAGS], view);

const RENAME_CONTEXT: Command = command("rename-context", &[], rename_context);

const GET_CONTEXTS_FLAGS: &[Flag] = &[
    flag("no-headers", Bool, "false"),
    short('o', "output", Text, ""),
];

const SET_CONTEXT_FLAGS: &[Flag] = &[flag("current", Bool, "false")];

const VIEW_FLAGS: &[Flag] = &[
    flag("flatten", Bool, "false"),
    flag("minify", Bool, "false"),
    flag("raw", Bool, "false"),
];

/// `kubectl config view`.
fn view(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let mut config = session.config()?;
    if parsed.is("minify") {
        minify(session, &mut config)?;
    }
    if parsed.is("flatten") {
        config.flatten(session.io)?;
    }
    let value = config.view(parsed.is("raw") || parsed.is("flatten"));
    let format = output::Format::of(session, parsed, false)?;
    session.typed = true;
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
fn get_contexts(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let named = match parsed.text("output") {
        "" => false,
        "name" => true,
        other => {
            return Err(Fail::message(format!(
                "--output {other} is not available in kubectl config get-contexts; resetting to default output format"
            )));
        }
    };
    let config = session.config()?;
    let current = config.current(&session.overrides).to_owned();
    let mut contexts = list(&config.value, "contexts").to_vec();
    contexts.sort_by(|a, b| text(a, "name").cmp(text(b, "name")));
    let missing = parsed.args.iter().find(|wanted| {
        !contexts
            .iter()
            .any(|context| text(context, "name") == **wanted)
    });
    contexts.retain(|context| {
        parsed.args.is_empty()
            || parsed
                .args
                .iter()
                .any(|wanted| text(context, "name") == wanted)
    });
    if named {
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
    session.out(&Layout::get().format(&lines))?;
    match missing {
        Some(name) => Err(Fail::message(format!("context {name} not found"))),
        None => Ok(()),
    }
}

/// `kubectl config current-context`.
fn current_context(session: &mut Session<'_, '_>, _: &Parsed) -> Outcome {
    let config = session.config()?;
    match text(&config.value, "current-context") {
        "" => Err(Fail::message("current-context is not set")),
        current => session.out(&format!("{current}\n")),
    }
}

/// `kubectl config use-context`.
fn use_context(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [name] = exactly(session, parsed)?;
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

/// Exactly so many arguments, or the help and what there was instead.
pub(super) fn exactly<'p, const N: usize>(
    session: &mut Session<'_, '_>,
    parsed: &'p Parsed,
) -> Outcome<&'p [String; N]> {
    match <&[String; N]>::try_from(&parsed.args[..]) {
        Ok(args) => Ok(args),
        Err(_) => {
            session.out(&crate::help::of(&parsed.path, &session.home()))?;
            let given = parsed.args.join(" ");
            Err(Fail::message(format!("Unexpected args: [{given}]")))
        }
    }
}

/// `kubectl config rename-context`.
fn rename_context(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [old, new] = exactly(session, parsed)?;
    let mut config = session.config()?;
    let file = config.path.clone();
    let cannot =
        |why: String| Fail::message(format!("cannot rename the context {}, {why}", quoted(old)));
    let Some(context) = config.entry("contexts", old).cloned() else {
        return Err(cannot(format!("it's not in {file}")));
    };
    if config.entry("contexts", new).is_some() {
        return Err(cannot(format!(
            "the context {} already exists in {file}",
            quoted(new)
        )));
    }
    config.remove("contexts", old);
    *config.entry_mut("contexts", new) = context;
    if text(&config.value, "current-context") == old {
        config.value["current-context"] = json!(new);
    }
    config.save(session.io)?;
    session.out(&format!(
        "Context {} renamed to {}.\n",
        quoted(old),
        quoted(new)
    ))
}

/// `kubectl config set-context`.
fn set_context(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let mut config = session.config()?;
    let name = match (&parsed.args[..], parsed.is("current")) {
        ([], true) => match text(&config.value, "current-context") {
            "" => return Err(Fail::message("no current context is set")),
            current => current.to_owned(),
        },
        (_, true) => {
            return Err(Fail::message(
                "you cannot specify both a context name and --current",
            ));
        }
        ([name], false) => name.clone(),
        _ => {
            return Err(Fail::message(
                "you must specify a non-empty context name or --current",
            ));
        }
    };
    let existed = config.entry("contexts", &name).is_some();
    let context = config.entry_mut("contexts", &name);
    if !existed {
        *context = json!({"cluster": "", "user": ""});
    }
    for flag in ["cluster", "user", "namespace"] {
        if parsed.given(flag) {
            context[flag] = json!(parsed.text(flag));
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
fn get_names(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
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
