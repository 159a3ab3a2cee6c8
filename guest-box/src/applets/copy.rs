//! `cp`, `mv` and `ln`: files at a second place. They never keep owners, which files here do not
//! have; modes and times they do.

use std::fs::{self, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "cp",
        operands: "SOURCE... DEST",
        help: "Copy SOURCEs to DEST",
        flags: &[
            flag('a', "archive", "Same as -dpR"),
            flag('R', "recursive", "Recurse"),
            flag('r', "", "Same as -R"),
            flag('d', "", "Preserve symlinks (default if -R)"),
            flag('P', "no-dereference", "Same as -d"),
            flag('L', "dereference", "Follow all symlinks"),
            flag('H', "", "Follow symlinks on command line"),
            flag('p', "", "Preserve mode and time"),
            flag('f', "force", "Overwrite"),
            flag('i', "interactive", "Prompt before overwrite"),
            flag('n', "no-clobber", "Don't overwrite"),
            flag('l', "link", "Create links"),
            flag('s', "symbolic-link", "Create symlinks"),
            flag(
                'T',
                "no-target-directory",
                "Refuse to copy if DEST is a directory",
            ),
            value('t', "", "DIR", "Copy all SOURCEs into DIR"),
            flag('u', "update", "Copy only newer files"),
            flag('v', "verbose", "Verbose"),
        ],
        run: cp,
    },
    Applet {
        name: "ln",
        operands: "TARGET... LINK|DIR",
        help: "Create a link LINK or DIR/TARGET to the specified TARGET(s)",
        flags: &[
            flag('s', "", "Make symlinks instead of hardlinks"),
            flag('f', "", "Remove existing destinations"),
            flag(
                'n',
                "",
                "Don't dereference symlinks - treat like normal file",
            ),
            flag('b', "", "Make a backup of what is there"),
            value('S', "", "SUF", "Suffix instead of ~ of backups"),
            flag('T', "", "Treat LINK as a file, not DIR"),
            flag('v', "", "Verbose"),
        ],
        run: ln,
    },
    Applet {
        name: "mv",
        operands: "SOURCE... DEST",
        help: "Rename SOURCE to DEST, or move SOURCEs to DIRECTORY",
        flags: &[
            flag('f', "", "Don't prompt before overwriting"),
            flag('i', "", "Interactive, prompt before overwrite"),
            flag('n', "", "Don't overwrite an existing file"),
            flag('T', "", "Refuse to move if DEST is a directory"),
            value('t', "", "DIR", "Move all SOURCEs into DIR"),
            flag('v', "", "Verbose"),
        ],
        run: mv,
    },
];

/// Asks, and whether the answer begins with a y.
pub(super) fn agreed(io: &mut Io<'_>, question: &str) -> Result<bool, Stop> {
    io.out.flush()?;
    write!(io.err, "{}: {question}? ", io.name)?;
    io.err.flush()?;
    let (mut first, mut byte) = (None, [0]);
    // Byte by byte: the rest of the input is for the next question.
    while io.input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        first = first.or(Some(byte[0]).filter(|byte| !byte.is_ascii_whitespace()));
    }
    Ok(matches!(first, Some(b'y' | b'Y')))
}

/// What goes where.
fn pairs(io: &mut Io<'_>, parsed: &Parsed) -> Result<Vec<(String, PathBuf)>, Stop> {
    let (sources, target) = match (parsed.value('t'), parsed.rest.split_last()) {
        (Some(dir), Some(_)) => (parsed.rest.clone(), dir.to_owned()),
        (None, Some((target, sources))) if !sources.is_empty() => {
            (sources.to_vec(), target.clone())
        }
        _ => return Err(io.usage()),
    };
    let is_dir = Path::new(&target).is_dir();
    if parsed.has('T') {
        if sources.len() > 1 {
            return Err(io.usage());
        }
        let source_is_dir = fs::symlink_metadata(&sources[0]).is_ok_and(|found| found.is_dir());
        if is_dir && !(source_is_dir && io.applet.name == "cp") {
            return Err(io.fail(&format!("'{target}' is a directory")));
        }
        return Ok(vec![(sources[0].clone(), target.into())]);
    }
    // One source goes to the name itself, unless one of the two is a directory that is there.
    let source_is_dir = Path::new(&sources[0]).is_dir();
    let inside = sources.len() > 1
        || parsed.has('t')
        || is_dir
        || source_is_dir && Path::new(&target).exists();
    let to = |source: &String| match Path::new(source.trim_end_matches('/')).file_name() {
        Some(name) if inside => Path::new(&target).join(name),
        _ => PathBuf::from(&target),
    };
    Ok(sources
        .iter()
        .map(|source| (source.clone(), to(source)))
        .collect())
}

/// The options of one copy.
struct Copying<'a> {
    parsed: &'a Parsed,
    recurse: bool,
    preserve: bool,
    /// Whether links are followed below the command line.
    follow: bool,
}

fn cp(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let recurse = parsed.has('r') || parsed.has('R') || parsed.has('a');
    let keeps = recurse || parsed.has('d') || parsed.has('P');
    let copying = Copying {
        parsed: &parsed,
        recurse,
        preserve: parsed.has('p') || parsed.has('a'),
        follow: !keeps || parsed.has('L'),
    };
    let mut status = 0;
    for (source, to) in pairs(io, &parsed)? {
        let follow = copying.follow || parsed.has('H');
        status |= copying.copy(io, Path::new(&source), &to, follow)?;
    }
    Ok(status)
}

fn look(path: &Path, follow: bool) -> io::Result<Metadata> {
    if follow {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    }
}

/// Where a path really is; of a link itself when it is not followed.
fn place(path: &Path, follow: bool) -> Option<PathBuf> {
    if follow {
        return fs::canonicalize(path).ok();
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
    Some(parent.join(path.file_name()?))
}

impl Copying<'_> {
    fn copy(&self, io: &mut Io<'_>, from: &Path, to: &Path, follow: bool) -> Outcome {
        let metadata = match look(from, follow) {
            Ok(metadata) => metadata,
            Err(error) => {
                let reason = reason(&error);
                io.complain(&format!("can't stat '{}': {reason}", from.display()));
                return Ok(1);
            }
        };
        let there = look(to, follow);
        if let Err(error) = &there
            && error.kind() == io::ErrorKind::NotADirectory
        {
            let reason = reason(error);
            io.complain(&format!("can't stat '{}': {reason}", to.display()));
            return Ok(1);
        }
        let there = there.ok();
        if there.is_some() && place(from, follow) == place(to, follow) {
            let (from, to) = (from.display(), to.display());
            io.complain(&format!("'{from}' and '{to}' are the same file"));
            return Ok(1);
        }
        if metadata.is_dir() {
            return self.directory(io, from, to, &metadata);
        }
        if there.is_some() || fs::symlink_metadata(to).is_ok() {
            let newer = || {
                let known = there.as_ref().and_then(|there| there.modified().ok());
                known < metadata.modified().ok()
            };
            if self.parsed.has('n') || self.parsed.has('u') && !newer() {
                return Ok(0);
            }
            if self.parsed.last_of("fi") == Some('i')
                && !agreed(io, &format!("overwrite '{}'", to.display()))?
            {
                return Ok(0);
            }
        }
        self.file(io, from, to, &metadata)
    }

    fn directory(&self, io: &mut Io<'_>, from: &Path, to: &Path, metadata: &Metadata) -> Outcome {
        if !self.recurse {
            io.complain(&format!("omitting directory '{}'", from.display()));
            return Ok(1);
        }
        if fs::metadata(to).is_ok_and(|there| !there.is_dir()) {
            io.complain(&format!("target '{}' is not a directory", to.display()));
            return Ok(1);
        }
        let made = !to.is_dir();
        if made && let Err(error) = fs::create_dir(to) {
            let reason = reason(&error);
            io.complain(&format!(
                "can't create directory '{}': {reason}",
                to.display()
            ));
            return Ok(1);
        }
        let target = fs::canonicalize(to).ok();
        let mut status = 0;
        let mut names: Vec<_> = fs::read_dir(from)?
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        for name in names {
            let below = from.join(&name);
            if below.is_dir() && fs::canonicalize(&below).ok() == target {
                let below = below.display();
                io.complain(&format!("recursion detected, omitting directory '{below}'"));
                status = 1;
                continue;
            }
            status |= self.copy(io, &below, &to.join(&name), self.follow)?;
        }
        if made {
            self.keep(from, to, metadata, true);
        }
        self.say(io, from, to)?;
        Ok(status)
    }

    fn file(&self, io: &mut Io<'_>, from: &Path, to: &Path, metadata: &Metadata) -> Outcome {
        let there = fs::symlink_metadata(to).is_ok();
        let link = metadata.file_type().is_symlink();
        if there && (link || self.parsed.has('l') || self.parsed.has('s')) && !to.is_dir() {
            // A link never replaces by itself; what cannot go is said below.
            let _ = fs::remove_file(to);
        }
        let (what, made) = if self.parsed.has('l') {
            ("link", fs::hard_link(from, to))
        } else if self.parsed.has('s') {
            let text = from.to_string_lossy();
            ("symlink", guest_kit::files::symlink(&text, to))
        } else if link {
            let made = fs::read_link(from)
                .and_then(|target| guest_kit::files::symlink(&target.to_string_lossy(), to));
            ("symlink", made)
        } else {
            // Read and written, since not every file system here can copy by itself.
            let bytes = match fs::read(from) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let reason = reason(&error);
                    io.complain(&format!("can't open '{}': {reason}", from.display()));
                    return Ok(1);
                }
            };
            let written = fs::write(to, &bytes).or_else(|error| {
                if !self.parsed.has('f') || to.is_dir() {
                    return Err(error);
                }
                fs::remove_file(to)?;
                fs::write(to, &bytes)
            });
            ("file", written)
        };
        if let Err(error) = made {
            let what = if what == "file" {
                "create".to_owned()
            } else {
                format!("create {what}")
            };
            let reason = reason(&error);
            io.complain(&format!("can't {what} '{}': {reason}", to.display()));
            return Ok(1);
        }
        if what == "file" {
            self.keep(from, to, metadata, !there);
        }
        self.say(io, from, to)?;
        Ok(0)
    }

    fn say(&self, io: &mut Io<'_>, from: &Path, to: &Path) -> Result<(), Stop> {
        if self.parsed.has('v') {
            writeln!(io.out, "'{}' -> '{}'", from.display(), to.display())?;
        }
        Ok(())
    }

    /// Mode and time: all that is asked for, or the mode that a new file gets.
    fn keep(&self, from: &Path, to: &Path, metadata: &Metadata, new: bool) {
        let Some(mode) = guest_kit::files::mode(from) else {
            return;
        };
        if self.preserve {
            // "If possible": what a file system does not keep is left.
            guest_kit::files::set_mode(to, mode);
            let opened = match metadata.is_dir() {
                true => fs::File::open(to),
                false => fs::OpenOptions::new().append(true).open(to),
            };
            if let (Ok(file), Ok(time)) = (opened, metadata.modified()) {
                let _ = file.set_modified(time);
            }
        } else if new {
            guest_kit::files::set_mode(to, mode & 0o755);
        }
    }
}

fn mv(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    for (source, to) in pairs(io, &parsed)? {
        if fs::symlink_metadata(&to).is_ok() {
            match parsed.last_of("fin") {
                Some('n') => continue,
                Some('i') if !agreed(io, &format!("overwrite '{}'", to.display()))? => continue,
                _ => {}
            }
        }
        let moved = match fs::rename(&source, &to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let from = Path::new(&source);
                let all = Parsed::default();
                let copying = Copying {
                    parsed: &all,
                    recurse: true,
                    preserve: true,
                    follow: false,
                };
                if copying.copy(io, from, &to, false)? != 0 {
                    status = 1;
                    continue;
                }
                super::files::remove(from)
            }
            moved => moved,
        };
        if let Err(error) = moved {
            io.complain(&format!("can't rename '{source}': {}", reason(&error)));
            status = 1;
        } else if parsed.has('v') {
            writeln!(io.out, "'{source}' -> '{}'", to.display())?;
        }
    }
    Ok(status)
}

fn ln(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (targets, link) = match parsed.rest.split_last() {
        None => return Err(io.usage()),
        Some((target, [])) => (vec![target.clone()], ".".to_owned()),
        Some((link, targets)) => (targets.to_vec(), link.clone()),
    };
    let link_is_link = fs::symlink_metadata(&link).is_ok_and(|found| found.is_symlink());
    let into = Path::new(&link).is_dir() && !(parsed.has('n') && link_is_link);
    if parsed.has('T') && into {
        return Err(io.fail(&format!("'{link}' is a directory")));
    }
    if targets.len() > 1 && !into {
        return Err(io.usage());
    }
    let mut status = 0;
    for target in targets {
        let base = Path::new(target.trim_end_matches('/')).file_name();
        let to = match base {
            Some(base) if into => Path::new(&link).join(base),
            _ => PathBuf::from(&link),
        };
        let shown = to.display();
        if parsed.has('b') && fs::symlink_metadata(&to).is_ok() {
            let backup = format!("{shown}{}", parsed.value('S').unwrap_or("~"));
            if let Err(error) = fs::rename(&to, &backup) {
                io.complain(&format!("{shown}: {}", reason(&error)));
                status = 1;
                continue;
            }
        } else if parsed.has('f') {
            // What is not there need not go.
            let _ = fs::remove_file(&to);
        }
        let made = if parsed.has('s') {
            guest_kit::files::symlink(&target, &to)
        } else {
            fs::hard_link(&target, &to)
        };
        match made {
            Err(error) => {
                let missing = error.kind() == io::ErrorKind::NotFound && !parsed.has('s');
                let about = match missing && !Path::new(&target).exists() {
                    true => target,
                    false => shown.to_string(),
                };
                io.complain(&format!("{about}: {}", reason(&error)));
                status = 1;
            }
            Ok(()) if parsed.has('v') => writeln!(io.out, "'{shown}' -> '{target}'")?,
            Ok(()) => {}
        }
    }
    Ok(status)
}
