//! Where bodies and words go: standard output, files, verbose lines.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::failure::Failure;

/// The target of one transfer's body.
#[derive(Debug)]
pub(crate) struct Sink {
    /// Standard output when there is none.
    pub(crate) path: Option<String>,
    create_dirs: bool,
    file: Option<File>,
}

impl Sink {
    pub(crate) fn new(path: Option<String>, create_dirs: bool) -> Self {
        Self {
            path,
            create_dirs,
            file: None,
        }
    }

    /// Writes; a file comes into being with its first byte.
    pub(crate) fn write(&mut self, bytes: &[u8], silent: bool) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let failed = || Failure::new(23, "Failure writing output to destination");
        match &self.path {
            None => {
                let mut stdout = io::stdout();
                stdout
                    .write_all(bytes)
                    .and_then(|()| stdout.flush())
                    .map_err(|_| failed())
            }
            Some(path) => {
                if self.file.is_none() {
                    self.file = Some(create(path, self.create_dirs).map_err(|error| {
                        if !silent {
                            warn(&format!(
                                "Failed to open the file {path}: {}",
                                words(&error)
                            ));
                        }
                        failed()
                    })?);
                }
                self.file
                    .as_mut()
                    .map_or(Ok(()), |file| file.write_all(bytes))
                    .map_err(|_| failed())
            }
        }
    }

    /// An answer without a body leaves an empty file, as in curl.
    pub(crate) fn finish(&mut self) {
        if let (Some(path), None) = (&self.path, &self.file) {
            self.file = create(path, self.create_dirs).ok();
        }
    }
}

fn create(path: &str, create_dirs: bool) -> io::Result<File> {
    if create_dirs && let Some(folder) = Path::new(path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::create(path)
}

fn words(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory",
        io::ErrorKind::PermissionDenied => "Permission denied",
        io::ErrorKind::IsADirectory => "Is a directory",
        io::ErrorKind::NotADirectory => "Not a directory",
        io::ErrorKind::ReadOnlyFilesystem => "Read-only file system",
        _ => "Input/output error",
    }
}

/// A line on standard error.
pub(crate) fn tell(line: &str) {
    // Nobody is left to hear that standard error is gone.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A warning on standard error.
pub(crate) fn warn(text: &str) {
    tell(&format!("Warning: {text}"));
}

/// What `-v` tells, and nothing without it.
#[derive(Debug)]
pub(crate) struct Verbose {
    on: bool,
    /// Bodies are announced only where they are not seen anyway.
    announce: bool,
    announced: bool,
}

impl Verbose {
    pub(crate) fn new(on: bool) -> Self {
        Self {
            on,
            announce: !io::stdout().is_terminal(),
            announced: false,
        }
    }

    pub(crate) fn info(&mut self, text: &str) {
        self.line('*', text);
    }

    /// A line of a head, sent (`>`) or received (`<`).
    pub(crate) fn line(&mut self, sign: char, text: &str) {
        self.announced = false;
        if self.on {
            let end = if sign == '*' { "" } else { "\r" };
            tell(&format!("{sign} {text}{end}"));
        }
    }

    /// Bytes of a body, sent (`}`) or received (`{`); told once until another line comes.
    pub(crate) fn data(&mut self, sign: char, count: usize) {
        if self.on && self.announce && !self.announced && count > 0 {
            tell(&format!("{sign} [{count} bytes data]"));
            self.announced = true;
        }
    }
}
