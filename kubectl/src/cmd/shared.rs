//! What definitions share: flags of several commands, and short forms for defining one.

use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Duration, List, Optional, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::session::Session;

/// The flags that every command has.
pub(crate) const GLOBAL: &[Flag] = &[
    flag(
        "as",
        Text,
        "",
        "Username to impersonate for the operation. User could be a regular user or a service account in a namespace.",
    ),
    flag(
        "cache-dir",
        Text,
        "~/.kube/cache",
        "Default cache directory",
    ),
    flag(
        "cluster",
        Text,
        "",
        "The name of the kubeconfig cluster to use",
    ),
    flag(
        "context",
        Text,
        "",
        "The name of the kubeconfig context to use",
    ),
    flag(
        "insecure-skip-tls-verify",
        Bool,
        "false",
        "If true, the server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
    ),
    flag(
        "kubeconfig",
        Text,
        "",
        "Path to the kubeconfig file to use for CLI requests.",
    ),
    short(
        'n',
        "namespace",
        Text,
        "",
        "If present, the namespace scope for this CLI request",
    ),
    flag(
        "request-timeout",
        Text,
        "0",
        "The length of time to wait before giving up on a single server request. Non-zero values should contain a corresponding time unit (e.g. 1s, 2m, 3h). A value of zero means don't timeout requests.",
    ),
    short(
        's',
        "server",
        Text,
        "",
        "The address and port of the Kubernetes API server",
    ),
    flag(
        "token",
        Text,
        "",
        "Bearer token for authentication to the API server",
    ),
    flag("user", Text, "", "The name of the kubeconfig user to use"),
    short('v', "v", Text, "0", "number for the log level verbosity"),
    flag(
        "warnings-as-errors",
        Bool,
        "false",
        "Treat warnings received from the server as errors and exit with a non-zero exit code",
    ),
];

pub(super) const FILES: &[Flag] = &[
    short(
        'f',
        "filename",
        List,
        "[]",
        "Filename, directory, or URL to files identifying the resource",
    ),
    short(
        'k',
        "kustomize",
        Text,
        "",
        "Process the kustomization directory. This flag can't be used together with -f or -R.",
    ),
    short(
        'R',
        "recursive",
        Bool,
        "false",
        "Process the directory used in -f, --filename recursively. Useful when you want to manage related manifests organized within the same directory.",
    ),
];

pub(super) const PRINT: &[Flag] = &[
    short(
        'o',
        "output",
        Text,
        "",
        "Output format. One of: (json, yaml, name, jsonpath, jsonpath-as-json, jsonpath-file).",
    ),
    flag(
        "show-managed-fields",
        Bool,
        "false",
        "If true, keep the managedFields when printing objects in JSON or YAML format.",
    ),
    flag(
        "template",
        Text,
        "",
        "Template string or path to template file to use when -o=go-template, -o=go-template-file.",
    ),
    flag(
        "allow-missing-template-keys",
        Bool,
        "true",
        "If true, ignore any errors in templates when a field or map key is missing in the template.",
    ),
];

pub(super) const DRY: &[Flag] = &[
    flag(
        "dry-run",
        Optional("unchanged"),
        "none",
        "Must be \"none\", \"server\", or \"client\". If client strategy, only print the object that would be sent, without sending it. If server strategy, submit server-side request without persisting the resource.",
    ),
    flag(
        "field-manager",
        Text,
        "",
        "Name of the manager used to track field ownership.",
    ),
];

pub(super) const VALIDATE: &[Flag] = &[
    flag(
        "validate",
        Optional("strict"),
        "strict",
        "Must be one of: strict (or true), warn, ignore (or false).",
    ),
    flag(
        "save-config",
        Bool,
        "false",
        "If true, the configuration of current object will be saved in its annotation. Otherwise, the annotation will be unchanged. This flag is useful when you want to perform kubectl apply on this object in the future.",
    ),
];

pub(super) const SELECT: &[Flag] = &[
    short(
        'l',
        "selector",
        Text,
        "",
        "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.",
    ),
    flag(
        "field-selector",
        Text,
        "",
        "Selector (field query) to filter on, supports '=', '==', and '!='.",
    ),
    short(
        'A',
        "all-namespaces",
        Bool,
        "false",
        "If present, list the requested object(s) across all namespaces.",
    ),
];

pub(super) const LOCAL: &[Flag] = &[flag(
    "local",
    Bool,
    "false",
    "Change what the files say and print it, without asking the server.",
)];

pub(super) const ALL: &[Flag] = &[flag(
    "all",
    Bool,
    "false",
    "Select all resources in the namespace of the specified resource types.",
)];

pub(super) const STREAMS: &[Flag] = &[
    short(
        'c',
        "container",
        Text,
        "",
        "Container name. If omitted, the annotated or first container is chosen.",
    ),
    short('i', "stdin", Bool, "false", "Pass stdin to the container"),
    short('t', "tty", Bool, "false", "Stdin is a TTY"),
    short(
        'q',
        "quiet",
        Bool,
        "false",
        "Only print output from the remote session",
    ),
    flag(
        "pod-running-timeout",
        Duration,
        "1m0s",
        "The length of time to wait until at least one pod is running",
    ),
];

pub(super) const OVERWRITE: &[Flag] = &[flag(
    "overwrite",
    Bool,
    "false",
    "If true, allow overwriting, otherwise reject updates that overwrite existing values.",
)];

/// A command without examples, aliases or subcommands.
pub(super) const fn command(
    name: &'static str,
    about: &'static str,
    usage: &'static str,
    flags: &'static [&'static [Flag]],
    run: crate::flags::Run,
) -> Command {
    Command {
        name,
        aliases: &[],
        about,
        usage,
        examples: "",
        flags,
        subcommands: &[],
        run,
    }
}

pub(super) const fn family(
    name: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    subcommands: &'static [Command],
) -> Command {
    Command {
        name,
        aliases,
        about,
        usage: "SUBCOMMAND",
        examples: "",
        flags: &[],
        subcommands,
        run: no_subcommand,
    }
}

/// The usage of a command that the stock client has and this one lacks; its arguments are not looked at.
pub(crate) const ABSENT: &str = "(not in this lab yet)";

pub(super) const fn absent(name: &'static str, about: &'static str) -> Command {
    Command {
        name,
        aliases: &[],
        about,
        usage: ABSENT,
        examples: "",
        flags: &[],
        subcommands: &[],
        run: not_here,
    }
}

fn no_subcommand(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let words = crate::help::of(&parsed.path);
    // The stock client's families do not agree where their help goes.
    if ["auth", "create secret", "create service", "top"].contains(&parsed.path.as_str()) {
        session.err(&words);
    } else {
        session.out(&words)?;
    }
    Err(Fail::Exit(1))
}

fn not_here(_: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    Err(Fail::not_in_lab(&format!("kubectl {}", parsed.path)))
}

pub(super) fn is_update(arg: &str) -> bool {
    arg.contains('=') || (arg.len() > 1 && arg.ends_with('-'))
}

pub(super) fn query<'p>(
    parsed: &'p Parsed,
    manager: &'p str,
) -> Outcome<Vec<(&'static str, &'p str)>> {
    let mut query = vec![("fieldManager", manager)];
    if parsed.dry_run()? == "server" {
        query.push(("dryRun", "All"));
    }
    Ok(query)
}
