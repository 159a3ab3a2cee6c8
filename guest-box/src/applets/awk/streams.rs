//! What `awk` reads from and writes to beside its input: files and programs, by name.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};

use guest_kit::process::{Child, Command, Pipe, Stdio};

use super::record::Reader;
use super::tree::Redirect;
use crate::applets::Io;

enum Writer {
    File(BufWriter<File>),
    Program(BufWriter<guest_kit::process::Output>, Child),
}

#[derive(Default)]
pub(super) struct Streams {
    writers: BTreeMap<String, Writer>,
    readers: BTreeMap<String, (Reader, Option<Child>)>,
}

fn shell(command: &str) -> Command {
    Command::new("sh").arg("-c").arg(command)
}

impl Streams {
    /// Writes text to a file or a program that is opened when it is new.
    pub(super) fn write(
        &mut self,
        io: &mut Io<'_>,
        redirect: Redirect,
        name: &str,
        text: &str,
    ) -> Result<(), String> {
        let failed = |error: std::io::Error| crate::applets::reason(&error);
        match name {
            "/dev/stdout" | "-" if redirect != Redirect::Pipe => {
                return io.out.write_all(text.as_bytes()).map_err(failed);
            }
            "/dev/stderr" if redirect != Redirect::Pipe => {
                return io.err.write_all(text.as_bytes()).map_err(failed);
            }
            _ => {}
        }
        if !self.writers.contains_key(name) {
            let writer = match redirect {
                Redirect::Pipe => {
                    self.flush(io);
                    let pipe = Pipe::new();
                    let mut command = shell(name);
                    command.stdin = Stdio::Stream(pipe.reader());
                    let writer = BufWriter::new(pipe.writer());
                    let child = command.spawn().map_err(|_| "can't run sh".to_owned())?;
                    Writer::Program(writer, child)
                }
                kind => {
                    let append = kind == Redirect::Append;
                    let file = OpenOptions::new()
                        .create(true)
                        .write(true)
                        .append(append)
                        .truncate(!append)
                        .open(name)
                        .map_err(|error| format!("can't open '{name}': {}", failed(error)))?;
                    Writer::File(BufWriter::new(file))
                }
            };
            self.writers.insert(name.to_owned(), writer);
        }
        match self.writers.get_mut(name) {
            Some(Writer::File(file)) => file.write_all(text.as_bytes()).map_err(failed),
            Some(Writer::Program(pipe, _)) => {
                // A program that has gone no longer listens.
                let _ = pipe.write_all(text.as_bytes());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What a file or the output of a program is read with; nothing when it cannot be opened.
    pub(super) fn reader(
        &mut self,
        io: &mut Io<'_>,
        name: &str,
        program: bool,
    ) -> Option<&mut Reader> {
        if !self.readers.contains_key(name) {
            let opened = if program {
                self.flush(io);
                let pipe = Pipe::new();
                let mut command = shell(name);
                command.stdout = Stdio::Stream(pipe.writer());
                let input = pipe.reader();
                let child = command.spawn().ok()?;
                (Reader::new(Box::new(input)), Some(child))
            } else if name == "-" {
                (Reader::new(Box::new(std::io::stdin())), None)
            } else {
                (Reader::new(Box::new(File::open(name).ok()?)), None)
            };
            self.readers.insert(name.to_owned(), opened);
        }
        self.readers.get_mut(name).map(|(reader, _)| reader)
    }

    /// Closes what has this name; -1 when nothing has.
    pub(super) fn close(&mut self, name: &str) -> i32 {
        let mut status = -1;
        if let Some(writer) = self.writers.remove(name) {
            status = finish(writer);
        }
        if let Some((reader, child)) = self.readers.remove(name) {
            drop(reader);
            status = child.map_or(0, |child| child.wait().status());
        }
        status
    }

    /// Sends on everything that was written.
    pub(super) fn flush(&mut self, io: &mut Io<'_>) {
        // Whoever is gone has nothing to be told.
        let _ = io.out.flush();
        for writer in self.writers.values_mut() {
            let _ = match writer {
                Writer::File(file) => file.flush(),
                Writer::Program(pipe, _) => pipe.flush(),
            };
        }
    }

    /// Closes everything and waits for the programs.
    pub(super) fn close_all(&mut self) {
        for writer in std::mem::take(&mut self.writers).into_values() {
            finish(writer);
        }
        self.readers.clear();
    }

    /// Runs a program to its end.
    pub(super) fn system(&mut self, io: &mut Io<'_>, command: &str) -> i32 {
        self.flush(io);
        shell(command)
            .spawn()
            .map_or(-1, |child| child.wait().status())
    }
}

fn finish(writer: Writer) -> i32 {
    match writer {
        Writer::File(mut file) => i32::from(file.flush().is_err()),
        Writer::Program(mut pipe, child) => {
            let _ = pipe.flush();
            drop(pipe);
            child.wait().status()
        }
    }
}
