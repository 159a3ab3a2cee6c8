//! What definitions share: flags of several commands, and short forms for defining one.

use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Array, Bool, Duration, List, Optional, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::session::{MERGE, Session};

/// The flags that every command has.
pub(crate) const GLOBAL: &[Flag] = &[
    flag("as", Text, ""),
    flag("as-group", Array, "[]"),
    flag("as-uid", Text, ""),
    flag("as-user-extra", Array, "[]"),
    flag("certificate-authority", Text, ""),
    flag("client-certificate", Text, ""),
    flag("client-key", Text, ""),
    flag("tls-server-name", Text, ""),
    flag("cache-dir", Text, "~/.kube/cache"),
    flag("cluster", Text, ""),
    flag("context", Text, ""),
    flag("insecure-skip-tls-verify", Bool, "false"),
    flag("kubeconfig", Text, ""),
    short('n', "namespace", Text, ""),
    flag("request-timeout", Text, "0"),
    short('s', "server", Text, ""),
    flag("token", Text, ""),
    flag("user", Text, ""),
    short('v', "v", Text, "0"),
    flag("warnings-as-errors", Bool, "false"),
];

pub(super) const FILES: &[Flag] = &[
    short('f', "filename", List, "[]"),
    short('k', "kustomize", Text, ""),
    short('R', "recursive", Bool, "false"),
];

pub(super) const PRINT: &[Flag] = &[
    short('o', "output", Text, ""),
    flag("show-managed-fields", Bool, "false"),
    flag("template", Text, ""),
    flag("allow-missing-template-keys", Bool, "true"),
];

pub(super) const DRY: &[Flag] = &[
    flag("dry-run", Optional("unchanged"), "none"),
    flag("field-manager", Text, ""),
];

pub(super) const VALIDATE: &[Flag] = &[
    flag("validate", Optional("strict"), "strict"),
    flag("save-config", Bool, "false"),
];

pub(super) const SELECT: &[Flag] = &[
    short('l', "selector", Text, ""),
    flag("field-selector", Text, ""),
    short('A', "all-namespaces", Bool, "false"),
];

pub(super) const LOCAL: &[Flag] = &[flag("local", Bool, "false")];

pub(super) const ALL: &[Flag] = &[flag("all", Bool, "false")];

pub(super) const STREAMS: &[Flag] = &[
    short('c', "container", Text, ""),
    short('i', "stdin", Bool, "false"),
    short('t', "tty", Bool, "false"),
    short('q', "quiet", Bool, "false"),
    flag("pod-running-timeout", Duration, "1m0s"),
];

/// Deprecated, and well known all the same.
pub(super) const RECORD: &[Flag] = &[flag("record", Bool, "false")];

pub(super) const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// Notes the command in an object that it has changed, if that is wished.
pub(super) fn record(session: &mut Session<'_, '_>, parsed: &Parsed, path: &str) -> Outcome {
    if !parsed.is("record") || parsed.dry_run()? != "none" {
        return Ok(());
    }
    let body = serde_json::json!({"metadata": {"annotations": {CHANGE_CAUSE: parsed.cause()}}});
    session
        .patch(path, MERGE, body.to_string().into_bytes())
        .map(drop)
}

pub(super) const OVERWRITE: &[Flag] = &[flag("overwrite", Bool, "false")];

/// A command without examples, aliases or subcommands.
pub(super) const fn command(
    name: &'static str,
    flags: &'static [&'static [Flag]],
    run: crate::flags::Run,
) -> Command {
    Command {
        name,
        aliases: &[],
        flags,
        subcommands: &[],
        run,
    }
}

pub(super) const fn family(
    name: &'static str,
    aliases: &'static [&'static str],
    subcommands: &'static [Command],
) -> Command {
    Command {
        name,
        aliases,
        flags: &[],
        subcommands,
        run: no_subcommand,
    }
}

fn no_subcommand(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let words = crate::help::of(&parsed.path, &session.home());
    // The stock client's families do not agree where their help goes.
    if parsed.path == "rollout" {
        session.out(&words)?;
    } else {
        session.err(&words);
    }
    Err(Fail::Exit(1))
}

pub(super) fn is_update(arg: &str) -> bool {
    arg.contains('=') || (arg.len() > 1 && arg.ends_with('-'))
}

pub(super) fn query<'p>(
    parsed: &'p Parsed,
    manager: &'p str,
) -> Outcome<Vec<(&'static str, &'p str)>> {
    let manager = if parsed.text("field-manager").is_empty() {
        manager
    } else {
        parsed.text("field-manager")
    };
    let mut query = vec![("fieldManager", manager)];
    if parsed.dry_run()? == "server" {
        query.push(("dryRun", "All"));
    }
    Ok(query)
}
