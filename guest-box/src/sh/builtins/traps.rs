//! `trap`, and running what it has set when a signal has come.
//!
//! Signals come from the host in the order they were sent; one the shell sends itself does not go
//! through the host. Nothing here waits.

use std::rc::Rc;

use guest_kit::signals;

use super::super::exec::Status;
use super::super::simple::quote;
use super::super::state::{Flow, Shell};
use super::Letters;
use crate::applets::process::{signal_name, signal_number};

pub(super) fn trap(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    while letters.next(shell, "")?.is_some() {}
    let rest = letters.rest();
    let Some(first) = rest.first() else {
        let mut text = String::new();
        for (signal, action) in shell.traps.iter() {
            let name = signal_name(*signal);
            text.push_str(&format!("trap -- {} {name}\n", quote(action)));
        }
        return shell.put(text.as_bytes());
    };
    // A number first, or one word alone, takes traps back.
    let bare = rest.len() == 1 || first.bytes().all(|byte| byte.is_ascii_digit());
    let bare = bare && !first.is_empty();
    let action = (!bare && first != "-").then_some(first);
    let mut status = 0;
    for name in &rest[usize::from(!bare)..] {
        match signal_number(name) {
            Some(signal) => shell.set_trap(signal, action),
            None => {
                shell.complain(&format!("{name}: invalid signal specification"));
                status = 1;
            }
        }
    }
    Ok(status)
}

impl Shell {
    fn set_trap(&mut self, signal: u8, action: Option<&String>) {
        let traps = Rc::make_mut(&mut self.traps);
        match action {
            None => {
                traps.remove(&signal);
            }
            Some(action) => {
                traps.insert(signal, action.clone());
                if signal > 0 && action.is_empty() {
                    signals::ignore(signal);
                } else if signal > 0 {
                    signals::handle(&[signal]);
                }
            }
        }
    }

    /// A signal this shell sends itself; false when the host has to deliver it.
    pub(super) fn signal_itself(&mut self, signal: u8) -> bool {
        match self.traps.get(&signal) {
            Some(action) => {
                if !action.is_empty() {
                    self.signals.push_back(signal);
                }
                true
            }
            None => false,
        }
    }

    /// Runs the commands of signals that have come; the first of them.
    pub(crate) fn take_signal(&mut self) -> Result<Option<u8>, Flow> {
        let mut first = None;
        while let Some(signal) = self.signals.pop_front().or_else(signals::next) {
            first.get_or_insert(signal);
            match self.traps.get(&signal).cloned() {
                Some(action) => {
                    let (status, outer) = (self.status, self.command_name.take());
                    let line = self.line;
                    let result = self.run_text(&action, line);
                    self.command_name = outer;
                    result?;
                    self.status = status;
                }
                // A trap that was taken back: the signal does what it does by default.
                None if !self.interactive => return Err(Flow::Exit(128 + i32::from(signal))),
                None => {}
            }
        }
        Ok(first)
    }

    pub(crate) fn run_traps(&mut self) -> Result<(), Flow> {
        if !self.traps.is_empty() && self.traps.keys().any(|signal| *signal > 0) {
            self.take_signal()?;
        }
        Ok(())
    }
}
