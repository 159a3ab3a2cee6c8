//! `--help`, `kubectl options` and the words about commands that do not exist, all from the table in `cmd`.

use crate::cmd::{GLOBAL, GROUPS};
use crate::fail::{Fail, quoted};
use crate::flags::{Command, Flag, Kind};

const OPTIONS_HINT: &str = "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n";

/// What `kubectl` alone prints.
pub(crate) fn root() -> String {
    let mut out = "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/\n\n".to_owned();
    for (title, commands) in GROUPS {
        // The stock client has a group for plugins here, and a lab has none.
        if *title == "Other Commands" {
            out.push_str("Subcommands provided by plugins:\n\n");
        }
        out.push_str(&format!("{title}:\n"));
        for command in *commands {
            out.push_str(&format!("  {:<15} {}\n", command.name, command.about));
        }
        out.push('\n');
    }
    out.push_str("Usage:\n  kubectl [flags] [options]\n\nUse \"kubectl <command> --help\" for more information about a given command.\n");
    out.push_str(OPTIONS_HINT);
    out
}

/// What `kubectl options` prints.
pub(crate) fn options() -> String {
    let mut out = "The following options can be passed to any command:\n\n".to_owned();
    for flag in GLOBAL {
        out.push_str(&flag_words(flag));
    }
    out
}

/// The help of a command by its path.
pub(crate) fn of(path: &str) -> String {
    let mut words = path.split(' ');
    let Some(mut command) = words.next().and_then(find) else {
        return root();
    };
    for word in words {
        match Command::find(command.subcommands, word) {
            Some(next) => command = next,
            None => break,
        }
    }
    let mut out = format!("{}.\n\n", command.about);
    if !command.aliases.is_empty() {
        out.push_str(&format!(
            "Aliases:\n{}, {}\n\n",
            command.name,
            command.aliases.join(", ")
        ));
    }
    if !command.examples.is_empty() {
        out.push_str(&format!("Examples:\n{}\n\n", command.examples));
    }
    if !command.subcommands.is_empty() {
        out.push_str("Available Commands:\n");
        let width = command
            .subcommands
            .iter()
            .map(|sub| sub.name.len())
            .max()
            .unwrap_or(0)
            .max(11);
        for sub in command.subcommands {
            out.push_str(&format!("  {:<width$}   {}\n", sub.name, sub.about));
        }
        out.push('\n');
    }
    let mut flags: Vec<&Flag> = command
        .flags
        .iter()
        .flat_map(|group| group.iter())
        .collect();
    flags.sort_by_key(|flag| flag.long);
    if !flags.is_empty() {
        out.push_str("Options:\n");
        flags
            .iter()
            .for_each(|flag| out.push_str(&flag_words(flag)));
    }
    let own_usage = match path {
        "create secret" => "(docker-registry | generic | tls)",
        "auth" | "create service" | "top" => "[flags]",
        _ => command.usage,
    };
    let end = if flags.is_empty() && command.usage != "SUBCOMMAND" {
        ""
    } else {
        " [options]"
    };
    let usage = if own_usage.is_empty() {
        String::new()
    } else {
        format!(" {own_usage}")
    };
    out.push_str(&format!("Usage:\n  kubectl {path}{usage}{end}\n\n"));
    if !command.subcommands.is_empty() {
        out.push_str(&format!(
            "Use \"kubectl {path} <command> --help\" for more information about a given command.\n"
        ));
    }
    out.push_str(OPTIONS_HINT);
    out
}

fn flag_words(flag: &Flag) -> String {
    let name = if flag.short == ' ' {
        format!("--{}", flag.long)
    } else {
        format!("-{}, --{}", flag.short, flag.long)
    };
    let default = match flag.kind {
        Kind::Text | Kind::Optional(_) => format!("'{}'", flag.default),
        _ => flag.default.to_owned(),
    };
    format!("    {name}={default}:\n\t{}\n\n", flag.help)
}

/// A command of the first rank.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    GROUPS
        .iter()
        .find_map(|(_, commands)| Command::find(commands, name))
}

/// The words about a command that does not exist.
pub(crate) fn unknown(name: &str) -> Fail {
    let mut text = format!("error: unknown command {} for \"kubectl\"", quoted(name));
    let near: Vec<&str> = GROUPS
        .iter()
        .flat_map(|(_, commands)| commands.iter())
        .map(|command| command.name)
        .filter(|known| distance(name, known) <= 2 || known.starts_with(&name.to_lowercase()))
        .collect();
    if !near.is_empty() {
        text.push_str("\n\nDid you mean this?");
        near.iter()
            .for_each(|known| text.push_str(&format!("\n\t{known}")));
    }
    Fail::Raw(text)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
