//! Flags as Docker's command line takes them: `-it`, `-p 80:80`, `-p80:80`, `--name=web`.
//! Never knows what a flag means.

use super::Failed;

/// A flag: its letter (or a space), its name, whether it takes a value.
pub(super) type Flag = (char, &'static str, bool);

/// What was typed.
#[derive(Debug, Default)]
pub(super) struct Flags {
    given: Vec<(&'static str, String)>,
    pub(super) rest: Vec<String>,
}

impl Flags {
    /// Reads the flags of `docker COMMAND`; with `stop` the first other word ends them.
    pub(super) fn parse(
        command: &str,
        known: &[Flag],
        args: &[String],
        stop: bool,
    ) -> Result<Self, Failed> {
        let mut flags = Self::default();
        let mut args = args.iter();
        let wrong = |words: String| Failed {
            words: format!("{words}\nSee 'docker {command} --help'."),
            code: 125,
        };
        while let Some(arg) = args.next() {
            if arg == "--" {
                flags.rest.extend(args.by_ref().cloned());
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let Some((_, name, takes)) = known.iter().find(|(_, known, _)| *known == name)
                else {
                    return Err(wrong(format!("unknown flag: --{name}")));
                };
                let value = match (takes, value) {
                    (true, None) => args
                        .next()
                        .cloned()
                        .ok_or_else(|| wrong(format!("flag needs an argument: --{name}")))?,
                    (false, None) => "true".to_owned(),
                    (_, Some(value)) => value,
                };
                flags.given.push((name, value));
            } else if arg.len() > 1 && arg.starts_with('-') {
                let mut letters = arg[1..].chars();
                while let Some(letter) = letters.next() {
                    let Some((_, name, takes)) = known.iter().find(|(known, ..)| *known == letter)
                    else {
                        return Err(wrong(format!(
                            "unknown shorthand flag: '{letter}' in {arg}"
                        )));
                    };
                    if !takes {
                        flags.given.push((name, "true".to_owned()));
                        continue;
                    }
                    let attached = letters.as_str().trim_start_matches('=');
                    let value = match attached {
                        "" => args.next().cloned().ok_or_else(|| {
                            wrong(format!("flag needs an argument: '{letter}' in {arg}"))
                        })?,
                        value => value.to_owned(),
                    };
                    flags.given.push((name, value));
                    break;
                }
            } else {
                flags.rest.push(arg.clone());
                if stop {
                    flags.rest.extend(args.by_ref().cloned());
                }
            }
        }
        Ok(flags)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "false")
    }

    /// The last value given.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let last = self.given.iter().rfind(|(given, _)| *given == name);
        last.map(|(_, value)| value.as_str())
    }

    /// Every value given, in order.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        let given = self.given.iter().filter(move |(given, _)| *given == name);
        given.map(|(_, value)| value.as_str())
    }
}
