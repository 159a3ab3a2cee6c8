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
    /// It waits for more, or nobody says its exit code.
    pub(crate) waits: bool,
}

/// What a command should have left behind.
pub(in crate::engine) struct Wanted<'a> {
    pub(in crate::engine) exit: Option<&'a Matcher>,
    pub(in crate::engine) stdout: Option<&'a Matcher>,
    pub(in crate::engine) stderr: Option<&'a Matcher>,
    pub(in crate::engine) like: Option<&'a Like>,
    /// It must have ended, with exit code zero unless told otherwise.
    pub(in crate::engine) ends: bool,
    /// The sample is only the beginning of what is written.
    pub(in crate::engine) prefix: bool,
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
            ends: true,
            prefix: false,
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
            // Whether it ended rightly was judged when it ran.
            ends: false,
            prefix: false,
        }
    }
}

/// A command against what was wanted; exit code zero unless told otherwise.
pub(in crate::engine) fn ended(
    wanted: &Wanted<'_>,
    ended: &Ended,
    captures: &Captures,
) -> Judgement {
    if let Some(wrong) = exit_wrong(wanted, ended, captures) {
        return wrong;
    }
    if let Some(wrong) = shape(wanted.stdout, "stdout", ended.stdout.as_str(), captures)
        .or_else(|| shape(wanted.stderr, "stderr", ended.stderr.as_str(), captures))
    {
        return wrong;
    }
    let mut found = captures.clone();
    if let Some(Err(wrong)) = wanted
        .like
        .map(|like| like::check(like, &ended.stdout, wanted.prefix, &mut found))
    {
        return like_words(&wrong);
    }
    found.retain(|name, value| captures.get(name) != Some(value));
    Judgement {
        captures: found,
        ..Judgement::yes("期待どおりです", "as expected")
    }
}

/// What is wrong with the exit code, if it matters.
fn exit_wrong(wanted: &Wanted<'_>, ended: &Ended, captures: &Captures) -> Option<Judgement> {
    let zero = Matcher::Equals(0.into());
    let Some(exit) = ended.exit else {
        return match (wanted.exit, wanted.ends) {
            (Some(_), _) if ended.waits => Some(Judgement::no(
                "終了コードが分かりません(別のプログラムの中で実行したか、まだ動いています)",
                "nobody says its exit code: it goes on, or was typed inside another program",
            )),
            (_, true) if !ended.waits => Some(Judgement::no(
                "時間内に終わりませんでした",
                "it did not end in time",
            )),
            (Some(_), false) => Some(Judgement::no("まだ終わっていません", "it has not ended")),
            _ => None,
        };
    };
    // What keeps running may end, but not of itself by a mistake.
    let shape = wanted
        .exit
        .or((wanted.ends || wanted.prefix).then_some(&zero))?;
    let wrong = shape.check_value(exit, captures).err()?;
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
    Some(judgement)
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
                waits: false,
            };
            ended(&wanted.into(), &left, captures)
        }
        ProbeOutcome::Failed(kind, message) => failed(*kind, message, None),
        other => unexpected(other),
    }
}
