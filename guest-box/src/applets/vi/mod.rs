//! `vi`: enough of it to edit a manifest in comfort.
//!
//! [`buffer`] is the text with its past, [`motion`] moves in it, [`editor`] is the keys, [`colon`]
//! the commands behind a colon, [`draw`] the screen. There are no registers with names, marks,
//! macros, maps and windows. Without a terminal it says so and ends.

mod buffer;
mod colon;
mod draw;
mod editor;
mod motion;

use super::screen::Keys;
use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "vi",
    operands: "[FILE]...",
    help: "Edit FILE",
    flags: &[
        value('c', "", "CMD", "Initial command to run"),
        flag('R', "", "Read-only"),
    ],
    run: vi,
}];

fn vi(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let files = parsed.rest.clone();
    let mut editor = editor::Editor::new(files, parsed.has('R'));
    let Some(mut keys) = Keys::new() else {
        return Err(io.fail("can't run without a terminal"));
    };
    for command in parsed.values('c') {
        editor.colon(command);
    }
    editor.main(io, &mut keys)?;
    drop(keys);
    Ok(editor.code)
}

#[cfg(test)]
mod tests;
