//! What was typed at a real Kubernetes, and what it answered. Never types anything.
//!
//! A file of recordings reads from top to bottom:
//!
//! ```text
//! # a heading, for people
//! ! a command between the recordings, whose words do not count
//! ## the name of a recording
//! $ the command
//! --- stdout
//! --- stderr, no newline at the end
//! --- exit 1
//! ```

use anyhow::{Context, Result, bail};
use std::path::Path;

/// What a command printed, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: i32,
}

/// One line of a file of recordings.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Goes before what follows.
    Setup(String),
    /// A command whose answer is known.
    Case {
        name: String,
        command: String,
        said: Said,
    },
}

/// Reads a file of recordings.
pub(crate) fn read(path: &Path) -> Result<Vec<Step>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(command) = line.strip_prefix("! ") {
            steps.push(Step::Setup(command.to_owned()));
        } else if let Some(name) = line.strip_prefix("## ") {
            let case = case(name, &mut lines.by_ref().map(|(_, line)| line));
            steps.push(case.with_context(|| format!("line {}, {name}", at + 1))?);
        } else if !(line.is_empty() || line.starts_with("# ")) {
            bail!("line {}: `{line}` is no part of a recording", at + 1);
        }
    }
    Ok(steps)
}

fn case(name: &str, lines: &mut dyn Iterator<Item = &str>) -> Result<Step> {
    let command = lines
        .next()
        .and_then(|line| line.strip_prefix("$ "))
        .context("a recording begins with its command, after `$ `")?;
    let mut said = Said::default();
    let mut into: Option<(&str, bool)> = None;
    for line in lines {
        if let Some(exit) = line.strip_prefix("--- exit ") {
            trim(&mut said, into);
            said.exit = exit.parse().context("the exit code is a number")?;
            return Ok(Step::Case {
                name: name.to_owned(),
                command: command.to_owned(),
                said,
            });
        }
        let section = ["stdout", "stderr"].into_iter().find_map(|stream| {
            let rest = line.strip_prefix("--- ")?.strip_prefix(stream)?;
            matches!(rest, "" | ", no newline at the end").then_some((stream, rest.is_empty()))
        });
        if section.is_some() {
            trim(&mut said, into);
            into = section;
            continue;
        }
        let (stream, _) = into.context("words before `--- stdout` or `--- stderr`")?;
        let stream = stream_of(&mut said, stream);
        stream.push_str(line);
        stream.push('\n');
    }
    bail!("it does not end with `--- exit N`")
}

fn stream_of<'a>(said: &'a mut Said, name: &str) -> &'a mut String {
    match name {
        "stdout" => &mut said.stdout,
        _ => &mut said.stderr,
    }
}

/// Takes the last newline away from a stream that had none.
fn trim(said: &mut Said, section: Option<(&str, bool)>) {
    if let Some((name, false)) = section {
        stream_of(said, name).pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_keeps_every_byte_of_both_streams() {
        let text = "# chapter\n\n! sleep 1\n\n## a\n$ kubectl x\n--- stdout\none\n\n--- not a mark\n--- stderr, no newline at the end\noops\n--- exit 3\n";
        let steps = parse(text).unwrap();
        let [Step::Setup(setup), Step::Case { command, said, .. }] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert_eq!(setup, "sleep 1");
        assert_eq!(command, "kubectl x");
        let expected = Said {
            stdout: "one\n\n--- not a mark\n".to_owned(),
            stderr: "oops".to_owned(),
            exit: 3,
        };
        assert_eq!(*said, expected);
    }

    #[test]
    fn what_is_no_recording_is_refused_with_its_line() {
        for (text, why) in [
            ("nonsense\n", "line 1"),
            ("## a\nkubectl\n", "line 1, a"),
            ("## a\n$ x\nwords\n--- exit 0\n", "line 1, a"),
            ("## a\n$ x\n--- stdout\n", "line 1, a"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.starts_with(why), "{error}");
        }
    }
}
