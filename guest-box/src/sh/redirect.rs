//! Redirections: where descriptors lead while a command runs.
//!
//! Opens files; never runs a command except those of substitutions in their names.

use std::io;
use std::rc::Rc;

use super::ast::{Redirect, Target};
use super::exec::Status;
use super::fds::Fd;
use super::state::{Flow, Shell};

impl Shell {
    /// Leads descriptors elsewhere; false, after a message, when one of them cannot be.
    pub(crate) fn redirect(&mut self, redirects: &[Redirect]) -> Result<bool, Flow> {
        for redirect in redirects {
            let fd = redirect.fd;
            if fd >= self.fds.len() {
                if fd > 99 {
                    self.complain(&format!("{fd}: Bad file descriptor"));
                    return Ok(false);
                }
                self.fds.resize(fd + 1, None);
            }
            match self.target(&redirect.to, fd)? {
                Ok(target) => {
                    if matches!(redirect.to, Target::Both(_)) {
                        self.fds[2].clone_from(&target);
                    }
                    self.fds[fd] = target;
                }
                Err(message) => {
                    self.complain(&message);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn target(
        &mut self,
        target: &Target,
        number: usize,
    ) -> Result<Result<Option<Rc<Fd>>, String>, Flow> {
        Ok(match target {
            Target::ReadWrite(word) if number == 0 => {
                let name = self.expand_string(word)?;
                let path = self.absolute(&name);
                let opened = self
                    .open_write(&path, false)
                    .and_then(|_| Fd::open_read(path));
                opened
                    .map(Some)
                    .map_err(|error| cannot("create", &name, &error))
            }
            Target::Read(word) => {
                let name = self.expand_string(word)?;
                let opened = Fd::open_read(self.absolute(&name));
                opened
                    .map(Some)
                    .map_err(|error| cannot("open", &name, &error))
            }
            Target::Write(word, force) => {
                let name = self.expand_string(word)?;
                let path = self.absolute(&name);
                let careful = self.options.noclobber && !force;
                if careful && std::path::Path::new(&path).is_file() {
                    return Ok(Err(format!("can't create {name}: File exists")));
                }
                self.written(&name, true)
            }
            Target::ReadWrite(word) | Target::Append(word) => {
                let name = self.expand_string(word)?;
                self.written(&name, false)
            }
            Target::Both(word) => {
                let name = self.expand_string(word)?;
                self.written(&name, true)
            }
            Target::Duplicate(word) => {
                let text = self.expand_string(word)?;
                if text == "-" {
                    return Ok(Ok(None));
                }
                if number == 1 && !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    // As in bash: standard error goes there too.
                    let opened = self.written(&text, true);
                    if let Ok(target) = &opened {
                        self.fds[2].clone_from(target);
                    }
                    return Ok(opened);
                }
                match text.parse::<usize>() {
                    Ok(fd) => match self.fds.get(fd).cloned().flatten() {
                        Some(fd) => Ok(Some(fd)),
                        None => Err(format!("{fd}: Bad file descriptor")),
                    },
                    Err(_) => return Err(self.fail("redir error")),
                }
            }
            Target::Here(body) => {
                let text = match body.get() {
                    Some(word) => self.expand_string(&word.clone())?,
                    None => String::new(),
                };
                self.here(&text)
            }
        })
    }

    fn written(&self, name: &str, truncate: bool) -> Result<Option<Rc<Fd>>, String> {
        let opened = self.open_write(&self.absolute(name), truncate);
        opened
            .map(Some)
            .map_err(|error| cannot("create", name, &error))
    }

    /// Opens a file for writing at its end; a new one gets the mask's permissions.
    fn open_write(&self, path: &str, truncate: bool) -> io::Result<Rc<Fd>> {
        let new = self.umask != 0o022 && !std::path::Path::new(path).exists();
        let fd = Fd::open_write(path.to_owned(), truncate)?;
        if new {
            guest_kit::files::set_mode(path, 0o666 & !self.umask);
        }
        Ok(fd)
    }

    fn here(&self, text: &str) -> Result<Option<Rc<Fd>>, String> {
        let fd = Fd::from_bytes(text.as_bytes(), guest_kit::process::pid());
        fd.map(Some).map_err(|error| error.to_string())
    }

    /// Runs something with its redirections, and takes them back.
    pub(crate) fn redirected(
        &mut self,
        redirects: &[Redirect],
        run: impl FnOnce(&mut Self) -> Status,
    ) -> Status {
        let saved = self.fds.clone();
        let result = match self.redirect(redirects) {
            Ok(true) => run(self),
            Ok(false) => Ok(1),
            Err(flow) => Err(flow),
        };
        self.fds = saved;
        result
    }
}

/// ash's words for a file that cannot be opened.
fn cannot(what: &str, name: &str, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound if what == "open" => "no such file".into(),
        io::ErrorKind::NotFound => "nonexistent directory".into(),
        _ => crate::applets::reason(error),
    };
    format!("can't {what} {name}: {reason}")
}
