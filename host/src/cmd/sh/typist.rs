//! Types lines at a terminal, each when everything before it has come to rest.
//! Never knows what a line means: it looks at the screen's silence and the cluster's rest only.

use super::{LIMIT, LIMIT_REACHED, SIZE};
use crate::shell::{Ends, Rest, Shell, Spot};
use anyhow::{Result, bail};
use clock::{Duration, Instant};
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

/// How long a screen must have been still before somebody goes on typing.
const STILL: Duration = Duration::from_secs(1);
/// How long no program may have run: one that computes is not done, however still its screen.
const IDLE: Duration = Duration::from_millis(300);
/// Of a screen that never stands still (`watch`, `top`), or a program that asks for nothing
/// (`sleep`), nobody expects more after this long.
const PATIENCE: Duration = Duration::from_secs(300);
/// A key by its name in caret notation: a line that is `^C` types Ctrl-C.
const KEYS: [(&str, u8); 4] = [("^C", 3), ("^D", 4), ("^L", 12), ("^[", 27)];

/// Types every line of `text`; the exit code of the shell, or 0 if it still waits at the end.
pub(super) fn type_lines(shell: &Rc<Shell>, spot: &Spot, text: &str) -> Result<u8> {
    let talk = spot.exec(shell.runtime(), vec!["sh".into()], true, Some(SIZE))?;
    let Ends::Terminal(terminal) = talk.ends else {
        bail!("the shell has no terminal");
    };
    let terminal = Rc::new(terminal);
    let ended = Rc::new(Cell::new(None));
    let shown = Rc::new(Cell::new(shell.now()));
    {
        let (terminal, shown, runtime) = (terminal.clone(), shown.clone(), shell.runtime().clone());
        let ended = ended.clone();
        shell.runtime().spawn_native(async move {
            while let Some(data) = terminal.read(64 * 1024).await {
                shown.set(runtime.now());
                let mut out = std::io::stdout();
                // Nobody looks any more: what is typed still happens.
                let _ = out.write_all(&data).and_then(|()| out.flush());
            }
            ended.set(Some(talk.exit.status().await));
        });
    }
    let mut lines = text.lines().peekable();
    let mut rest = Rest::default();
    let (mut typed, mut worked) = (shell.now(), shell.now());
    loop {
        let busy = shell.turn();
        if let Some(code) = ended.get() {
            return Ok(code);
        }
        let now = shell.now();
        if busy {
            worked = now;
            continue;
        }
        let tired = now.saturating_since(typed) >= PATIENCE;
        let quiet =
            now.saturating_since(shown.get()) >= STILL && now.saturating_since(worked) >= IDLE;
        // A key that is a signal interrupts what asks for nothing.
        let asked = terminal.is_awaited() || lines.peek().is_none_or(|line| is_key(line));
        let rested = (tired || quiet && asked) && shell.look(|world| rest.look(now, world));
        if rested {
            let Some(line) = lines.next() else {
                return Ok(0);
            };
            type_line(line, |keys| terminal.try_write(keys));
            typed = now;
            shown.set(now);
            continue;
        }
        match next(
            shell,
            [
                shown.get() + STILL,
                worked + IDLE,
                rest.poll_at(),
                typed + PATIENCE,
            ],
            now,
        ) {
            at if at.since_start() > LIMIT => return Ok(LIMIT_REACHED),
            at => shell.jump(at),
        }
    }
}

/// When to look again: what is due, or one of these that is still to come.
fn next(shell: &Shell, looks: [Instant; 4], now: Instant) -> Instant {
    let looks = looks.into_iter().filter(|at| *at > now);
    let due = shell.poll_at().into_iter().chain(looks).min();
    due.unwrap_or(now + STILL)
}

fn is_key(line: &str) -> bool {
    KEYS.iter().any(|(name, _)| *name == line)
}

fn type_line(line: &str, mut keys: impl FnMut(&[u8]) -> usize) {
    match KEYS.iter().find(|(name, _)| *name == line) {
        Some((_, key)) => keys(&[*key]),
        None => keys(format!("{line}\r").as_bytes()),
    };
}
