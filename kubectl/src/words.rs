//! What the stock client says about itself, as it was recorded: help of every command, its flags, its version.
//!
//! The files are in `kubectl/words`, with the script that records them. Nothing here says whether a
//! command or flag is honoured; that is for the tables in `cmd`.

const HELP: &str = include_str!("../words/help.txt");
const VERSION: &str = include_str!("../words/version.txt");

/// The scripts of `kubectl completion`.
pub(crate) const SCRIPTS: [(&str, &str); 4] = [
    ("bash", include_str!("../words/completion.bash")),
    ("zsh", include_str!("../words/completion.zsh")),
    ("fish", include_str!("../words/completion.fish")),
    ("powershell", include_str!("../words/completion.powershell")),
];

/// The home folder of the machine on which the words were recorded.
const HOME: &str = "/HOME";

/// One flag as the help tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) long: &'static str,
    pub(crate) short: Option<char>,
    /// Without its quotes.
    pub(crate) default: &'static str,
    /// Its default is no text in quotes.
    pub(crate) bare: bool,
    pub(crate) usage: &'static str,
}

/// The help of a command by its path (`create deployment`, nothing for kubectl itself), if it is one.
pub(crate) fn section(path: &str) -> Option<&'static str> {
    HELP.split('\u{c}').skip(1).find_map(|section| {
        let (name, words) = section.split_once('\n')?;
        (name == path).then_some(words)
    })
}

/// The same for somebody whose home folder is `home`.
pub(crate) fn help(path: &str, home: &str) -> Option<String> {
    section(path).map(|words| words.replace(HOME, home))
}

/// The flags of a command, or with the path `options` those of every command.
pub(crate) fn flags(path: &str) -> Vec<Told> {
    let words = section(path).unwrap_or_default();
    let mut lines = words.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(mut told) = heading(line) else {
            continue;
        };
        if let Some(usage) = lines.peek().and_then(|line| line.strip_prefix('\t')) {
            told.usage = usage;
        }
        found.push(told);
    }
    found
}

/// `    -o, --output='':`, or the same without a short form.
fn heading(line: &'static str) -> Option<Told> {
    let words = line.strip_prefix("    ")?.strip_suffix(':')?;
    let (short, long) = match words.strip_prefix('-')?.split_once(", --") {
        Some((short, long)) => (short.chars().next(), long),
        None => (None, words.strip_prefix("--")?),
    };
    let (long, default) = long.split_once('=')?;
    let text = default
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    Some(Told {
        long,
        short,
        default: text.unwrap_or(default),
        bare: text.is_none(),
        usage: "",
    })
}

/// The names of the commands below a command, in the order of its help.
pub(crate) fn commands(path: &str) -> Vec<&'static str> {
    let mut listing = false;
    let words = section(path).unwrap_or_default();
    words
        .lines()
        .filter_map(|line| {
            if !line.starts_with(' ') {
                listing = line.contains("Commands") && line.ends_with(':');
            }
            let line = line.strip_prefix("  ").filter(|_| listing)?;
            line.split(' ').next().filter(|name| !name.is_empty())
        })
        .collect()
}

/// The line that a list of commands has for one of them.
pub(crate) fn about(path: &str) -> &'static str {
    let (parent, name) = path.rsplit_once(' ').unwrap_or(("", path));
    let words = section(parent).unwrap_or_default();
    words
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_prefix(name))
        .find_map(|rest| rest.strip_prefix(' '))
        .map_or("", str::trim)
}

/// A field of the client's version, such as `gitVersion`.
pub(crate) fn version(field: &str) -> &'static str {
    VERSION
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .find(|(name, _)| *name == field)
        .map_or("", |(_, value)| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Command;

    #[test]
    fn flags_are_read_from_the_help() {
        let told = flags("get");
        let output = told.iter().find(|told| told.long == "output");
        assert_eq!(output.and_then(|told| told.short), Some('o'));
        assert!(told.iter().any(|told| told.long == "chunk-size"
            && told.default == "500"
            && told.bare
            && told.usage.starts_with("Return large lists in chunks")));
    }

    #[test]
    fn every_command_has_a_line_about_it() {
        assert_eq!(
            about("wait"),
            "Wait for a specific condition on one or many resources"
        );
        assert_eq!(about("rollout undo"), "Undo a previous rollout");
    }

    #[test]
    fn every_flag_that_is_honoured_is_one_that_the_stock_client_tells_somewhere() {
        fn visit(path: &str, command: &'static Command, strangers: &mut Vec<String>) {
            let told = flags(path);
            assert!(section(path).is_some(), "there is no command {path}");
            strangers.extend(
                crate::flags_of(path, command)
                    .iter()
                    .filter(|flag| told.iter().all(|told| told.long != flag.long))
                    .filter(|flag| flags("options").iter().all(|told| told.long != flag.long))
                    .map(|flag| format!("{path} --{}", flag.long)),
            );
            for below in command.subcommands {
                visit(&format!("{path} {}", below.name), below, strangers);
            }
        }
        let mut strangers = Vec::new();
        for command in crate::cmd::COMMANDS {
            visit(command.name, command, &mut strangers);
        }
        strangers.retain(|flag| !flag.ends_with("--record") && !flag.ends_with("--cpu-percent"));
        assert_eq!(strangers, [""; 0]);
    }

    #[test]
    fn the_version_is_the_recorded_one() {
        assert_eq!(version("gitVersion"), "v1.36.3");
        assert_eq!(version("kustomizeVersion"), "v5.8.1");
    }
}
