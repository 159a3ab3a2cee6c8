//! What curl says to people: errors and warnings, on standard error or where `--stderr` sends them.
//! It never decides what is worth saying.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};

/// The width warnings are broken at, their prefix counted.
const WIDTH: usize = 79;

/// Where words go, and whether any do.
#[derive(Debug, Default)]
pub struct Voice {
    pub(crate) silent: Cell<bool>,
    pub(crate) show_error: Cell<bool>,
    pub(crate) verbose: Cell<bool>,
    /// The file of `--stderr`; standard error when there is none.
    file: RefCell<Option<File>>,
    to_stdout: Cell<bool>,
}

impl Voice {
    /// What is said from now on goes to this file; `-` is standard output.
    pub(crate) fn redirect(&self, path: &str) {
        if path == "-" {
            self.to_stdout.set(true);
            return;
        }
        match File::create(path) {
            Ok(file) => *self.file.borrow_mut() = Some(file),
            Err(_) => self.warn(&format!("Failed to open {path}!")),
        }
    }

    /// Bytes as they are.
    pub(crate) fn write(&self, bytes: &[u8]) {
        // Nobody is left to hear that standard error is gone.
        let _ = match &mut *self.file.borrow_mut() {
            Some(file) => file.write_all(bytes),
            None if self.to_stdout.get() => io::stdout().write_all(bytes),
            None => io::stderr().write_all(bytes),
        };
    }

    /// One line.
    pub(crate) fn tell(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// A line after `curl: `, unless nothing is to be heard.
    pub(crate) fn error(&self, text: &str) {
        if !self.silent.get() || self.show_error.get() {
            self.tell(&format!("curl: {text}"));
        }
    }

    /// A line that is not heard when silent.
    pub(crate) fn note_plain(&self, text: &str) {
        if !self.silent.get() {
            self.tell(text);
        }
    }

    /// A note; broken into lines, and heard when much is told.
    pub(crate) fn note(&self, text: &str) {
        if !self.silent.get() && self.verbose.get() {
            self.broken("Note: ", text);
        }
    }

    /// A warning; broken into lines, and not heard when silent.
    pub(crate) fn warn(&self, text: &str) {
        if !self.silent.get() {
            self.broken("Warning: ", text);
        }
    }

    /// Lines are cut after their last blank that fits, which stays at their end, as in curl.
    fn broken(&self, prefix: &str, text: &str) {
        let width = WIDTH - prefix.len();
        let mut rest = text.as_bytes();
        loop {
            // curl counts the end of the line too.
            if rest.len() < width {
                self.write(&[prefix.as_bytes(), rest, b"\n"].concat());
                return;
            }
            let cut = (1..width)
                .rev()
                .find(|at| matches!(rest[*at], b' ' | b'\t'))
                .unwrap_or(width - 1);
            self.write(&[prefix.as_bytes(), &rest[..=cut], b"\n"].concat());
            rest = &rest[cut + 1..];
        }
    }
}
