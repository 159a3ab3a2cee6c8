//! Where bodies go: standard output or files. It knows nothing of transfers.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::failure::Failure;
use crate::files::words;
use crate::voice::Voice;

/// How many bytes are looked at before they reach a terminal.
const LOOK: usize = 2000;
/// How many other names are tried for a file that must not be overwritten.
const NAMES: u32 = 100;

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) create_dirs: bool,
    /// Go on where the file ends.
    pub(crate) append: bool,
    /// Never overwrite: another name, or failure for a name that a server gave.
    pub(crate) no_clobber: bool,
    pub(crate) fail_if_there: bool,
}

/// The target of one transfer's body.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    /// Standard output when there is none.
    pub(crate) path: Option<String>,
    pub(crate) opening: Opening,
    /// Whether binary bytes may reach a terminal.
    pub(crate) careless: bool,
    voice: &'a Voice,
    file: Option<File>,
    pub(crate) written: u64,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(path: Option<String>, opening: Opening, voice: &'a Voice) -> Self {
        Self {
            path,
            opening,
            careless: false,
            voice,
            file: None,
            written: 0,
        }
    }

    fn failed() -> Failure {
        Failure::new(23, "Failure writing output to destination")
    }

    /// Writes; a file comes into being with its first byte.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let outcome = if self.path.is_none() {
            let mut stdout = io::stdout();
            let look = &bytes[..bytes.len().min(LOOK)];
            if self.written == 0 && !self.careless && look.contains(&0) && stdout.is_terminal() {
                self.voice.warn(
                    "Binary output can mess up your terminal. Use \"--output -\" to tell curl to \
                     output it to your terminal anyway, or consider \"--output <FILE>\" to save to \
                     a file.",
                );
                return Err(Self::failed());
            }
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        } else {
            self.open()?;
            match &mut self.file {
                Some(file) => file.write_all(bytes),
                None => Ok(()),
            }
        };
        self.written += bytes.len() as u64;
        outcome.map_err(|_| Self::failed())
    }

    /// Makes the file if it is not there yet.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        if self.file.is_some() {
            return Ok(());
        }
        let Some(path) = self.path.clone() else {
            return Ok(());
        };
        match self.create(&path) {
            Ok((file, path)) => {
                self.file = Some(file);
                self.path = Some(path);
                Ok(())
            }
            Err(error) => {
                let reason = words(&error);
                self.voice
                    .warn(&format!("Failed to open the file {path}: {reason}"));
                Err(Self::failed())
            }
        }
    }

    fn create(&self, path: &str) -> io::Result<(File, String)> {
        if self.opening.create_dirs
            && let Some(folder) = Path::new(path).parent()
        {
            std::fs::create_dir_all(folder)?;
        }
        let new = |path: &str| File::options().write(true).create_new(true).open(path);
        let file = if self.opening.append {
            File::options().append(true).create(true).open(path)?
        } else if self.opening.no_clobber {
            let other = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
            let mut name = path.to_owned();
            let mut outcome = new(path);
            for number in 1..=NAMES {
                if !outcome.as_ref().err().is_some_and(other) {
                    break;
                }
                name = format!("{path}.{number}");
                outcome = new(&name);
            }
            return Ok((outcome?, name));
        } else if self.opening.fail_if_there {
            new(path)?
        } else {
            File::create(path)?
        };
        Ok((file, path.to_owned()))
    }

    /// Takes back what was written to the file; how much it was.
    pub(crate) fn throw_away(&mut self) -> u64 {
        let Some(file) = &self.file else {
            return 0;
        };
        // A file that cannot be cut short keeps what it has.
        let _ = file.set_len(0);
        if let (Some(path), false) = (&self.path, self.opening.append) {
            self.file = File::create(path).ok();
        }
        std::mem::take(&mut self.written)
    }

    /// Removes the file.
    pub(crate) fn remove(&mut self) {
        if let (Some(path), Some(_)) = (&self.path, self.file.take()) {
            match std::fs::remove_file(path) {
                Ok(()) => self.voice.note(&format!("Removed output file: {path}")),
                Err(_) => self.voice.warn(&format!("Failed removing: {path}")),
            }
        }
    }
}
