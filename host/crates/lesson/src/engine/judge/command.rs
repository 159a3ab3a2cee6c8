//! What commands leave behind against what a lesson expects. Never runs one.

use super::traffic::failed;
use super::{Judgement, mismatch_words, shape, unexpected};
use crate::action::ProbeOutcome;
use crate::lab::{Exec, Like, Matcher, OutputOf};
use crate::like;
use crate::template::Captures;

/// What a command left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: Option<i32>,
}

/// What a command should have left behind.
pub(in crate::engine) struct Wanted<'a> {
    pub(in crate::engine) exit: Option<&'a Matcher>,
    pub(in crate::engine) stdout: Option<&'a Matcher>,
    pub(in crate::engine) stderr: Option<&'a Matcher>,
    pub(in crate::engine) like: Option<&'a Like>,
    pub(in crate::engine) background: bool,
}

impl<'a> From<&'a Exec> for Wanted<'a> {
    fn from(exec: &'a Exec) -> Self {
        let Exec {
            exit,
            stdout,
            stderr,
            like,
            ..
        } = exec;
        Self {
            exit: exit.as_ref(),
            stdout: stdout.as_ref(),
            stderr: stderr.as_ref(),
            like: like.as_ref(),
            background: false,
        }
    }
}

impl<'a> From<&'a OutputOf> for Wanted<'a> {
    fn from(output: &'a OutputOf) -> Self {
        let OutputOf {
            exit,
            stdout,
            stderr,
            like,
            ..
        } = output;
        Self {
            exit: exit.as_ref(),
            stdout: stdout.as_ref(),
            stderr: stderr.as_ref(),
            like: like.as_ref(),
            background: false,
        }
    }
}

/// A command against what was wanted; exit code zero unless told otherwise.
pub(in crate::engine) fn ended(
    wanted: &Wanted<'_>,
    ended: &Ended,
    captures: &Captures,
) -> Judgement {
    if !wanted.background {
        let Some(exit) = ended.exit else {
            return Judgement::no("時間内に終わりませんでした", "it did not end in time");
        };
        let zero = Matcher::Equals(0.into());
        if let Err(wrong) = wanted.exit.unwrap_or(&zero).check_value(exit, captures) {
            let mut judgement = mismatch_words("exit", &wrong);
            let last = ended
                .stderr
                .lines()
                .chain(ended.stdout.lines())
                .rfind(|line| !line.trim().is_empty());
            if let Some(line) = last {
                judgement.seen.ja.push_str(&format!(": {line}"));
                judgement.seen.en.push_str(&format!(": {line}"));
            }
            return judgement;
        }
    }
    if let Some(wrong) = shape(wanted.stdout, "stdout", ended.stdout.as_str(), captures)
        .or_else(|| shape(wanted.stderr, "stderr", ended.stderr.as_str(), captures))
    {
        return wrong;
    }
    let mut found = captures.clone();
    if let Some(Err(wrong)) = wanted
        .like
        .map(|like| like::check(like, &ended.stdout, wanted.background, &mut found))
    {
        return like_words(&wrong);
    }
    found.retain(|name, value| captures.get(name) != Some(value));
    Judgement {
        captures: found,
        ..Judgement::yes("期待どおりです", "as expected")
    }
}

fn like_words(wrong: &like::Mismatch) -> Judgement {
    let like::Mismatch {
        expected,
        seen,
        line,
    } = wrong;
    match seen {
        Some(seen) if *line > 0 => Judgement::no(
            format!("{line}行目は `{seen}`(期待: `{expected}`)"),
            format!("line {line} is `{seen}`, expected `{expected}`"),
        ),
        Some(seen) => Judgement::no(
            format!("`{expected}` がありません。あるのは `{seen}`"),
            format!("there is no `{expected}`; there is `{seen}`"),
        ),
        None => Judgement::no(
            format!("`{expected}` がありません"),
            format!("there is no `{expected}`"),
        ),
    }
}

pub(in crate::engine) fn exec(
    wanted: &Exec,
    outcome: &ProbeOutcome,
    captures: &Captures,
) -> Judgement {
    match outcome {
        ProbeOutcome::Exec {
            exit,
            stdout,
            stderr,
        } => {
            let left = Ended {
                stdout: stdout.clone(),
                stderr: stderr.clone(),
                exit: Some(*exit),
            };
            ended(&wanted.into(), &left, captures)
        }
        ProbeOutcome::Failed(kind, message) => failed(*kind, message, None),
        other => unexpected(other),
    }
}
