//! The person's own terminal, connected to a shell in the world while time passes as it does.
//! Never reads a line: the world's terminal does the echoing and the editing.

use crate::shell::{Ends, Shell, Spot};
use anyhow::{Context, Result, bail};
use clock::Instant;
use runtime::TerminalSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

/// How often the window's size is looked at, and the longest nap.
const LOOK: Duration = Duration::from_millis(250);

/// Runs until the shell ends; its exit code.
pub(super) fn live(shell: &Rc<Shell>, spot: &Spot) -> Result<u8> {
    let mut size = window();
    let talk = spot.exec(shell.runtime(), vec!["sh".into()], true, Some(size))?;
    let Ends::Terminal(terminal) = talk.ends else {
        bail!("the shell has no terminal");
    };
    let terminal = Rc::new(terminal);
    let ended = Rc::new(Cell::new(None));
    let (screen, over) = (terminal.clone(), ended.clone());
    shell.runtime().spawn_native(async move {
        while let Some(data) = screen.read(64 * 1024).await {
            let mut out = std::io::stdout();
            // A window that was closed shows nothing more; the hangup comes through the keyboard.
            let _ = out.write_all(&data).and_then(|()| out.flush());
        }
        over.set(Some(talk.exit.status().await));
    });
    let raw = Raw::enter()?;
    let keys = keys();
    let clock = shell.live();
    let code = loop {
        let wall = clock.now();
        let mut busy = shell.turn();
        match shell.poll_at() {
            Some(at) if at <= wall => {
                shell.jump(at);
                busy = true;
            }
            _ => shell.jump(wall),
        }
        if let Some(code) = ended.get() {
            break code;
        }
        if !type_in(&keys, |typed| terminal.try_write(typed)) {
            break 129;
        }
        if size != window() {
            size = window();
            terminal.resize(size);
        }
        if !busy {
            std::thread::park_timeout(nap(shell.poll_at(), wall));
        }
    };
    drop(raw);
    Ok(code)
}

fn nap(due: Option<Instant>, wall: Instant) -> Duration {
    due.map_or(LOOK, |at| at.saturating_since(wall)).min(LOOK)
}

/// Types what has come from the keyboard; false when it is gone.
fn type_in(keys: &Receiver<Vec<u8>>, mut typed: impl FnMut(&[u8]) -> usize) -> bool {
    loop {
        match keys.try_recv() {
            Ok(bytes) => {
                typed(&bytes);
            }
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}

/// A thread that reads the keyboard and wakes the world's.
fn keys() -> Receiver<Vec<u8>> {
    let (to, from) = sync_channel(64);
    let world = std::thread::current();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = std::io::stdin().lock().read(&mut buffer) {
            if to.send(buffer[..count].to_vec()).is_err() {
                return;
            }
            world.unpark();
        }
        drop(to);
        world.unpark();
    });
    from
}

fn window() -> TerminalSize {
    let size = tcgetwinsize(std::io::stdout()).ok();
    let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or(super::SIZE, |size| TerminalSize {
        columns: size.ws_col,
        rows: size.ws_row,
    })
}

/// The host's terminal without its own editing, until dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> Result<Self> {
        let before = tcgetattr(std::io::stdin()).context("the terminal")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw).context("the terminal")?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to be restored.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}
