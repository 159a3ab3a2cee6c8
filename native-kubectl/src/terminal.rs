//! Standard input without waiting, and the terminal behind it. Never edits a line: in raw mode the
//! other side's terminal does.

use std::io::{self, Read};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// Whether standard input is a terminal.
pub(crate) fn present() -> bool {
    isatty(rustix::stdio::stdin())
}

/// Standard input, unbuffered, so that what was not read stays for a child process.
pub(crate) struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
    }
}

impl kubectl::Input for Stdin {
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let stdin = rustix::stdio::stdin();
        let mut asked = [PollFd::from_borrowed_fd(stdin, PollFlags::IN)];
        if poll(&mut asked, Some(&Timespec::default()))? == 0 {
            return Ok(None);
        }
        self.read(buffer).map(Some)
    }
}

/// The terminal's own manners while it is raw, for giving them back.
#[derive(Default)]
pub(crate) struct Own(Option<Termios>);

impl kubectl::Terminal for Own {
    fn size(&self) -> (u16, u16) {
        tcgetwinsize(rustix::stdio::stdin())
            .ok()
            .filter(|size| size.ws_col > 0 && size.ws_row > 0)
            .map_or((80, 24), |size| (size.ws_col, size.ws_row))
    }

    fn set_raw(&mut self, raw: bool) {
        let stdin = rustix::stdio::stdin();
        // A terminal that is gone has neither mode.
        if !raw {
            if let Some(before) = self.0.take() {
                let _ = tcsetattr(stdin, OptionalActions::Drain, &before);
            }
        } else if let Ok(before) = tcgetattr(stdin) {
            let mut bare = before.clone();
            bare.make_raw();
            let _ = tcsetattr(stdin, OptionalActions::Now, &bare);
            self.0 = Some(before);
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        kubectl::Terminal::set_raw(self, false);
    }
}
